/* mutate.h - makes another scenario out of one, or of two: what a fuzzing engine calls in place of its own guesses.
 *
 * Calls are inserted, deleted, repeated, swapped and moved; arguments become boundary values of their types; actors,
 * flags and the setting change. What is inserted mostly makes sense where it stands (outlook.h), and sometimes does
 * not. Ways lead on at once: to both sides being Active, through a transfer, an error and its ClearError, to the end,
 * and to the same set again.
 *
 * Pure: what comes out depends on the input, the seed and the limits alone. No allocation, no I/O; any thread.
 */
#ifndef VDIFAULT_MUTATE_H
#define VDIFAULT_MUTATE_H

#include "scenario.h"

/* What may be put in, besides calls; bits. What is there already stays, whatever it is. */
enum mutate_scope {
    MUTATE_WORLD = 1,    /* processes die and stand still, the clock moves, memory runs out */
    MUTATE_WRITES = 2,   /* into shared memory */
    MUTATE_SCHEDULE = 4, /* schedules and switches */
    MUTATE_ALL = MUTATE_WORLD | MUTATE_WRITES | MUTATE_SCHEDULE
};

struct mutate_limits {
    uint32_t lines; /* 1 to SCENARIO_LINES_MAX: not more than those after it; more are cut off */
    uint32_t scope; /* enum mutate_scope */
};

void scenario_mutate(struct scenario *scenario, uint64_t seed, const struct mutate_limits *limits);
/* *child is neither *a nor *b. */
void scenario_cross(const struct scenario *a, const struct scenario *b, uint64_t seed,
                    const struct mutate_limits *limits, struct scenario *child);

/* The same as engines want it (LLVMFuzzerCustomMutator, LLVMFuzzerCustomCrossOver, afl_custom_fuzz): from either form
 * of a scenario to the binary one. Return the length of what was made, at most max_size; where not even the setting fits, nothing is
 * made: 0 or the length that there was. */
size_t scenario_mutate_bytes(uint8_t *bytes, size_t length, size_t max_size, uint64_t seed, uint32_t scope);
size_t scenario_cross_bytes(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length,
                            uint8_t *child, size_t max_size, uint64_t seed, uint32_t scope);

#endif
