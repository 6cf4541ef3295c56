/* floors.h - the same things without us: the least that two processes can do to tell each other something, or to
 * hand bytes over. Each is a struct bench_contestant's run, with the load's processors, sizes and depth. */
#ifndef BENCH_FLOORS_H
#define BENCH_FLOORS_H

#include "bench.h"

/* Round trips: one wake each way. */
int64_t floor_spin_round_trips(const struct bench_load *load);  /* spin, then futex */
int64_t floor_futex_round_trips(const struct bench_load *load); /* futex only */

/* Transfers: the producer copies every byte in, the consumer copies every byte out. */
int64_t floor_spin_ring(const struct bench_load *load);
int64_t floor_semaphore_ring(const struct bench_load *load);
int64_t floor_pipe(const struct bench_load *load);
int64_t floor_memcpy(const struct bench_load *load); /* one process, one copy */

#endif
