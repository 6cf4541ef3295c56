/* queue.h - the command queue of one device.
 *
 * Responsible for: moving commands from the server to the client in order, and completions back in any order,
 * over struct shared_device. Knows nothing of sets, states, buffers' addresses, and of waiting (shared_event.h).
 *
 * Threads: one sender; one reaper, which may be another thread of the same process. Any number of threads of
 * one client process may fetch and complete; each command is fetched by exactly one of them and completed at
 * most once.
 *
 * Trust: what the peer wrote is checked here; QUEUE_CORRUPT says that it broke the format.
 */
#ifndef VDIFAULT_CORE_QUEUE_H
#define VDIFAULT_CORE_QUEUE_H

#include "layout.h"

enum queue_result {
    QUEUE_OK,
    QUEUE_EMPTY,
    QUEUE_FULL,
    QUEUE_CORRUPT
};

struct queue_command {
    int32_t code;
    int32_t size;
    int64_t position;
    uint32_t buffer_area; /* index plus one; 0 = no buffer */
    uint64_t buffer_offset;
};

struct queue_completion {
    int32_t code;
    uint64_t bytes_transferred;
    int64_t position;
    uint32_t io_state; /* as in struct shared_completion */
};

/* The server's private half. Zero is the state of a new queue. */
struct queue_sender {
    uint32_t sent;                /* commands, ever */
    uint32_t uses[SHARED_SLOTS];  /* commands sent in each slot, ever */
    _Atomic uint32_t outstanding; /* a bit a slot: sent and not yet settled */
};

/* The client's private half. Zero is the state of a new queue. */
struct queue_receiver {
    _Atomic uint32_t fetched; /* commands, ever */
};

/* --- server --- */

/* Finds a place for one command. FULL: SHARED_SLOTS are outstanding. */
enum queue_result queue_reserve(const struct queue_sender *sender, uint32_t *slot);
/* Puts the command into its place; from here on it is outstanding until somebody settles it. */
void queue_send(struct shared_device *device, struct queue_sender *sender, uint32_t slot,
                const struct queue_command *command);
/* Ends a command on the server's side: true for exactly one caller, who calls back. */
bool queue_settle(struct queue_sender *sender, uint32_t slot);
/* OK: the client has completed the command, its place is free, and the caller has settled it. EMPTY: not yet,
 * or settled by somebody else. One thread at a time. */
enum queue_result queue_reap(struct shared_device *device, struct queue_sender *sender, uint32_t slot,
                             struct queue_completion *completion);
/* The word that changes when the command in `slot`, which is outstanding, is completed, for event_spin; *last: from
 * what. */
_Atomic uint32_t *queue_completion(struct shared_device *device, const struct queue_sender *sender,
                                   uint32_t slot, uint32_t *last);

/* --- client --- */

/* OK: the next command in order, with its slot. EMPTY: none now. */
enum queue_result queue_fetch(struct shared_device *device, struct queue_receiver *receiver,
                              struct queue_command *command, uint32_t *slot);
/* Looks at the next command without taking it: *entry is its place in the order. */
enum queue_result queue_peek(struct shared_device *device, struct queue_receiver *receiver, uint32_t *entry,
                             int32_t *code);
/* As queue_fetch, but only if the next command still is `entry`; EMPTY otherwise. */
enum queue_result queue_fetch_entry(struct shared_device *device, struct queue_receiver *receiver,
                                    uint32_t entry, struct queue_command *command, uint32_t *slot);
/* The word that changes when the next command comes, for event_spin. */
_Atomic uint32_t *queue_next(struct shared_device *device, const struct queue_receiver *receiver);
/* Completes a command this process has fetched; the caller makes sure of that, and of "once". */
void queue_complete(struct shared_device *device, uint32_t slot, const struct queue_completion *completion);

#endif
