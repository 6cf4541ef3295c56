/* hang_sample.c - one look at the client's processes: can anybody act? */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "environment.h"
#include "hang.h"
#include "os.h"
#include "procfs.h"

enum {
    SYSCALL_ARGUMENTS = 6,
    FUTEX_PRIVATE = 0x80,
    FUTEX_COMMANDS = 0x7f,
    PIPE_NAME_MAX = 32 /* "pipe:[<inode>]" */
};

struct look {
    const struct hang_scope *scope;
    const struct record *record;
    struct hang_sample *sample;
    FILE *text;
    pid_t process; /* whose threads are looked at */
    bool first;
    char (*pipes)[PIPE_NAME_MAX]; /* that threads wait for */
    size_t pipe_count;
};

static void mix(struct hang_sample *sample, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) { /* FNV-1a */
        sample->fingerprint = (sample->fingerprint ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    }
}

static void note(struct look *look, const char *what, pid_t process, pid_t thread)
{
    fprintf(look->text, "%s%s %d", look->first ? "" : "; ", what, (int)process);
    if (thread != 0) {
        fprintf(look->text, " thread %d", (int)thread);
    }
    look->first = false;
}

/* ---- signals ---- */

static uint64_t signal_bit(int number)
{
    return 1ull << (number - 1);
}

static bool caught_signals(const char *root, pid_t process, uint64_t *caught)
{
    char text[4096];
    if (proc_read(root, process, "status", text, sizeof text) <= 0) {
        return false;
    }
    const char *line = strstr(text, "\nSigCgt:");
    *caught = line != NULL ? strtoull(line + 8, NULL, 16) : 0;
    return line != NULL;
}

/* ---- waits of the kernel that have no time limit ---- */

/* A futex wait: FUTEX_WAIT 0, FUTEX_LOCK_PI 6, FUTEX_WAIT_BITSET 9; the 4th argument is the limit. In a shared
 * mapping (a named semaphore, MAP_SHARED) a process that we do not look at may wake it. */
static bool futex_is_untimed(struct look *look, const uint64_t *argument)
{
    uint64_t command = argument[1] & FUTEX_COMMANDS;
    if ((command != 0 && command != 6 && command != 9) || argument[3] != 0) {
        return false;
    }
    return (argument[1] & FUTEX_PRIVATE) != 0 ||
           proc_mapping(look->scope->proc_root, look->process, argument[0]) == PROC_MAPPING_PRIVATE;
}

static bool always_untimed(struct look *look, const uint64_t *argument)
{
    (void)look;
    (void)argument;
    return true;
}

/* Waits for a signal end by a handler, and anybody may send a signal that is caught. Not so the signals of
 * the C library's own (32, 33), those of faults, and SIGCHLD: it comes from a child, which is looked at. */
static bool catches_nothing(struct look *look, const uint64_t *argument)
{
    static const int harmless[] = {SIGCHLD, SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                   SIGTRAP, SIGSYS,  SIGABRT, 32,     33};
    uint64_t caught = 0;
    (void)argument;
    if (!caught_signals(look->scope->proc_root, look->process, &caught)) {
        return false;
    }
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        caught &= ~signal_bit(harmless[i]);
    }
    return caught == 0;
}

/* Notes the pipe; who else holds it is looked for once all processes look stuck. */
static bool reads_pipe(struct look *look, const uint64_t *argument)
{
    char file[32];
    char target[128];
    snprintf(file, sizeof file, "fd/%" PRIu64, argument[0]);
    if (!proc_link(look->scope->proc_root, look->process, file, target, sizeof target) ||
        strncmp(target, "pipe:[", 6) != 0 || strlen(target) >= PIPE_NAME_MAX) {
        return false;
    }
    void *pipes = realloc(look->pipes, (look->pipe_count + 1) * sizeof *look->pipes);
    if (pipes == NULL) {
        return false;
    }
    look->pipes = pipes;
    memcpy(look->pipes[look->pipe_count++], target, strlen(target) + 1);
    return true;
}

struct wait_row {
    long number;
    const char *name;
    bool (*untimed)(struct look *look, const uint64_t *argument);
};

static const struct wait_row waits[] = {
    {SYS_futex, "futex", futex_is_untimed},   {SYS_wait4, "wait4", always_untimed},
    {SYS_waitid, "waitid", always_untimed},   {SYS_rt_sigsuspend, "sigsuspend", catches_nothing},
    {SYS_read, "read of a pipe", reads_pipe},
#ifdef SYS_pause
    {SYS_pause, "pause", catches_nothing},
#endif
};

/* The wait a thread is in, or NULL: it can act, or we cannot tell. */
static const char *untimed_wait(struct look *look, const char *line)
{
    uint64_t argument[SYSCALL_ARGUMENTS];
    char *at = NULL;
    long number = strtol(line, &at, 10);
    if (at == line) {
        return NULL; /* "running" */
    }
    for (int i = 0; i < SYSCALL_ARGUMENTS; i++) {
        argument[i] = strtoull(at, &at, 16);
    }
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        if (waits[i].number == number) {
            return waits[i].untimed(look, argument) ? waits[i].name : NULL;
        }
    }
    return NULL;
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
    fprintf(look->text, " for %.1f s", (double)(os_now() - (int64_t)begin->time_ns) / 1e9);
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
    if (call != NULL && stat.state == 'S') {
        look_at_call(look, thread, &call->begin);
        return;
    }
    snprintf(file, sizeof file, "task/%d/syscall", (int)thread);
    bool readable = proc_read(root, look->process, file, line, sizeof line) > 0;
    const char *wait = readable && stat.state == 'S' ? untimed_wait(look, line) : NULL;
    note(look, "client", look->process, thread);
    fprintf(look->text, " %s%s", wait != NULL ? "in " : "not in a known wait", wait != NULL ? wait : "");
    if (wait == NULL) {
        look->sample->stuck = false;
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
    uint64_t caught = 0;
    return !caught_signals(root, process, &caught) || (caught & signal_bit(SIGALRM)) != 0;
}

/* A process of the simulated server: stuck while all it has to do waits for the client. */
static void look_at_server(struct look *look, const struct proc_stat *row)
{
    pid_t process = row->pid;
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
    if (!waiting || row->state != 'S') {
        look->sample->stuck = false;
    }
    if (!waiting) {
        note(look, "sqlcmd", process, 0);
        fputs(" is at work", look->text);
    }
    mix(look->sample, &process, sizeof process);
}

static void look_at_process(struct look *look, const struct proc_stat *row)
{
    char target[4096];
    const char *root = look->scope->proc_root;
    if (row->state == 'Z' || row->state == 'X') {
        return;
    }
    if (proc_link(root, row->pid, "exe", target, sizeof target) &&
        strcmp(target, look->scope->stand_in) == 0) {
        look_at_server(look, row);
        return;
    }
    if (has_alarm(root, row->pid)) {
        look->sample->stuck = false;
    }
    look->process = row->pid;
    if (proc_each_thread(root, row->pid, look_at_thread, look) != 0) {
        look->sample->stuck = false;
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
            look_at_process(look, &table->rows[i]);
        }
    }
    const struct proc_stat *client = proc_table_find(table, look->scope->client);
    if (client == NULL || client->state == 'Z') {
        sample->stuck = false; /* it has ended: nothing hangs */
    }
    if (sample->stuck && somebody_else_holds_a_pipe(look, table)) {
        sample->stuck = false;
    }
}

int hang_sample_take(const struct hang_scope *scope, const struct record *record, struct hang_sample *sample)
{
    struct proc_table table;
    size_t size = 0;
    *sample = (struct hang_sample){.fingerprint = 0xcbf29ce484222325u, .stuck = true};
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
    }
    free(look.pipes);
    proc_table_free(&table);
    return error;
}
