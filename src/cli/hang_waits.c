/* hang_waits.c - which waits of a thread are known: what can end them, and when. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "hang_look.h"
#include "procfs.h"

enum {
    FUTEX_PRIVATE = 0x80,
    FUTEX_COMMANDS = 0x7f
};

/* ---- signals ---- */

static uint64_t signal_bit(int number)
{
    return 1ull << (number - 1);
}

/* A mask out of a status file, by the name at the start of its line. */
static bool read_signals(const char *root, pid_t process, const char *file, const char *name,
                         uint64_t *signals)
{
    char text[4096];
    if (proc_read(root, process, file, text, sizeof text) <= 0) {
        return false;
    }
    const char *line = strstr(text, name);
    *signals = line != NULL ? strtoull(line + strlen(name), NULL, 16) : 0;
    return line != NULL;
}

static bool caught_signals(const char *root, pid_t process, uint64_t *caught)
{
    return read_signals(root, process, "status", "\nSigCgt:", caught);
}

/* ---- waits of the kernel that have no time limit ---- */

/* A futex wait: FUTEX_WAIT 0, FUTEX_LOCK_PI 6, FUTEX_WAIT_BITSET 9; the 4th argument is the limit. In a shared
 * mapping (a named semaphore, MAP_SHARED) a process that we do not look at may wake it. */
static bool futex_is_private(const struct look *look, const uint64_t *argument)
{
    return (argument[1] & FUTEX_PRIVATE) != 0 ||
           proc_mapping(look->scope->proc_root, look->process, argument[0]) == PROC_MAPPING_PRIVATE;
}

static bool futex_is_untimed(struct look *look, const uint64_t *argument)
{
    uint64_t command = argument[1] & FUTEX_COMMANDS;
    return (command == 0 || command == 6 || command == 9) && argument[3] == 0 &&
           futex_is_private(look, argument);
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

/* ---- waits that we can cut short ---- */

/* Who may write into it. An epoll's own members are looked at, of them nothing else. */
static bool is_within_run(struct look *look, int descriptor, bool is_member)
{
    char file[40];
    char target[128];
    char text[4096];
    snprintf(file, sizeof file, "fd/%d", descriptor);
    if (!proc_link(look->scope->proc_root, look->process, file, target, sizeof target)) {
        return false;
    }
    if (strncmp(target, "pipe:[", 6) == 0) {
        return reads_pipe(look, &(uint64_t){(uint64_t)descriptor});
    }
    if (strcmp(target, "anon_inode:[eventfd]") == 0 || strcmp(target, "anon_inode:[pidfd]") == 0) {
        return true;
    }
    snprintf(file, sizeof file, "fdinfo/%d", descriptor);
    if (is_member || strcmp(target, "anon_inode:[eventpoll]") != 0 ||
        proc_read(look->scope->proc_root, look->process, file, text, sizeof text) <= 0 ||
        strlen(text) >= sizeof text - 1) {
        return false;
    }
    bool within = true;
    for (const char *line = text; within && (line = strstr(line, "tfd:")) != NULL; line++) {
        within = is_within_run(look, atoi(line + 4), true);
    }
    return within;
}

static bool polls_within_run(struct look *look, const struct run_wait *wait)
{
    uint32_t count = atomic_load(&wait->descriptor_count);
    bool within = count <= RUN_WAIT_DESCRIPTORS;
    for (uint32_t i = 0; within && i < count; i++) {
        within = is_within_run(look, atomic_load(&wait->descriptors[i]), false);
    }
    return within;
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

struct asleep look_parse(const char *line)
{
    struct asleep asleep = {.number = -1};
    char *at = NULL;
    long number = strtol(line, &at, 10);
    if (at == line) {
        return asleep; /* "running" */
    }
    asleep.number = number;
    for (int i = 0; i < SYSCALL_ARGUMENTS; i++) {
        asleep.argument[i] = strtoull(at, &at, 16);
    }
    asleep.stack = strtoull(at, &at, 16);
    return asleep;
}

#ifdef SYS_nanosleep
#define OLD_NANOSLEEP SYS_nanosleep
#else
#define OLD_NANOSLEEP (-2) /* none */
#endif

bool look_is_sanitizers_own(const struct look *look, pid_t thread, const struct asleep *asleep)
{
    static const int kept[] = {SIGKILL, SIGSTOP, SIGPROF, SIGSYS, 32, 33};
    char file[48];
    uint64_t blocked = 0;
    uint64_t all = UINT64_MAX;
    if (thread == look->process || asleep->number != OLD_NANOSLEEP ||
        asleep->argument[0] != asleep->argument[1]) {
        return false;
    }
    snprintf(file, sizeof file, "task/%d/status", (int)thread);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        all &= ~signal_bit(kept[i]);
    }
    return read_signals(look->scope->proc_root, look->process, file, "\nSigBlk:", &blocked) &&
           (blocked & all) == all;
}

const char *look_untimed_wait(struct look *look, const struct asleep *asleep)
{
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        if (waits[i].number == asleep->number) {
            return waits[i].untimed(look, asleep->argument) ? waits[i].name : NULL;
        }
    }
    return NULL;
}

bool look_at_told_wait(struct look *look, pid_t thread, const struct asleep *asleep)
{
    struct hang_sample *sample = look->sample;
    const struct run_wait *wait =
        look->scope->waits != NULL
            ? run_wait_find(look->scope->waits, (uint32_t)look->process, (uint32_t)thread)
            : NULL;
    if (wait == NULL || asleep->number < 0) {
        return false;
    }
    uint64_t frame = atomic_load(&wait->frame);
    uint32_t kind = atomic_load(&wait->kind);
    uint32_t serial = atomic_load(&wait->serial);
    int64_t deadline = atomic_load(&wait->deadline);
    bool holds = asleep->stack < frame && frame - asleep->stack < RUN_WAIT_STACK;
    if (!holds || (kind == RUN_WAIT_POLL && !polls_within_run(look, wait)) ||
        (kind == RUN_WAIT_MEMORY &&
         (asleep->number != SYS_futex || !futex_is_private(look, asleep->argument)))) {
        return false;
    }
    if (deadline <= hang_now(look->scope)) {
        look_runs(look); /* or is about to */
    }
    sample->deadline = deadline < sample->deadline ? deadline : sample->deadline;
    if (deadline - atomic_load(&wait->begun) > hang_lateness(look->scope, look->record) &&
        deadline < sample->exact) {
        sample->exact = deadline;
    }
    sample->in_library = sample->in_library || kind == RUN_WAIT_LIBRARY;
    look_mix(&sample->activity, &thread, sizeof thread);
    look_mix(&sample->activity, &serial, sizeof serial);
    return true;
}

bool look_catches(const char *root, pid_t process, int number)
{
    uint64_t caught = 0;
    return !caught_signals(root, process, &caught) || (caught & signal_bit(number)) != 0;
}
