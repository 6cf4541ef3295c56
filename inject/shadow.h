/* shadow.h - what the interposer knows about the client's sets and devices, by object address.
 *
 * Fixed tables, no allocation, atomics only. An entry is bound to an address and stays; entries of objects
 * that are gone serve new ones. When a table is full a lookup gives NULL, and the calls of that object pass
 * through without faults, recorded as of set 0. Calls on one set may come from any thread, on one device from
 * one thread at a time (VDI-THR-001); a client that breaks that rule gets a muddled record, never a crash
 * here.
 */
#ifndef VDIFAULT_SHADOW_H
#define VDIFAULT_SHADOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runstate.h"
#include "vdi.h"

enum {
    SHADOW_SETS_MAX = 256,
    SHADOW_DEVICES_MAX = 512,
    SHADOW_COMMANDS_MAX = 64, /* outstanding on one device; the library has 16 (design 5) */
    SHADOW_CODES = 20,        /* command codes 1 to 19; 0 for every other */
};

enum shadow_state {
    SHADOW_NONE, /* does not exist (spec 2.1) */
    SHADOW_OPEN,
    SHADOW_CLOSED_BY_FAULT, /* does not exist, and the client did not ask for that */
};

/* What becomes of a device's VD_E_CLOSE. */
enum shadow_close {
    SHADOW_CLOSE_PASSES,
    SHADOW_CLOSE_WITHHELD, /* it came, and a fault keeps it back */
    SHADOW_CLOSE_REPEATS   /* every GetCommand after it gives it again */
};

/* The last fetch of a command block. */
struct shadow_command {
    _Atomic(const void *) block;  /* NULL: the entry is free */
    _Atomic(const void *) buffer; /* as the client got it */
    _Atomic int32_t size;
    _Atomic uint64_t call; /* sequence of the GetCommand */
    _Atomic int32_t code;
    _Atomic bool outstanding;
    _Atomic uint64_t at_complete; /* faults of the plan that wait for the completion, a bit each */
};

struct shadow_device {
    _Atomic(struct shadow_set *) set;
    _Atomic uint32_t life;     /* of the set when the device was opened */
    _Atomic int32_t operation; /* likewise */
    _Atomic int32_t index;     /* in the set; -1 no room */
    _Atomic bool closed;       /* VD_E_CLOSE was delivered */
    _Atomic uint32_t close;    /* enum shadow_close */
    _Atomic int64_t close_due; /* when a VD_E_CLOSE that is withheld is delivered, ns; INT64_MAX never */
    _Atomic uint32_t delivered[SHADOW_CODES];
    /* guard.c's: */
    _Atomic uint32_t guard_seen; /* commands */
    _Atomic uint32_t guard_held; /* commands not completed */
    _Atomic bool handed_over;    /* several commands at once, or one completed by another thread */
    _Atomic bool serves_itself;  /* a command was completed by the thread that fetched it */
    struct shadow_command commands[SHADOW_COMMANDS_MAX];
};

struct shadow_set {
    _Atomic uintptr_t object;
    _Atomic uint64_t number; /* run-wide */
    _Atomic uint32_t state;  /* enum shadow_state */
    _Atomic uint32_t life;   /* counts Creates */
    _Atomic int32_t operation;
    _Atomic bool aborted;
    _Atomic bool destroyed;
    _Atomic bool secondary;        /* of the present life: by OpenInSecondary */
    _Atomic uint32_t open_devices; /* opened, VD_E_CLOSE not delivered */
    _Atomic uint32_t lost_devices;
    _Atomic uint32_t changed; /* futex: bumped at abort and close; idle GetCommands wait on it */
    _Atomic(struct shadow_device *) devices[RUN_DEVICES_MAX];
    /* guard.c's, of the present life: */
    _Atomic uint32_t asked_alignment; /* at Create */
    _Atomic uint32_t alignment;       /* as the client knows it; 0: not configured */
    _Atomic uint32_t prefix;          /* bytes before each buffer that are the client's */
    _Atomic uint32_t max_transfer;
    _Atomic bool page_aligned; /* buffers share no page */
    _Atomic bool gave_handle;  /* of a buffer */
    _Atomic bool unguarded;    /* a buffer is not out of a Close's reach */
};

/* The entry of the set object; bound now if the object was never seen. */
struct shadow_set *shadow_set(const void *object);
/* A constructor ran at this address: what was known about it is void. */
void shadow_set_constructed(const void *object);
struct shadow_device *shadow_device(const void *object); /* NULL if unknown */

/* Create or OpenInSecondary succeeded: a new life of the set. */
void shadow_set_opened(struct shadow_set *set, int32_t operation, bool secondary);
/* From SHADOW_OPEN to `state`: false if another thread was faster. Wakes idle GetCommands. */
bool shadow_set_closed(struct shadow_set *set, enum shadow_state state);
void shadow_set_aborted(struct shadow_set *set);

/* OpenDevice succeeded. NULL: the table is full. */
struct shadow_device *shadow_device_opened(struct shadow_set *set, const void *object, int32_t index);
/* VD_E_CLOSE came and is delivered: now, or late. */
void shadow_device_closed(struct shadow_device *device);
/* It came and is withheld until `due`. */
void shadow_device_withholds(struct shadow_device *device, int64_t due);
/* Of the set's present life. */
bool shadow_device_is_current(const struct shadow_device *device);

/* Records a fetch of `command`, whose address is `block`; returns the number of the command among those of its code on
 * the device. */
uint32_t shadow_fetched(struct shadow_device *device, const VDC_Command *block, const VDC_Command *command,
                        uint64_t call, uint64_t at_complete);
/* The last fetch of the block, on this device or, failing that, on any other of its set; NULL if never seen.
 */
struct shadow_command *shadow_find_command(struct shadow_device *device, const VDC_Command *block);
/* Nothing is known of any object any more: another client begins, in the same process (fuzz/client). */
void shadow_forget(void);
/* Sequence of the GetCommand that fetched the outstanding command with this buffer; 0: none of the set has it. */
uint64_t shadow_fetch_of_buffer(struct shadow_set *set, const void *buffer);
/* The same for any byte of any outstanding command's buffer, its prefix zone included. */
uint64_t shadow_fetch_at(const void *address);

#endif
