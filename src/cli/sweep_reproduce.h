/* sweep_reproduce.h - what a sweep does about each different finding at its end: the run that showed it is made again
 * and graded, its plan is made smaller and, with --plans, saved (reproduce.h).
 *
 * Findings are given to workers as runs are, one finding a job. A finding whose first run does not show it again is
 * tried with the next that had it, a few times. Time is limited, for a finding and for all: what is not done then has
 * no grade.
 */
#ifndef VDIFAULT_SWEEP_REPRODUCE_H
#define VDIFAULT_SWEEP_REPRODUCE_H

#include "sweep.h"

/* Fills "grade", "plan", "minimised" and "repeat" of the report's findings. What ends it early is in
 * sweep->pool.interrupted and sweep->error. */
void sweep_reproduce(struct sweep *sweep, json_t *report);

/* In a worker: the job of finding number run->finding - 1. An object to be merged into that, with "seen": in how many
 * runs; NULL: a signal has ended it, or there is no memory. */
json_t *sweep_reproduce_one(struct sweep_work *work, const struct sweep_run *run);

#endif
