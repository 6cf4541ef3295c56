/* sweep_plan.h - which runs a sweep makes, and in which order (design 4.3).
 *
 * Every site of the clean run with every fault that is legal there, each kind with the arguments its row names, once
 * and (unless that means nothing) from there on. Of the arrivals at a site those from a new call stack are all tried,
 * of a repeated stack some. What cannot happen at an arrival, as the clean run shows, is left out.
 *
 * Order: the n-th run of every kind before the (n+1)-th of any, heavier kinds first, a kind's own runs over all sites
 * before the finer ones. A run's id is its place in that order: the same for the same client and options, whatever
 * part of the runs a shard makes, in whatever order. The id of a pair is computed from that of its first fault: the
 * second is put where the run with the first one alone got after it had fired, at the next arrival there.
 *
 * Ownership: the plan owns its list. Errors: 0 or ENOMEM. Threads: one.
 */
#ifndef VDIFAULT_SWEEP_PLAN_H
#define VDIFAULT_SWEEP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "sweep_sites.h"

enum {
    SWEEP_FAULTS_MAX = 2,
    SWEEP_KEY_MAX = SWEEP_FAULTS_MAX * (FAULT_TEXT_MAX + 2) + 64,
    SWEEP_USUAL = -1 /* no dialect */
};

/* One run. */
struct sweep_run {
    uint32_t id;
    uint32_t fault_count; /* 0: under a dialect alone */
    struct fault faults[SWEEP_FAULTS_MAX];
    int32_t dialect;  /* enum dialect_choice or SWEEP_USUAL */
    uint32_t finding; /* from 1: not the run, but what reproduces this finding of it; 0: the run */
};

struct sweep_plan {
    struct sweep_run *runs; /* by id */
    size_t count;
};

struct sweep_choice {
    uint32_t per_stack; /* arrivals tried of one call stack, from 1 */
    uint64_t kinds;     /* of faults, a bit each; 0: all */
    bool hostile;
    bool guard; /* on: touches are seen */
};

/* Appends the runs of one clean run's sites. */
int sweep_plan_add(struct sweep_plan *plan, const struct sweep_sites *sites,
                   const struct sweep_choice *choice, int32_t dialect);
/* Appends the run under a dialect without a fault. */
int sweep_plan_add_dialect(struct sweep_plan *plan, int32_t dialect);
void sweep_plan_free(struct sweep_plan *plan);

/* The pairs that begin with `first`, a run of one fault: the second fault at each of `later`, where its run got
 * after the fault, likeliest first; ids first->id + singles, + 2 * singles, ... below `end`. Appends. */
int sweep_plan_add_pairs(struct sweep_plan *pairs, const struct sweep_run *first,
                         const struct sweep_sites *later, const struct sweep_choice *choice, uint32_t singles,
                         uint32_t end);

struct sweep_shard {
    uint32_t index; /* from 1 */
    uint32_t count; /* 0: not sharded */
};
bool sweep_shard_has(const struct sweep_shard *shard, uint32_t id);

/* `order` gets the numbers 0 to count - 1: as they are, or shuffled by the seed. */
void sweep_order(uint32_t *order, size_t count, bool shuffle, uint64_t seed);

/* "abort@Write#2:0; early-close@Close [close-open:noerror]". Returns as snprintf. */
int sweep_run_key(const struct sweep_run *run, char *text, size_t size);
/* "Write#2:0", with "+" and "/op" where they say something. Returns as snprintf. */
int sweep_site_text(const struct fault_site *site, char *text, size_t size);
/* "close-open:noerror"; NULL: the usual readings. The text is overwritten by the next call. */
const char *sweep_dialect_text(int32_t dialect, char *text, size_t size);

#endif
