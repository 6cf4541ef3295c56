/* session.h - one pass over the client: its scratch folder, its processes, its events.
 *
 * Responsible for: making and removing everything a pass needs; supervising it to its end (supervise.c).
 * `run` makes one pass, or two when a fault's "#last" must be resolved from a clean one first. Not
 * responsible for: verdicts and reports (run.c). Threads: one; the session belongs to its maker.
 */
#ifndef VDIFAULT_SESSION_H
#define VDIFAULT_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "as_user.h"
#include "client_file.h"
#include "environment.h"
#include "fork_server.h"
#include "hang.h"
#include "output_watch.h"
#include "parts.h"
#include "record.h"
#include "run_options.h"
#include "rundir.h"
#include "runstate.h"
#include "spare.h"
#include "sql.h"
#include "tds.h"
#include "time_watch.h"

enum {
    SESSION_MESSAGE_MAX = 512
};

/* What a session is given. */
struct session_setup {
    const struct run_options *options;
    const struct parts *parts;
    const struct client_file *client;
    const char *library;             /* that the client finds by itself; NULL: ours is to be found */
    const struct as_user *user;      /* --as, or NULL */
    int output;                      /* what becomes the client's stdout and stderr; 0: the runner's own */
    bool again;                      /* --again; not of a pass that only counts */
    const char *coverage;            /* folder for counters of the client's lines (coverage.h), or NULL */
    bool continuous;                 /* ... as the program runs, not at its end */
    bool discard_counters;           /* without a folder for them they go with the run's */
    struct fork_server *fork_server; /* NULL: every run starts the client */
    struct tds *tds;                 /* the port of --tds; NULL: none, as one that is closed */
    struct spare *spare;             /* NULL: each pass has a folder of its own making */
    int signals;                     /* signalfd of SIGCHLD and the signals that end the run; all blocked */
};

/* The process the session waits for at the moment (and beside it a --trigger): --before, the client, --verify, the client again, --after, one
 * after another. */
struct session_child {
    pid_t pid;
    int role; /* enum process_role, 0 a helper */
    bool ended;
    bool doomed; /* we have sent it SIGKILL: of a process with many threads the end may come late */
    bool killed; /* by us */
    int status;
};

struct session {
    struct session_setup setup;
    struct plan plan; /* files absolute, {run} replaced */
    struct rundir dir;
    struct run_state *state;
    struct collector *collector;
    struct record record;
    struct hang_watch watch;
    struct time_watch time;
    uint64_t shown_access; /* sequence of the access that --on-finding stop was last said about */
    struct session_child child;
    struct session_child trigger; /* of the job under way, or what says how it went */
    struct output_watch output;   /* of the client */
    struct jobs *jobs;            /* jobs.c; NULL: the client's exit status is all */
    int stop_signal;              /* that it was asked to end with; 0: it was not */
    pid_t server;                 /* of --tds, 0: none */
    bool deserted;                /* no process of the run lives, nor can one come before we start it */
    bool killing;                 /* a process that SIGKILL ends now ends by our hand */
    bool survived;                /* a process withstood SIGKILL: it keeps us no longer */
    struct sql_process sql[RUN_SQL_MAX];
    uint32_t sql_count;
    uint32_t sql_first; /* of this run of the client */
    char **sql_environment;
    int hold[2];        /* --stdin hold: the pipe */
    int interrupted;    /* signal that ends the run, 0 none */
    bool client_exited; /* by itself, with a status */
    bool succeeded;     /* it exited with 0 */
    bool ran_again;
    bool again_succeeded;
    int64_t wall_ms;
    uint64_t lost;                   /* events that were recorded but never collected; known at the end */
    char error[SESSION_MESSAGE_MAX]; /* the pass could not be made; "" it could */
    char doubt
        [SESSION_MESSAGE_MAX]; /* why it shows nothing, unless something was found; "" nothing is known */
};

/* 0, or -1 with session->error filled; close it in either case. */
int session_open(struct session *session, const struct session_setup *setup, const struct plan *plan);
void session_close(struct session *session);

/* Before, client, verify, again, after. Nothing of the pass lives on when this returns, whatever happened. */
void session_run(struct session *session);

/* Records an event of the supervisor's own. */
void session_event(struct session *session, struct event event, const char *text);

#endif
