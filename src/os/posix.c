/* posix.c - os.h on Linux: POSIX shared memory, futexes, inotify, /proc. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os.h"

#define SHM_FOLDER "/dev/shm" /* where glibc keeps shm_open's objects; inotify needs the path */
#define NS_PER_S   INT64_C(1000000000)

#define SPACE_UNKNOWN UINT32_MAX /* see own_space */

enum {
    UNLINK_PATIENCE_NS = 100000000 /* for somebody who is taking a name away, which takes microseconds */
};

/* What every function leaves as it found it: errno, and the thread. A cancelled one that ended at a system call of
 * ours would take locks with it and leave descriptors behind, so it has to wait until we are out. */
struct caller {
    int error;
    int cancellation;
};

static struct caller keep_caller(void)
{
    struct caller caller = {.error = errno};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &caller.cancellation);
    return caller;
}

static void give_back(const struct caller *caller)
{
    pthread_setcancelstate(caller->cancellation, NULL);
    errno = caller->error;
}

/* --- named shared memory --- */

static int shm_name(const char *name, char out[OS_NAME_MAX + 1])
{
    if (name[0] == '\0' || strchr(name, '/') != NULL || strlen(name) >= OS_NAME_MAX) {
        return EINVAL;
    }
    out[0] = '/';
    memcpy(out + 1, name, strlen(name) + 1);
    return 0;
}

/* Maps at a multiple of OS_MEMORY_ALIGNMENT, which mmap alone does not promise: reserves more than is needed,
 * puts the object at the first good place in it, and gives the rest back. */
static int map_aligned(int fd, size_t size, void **address)
{
    size_t reserved = size + OS_MEMORY_ALIGNMENT;
    uint8_t *room = mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        return errno;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = (size + page - 1) / page * page;
    uint8_t *place =
        room + (OS_MEMORY_ALIGNMENT - (uintptr_t)room % OS_MEMORY_ALIGNMENT) % OS_MEMORY_ALIGNMENT;
    if (mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
        int error = errno;
        munmap(room, reserved);
        return error;
    }
    if (place > room) {
        munmap(room, (size_t)(place - room));
    }
    if (place + whole < room + reserved) {
        munmap(place + whole, (size_t)(room + reserved - (place + whole)));
    }
    *address = place;
    return 0;
}

static int map_whole(int fd, size_t size, struct os_memory *memory)
{
    struct stat st;
    void *address = NULL;
    if (fstat(fd, &st) != 0) {
        return errno;
    }
    if (size == 0) {
        return EINVAL;
    }
    int error = map_aligned(fd, size, &address);
    if (error != 0) {
        return error;
    }
    memory->address = address;
    memory->size = size;
    memory->file[0] = st.st_dev;
    memory->file[1] = st.st_ino;
    return 0;
}

/* Reserves every page now: a full /dev/shm must be an error here, not a SIGBUS at some later store. */
static int reserve(int fd, size_t size)
{
    struct rlimit limit;
    int error;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size) {
        return ENOSPC; /* shared memory counts as a file; asking for it would end the process by SIGXFSZ */
    }
    do {
        error = posix_fallocate(fd, 0, (off_t)size);
    } while (error == EINTR);
    return error;
}

int os_memory_create(size_t size, struct os_memory *memory)
{
    struct caller caller = keep_caller();
    int error = 0;
    int fd = open(SHM_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        error = errno;
        goto out;
    }
    error = reserve(fd, size);
    if (error == 0) {
        error = map_whole(fd, size, memory);
    }
    if (error == 0) {
        memory->unnamed = fd + 1;
    } else {
        close(fd);
    }
out:
    give_back(&caller);
    return error;
}

int os_memory_publish(struct os_memory *memory, const char *name)
{
    char path[OS_NAME_MAX + 1];
    char from[32];
    char to[sizeof SHM_FOLDER + OS_NAME_MAX];
    int error = shm_name(name, path);
    if (error != 0) {
        return error;
    }
    struct caller caller = keep_caller();
    snprintf(from, sizeof from, "/proc/self/fd/%d", memory->unnamed - 1);
    snprintf(to, sizeof to, SHM_FOLDER "%s", path);
    if (fchmod(memory->unnamed - 1, 0660) != 0 ||
        linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) != 0) {
        error = errno;
    } else {
        close(memory->unnamed - 1);
        memory->unnamed = 0;
    }
    give_back(&caller);
    return error;
}

static bool is_trusted_object(const struct stat *st)
{
    return S_ISREG(st->st_mode) && (st->st_uid == geteuid() || st->st_uid == 0 || st->st_gid == getegid() ||
                                    group_member(st->st_gid));
}

int os_memory_open(const char *name, struct os_memory *memory)
{
    char path[OS_NAME_MAX + 1];
    struct stat st;
    int error = shm_name(name, path);
    if (error != 0) {
        return error;
    }
    struct caller caller = keep_caller();
    int fd = shm_open(path, O_RDWR | O_CLOEXEC, 0); /* shm_open never follows symbolic links */
    if (fd < 0) {
        error = errno;
        goto out;
    }
    if (fstat(fd, &st) != 0) {
        error = errno;
    } else if (!is_trusted_object(&st)) {
        error = EPERM;
    } else {
        error = map_whole(fd, (size_t)st.st_size, memory);
    }
    close(fd);
out:
    give_back(&caller);
    return error;
}

void os_memory_unmap(struct os_memory *memory)
{
    struct caller caller = keep_caller();
    if (memory->address != NULL) {
        munmap(memory->address, memory->size);
    }
    if (memory->unnamed > 0) {
        close(memory->unnamed - 1);
    }
    give_back(&caller);
    *memory = (struct os_memory){0};
}

int os_memory_unlink(const char *name)
{
    struct caller caller = keep_caller();
    char path[OS_NAME_MAX + 1];
    int error = shm_name(name, path);
    if (error == 0 && shm_unlink(path) != 0) {
        error = errno;
    }
    give_back(&caller);
    return error;
}

/* Between looking and unlinking, the name could go to another object. Everybody who takes names away this way
 * first locks the object it is about to unlink, and then looks again, so nobody else does meanwhile; a lock goes
 * with its holder. An object that is not ours is not locked: its owner must not find it so. EBUSY: somebody else
 * is taking this name away. */
static int try_unlink_own(const char *name, const char *path, const struct os_memory *memory)
{
    struct os_memory now = {0};
    struct stat st;
    int error = 0;
    int fd = shm_open(path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    if (fstat(fd, &st) != 0) {
        error = errno;
    } else if (st.st_dev != memory->file[0] || st.st_ino != memory->file[1]) {
        error = ENOENT;
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error = errno == EWOULDBLOCK ? EBUSY : errno;
    } else {
        error = os_memory_open(name, &now); /* still, now that we hold the lock? */
        bool still = now.file[0] == memory->file[0] && now.file[1] == memory->file[1];
        if (error == 0 && still && shm_unlink(path) != 0) {
            error = errno;
        }
        os_memory_unmap(&now);
    }
    close(fd);
    return error;
}

int os_memory_unlink_own(const char *name, const struct os_memory *memory)
{
    struct caller caller = keep_caller();
    char path[OS_NAME_MAX + 1];
    int watch;
    int error = shm_name(name, path);
    if (error == 0) {
        error = try_unlink_own(name, path, memory);
    }
    if (error == EBUSY && os_memory_watch(&watch) == 0) {
        int64_t deadline = os_now() + UNLINK_PATIENCE_NS;
        int waited = 0;
        while ((error = try_unlink_own(name, path, memory)) == EBUSY && waited == 0) {
            waited = os_memory_watch_wait(watch, deadline);
        }
        os_memory_watch_close(watch);
    }
    give_back(&caller);
    return error;
}

/* --- watching for new objects --- */

int os_memory_watch(int *watch)
{
    struct caller caller = keep_caller();
    int error = 0;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) {
        error = errno;
    } else if (inotify_add_watch(fd, SHM_FOLDER, IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVED_TO) < 0) {
        error = errno;
        close(fd);
    } else {
        *watch = fd;
    }
    give_back(&caller);
    return error;
}

static int64_t remaining_ns(int64_t deadline)
{
    int64_t left = deadline - os_now();
    return left > 0 ? left : 0;
}

static struct timespec to_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

int os_memory_watch_wait(int watch, int64_t deadline)
{
    struct caller caller = keep_caller();
    char events[4096];
    struct pollfd entry = {.fd = watch, .events = POLLIN};
    struct timespec left = to_timespec(deadline == OS_FOREVER ? 0 : remaining_ns(deadline));
    int ready = ppoll(&entry, 1, deadline == OS_FOREVER ? NULL : &left, NULL);
    while (ready > 0 && read(watch, events, sizeof events) > 0) {
        /* only that something happened matters */
    }
    give_back(&caller);
    return ready == 0 ? ETIMEDOUT : 0;
}

void os_memory_watch_close(int watch)
{
    struct caller caller = keep_caller();
    close(watch);
    give_back(&caller);
}

/* --- waiting and waking --- */

/* A bare system call is no cancellation point. */
int os_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    int saved = errno;
    int error;
    /* Unlike FUTEX_WAIT this one takes a time of the monotonic clock: nobody has to ask what is left. */
    struct timespec until = to_timespec(deadline > 0 ? deadline : 0);
    /* A signal must not cut it short: who looks after its peer whenever nothing comes would never find the time. */
    do {
        bool woken = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected,
                             deadline == OS_FOREVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY) == 0;
        error = woken ? 0 : errno;
    } while (error == EINTR);
    errno = saved;
    return error == ETIMEDOUT ? ETIMEDOUT : 0;
}

void os_wake(_Atomic uint32_t *word)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}

int64_t os_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void os_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* --- processes --- */

/* Whose count of processes /proc and kill show us: the number of our pid namespace. SPACE_UNKNOWN: there is no /proc,
 * or it shows another count than ours. */
static uint32_t own_space(void)
{
    char self[16];
    struct stat st;
    ssize_t length = readlink("/proc/self", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    bool ours = strtol(self, NULL, 10) == (long)getpid();
    return ours && stat("/proc/self/ns/pid", &st) == 0 ? (uint32_t)st.st_ino : SPACE_UNKNOWN;
}

/* State letter, thread count and start time of a process from /proc/PID/stat. The command name in it may hold
 * blanks and brackets, so fields are counted from the last ')'. */
static bool read_stat(uint32_t pid, char *state, long *threads, uint64_t *start_time)
{
    char path[32];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) {
        return false;
    }
    text[length] = '\0';
    const char *fields = strrchr(text, ')');
    unsigned long long start = 0;
    /* fields 3 (state), 20 (num_threads), 22 (starttime) of proc(5) */
    if (fields == NULL ||
        sscanf(fields + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %*s %llu",
               state, threads, &start) != 3) {
        return false;
    }
    *start_time = start;
    return true;
}

struct os_process os_process_self(void)
{
    struct caller caller = keep_caller();
    char state;
    long threads;
    struct os_process self = {.pid = (uint32_t)getpid(), .space = own_space()};
    if (self.space == SPACE_UNKNOWN || !read_stat(self.pid, &state, &threads, &self.start_time)) {
        self.start_time = 0;
    }
    give_back(&caller);
    return self;
}

bool os_process_alive(const struct os_process *process)
{
    struct caller caller = keep_caller();
    char state;
    long threads;
    uint64_t start_time;
    bool alive = process->pid != 0;
    uint32_t space = own_space();
    bool seen = process->space == 0 || (process->space == space && space != SPACE_UNKNOWN);
    if (!seen || !alive) {
        goto out;
    }
    if (space != SPACE_UNKNOWN && read_stat(process->pid, &state, &threads, &start_time)) {
        /* A zombie has ended, unless only its first thread has. */
        bool ended = state == 'X' || (state == 'Z' && threads <= 1);
        alive = !ended && (process->start_time == 0 || process->start_time == start_time);
    } else {
        /* No descriptor left, or /proc hides it from us: ask the kernel. */
        alive = kill((pid_t)process->pid, 0) == 0 || errno != ESRCH;
    }
out:
    give_back(&caller);
    return alive;
}
