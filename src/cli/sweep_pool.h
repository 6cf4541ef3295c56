/* sweep_pool.h - worker processes that make the runs of a sweep.
 *
 * Each worker is a fork of the sweep, with a bench of its own: what a run breaks in its runner is gone with it. A
 * worker that dies gives a failed run, and another one takes its place; what it left behind is removed. A worker ends
 * with the sweep, whatever happens to that, and cleans up when a signal ends it.
 *
 * Ownership: the pool's until sweep_pool_close, which ends all workers. Errors: a worker that cannot be
 * started is none. Threads: one.
 */
#ifndef VDIFAULT_SWEEP_POOL_H
#define VDIFAULT_SWEEP_POOL_H

#include <sys/types.h>

#include "sweep_work.h"

enum {
    SWEEP_JOBS_MAX = 256
};

struct sweep_worker {
    pid_t pid; /* 0: none */
    int socket;
    bool busy;
    int64_t deadline_ns;  /* of its run */
    struct sweep_run run; /* when busy */
};

struct sweep_pool {
    struct sweep_work *work;
    int signals; /* of the bench */
    uint32_t jobs;
    int interrupted; /* the signal that ends the sweep; 0 none */
    struct sweep_worker workers[SWEEP_JOBS_MAX];
};

void sweep_pool_open(struct sweep_pool *pool, struct sweep_work *work, uint32_t jobs);
void sweep_pool_close(struct sweep_pool *pool);

/* Gives a run to a worker that is free: false: none is. */
bool sweep_pool_give(struct sweep_pool *pool, const struct sweep_run *run);
bool sweep_pool_is_busy(const struct sweep_pool *pool);

/* Waits up to the timeout for what workers have done: calls `take` for each run that is finished, with an object that
 * becomes its. Sets pool->interrupted when a signal says so. */
typedef void sweep_take(void *context, const struct sweep_run *run, json_t *object);
void sweep_pool_wait(struct sweep_pool *pool, int timeout_ms, sweep_take *take, void *context);

#endif
