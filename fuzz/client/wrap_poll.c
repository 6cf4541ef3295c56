/* wrap_poll.c - the client's waits for its own descriptors: a pipe that another of its threads writes to, for one.
 *
 * The descriptors are the system's, and ask to be looked at; the time is the simulation's. What is not ready can become
 * so only by another fiber, so a look is due when one has been able to go on: who waits here gives way while there are
 * such, and else sleeps until the next of them has a deadline. Others that wait here make nothing ready until they go
 * on from here, and then they say so.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "os.h"
#include "sim.h"
#include "world.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

int __real_poll(struct pollfd *files, nfds_t count, int ms);
int __real_ppoll(struct pollfd *files, nfds_t count, const struct timespec *limit, const sigset_t *signals);
int __real_select(int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *limit);
int __real_pselect(int count, fd_set *in, fd_set *out, fd_set *other, const struct timespec *limit,
                   const sigset_t *signals);
int __real_epoll_wait(int file, struct epoll_event *events, int most, int ms);
int __real_epoll_pwait(int file, struct epoll_event *events, int most, int ms, const sigset_t *signals);
ssize_t __real_read(int file, void *bytes, size_t size);
/* What poll and read are with _FORTIFY_SOURCE. */
int __real___poll_chk(struct pollfd *files, nfds_t count, int ms, size_t room);
ssize_t __real___read_chk(int file, void *bytes, size_t size, size_t room);
#pragma GCC visibility push(default)
int __wrap_poll(struct pollfd *files, nfds_t count, int ms);
int __wrap_ppoll(struct pollfd *files, nfds_t count, const struct timespec *limit, const sigset_t *signals);
int __wrap_select(int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *limit);
int __wrap_pselect(int count, fd_set *in, fd_set *out, fd_set *other, const struct timespec *limit,
                   const sigset_t *signals);
int __wrap_epoll_wait(int file, struct epoll_event *events, int most, int ms);
int __wrap_epoll_pwait(int file, struct epoll_event *events, int most, int ms, const sigset_t *signals);
ssize_t __wrap_read(int file, void *bytes, size_t size);
int __wrap___poll_chk(struct pollfd *files, nfds_t count, int ms, size_t room);
ssize_t __wrap___read_chk(int file, void *bytes, size_t size, size_t room);
#pragma GCC visibility pop

/* --- waiting --- */

static struct {
    bool waits;
    int64_t deadline; /* the client's own */
} fibers[SIM_FIBERS_MAX];
static _Atomic uint32_t changes; /* somebody goes on from here */

void polls_reset(void)
{
    memset(fibers, 0, sizeof fibers);
}

/* When somebody else may make ready what is not: the past, if he can go on. */
static int64_t next_chance(void)
{
    int64_t next = OS_FOREVER;
    for (uint32_t i = 0; i < sim_count(); i++) {
        struct sim_fiber fiber;
        sim_look(i, &fiber);
        bool lives = fiber.state == SIM_READY || fiber.state == SIM_WAITS;
        int64_t at = fibers[i].waits ? fibers[i].deadline : fiber.state == SIM_READY ? 0 : fiber.deadline;
        next = lives && i != sim_self() && at < next ? at : next;
    }
    return next;
}

/* `look` asks the system, without waiting: 0 for nothing yet. */
static int wait_until(int (*look)(void *context), void *context, int64_t deadline)
{
    uint32_t self = sim_self();
    int found;
    fibers[self].waits = true;
    fibers[self].deadline = deadline;
    while ((found = look(context)) == 0 && sim_time() < deadline) {
        int64_t next = next_chance();
        if (next <= sim_time()) {
            os_pause();
        } else {
            os_wait(&changes, atomic_load(&changes), next < deadline ? next : deadline);
        }
    }
    int error = errno;
    fibers[self].waits = false;
    atomic_fetch_add(&changes, 1);
    os_wake(&changes);
    errno = error;
    return found;
}

static int64_t deadline_of_ms(int ms)
{
    return ms < 0 ? OS_FOREVER : sim_time() + ms * NS_PER_MS;
}

static int64_t deadline_of(const struct timespec *limit)
{
    return limit == NULL ? OS_FOREVER : sim_time() + limit->tv_sec * NS_PER_S + limit->tv_nsec;
}

/* --- poll --- */

struct polled {
    struct pollfd *files;
    nfds_t count;
};

static int look_poll(void *context)
{
    struct polled *polled = context;
    return __real_poll(polled->files, polled->count, 0);
}

int __wrap_poll(struct pollfd *files, nfds_t count, int ms)
{
    return world_is_client() ? wait_until(look_poll, &(struct polled){files, count}, deadline_of_ms(ms))
                             : __real_poll(files, count, ms);
}

int __wrap___poll_chk(struct pollfd *files, nfds_t count, int ms, size_t room)
{
    return world_is_client() && count <= room / sizeof files[0] ? __wrap_poll(files, count, ms)
                                                                : __real___poll_chk(files, count, ms, room);
}

int __wrap_ppoll(struct pollfd *files, nfds_t count, const struct timespec *limit, const sigset_t *signals)
{
    return world_is_client() ? wait_until(look_poll, &(struct polled){files, count}, deadline_of(limit))
                             : __real_ppoll(files, count, limit, signals);
}

/* --- select --- */

struct selected {
    int count;
    fd_set *sets[3];
    fd_set asked[3];
};

static int look_select(void *context)
{
    struct selected *selected = context;
    struct timeval none = {0};
    for (int i = 0; i < 3; i++) {
        if (selected->sets[i] != NULL) {
            *selected->sets[i] = selected->asked[i];
        }
    }
    return __real_select(selected->count, selected->sets[0], selected->sets[1], selected->sets[2], &none);
}

static int select_until(int count, fd_set *in, fd_set *out, fd_set *other, int64_t deadline)
{
    struct selected selected = {.count = count, .sets = {in, out, other}};
    for (int i = 0; i < 3; i++) {
        if (selected.sets[i] != NULL) {
            selected.asked[i] = *selected.sets[i];
        }
    }
    return wait_until(look_select, &selected, deadline);
}

int __wrap_select(int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *limit)
{
    if (!world_is_client()) {
        return __real_select(count, in, out, other, limit);
    }
    struct timespec length = {0};
    if (limit != NULL) {
        length = (struct timespec){.tv_sec = limit->tv_sec, .tv_nsec = limit->tv_usec * 1000};
    }
    return select_until(count, in, out, other, deadline_of(limit != NULL ? &length : NULL));
}

int __wrap_pselect(int count, fd_set *in, fd_set *out, fd_set *other, const struct timespec *limit,
                   const sigset_t *signals)
{
    return world_is_client() ? select_until(count, in, out, other, deadline_of(limit))
                             : __real_pselect(count, in, out, other, limit, signals);
}

/* --- epoll --- */

struct epolled {
    int file;
    struct epoll_event *events;
    int most;
};

static int look_epoll(void *context)
{
    struct epolled *epolled = context;
    return __real_epoll_wait(epolled->file, epolled->events, epolled->most, 0);
}

int __wrap_epoll_wait(int file, struct epoll_event *events, int most, int ms)
{
    return world_is_client()
               ? wait_until(look_epoll, &(struct epolled){file, events, most}, deadline_of_ms(ms))
               : __real_epoll_wait(file, events, most, ms);
}

int __wrap_epoll_pwait(int file, struct epoll_event *events, int most, int ms, const sigset_t *signals)
{
    return world_is_client() ? __wrap_epoll_wait(file, events, most, ms)
                             : __real_epoll_pwait(file, events, most, ms, signals);
}

/* --- read --- */

/* Of a pipe, a socket, an eventfd that has nothing yet. */
static void wait_for_input(int file)
{
    struct pollfd asked = {.fd = file, .events = POLLIN};
    if (world_is_client() && __real_poll(&asked, 1, 0) == 0 && (fcntl(file, F_GETFL) & O_NONBLOCK) == 0) {
        wait_until(look_poll, &(struct polled){&asked, 1}, OS_FOREVER);
    }
}

ssize_t __wrap_read(int file, void *bytes, size_t size)
{
    ssize_t got;
    if (world_is_client() && statement_read(file, bytes, size, &got)) {
        return got;
    }
    wait_for_input(file);
    return __real_read(file, bytes, size);
}

ssize_t __wrap___read_chk(int file, void *bytes, size_t size, size_t room)
{
    return world_is_client() && size <= room ? __wrap_read(file, bytes, size)
                                             : __real___read_chk(file, bytes, size, room);
}
