/* wrap_threads.c - the client's threads as fibers: made, joined and ended; mutexes and condition variables.
 *
 * A mutex keeps its state in its own memory, where its static initializers and pthread_mutex_init leave it: zero is
 * free, and the kind is where glibc has it. A condition variable is one word that counts signals.
 * Not here, and so the system's own: thread-specific data (shared by all fibers), cancellation.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "os.h"
#include "sim.h"
#include "world.h"

/* pthread_mutex_t as glibc lays it out (sysdeps/nptl/bits/thread-shared-types.h: struct __pthread_mutex_s). */
struct mutex {
    _Atomic uint32_t held; /* number of the session that holds it: what an earlier one left held is free */
    uint32_t count;
    uint32_t owner; /* fiber, from 1 */
    uint32_t users;
    int32_t kind;
};
_Static_assert(sizeof(struct mutex) <= sizeof(pthread_mutex_t), "it lies in the client's");

struct condition {
    _Atomic uint32_t signals;
};

enum {
    THREADS_MAX = SIM_FIBERS_MAX - 8, /* the client's first one, and seven statements */
    MAIN_THREAD = THREADS_MAX + 1,
    KIND_MASK = 3, /* PTHREAD_MUTEX_NORMAL, _RECURSIVE, _ERRORCHECK, _ADAPTIVE */
};

static struct thread {
    void *(*body)(void *);
    void *argument;
    void *result;
    bool detached;
    _Atomic uint32_t ended;
    bool used;
    uint32_t fiber;
} threads[THREADS_MAX];

uint32_t threads_session(void)
{
    return (uint32_t)world_count() | UINT32_C(1) << 31;
}

void threads_reset(void)
{
    memset(threads, 0, sizeof threads);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                          void *argument);
int __real_pthread_join(pthread_t thread, void **result);
int __real_pthread_detach(pthread_t thread);
_Noreturn void __real_pthread_exit(void *result);
pthread_t __real_pthread_self(void);
int __real_pthread_once(pthread_once_t *once, void (*function)(void));
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __real_pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until);
int __real_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __real_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __real_pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *until);
int __real_pthread_cond_signal(pthread_cond_t *condition);
int __real_pthread_cond_broadcast(pthread_cond_t *condition);
#pragma GCC visibility push(default)
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                          void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_detach(pthread_t thread);
_Noreturn void __wrap_pthread_exit(void *result);
pthread_t __wrap_pthread_self(void);
int __wrap_pthread_once(pthread_once_t *once, void (*function)(void));
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
#pragma GCC visibility pop

/* --- threads: a pthread_t is a fiber's number, from 1 --- */

static void end_thread(struct thread *thread, void *result)
{
    thread->result = result;
    atomic_store(&thread->ended, 1);
    os_wake(&thread->ended);
}

static void run_thread(void *context)
{
    struct thread *thread = context;
    end_thread(thread, thread->body(thread->argument));
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                          void *argument)
{
    int state = PTHREAD_CREATE_JOINABLE;
    uint32_t next = 0;
    if (!world_is_inside()) {
        return __real_pthread_create(thread, attributes, body, argument);
    }
    while (next < THREADS_MAX && threads[next].used) {
        next++;
    }
    if (next == THREADS_MAX) {
        return EAGAIN;
    }
    if (attributes != NULL) {
        pthread_attr_getdetachstate(attributes, &state);
    }
    threads[next] = (struct thread){
        .body = body, .argument = argument, .detached = state == PTHREAD_CREATE_DETACHED, .used = true};
    threads[next].fiber = sim_start(os_process_self().pid, "thread", run_thread, &threads[next]);
    *thread = next + 1;
    return 0;
}

static struct thread *thread_of(pthread_t number)
{
    return number >= 1 && number <= THREADS_MAX && threads[number - 1].used ? &threads[number - 1] : NULL;
}

int __wrap_pthread_join(pthread_t number, void **result)
{
    if (!world_is_inside()) {
        return __real_pthread_join(number, result);
    }
    struct thread *thread = thread_of(number);
    if (thread == NULL || thread->detached) {
        return thread == NULL ? ESRCH : EINVAL;
    }
    while (atomic_load(&thread->ended) == 0) {
        os_wait(&thread->ended, 0, OS_FOREVER);
    }
    if (result != NULL) {
        *result = thread->result;
    }
    thread->detached = true; /* once is enough; a fiber's place is not used again */
    return 0;
}

int __wrap_pthread_detach(pthread_t number)
{
    if (!world_is_inside()) {
        return __real_pthread_detach(number);
    }
    struct thread *thread = thread_of(number);
    if (thread != NULL) {
        thread->detached = true;
    }
    return thread == NULL ? ESRCH : 0;
}

pthread_t __wrap_pthread_self(void)
{
    if (!world_is_inside()) {
        return __real_pthread_self();
    }
    pthread_t number = MAIN_THREAD;
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        number = threads[i].used && threads[i].fiber == sim_self() ? i + 1 : number;
    }
    return number;
}

_Noreturn void __wrap_pthread_exit(void *result)
{
    if (!world_is_inside()) {
        __real_pthread_exit(result);
    }
    struct thread *thread = thread_of(__wrap_pthread_self());
    if (thread == NULL) {
        world_refuse("pthread_exit of its first thread", "pthread_join of the others, and a return");
    }
    end_thread(thread, result);
    for (;;) {
        sim_rest();
    }
}

/* --- once: what glibc has in the word, 0 and 2, or the session in which it is being done --- */

enum {
    ONCE_DONE = 2
};

/* By return or, in C++, by an exception: then it is to be done again. */
static void end_once(_Atomic int **once)
{
    if (atomic_load(*once) != ONCE_DONE) {
        atomic_store(*once, 0);
    }
    os_wake((_Atomic uint32_t *)*once);
}

int __wrap_pthread_once(pthread_once_t *given, void (*function)(void))
{
    if (!world_has_thread()) {
        return __real_pthread_once(given, function);
    }
    int doing = (int)threads_session();
    _Atomic int *once = (_Atomic int *)given;
    while (atomic_load(once) == doing) {
        os_wait((_Atomic uint32_t *)once, (uint32_t)doing, OS_FOREVER);
    }
    if (atomic_load(once) != ONCE_DONE) {
        __attribute__((cleanup(end_once))) _Atomic int *under_way = once;
        atomic_store(under_way, doing);
        function();
        atomic_store(under_way, ONCE_DONE);
    }
    return 0;
}

/* --- mutexes --- */

static bool try_lock(struct mutex *mutex, int *error)
{
    uint32_t self = sim_self() + 1;
    int kind = mutex->kind & KIND_MASK;
    *error = 0;
    if (atomic_load(&mutex->held) != threads_session()) {
        atomic_store(&mutex->held, threads_session());
        mutex->owner = self;
        mutex->count = 1;
        return true;
    }
    if (mutex->owner == self && kind == PTHREAD_MUTEX_RECURSIVE) {
        mutex->count++;
        return true;
    }
    *error = mutex->owner == self && kind == PTHREAD_MUTEX_ERRORCHECK ? EDEADLK : EBUSY;
    return false;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *given)
{
    if (!world_has_thread()) {
        return __real_pthread_mutex_trylock(given);
    }
    int error;
    return try_lock((struct mutex *)given, &error) ? 0 : EBUSY;
}

static int lock_until(pthread_mutex_t *given, int64_t deadline)
{
    struct mutex *mutex = (struct mutex *)given;
    int error;
    while (!try_lock(mutex, &error) && error == EBUSY) {
        if (os_wait(&mutex->held, threads_session(), deadline) == ETIMEDOUT) {
            return ETIMEDOUT;
        }
    }
    return error == EBUSY ? 0 : error;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return world_has_thread() ? lock_until(mutex, OS_FOREVER) : __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
    return world_has_thread() ? lock_until(mutex, world_deadline(until))
                              : __real_pthread_mutex_timedlock(mutex, until);
}

int __wrap_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until)
{
    return world_has_thread() ? lock_until(mutex, world_deadline(until))
                              : __real_pthread_mutex_clocklock(mutex, clock, until);
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *given)
{
    if (!world_has_thread()) {
        return __real_pthread_mutex_unlock(given);
    }
    struct mutex *mutex = (struct mutex *)given;
    int kind = mutex->kind & KIND_MASK;
    if (kind != PTHREAD_MUTEX_NORMAL && mutex->owner != sim_self() + 1) {
        return EPERM;
    }
    if (mutex->count <= 1) {
        mutex->owner = 0;
        mutex->count = 0;
        atomic_store(&mutex->held, 0);
        os_wake(&mutex->held);
    } else {
        mutex->count--;
    }
    return 0;
}

/* --- condition variables --- */

static int wait_for(pthread_cond_t *given, pthread_mutex_t *mutex, int64_t deadline)
{
    struct condition *condition = (struct condition *)given;
    uint32_t seen = atomic_load(&condition->signals);
    __wrap_pthread_mutex_unlock(mutex);
    int error = os_wait(&condition->signals, seen, deadline);
    __wrap_pthread_mutex_lock(mutex);
    return error;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    return world_has_thread() ? wait_for(condition, mutex, OS_FOREVER)
                              : __real_pthread_cond_wait(condition, mutex);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until)
{
    if (!world_has_thread()) {
        return __real_pthread_cond_timedwait(condition, mutex, until);
    }
    return wait_for(condition, mutex, world_deadline(until));
}

/* What std::condition_variable::wait_for is made of. */
int __wrap_pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *until)
{
    if (!world_has_thread()) {
        return __real_pthread_cond_clockwait(condition, mutex, clock, until);
    }
    return wait_for(condition, mutex, world_deadline(until));
}

/* All are woken by one signal, too: a condition variable may wake without reason, so each looks again. */
static int signal_all(pthread_cond_t *given)
{
    struct condition *condition = (struct condition *)given;
    atomic_fetch_add(&condition->signals, 1);
    os_wake(&condition->signals);
    return 0;
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
    return world_has_thread() ? signal_all(condition) : __real_pthread_cond_signal(condition);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    return world_has_thread() ? signal_all(condition) : __real_pthread_cond_broadcast(condition);
}
