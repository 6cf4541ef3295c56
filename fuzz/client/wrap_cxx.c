/* wrap_cxx.c - what a client in C++ asks of its library instead of the system: std::thread, std::condition_variable,
 * std::future, the clocks; and the system's futex, of which C++20's waits are made.
 *
 * libstdc++ as a shared library calls the system by itself, past --wrap; but the client's own calls of these functions
 * are in its objects. Linked statically (-static-libstdc++) the functions here take their places, too. Names are the C++
 * ABI's (libstdc++ since gcc 5), and so are the layouts: a thread, a condition variable and a lock begin with what they
 * are made of. A client in C has none of the real ones.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#include "os.h"
#include "world.h"

#define NS_PER_S INT64_C(1000000000)

#define SECONDS      "NSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_IlS3_ILl1ELl1000000000EEEE"
#define FUTEX        "_ZNSt28__atomic_futex_unsigned_base"
#define THREAD_START "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE"
#define CONDITION    "_ZNSt18condition_variable"

/* Both functions of a name: the wrapper, seen from outside, and what the program has without it. A pointer to a member
 * function is told from the number of a virtual one by its being even. */
#define WRAPPED(type, name, symbol, ...)                     \
    __attribute__((visibility("default"), aligned(16)))      \
    type wrap_##name(__VA_ARGS__) __asm__("__wrap_" symbol); \
    extern type real_##name(__VA_ARGS__) __asm__("__real_" symbol) __attribute__((weak))

WRAPPED(void, start, THREAD_START, pthread_t *thread, void **state, void (*depend)(void));
WRAPPED(void, join, "_ZNSt6thread4joinEv", pthread_t *thread);
WRAPPED(void, detach, "_ZNSt6thread6detachEv", pthread_t *thread);
WRAPPED(void, wait, CONDITION "4waitERSt11unique_lockISt5mutexE", pthread_cond_t *condition,
        pthread_mutex_t **lock);
WRAPPED(void, notify_one, CONDITION "10notify_oneEv", pthread_cond_t *condition);
WRAPPED(void, notify_all, CONDITION "10notify_allEv", pthread_cond_t *condition);
WRAPPED(int64_t, steady_now, "_ZNSt6chrono3_V212steady_clock3nowEv", void);
WRAPPED(int64_t, system_now, "_ZNSt6chrono3_V212system_clock3nowEv", void);
WRAPPED(bool, futex_until, FUTEX "19_M_futex_wait_untilEPjjb" SECONDS, void *self, _Atomic uint32_t *word,
        uint32_t value, bool ends, int64_t seconds, int64_t ns);
WRAPPED(bool, futex_until_steady, FUTEX "26_M_futex_wait_until_steadyEPjjb" SECONDS, void *self,
        _Atomic uint32_t *word, uint32_t value, bool ends, int64_t seconds, int64_t ns);
WRAPPED(void, futex_notify_all, FUTEX "19_M_futex_notify_allEPj", _Atomic uint32_t *word);

long __real_syscall(long number, ...);
__attribute__((visibility("default"))) long __wrap_syscall(long number, ...);

/* wrap_threads.c, wrap_time.c */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                          void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_detach(pthread_t thread);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

/* --- std::thread --- */

/* A std::thread::_State: its destructors, and what to run. */
struct state {
    const struct {
        void (*destroy)(struct state *state);
        void (*destroy_and_free)(struct state *state);
        void (*run)(struct state *state);
    } * functions;
};

static void *run(void *context)
{
    struct state *state = context;
    state->functions->run(state);
    state->functions->destroy_and_free(state);
    return NULL;
}

void wrap_start(pthread_t *thread, void **state, void (*depend)(void))
{
    if (!world_is_inside()) {
        real_start(thread, state, depend);
        return;
    }
    if (__wrap_pthread_create(thread, NULL, run, *state) != 0) {
        world_refuse("more threads than there is room for", "24 in a session at most");
    }
    *state = NULL; /* it is the thread's */
}

void wrap_join(pthread_t *thread)
{
    if (!world_is_inside()) {
        real_join(thread);
        return;
    }
    __wrap_pthread_join(*thread, NULL);
    *thread = 0;
}

void wrap_detach(pthread_t *thread)
{
    if (!world_is_inside()) {
        real_detach(thread);
        return;
    }
    __wrap_pthread_detach(*thread);
    *thread = 0;
}

/* --- std::condition_variable --- */

void wrap_wait(pthread_cond_t *condition, pthread_mutex_t **lock)
{
    if (!world_has_thread()) {
        real_wait(condition, lock);
        return;
    }
    __wrap_pthread_cond_wait(condition, *lock);
}

void wrap_notify_one(pthread_cond_t *condition)
{
    if (!world_has_thread()) {
        real_notify_one(condition);
        return;
    }
    __wrap_pthread_cond_broadcast(condition);
}

void wrap_notify_all(pthread_cond_t *condition)
{
    if (!world_has_thread()) {
        real_notify_all(condition);
        return;
    }
    __wrap_pthread_cond_broadcast(condition);
}

/* --- clocks --- */

static int64_t now_by(clockid_t clock)
{
    struct timespec now;
    __wrap_clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t wrap_steady_now(void)
{
    return world_is_inside() ? now_by(CLOCK_MONOTONIC) : real_steady_now();
}

int64_t wrap_system_now(void)
{
    return world_is_inside() ? now_by(CLOCK_REALTIME) : real_system_now();
}

/* --- std::future, and futexes --- */

static bool wait_until(_Atomic uint32_t *word, uint32_t value, bool ends, struct timespec until)
{
    int64_t deadline = ends ? world_deadline(&until) : OS_FOREVER;
    return os_wait(word, value, deadline) != ETIMEDOUT;
}

bool wrap_futex_until(void *self, _Atomic uint32_t *word, uint32_t value, bool ends, int64_t seconds,
                      int64_t ns)
{
    return world_has_thread()
               ? wait_until(word, value, ends, (struct timespec){.tv_sec = seconds, .tv_nsec = ns})
               : real_futex_until(self, word, value, ends, seconds, ns);
}

bool wrap_futex_until_steady(void *self, _Atomic uint32_t *word, uint32_t value, bool ends, int64_t seconds,
                             int64_t ns)
{
    return world_has_thread()
               ? wait_until(word, value, ends, (struct timespec){.tv_sec = seconds, .tv_nsec = ns})
               : real_futex_until_steady(self, word, value, ends, seconds, ns);
}

void wrap_futex_notify_all(_Atomic uint32_t *word)
{
    if (!world_has_thread()) {
        real_futex_notify_all(word);
        return;
    }
    os_wake(word);
}

static long futex(_Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *limit)
{
    int64_t deadline = OS_FOREVER;
    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        deadline = limit != NULL ? os_now() + limit->tv_sec * NS_PER_S + limit->tv_nsec : OS_FOREVER;
        break;
    case FUTEX_WAIT_BITSET:
        deadline = limit != NULL ? world_deadline(limit) : OS_FOREVER;
        break;
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        os_wake(word);
        return 1;
    default:
        world_refuse("an operation on a futex that is neither wait nor wake",
                     "pthread_mutex_lock and its kind");
    }
    if (atomic_load(word) != value || os_wait(word, value, deadline) == ETIMEDOUT) {
        errno = atomic_load(word) != value ? EAGAIN : ETIMEDOUT;
        return -1;
    }
    return 0;
}

long __wrap_syscall(long number, ...)
{
    long given[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) {
        given[i] = va_arg(list, long);
    }
    va_end(list);
    if (number == SYS_futex && world_has_thread()) {
        return futex((_Atomic uint32_t *)given[0], (int)given[1], (uint32_t)given[2],
                     (const struct timespec *)given[3]);
    }
    return __real_syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
