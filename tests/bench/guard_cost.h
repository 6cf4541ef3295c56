/* guard_cost.h - granting and revoking a buffer as inject/ does (design 4.6). Each is a struct bench_contestant's run,
 * in one process; the load's size is the buffer's. */
#ifndef BENCH_GUARD_COST_H
#define BENCH_GUARD_COST_H

#include "bench.h"

int64_t guard_of_write(const struct bench_load *load);        /* read-only */
int64_t guard_of_read(const struct bench_load *load);         /* read-write */
int64_t guard_of_read_by_copy(const struct bench_load *load); /* copied in and back */
int64_t guard_of_nothing(const struct bench_load *load);      /* the touches alone */

#endif
