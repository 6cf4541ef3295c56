/* hang_sample.c - one look at the client's processes: can anybody act? */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "environment.h"
#include "fork_server.h"
#include "hang_look.h"
#include "os.h"
#include "procfs.h"

enum {
    LATENESS_PART = 8,
    EXACT_WAITS =
        100 /* who counts waits, as in "fifty times 100 ms, then give up", is not made to wait much longer */
};

#define WAITS_LIBRARY "libvdifault-sys.so" /* what tells of waits */

void look_mix(uint64_t *hash, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) { /* FNV-1a */
        *hash = (*hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    }
}

static void mix(struct hang_sample *sample, const void *bytes, size_t length)
{
    look_mix(&sample->fingerprint, bytes, length);
}

int64_t hang_now(const struct hang_scope *scope)
{
    return os_now() + (scope->state != NULL ? run_clock_ahead(scope->state) : 0);
}

int64_t hang_lateness(const struct hang_scope *scope, const struct record *record)
{
    int64_t now = hang_now(scope);
    int64_t left =
        record->held_ns - now; /* of what a fault holds up, which comes then and is not to be late */
    int64_t since = left > 0 ? record->progress_ns : record_last_sign(record);
    int64_t late = record->waits < EXACT_WAITS ? 0 : (now - since) / LATENESS_PART;
    return left > 0 && left < late ? left : late;
}

/* Somebody may act, and nobody knows when. */
static void __attribute__((format(printf, 2, 3))) obstacle(struct look *look, const char *format, ...)
{
    struct hang_sample *sample = look->sample;
    sample->waits = false;
    if (sample->obstacle[0] == '\0') {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(sample->obstacle, sizeof sample->obstacle, format, arguments);
        va_end(arguments);
    }
}

void look_runs(struct look *look)
{
    look->sample->waits = false;
    look->sample->runs = true;
}

static void note(struct look *look, const char *what, pid_t process, pid_t thread)
{
    fprintf(look->text, "%s%s %d", look->first ? "" : "; ", what, (int)process);
    if (thread != 0) {
        fprintf(look->text, " thread %d", (int)thread);
    }
    look->first = false;
}
/* How often a thread has been put to sleep, or aside: it has run when one of them is another. */
static void mix_switches(struct look *look, pid_t process, pid_t thread)
{
    char file[48];
    char text[4096];
    snprintf(file, sizeof file, "task/%d/status", (int)thread);
    if (proc_read(look->scope->proc_root, process, file, text, sizeof text) <= 0) {
        look_runs(look);
        return;
    }
    const char *switches = strstr(text, "voluntary_ctxt_switches:");
    switches = switches != NULL ? switches : text;
    look_mix(&look->sample->activity, &thread, sizeof thread);
    look_mix(&look->sample->activity, switches, strlen(switches));
}

/* ---- threads ---- */

/* A call that only the other side can end. */
static bool waits_for_ever(const struct event *begin)
{
    return (begin->function == VDI_FN_GET_COMMAND || begin->function == VDI_FN_GET_CONFIGURATION) &&
           begin->arg[0] < 0;
}

static void look_at_call(struct look *look, pid_t thread, const struct event *begin)
{
    if (!waits_for_ever(begin)) {
        look->sample->stuck = false;
    }
    note(look, "client", look->process, thread);
    fprintf(look->text, " in %s(timeout %" PRId64 ")", vdi_function_names[begin->function], begin->arg[0]);
    if (begin->device >= 0) {
        fprintf(look->text, " on device %d", begin->device);
    }
    fprintf(look->text, " for %.1f s", (double)(hang_now(look->scope) - (int64_t)begin->time_ns) / 1e9);
    mix(look->sample, &begin->sequence, sizeof begin->sequence);
}

static void look_at_thread(void *context, pid_t thread)
{
    struct look *look = context;
    const char *root = look->scope->proc_root;
    struct proc_stat stat;
    char file[48];
    char line[512] = "";
    if (proc_stat_read(root, look->process, thread, &stat) != 0 || stat.state == 'Z' || stat.state == 'X') {
        return;
    }
    look->sample->cpu_ticks += stat.cpu_ticks;
    mix(look->sample, &thread, sizeof thread);
    const struct record_thread *call =
        record_open_call(look->record, (uint32_t)look->process, (uint32_t)thread);
    snprintf(file, sizeof file, "task/%d/syscall", (int)thread);
    bool readable = proc_read(root, look->process, file, line, sizeof line) > 0 && stat.state == 'S';
    const struct asleep asleep = look_parse(readable ? line : "running");
    if (look_is_sanitizers_own(look, thread, &asleep)) {
        return;
    }
    bool told = look_at_told_wait(look, thread, &asleep);
    if (!told) {
        mix_switches(look, look->process, thread);
    }
    if (stat.state != 'S') {
        look_runs(look);
    }
    if (call != NULL && stat.state == 'S') {
        look->sample->in_library = look->sample->in_library || !told;
        if (!told && !waits_for_ever(&call->begin)) {
            obstacle(look, "process %d thread %d is in %s", (int)look->process, (int)thread,
                     vdi_function_names[call->begin.function]);
        }
        look_at_call(look, thread, &call->begin);
        return;
    }
    const char *wait = readable ? look_untimed_wait(look, &asleep) : NULL;
    note(look, "client", look->process, thread);
    fprintf(look->text, " %s%s", wait != NULL ? "in " : "not in a known wait", wait != NULL ? wait : "");
    if (wait == NULL) {
        look->sample->stuck = false;
        if (!told && stat.state == 'S') {
            obstacle(look, "process %d thread %d waits in system call %ld, which we know nothing about",
                     (int)look->process, (int)thread, asleep.number);
        }
    }
    mix(look->sample, line, strlen(line));
    mix(look->sample, &stat.cpu_ticks, sizeof stat.cpu_ticks);
}

/* ---- processes ---- */

/* All below the runner belongs to the client, but for what --before left in the background. */
static bool is_of_client(const struct look *look, const struct proc_table *table, pid_t process)
{
    char token[RUN_TOKEN_MAX];
    const struct hang_scope *scope = look->scope;
    return proc_table_is_below(table, process, scope->runner) &&
           (scope->fork_server == NULL || scope->fork_server->pid != process) &&
           (!proc_environment(scope->proc_root, process, HELPER_VARIABLE, token, sizeof token) ||
            strcmp(token, scope->token) != 0);
}

/* A timer, or a handler for the alarm signal: the process has arranged to wake up. */
static bool has_alarm(const char *root, pid_t process)
{
    char text[256];
    if (proc_read(root, process, "timers", text, sizeof text) != 0) {
        return true;
    }
    return look_catches(root, process, SIGALRM);
}

static struct asleep asleep_of(const struct look *look, pid_t thread, char state)
{
    char file[48];
    char line[512] = "";
    snprintf(file, sizeof file, "task/%d/syscall", (int)thread);
    bool readable = proc_read(look->scope->proc_root, look->process, file, line, sizeof line) > 0;
    return look_parse(readable && state == 'S' ? line : "running");
}

/* All it has to do waits for the client, or for the time to pass: then so does each of its threads, unless it runs just
 * now. */
static void look_at_server_thread(void *context, pid_t thread)
{
    struct look *look = context;
    struct proc_stat stat;
    if (proc_stat_read(look->scope->proc_root, look->process, thread, &stat) != 0 || stat.state != 'S') {
        look_runs(look);
        stat.state = 'R';
    }
    const struct asleep asleep = asleep_of(look, thread, stat.state);
    if (look_at_told_wait(look, thread, &asleep)) {
        look->told = true;
    } else {
        mix_switches(look, look->process, thread);
    }
}

/* Whether each statement of the server's process waits for the client. */
static bool server_waits(struct look *look, pid_t process)
{
    bool waiting = false;
    for (size_t i = 0; i < look->record->statement_count; i++) {
        const struct record_statement *statement = &look->record->statements[i];
        if (statement->process != (uint32_t)process || statement->ended) {
            continue;
        }
        waiting = statement->waiting;
        if (!waiting) {
            break;
        }
        note(look, "sqlcmd", process, 0);
        fprintf(look->text, " waits for the client: %" PRId64 " commands outstanding",
                statement->outstanding);
        if (statement->device >= 0) {
            fprintf(look->text, ", one on device %d", statement->device);
        }
    }
    return waiting;
}

/* A process of the simulated server: stuck while all it has to do waits for the client. */
static void look_at_server(struct look *look, const struct proc_stat *row)
{
    pid_t process = row->pid;
    bool waiting = server_waits(look, process);
    bool stopped = row->state == 'T'; /* for good: the fault server-hang */
    bool leaving = look->scope->waits != NULL && run_waits_is_leaving(look->scope->waits, (uint32_t)process);
    bool acts = leaving || row->state != 'S';
    look->process = process;
    look->told = false;
    if (!stopped && proc_each_thread(look->scope->proc_root, process, look_at_server_thread, look) != 0) {
        look_runs(look);
    }
    if (!stopped && (!waiting || acts)) {
        look->sample->stuck = false;
        if (!look->told || acts) {
            look_runs(look);
        }
    }
    if (stopped || !waiting) {
        note(look, "sqlcmd", process, 0);
        fputs(stopped      ? " is stopped"
              : leaving    ? " is told to end"
              : look->told ? " lets time pass"
                           : " is at work",
              look->text);
    }
    mix(look->sample, &process, sizeof process);
}

/* A sqlcmd whose server is a process of its own. */
static bool is_front_end(const struct look *look, const struct proc_table *table, pid_t process)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].parent == process && table->rows[i].state != 'Z' &&
            proc_runs(look->scope->proc_root, table->rows[i].pid, look->scope->stand_in)) {
            return true;
        }
    }
    return false;
}

/* It waits for its server to end, the third argument is how long: a time limit on the statement makes it act. */
static void look_at_front_end(struct look *look, const struct proc_stat *row)
{
    look->process = row->pid;
    const struct asleep asleep = asleep_of(look, row->pid, row->state);
    if (row->state != 'S' || asleep.number != SYS_rt_sigtimedwait) {
        look->sample->stuck = false;
        look_runs(look);
    } else if (asleep.argument[2] != 0) {
        look->sample->stuck = false;
        obstacle(look, "sqlcmd %d has a time limit", (int)row->pid);
    }
    mix_switches(look, row->pid, row->pid);
}

/* A connection's process, or the one that waits for connections: without a statement, and asleep, it waits for the
 * client. */
static void look_at_connection(struct look *look, const struct proc_stat *row)
{
    bool at_work = row->state != 'S';
    for (size_t i = 0; i < look->record->statement_count; i++) {
        const struct record_statement *statement = &look->record->statements[i];
        at_work = at_work || (statement->process == (uint32_t)row->pid && !statement->ended);
    }
    if (at_work) {
        look_at_server(look, row);
    }
}

static void look_at_process(struct look *look, const struct proc_table *table, const struct proc_stat *row)
{
    const char *root = look->scope->proc_root;
    if (row->state == 'Z' || row->state == 'X') {
        if (row->parent == look->scope->runner) {
            look_runs(look); /* the runner itself has yet to take note of its end */
        }
        return;
    }
    if (proc_runs(root, row->pid, look->scope->sql_server)) {
        look_at_connection(look, row);
        return;
    }
    if (proc_runs(root, row->pid, look->scope->stand_in)) {
        if (is_front_end(look, table, row->pid)) {
            look_at_front_end(look, row);
        } else {
            look_at_server(look, row);
        }
        return;
    }
    look->process = row->pid;
    if (has_alarm(root, row->pid)) {
        look->sample->stuck = false;
        obstacle(look, "process %d has a timer, or a handler for SIGALRM", (int)row->pid);
    }
    if (look->scope->waits != NULL && !proc_has_mapped(root, row->pid, WAITS_LIBRARY)) {
        obstacle(look, "process %d goes by the system's clock: " WAITS_LIBRARY " is not loaded into it",
                 (int)row->pid);
    }
    if (proc_each_thread(root, row->pid, look_at_thread, look) != 0) {
        look->sample->stuck = false;
        look_runs(look);
    }
}

/* ---- who else holds a pipe ---- */

struct holders {
    struct look *look;
    pid_t process;
    bool found;
};

static void look_at_descriptor(void *context, pid_t descriptor)
{
    struct holders *holders = context;
    const struct look *look = holders->look;
    char file[32];
    char target[128];
    snprintf(file, sizeof file, "fd/%d", (int)descriptor);
    if (holders->found || !proc_link(look->scope->proc_root, holders->process, file, target, sizeof target)) {
        return;
    }
    if (holders->process == look->scope->runner && look->scope->own_pipe != NULL &&
        strcmp(target, look->scope->own_pipe) == 0) {
        return;
    }
    for (size_t i = 0; i < look->pipe_count && !holders->found; i++) {
        holders->found = strcmp(target, look->pipes[i]) == 0;
    }
}

/* The runner counts as somebody else: what it inherited came from outside, and maybe from a process whose
 * descriptors we may not list. */
static bool somebody_else_holds_a_pipe(struct look *look, const struct proc_table *table)
{
    struct holders holders = {.look = look};
    for (size_t i = 0; i < table->count && look->pipe_count > 0 && !holders.found; i++) {
        holders.process = table->rows[i].pid;
        if (!is_of_client(look, table, holders.process)) {
            (void)proc_each_descriptor(look->scope->proc_root, holders.process, look_at_descriptor, &holders);
        }
    }
    return holders.found;
}

static void look_at_all(struct look *look, const struct proc_table *table)
{
    struct hang_sample *sample = look->sample;
    for (size_t i = 0; i < table->count; i++) {
        if (is_of_client(look, table, table->rows[i].pid)) {
            look_at_process(look, table, &table->rows[i]);
        }
    }
    const struct proc_stat *client = proc_table_find(table, look->scope->client);
    if (client == NULL || client->state == 'Z') {
        sample->stuck = false; /* it has ended: nothing hangs */
        look_runs(look);
    }
    if ((sample->stuck || sample->waits) && somebody_else_holds_a_pipe(look, table)) {
        sample->stuck = false;
        obstacle(look, "a pipe that is waited for is also open outside of the run");
    }
}

/* ---- a look at few files ---- */

/* As look_at_server has it: there is something to do that does not wait for the client. */
static bool is_at_work(const struct record *record, uint32_t process)
{
    bool has_one = false;
    for (size_t i = 0; i < record->statement_count; i++) {
        const struct record_statement *statement = &record->statements[i];
        if (statement->process == process && !statement->ended) {
            has_one = true;
            if (!statement->waiting) {
                return true;
            }
        }
    }
    return !has_one;
}

static bool is_state(const struct hang_scope *scope, pid_t process, const char *states)
{
    struct proc_stat stat;
    return proc_stat_read(scope->proc_root, process, 0, &stat) == 0 && strchr(states, stat.state) != NULL;
}

/* One of its threads has told of a wait: asleep, it may be letting time pass. */
static bool tells_wait(const struct hang_scope *scope, pid_t process)
{
    for (int i = 0; scope->waits != NULL && i < RUN_WAITS_MAX; i++) {
        const struct run_wait *wait = &scope->waits->slots[i];
        if (atomic_load(&wait->owner) >> 32 == (uint32_t)process && atomic_load(&wait->active) != 0) {
            return true;
        }
    }
    return false;
}

bool hang_somebody_runs(const struct hang_scope *scope, const struct record *record)
{
    for (size_t i = 0; i < record->statement_count; i++) {
        pid_t process = (pid_t)record->statements[i].process;
        if (is_at_work(record, (uint32_t)process) &&
            is_state(scope, process, tells_wait(scope, process) ? "RD" : "RSD") &&
            (proc_runs(scope->proc_root, process, scope->stand_in) ||
             proc_runs(scope->proc_root, process, scope->sql_server))) {
            return true;
        }
    }
    return is_state(scope, scope->client, "RD");
}

int hang_sample_take(const struct hang_scope *scope, const struct record *record, struct hang_sample *sample)
{
    struct proc_table table;
    size_t size = 0;
    *sample = (struct hang_sample){.fingerprint = 0xcbf29ce484222325u,
                                   .activity = 0xcbf29ce484222325u,
                                   .deadline = RUN_WAIT_FOREVER,
                                   .exact = RUN_WAIT_FOREVER,
                                   .stuck = true,
                                   .waits = true};
    int error = proc_table_read(scope->proc_root, &table);
    struct look look = {.scope = scope, .record = record, .sample = sample, .first = true};
    if (error == 0 && (look.text = open_memstream(&sample->text, &size)) == NULL) {
        error = ENOMEM;
    }
    if (error == 0) {
        look_at_all(&look, &table);
        error = fclose(look.text) != 0 ? ENOMEM : 0;
    }
    if (error != 0) {
        sample->stuck = false;
        sample->waits = false;
    }
    free(look.pipes);
    proc_table_free(&table);
    return error;
}
