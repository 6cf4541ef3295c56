/* queue.h - the command queue of one device.
 *
 * Responsible for: moving commands from the server to the client in order, and completions back in any order,
 * over struct shared_device. Knows nothing of sets, states, buffers' addresses, and of waiting (event.h).
 *
 * Threads: one sender (the server's thread). Any number of threads of one process may fetch and complete;
 * each command is fetched by exactly one of them and completed at most once.
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
    bool has_buffer;
    uint64_t buffer_offset;
};

struct queue_completion {
    int32_t code;
    uint64_t bytes_transferred;
    int64_t position;
};

/* The server's private half. Zero is the state of a new queue. */
struct queue_sender {
    uint32_t tail;
    uint32_t outstanding; /* a bit a slot: sent and not yet reaped */
};

/* The client's private half. Zero is the state of a new queue. */
struct queue_receiver {
    _Atomic uint32_t head;
};

/* OK: *slot is the command's place until it is reaped. FULL: SHARED_SLOTS are outstanding. */
enum queue_result queue_send(struct shared_device *device, struct queue_sender *sender,
                             const struct queue_command *command, uint32_t *slot);
/* OK: the client has completed the command in `slot`, which is free again. EMPTY: not yet. */
enum queue_result queue_reap(struct shared_device *device, struct queue_sender *sender, uint32_t slot,
                             struct queue_completion *completion);
/* True while the command in `slot`, which is outstanding, waits to be fetched. */
bool queue_is_unfetched(struct shared_device *device, uint32_t slot);

/* OK: the next command in order, with its slot. EMPTY: none now. */
enum queue_result queue_fetch(struct shared_device *device, struct queue_receiver *receiver,
                              struct queue_command *command, uint32_t *slot);
/* Completes a command this process has fetched; the caller makes sure of "once". CORRUPT: the server changed
 * the slot meanwhile. */
enum queue_result queue_complete(struct shared_device *device, uint32_t slot,
                                 const struct queue_completion *completion);

#endif
