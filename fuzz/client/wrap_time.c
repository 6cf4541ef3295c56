/* wrap_time.c - the client's clocks and sleeps: the simulation's time, which passes when nobody can go on. */
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "os.h"
#include "world.h"

#define NS_PER_S INT64_C(1000000000)

enum {
    BEGIN = 1767225600, /* 2026-01-01: every session begins then */
};

int __real_clock_gettime(clockid_t clock, struct timespec *now);
time_t __real_time(time_t *now);
int __real_gettimeofday(struct timeval *now, void *zone);
unsigned __real_sleep(unsigned seconds);
int __real_usleep(useconds_t us);
int __real_nanosleep(const struct timespec *length, struct timespec *left);
int __real_clock_nanosleep(clockid_t clock, int flags, const struct timespec *length, struct timespec *left);
int __real_sched_yield(void);
#pragma GCC visibility push(default)
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
time_t __wrap_time(time_t *now);
int __wrap_gettimeofday(struct timeval *now, void *zone);
unsigned __wrap_sleep(unsigned seconds);
int __wrap_usleep(useconds_t us);
int __wrap_nanosleep(const struct timespec *length, struct timespec *left);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *length, struct timespec *left);
int __wrap_sched_yield(void);
#pragma GCC visibility pop

static int64_t ns_of(const struct timespec *time)
{
    return (int64_t)time->tv_sec * NS_PER_S + time->tv_nsec;
}

static bool counts_days(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

static struct timespec now_by(clockid_t clock)
{
    int64_t now = os_now() + (counts_days(clock) ? BEGIN * NS_PER_S : 0);
    return (struct timespec){.tv_sec = (time_t)(now / NS_PER_S), .tv_nsec = (long)(now % NS_PER_S)};
}

int64_t world_deadline(const struct timespec *until)
{
    return ns_of(until) - (until->tv_sec >= BEGIN ? BEGIN * NS_PER_S : 0);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!world_is_inside()) {
        return __real_clock_gettime(clock, now);
    }
    *now = now_by(clock);
    return 0;
}

time_t __wrap_time(time_t *now)
{
    if (!world_is_inside()) {
        return __real_time(now);
    }
    time_t seconds = now_by(CLOCK_REALTIME).tv_sec;
    if (now != NULL) {
        *now = seconds;
    }
    return seconds;
}

int __wrap_gettimeofday(struct timeval *now, void *zone)
{
    if (!world_is_inside()) {
        return __real_gettimeofday(now, zone);
    }
    struct timespec time = now_by(CLOCK_REALTIME);
    *now = (struct timeval){.tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / 1000};
    return 0;
}

unsigned __wrap_sleep(unsigned seconds)
{
    if (!world_is_inside()) {
        return __real_sleep(seconds);
    }
    world_sleep((int64_t)seconds * NS_PER_S);
    return 0;
}

int __wrap_usleep(useconds_t us)
{
    if (!world_is_inside()) {
        return __real_usleep(us);
    }
    world_sleep((int64_t)us * 1000);
    return 0;
}

int __wrap_nanosleep(const struct timespec *length, struct timespec *left)
{
    if (!world_is_inside()) {
        return __real_nanosleep(length, left);
    }
    world_sleep(ns_of(length));
    return 0;
}

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *length, struct timespec *left)
{
    if (!world_is_inside()) {
        return __real_clock_nanosleep(clock, flags, length, left);
    }
    struct timespec now = now_by(clock);
    world_sleep(ns_of(length) - ((flags & TIMER_ABSTIME) != 0 ? ns_of(&now) : 0));
    return 0;
}

int __wrap_sched_yield(void)
{
    if (!world_is_inside()) {
        return __real_sched_yield();
    }
    os_pause();
    return 0;
}
