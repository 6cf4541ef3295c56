/* inject.h - what every part of the interposer shares: whether it is at work, its plan, and the thread's own
 * words.
 *
 * The interposer runs inside other people's processes. It allocates nothing itself; errno is left as it was
 * found; nothing is ever printed but an unreadable plan. A call takes no lock, once everything has been looked
 * up: the first call of a function, or from a new place, asks the loader, which has locks of its own; the first
 * of all reads the plan, through stdio. What a call may wait for is the runner, when its thread's ring is full,
 * and the server, when a fault is the server's to do.
 */
#ifndef VDIFAULT_INJECT_H
#define VDIFAULT_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "next.h"
#include "plan.h"

#define INJECT_EXPORT __attribute__((visibility("default")))

struct shadow_set;

/* A thread's own words. Initial-exec, so that reaching them allocates nothing. */
struct inject_thread {
    uint32_t inside;            /* in the real library; stays raised when a signal handler jumps out of it */
    struct shadow_set *keeping; /* munmap keeps ranges for this set instead of unmapping them */
};
extern _Thread_local struct inject_thread inject_thread __attribute__((tls_model("initial-exec")));

/* Neither VDIFAULT_PLAN nor VDIFAULT_TRACE: everything passes straight through. */
bool inject_is_active(void);

/* This call is the client's and is to be recorded. What the real library calls of its own interface is not; a
 * handler of the client's, run while its thread is in the library, is known by the place it calls from. */
static inline bool inject_sees_call(const void *caller)
{
    return (inject_thread.inside == 0 || !next_is_library(caller)) && inject_is_active();
}

/* The plan and, so that calls without a fault stay cheap, where its faults are: a bit per function, command.
 */
struct inject_plan {
    struct plan plan;
    uint32_t functions;
    uint32_t commands;
};
const struct inject_plan *inject_plan(void);

int64_t inject_now(void); /* ns, monotonic */

#endif
