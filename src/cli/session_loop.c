/* session_loop.c - see session_loop.h. */
#include "session_loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "os.h"
#include "stale_set.h"
#include "text.h"

enum {
    LINGER_MS = 2000,    /* the client's children notice its end within a second */
    KILL_MS = 5000,      /* for the end of what we killed */
    KILL_AGAIN_MS = 500, /* ... once a process has withstood that */
};

/* ---- ends of processes ---- */

/* A process that ends by itself while we kill others was not killed by us. */
static bool is_killed(const struct session *session, const struct session_child *child, int status)
{
    return (session->killing || (child != NULL && child->doomed)) && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGKILL;
}

static void record_exit(struct session *session, pid_t pid, int status, int role, bool killed)
{
    struct event event = {.kind = EVENT_PROCESS_EXIT, .process = (uint32_t)pid};
    event.arg[0] = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    event.arg[1] = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    event.arg[2] = role;
    event.arg[3] = killed;
    event.arg[4] = role == PROCESS_SQL && session->setup.options->sql_result != NULL;
    session_event(session, event, "");
}

/* The client may have removed {run} and still wait for what comes in it. */
static int write_result(const struct session *session, const struct sql_process *process, const char *file)
{
    int error = sql_write_result(process, file);
    char *own = error == ENOENT ? rundir_file(&session->dir, RUN_CLIENT_FOLDER) : NULL;
    if (own != NULL && mkdir(own, 0700) == 0) {
        error = sql_write_result(process, file);
    }
    free(own);
    return error;
}

static void finish_sql(struct session *session, struct sql_process *process, int status)
{
    sql_read(process);
    process->ended = true;
    process->status = status;
    record_exit(session, process->pid, status, PROCESS_SQL, is_killed(session, NULL, status));
    if (session->setup.options->sql_result == NULL) {
        return;
    }
    char *file = rundir_expand(&session->dir, session->setup.options->sql_result);
    int error = file != NULL ? write_result(session, process, file) : ENOMEM;
    if (error != 0) {
        snprintf(session->error, sizeof session->error,
                 "--sql-result '%s': %s; expected a name in a folder that is there when the statement ends",
                 session->setup.options->sql_result, strerror(error));
    }
    free(file);
}

/* A cleanup_reaped. Events a process recorded come before its end. */
static void take_end(void *context, pid_t pid, int status)
{
    struct session *session = context;
    struct session_child *child = &session->child;
    collector_drain(session->collector, record_take, &session->record);
    if (fork_server_ended(session->setup.fork_server, pid)) {
        return;
    }
    if (tds_ended(session, pid, status, is_killed(session, NULL, status))) {
        return;
    }
    session->watch.death_ns = os_now();
    if (pid == child->pid && !child->ended) {
        child->ended = true;
        child->killed = is_killed(session, child, status);
        child->status = status;
        if (child->role != 0) {
            record_exit(session, pid, status, child->role, child->killed);
        }
        return;
    }
    if (pid == session->trigger.pid && !session->trigger.ended) {
        session->trigger.ended = true;
        session->trigger.killed = is_killed(session, &session->trigger, status);
        session->trigger.status = status;
        return;
    }
    for (uint32_t i = 0; i < session->sql_count; i++) {
        if (session->sql[i].pid == pid && !session->sql[i].ended) {
            finish_sql(session, &session->sql[i], status);
            return;
        }
    }
    if (child->role != 0) {
        record_exit(session, pid, status, PROCESS_DESCENDANT, is_killed(session, NULL, status));
    }
}

static void reap(struct session *session)
{
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        take_end(session, pid, status);
    }
}

static struct cleanup_scope scope_of(const struct session *session)
{
    const struct fork_server *server = session->setup.fork_server;
    return (struct cleanup_scope){.token = session->dir.token,
                                  .stand_in = session->setup.parts->stand_in,
                                  .sql_server = session->setup.parts->sql_server,
                                  .except = server != NULL ? server->pid : 0};
}

struct counting {
    cleanup_process *visit;
    void *context;
    size_t count;
};

static void count_process(void *context, pid_t pid, enum run_member member)
{
    struct counting *counting = context;
    counting->count++;
    counting->visit(counting->context, pid, member);
}

void session_each_process(struct session *session, cleanup_process *visit, void *context)
{
    struct counting counting = {visit, context, 0};
    const struct cleanup_scope scope = scope_of(session);
    if (!session->deserted) {
        cleanup_each_process(&scope, count_process, &counting);
        session->deserted = counting.count == 0;
    }
}

struct members {
    const struct session *session;
    unsigned kinds;
};

/* The server that waits for connections will not end by itself. */
static void note_member(void *context, pid_t pid, enum run_member member)
{
    struct members *members = context;
    members->kinds |= pid != members->session->server ? MEMBERS(member) : 0;
}

/* Helpers do not count: they may live on. */
static bool have_processes(struct session *session)
{
    struct members members = {.session = session};
    session_each_process(session, note_member, &members);
    return (members.kinds & MEMBERS_RUN) != 0;
}

/* ---- the tick ---- */

static void read_signals(struct session *session)
{
    struct signalfd_siginfo info;
    while (read(session->setup.signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGCHLD) {
            session->interrupted = (int)info.ssi_signo;
        }
    }
}

void session_tick(struct session *session, int timeout_ms)
{
    struct pollfd waits[2 + RUN_SQL_MAX + OUTPUT_STREAMS];
    const struct tds *tds = session->setup.tds;
    nfds_t count = 0;
    waits[count++] = (struct pollfd){.fd = session->setup.signals, .events = POLLIN};
    for (uint32_t i = 0; i < session->sql_count; i++) {
        waits[count++] = (struct pollfd){.fd = session->sql[i].output, .events = POLLIN}; /* -1: ignored */
    }
    if (tds != NULL && tds->questions > 0) {
        waits[count++] = (struct pollfd){.fd = tds->questions, .events = POLLIN};
    }
    output_watch_wait(&session->output, &waits[count]);
    (void)poll(waits, count + OUTPUT_STREAMS, timeout_ms);
    if (tds != NULL && tds->questions > 0) {
        tds_answer(tds, &session->setup.options->tds);
    }
    if (session->setup.fork_server != NULL) {
        fork_server_listen(session->setup.fork_server);
    }
    read_signals(session);
    output_watch_read(&session->output);
    for (uint32_t i = 0; i < session->sql_count; i++) {
        if (!session->sql[i].ended && waits[i + 1].revents != 0) {
            sql_read(&session->sql[i]);
        }
    }
    collector_drain(session->collector, record_take, &session->record);
    stale_sets_make(&session->plan, session->state, session->dir.token);
    reap(session);
}

void session_kill(struct session *session, unsigned members)
{
    struct cleanup_reaper reaper = {.reaped = take_end, .context = session};
    const struct cleanup_scope scope = scope_of(session);
    pid_t survivor = 0;
    reap(session); /* what ended before */
    session->killing = true;
    if ((members & MEMBERS_CLIENT) != 0) {
        session->child.doomed = true;
        session->trigger.doomed = true;
    }
    int64_t patience_ms = session->survived ? KILL_AGAIN_MS : KILL_MS;
    int error = session->deserted ? 0 : cleanup_kill(&scope, members, patience_ms, reaper, &survivor);
    session->killing = false;
    session->survived = session->survived || error != 0;
    if (error != 0 && session->error[0] == '\0') {
        snprintf(session->error, sizeof session->error, "cannot end process %d: %s", (int)survivor,
                 error == ETIMEDOUT ? "it withstands SIGKILL" : strerror(error));
    }
    collector_drain(session->collector, record_take, &session->record);
}

void session_linger(struct session *session)
{
    int64_t deadline = os_now() + (int64_t)LINGER_MS * SESSION_NS_PER_MS;
    while (session->interrupted == 0 && !session->survived && have_processes(session) &&
           os_now() < deadline) {
        session_tick(session, SESSION_TICK_MS);
    }
}
