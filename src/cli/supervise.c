/* supervise.c - starts the processes of a pass one after another and sees each to its end: session_run. What is
 * waited for in between is in session_loop.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "dialect.h"
#include "launch.h"
#include "os.h"
#include "procfs.h"
#include "progress.h"
#include "proof.h"
#include "sanitizer.h"
#include "session.h"
#include "session_loop.h"
#include "text.h"

enum {
    TICK_BUSY_MS = 1,        /* the rings fill fast: a writer must not wait for us */
    TICK_BUSY_EVENTS = 1024, /* a quarter of a ring */
};

/* ---- --sql ---- */

/* A record_set: the k-th set gets the k-th statement, sets beyond the list the last one. */
static void start_sql(void *context, const struct event *end, const char *name, int64_t device_count)
{
    struct session *session = context;
    const struct run_options *options = session->setup.options;
    (void)end;
    if (options->sql_count == 0 || session->sql_count == RUN_SQL_MAX ||
        (session->child.role != PROCESS_CLIENT && session->child.role != PROCESS_AGAIN)) {
        return;
    }
    uint32_t index = session->sql_count - session->sql_first;
    index = index < options->sql_count ? index : options->sql_count - 1;
    uint32_t devices = device_count > 0 && device_count <= RUN_DEVICES_MAX ? (uint32_t)device_count : 0;
    char *statement = sql_expand(options->sql[index], name, devices);
    struct sql_process *process = &session->sql[session->sql_count];
    session->deserted = false;
    int error = statement == NULL
                    ? errno
                    : sql_start(session->setup.parts->stand_in, statement, session->sql_environment, process);
    if (error == 0) {
        session->sql_count++;
    } else {
        snprintf(session->error, sizeof session->error, "--sql: cannot start %s: %s",
                 session->setup.parts->stand_in, strerror(error));
    }
    free(statement);
}

/* ---- starting ---- */

static int open_input(struct session *session)
{
    if (session->hold[0] >= 0) {
        return session->hold[0]; /* of the first run */
    }
    switch (session->setup.options->input) {
    case STDIN_NULL:
        session->hold[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        break;
    case STDIN_HOLD:
        if (pipe2(session->hold, O_CLOEXEC) != 0) {
            return -1;
        }
        break;
    default:
        return -1;
    }
    return session->hold[0];
}

static char **expand_arguments(struct session *session)
{
    const struct run_options *options = session->setup.options;
    char **argv = calloc((size_t)options->client_argc + 1, sizeof *argv);
    for (int i = 0; argv != NULL && i < options->client_argc; i++) {
        argv[i] = rundir_expand(&session->dir, options->client_argv[i]);
        if (argv[i] == NULL) {
            environment_free(argv);
            return NULL;
        }
    }
    return argv;
}

/* From the copy that waits in its first VDI call, or anew with the offer to leave one. */
static int start_or_continue(struct session *session, struct launch *launch)
{
    struct fork_server *server = session->setup.fork_server;
    char variable[64];
    if (fork_server_continue(server, launch->path, launch->argv, launch->environment, &session->child.pid)) {
        return 0;
    }
    int inherited =
        fork_server_offer(server, launch->path, launch->argv, launch->environment, variable, sizeof variable);
    char **environment = inherited >= 0 ? environment_with(launch->environment, variable) : NULL;
    if (environment != NULL) {
        launch->environment = environment;
        launch->inherited = inherited;
    }
    int error = launch_start(launch, &session->child.pid);
    fork_server_offered(server, inherited, error == 0 && environment != NULL);
    free(environment);
    return error;
}

static int start(struct session *session, struct launch *launch, enum environment_kind kind, int role,
                 char *const *argv)
{
    const struct environment_choice choice = {
        .add_library = session->setup.add_library,
        .guard = session->setup.options->guard,
        .on_finding = session->setup.options->on_finding,
        .coverage = session->setup.coverage != NULL,
        .continuous = session->setup.continuous,
        .discard_counters = session->setup.discard_counters,
        .is_profiled = session->setup.client->is_profiled,
    };
    char **environment = environment_make(kind, &session->dir, session->setup.parts, &choice, environ);
    int error = ENOMEM;
    session->child = (struct session_child){.role = role};
    session->deserted = false;
    if (environment != NULL && argv != NULL) {
        launch->argv = argv;
        launch->environment = environment;
        error = kind == ENVIRONMENT_CLIENT && session->setup.fork_server != NULL
                    ? start_or_continue(session, launch)
                    : launch_start(launch, &session->child.pid);
    }
    environment_free(environment);
    if (error != 0) {
        session->child.ended = true;
        snprintf(session->error, sizeof session->error, "cannot start '%s': %s", launch->path,
                 strerror(error));
    }
    return error;
}

/* The first run of the client, or the one of --again. */
struct client_run {
    enum environment_kind kind;
    int role;
};

static int start_client(struct session *session, const struct client_run *run)
{
    const struct run_options *options = session->setup.options;
    int output = session->setup.output > 0 ? session->setup.output : -1;
    char **argv = expand_arguments(session);
    struct launch launch = {
        .path = session->setup.client->path,
        .standard = {open_input(session),
                     output < 0 && outputs_take_stdout(&options->outputs) ? STDERR_FILENO : output, output},
        .foreground = options->input == STDIN_INHERIT,
    };
    session->record.on_set = start_sql;
    session->record.on_set_context = session;
    int error = start(session, &launch, run->kind, run->role, argv);
    environment_free(argv);
    return error;
}

/* ---- phases ---- */

/* Where a positive time-out is in seconds (dialect X6), a client that means milliseconds waits a thousand times as long:
 * by the run's clock, so that nobody else does. It hangs no more for it. */
static int64_t patience_of(const struct run_options *options)
{
    struct dialect dialect;
    const char *error;
    bool seconds =
        dialect_parse(getenv(DIALECT_VARIABLE), &dialect, &error) == 0 && dialect.other[DIALECT_TIMEOUT_UNIT];
    return options->patience_ms * (seconds ? 1000 : 1);
}

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
        .state = session->state,
        .waits = session->time.waits,
    };
    char file[32];
    snprintf(file, sizeof file, "fd/%d", session->hold[0]);
    if (options->input == STDIN_HOLD && proc_link(PROC_ROOT, getpid(), file, own_pipe, 64)) {
        scope.own_pipe = own_pipe;
    }
    hang_watch_init(&session->watch, &scope, options->timeout_ms, patience_of(options));
    session->record.progress_ns = session->watch.work_ns;
}

static void end_hung_client(struct session *session, int reason)
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

/* Until the client has ended by itself or hangs: then it is killed, but its servers may still tell. */
static void watch_client(struct session *session)
{
    char own_pipe[64];
    struct progress progress;
    int wait_ms = SESSION_TICK_MS;
    int reason = 0;
    start_watch(session, own_pipe);
    progress_start(&progress);
    while (!session->child.ended && session->interrupted == 0 && reason == 0) {
        uint64_t taken = session->record.taken;
        session_tick(session, time_watch_wait_ms(session, wait_ms));
        wait_ms = session->record.taken - taken > TICK_BUSY_EVENTS ? TICK_BUSY_MS : SESSION_TICK_MS;
        progress_show(&progress, &session->record);
        if (!session->child.ended && !is_stopped(session)) {
            time_watch_step(session);
            reason = hang_watch_step(&session->watch, &session->record);
        }
    }
    time_watch_end(session);
    progress_end(&progress);
    if (reason != 0) {
        end_hung_client(session, reason);
    }
}

static void record_leftover_process(void *context, pid_t pid, enum run_member member)
{
    struct session *session = context;
    char command[200];
    if (member != MEMBER_CLIENT || !session->child.ended || session->child.killed) {
        return;
    }
    struct event event = {.kind = EVENT_LEFTOVER, .process = (uint32_t)pid};
    event.arg[0] = LEFTOVER_PROCESS;
    proc_command_line(PROC_ROOT, pid, command, sizeof command);
    session_event(session, event, command);
}

static void record_leftover_object(void *context, const char *name)
{
    struct session *session = context;
    if (session->client_exited) {
        struct event event = {.kind = EVENT_LEFTOVER, .process = (uint32_t)session->child.pid};
        event.arg[0] = LEFTOVER_MEMORY;
        session_event(session, event, name);
    }
}

/* A sanitizer_report. The simulated server's own reports are ours to fix, not the client's. */
static void record_sanitizer(void *context, uint32_t process, const char *line)
{
    struct session *session = context;
    for (size_t i = 0; i < session->record.statement_count; i++) {
        if (session->record.statements[i].process == process) {
            fprintf(stderr, "vdifault: the report above is of the simulated server, not of the client\n");
            return;
        }
    }
    struct event event = {.kind = EVENT_SANITIZER, .process = process};
    session_event(session, event, line);
}

/* ^C went to the client: it had the terminal. */
static bool is_interrupt_of_terminal(const struct session *session)
{
    const struct session_child *child = &session->child;
    return child->ended && WIFSIGNALED(child->status) && WTERMSIG(child->status) == SIGINT &&
           session->setup.options->input == STDIN_INHERIT && isatty(STDIN_FILENO);
}

static void run_client(struct session *session, const struct client_run *run)
{
    int64_t begin = os_now();
    if (start_client(session, run) != 0) {
        return;
    }
    watch_client(session);
    session->wall_ms = (os_now() - begin) / SESSION_NS_PER_MS;
    launch_take_terminal();
    if (is_interrupt_of_terminal(session)) {
        session->interrupted = SIGINT;
    }
    session->client_exited =
        session->child.ended && !session->child.killed && WIFEXITED(session->child.status);
    session_linger(session);
    session_each_process(session, record_leftover_process, session);
    session_kill(session, MEMBERS_RUN);
    cleanup_objects(session->dir.token, record_leftover_object, session);
    sanitizer_collect(&session->dir, record_sanitizer, session);
}

static bool has_succeeded(const struct session *session)
{
    return session->client_exited && WEXITSTATUS(session->child.status) == 0;
}

/* ---- --again ---- */

/* What the first run of the client was told is not for the second. */
static int forget_result(const struct session *session)
{
    const char *result = session->setup.options->sql_result;
    char *file = result != NULL ? rundir_expand(&session->dir, result) : NULL;
    int error = file != NULL && unlink(file) != 0 && errno != ENOENT ? errno : 0;
    free(file);
    return error;
}

/* The statements of --sql, too, meet no faults. */
static int clean_statements(struct session *session)
{
    const struct environment_choice none = {0};
    char **environment =
        environment_make(ENVIRONMENT_SQL_AGAIN, &session->dir, session->setup.parts, &none, environ);
    if (environment == NULL) {
        return ENOMEM;
    }
    environment_free(session->sql_environment);
    session->sql_environment = environment;
    session->sql_first = session->sql_count;
    return 0;
}

/* Same arguments, same folder, same databases; how long the run took and how it ended is still the first one's. */
static void run_again(struct session *session)
{
    static const struct client_run second = {ENVIRONMENT_AGAIN, PROCESS_AGAIN};
    int64_t wall_ms = session->wall_ms;
    bool exited = session->client_exited;
    int error = forget_result(session);
    if (error == 0) {
        error = clean_statements(session);
    }
    if (error != 0) {
        snprintf(session->error, sizeof session->error, "--again: %s", strerror(error));
        return;
    }
    session_event(session, (struct event){.kind = EVENT_NOTE, .arg = {NOTE_AGAIN}},
                  "the client was run again, without faults");
    hang_watch_free(&session->watch);
    session->client_exited = false;
    session->ran_again = true;
    run_client(session, &second);
    session->again_succeeded = has_succeeded(session);
    session->wall_ms = wall_ms;
    session->client_exited = exited;
}

/* ---- commands ---- */

/* The commands around the client. Who outlives its phase is decided here and in run_client alone: helpers of
 * --before live on till the end, all of the client's and of --verify's tree ends with its phase. */
struct command_phase {
    const char *option;
    enum environment_kind kind;
    int role;
    bool linger;         /* its tree may end by itself first */
    unsigned kill_after; /* what is killed when it has ended */
};

static const struct command_phase before_phase = {"--before", ENVIRONMENT_HELPER, 0, false, 0};
static const struct command_phase verify_phase = {"--verify", ENVIRONMENT_VERIFY, PROCESS_VERIFY, true,
                                                  MEMBERS_RUN};
static const struct command_phase after_phase = {"--after", ENVIRONMENT_HELPER, 0, false, MEMBERS_ALL};

static void wait_for_command(struct session *session, const struct command_phase *phase)
{
    int64_t deadline = os_now() + session->setup.options->timeout_ms * SESSION_NS_PER_MS;
    while (!session->child.ended && session->interrupted == 0 && os_now() < deadline) {
        session_tick(session, SESSION_TICK_MS);
    }
    if (!session->child.ended) {
        if (session->interrupted == 0) {
            fprintf(stderr, "vdifault: %s: ended after --timeout\n", phase->option);
        }
        session_kill(session, phase->role == 0 ? MEMBERS_ALL : MEMBERS_RUN);
        return;
    }
    if (phase->linger) {
        session_linger(session);
    }
    if (phase->kill_after != 0) {
        session_kill(session, phase->kill_after);
    }
}

/* `sh -c command`; its wait status, or -1: it did not start or did not end (session->error). */
static int run_command(struct session *session, const struct command_phase *phase, const char *command)
{
    char *expanded = rundir_expand(&session->dir, command);
    char *const argv[] = {(char *)"sh", (char *)"-c", expanded, NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct launch launch = {.path = "/bin/sh", .standard = {null, STDERR_FILENO, -1}};
    int status = -1;
    session->record.on_set = NULL;
    if (start(session, &launch, phase->kind, phase->role, expanded != NULL ? argv : NULL) == 0) {
        wait_for_command(session, phase);
        status = session->child.ended ? session->child.status : -1;
    }
    if (null >= 0) {
        close(null);
    }
    free(expanded);
    return status;
}

/* With --prove-durability twice: only a --verify that succeeds with the files as they are can prove by its failure that
 * they would not have restored. */
static void verify(struct session *session)
{
    const struct run_options *options = session->setup.options;
    struct proof proof = {0};
    int status = run_command(session, &verify_phase, options->verify);
    if (options->prove_durability && status == 0 && session->interrupted == 0) {
        proof_begin(&proof, session);
        if (proof.count > 0) {
            run_command(session, &verify_phase, options->verify);
        }
        proof_end(&proof);
    }
    sanitizer_collect(&session->dir, record_sanitizer, session);
}

void session_run(struct session *session)
{
    static const struct client_run first = {ENVIRONMENT_CLIENT, PROCESS_CLIENT};
    const struct run_options *options = session->setup.options;
    if (options->before != NULL) {
        int status = run_command(session, &before_phase, options->before);
        if (status != 0 && session->error[0] == '\0') {
            snprintf(session->error, sizeof session->error, "--before '%s' failed (%s %d)", options->before,
                     WIFEXITED(status) ? "exit status" : "signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        }
    }
    if (session->error[0] == '\0' && session->interrupted == 0) {
        run_client(session, &first);
        session->succeeded = has_succeeded(session);
        if (options->verify != NULL && session->client_exited && session->interrupted == 0) {
            verify(session);
        }
        if (session->setup.again && session->error[0] == '\0' && session->interrupted == 0) {
            run_again(session);
        }
    }
    if (options->after != NULL && session->interrupted == 0) {
        run_command(session, &after_phase, options->after);
    }
    session_kill(session, MEMBERS_ALL);
    cleanup_objects(session->dir.token, NULL, NULL);
    cleanup_helper_objects(session->dir.token);
    session->lost = collector_dropped(session->collector);
    record_finish(&session->record);
}
