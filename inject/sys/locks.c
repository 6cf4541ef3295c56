/* locks.c - waits for other threads until a time of a clock, by the run's time (docs/time.md).
 *
 * A condition waited for in slices is left and entered again, where a signal given between two of them would be lost:
 * signals are counted, and one that came since the wait began ends it. The waiter then looks at its condition, as
 * after any wait; without a signal it does not return before its time.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <threads.h>

#include "sys_time.h"

enum {
    COUNTERS = 256,          /* conditions may share one: a waiter then looks at its condition in vain */
    COND_CLOCK_MONOTONIC = 2 /* of a condition's __wrefs, since glibc 2.25 */
};

/* One call of the next definition: what it is called with, and what came of it. */
struct lock_wait {
    void *next; /* definition */
    void *object;
    void *second;
    clockid_t clock;
    int late;                  /* what the call gives when its time has come */
    _Atomic uint32_t *signals; /* of a condition; NULL */
};
typedef int lock_call(const struct lock_wait *wait, const struct timespec *until);

static int wait_until(const struct lock_wait *lock, lock_call *call, const struct timespec *until,
                      const void *caller)
{
    struct timed_wait wait;
    struct timespec by_system;
    bool moves = sys_is_timespec(until) && sys_clock_moves(lock->clock) && vdifault_clock_ahead != NULL;
    int64_t ahead = moves ? vdifault_clock_ahead(caller) : 0;
    int64_t end = moves ? sys_nanoseconds(until) - ahead : 0; /* by the system's clock */
    uint32_t signals = lock->signals != NULL ? atomic_load(lock->signals) : 0;
    int result;
    if (lock->next == NULL) {
        return ENOSYS;
    }
    if (!moves || !sys_wait_begin(&wait, caller, RUN_WAIT_MEMORY, end - sys_clock_now(lock->clock))) {
        by_system = sys_timespec(end > 0 ? end : 0);
        return call(lock, ahead != 0 ? &by_system : until);
    }
    do {
        int64_t slice = vdifault_wait_slice(&wait);
        by_system = sys_timespec(sys_clock_now(lock->clock) + slice);
        result = call(lock, &by_system);
        vdifault_wait_pause(&wait);
        if (result == lock->late && lock->signals != NULL && atomic_load(lock->signals) != signals) {
            result = 0;
        }
    } while (result == lock->late && vdifault_wait_left(&wait) > 0);
    vdifault_wait_end(&wait);
    return result;
}

/* ---- the calls, by their shape ---- */

static int call_one(const struct lock_wait *wait, const struct timespec *until)
{
    return ((int (*)(void *, const struct timespec *))wait->next)(wait->object, until);
}

static int call_one_clock(const struct lock_wait *wait, const struct timespec *until)
{
    return ((int (*)(void *, clockid_t, const struct timespec *))wait->next)(wait->object, wait->clock,
                                                                             until);
}

static int call_two(const struct lock_wait *wait, const struct timespec *until)
{
    return ((int (*)(void *, void *, const struct timespec *))wait->next)(wait->object, wait->second, until);
}

static int call_two_clock(const struct lock_wait *wait, const struct timespec *until)
{
    return ((int (*)(void *, void *, clockid_t, const struct timespec *))wait->next)(
        wait->object, wait->second, wait->clock, until);
}

/* ---- mutexes, read-write locks, ends of threads ---- */

#define LOCK_TIMED(name, type, late_result)                                     \
    SYS_EXPORT int name(type *object, const struct timespec *until)             \
    {                                                                           \
        static _Atomic(void *) slot;                                            \
        const struct lock_wait wait = {.next = sys_next(&slot, #name),          \
                                       .object = object,                        \
                                       .clock = CLOCK_REALTIME,                 \
                                       .late = (late_result)};                  \
        return wait_until(&wait, call_one, until, __builtin_return_address(0)); \
    }
#define LOCK_CLOCK(name, type)                                                                    \
    int name(type *object, clockid_t clock, const struct timespec *until);                        \
    SYS_EXPORT int name(type *object, clockid_t clock, const struct timespec *until)              \
    {                                                                                             \
        static _Atomic(void *) slot;                                                              \
        const struct lock_wait wait = {                                                           \
            .next = sys_next(&slot, #name), .object = object, .clock = clock, .late = ETIMEDOUT}; \
        return wait_until(&wait, call_one_clock, until, __builtin_return_address(0));             \
    }
LOCK_TIMED(pthread_mutex_timedlock, pthread_mutex_t, ETIMEDOUT)
LOCK_CLOCK(pthread_mutex_clocklock, pthread_mutex_t)
LOCK_TIMED(pthread_rwlock_timedrdlock, pthread_rwlock_t, ETIMEDOUT)
LOCK_CLOCK(pthread_rwlock_clockrdlock, pthread_rwlock_t)
LOCK_TIMED(pthread_rwlock_timedwrlock, pthread_rwlock_t, ETIMEDOUT)
LOCK_CLOCK(pthread_rwlock_clockwrlock, pthread_rwlock_t)
LOCK_TIMED(mtx_timedlock, mtx_t, thrd_timedout)

SYS_EXPORT int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until)
{
    static _Atomic(void *) slot;
    const struct lock_wait wait = {.next = sys_next(&slot, "pthread_timedjoin_np"),
                                   .object = (void *)thread,
                                   .second = result,
                                   .clock = CLOCK_REALTIME,
                                   .late = ETIMEDOUT};
    return wait_until(&wait, call_two, until, __builtin_return_address(0));
}

int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *until);
SYS_EXPORT int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock,
                                    const struct timespec *until)
{
    static _Atomic(void *) slot;
    const struct lock_wait wait = {.next = sys_next(&slot, "pthread_clockjoin_np"),
                                   .object = (void *)thread,
                                   .second = result,
                                   .clock = clock,
                                   .late = ETIMEDOUT};
    return wait_until(&wait, call_two_clock, until, __builtin_return_address(0));
}

/* ---- semaphores: they say it in errno ---- */

static int call_sem(const struct lock_wait *wait, const struct timespec *until)
{
    return call_one(wait, until) == 0 ? 0 : errno;
}

static int call_sem_clock(const struct lock_wait *wait, const struct timespec *until)
{
    return call_one_clock(wait, until) == 0 ? 0 : errno;
}

static int as_errno(int error)
{
    errno = error != 0 ? error : errno;
    return error != 0 ? -1 : 0;
}

SYS_EXPORT int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
    static _Atomic(void *) slot;
    const struct lock_wait wait = {.next = sys_next(&slot, "sem_timedwait"),
                                   .object = semaphore,
                                   .clock = CLOCK_REALTIME,
                                   .late = ETIMEDOUT};
    return as_errno(wait_until(&wait, call_sem, until, __builtin_return_address(0)));
}

int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until);
SYS_EXPORT int sem_clockwait(sem_t *restrict semaphore, clockid_t clock,
                             const struct timespec *restrict until)
{
    static _Atomic(void *) slot;
    const struct lock_wait wait = {
        .next = sys_next(&slot, "sem_clockwait"), .object = semaphore, .clock = clock, .late = ETIMEDOUT};
    return as_errno(wait_until(&wait, call_sem_clock, until, __builtin_return_address(0)));
}

/* ---- conditions ---- */

static _Atomic uint32_t signal_counts[COUNTERS];

static _Atomic uint32_t *signals_of(const void *condition)
{
    return &signal_counts[(uintptr_t)condition / 16 % COUNTERS];
}

/* The C library has two kinds of conditions, by version: without one, an old program's may be found. A sanitizer's
 * runtime between us and the C library has one, without version. */
static void *next_condition(_Atomic(void *) *slot, const char *name)
{
    Dl_info found, newest;
    void *definition = atomic_load_explicit(slot, memory_order_acquire);
    if (definition != NULL) {
        return definition;
    }
    _Atomic(void *) of_any = NULL; /* not yet in `slot`: other threads would take it */
    int saved = errno;
    definition = sys_next(&of_any, name);
    void *of_version = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    if (of_version != NULL && dladdr(definition, &found) != 0 && dladdr(of_version, &newest) != 0 &&
        found.dli_fbase == newest.dli_fbase) {
        definition = of_version;
    }
    atomic_store_explicit(slot, definition, memory_order_release);
    errno = saved;
    return definition;
}

SYS_EXPORT int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                                      const struct timespec *restrict until)
{
    static _Atomic(void *) slot;
    bool monotonic = (condition->__data.__wrefs & COND_CLOCK_MONOTONIC) != 0;
    const struct lock_wait wait = {.next = next_condition(&slot, "pthread_cond_timedwait"),
                                   .object = condition,
                                   .second = mutex,
                                   .clock = monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME,
                                   .late = ETIMEDOUT,
                                   .signals = signals_of(condition)};
    return wait_until(&wait, call_two, until, __builtin_return_address(0));
}

int pthread_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           clockid_t clock, const struct timespec *restrict until);
SYS_EXPORT int pthread_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                                      clockid_t clock, const struct timespec *restrict until)
{
    static _Atomic(void *) slot;
    const struct lock_wait wait = {.next = sys_next(&slot, "pthread_cond_clockwait"),
                                   .object = condition,
                                   .second = mutex,
                                   .clock = clock,
                                   .late = ETIMEDOUT,
                                   .signals = signals_of(condition)};
    return wait_until(&wait, call_two_clock, until, __builtin_return_address(0));
}

SYS_EXPORT int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
                             const struct timespec *restrict until)
{
    static _Atomic(void *) slot;
    const struct lock_wait wait = {.next = sys_next(&slot, "cnd_timedwait"),
                                   .object = condition,
                                   .second = mutex,
                                   .clock = CLOCK_REALTIME,
                                   .late = thrd_timedout,
                                   .signals = signals_of(condition)};
    return wait_until(&wait, call_two, until, __builtin_return_address(0));
}

#define GIVES_SIGNAL(name, type, look_up)                                          \
    SYS_EXPORT int name(type *condition)                                           \
    {                                                                              \
        static _Atomic(void *) slot;                                               \
        int (*next)(type *) = (int (*)(type *))look_up(&slot, #name);              \
        atomic_fetch_add_explicit(signals_of(condition), 1, memory_order_seq_cst); \
        return next != NULL ? next(condition) : ENOSYS;                            \
    }
GIVES_SIGNAL(pthread_cond_signal, pthread_cond_t, next_condition)
GIVES_SIGNAL(pthread_cond_broadcast, pthread_cond_t, next_condition)
GIVES_SIGNAL(cnd_signal, cnd_t, sys_next)
GIVES_SIGNAL(cnd_broadcast, cnd_t, sys_next)
