#include "queue.h"

#include <assert.h>

/* --- server --- */

enum queue_result queue_send(struct shared_device *device, struct queue_sender *sender,
                             const struct queue_command *command, uint32_t *slot)
{
    const uint32_t all = (1u << SHARED_SLOTS) - 1;
    assert((sender->outstanding & ~all) == 0);
    if (sender->outstanding == all) {
        return QUEUE_FULL;
    }
    uint32_t index = (uint32_t)__builtin_ctz(~sender->outstanding);
    struct shared_slot *place = &device->slots[index];
    shared_write(&place->command_code, command->code);
    shared_write(&place->size, command->size);
    shared_write(&place->has_buffer, command->has_buffer ? 1u : 0u);
    shared_write(&place->buffer_offset, command->buffer_offset);
    shared_write(&place->position, command->position);
    shared_release(&place->state, SLOT_QUEUED);
    shared_write(&device->ring[sender->tail % SHARED_SLOTS], index);
    sender->outstanding |= 1u << index;
    sender->tail++;
    shared_release(&device->tail, sender->tail);
    *slot = index;
    return QUEUE_OK;
}

enum queue_result queue_reap(struct shared_device *device, struct queue_sender *sender, uint32_t slot,
                             struct queue_completion *completion)
{
    assert(slot < SHARED_SLOTS && (sender->outstanding >> slot & 1));
    struct shared_slot *place = &device->slots[slot];
    switch (shared_acquire(&place->state)) {
    case SLOT_QUEUED:
    case SLOT_FETCHED:
        return QUEUE_EMPTY;
    case SLOT_COMPLETED:
        break;
    default:
        return QUEUE_CORRUPT;
    }
    completion->code = shared_read(&place->completion_code);
    completion->bytes_transferred = shared_read(&place->bytes_transferred);
    completion->position = shared_read(&place->out_position);
    shared_release(&place->state, SLOT_FREE);
    sender->outstanding &= ~(1u << slot);
    return QUEUE_OK;
}

bool queue_is_unfetched(struct shared_device *device, uint32_t slot)
{
    assert(slot < SHARED_SLOTS);
    return shared_acquire(&device->slots[slot].state) == SLOT_QUEUED;
}

/* --- client --- */

/* Takes the next ring entry for this thread alone. The entry is read before it is claimed: once claimed and
 * completed by us its place in the ring may be overwritten, but then `head` has moved and the claim fails. */
static enum queue_result claim_entry(struct shared_device *device, struct queue_receiver *receiver,
                                     uint32_t *index)
{
    uint32_t head = atomic_load_explicit(&receiver->head, memory_order_acquire);
    for (;;) {
        uint32_t available = shared_acquire(&device->tail) - head;
        if (available == 0) {
            return QUEUE_EMPTY;
        }
        *index = shared_read(&device->ring[head % SHARED_SLOTS]);
        if (atomic_compare_exchange_weak(&receiver->head, &head, head + 1)) {
            return available <= SHARED_SLOTS && *index < SHARED_SLOTS ? QUEUE_OK : QUEUE_CORRUPT;
        }
    }
}

enum queue_result queue_fetch(struct shared_device *device, struct queue_receiver *receiver,
                              struct queue_command *command, uint32_t *slot)
{
    uint32_t index = 0;
    enum queue_result result = claim_entry(device, receiver, &index);
    if (result != QUEUE_OK) {
        return result;
    }
    struct shared_slot *place = &device->slots[index];
    if (!shared_change(&place->state, SLOT_QUEUED, SLOT_FETCHED)) {
        return QUEUE_CORRUPT;
    }
    command->code = shared_read(&place->command_code);
    command->size = shared_read(&place->size);
    command->has_buffer = shared_read(&place->has_buffer) != 0;
    command->buffer_offset = shared_read(&place->buffer_offset);
    command->position = shared_read(&place->position);
    *slot = index;
    return QUEUE_OK;
}

enum queue_result queue_complete(struct shared_device *device, uint32_t slot,
                                 const struct queue_completion *completion)
{
    assert(slot < SHARED_SLOTS);
    struct shared_slot *place = &device->slots[slot];
    shared_write(&place->completion_code, completion->code);
    shared_write(&place->bytes_transferred, completion->bytes_transferred);
    shared_write(&place->out_position, completion->position);
    return shared_change(&place->state, SLOT_FETCHED, SLOT_COMPLETED) ? QUEUE_OK : QUEUE_CORRUPT;
}
