/* os.h - everything src/core asks of the operating system.
 *
 * Responsible for: named shared memory, waiting on and waking a 32-bit word in it, the clock, and the
 * question whether a process still lives. posix.c is the real one; a simulation can take its place at link
 * time.
 * Not responsible for: what the memory holds (core/layout.h) and how names are made (core/segment.c).
 *
 * Errors: functions return 0 or a positive errno value; errno itself is left as it was found.
 * Threads: all functions may be called from any thread; none is a cancellation point.
 * Times are nanoseconds of one monotonic clock.
 */
#ifndef VDIFAULT_OS_H
#define VDIFAULT_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OS_NAME_MAX = 96, /* bytes of an object name with its NUL */
    OS_MEMORY_ALIGNMENT =
        65536, /* every object is mapped at a multiple of this, buffers' strictest (spec 7) */
};

/* A process, safe against reuse of its number: the start time tells two holders of one pid apart. Containers number
 * their processes each for itself, so it says by whose count, too. */
struct os_process {
    uint32_t pid;        /* 0 = none, never alive */
    uint32_t space;      /* whose count: 0 = the caller's own */
    uint64_t start_time; /* clock ticks since boot; 0 = not known: any process of that number */
};

/* One mapped shared-memory object. */
struct os_memory {
    void *address;    /* NULL = not mapped */
    size_t size;      /* bytes */
    uint64_t file[2]; /* which object this is, whatever its name */
    int unnamed;      /* the system's handle of an object not yet published, plus one; 0 = none */
};

#define OS_FOREVER INT64_MAX /* a deadline that never comes */

/* Makes a zeroed object without a name, reserves all its memory and maps it. If we die now nothing is left.
 * ENOSPC or ENOMEM: it does not fit. */
int os_memory_create(size_t size, struct os_memory *memory);

/* Gives the object its name in one step, for its owner and group whatever the umask: whoever finds it finds
 * it complete. Wakes watchers. EEXIST: the name is taken; the object stays as it was. */
int os_memory_publish(struct os_memory *memory, const char *name);

/* Maps an existing object whole. ENOENT: no such name. EPERM: it is no plain shared-memory object, or belongs
 * neither to us, nor to root, nor to our group (spec 1, Linux differences). */
int os_memory_open(const char *name, struct os_memory *memory);
void os_memory_unmap(struct os_memory *memory);
int os_memory_unlink(const char *name);
/* Takes the name away if it still is this object's; whoever else asks at the same moment asks the same way, and
 * both return when it is gone. ENOENT: it is not, or not any more. EBUSY: somebody else began to, and did not end
 * within 100 ms. */
int os_memory_unlink_own(const char *name, const struct os_memory *memory);

/* Waits until some object may have been created or removed, or `deadline` has passed (ETIMEDOUT). Spurious returns are
 * allowed: callers look again. `watch` is from os_memory_watch, made before the first look. */
int os_memory_watch(int *watch);
int os_memory_watch_wait(int watch, int64_t deadline);
void os_memory_watch_close(int watch);

/* Sleeps while *word == expected, until os_wake or `deadline`; spurious returns allowed. `word` may be shared
 * between processes. Returns 0, or ETIMEDOUT. */
int os_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline);
void os_wake(_Atomic uint32_t *word); /* wakes all that wait on the word */

int64_t os_now(void); /* nanoseconds, monotonic */
void os_pause(void);  /* one beat of a spin loop */

struct os_process os_process_self(void);
/* False once it is a zombie, too. Dead only on proof: a process that cannot be looked at, as one of another space,
 * counts as living. */
bool os_process_alive(const struct os_process *process);

#endif
