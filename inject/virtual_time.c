/* virtual_time.c - see virtual_time.h. */
#include "virtual_time.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "inject.h"
#include "next.h"
#include "runstate.h"
#include "runstate_internal.h"

enum {
    MS = 1000000,
    /* How late a waiter may notice that the clock was moved: before that can happen, and when it can. */
    SLICE_ARMED_NS = 20 * MS,
    SLICE_VIRTUAL_NS = 2 * MS
};

/* What this process has of the run's time. `state` is published last; NULL: its clocks are the system's. */
static struct {
    pthread_once_t once;
    _Atomic bool looked;
    struct run_state *_Atomic state;
    struct run_waits *waits;
    bool library_in_seconds;
} shown = {.once = PTHREAD_ONCE_INIT};

/* The simulated server keeps the system's time, also where a client starts it with us on board. */
static bool is_server(void)
{
    char self[PATH_MAX];
    const char *server = run_variable("VDIFAULT_SQLCMD");
    ssize_t length = server != NULL ? readlink("/proc/self/exe", self, sizeof(self) - 1) : -1;
    self[length > 0 ? length : 0] = '\0';
    return length > 0 && strcmp(self, server) == 0;
}

static void look(void)
{
    const char *folder = run_variable("VDIFAULT_TRACE");
    if (folder != NULL && run_state_is_recorded() && !is_server()) {
        shown.waits = run_waits_map(folder, false);
    }
    const char *dialect = getenv("VDI_DIALECT");
    shown.library_in_seconds = dialect != NULL && strstr(dialect, "timeout-unit:s") != NULL;
    if (shown.waits != NULL) {
        atomic_store_explicit(&shown.state, run_state_attach(), memory_order_release);
    }
    atomic_store_explicit(&shown.looked, true, memory_order_release);
}

static struct run_state *run_time(void)
{
    if (!atomic_load_explicit(&shown.looked, memory_order_acquire)) {
        if (run_own_work != 0 || !inject_is_active()) {
            return NULL; /* not settled: the next call asks again */
        }
        (void)fork_server_passes(true); /* what is looked up is the run's own */
        run_once(&shown.once, look);
    }
    return atomic_load_explicit(&shown.state, memory_order_acquire);
}

INJECT_EXPORT int64_t vdifault_clock_ahead(const void *caller)
{
    const struct run_state *state = next_is_library(caller) ? NULL : run_time();
    return state != NULL ? run_clock_ahead(state) : 0;
}

int64_t virtual_ahead(void)
{
    const struct run_state *state = run_time();
    return state != NULL ? run_clock_ahead(state) : 0;
}

static int64_t now_of(const struct run_state *state)
{
    return inject_now() + run_clock_ahead(state);
}

/* Without a system call for each wait. */
static uint32_t own_thread(uint32_t process)
{
    static _Thread_local struct {
        uint32_t process; /* another one in a child */
        uint32_t thread;
    } self __attribute__((tls_model("initial-exec")));
    if (self.process != process) {
        self.process = process;
        self.thread = (uint32_t)syscall(SYS_gettid);
    }
    return self.thread;
}

bool virtual_wait_begin(struct timed_wait *wait, enum run_wait_kind kind, int64_t nanoseconds)
{
    struct run_state *state = run_time();
    if (state == NULL || atomic_load_explicit(&state->clock, memory_order_relaxed) == RUN_CLOCK_REAL) {
        return false;
    }
    int saved = errno;
    int64_t now = now_of(state);
    wait->deadline = nanoseconds < RUN_WAIT_FOREVER - now ? now + nanoseconds : RUN_WAIT_FOREVER;
    uint32_t process = run_process();
    wait->slot = run_wait_claim(shown.waits, process, own_thread(process));
    if (wait->slot != NULL) {
        wait->owner = atomic_load(&wait->slot->owner);
        atomic_store(&wait->slot->deadline, wait->deadline);
        atomic_store(&wait->slot->begun, now);
        atomic_store(&wait->slot->frame, (uint64_t)(uintptr_t)wait);
        atomic_store(&wait->slot->kind, kind);
    }
    errno = saved;
    return true;
}

INJECT_EXPORT bool vdifault_wait_begin(struct timed_wait *wait, const void *caller, enum run_wait_kind kind,
                                       int64_t nanoseconds)
{
    return !next_is_library(caller) && virtual_wait_begin(wait, kind, nanoseconds);
}

INJECT_EXPORT void vdifault_wait_descriptor(struct timed_wait *wait, int descriptor)
{
    uint32_t count = wait->slot != NULL ? atomic_load(&wait->slot->descriptor_count) : UINT32_MAX;
    if (count < RUN_WAIT_DESCRIPTORS) {
        atomic_store(&wait->slot->descriptors[count], descriptor);
    }
    if (count <= RUN_WAIT_DESCRIPTORS) {
        atomic_store(&wait->slot->descriptor_count, count + 1);
    }
}

INJECT_EXPORT int64_t vdifault_wait_left(const struct timed_wait *wait)
{
    int64_t left = wait->deadline - now_of(atomic_load(&shown.state));
    return left > 0 ? left : 0;
}

INJECT_EXPORT int64_t vdifault_wait_slice(struct timed_wait *wait)
{
    const struct run_state *state = atomic_load(&shown.state);
    bool moves = atomic_load_explicit(&state->clock, memory_order_relaxed) == RUN_CLOCK_VIRTUAL;
    int64_t longest = moves ? SLICE_VIRTUAL_NS : SLICE_ARMED_NS;
    int64_t left = vdifault_wait_left(wait);
    if (wait->slot != NULL && atomic_load(&wait->slot->owner) != wait->owner) {
        wait->slot = NULL;
    }
    if (left > 0 && wait->slot != NULL) {
        atomic_store(&wait->slot->active, 1);
    }
    return left < longest ? left : longest;
}

INJECT_EXPORT void vdifault_wait_pause(struct timed_wait *wait)
{
    if (wait->slot != NULL && atomic_load(&wait->slot->owner) == wait->owner) {
        atomic_store(&wait->slot->active, 0);
    }
}

INJECT_EXPORT void vdifault_wait_end(struct timed_wait *wait)
{
    if (wait->slot != NULL && atomic_load(&wait->slot->owner) == wait->owner) {
        run_wait_release(wait->slot);
    }
}

/* ns of the library's unit of time: dialect X6. */
static int64_t library_unit(void)
{
    return shown.library_in_seconds ? 1000 * MS : MS;
}

bool virtual_library_wait_begin(struct timed_wait *wait, time_t timeout)
{
    if (run_time() == NULL) {
        return false;
    }
    int64_t unit = library_unit();
    return virtual_wait_begin(wait, RUN_WAIT_LIBRARY,
                              timeout < RUN_WAIT_FOREVER / unit ? (int64_t)timeout * unit : RUN_WAIT_FOREVER);
}

time_t virtual_library_slice(struct timed_wait *wait)
{
    return (time_t)((vdifault_wait_slice(wait) + library_unit() - 1) / library_unit());
}
