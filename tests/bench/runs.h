/* runs.h - whole runs of a reference client's backup, one after another: each is a struct bench_contestant's run, a
 * round a run of the client. */
#ifndef RUNS_H
#define RUNS_H

#include "bench.h"

/* As a sweep's worker makes and judges its runs, with a fault that fires and after which the client goes on to the end
 * of its data: the same bytes as without one. */
int64_t runs_faulted(const struct bench_load *load);

/* The same, each run continued from a copy of the client (--fork-server on). */
int64_t runs_forked(const struct bench_load *load);

/* The client and the simulated server alone: no interposer, nobody who watches or judges. */
int64_t runs_bare(const struct bench_load *load);

#endif
