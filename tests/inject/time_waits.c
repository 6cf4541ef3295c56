/* time_waits.c - see time_waits.h. */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "time_waits.h"
#include "time_words.h"

int __poll_chk(struct pollfd *files, nfds_t count, int ms, size_t room);
int __ppoll_chk(struct pollfd *files, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
                size_t room);

/* What can be waited for. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, taken = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER, monotonic_condition;
static mtx_t c11_mutex, c11_taken;
static cnd_t c11_condition;
static sem_t semaphore;
static int pipe_ends[2], epoll_file;
static pthread_t main_thread;

pthread_t time_other;
atomic_bool time_over;

static struct timespec late(void)
{
    return (struct timespec){.tv_sec = LATE_MS / 1000};
}

static struct timespec late_by(clockid_t clock)
{
    struct timespec until;
    clock_gettime(clock, &until);
    until.tv_sec += LATE_MS / 1000;
    return until;
}

static int by_errno(int result)
{
    return result == 0 ? 0 : errno;
}

static int by_count(int result)
{
    return result > 0 ? 0 : result == 0 ? ETIMEDOUT : errno;
}

static int by_thrd(int result)
{
    return result == thrd_success ? 0 : result == thrd_timedout ? ETIMEDOUT : -1;
}

/* ---- the waits: 0, ETIMEDOUT, or another errno ---- */

static int wait_nanosleep(void)
{
    struct timespec time = late(), left = {0};
    int error = by_errno(nanosleep(&time, &left));
    return error == EINTR && left.tv_sec == 0 ? -1 : error;
}

static int wait_clock_nanosleep(void)
{
    struct timespec time = late(), left = {0};
    int error = clock_nanosleep(CLOCK_BOOTTIME, 0, &time, &left);
    return error == EINTR && left.tv_sec == 0 ? -1 : error;
}

static int wait_clock_nanosleep_until(void)
{
    struct timespec time = late_by(CLOCK_REALTIME);
    return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL);
}

static int wait_usleep(void)
{
    return by_errno(usleep(LATE_MS * 1000u));
}

static int wait_sleep(void)
{
    return sleep(LATE_MS / 1000) == 0 ? 0 : EINTR;
}

static int wait_thrd_sleep(void)
{
    struct timespec time = late();
    return thrd_sleep(&time, NULL) == 0 ? 0 : EINTR;
}

static int wait_sigtimedwait(void)
{
    struct timespec time = late();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    int result = sigtimedwait(&set, NULL, &time);
    return result == SIGUSR2 ? 0 : errno == EAGAIN ? ETIMEDOUT : errno;
}

static int wait_poll(void)
{
    struct pollfd file = {.fd = pipe_ends[0], .events = POLLIN};
    return by_count(poll(&file, 1, LATE_MS));
}

static int wait_poll_chk(void)
{
    struct pollfd file = {.fd = pipe_ends[0], .events = POLLIN};
    return by_count(__poll_chk(&file, 1, LATE_MS, sizeof file));
}

static int wait_poll_nothing(void)
{
    int result = poll(NULL, 0, LATE_MS);
    return result == 0 ? 0 : errno;
}

static int wait_ppoll(void)
{
    struct timespec time = late();
    struct pollfd file = {.fd = pipe_ends[0], .events = POLLIN};
    return by_count(ppoll(&file, 1, &time, NULL));
}

static int wait_ppoll_chk(void)
{
    struct timespec time = late();
    struct pollfd file = {.fd = pipe_ends[0], .events = POLLIN};
    return by_count(__ppoll_chk(&file, 1, &time, NULL, sizeof file));
}

static int wait_select(void)
{
    struct timeval time = {.tv_sec = LATE_MS / 1000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    int result = by_count(select(pipe_ends[0] + 1, &set, NULL, NULL, &time));
    bool marked = FD_ISSET(pipe_ends[0], &set);
    return marked == (result == 0) && (time.tv_sec == 0) == (result == ETIMEDOUT) ? result : -1;
}

/* A set that is no larger than its descriptors need: right behind it nothing is mapped. */
static int wait_small_select(void)
{
    struct timeval time = {.tv_sec = LATE_MS / 1000};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *room = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED || munmap(room + page, page) != 0) {
        return -1;
    }
    fd_set *set = (fd_set *)(room + page - sizeof(fd_mask));
    set->fds_bits[0] = (fd_mask)1 << pipe_ends[0];
    int result = by_count(select(pipe_ends[0] + 1, set, NULL, NULL, &time));
    bool marked = set->fds_bits[0] != 0;
    munmap(room, page);
    return marked == (result == 0) ? result : -1;
}

static int wait_pselect(void)
{
    struct timespec time = late();
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    return by_count(pselect(pipe_ends[0] + 1, &set, NULL, NULL, &time, NULL));
}

static int wait_epoll(void)
{
    struct epoll_event event;
    return by_count(epoll_wait(epoll_file, &event, 1, LATE_MS));
}

static int wait_epoll_pwait(void)
{
    struct epoll_event event;
    return by_count(epoll_pwait(epoll_file, &event, 1, LATE_MS, NULL));
}

static int wait_epoll_pwait2(void)
{
    struct timespec time = late();
    struct epoll_event event;
    return by_count(epoll_pwait2(epoll_file, &event, 1, &time, NULL));
}

static int wait_condition(void)
{
    struct timespec until = late_by(CLOCK_REALTIME);
    return pthread_cond_timedwait(&condition, &mutex, &until);
}

static int wait_monotonic_condition(void)
{
    struct timespec until = late_by(CLOCK_MONOTONIC);
    return pthread_cond_timedwait(&monotonic_condition, &mutex, &until);
}

static int wait_condition_clock(void)
{
    struct timespec until = late_by(CLOCK_MONOTONIC);
    return pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &until);
}

static int wait_c11_condition(void)
{
    struct timespec until;
    timespec_get(&until, TIME_UTC);
    until.tv_sec += LATE_MS / 1000;
    return by_thrd(cnd_timedwait(&c11_condition, &c11_mutex, &until));
}

static int wait_c11_mutex(void)
{
    struct timespec until = late_by(CLOCK_REALTIME);
    return by_thrd(mtx_timedlock(&c11_taken, &until));
}

static int wait_mutex(void)
{
    struct timespec until = late_by(CLOCK_REALTIME);
    return pthread_mutex_timedlock(&taken, &until);
}

static int wait_mutex_clock(void)
{
    struct timespec until = late_by(CLOCK_MONOTONIC);
    return pthread_mutex_clocklock(&taken, CLOCK_MONOTONIC, &until);
}

static int wait_rwlock_read(void)
{
    struct timespec until = late_by(CLOCK_REALTIME);
    return pthread_rwlock_timedrdlock(&rwlock, &until);
}

static int wait_rwlock_write_clock(void)
{
    struct timespec until = late_by(CLOCK_MONOTONIC);
    return pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &until);
}

static int wait_semaphore(void)
{
    struct timespec until = late_by(CLOCK_REALTIME);
    return by_errno(sem_timedwait(&semaphore, &until));
}

static int wait_semaphore_clock(void)
{
    struct timespec until = late_by(CLOCK_MONOTONIC);
    return by_errno(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &until));
}

static int wait_join(void)
{
    struct timespec until = late_by(CLOCK_REALTIME);
    return pthread_timedjoin_np(time_other, NULL, &until);
}

static int wait_join_clock(void)
{
    struct timespec until = late_by(CLOCK_MONOTONIC);
    return pthread_clockjoin_np(time_other, NULL, CLOCK_MONOTONIC, &until);
}

/* ---- what ends them ---- */

static void end_by_signal(void)
{
    while (!atomic_load(&time_over)) { /* it may not have begun yet */
        pthread_kill(main_thread, SIGUSR1);
        sched_yield();
    }
}

static void end_by_awaited_signal(void)
{
    pthread_kill(main_thread, SIGUSR2);
}

static void end_by_byte(void)
{
    (void)!write(pipe_ends[1], "", 1);
}

/* Under the lock that main holds whenever it does not wait. */
static void end_by_condition(void)
{
    pthread_mutex_lock(&mutex);
    pthread_cond_signal(&condition);
    pthread_cond_broadcast(&monotonic_condition);
    pthread_mutex_unlock(&mutex);
}

static void end_by_c11_condition(void)
{
    mtx_lock(&c11_mutex);
    cnd_signal(&c11_condition);
    mtx_unlock(&c11_mutex);
}

static void end_by_post(void)
{
    sem_post(&semaphore);
}

const struct time_wait time_waits[] = {
    {"nanosleep", wait_nanosleep, 0, EINTR, end_by_signal},
    {"clock_nanosleep", wait_clock_nanosleep, 0, EINTR, end_by_signal},
    {"clock_nanosleep_until", wait_clock_nanosleep_until, 0, EINTR, end_by_signal},
    {"usleep", wait_usleep, 0, EINTR, end_by_signal},
    {"sleep", wait_sleep, 0, EINTR, end_by_signal},
    {"thrd_sleep", wait_thrd_sleep, 0, EINTR, end_by_signal},
    {"sigtimedwait", wait_sigtimedwait, ETIMEDOUT, 0, end_by_awaited_signal},
    {"poll_nothing", wait_poll_nothing, 0, EINTR, end_by_signal},
    {"poll", wait_poll, ETIMEDOUT, 0, end_by_byte},
    {"poll_interrupted", wait_poll, ETIMEDOUT, EINTR, end_by_signal},
    {"poll_chk", wait_poll_chk, ETIMEDOUT, 0, end_by_byte},
    {"ppoll", wait_ppoll, ETIMEDOUT, 0, end_by_byte},
    {"ppoll_chk", wait_ppoll_chk, ETIMEDOUT, 0, end_by_byte},
    {"select", wait_select, ETIMEDOUT, 0, end_by_byte},
    {"small_select", wait_small_select, ETIMEDOUT, 0, end_by_byte},
    {"pselect", wait_pselect, ETIMEDOUT, 0, end_by_byte},
    {"epoll_wait", wait_epoll, ETIMEDOUT, 0, end_by_byte},
    {"epoll_pwait", wait_epoll_pwait, ETIMEDOUT, 0, end_by_byte},
    {"epoll_pwait2", wait_epoll_pwait2, ETIMEDOUT, 0, end_by_byte},
    {"condition", wait_condition, ETIMEDOUT, 0, end_by_condition},
    {"monotonic_condition", wait_monotonic_condition, ETIMEDOUT, 0, end_by_condition},
    {"condition_clock", wait_condition_clock, ETIMEDOUT, 0, end_by_condition},
    {"c11_condition", wait_c11_condition, ETIMEDOUT, 0, end_by_c11_condition},
    {"c11_mutex", wait_c11_mutex, ETIMEDOUT, 0, NULL},
    {"mutex", wait_mutex, ETIMEDOUT, 0, NULL},
    {"mutex_clock", wait_mutex_clock, ETIMEDOUT, 0, NULL},
    {"rwlock_read", wait_rwlock_read, ETIMEDOUT, 0, NULL},
    {"rwlock_write_clock", wait_rwlock_write_clock, ETIMEDOUT, 0, NULL},
    {"semaphore", wait_semaphore, ETIMEDOUT, 0, end_by_post},
    {"semaphore_clock", wait_semaphore_clock, ETIMEDOUT, 0, end_by_post},
    {"semaphore_interrupted", wait_semaphore, ETIMEDOUT, EINTR, end_by_signal},
    {"join", wait_join, ETIMEDOUT, 0, NULL},
    {"join_clock", wait_join_clock, ETIMEDOUT, 0, NULL},
    {NULL, NULL, 0, 0, NULL},
};

/* ---- around them ---- */

static void ignore(int number)
{
    (void)number;
}

void time_prepare(void)
{
    pthread_condattr_t attributes;
    struct sigaction action = {.sa_handler = ignore};
    struct epoll_event event = {.events = EPOLLIN};
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &awaited, NULL);
    sigaction(SIGUSR1, &action, NULL);
    (void)!pipe(pipe_ends);
    epoll_file = epoll_create1(0);
    epoll_ctl(epoll_file, EPOLL_CTL_ADD, pipe_ends[0], &event);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&monotonic_condition, &attributes);
    mtx_init(&c11_mutex, mtx_timed);
    mtx_init(&c11_taken, mtx_timed);
    cnd_init(&c11_condition);
    sem_init(&semaphore, 0, 0);
    main_thread = pthread_self();
}

void time_hold(void)
{
    pthread_mutex_lock(&taken);
    pthread_rwlock_wrlock(&rwlock);
    mtx_lock(&c11_taken);
}

void time_let_go(void)
{
    mtx_unlock(&c11_taken);
    pthread_rwlock_unlock(&rwlock);
    pthread_mutex_unlock(&taken);
}

void time_lock_conditions(void)
{
    pthread_mutex_lock(&mutex);
    mtx_lock(&c11_mutex);
}
