/* engine_time.c - see engine_time.h. */
#include "engine_time.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os.h"
#include "runstate.h"
#include "waits.h"

enum {
    SLICE_NS = 20000000,        /* between two looks at the clock */
    SLICE_VIRTUAL_NS = 2000000, /* ... while it may be moved on */
};

static _Atomic(struct run_waits *) told_waits; /* NULL: nobody is told, and no clock moves */

static void find_waits(void)
{
    const char *folder = run_variable("VDIFAULT_TRACE");
    if (folder != NULL && run_state_is_recorded()) {
        atomic_store(&told_waits, run_waits_map(folder, false));
    }
}

void engine_time_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, find_waits);
}

void engine_time_leave(void)
{
    struct run_waits *waits = atomic_load(&told_waits);
    if (waits != NULL) {
        run_waits_leave(waits, (uint32_t)getpid());
    }
}

int64_t engine_time_now(void)
{
    return os_now() + atomic_load(&run_state_attach()->clock_ahead);
}

/* The caller's sleep: its own stack pointer is below `frame` as long as it lasts. */
static struct run_wait *tell(int64_t until, const void *frame)
{
    engine_time_prepare();
    struct run_waits *waits = atomic_load(&told_waits);
    struct run_wait *wait =
        waits != NULL ? run_wait_claim(waits, (uint32_t)getpid(), (uint32_t)syscall(SYS_gettid)) : NULL;
    if (wait != NULL) {
        atomic_store(&wait->deadline, until);
        atomic_store(&wait->begun, engine_time_now());
        atomic_store(&wait->frame, (uint64_t)(uintptr_t)frame);
        atomic_store(&wait->kind, RUN_WAIT_TIME);
        atomic_store(&wait->active, 1);
    }
    return wait;
}

static int64_t next_look(const struct run_wait *wait, int64_t until, int64_t look)
{
    const struct run_state *state = run_state_attach();
    int64_t now = os_now();
    int64_t end = until - atomic_load(&state->clock_ahead);
    bool moves = atomic_load(&state->clock) == RUN_CLOCK_VIRTUAL;
    int64_t slice = now + (moves ? SLICE_VIRTUAL_NS : SLICE_NS);
    end = end < look ? end : look;
    return end <= now ? 0 : wait != NULL && slice < end ? slice : end;
}

void engine_time_sleep(int64_t until, int64_t look, int watch)
{
    _Atomic uint32_t nobody = 0;
    struct run_wait *wait = tell(until, __builtin_frame_address(0));
    int64_t end;
    bool seen = false;
    while (!seen && (end = next_look(wait, until, look)) > 0) {
        if (watch >= 0) {
            seen = os_memory_watch_wait(watch, end) == 0;
        } else {
            (void)os_wait(&nobody, 0, end);
        }
    }
    if (wait != NULL) {
        run_wait_release(wait);
    }
}
