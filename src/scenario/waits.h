/* waits.h - who waits until when: a table that all processes of a run share (docs/time.md).
 *
 * Responsible for: FOLDER/waits, a slot per thread that is in a wait with a time limit which we know and can cut
 * short. The waiter fills its slot and keeps it active for as long as it is in the kernel; the runner reads it.
 * Not responsible for: the waiting itself (inject/virtual_time.h) and what the runner makes of it (cli/time_watch.h).
 *
 * A slot is its thread's own, so that nobody waits for anybody here. A thread that leaves its wait by longjmp or by
 * cancellation leaves its slot active: it holds only while the thread's stack pointer is just below `frame`.
 * libc only, no allocation; safe in signal handlers.
 */
#ifndef VDIFAULT_WAITS_H
#define VDIFAULT_WAITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    RUN_WAITS_MAGIC = 0x56445754, /* "VDWT" */
    RUN_WAITS_MAX = 1024,
    RUN_WAIT_DESCRIPTORS = 16,
    RUN_WAIT_STACK = 1 << 16 /* bytes that the waiting function, and a sanitizer's around it, may use */
};
#define RUN_WAIT_FOREVER INT64_MAX

enum run_wait_kind {
    RUN_WAIT_TIME = 1, /* for nothing but the time */
    RUN_WAIT_MEMORY,   /* for a condition, a semaphore, a lock, a thread's end */
    RUN_WAIT_POLL,     /* for the descriptors of the slot */
    RUN_WAIT_SIGNAL,
    RUN_WAIT_LIBRARY, /* in the VDI library, for the server */
    RUN_WAIT_IDLE     /* a GetCommand that we keep from its VD_E_CLOSE */
};

struct run_wait {
    _Atomic uint64_t owner;   /* process << 32 | thread, 0 for all of them; 0: free */
    _Atomic uint64_t frame;   /* in the stack, above all that the wait itself puts there */
    _Atomic int64_t deadline; /* ns of the run's monotonic clock; RUN_WAIT_FOREVER */
    _Atomic uint32_t serial;  /* another one for each wait */
    _Atomic uint32_t active;
    _Atomic uint32_t kind;
    _Atomic uint32_t descriptor_count; /* RUN_WAIT_DESCRIPTORS + 1: more than there is room for */
    _Atomic int32_t descriptors[RUN_WAIT_DESCRIPTORS];
    _Atomic int64_t begun; /* ns of the run's monotonic clock */
    uint32_t reserved[4];
};
_Static_assert(sizeof(struct run_wait) == 128, "two cache lines");

struct run_waits {
    uint32_t magic;
    uint32_t reserved[31];
    struct run_wait slots[RUN_WAITS_MAX];
};

/* Maps FOLDER/waits; `create` makes it, all free. NULL: it cannot be, or is not what it should be. */
struct run_waits *run_waits_map(const char *folder, bool create);

/* The thread's slot, or a free one made its own; NULL: all are taken. */
struct run_wait *run_wait_claim(struct run_waits *waits, uint32_t process, uint32_t thread);
void run_wait_release(struct run_wait *wait);

/* The thread's slot if it is active, or NULL. */
const struct run_wait *run_wait_find(const struct run_waits *waits, uint32_t process, uint32_t thread);

/* A signal tells the process to end: it will act, whatever its threads wait for by now. Lasts as long as it lives. */
void run_waits_leave(struct run_waits *waits, uint32_t process);
bool run_waits_is_leaving(const struct run_waits *waits, uint32_t process);

#endif
