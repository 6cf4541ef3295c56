/* bench.h - what the benchmarks share: two processes on chosen processors, and groups of contestants that run
 * in turn and are printed as ratios.
 *
 * A group is one thing done in several ways under one load. Its first contestant is ours; the others are what
 * it is measured against. Contestants run in turn (A B C A B C ...), so that whatever else the machine does
 * meanwhile meets all of them; a ratio is the median of the ratios within one turn.
 *
 * Nothing here passes or fails by time: whether an aim is reached is printed, no more.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum {
    BENCH_CPU_ANY = -1,
    BENCH_DEVICES_MAX = 4,
    BENCH_DEPTH = 4, /* transfers outstanding on a device */
    BENCH_CONTESTANTS_MAX = 5,
    BENCH_TURNS_MAX = 101
};

struct bench_load {
    uint32_t rounds;  /* round trips, transfers on each device, or runs */
    uint32_t size;    /* bytes a transfer; 0: round trips */
    uint32_t devices; /* 0 counts as 1 */
    int cpus[2];      /* where the server and the client run, or BENCH_CPU_ANY */
    uint32_t burners; /* processes that do nothing but use a processor */
};

struct bench_contestant {
    const char *name;
    /* One run, in a process of its own that is the server; nanoseconds for all of it, or 0: it could not be done (said
     * on stderr). */
    int64_t (*run)(const struct bench_load *load);
    /* For the ratio of ours to this one; 0: none. Times: at most; rates: at least; costs: what ours may add. */
    double aim;
};

/* What a group's figures are, and so how they compare. */
enum bench_figure {
    BENCH_ROUND_TIME, /* nanoseconds a round trip */
    BENCH_CALL_COST,  /* nanoseconds a call, compared by difference and a tenth of a nanosecond exact */
    BENCH_BYTE_RATE,  /* MB/s of load.size transfers */
    BENCH_RUN_RATE,   /* rounds a second */
};

struct bench_group {
    char title[96];
    enum bench_figure figure;
    struct bench_load load;
    struct bench_contestant contestants[BENCH_CONTESTANTS_MAX];
};

/* Runs a group `turns` times and prints it, to `json`, too, unless NULL. False: a contestant failed. */
bool bench_run(const struct bench_group *group, uint32_t turns, FILE *json);

/* --- two processes --- */

int64_t bench_now(void);
/* The first two processors we may use; the same one twice if there is only one. */
void bench_processors(int cpus[2]);

/* Rounds that are run before the clock starts. */
uint32_t bench_warm_up(const struct bench_load *load);
/* `size` bytes of nothing special, touched; the caller frees them. NULL: no memory. */
uint8_t *bench_source(size_t size);

/* A child that runs `body` on `cpu` and exits with its result; it dies with us. -1: could not be started. */
pid_t bench_fork(int (*body)(void *), void *argument, int cpu);
bool bench_join(pid_t child); /* true: it returned 0 */
void bench_kill(pid_t child);

/* Zeroed memory shared with children, mapped and touched. NULL: none. */
void *bench_share(size_t size);
void bench_unshare(void *memory, size_t size);

#endif
