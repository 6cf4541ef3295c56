/* witness.h - what libvdifault.so lends to libvdifault-sys.so, which binds to it weakly.
 *
 * One recorder, one ring a thread, one notion of whose calls count: two preloaded libraries with a copy each
 * would double what every thread of the client costs. Any thread, also in signal handlers; nothing allocates;
 * errno is preserved.
 */
#ifndef VDIFAULT_WITNESS_H
#define VDIFAULT_WITNESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;

/* A call that comes from `caller` is the client's, and what it does is to be recorded: there is a run, and the
 * caller is neither the VDI library nor ourselves. */
bool vdifault_sees(const void *caller);

/* event_record (scenario/runstate.h). */
uint64_t vdifault_record(struct event *event, const char *text);

/* The file is in the run's own folder, which goes when the run ends, and waits of the run may be cut short: whether it
 * reaches the disk makes no difference to anybody. */
bool vdifault_is_scratch(const char *path);

/* ---- the guard (guard.h) ---- */

/* A function of this name is about to read or (is_write) write these bytes for the client, by means that no page
 * protection sees. Records it and lets it through if the client must not. Cheap for what is not in the arena. */
void vdifault_guard_touch(const void *start, size_t length, int is_write, const char *function);
/* `call` of the GetCommand whose buffer, still in the client's hands, has the address; 0: none. */
uint64_t vdifault_guard_fetch_of(const void *address);

/* ---- faults of files (failures.h) ---- */

/* What a call does, as far as a fault can be at it. */
enum file_call {
    FILE_CALL_WRITE,  /* hands bytes to the kernel */
    FILE_CALL_STREAM, /* hands bytes to stdio, which writes some now */
    FILE_CALL_KEEP,   /* the same, but nothing leaves */
    FILE_CALL_LET_GO, /* makes stdio write what it has kept */
    FILE_CALL_READ,
    FILE_CALL_SYNC,
    FILE_CALL_CLOSE,
    FILE_CALL_COUNT
};
struct file_failure {
    int32_t
        error; /* errno that it gives once `limit` is reached; 0: it says how far it got, and that is all */
    uint64_t limit; /* bytes that still go well: the call takes no more */
};
/* Some call of the run is to fail: worth asking about each. */
bool vdifault_files_fail(void);
/* This call of the client's fails, or is cut short, and the fault has fired. fetch: of the command whose buffer the
 * bytes come from; 0: the thread's own, if it has one. file: identity, 0 unknown. */
bool vdifault_file_fails(enum file_call what, uint64_t fetch, uint64_t file, uint64_t size,
                         struct file_failure *failure);

/* ---- memory, descriptors and shared memory (shortage.h) ---- */

enum denial {
    DENIAL_MEMORY,        /* the client's own */
    DENIAL_OPEN,          /* of a regular file, by the client */
    DENIAL_SHARED_MEMORY, /* an allocation that the VDI library makes */
    DENIAL_COUNT
};
/* What may be denied in this run, a bit each: all else need not ask. */
extern _Atomic uint32_t vdifault_denials;
/* errno that it is denied with, and the fault has fired; 0: it may have it. `caller` is who asks for it. */
int vdifault_denies(enum denial what, const void *caller);

#endif
