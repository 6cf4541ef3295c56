/* time_tool.c - processes that the run's clock must not overtake.
 *
 *     time_tool work    one thread sleeps LONG_S while another computes for BUSY_NS of the system's time; then it waits
 *                       for the sleeper. Exit status 1 if the clock was moved while somebody computed.
 *     time_tool count N MS  sleeps N times for MS. Exit status 1 if all of that took twice as long or more.
 *     time_tool raw S   sleeps S seconds by a system call that nobody wraps
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define BUSY_NS  (NS_PER_S / 2)

enum {
    LONG_S = 600
};

static int64_t in_ns(struct timespec time)
{
    return time.tv_sec * NS_PER_S + time.tv_nsec;
}

static int64_t shown(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return in_ns(now);
}

static int64_t by_system(void)
{
    struct timespec now = {0};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return in_ns(now);
}

static void *sleep_long(void *nothing)
{
    sleep(LONG_S);
    return nothing;
}

static int work(void)
{
    pthread_t sleeper;
    int64_t began = shown(), began_system = by_system();
    if (pthread_create(&sleeper, NULL, sleep_long, NULL) != 0) {
        return 2;
    }
    while (by_system() - began_system < BUSY_NS) {
    }
    int64_t worked = shown() - began;
    pthread_join(sleeper, NULL);
    int64_t slept = shown() - began;
    if (worked > LONG_S / 2 * NS_PER_S || slept < LONG_S * NS_PER_S) {
        fprintf(stderr, "time_tool: the clock went on by %.3f s while a thread worked, by %.3f s in all\n",
                (double)worked / 1e9, (double)slept / 1e9);
        return 1;
    }
    return 0;
}

static int count(int times, int milliseconds)
{
    int64_t began = shown();
    for (int i = 0; i < times; i++) {
        usleep((useconds_t)milliseconds * 1000);
    }
    int64_t took = shown() - began, asked = (int64_t)times * milliseconds * (NS_PER_S / 1000);
    if (took >= 2 * asked) {
        fprintf(stderr, "time_tool: %d waits of %d ms took %.3f s\n", times, milliseconds,
                (double)took / 1e9);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "work") == 0) {
        return work();
    }
    if (argc == 4 && strcmp(argv[1], "count") == 0) {
        return count(atoi(argv[2]), atoi(argv[3]));
    }
    struct timespec time = {.tv_sec = argc == 3 ? atoi(argv[2]) : 0};
    return argc == 3 && syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL) == 0 ? 0 : 2;
}
