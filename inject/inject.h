/* inject.h - what every part of the interposer shares: whether it is at work, its plan, and the thread's own
 * words.
 *
 * The interposer runs inside other people's processes: no allocation, no stdio, no lock on the way of a call;
 * errno is left as it was found; nothing is ever printed but an unreadable plan.
 */
#ifndef VDIFAULT_INJECT_H
#define VDIFAULT_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

#define INJECT_EXPORT __attribute__((visibility("default")))

struct shadow_set;

/* A thread's own words. Initial-exec, so that reaching them allocates nothing. */
struct inject_thread {
    uint32_t inside; /* in the real library: what it calls of its own interface is not the client's */
    struct shadow_set *keeping; /* munmap keeps ranges for this set instead of unmapping them */
};
extern _Thread_local struct inject_thread inject_thread __attribute__((tls_model("initial-exec")));

/* Neither VDIFAULT_PLAN nor VDIFAULT_TRACE: everything passes straight through. */
bool inject_is_active(void);

/* This call is the client's and is to be recorded. */
static inline bool inject_sees_call(void)
{
    return inject_thread.inside == 0 && inject_is_active();
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
