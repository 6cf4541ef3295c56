/* wrap_locks.c - the client's read-write locks, semaphores and barriers, for fibers; mutexes: wrap_threads.c.
 *
 * Each keeps its state in its own memory, where glibc's initializers leave it: a lock of zeroes is free, a semaphore
 * begins with its value, a barrier has its count in the third word.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "os.h"
#include "sim.h"
#include "world.h"

struct lock {
    _Atomic uint32_t changes;
    uint32_t session; /* what an earlier one left held is free */
    uint32_t readers;
    uint32_t writer; /* fiber, from 1 */
};
_Static_assert(sizeof(struct lock) <= sizeof(pthread_rwlock_t), "it lies in the client's");

struct barrier {
    uint32_t arrived;
    _Atomic uint32_t round;
    uint32_t count;
};
_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t), "it lies in the client's");

int __real_pthread_rwlock_rdlock(pthread_rwlock_t *lock);
int __real_pthread_rwlock_wrlock(pthread_rwlock_t *lock);
int __real_pthread_rwlock_tryrdlock(pthread_rwlock_t *lock);
int __real_pthread_rwlock_trywrlock(pthread_rwlock_t *lock);
int __real_pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until);
int __real_pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until);
int __real_pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until);
int __real_pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until);
int __real_pthread_rwlock_unlock(pthread_rwlock_t *lock);
int __real_sem_wait(sem_t *semaphore);
int __real_sem_trywait(sem_t *semaphore);
int __real_sem_timedwait(sem_t *semaphore, const struct timespec *until);
int __real_sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until);
int __real_sem_post(sem_t *semaphore);
int __real_pthread_barrier_wait(pthread_barrier_t *barrier);
int __real_pthread_barrier_destroy(pthread_barrier_t *barrier);
#pragma GCC visibility push(default)
int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_tryrdlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_trywrlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until);
int __wrap_pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until);
int __wrap_pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until);
int __wrap_pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until);
int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *lock);
int __wrap_sem_wait(sem_t *semaphore);
int __wrap_sem_trywait(sem_t *semaphore);
int __wrap_sem_timedwait(sem_t *semaphore, const struct timespec *until);
int __wrap_sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until);
int __wrap_sem_post(sem_t *semaphore);
int __wrap_pthread_barrier_wait(pthread_barrier_t *barrier);
int __wrap_pthread_barrier_destroy(pthread_barrier_t *barrier);
#pragma GCC visibility pop

enum {
    AT_ONCE = 0 /* a deadline that is always over */
};

/* --- read-write locks --- */

static struct lock *lock_of(pthread_rwlock_t *given)
{
    struct lock *lock = (struct lock *)given;
    if (lock->session != threads_session()) {
        *lock = (struct lock){.session = threads_session()};
    }
    return lock;
}

static int lock_until(pthread_rwlock_t *given, bool writes, int64_t deadline)
{
    struct lock *lock = lock_of(given);
    while (lock->writer != 0 || (writes && lock->readers != 0)) {
        if (deadline == AT_ONCE) {
            return EBUSY;
        }
        if (lock->writer == sim_self() + 1) {
            return EDEADLK;
        }
        if (os_wait(&lock->changes, atomic_load(&lock->changes), deadline) == ETIMEDOUT) {
            return ETIMEDOUT;
        }
    }
    lock->readers += writes ? 0 : 1;
    lock->writer = writes ? sim_self() + 1 : 0;
    return 0;
}

int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    return world_has_thread() ? lock_until(lock, false, OS_FOREVER) : __real_pthread_rwlock_rdlock(lock);
}

int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    return world_has_thread() ? lock_until(lock, true, OS_FOREVER) : __real_pthread_rwlock_wrlock(lock);
}

int __wrap_pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    return world_has_thread() ? lock_until(lock, false, AT_ONCE) : __real_pthread_rwlock_tryrdlock(lock);
}

int __wrap_pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    return world_has_thread() ? lock_until(lock, true, AT_ONCE) : __real_pthread_rwlock_trywrlock(lock);
}

int __wrap_pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    return world_has_thread() ? lock_until(lock, false, world_deadline(until))
                              : __real_pthread_rwlock_timedrdlock(lock, until);
}

int __wrap_pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    return world_has_thread() ? lock_until(lock, true, world_deadline(until))
                              : __real_pthread_rwlock_timedwrlock(lock, until);
}

int __wrap_pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until)
{
    return world_has_thread() ? lock_until(lock, false, world_deadline(until))
                              : __real_pthread_rwlock_clockrdlock(lock, clock, until);
}

int __wrap_pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until)
{
    return world_has_thread() ? lock_until(lock, true, world_deadline(until))
                              : __real_pthread_rwlock_clockwrlock(lock, clock, until);
}

int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *given)
{
    if (!world_has_thread()) {
        return __real_pthread_rwlock_unlock(given);
    }
    struct lock *lock = lock_of(given);
    if (lock->writer != 0) {
        lock->writer = 0;
    } else if (lock->readers != 0) {
        lock->readers--;
    }
    atomic_fetch_add(&lock->changes, 1);
    os_wake(&lock->changes);
    return 0;
}

/* --- semaphores --- */

static int take_until(sem_t *semaphore, int64_t deadline)
{
    _Atomic uint32_t *value = (_Atomic uint32_t *)semaphore;
    while (atomic_load(value) == 0) {
        if (deadline == AT_ONCE || os_wait(value, 0, deadline) == ETIMEDOUT) {
            errno = deadline == AT_ONCE ? EAGAIN : ETIMEDOUT;
            return -1;
        }
    }
    atomic_fetch_sub(value, 1);
    return 0;
}

int __wrap_sem_wait(sem_t *semaphore)
{
    return world_has_thread() ? take_until(semaphore, OS_FOREVER) : __real_sem_wait(semaphore);
}

int __wrap_sem_trywait(sem_t *semaphore)
{
    return world_has_thread() ? take_until(semaphore, AT_ONCE) : __real_sem_trywait(semaphore);
}

int __wrap_sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    return world_has_thread() ? take_until(semaphore, world_deadline(until))
                              : __real_sem_timedwait(semaphore, until);
}

int __wrap_sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
    return world_has_thread() ? take_until(semaphore, world_deadline(until))
                              : __real_sem_clockwait(semaphore, clock, until);
}

int __wrap_sem_post(sem_t *semaphore)
{
    _Atomic uint32_t *value = (_Atomic uint32_t *)semaphore;
    if (!world_has_thread()) {
        return __real_sem_post(semaphore);
    }
    atomic_fetch_add(value, 1);
    os_wake(value);
    return 0;
}

/* --- barriers --- */

int __wrap_pthread_barrier_wait(pthread_barrier_t *given)
{
    if (!world_has_thread()) {
        return __real_pthread_barrier_wait(given);
    }
    struct barrier *barrier = (struct barrier *)given;
    uint32_t round = atomic_load(&barrier->round);
    if (++barrier->arrived == barrier->count) {
        barrier->arrived = 0;
        atomic_fetch_add(&barrier->round, 1);
        os_wake(&barrier->round);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    while (atomic_load(&barrier->round) == round) {
        os_wait(&barrier->round, round, OS_FOREVER);
    }
    return 0;
}

int __wrap_pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    return world_has_thread() ? 0 : __real_pthread_barrier_destroy(barrier);
}
