/* ours.h - a virtual device set between two processes, through the functions a client and the server use. Each
 * is a struct bench_contestant's run: round trips (Flush, one outstanding) if the load's size is 0, else backup
 * transfers (Write, BENCH_DEPTH outstanding, a client thread a device that copies every byte). */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "bench.h"

int64_t ours_spin(const struct bench_load *load);     /* waiting by spin, then futex */
int64_t ours_blocking(const struct bench_load *load); /* waiting by futex only */
int64_t ours_stepping(
    const struct bench_load *load); /* as ours_spin, but the server does the agent's rounds */

#endif
