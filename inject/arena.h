/* arena.h - the address space in which clients get their buffers and command blocks, and its slots.
 *
 * Responsible for: one reservation of inaccessible addresses, cut into slots; which slot an address lies in; what
 * is mapped in a slot and how it is protected. Not responsible for what a slot means: that is guard.h's.
 *
 * A slot of a buffer class is 256 KiB << class of addresses, of which a buffer takes the middle: at least 64 KiB
 * stay inaccessible on either side, so that it lies between guard pages whatever its size. Addresses cost nothing;
 * what is limited is the mappings of a process (vm.max_map_count) and page tables. A slot in use takes up to four
 * mappings and the page tables of one buffer, and ARENA_SLOTS bounds both. A slot of the command class is two
 * pages, the first one the block's.
 *
 * States of a slot. Only who has made it BUSY may change it, by one compare-exchange from any other state:
 *
 *   state    pages                                    from     by
 *   FREE     none                                     -
 *   BUSY     being changed                            any      one thread, for a few system calls
 *   HELD     as the client may use them               BUSY     the GetCommand that delivers the command
 *   REVOKED  mapped, inaccessible                     BUSY     CompleteCommand, SignalAbort, Close
 *   OPENED   mapped, accessible: an access was        BUSY     the trap, or a wrapped system call
 *            reported and let through
 *   GONE     none; what it was is still known         BUSY     Create, the destructor, the end of a library's area
 *
 * Threads: no locks. A trap may come at any instruction of any thread, also of one that has made a slot BUSY (in a
 * handler of the client's that interrupted us): so nobody waits for a BUSY slot without a limit. What the fields
 * say belongs to who has it BUSY; those that are read without that are atomic and read between two equal looks at
 * the state. A child of fork has its own copy of all this; mappings are inherited as they are.
 *
 * Errors: 0 or errno. All system calls are made directly: sanitizers need not follow what we do to pages.
 */
#ifndef VDIFAULT_ARENA_H
#define VDIFAULT_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shadow.h"

enum {
    ARENA_CLASSES = 6,  /* of buffers; one more is the command blocks' */
    ARENA_SLOTS = 4096, /* at most, of each buffer class */
    ARENA_COMMANDS = 2048,
    ARENA_GAP = 64 * 1024 /* at least, on either side of a buffer; no alignment is larger (spec 7) */
};

enum slot_state {
    SLOT_FREE,
    SLOT_BUSY,
    SLOT_HELD,
    SLOT_REVOKED,
    SLOT_OPENED,
    SLOT_GONE
};
#define SLOT_BIT(state) (1u << SLOT_##state)

/* What of a slot was told already in its present state: one event each. */
enum slot_told {
    TOLD_CONTENT = 1,
    TOLD_BEFORE = 2,
    TOLD_BEYOND = 4
};

struct slot {
    _Atomic uint32_t state; /* enum slot_state */
    bool is_copy;           /* the pages are ours, not the library's */
    bool strayed;           /* pages outside of `pages` were made accessible, too */
    uint8_t told;           /* enum slot_told */
    /* What is mapped. */
    uint8_t *pages;   /* first mapped page; NULL: nothing is */
    size_t mapped;    /* bytes */
    uint8_t *first;   /* of the pages that the present command has */
    size_t granted;   /* bytes of these */
    int protection;   /* of the data in them while it is held */
    uintptr_t source; /* the library's page that the first one is */
    uint32_t process; /* that mapped it */
    /* Whose it is. */
    struct shadow_set *set;
    uint32_t life;                      /* of the set */
    const struct inject_thread *thread; /* that fetched it */
    struct slot *buffer;                /* a command's */
    _Atomic(void *) library;            /* the library's block or buffer */
    _Atomic uintptr_t data;             /* as the client has it */
    _Atomic size_t size;
    size_t prefix;     /* bytes before `data` that are the client's, too */
    uint64_t tail;     /* hash of what lies behind the data in the last page; 0: not known */
    bool is_shared;    /* a copy whose handle was given away: not to be copied back */
    bool has_edges;    /* of a copy: filled, to be compared */
    uint64_t at_touch; /* faults of the plan that wait for the first touch, a bit each */
    bool is_withheld;  /* for these: held, but inaccessible until they have happened */
    /* For events. */
    _Atomic uint64_t call; /* of the GetCommand */
    uint64_t set_number;
    int32_t operation;
    int32_t device;
    int32_t code;
    uint32_t when;       /* enum access_when */
    uint64_t taken_by;   /* the call that took it away */
    bool only_by_thread; /* others cannot know yet that it was */
};

/* Reserves the addresses, once. False: there are none. */
bool arena_open(void);

extern _Atomic uintptr_t arena_start;
extern _Atomic uintptr_t arena_end;
static inline bool arena_contains(const void *address)
{
    uintptr_t at = (uintptr_t)address;
    return at >= atomic_load_explicit(&arena_start, memory_order_relaxed) &&
           at < atomic_load_explicit(&arena_end, memory_order_relaxed);
}

size_t arena_page(void);
static inline uintptr_t arena_page_down(uintptr_t address)
{
    return address & ~(uintptr_t)(arena_page() - 1);
}
static inline uintptr_t arena_page_up(uintptr_t address)
{
    return arena_page_down(address + arena_page() - 1);
}

/* The slot that the address lies in, used or not; NULL: it is not in the arena. */
struct slot *arena_slot(const void *address);
/* It is a command block's, not a buffer's. */
bool slot_is_command(const struct slot *slot);
uint8_t *arena_slot_start(const struct slot *slot);
size_t arena_slot_length(const struct slot *slot);

/* A slot for `length` bytes of pages, BUSY, with nothing mapped: the one that has been out of use longest. NULL:
 * all are in use, or none is large enough. */
struct slot *arena_take(size_t length);
struct slot *arena_take_command(void);

/* Makes it BUSY if it is in one of `states` (SLOT_BIT). The state it was in, or SLOT_BUSY: it was not. Waits a
 * moment for who has it BUSY. */
enum slot_state slot_claim(struct slot *slot, uint32_t states);
void slot_release(struct slot *slot, enum slot_state state);

typedef void arena_visit(struct slot *slot, void *context);
/* All slots that were ever in use, in no order. */
void arena_each(arena_visit *visit, void *context);

/* All of these on a slot that the caller has BUSY. Pages are inaccessible after mapping. */
int slot_map_alias(struct slot *slot, uint8_t *at, uintptr_t source, size_t length);
int slot_map_copy(struct slot *slot, uint8_t *at, size_t length);
void slot_map_command(struct slot *slot);
/* One page of nothing, readable and writable, where nothing is mapped; what is mapped there becomes so. */
int slot_open_page(struct slot *slot, const void *address);
int slot_unmap(struct slot *slot);
int arena_protect(const void *address, size_t length, int protection);

#endif
