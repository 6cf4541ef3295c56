/* session_watch.c - see session_watch.h. */
#include "session_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"
#include "progress.h"
#include "session_loop.h"

enum {
    TICK_BUSY_MS = 1,        /* the rings fill fast: a writer must not wait for us */
    TICK_BUSY_EVENTS = 1024, /* a quarter of a ring */
};

static void start_watch(struct session *session, char own_pipe[64])
{
    const struct run_options *options = session->setup.options;
    struct hang_scope scope = {
        .proc_root = PROC_ROOT,
        .runner = getpid(),
        .client = session->child.pid,
        .fork_server = session->setup.fork_server,
        .token = session->dir.token,
        .stand_in = session->setup.parts->stand_in,
        .sql_server = session->setup.parts->sql_server,
        .state = session->state,
        .waits = session->time.waits,
        .observe = options->observe,
    };
    char file[32];
    snprintf(file, sizeof file, "fd/%d", session->hold[0]);
    if (options->input == STDIN_HOLD && proc_link(PROC_ROOT, getpid(), file, own_pipe, 64)) {
        scope.own_pipe = own_pipe;
    }
    hang_watch_free(&session->watch);
    hang_watch_init(&session->watch, &scope, options->timeout_ms, run_options_patience(options));
    session->record.progress_ns = session->watch.work_ns;
}

void session_end_hung(struct session *session, int reason)
{
    struct event event = {.kind = EVENT_HANG, .process = (uint32_t)session->child.pid};
    event.arg[0] = reason;
    session_event(session, event, session->watch.text != NULL ? session->watch.text : "");
    session_kill(session, MEMBERS_CLIENT);
    if (reason == HANG_SLOW) {
        snprintf(session->error, sizeof session->error,
                 "timed out: the client was ended after --timeout of %.3g s, while it still made progress; "
                 "expected a longer limit, or less data",
                 (double)session->setup.options->timeout_ms / 1000);
    }
}

/* --on-finding stop: says once for each access how to look at it. A process that is stopped does not hang, and has all
 * the time of --timeout still before it; ^C ends the run. */
static bool is_stopped(struct session *session)
{
    const struct run_options *options = session->setup.options;
    const struct event *access = &session->record.access;
    struct proc_stat stat;
    if (options->on_finding == NULL || strcmp(options->on_finding, "stop") != 0 || access->kind == 0 ||
        proc_stat_read(PROC_ROOT, (pid_t)access->process, 0, &stat) != 0 ||
        (stat.state != 'T' && stat.state != 't')) {
        return false;
    }
    if (session->shown_access != access->sequence) {
        session->shown_access = access->sequence;
        fprintf(stderr,
                "vdifault: process %u is stopped where it touches what it must not, in thread %u; look at it "
                "with\n  gdb -p %u\nand let it go on with\n  kill -CONT %u\n",
                access->process, access->thread, access->process, access->process);
    }
    hang_watch_pause(&session->watch, &session->record);
    return true;
}

int session_watch(struct session *session, session_goes_on *goes_on, void *context)
{
    char own_pipe[64];
    struct progress progress;
    int wait_ms = SESSION_TICK_MS;
    int reason = 0;
    start_watch(session, own_pipe);
    progress_start(&progress);
    while (!session->child.ended && session->interrupted == 0 && reason == 0 &&
           (goes_on == NULL || goes_on(context))) {
        uint64_t taken = session->record.taken;
        session_tick(session, time_watch_wait_ms(session, wait_ms));
        wait_ms = session->record.taken - taken > TICK_BUSY_EVENTS ? TICK_BUSY_MS : SESSION_TICK_MS;
        progress_show(&progress, &session->record);
        if (!session->child.ended && !is_stopped(session)) {
            time_watch_step(session);
            reason = hang_watch_step(&session->watch, &session->record);
        }
    }
    progress_end(&progress);
    session->watch.scope.own_pipe = NULL;
    if (reason != 0) {
        session_end_hung(session, reason);
    }
    return reason;
}
