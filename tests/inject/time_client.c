/* time_client.c - waits in every way that libvdifault-sys.so knows, and reads every clock.
 *
 *     time_client late CALL     waits LATE_MS, as nothing else ends it; somebody moves the run's clock on
 *     time_client early CALL    the same, but what it waits for comes
 *     time_client clocks        all clocks are as much ahead
 *     time_client order         two processes, and threads, read a clock that never goes back between them
 *
 * Exit status 0 if all went as it does without us, only sooner. The system's own time is asked by system calls.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "time_waits.h"
#include "time_words.h"

#define NS_PER_S INT64_C(1000000000)

static int64_t in_ns(const struct timespec *time)
{
    return time->tv_sec * NS_PER_S + time->tv_nsec;
}

static int64_t shown(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return in_ns(&now);
}

static int64_t system_time(clockid_t clock)
{
    struct timespec now = {0};
    syscall(SYS_clock_gettime, clock, &now);
    return in_ns(&now);
}

/* ---- one wait ---- */

static struct {
    size_t row;
    bool early;
    sem_t ready, done;
} task;

/* Holds what main waits for, and ends its wait, or not. */
static void *other(void *nothing)
{
    time_hold();
    sem_post(&task.ready);
    if (!task.early) {
        sem_wait(&task.done);
    } else if (time_waits[task.row].end != NULL) {
        time_waits[task.row].end();
        sem_wait(&task.done);
    }
    time_let_go();
    return nothing;
}

static int run_wait(size_t row, bool early)
{
    time_prepare();
    sem_init(&task.ready, 0, 0);
    sem_init(&task.done, 0, 0);
    task.row = row;
    task.early = early;
    time_lock_conditions();
    pthread_create(&time_other, NULL, other, NULL);
    while (sem_wait(&task.ready) != 0) { /* a signal meant for the wait */
    }
    int64_t began = shown(CLOCK_MONOTONIC), began_system = system_time(CLOCK_MONOTONIC);
    int result = time_waits[row].wait();
    int64_t took = shown(CLOCK_MONOTONIC) - began, took_system = system_time(CLOCK_MONOTONIC) - began_system;
    atomic_store(&time_over, true);
    sem_post(&task.done);
    if (result != 0 || strncmp(time_waits[row].name, "join", 4) != 0) {
        pthread_join(time_other, NULL);
    }
    int expected = early ? time_waits[row].early : time_waits[row].late;
    bool in_time = early ? took < LATE_MS * INT64_C(1000000)
                         : took >= LATE_MS * INT64_C(1000000) && took < 2 * LATE_MS * INT64_C(1000000);
    if (result != expected || !in_time || took_system > SOON_NS) {
        fprintf(stderr, "%s: gave %d, expected %d; took %lld ns, by the system %lld\n", time_waits[row].name,
                result, expected, (long long)took, (long long)took_system);
        return 1;
    }
    return 0;
}

/* ---- clocks ---- */

static bool is_ahead(const char *name, int64_t found, int64_t system)
{
    bool ahead = found - system > (AHEAD_S - 2) * NS_PER_S && found - system < (AHEAD_S + 2) * NS_PER_S;
    if (!ahead) {
        fprintf(stderr, "%s: %lld ns ahead\n", name, (long long)(found - system));
    }
    return ahead;
}

static int read_clocks(void)
{
    static const clockid_t moved[] = {CLOCK_REALTIME,        CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
                                      CLOCK_REALTIME_COARSE, CLOCK_BOOTTIME,  CLOCK_TAI,
                                      CLOCK_MONOTONIC_COARSE};
    static const clockid_t kept[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    bool good = true;
    struct timeval day;
    struct timespec utc = {0};
    struct tms spent;
    int64_t now = system_time(CLOCK_REALTIME);
    for (size_t i = 0; i < sizeof moved / sizeof moved[0]; i++) {
        good = is_ahead("clock_gettime", shown(moved[i]), system_time(moved[i])) && good;
    }
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        good = shown(kept[i]) < SOON_NS && good;
    }
    gettimeofday(&day, NULL);
    timespec_get(&utc, TIME_UTC);
    good = is_ahead("gettimeofday", day.tv_sec * NS_PER_S, now) && good;
    good = is_ahead("timespec_get", in_ns(&utc), now) && good;
    good = is_ahead("time", time(NULL) * NS_PER_S, now) && good;
    int64_t ticks = sysconf(_SC_CLK_TCK);
    int64_t by_system = syscall(SYS_times, &spent);
    good = is_ahead("times", times(&spent) * NS_PER_S / ticks, by_system * NS_PER_S / ticks) && good;
    return good ? 0 : 1;
}

/* Each reads what the others have shown before its own look. */
static void *read_in_order(void *latest)
{
    _Atomic int64_t *newest = latest;
    for (int i = 0; i < ORDER_READS; i++) {
        int64_t before = atomic_load(newest);
        int64_t now = shown(CLOCK_MONOTONIC);
        if (now < before) {
            return NULL;
        }
        while (before < now && !atomic_compare_exchange_weak(newest, &before, now)) {
        }
    }
    return latest;
}

static int keep_order(void)
{
    void *latest = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_t thread;
    void *result = NULL;
    int status = 1;
    pid_t child = fork();
    pthread_create(&thread, NULL, read_in_order, latest);
    bool good = read_in_order(latest) != NULL;
    pthread_join(thread, &result);
    good = good && result != NULL;
    if (child == 0) {
        _exit(good ? 0 : 1);
    }
    waitpid(child, &status, 0);
    return good && status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        return strcmp(argv[1], "clocks") == 0 ? read_clocks() : keep_order();
    }
    for (size_t i = 0; argc == 3 && time_waits[i].name != NULL; i++) {
        if (strcmp(time_waits[i].name, argv[2]) == 0) {
            return run_wait(i, strcmp(argv[1], "early") == 0);
        }
    }
    return 97;
}
