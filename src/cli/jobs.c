/* jobs.c - see jobs.h. */
#include "jobs.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job_notes.h"
#include "os.h"
#include "procfs.h"
#include "ready.h"
#include "session_loop.h"
#include "session_start.h"
#include "session_watch.h"
#include "word.h"

enum {
    LEFT_OPEN_MS = 2000, /* a set that is still open so long after the last event is not going to be closed */
    END_SEEN_MS = 200,   /* a client that refuses a job because it ends has ended */
    SETS_MAX = 256,      /* open at once */
    SHELL_CANNOT = 126   /* and above: it could not run the command */
};

struct open_set {
    uint64_t id;
    uint32_t process;
};

/* One job, or what there is of it so far. */
struct jobs {
    struct ready_watch ready;
    bool fired;     /* a fault, in an earlier job */
    size_t seen;    /* events of the record that were looked at */
    uint64_t taken; /* record->taken at the last look */
    int64_t event_ns;
    uint32_t creates; /* calls of Create since it began */
    uint32_t statements;
    uint32_t set_count;
    struct open_set sets[SETS_MAX];
    bool noted; /* the trigger has ended, and: */
    bool early; /* ... there was work before the client then */
};

/* ---- what goes on ---- */

static void forget_set(struct jobs *jobs, uint64_t id, uint32_t process)
{
    for (uint32_t i = 0; i < jobs->set_count;) {
        if (jobs->sets[i].id == id || (id == 0 && jobs->sets[i].process == process)) {
            jobs->sets[i] = jobs->sets[--jobs->set_count];
        } else {
            i++;
        }
    }
}

static void take_event(struct jobs *jobs, const struct event *event)
{
    bool ended = event->kind == EVENT_CALL_END && event->side == EVENT_SIDE_CLIENT;
    if (event->kind == EVENT_STATEMENT_BEGIN) {
        jobs->statements++;
    } else if (event->kind == EVENT_PROCESS_EXIT) {
        forget_set(jobs, 0, event->process);
    } else if (ended && event->function == VDI_FN_CREATE) {
        jobs->creates++;
        if (event->result >= 0 && jobs->set_count < SETS_MAX) {
            jobs->sets[jobs->set_count++] = (struct open_set){event->set, event->process};
        }
    } else if (ended && (event->function == VDI_FN_CLOSE || event->function == VDI_FN_DESTROY)) {
        forget_set(jobs, event->set, event->process);
    }
}

static void look(struct session *session)
{
    struct jobs *jobs = session->jobs;
    const struct record *record = &session->record;
    for (; jobs->seen < record->count; jobs->seen++) {
        take_event(jobs, &record->events[jobs->seen].event);
    }
    if (jobs->taken != record->taken) {
        jobs->taken = record->taken;
        jobs->event_ns = os_now();
    }
}

/* One whose server died has no end of its own. */
static bool statement_runs(const struct session *session)
{
    for (size_t i = 0; i < session->record.statement_count; i++) {
        const struct record_statement *statement = &session->record.statements[i];
        struct proc_stat server;
        if (!statement->ended && proc_stat_read(PROC_ROOT, (pid_t)statement->process, 0, &server) == 0 &&
            server.state != 'Z' && server.state != 'X') {
            return true;
        }
    }
    return false;
}

/* A trigger that only hands a job over ends before there is an end to tell of. */
static void note_trigger_end(struct session *session)
{
    struct jobs *jobs = session->jobs;
    if (!jobs->noted && session->trigger.ended) {
        jobs->noted = true;
        jobs->early =
            jobs->creates == 0 || statement_runs(session) || (jobs->set_count > 0 && jobs->statements == 0);
    }
}

/* A session_goes_on. */
static bool work_goes_on(void *context)
{
    struct session *session = context;
    struct jobs *jobs = session->jobs;
    look(session);
    note_trigger_end(session);
    return !session->trigger.ended || statement_runs(session) ||
           (jobs->set_count > 0 && os_now() - jobs->event_ns < (int64_t)LEFT_OPEN_MS * SESSION_NS_PER_MS);
}

static bool is_over(const struct session *session)
{
    return session->child.ended || session->interrupted != 0 || session->error[0] != '\0';
}

static bool has_fault_fired(const struct session *session)
{
    if (session->jobs != NULL && session->jobs->fired) {
        return true;
    }
    for (uint32_t i = 0; i < session->plan.fault_count; i++) {
        if (atomic_load(&session->state->faults[i].fired) != 0) {
            return true;
        }
    }
    return false;
}

/* What only shows that the run was asked for in a wrong way, unless a fault is behind it. */
static void __attribute__((format(printf, 2, 3))) doubt(struct session *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (session->doubt[0] == '\0' && !has_fault_fired(session)) {
        vsnprintf(session->doubt, sizeof session->doubt, format, arguments);
    }
    va_end(arguments);
}

/* "exit status 3", "signal 15" */
static const char *end_text(int status, char text[32])
{
    snprintf(text, 32, "%s %d", WIFSIGNALED(status) ? "signal" : "exit status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return text;
}

/* ---- --ready ---- */

static bool wait_ready(struct session *session)
{
    const struct run_options *options = session->setup.options;
    int64_t deadline = os_now() + options->timeout_ms * SESSION_NS_PER_MS;
    char end[32];
    while (!is_over(session) && os_now() < deadline) {
        if (ready_look(&session->jobs->ready, session)) {
            return true;
        }
        session_tick(session, SESSION_TICK_MS);
    }
    output_watch_read(&session->output);
    if (session->child.ended) {
        doubt(session, "--ready %s: the client ended before (%s)%s%.200s", options->jobs.ready_text,
              end_text(session->child.status, end),
              session->output.last[0] != '\0' ? "; it printed last: " : "", session->output.last);
    } else if (!is_over(session)) {
        doubt(session, "--ready %s: the client was not ready after --timeout of %.3g s%s%.200s",
              options->jobs.ready_text, (double)options->timeout_ms / 1000,
              session->output.last[0] != '\0' ? "; it printed last: " : "", session->output.last);
        session_kill(session, MEMBERS_RUN);
    }
    return false;
}

/* ---- a job ---- */

static bool start_trigger(struct session *session, const char *command, uint32_t number)
{
    char variable[32];
    int output = session->setup.output > 0 ? session->setup.output : STDERR_FILENO;
    snprintf(variable, sizeof variable, JOB_VARIABLE "=%" PRIu32, number);
    return session_start_shell(session, ENVIRONMENT_JOB, command, variable, output, &session->trigger) == 0;
}

static bool could_not_run(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) >= SHELL_CANNOT;
}

static bool trigger_succeeded(const struct session *session)
{
    const struct session_child *trigger = &session->trigger;
    return trigger->ended && WIFEXITED(trigger->status) && WEXITSTATUS(trigger->status) == 0;
}

/* All that can be known of the job is known; `word`, what the client says of it, by other means than an exit status. */
static bool is_decided(const struct session *session, enum verdict_word word)
{
    const struct job_options *options = &session->setup.options->jobs;
    const struct jobs *jobs = session->jobs;
    bool awaited = options->word == WORD_FILE || options->word == WORD_OUTPUT;
    bool has_worked = jobs->creates > 0 || !trigger_succeeded(session);
    return word != VERDICT_NOTHING || (jobs->creates == 0 && !trigger_succeeded(session)) ||
           (has_worked && !awaited);
}

/* After the work: for what the client says, or for a first set, as long as nothing comes. True: there is work again. */
static bool wait_for_word(struct session *session)
{
    struct jobs *jobs = session->jobs;
    int64_t deadline = os_now() + session->setup.options->patience_ms * SESSION_NS_PER_MS;
    char unknown[WORD_UNKNOWN_MAX];
    while (!is_over(session) && os_now() < deadline && !is_decided(session, word_look(session, unknown))) {
        uint32_t creates = jobs->creates;
        session_tick(session, SESSION_TICK_MS);
        look(session);
        if (jobs->creates > creates) {
            return true;
        }
    }
    return false;
}

/* --verdict cmd. */
static enum verdict_word ask_command(struct session *session, uint32_t number)
{
    const struct run_options *options = session->setup.options;
    int64_t deadline = os_now() + options->timeout_ms * SESSION_NS_PER_MS;
    if (!start_trigger(session, options->jobs.word_text, number)) {
        return VERDICT_NOTHING;
    }
    while (!session->trigger.ended && session->interrupted == 0 && os_now() < deadline) {
        session_tick(session, SESSION_TICK_MS);
    }
    if (!session->trigger.ended || could_not_run(session->trigger.status)) {
        snprintf(session->error, sizeof session->error, "--verdict 'cmd:%s': %s", options->jobs.word_text,
                 session->trigger.ended ? "the shell cannot run it" : "it did not end in --timeout");
        return VERDICT_NOTHING;
    }
    return trigger_succeeded(session) ? VERDICT_SUCCESS : VERDICT_FAILURE;
}

/* Who is asked for a word and says none, says that it did not succeed. A word that nobody knows is a mistake of whoever
 * gave the option, and so is a file that never comes; after a fault, the client's. */
static enum verdict_word settle_word(struct session *session, bool has_ended)
{
    const struct job_options *options = &session->setup.options->jobs;
    char unknown[WORD_UNKNOWN_MAX];
    output_watch_read(&session->output);
    enum verdict_word word = word_look(session, unknown);
    if (word == VERDICT_NOTHING && unknown[0] != '\0') {
        snprintf(
            session->error, sizeof session->error,
            "--verdict file:%s: '%s' stands there; expected 0, success or ok, or another number, failure, "
            "failed or error",
            options->word_text, unknown);
        return VERDICT_NOTHING;
    }
    if (word == VERDICT_NOTHING && options->word == WORD_FILE && !has_fault_fired(session)) {
        doubt(session, "--verdict file:%s: it %s", options->word_text,
              has_ended ? "is not there" : "did not come in --patience");
        return VERDICT_NOTHING;
    }
    return word == VERDICT_NOTHING ? VERDICT_FAILURE : word;
}

/* The exit status of a trigger that ended before the work is none of the client's word, unless it was asked for; one that
 * a signal ended has none. */
static enum verdict_word settle_exit(const struct session *session)
{
    const struct jobs *jobs = session->jobs;
    if (!session->trigger.ended || session->trigger.doomed ||
        (WIFSIGNALED(session->trigger.status) && !session->setup.options->jobs.word_given)) {
        return VERDICT_NOTHING;
    }
    return !trigger_succeeded(session)                               ? VERDICT_FAILURE
           : jobs->early && !session->setup.options->jobs.word_given ? VERDICT_NOTHING
                                                                     : VERDICT_SUCCESS;
}

static void doubt_end(struct session *session, uint32_t number)
{
    char end[32];
    doubt(session,
          "the client ended (%s) before --trigger '%.200s'; expected one that runs on until it is stopped "
          "(--stop)",
          end_text(session->child.status, end), session->setup.options->jobs.triggers[number]);
}

/* One that is about to end refuses a job before. */
static void doubt_trigger(struct session *session, uint32_t number)
{
    int64_t deadline = os_now() + (int64_t)END_SEEN_MS * SESSION_NS_PER_MS;
    char end[32];
    while (!is_over(session) && !trigger_succeeded(session) && os_now() < deadline) {
        session_tick(session, SESSION_TICK_MS);
    }
    if (session->child.ended) {
        doubt_end(session, number);
        return;
    }
    doubt(session,
          "--trigger '%.200s' ended (%s), and no set came of it%s; expected a command that starts a job in "
          "the client",
          session->setup.options->jobs.triggers[number], end_text(session->trigger.status, end),
          trigger_succeeded(session) ? " in --patience" : "");
}

static enum verdict_word settle(struct session *session, uint32_t number)
{
    const struct run_options *options = session->setup.options;
    const struct jobs *jobs = session->jobs;
    if (jobs->creates == 0 && session->trigger.ended) {
        doubt_trigger(session, number);
        return VERDICT_FAILURE;
    }
    switch (options->jobs.word) {
    case WORD_EXIT:
        return settle_exit(session);
    case WORD_COMMAND:
        return ask_command(session, number);
    default:
        return settle_word(session, session->child.ended);
    }
}

/* Whoever started a job hears that the client is gone, and ends. */
static void end_trigger(struct session *session)
{
    int64_t deadline = os_now() + (int64_t)LEFT_OPEN_MS * SESSION_NS_PER_MS;
    while (!session->trigger.ended && session->interrupted == 0 && os_now() < deadline) {
        session_tick(session, SESSION_TICK_MS);
    }
    look(session); /* a client that has ended since the last look has left what it did */
    note_trigger_end(session);
    if (!session->trigger.ended) {
        session->trigger.doomed = kill(session->trigger.pid, SIGKILL) == 0;
    }
}

/* False: no further job can be made. */
static bool run_job(struct session *session, uint32_t number)
{
    const char *command = session->setup.options->jobs.triggers[number];
    struct jobs *jobs = session->jobs;
    int reason = 0;
    look(session);
    *jobs = (struct jobs){
        .ready = jobs->ready, .fired = has_fault_fired(session), .seen = jobs->seen, .event_ns = os_now()};
    if (!word_forget(session)) {
        return false;
    }
    if (session->setup.options->jobs.rearm && number > 0) {
        run_rearm(session->state);
    }
    job_note_start(session, number, false);
    if (!start_trigger(session, command, number)) {
        return false;
    }
    do {
        reason = session_watch(session, work_goes_on, session);
    } while (reason == 0 && wait_for_word(session));
    if (reason != 0 || session->interrupted != 0) {
        return false;
    }
    end_trigger(session);
    if (session->trigger.ended && could_not_run(session->trigger.status)) {
        snprintf(session->error, sizeof session->error, "--trigger '%.300s': the shell cannot run it",
                 command);
        return false;
    }
    job_note_word(session, number, settle(session, number));
    return session->error[0] == '\0' && session->interrupted == 0;
}

/* ---- the end ---- */

/* A job for which the client did not live long enough is one that failed. */
static void note_missed(struct session *session, uint32_t number)
{
    const struct job_options *options = &session->setup.options->jobs;
    if (!session->child.ended || session->error[0] != '\0' || session->interrupted != 0) {
        return;
    }
    if (number < options->trigger_count) {
        doubt_end(session, number);
    }
    for (; number < options->trigger_count; number++) {
        job_note_start(session, number, true);
        job_note_word(session, number, VERDICT_FAILURE);
    }
}

static void stop(struct session *session)
{
    const struct run_options *options = session->setup.options;
    int64_t deadline = os_now() + options->timeout_ms * SESSION_NS_PER_MS;
    char name[16];
    if (is_over(session)) {
        return;
    }
    session->stop_signal = options->jobs.stop_signal;
    struct event event = {.kind = EVENT_NOTE, .arg = {NOTE_STOP, session->stop_signal}};
    session_event(session, event, job_signal_name(session->stop_signal, name));
    (void)kill(session->child.pid, session->stop_signal);
    while (!session->child.ended && session->interrupted == 0 && os_now() < deadline) {
        session_tick(session, SESSION_TICK_MS);
    }
    if (!session->child.ended && session->interrupted == 0) {
        free(session->watch.text);
        if (asprintf(&session->watch.text, "still running %.3g s after %s: --stop",
                     (double)options->timeout_ms / 1000, name) < 0) {
            session->watch.text = NULL;
        }
        session_end_hung(session, HANG_TIMEOUT);
    }
}

/* ---- for the session ---- */

void jobs_prepare(struct session *session)
{
    const struct job_options *options = &session->setup.options->jobs;
    if (!word_forget(session)) {
        return;
    }
    if (options->trigger_count > 0) {
        session->jobs = calloc(1, sizeof *session->jobs);
        int error = session->jobs != NULL ? ready_begin(&session->jobs->ready, session) : ENOMEM;
        if (error != 0) {
            snprintf(session->error, sizeof session->error, "--ready: %s", strerror(error));
        }
    }
}

void jobs_run(struct session *session)
{
    const struct job_options *options = &session->setup.options->jobs;
    uint32_t number = 0;
    bool good = wait_ready(session);
    while (good && number < options->trigger_count && !is_over(session)) {
        good = run_job(session, number++);
    }
    bool may_fork = number <= 1 && session->stop_signal == 0; /* its end may be seen late */
    if (may_fork && session->error[0] == '\0' && ready_has_forked_away(session)) {
        session_kill(session, MEMBERS_RUN);
    } else if (good) {
        note_missed(session, number);
    }
    stop(session);
    output_watch_read(&session->output);
}

void jobs_take_word(struct session *session)
{
    const struct job_options *options = &session->setup.options->jobs;
    if (options->trigger_count > 0 || options->word == WORD_EXIT || session->child.killed ||
        session->error[0] != '\0' || session->interrupted != 0) {
        return;
    }
    enum verdict_word word =
        options->word == WORD_COMMAND ? ask_command(session, 0) : settle_word(session, true);
    job_note_word(session, 0, word);
    session->succeeded = word == VERDICT_SUCCESS;
}

void jobs_end(struct session *session)
{
    if (session->jobs != NULL) {
        ready_end(&session->jobs->ready);
        free(session->jobs);
        session->jobs = NULL;
    }
}
