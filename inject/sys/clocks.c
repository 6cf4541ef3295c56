/* clocks.c - the clocks a client reads, by the run's time (docs/time.md).
 *
 * A clock is read by the next definition, and what the run is ahead is added. What that is comes first: where it is the
 * process's first call that the run sees, a copy goes on from there (inject/fork_server.h), and is not to be given the
 * time at which it was made. Of system calls that read clocks without the C library nothing is known here; times of
 * files stay the system's.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "sys_time.h"

#undef time
#undef gettimeofday

/* Clocks are read before everything else, maybe by an allocator that the loader has just called: looking the next
 * definition up must not lead back here. Initial-exec: reaching it allocates nothing. */
static _Thread_local bool looking __attribute__((tls_model("initial-exec")));

typedef int clock_gettime_function(clockid_t clock, struct timespec *now);

static int real_clock(clockid_t clock, struct timespec *now)
{
    static _Atomic(void *) slot;
    clock_gettime_function *next =
        (clock_gettime_function *)atomic_load_explicit(&slot, memory_order_acquire);
    if (next == NULL && !looking) {
        looking = true;
        next = (clock_gettime_function *)sys_next(&slot, "clock_gettime");
        looking = false;
    }
    return next != NULL ? next(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
}

bool sys_clock_moves(clockid_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
    case CLOCK_TAI:
        return true;
    default:
        return false; /* processor time, and devices */
    }
}

static int64_t ahead_for(const void *caller)
{
    return vdifault_clock_ahead != NULL && !looking ? vdifault_clock_ahead(caller) : 0;
}

struct timespec sys_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / SYS_NS_PER_S, .tv_nsec = ns % SYS_NS_PER_S};
}

bool sys_is_timespec(const struct timespec *time)
{
    return time != NULL && time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < SYS_NS_PER_S;
}

int64_t sys_nanoseconds(const struct timespec *time)
{
    return time->tv_sec >= SYS_FAR_NS / SYS_NS_PER_S ? SYS_FAR_NS
                                                     : time->tv_sec * SYS_NS_PER_S + time->tv_nsec;
}

int64_t sys_clock_now(clockid_t clock)
{
    struct timespec now = {0};
    int saved = errno;
    real_clock(clock, &now);
    errno = saved;
    return sys_nanoseconds(&now);
}

static void move_on(struct timespec *time, int64_t ns)
{
    ns += time->tv_nsec;
    time->tv_sec += ns / SYS_NS_PER_S;
    time->tv_nsec = ns % SYS_NS_PER_S;
}

SYS_EXPORT int clock_gettime(clockid_t clock, struct timespec *now)
{
    int64_t ahead = sys_clock_moves(clock) ? ahead_for(__builtin_return_address(0)) : 0;
    int result = real_clock(clock, now);
    if (result == 0 && ahead != 0) {
        move_on(now, ahead);
    }
    return result;
}

/* NULL is allowed, whatever the header says. */
static void move_day_on(struct timeval *time, int64_t ns)
{
    if (time != NULL) {
        int64_t us = time->tv_usec + ns / 1000;
        time->tv_sec += us / 1000000;
        time->tv_usec = us % 1000000;
    }
}

SYS_EXPORT int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    static _Atomic(void *) slot;
    int (*next)(struct timeval *, void *) =
        (int (*)(struct timeval *, void *))sys_next(&slot, "gettimeofday");
    int64_t ahead = ahead_for(__builtin_return_address(0));
    int result = next != NULL ? next(now, zone) : -1;
    if (result == 0 && ahead != 0) {
        move_day_on(now, ahead);
    }
    return result;
}

/* By the coarse clock, as the system does: it may be a tick behind the others, but never before itself. */
SYS_EXPORT time_t time(time_t *seconds)
{
    struct timespec now = {0};
    int64_t ahead = ahead_for(__builtin_return_address(0));
    real_clock(CLOCK_REALTIME_COARSE, &now);
    move_on(&now, ahead);
    if (seconds != NULL) {
        *seconds = now.tv_sec;
    }
    return now.tv_sec;
}

SYS_EXPORT int timespec_get(struct timespec *now, int base)
{
    int64_t ahead = ahead_for(__builtin_return_address(0));
    if (base != TIME_UTC || real_clock(CLOCK_REALTIME, now) != 0) {
        return 0;
    }
    move_on(now, ahead);
    return base;
}

/* The result counts ticks of a clock that runs since some time in the past. */
SYS_EXPORT clock_t times(struct tms *spent)
{
    static _Atomic(void *) slot;
    clock_t (*next)(struct tms *) = (clock_t(*)(struct tms *))sys_next(&slot, "times");
    int64_t ahead = ahead_for(__builtin_return_address(0));
    clock_t result = next != NULL ? next(spent) : (clock_t)-1;
    return result == (clock_t)-1 ? result : result + (clock_t)(ahead / (SYS_NS_PER_S / sysconf(_SC_CLK_TCK)));
}
