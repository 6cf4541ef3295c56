/* trial.h - one pass of the client under a plan, judged: what `run` makes one or two of, and whatever tries many
 * plans (a sweep, minimising, grading) many.
 *
 * A bench is what all passes of a process share: the checks and look-ups that are made once, the signals, the symbols
 * of the client's modules. From its opening to its closing the process's signals come through a descriptor and it
 * reaps what its children orphan, so that there is one bench in a process. Errors: in words, in bench->error, and in
 * verdict.why for a pass that shows nothing. Threads: one.
 */
#ifndef VDIFAULT_TRIAL_H
#define VDIFAULT_TRIAL_H

#include <signal.h>

#include "session.h"
#include "verdict.h"

struct trial_bench {
    struct parts parts;
    struct client_file client;
    char library[RUN_PATH_MAX]; /* libsqlvdi.so that the client finds by itself */
    struct as_user user;
    struct session_setup setup;
    struct symbols *symbols;
    struct spare spare; /* of a process that inherited the bench */
    struct fork_server fork_server;
    struct tds tds;
    sigset_t old_mask;
    bool masked;
    char error[SESSION_MESSAGE_MAX];
};

/* `options` must outlive the bench. 0, or -1 with bench->error filled; close it in either case. */
int trial_bench_open(struct trial_bench *bench, const struct run_options *options);
/* In a process forked from the bench's owner: the copy is a bench of its own, whose passes use one
 * folder one after another. 0, or -1 with bench->error filled; leave it before the end. */
int trial_bench_inherit(struct trial_bench *bench);
/* From here on passes leave a copy of the client behind, and are continued from it. */
void trial_bench_fork(struct trial_bench *bench);
void trial_bench_leave(struct trial_bench *bench);
void trial_bench_close(struct trial_bench *bench);

/* Large, and must stay where it is: for the heap. */
struct trial {
    struct plan plan;
    struct session
        session; /* .record has the events, .interrupted the signal that ended it, .error why there was none */
    uint64_t started;       /* microseconds since 1970 */
    struct verdict verdict; /* once judged: .status as an exit status of `run`, .judgement, .why */
};

/* The pass alone; then the judgement of it, 0 or errno. `repeat` is the command that repeats the pass. End the trial
 * in every case. */
void trial_pass(struct trial *trial, const struct trial_bench *bench, const struct plan *plan);
int trial_judge(struct trial *trial, struct trial_bench *bench, const char *repeat);
void trial_end(struct trial *trial);

/* The report of a judged trial: the caller's. 0 or errno. */
int trial_value(const struct trial *trial, struct json_t **value);

#endif
