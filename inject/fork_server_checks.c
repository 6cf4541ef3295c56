/* fork_server_checks.c - see fork_server_checks.h. Reads /proc/self by system calls: opendir and stdio allocate. */
#include "fork_server_checks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runstate.h"

/* Any sanitizer's runtime has it. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct reason {
    int socket; /* our own */
    char *why;
    size_t size;
};

/* ---- reading /proc ---- */

typedef bool visit_number(const struct reason *reason, int number);

struct linux_entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* The entries of a folder that are numbers, until `visit` says false or the end; how many, -1: it cannot be read. */
static int each_number(const char *path, visit_number *visit, const struct reason *reason)
{
    _Alignas(struct linux_entry) char buffer[4096];
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = 0;
    long got = -1;
    bool going = folder >= 0;
    while (going && (got = syscall(SYS_getdents64, folder, buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < got && going;) {
            const struct linux_entry *entry = (const void *)(buffer + at);
            char *end = NULL;
            long number = strtol(entry->name, &end, 10);
            at += entry->length;
            if (*end == '\0' && end != entry->name && number != folder) {
                count++;
                going = visit == NULL || visit(reason, (int)number);
            }
        }
    }
    if (folder >= 0) {
        close(folder);
    }
    return got < 0 ? -1 : count;
}

/* Lines of a file, each NUL terminated, until `visit` says false; false then, or when it cannot be read or a line is
 * too long. */
typedef bool visit_line(const struct reason *reason, char *line);

static bool each_line(const char *path, visit_line *visit, const struct reason *reason)
{
    char buffer[PATH_MAX * 2];
    size_t held = 0;
    ssize_t got = -1;
    bool good = true;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    while (file >= 0 && good && (got = read(file, buffer + held, sizeof(buffer) - 1 - held)) > 0) {
        char *line = buffer;
        held += (size_t)got;
        buffer[held] = '\0';
        for (char *end; good && (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            good = visit(reason, line);
        }
        held -= (size_t)(line - buffer);
        memmove(buffer, line, held);
        good = good && held < sizeof(buffer) - 1;
    }
    if (file >= 0) {
        close(file);
    }
    return good && got == 0;
}

/* ---- what speaks against it ---- */

static bool has_one_thread(const struct reason *reason)
{
    int count = each_number("/proc/self/task", NULL, reason);
    snprintf(reason->why, reason->size, "it has %d threads", count);
    return count == 1;
}

static bool has_no_children(const struct reason *reason)
{
    siginfo_t info;
    snprintf(reason->why, reason->size, "it has started a process");
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 && errno == ECHILD;
}

/* /dev/null, zero, full, random and urandom: who reads or writes them notices nothing of others who do. */
static bool is_stateless_device(const struct stat *info)
{
    static const unsigned minors[] = {3, 5, 7, 8, 9};
    for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
        if (S_ISCHR(info->st_mode) && info->st_rdev == makedev(1, minors[i])) {
            return true;
        }
    }
    return false;
}

/* What the process was started with. */
static struct {
    int descriptor;
    dev_t device;
    ino_t inode;
} given[64];
static size_t given_count;

static bool note_given(const struct reason *reason, int descriptor)
{
    struct stat info;
    (void)reason;
    if (given_count < sizeof(given) / sizeof(given[0]) && fstat(descriptor, &info) == 0) {
        given[given_count].descriptor = descriptor;
        given[given_count].device = info.st_dev;
        given[given_count++].inode = info.st_ino;
    }
    return true;
}

void fork_server_note_open(void)
{
    (void)each_number("/proc/self/fd", note_given, NULL);
}

static bool was_given(int descriptor, const struct stat *info)
{
    for (size_t i = 0; i < given_count; i++) {
        if (given[i].descriptor == descriptor && given[i].device == info->st_dev &&
            given[i].inode == info->st_ino) {
            return true;
        }
    }
    return false;
}

/* Position and flags of what is open are shared by all copies. */
static bool may_share(const struct reason *reason, int descriptor)
{
    char link[64], name[96] = "";
    struct stat info;
    if (descriptor == reason->socket ||
        (fstat(descriptor, &info) == 0 && (is_stateless_device(&info) || was_given(descriptor, &info)))) {
        return true;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, name, sizeof(name) - 1);
    snprintf(reason->why, reason->size, "it has '%.*s' open", length > 0 ? (int)length : 1,
             length > 0 ? name : "?");
    return false;
}

static bool has_nothing_open(const struct reason *reason)
{
    reason->why[0] = '\0';
    bool read = each_number("/proc/self/fd", may_share, reason) >= 0;
    if (!read) {
        snprintf(reason->why, reason->size, "/proc/self/fd cannot be read");
    }
    return reason->why[0] == '\0';
}

/* START-END rw-s OFFSET DEVICE INODE PATH; the run's own state is renewed by the runner. */
static bool may_map(const struct reason *reason, char *line)
{
    const char *protection = strchr(line, ' ');
    const char *path = strchr(line, '/');
    const char *trace = run_variable("VDIFAULT_TRACE");
    if (protection == NULL || protection[2] != 'w' || protection[4] != 's' ||
        (path != NULL && trace != NULL && strncmp(path, trace, strlen(trace)) == 0)) {
        return true;
    }
    snprintf(reason->why, reason->size, "it shares the memory '%.90s'", path != NULL ? path : "");
    return false;
}

static bool shares_no_memory(const struct reason *reason)
{
    snprintf(reason->why, reason->size, "/proc/self/maps cannot be read");
    return each_line("/proc/self/maps", may_map, reason);
}

static bool no_line(const struct reason *reason, char *line)
{
    (void)reason;
    (void)line;
    return false;
}

static bool has_no_timer(const struct reason *reason)
{
    static const __itimer_which_t kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    snprintf(reason->why, reason->size, "it has set a timer");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct itimerval value;
        if (getitimer(kinds[i], &value) != 0 || value.it_value.tv_sec != 0 || value.it_value.tv_usec != 0) {
            return false;
        }
    }
    return each_line("/proc/self/timers", no_line, reason);
}

static bool may_lock(const struct reason *reason, char *line)
{
    (void)reason;
    return strncmp(line, "VmLck:", 6) != 0 || strtoul(line + 6, NULL, 10) == 0;
}

static bool locks_no_memory(const struct reason *reason)
{
    snprintf(reason->why, reason->size, "it has locked memory");
    return each_line("/proc/self/status", may_lock, reason);
}

/* Their runtimes know the process by its number and threads. */
static bool has_no_sanitizer(const struct reason *reason)
{
    snprintf(reason->why, reason->size, "it is built with a sanitizer");
    return __sanitizer_set_death_callback == NULL;
}

/* clang's name of the file is settled when the process starts: copies would write one after another's. */
static bool is_not_profiled(const struct reason *reason)
{
    snprintf(reason->why, reason->size, "LLVM_PROFILE_FILE is set");
    return getenv("LLVM_PROFILE_FILE") == NULL;
}

/* What came before the copies were made would be told of the first run only. */
static bool has_recorded_nothing(const struct reason *reason)
{
    snprintf(reason->why, reason->size, "what it does before its first VDI call is recorded");
    return run_state_is_recorded() && atomic_load(&run_state_attach()->ring_count) == 0;
}

bool fork_server_may(int socket, char *why, size_t size)
{
    static bool (*const checks[])(const struct reason *) = {
        has_no_sanitizer, has_one_thread,  has_no_children, has_nothing_open,     shares_no_memory,
        has_no_timer,     locks_no_memory, is_not_profiled, has_recorded_nothing,
    };
    const struct reason reason = {socket, why, size};
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (!checks[i](&reason)) {
            return false;
        }
    }
    why[0] = '\0';
    return true;
}
