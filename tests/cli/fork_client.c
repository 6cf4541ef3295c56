/* A client of one VDI call, after what its argument says: the process that test_cli_fork_server copies. Exit status 7,
 * 3 if it cannot do that. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "vdi.h"

static void *wait_for_ever(void *unused)
{
    (void)unused;
    for (;;) {
        pause();
    }
    return NULL;
}

static int start_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, wait_for_ever, NULL);
}

static int start_process(void)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    return child < 0; /* it is a zombie, at the latest when the whole process ends */
}

/* By system calls, which nobody sees: else the copy is made before. */
static int write_file(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) < 0;
}

static int read_file(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC) < 0;
}

static int open_seen(void)
{
    return open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) < 0;
}

static int connect_socket(void)
{
    int ends[2];
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static int share_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int set_timer(void)
{
    const struct itimerval value = {.it_value.tv_sec = 1000};
    return setitimer(ITIMER_REAL, &value, NULL);
}

static int make_timer(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    return timer_create(CLOCK_MONOTONIC, &event, &timer);
}

static int lock_memory(void)
{
    static char page[8192];
    return mlock(page, 4096);
}

/* When the process was made, in ticks: for a copy that is long after the process that it is a copy of. */
static long long start_ticks(void)
{
    char text[1024] = "";
    long long ticks = -1;
    int file = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
    long got = syscall(SYS_read, file, text, sizeof text - 1);
    const char *at = got > 0 ? strrchr(text, ')') : NULL;
    syscall(SYS_close, file);
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL && sscanf(at, "%lld", &ticks) == 1 ? ticks : LLONG_MAX;
}

/* A copy's first time is its own, not that of the process it comes from. */
static int read_clock(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) {
        return -1;
    }
    long a_second = sysconf(_SC_CLK_TCK);
    long long ticks = (long long)now.tv_sec * a_second + now.tv_nsec / (1000000000 / a_second);
    return ticks < start_ticks();
}

static int do_nothing(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC) < 0; /* which nobody notices */
}

static const struct {
    const char *word;
    int (*act)(void);
} acts[] = {
    {"nothing", do_nothing},  {"clock", read_clock},       {"seen", open_seen},
    {"thread", start_thread}, {"process", start_process},  {"write", write_file},
    {"read", read_file},      {"socket", connect_socket},  {"memory", share_memory},
    {"timer", set_timer},     {"posix-timer", make_timer}, {"lock", lock_memory},
};

/* The C library's own copy of the thread's number must be that of the copied process: a lock that knows its owner. */
static int thread_is_known(void)
{
    pthread_mutex_t lock;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&lock, &attributes);
    return pthread_mutex_lock(&lock) == 0 && lock.__data.__owner == (int)syscall(SYS_gettid) &&
           getpid() == (pid_t)syscall(SYS_gettid);
}

int main(int argc, char **argv)
{
    ClientVirtualDeviceSet set;
    for (size_t i = 0; argc > 1 && i < sizeof acts / sizeof acts[0]; i++) {
        if (strcmp(argv[1], acts[i].word) == 0 && acts[i].act() == 0) {
            vdi_set_init(&set);
            vdi_set_destroy(&set);
            return thread_is_known() && getenv("VDIFAULT_FORK_SERVER") == NULL ? 7 : 4;
        }
    }
    return 3;
}
