/* hang.h - when a run is stuck (design 4.5, "Hangs").
 *
 * Certain: each thread of each process of the client is in a VDI call without time limit or in a wait of the
 * kernel without one, no timer is set, no process of the simulated server can go on by itself, and all of
 * that is the same in two samples at least HANG_SAMPLE_MS apart with no event between them. Helpers of
 * --before and all other processes of the machine may do anything: what they could end (a pipe that one of
 * them holds, a futex in shared memory, a wait for a signal) is no such wait. Everything that is not known to be such a
 * wait counts as able to act, so that a slow client is never called hung here. Patience: no progress for so long by the
 * run's clock, while the client's processes are not computing either. It begins when a fault that takes time is over:
 * what is only late comes.
 *
 * Errors: what cannot be read counts as able to act.
 */
#ifndef VDIFAULT_HANG_H
#define VDIFAULT_HANG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "record.h"
#include "runstate.h"
#include "waits.h"

enum {
    HANG_OBSTACLE_MAX = 160,
    HANG_SAMPLE_MS = 500,
    /* A server process that died wakes its clients within a second (spec 9.6): not stuck before that. */
    HANG_AFTER_DEATH_MS = 1500,
    HANG_BUSY_CALLS = 20000,
};

/* Where to look. */
struct hang_scope {
    const char *proc_root; /* PROC_ROOT but for tests */
    pid_t runner;
    pid_t client;
    const struct fork_server *fork_server; /* its copy is nobody's; or NULL */
    const char *token;                     /* of the run: marks its helpers */
    const char *stand_in;                  /* /proc/PID/exe of the simulated server's processes */
    const char *sql_server;                /* ... of those of --tds; NULL: there are none */
    const char *own_pipe;          /* "pipe:[N]" of --stdin hold, that the runner never writes; or NULL */
    const struct run_state *state; /* the run's clock; NULL: the system's, as for the next one */
    const struct run_waits *waits;
    bool observe; /* nothing is known of the server: only the time limit ends the run */
};

struct hang_sample {
    bool stuck;
    bool
        waits; /* nobody can act before `deadline`: a thread that is not stuck is in a wait of scope->waits */
    bool runs; /* somebody was not asleep */
    bool
        in_library; /* somebody waits in the VDI library, which looks after its server by the system's clock */
    int64_t deadline;     /* by the run's clock; RUN_WAIT_FOREVER */
    int64_t exact;        /* the earliest one that may not be passed (hang_lateness) */
    uint64_t fingerprint; /* of who waits where; equal samples have equal ones */
    uint64_t activity;    /* where both samples wait and this is equal, nobody has acted in between */
    char obstacle[HANG_OBSTACLE_MAX]; /* the first who may act at a time that we do not know; "": nobody */
    uint64_t cpu_ticks;               /* of all the client's processes */
    char *text;                       /* who waits for what; malloc'd */
};
/* ns by the run's clock, which is the system's as long as nobody has moved it on. */
int64_t hang_now(const struct hang_scope *scope);
/* ns by which waits shorter than that may end late: nothing at first, after many waits without progress a small part of
 * the time without it, but never beyond the end of a fault that takes time. Who asks every second whether an hour has passed gets longer seconds in the end, as on a busy
 * machine; who waits for an hour, an hour. */
int64_t hang_lateness(const struct hang_scope *scope, const struct record *record);
/* Of a run that goes on this is mostly true, and costs a hundredth of a sample, in which somebody would run, too. False:
 * only a sample can tell. */
bool hang_somebody_runs(const struct hang_scope *scope, const struct record *record);
/* 0 or errno. */
int hang_sample_take(const struct hang_scope *scope, const struct record *record, struct hang_sample *sample);

struct hang_watch {
    struct hang_scope scope;
    int64_t start_ns;
    int64_t step_ns; /* when the last step or pause was */
    int64_t timeout_ms;
    int64_t patience_ms;
    int64_t quiet_ns; /* since when no event came */
    uint64_t taken;   /* record->taken then */
    int64_t sample_ns;
    struct hang_sample sample; /* the last one, `stuck` false if none counts */
    int64_t
        work_ns;    /* by the run's clock: when the client's processes were last seen computing, or started */
    int64_t cpu_ns; /* of the last look at processor time */
    uint64_t cpu_ticks;
    uint64_t cpu_idle_calls;
    int64_t death_ns; /* when a process of the run last ended */
    char *text;       /* of the verdict; malloc'd */
};

void hang_watch_init(struct hang_watch *watch, const struct hang_scope *scope, int64_t timeout_ms,
                     int64_t patience_ms);
void hang_watch_free(struct hang_watch *watch);
/* Somebody has stopped the client: the time since the last step, or pause, does not count. */
void hang_watch_pause(struct hang_watch *watch, struct record *record);
/* When, by the run's clock, patience ends if nothing happens before. */
int64_t hang_patience_end(const struct hang_watch *watch, const struct record *record);
/* 0 while the run may go on, else an enum hang_reason with watch->text filled. */
int hang_watch_step(struct hang_watch *watch, const struct record *record);

#endif
