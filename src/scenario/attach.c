/* attach.c - finding, creating and mapping the run's state; see runstate.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event_time.h"
#include "runstate_internal.h"

/* Where this process is attached. */
_Atomic(struct run_state *) run_attached_state; /* published last */
_Atomic uint32_t *run_process_page;             /* NULL: no such page; see make_process_page */
static bool recorded;
static char attached_folder[PATH_MAX];

/* Counters for a process that is attached to nothing. */
static struct run_state private_state;

void run_futex_wait(_Atomic uint32_t *word, uint32_t expected, const struct timespec *timeout)
{
    syscall(SYS_futex, word, FUTEX_WAIT, expected, timeout, NULL, 0);
}

void run_futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

_Thread_local uint32_t run_own_work;

void run_once(pthread_once_t *once, void (*function)(void))
{
    static _Atomic uint32_t begun;
    sigset_t all, before;
    int saved = errno, cancel;
    sigfillset(&all);
    /* By the system call: in a client its own name is interposed. */
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, (size_t)(_NSIG / 8));
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    atomic_fetch_add(&begun, 1); /* where ThreadSanitizer calls the handlers of signals that came before */
    run_own_work++;
    pthread_once(once, function);
    run_own_work--;
    pthread_setcancelstate(cancel, NULL);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, (size_t)(_NSIG / 8));
    errno = saved;
}

void *run_map_file(int file, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    (void)madvise(memory, size, MADV_RANDOM);
    return memory;
}

bool run_path(const char *folder, const char *name, char path[static PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

void *run_new_file(const char *folder, const char *name, size_t size, int *error)
{
    char path[PATH_MAX];
    void *memory = NULL;
    if (!run_path(folder, name, path)) {
        *error = ENAMETOOLONG;
        return NULL;
    }
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        *error = errno;
        return NULL;
    }
    /* Reserved, not just sized: a disk that fills up later must not kill the client with SIGBUS, nor a limit on
     * file sizes with SIGXFSZ. */
    struct rlimit limit;
    bool allowed = getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= size;
    *error = allowed ? posix_fallocate(file, 0, (off_t)size) : EFBIG;
    if (*error == 0) {
        memory = run_map_file(file, size);
        *error = memory == NULL ? errno : 0;
    }
    close(file);
    if (*error != 0) {
        unlink(path);
        return NULL;
    }
    return memory;
}

int run_open_file(const char *folder, const char *name, size_t size)
{
    char path[PATH_MAX];
    struct stat info;
    int file = run_path(folder, name, path) ? open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    if (file >= 0 && (fstat(file, &info) != 0 || !S_ISREG(info.st_mode) || (size_t)info.st_size != size)) {
        close(file);
        file = -1;
    }
    return file;
}

/* One that an earlier run of the folder has left, wiped since (run_state_renew). */
static struct event_ring *wiped_ring(const char *name)
{
    int file = run_open_file(attached_folder, name, RUN_RING_BYTES);
    struct event_ring *ring = file >= 0 ? run_map_file(file, RUN_RING_BYTES) : NULL;
    if (ring != NULL && ring->magic != 0) {
        munmap(ring, RUN_RING_BYTES);
        ring = NULL;
    }
    if (file >= 0) {
        close(file);
    }
    return ring;
}

struct event_ring *run_new_ring(uint32_t number)
{
    char name[32];
    int error = 0;
    snprintf(name, sizeof(name), "ring.%u", number);
    struct event_ring *ring = wiped_ring(name);
    return ring != NULL ? ring : run_new_file(attached_folder, name, RUN_RING_BYTES, &error);
}

/* What is no whole ring goes: its writer was killed while it made it, and O_EXCL would refuse the name for ever. */
static int wipe_ring(const char *folder, uint32_t number)
{
    static const char zeros[sizeof(struct event_ring)];
    char name[32], path[PATH_MAX];
    snprintf(name, sizeof(name), "ring.%u", number);
    int file = run_open_file(folder, name, RUN_RING_BYTES);
    if (file < 0) {
        return run_path(folder, name, path) && (unlink(path) == 0 || errno == ENOENT) ? 0 : EIO;
    }
    int error = pwrite(file, zeros, sizeof(zeros), 0) == (ssize_t)sizeof(zeros) ? 0 : EIO;
    close(file);
    return error;
}

int run_state_create(const char *folder)
{
    /* Built under a name of its own and then linked into place, so that nobody maps half a file. */
    char name[48], path[PATH_MAX], final[PATH_MAX];
    int error = 0;
    snprintf(name, sizeof(name), "state.%ld", syscall(SYS_gettid));
    if (strlen(folder) + sizeof(name) + 1 > sizeof(path)) {
        return ENAMETOOLONG;
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return errno;
    }
    struct run_state *state = run_new_file(folder, name, sizeof(*state), &error);
    if (state == NULL) {
        return error;
    }
    state->magic = RUN_STATE_MAGIC;
    state->version = RUN_STATE_VERSION;
    munmap(state, sizeof(*state));
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(final, sizeof(final), "%s/state", folder);
    error = link(path, final) != 0 ? errno : 0;
    unlink(path);
    return error;
}

int run_state_map(const char *folder, struct run_state **out)
{
    char path[PATH_MAX];
    struct stat info;
    int error = 0;
    struct run_state *state = NULL;
    *out = NULL;
    if (!run_path(folder, "state", path)) {
        return ENAMETOOLONG;
    }
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 || fstat(file, &info) != 0) {
        error = errno;
        goto done;
    }
    if ((size_t)info.st_size != sizeof(*state)) {
        error = EPROTO; /* another version's, or not ours at all */
        goto done;
    }
    state = run_map_file(file, sizeof(*state));
    error = state == NULL ? errno : 0;
    if (error == 0 && (state->magic != RUN_STATE_MAGIC || state->version != RUN_STATE_VERSION)) {
        munmap(state, sizeof(*state));
        error = EPROTO;
    }
    *out = error == 0 ? state : NULL;
done:
    if (file >= 0) {
        close(file);
    }
    return error;
}

int run_state_renew(const char *folder)
{
    struct run_state *state = NULL;
    int error = run_state_map(folder, &state); /* anew: it may have been cut short under an older mapping */
    if (error != 0) {
        return error;
    }
    uint32_t rings = atomic_load(&state->ring_count);
    for (uint32_t i = 0; i < rings && i < RUN_RINGS_MAX && error == 0; i++) {
        error = wipe_ring(folder, i);
    }
    if (error == 0) {
        memset(state, 0, sizeof(*state));
        state->magic = RUN_STATE_MAGIC;
        state->version = RUN_STATE_VERSION;
    }
    munmap(state, sizeof(*state));
    return error;
}

/* A page that every fork wipes in the child: the cheapest way to notice one, however it was made
 * (pthread_atfork misses _Fork and clone). Where the kernel cannot do that, each look asks the system. */
static void make_process_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0) {
        run_process_page = page;
    }
}

static void attach(void)
{
    struct run_state *state = NULL;
    const char *folder = run_variable("VDIFAULT_TRACE");
    make_process_page();
    if (folder != NULL && folder[0] != '\0' && strlen(folder) < sizeof(attached_folder)) {
        memcpy(attached_folder, folder, strlen(folder) + 1);
        int error = run_state_map(folder, &state);
        if (error == ENOENT) {
            error = run_state_create(folder);
            if (error == 0 || error == EEXIST) {
                run_state_map(folder, &state);
            }
        }
    }
    private_state.magic = RUN_STATE_MAGIC; /* here, not in an initializer: the rest stays untouched memory */
    private_state.version = RUN_STATE_VERSION;
    recorded = state != NULL;
    if (recorded) {
        event_time_prepare(state->tick_rate);
    }
    atomic_store_explicit(&run_attached_state, state != NULL ? state : &private_state, memory_order_release);
}

struct run_state *run_state_attach_first(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    run_once(&once, attach);
    return atomic_load_explicit(&run_attached_state, memory_order_acquire);
}

bool run_state_is_recorded(void)
{
    run_state_attach();
    return recorded;
}

uint32_t run_process_asked(void)
{
    uint32_t process = (uint32_t)getpid();
    if (run_process_page != NULL) {
        atomic_store_explicit(run_process_page, process, memory_order_relaxed);
    }
    return process;
}
