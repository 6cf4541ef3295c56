/* guard_internal.h - what the files behind guard.h share. Not for others. */
#ifndef VDIFAULT_GUARD_INTERNAL_H
#define VDIFAULT_GUARD_INTERNAL_H

#include "arena.h"
#include "guard.h"

/* ---- guard_options.c: what was asked for, and what could not be done ---- */

enum guard_mode {
    GUARD_OFF,
    GUARD_AUTO,
    GUARD_PAGES,
    GUARD_COPY
};
enum guard_on_finding {
    ON_FINDING_CONTINUE,
    ON_FINDING_STOP,
    ON_FINDING_ABORT
};
enum guard_note {
    NOTE_NO_ADDRESSES,
    NOTE_NO_SLOT,
    NOTE_NO_ALIAS,
    NOTE_NO_PAGES,
    NOTE_SAMPLED,
    GUARD_NOTES
};

enum guard_mode guard_mode(void);
enum guard_on_finding guard_on_finding(void);
/* A fault of the plan works on what the guard gives: buffers that outlive an early close, commands that are altered. */
bool guard_is_needed_by_plan(void);
/* It strikes at the first touch of a buffer: none may be left out. */
bool guard_is_struck_by_plan(void);
/* Once each. */
void guard_say(enum guard_note note, int error);

/* ---- guard_sources.c: the aliases that the library's buffers have already ---- */

/* One of the buffer's slots that is out of the client's hands, BUSY: the one that has been so longest. Or, with *place
 * set, none yet: a new one belongs there. NULL without a place: all are in use, or there is no room to know them. */
struct slot *sources_take(const struct shadow_set *set, uintptr_t page, size_t length,
                          _Atomic(struct slot *) **place);
/* The pages there are the library's no more. */
void sources_forget(uintptr_t start, uintptr_t end);

/* ---- guard_pages.c: what a slot maps, and what of it may be touched ---- */

/* Maps the library's buffer in the slot, or a copy of it. 0 or errno. */
int pages_place(struct slot *slot, const VDC_Command *command, bool copy, size_t alignment);
int pages_grant(struct slot *slot, int protection); /* of the data; a prefix zone is always writable */
int pages_revoke(struct slot *slot);
/* All that the command had, and what was mapped beside it. */
int pages_let_through(struct slot *slot);
/* How many bytes a slot for the command needs. */
size_t pages_needed(size_t size, size_t prefix);

/* Of a copy: the library's bytes into it, 0 or errno; and as many of its own back. */
int pages_copy_in(struct slot *slot);
void pages_copy_back(struct slot *slot, size_t length);

/* What nobody may write, but pages cannot protect: noted at the grant and compared at the completion. */
void pages_note_edges(struct slot *slot, bool exclusive);
/* First byte that was written, as an offset from the data; false: none. */
bool pages_edge_written(const struct slot *slot, int64_t *offset);

/* ---- guard_sanitizer.c ---- */

/* The slot's command begins, or ends, to be the client's. */
void sanitizer_tell(const struct slot *slot, bool is_granted);

/* ---- guard_access.c: an access that must not be ---- */

struct access {
    uintptr_t address;
    bool is_write;
    uint16_t function;   /* enum vdi_function during which it was found */
    const char *text;    /* the system or stdio function, or "" */
    const void *context; /* of the signal, or NULL */
    const void *caller;  /* else return address of it, or NULL */
};
/* Tells of it what was not told yet; the slot is BUSY and was in `state`. */
void access_tell(struct slot *slot, enum slot_state state, const struct access *access);
/* The first touch of a buffer whose faults wait for it (at_touch). The slot is BUSY and was HELD; it is released. */
void access_first(struct slot *slot);

#endif
