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
#include "jobs.h"
#include "launch.h"
#include "os.h"
#include "procfs.h"
#include "proof.h"
#include "sanitizer.h"
#include "session.h"
#include "session_loop.h"
#include "session_start.h"
#include "session_watch.h"

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
    int error = statement == NULL ? errno
                                  : sql_start(session->setup.parts->stand_in, statement,
                                              session->sql_environment, session->setup.user, process);
    if (error == 0) {
        session->sql_count++;
    } else {
        snprintf(session->error, sizeof session->error, "--sql: cannot start %s: %s",
                 session->setup.parts->stand_in, strerror(error));
    }
    free(statement);
}

/* The first run of the client, or the one of --again. */
struct client_run {
    enum environment_kind kind;
    int role;
};

/* ---- phases ---- */

static void record_leftover_process(void *context, pid_t pid, enum run_member member)
{
    struct session *session = context;
    char command[200];
    char job[16];
    if (member != MEMBER_CLIENT || !session->child.ended || session->child.killed ||
        proc_environment(PROC_ROOT, pid, JOB_VARIABLE, job, sizeof job)) {
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

/* By itself, or as it was asked to. */
static bool ended_willingly(const struct session *session)
{
    const struct session_child *child = &session->child;
    bool stopped = WIFSIGNALED(child->status) && WTERMSIG(child->status) == session->stop_signal;
    return child->ended && !child->killed && (WIFEXITED(child->status) || stopped);
}

static void run_client(struct session *session, const struct client_run *run)
{
    int64_t begin = os_now();
    session->record.on_set = start_sql;
    session->record.on_set_context = session;
    jobs_prepare(session);
    if (session->error[0] != '\0' || session_start_client(session, run->kind, run->role) != 0) {
        return;
    }
    if (session->setup.options->jobs.trigger_count > 0) {
        jobs_run(session);
    } else {
        session_watch(session, NULL, NULL);
    }
    time_watch_end(session);
    session->wall_ms = (os_now() - begin) / SESSION_NS_PER_MS;
    launch_take_terminal();
    if (is_interrupt_of_terminal(session)) {
        session->interrupted = SIGINT;
    }
    session->client_exited = ended_willingly(session);
    session_linger(session);
    session_each_process(session, record_leftover_process, session);
    session_kill(session, MEMBERS_RUN);
    cleanup_objects(session->dir.token, record_leftover_object, session);
    sanitizer_collect(&session->dir, record_sanitizer, session);
}

static bool has_succeeded(const struct session *session)
{
    return session->client_exited && WIFEXITED(session->child.status) &&
           WEXITSTATUS(session->child.status) == 0;
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
    session->record.on_set = NULL;
    session->child.role = phase->role;
    if (session_start_shell(session, phase->kind, command, NULL, STDERR_FILENO, &session->child) != 0) {
        return -1;
    }
    wait_for_command(session, phase);
    return session->child.ended ? session->child.status : -1;
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
    const struct run_options *options = session->setup.options;
    const struct client_run first = {options->observe ? ENVIRONMENT_RECORDED : ENVIRONMENT_CLIENT,
                                     PROCESS_CLIENT};
    if (options->before != NULL) {
        int status = run_command(session, &before_phase, options->before);
        if (status != 0 && session->error[0] == '\0') {
            snprintf(session->error, sizeof session->error, "--before '%s' failed (%s %d)", options->before,
                     WIFEXITED(status) ? "exit status" : "signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        }
    }
    tds_note_client(session);
    if (session->error[0] == '\0' && session->interrupted == 0) {
        run_client(session, &first);
        session->succeeded = has_succeeded(session);
        jobs_take_word(session);
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
