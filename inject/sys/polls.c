/* polls.c - waits for descriptors, by the run's time (docs/time.md).
 *
 * Each slice is made by the call that takes nanoseconds, or else at least a millisecond: the results are the same.
 */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "sys_time.h"

#define NS_PER_MS 1000000

/* A time limit as the calls take it: FOREVER for none. */
static int64_t limit_of(const struct timespec *timeout)
{
    return timeout != NULL ? sys_nanoseconds(timeout) : RUN_WAIT_FOREVER;
}

static bool is_limit(const struct timespec *timeout)
{
    return timeout == NULL || sys_is_timespec(timeout);
}

/* ---- poll ---- */

typedef int ppoll_function(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);

static ppoll_function *real_ppoll(void)
{
    static _Atomic(void *) slot;
    return (ppoll_function *)sys_next(&slot, "ppoll");
}

static int poll_in_slices(struct timed_wait *wait, struct pollfd *files, nfds_t count, const sigset_t *mask)
{
    int result;
    for (nfds_t i = 0; i < count; i++) {
        if (files[i].fd >= 0) {
            vdifault_wait_descriptor(wait, files[i].fd);
        }
    }
    do {
        struct timespec slice = sys_timespec(vdifault_wait_slice(wait));
        result = real_ppoll()(files, count, &slice, mask);
        vdifault_wait_pause(wait);
    } while (result == 0 && vdifault_wait_left(wait) > 0);
    vdifault_wait_end(wait);
    return result;
}

/* timeout 0 does not wait, and one without end is nothing to be cut short. */
static bool begin_poll(struct timed_wait *wait, int64_t ns, const void *caller)
{
    return ns > 0 && ns != RUN_WAIT_FOREVER && sys_wait_begin(wait, caller, RUN_WAIT_POLL, ns);
}

static int poll_ms(struct pollfd *files, nfds_t count, int ms, const void *caller)
{
    struct timed_wait wait;
    struct timespec timeout = sys_timespec(ms > 0 ? (int64_t)ms * NS_PER_MS : 0);
    ppoll_function *next = real_ppoll();
    if (next == NULL) {
        return -1;
    }
    if (begin_poll(&wait, (int64_t)ms * NS_PER_MS, caller)) {
        return poll_in_slices(&wait, files, count, NULL);
    }
    return next(files, count, ms >= 0 ? &timeout : NULL, NULL);
}

static int poll_time(struct pollfd *files, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
                     const void *caller)
{
    struct timed_wait wait;
    ppoll_function *next = real_ppoll();
    if (next != NULL && is_limit(timeout) && begin_poll(&wait, limit_of(timeout), caller)) {
        return poll_in_slices(&wait, files, count, mask);
    }
    return next != NULL ? next(files, count, timeout, mask) : -1;
}

SYS_EXPORT int poll(struct pollfd *files, nfds_t count, int ms)
{
    return poll_ms(files, count, ms, __builtin_return_address(0));
}

SYS_EXPORT int ppoll(struct pollfd *files, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    return poll_time(files, count, timeout, mask, __builtin_return_address(0));
}

/* What fortified clients call; `room` is the array's size. */
int __poll_chk(struct pollfd *files, nfds_t count, int ms, size_t room);
int __ppoll_chk(struct pollfd *files, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
                size_t room);

SYS_EXPORT int __poll_chk(struct pollfd *files, nfds_t count, int ms, size_t room)
{
    static _Atomic(void *) slot;
    int (*next)(struct pollfd *, nfds_t, int, size_t) =
        (int (*)(struct pollfd *, nfds_t, int, size_t))sys_next(&slot, "__poll_chk");
    if (next != NULL && room / sizeof *files < count) {
        return next(files, count, ms, room); /* which ends the process */
    }
    return poll_ms(files, count, ms, __builtin_return_address(0));
}

SYS_EXPORT int __ppoll_chk(struct pollfd *files, nfds_t count, const struct timespec *timeout,
                           const sigset_t *mask, size_t room)
{
    static _Atomic(void *) slot;
    int (*next)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t) =
        (int (*)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t))sys_next(
            &slot, "__ppoll_chk");
    if (next != NULL && room / sizeof *files < count) {
        return next(files, count, timeout, mask, room);
    }
    return poll_time(files, count, timeout, mask, __builtin_return_address(0));
}

/* ---- select ---- */

typedef int pselect_function(int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *);

struct selection {
    int count;
    fd_set *sets[3];
    fd_set asked[3];
    const sigset_t *mask;
};

static pselect_function *real_pselect(void)
{
    static _Atomic(void *) slot;
    return (pselect_function *)sys_next(&slot, "pselect");
}

static bool is_asked(const struct selection *selection, int file)
{
    bool asked = false;
    for (int i = 0; i < 3; i++) {
        asked = asked || (selection->sets[i] != NULL && FD_ISSET(file, &selection->asked[i]));
    }
    return asked;
}

/* A set may be no larger than its descriptors need. */
static size_t set_bytes(const struct selection *selection)
{
    return ((size_t)selection->count + NFDBITS - 1) / NFDBITS * sizeof(fd_mask);
}

/* When the time has come the sets are empty: each slice gets them anew. */
static int select_once(const struct selection *selection, int64_t ns)
{
    struct timespec slice = sys_timespec(ns);
    for (int i = 0; i < 3; i++) {
        if (selection->sets[i] != NULL) {
            memcpy(selection->sets[i], &selection->asked[i], set_bytes(selection));
        }
    }
    return real_pselect()(selection->count, selection->sets[0], selection->sets[1], selection->sets[2],
                          &slice, selection->mask);
}

static int select_in_slices(struct timed_wait *wait, struct selection *selection)
{
    int result;
    for (int i = 0; i < 3; i++) {
        if (selection->sets[i] != NULL) {
            memcpy(&selection->asked[i], selection->sets[i], set_bytes(selection));
        }
    }
    for (int file = 0; file < selection->count; file++) {
        if (is_asked(selection, file)) {
            vdifault_wait_descriptor(wait, file);
        }
    }
    do {
        result = select_once(selection, vdifault_wait_slice(wait));
        vdifault_wait_pause(wait);
    } while (result == 0 && vdifault_wait_left(wait) > 0);
    return result;
}

SYS_EXPORT int select(int count, fd_set *restrict readable, fd_set *restrict writable,
                      fd_set *restrict exceptional, struct timeval *restrict timeout)
{
    static _Atomic(void *) slot;
    int (*next)(int, fd_set *, fd_set *, fd_set *, struct timeval *) =
        (int (*)(int, fd_set *, fd_set *, fd_set *, struct timeval *))sys_next(&slot, "select");
    struct timed_wait wait;
    struct selection selection = {.count = count, .sets = {readable, writable, exceptional}};
    bool sliced = timeout != NULL && timeout->tv_sec >= 0 && timeout->tv_usec >= 0 &&
                  timeout->tv_sec < SYS_FAR_NS / SYS_NS_PER_S && timeout->tv_usec < SYS_FAR_NS / 1000 &&
                  count >= 0 && count <= FD_SETSIZE &&
                  begin_poll(&wait, timeout->tv_sec * SYS_NS_PER_S + timeout->tv_usec * 1000,
                             __builtin_return_address(0));
    if (!sliced) {
        return next != NULL ? next(count, readable, writable, exceptional, timeout) : -1;
    }
    int result = select_in_slices(&wait, &selection);
    int64_t left = vdifault_wait_left(&wait);
    vdifault_wait_end(&wait);
    timeout->tv_sec = left / SYS_NS_PER_S; /* as Linux does */
    timeout->tv_usec = left % SYS_NS_PER_S / 1000;
    return result;
}

SYS_EXPORT int pselect(int count, fd_set *restrict readable, fd_set *restrict writable,
                       fd_set *restrict exceptional, const struct timespec *restrict timeout,
                       const sigset_t *restrict mask)
{
    pselect_function *next = real_pselect();
    struct timed_wait wait;
    struct selection selection = {.count = count, .sets = {readable, writable, exceptional}, .mask = mask};
    if (next == NULL || !is_limit(timeout) || count < 0 || count > FD_SETSIZE ||
        !begin_poll(&wait, limit_of(timeout), __builtin_return_address(0))) {
        return next != NULL ? next(count, readable, writable, exceptional, timeout, mask) : -1;
    }
    int result = select_in_slices(&wait, &selection);
    vdifault_wait_end(&wait);
    return result;
}

/* ---- epoll ---- */

typedef int epoll_pwait_function(int, struct epoll_event *, int, int, const sigset_t *);

static int epoll_in_slices(struct timed_wait *wait, int file, struct epoll_event *events, int room,
                           const sigset_t *mask, epoll_pwait_function *next)
{
    int result;
    vdifault_wait_descriptor(wait, file);
    do {
        int64_t slice = vdifault_wait_slice(wait);
        result = next(file, events, room, (int)((slice + NS_PER_MS - 1) / NS_PER_MS), mask);
        vdifault_wait_pause(wait);
    } while (result == 0 && vdifault_wait_left(wait) > 0);
    vdifault_wait_end(wait);
    return result;
}

static int epoll_ms(int file, struct epoll_event *events, int room, int ms, const sigset_t *mask,
                    const void *caller)
{
    static _Atomic(void *) slot;
    epoll_pwait_function *next = (epoll_pwait_function *)sys_next(&slot, "epoll_pwait");
    struct timed_wait wait;
    if (next != NULL && begin_poll(&wait, (int64_t)ms * NS_PER_MS, caller)) {
        return epoll_in_slices(&wait, file, events, room, mask, next);
    }
    return next != NULL ? next(file, events, room, ms, mask) : -1;
}

SYS_EXPORT int epoll_wait(int file, struct epoll_event *events, int room, int ms)
{
    return epoll_ms(file, events, room, ms, NULL, __builtin_return_address(0));
}

SYS_EXPORT int epoll_pwait(int file, struct epoll_event *events, int room, int ms, const sigset_t *mask)
{
    return epoll_ms(file, events, room, ms, mask, __builtin_return_address(0));
}

/* Newer than some C libraries that clients run with: declared here, and looked up like all others. */
int epoll_pwait2(int file, struct epoll_event *events, int room, const struct timespec *timeout,
                 const sigset_t *mask);

SYS_EXPORT int epoll_pwait2(int file, struct epoll_event *events, int room, const struct timespec *timeout,
                            const sigset_t *mask)
{
    static _Atomic(void *) slot, slot_ms;
    int (*next)(int, struct epoll_event *, int, const struct timespec *, const sigset_t *) =
        (int (*)(int, struct epoll_event *, int, const struct timespec *, const sigset_t *))sys_next(
            &slot, "epoll_pwait2");
    epoll_pwait_function *in_ms = (epoll_pwait_function *)sys_next(&slot_ms, "epoll_pwait");
    struct timed_wait wait;
    if (next != NULL && in_ms != NULL && is_limit(timeout) &&
        begin_poll(&wait, limit_of(timeout), __builtin_return_address(0))) {
        return epoll_in_slices(&wait, file, events, room, mask, in_ms);
    }
    return next != NULL ? next(file, events, room, timeout, mask) : -1;
}
