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

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fork_server.h"
#include "next.h"
#include "plan.h"

#define INJECT_EXPORT __attribute__((visibility("default")))

/* A thread's own words. Initial-exec, so that reaching them allocates nothing. */
struct inject_thread {
    uint32_t inside; /* in the real library; stays raised when a signal handler jumps out of it */
    /* A call that is only passed on to libvdifault-sys.so, which has a wrapper of its own: whose it is (witness.h). */
    const void *passed_on_for;
};
extern _Thread_local struct inject_thread inject_thread __attribute__((tls_model("initial-exec")));

/* How far the process has got. Inline, all of this: a call that nobody asked about costs a few instructions. */
enum inject_mode {
    INJECT_UNDECIDED,
    INJECT_PASSIVE, /* neither VDIFAULT_PLAN nor VDIFAULT_TRACE: everything passes straight through */
    INJECT_ACTIVE,  /* one of them, but no call yet */
    INJECT_ARMED,   /* the plan is loaded; nobody records */
    INJECT_RECORDING
};
extern _Atomic uint32_t inject_mode_word; /* once PASSIVE, ARMED or RECORDING it stays so */
uint32_t inject_decide(void);             /* between PASSIVE and the rest */
uint32_t inject_arm(void);                /* from ACTIVE to ARMED or RECORDING */

static inline bool inject_is_active(void)
{
    uint32_t mode = atomic_load_explicit(&inject_mode_word, memory_order_acquire);
    return (mode != INJECT_UNDECIDED ? mode : inject_decide()) != INJECT_PASSIVE;
}

/* Somebody records: events are worth making. */
static inline bool inject_records(void)
{
    uint32_t mode = atomic_load_explicit(&inject_mode_word, memory_order_acquire);
    return (mode >= INJECT_ARMED ? mode : inject_arm()) == INJECT_RECORDING;
}

/* This call is the client's and is to be recorded. What the real library calls of its own interface is not; a
 * handler of the client's, run while its thread is in the library, is known by the place it calls from. */
static inline bool inject_sees_call(const void *caller)
{
    return fork_server_passes(inject_is_active() && (inject_thread.inside == 0 || !next_is_library(caller)));
}

/* The plan and, so that calls without a fault stay cheap, where its faults are: a bit per function, command.
 */
struct inject_plan {
    struct plan plan;
    uint32_t functions;
    uint32_t commands;
    bool loses_close; /* it has a fault that VD_E_CLOSE meets */
    bool fails_files; /* ... of the client's own files, or is to say where it could have one */
    bool probes;      /* it is */
};
extern struct inject_plan inject_loaded;

static inline const struct inject_plan *inject_plan(void)
{
    if (atomic_load_explicit(&inject_mode_word, memory_order_acquire) < INJECT_ARMED) {
        inject_arm();
    }
    return &inject_loaded;
}

int64_t inject_now(void); /* ns, monotonic */

#endif
