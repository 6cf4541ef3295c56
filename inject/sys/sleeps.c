/* sleeps.c - waits for the time alone, and for signals, by the run's time (docs/time.md). */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <threads.h>
#include <unistd.h>

#include "sys_time.h"

/* One interruptible sleep by the system; 0 or errno. Its own errno is not touched. */
static int sleep_once(int64_t ns)
{
    static _Atomic(void *) slot;
    int (*next)(clockid_t, int, const struct timespec *, struct timespec *) = (int (*)(
        clockid_t, int, const struct timespec *, struct timespec *))sys_next(&slot, "clock_nanosleep");
    struct timespec time = sys_timespec(ns);
    return next != NULL ? next(CLOCK_MONOTONIC, 0, &time, NULL) : ENOSYS;
}

/* 0, or EINTR with what was left. */
static int sleep_in_slices(struct timed_wait *wait, int64_t *left)
{
    int error = 0;
    for (int64_t slice; error == 0 && (slice = vdifault_wait_slice(wait)) > 0;) {
        error = sleep_once(slice);
        vdifault_wait_pause(wait);
    }
    *left = vdifault_wait_left(wait);
    vdifault_wait_end(wait);
    return error;
}

/* The sleeps that give back what is left as a timespec. */
static int sleep_for(struct timed_wait *wait, struct timespec *remaining)
{
    int64_t left = 0;
    int error = sleep_in_slices(wait, &left);
    if (error == EINTR && remaining != NULL) {
        *remaining = sys_timespec(left);
    }
    return error;
}

SYS_EXPORT int nanosleep(const struct timespec *time, struct timespec *remaining)
{
    static _Atomic(void *) slot;
    int (*next)(const struct timespec *, struct timespec *) =
        (int (*)(const struct timespec *, struct timespec *))sys_next(&slot, "nanosleep");
    struct timed_wait wait;
    if (sys_is_timespec(time) &&
        sys_wait_begin(&wait, __builtin_return_address(0), RUN_WAIT_TIME, sys_nanoseconds(time))) {
        int error = sleep_for(&wait, remaining);
        errno = error != 0 ? error : errno;
        return error != 0 ? -1 : 0;
    }
    return next != NULL ? next(time, remaining) : -1;
}

SYS_EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                               struct timespec *remaining)
{
    static _Atomic(void *) slot;
    int (*next)(clockid_t, int, const struct timespec *, struct timespec *) = (int (*)(
        clockid_t, int, const struct timespec *, struct timespec *))sys_next(&slot, "clock_nanosleep");
    const void *caller = __builtin_return_address(0);
    struct timed_wait wait;
    struct timespec by_system;
    bool moves = sys_is_timespec(time) && sys_clock_moves(clock) && vdifault_clock_ahead != NULL;
    bool until = (flags & TIMER_ABSTIME) != 0;
    int64_t ahead = moves && until ? vdifault_clock_ahead(caller) : 0;
    int64_t ns = moves ? sys_nanoseconds(time) : 0;
    if (next == NULL) {
        return ENOSYS;
    }
    if (moves &&
        sys_wait_begin(&wait, caller, RUN_WAIT_TIME, until ? ns - sys_clock_now(clock) - ahead : ns)) {
        return sleep_for(&wait, until ? NULL : remaining);
    }
    if (ahead != 0) {
        by_system = sys_timespec(ns > ahead ? ns - ahead : 0);
        time = &by_system;
    }
    return next(clock, flags, time, remaining);
}

SYS_EXPORT int usleep(useconds_t microseconds)
{
    static _Atomic(void *) slot;
    int (*next)(useconds_t) = (int (*)(useconds_t))sys_next(&slot, "usleep");
    struct timed_wait wait;
    int64_t left = 0;
    if (sys_wait_begin(&wait, __builtin_return_address(0), RUN_WAIT_TIME, (int64_t)microseconds * 1000)) {
        int error = sleep_in_slices(&wait, &left);
        errno = error != 0 ? error : errno;
        return error != 0 ? -1 : 0;
    }
    return next != NULL ? next(microseconds) : -1;
}

SYS_EXPORT unsigned sleep(unsigned seconds)
{
    static _Atomic(void *) slot;
    unsigned (*next)(unsigned) = (unsigned (*)(unsigned))sys_next(&slot, "sleep");
    struct timed_wait wait;
    int64_t left = 0;
    if (sys_wait_begin(&wait, __builtin_return_address(0), RUN_WAIT_TIME, seconds * SYS_NS_PER_S)) {
        int error = sleep_in_slices(&wait, &left);
        errno = error != 0 ? error : errno;
        return (unsigned)(left / SYS_NS_PER_S);
    }
    return next != NULL ? next(seconds) : seconds;
}

SYS_EXPORT int thrd_sleep(const struct timespec *time, struct timespec *remaining)
{
    static _Atomic(void *) slot;
    int (*next)(const struct timespec *, struct timespec *) =
        (int (*)(const struct timespec *, struct timespec *))sys_next(&slot, "thrd_sleep");
    struct timed_wait wait;
    if (sys_is_timespec(time) &&
        sys_wait_begin(&wait, __builtin_return_address(0), RUN_WAIT_TIME, sys_nanoseconds(time))) {
        int error = sleep_for(&wait, remaining);
        return error == 0 ? 0 : error == EINTR ? -1 : -2;
    }
    return next != NULL ? next(time, remaining) : -2;
}

SYS_EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                            const struct timespec *restrict timeout)
{
    static _Atomic(void *) slot;
    int (*next)(const sigset_t *, siginfo_t *, const struct timespec *) =
        (int (*)(const sigset_t *, siginfo_t *, const struct timespec *))sys_next(&slot, "sigtimedwait");
    struct timed_wait wait;
    int result = -1;
    if (next == NULL || !sys_is_timespec(timeout) ||
        !sys_wait_begin(&wait, __builtin_return_address(0), RUN_WAIT_SIGNAL, sys_nanoseconds(timeout))) {
        return next != NULL ? next(set, info, timeout) : -1;
    }
    do {
        struct timespec slice = sys_timespec(vdifault_wait_slice(&wait));
        result = next(set, info, &slice);
        vdifault_wait_pause(&wait);
    } while (result == -1 && errno == EAGAIN && vdifault_wait_left(&wait) > 0);
    vdifault_wait_end(&wait);
    return result;
}
