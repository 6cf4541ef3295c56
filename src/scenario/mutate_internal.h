/* mutate_internal.h - the parts of the mutator: chance, and making lines (mutate_lines.c). */
#ifndef VDIFAULT_MUTATE_INTERNAL_H
#define VDIFAULT_MUTATE_INTERNAL_H

#include "mutate.h"

struct mutation {
    uint64_t random;
    struct mutate_limits limits;
    struct scenario *scenario;
};

/* Below `below`, which is not 0. */
uint32_t mutation_draw(struct mutation *mutation, uint32_t below);
uint64_t mutation_draw64(struct mutation *mutation);
/* One time in so many. */
static inline bool mutation_chance(struct mutation *mutation, uint32_t times)
{
    return mutation_draw(mutation, times) == 0;
}

/* Puts lines before the place, as many of them as there is room for. */
void mutation_insert(struct mutation *mutation, uint32_t at, const struct scenario_line *lines,
                     uint32_t count);
void mutation_remove(struct mutation *mutation, uint32_t at, uint32_t count);

/* A line that makes sense at the place, mostly. */
void mutation_insert_sense(struct mutation *mutation, uint32_t at);
/* Any line that the limits allow. */
void mutation_insert_any(struct mutation *mutation, uint32_t at);
/* Lines that lead on from the place. */
void mutation_insert_way(struct mutation *mutation, uint32_t at);
/* The way to Active. */
void mutation_insert_active(struct mutation *mutation, uint32_t at);

/* Gives one of the line's arguments another value, mostly one at which something changes. False: it has none. */
bool mutation_change_argument(struct mutation *mutation, struct scenario_line *line);
/* Another verb that the limits allow, of the same process. */
void mutation_change_verb(struct mutation *mutation, struct scenario_line *line);

#endif
