#include "queue.h"

#include <assert.h>

/* --- server --- */

enum queue_result queue_reserve(const struct queue_sender *sender, uint32_t *slot)
{
    const uint32_t all = (1u << SHARED_SLOTS) - 1;
    uint32_t outstanding = shared_acquire(&sender->outstanding);
    assert((outstanding & ~all) == 0);
    if (outstanding == all) {
        return QUEUE_FULL;
    }
    *slot = (uint32_t)__builtin_ctz(~outstanding);
    return QUEUE_OK;
}

void queue_send(struct shared_device *device, struct queue_sender *sender, uint32_t slot,
                const struct queue_command *command)
{
    assert(slot < SHARED_SLOTS);
    struct shared_slot *place = &device->slots[slot];
    shared_write(&place->command_code, command->code);
    shared_write(&place->size, command->size);
    shared_write(&place->buffer_area, command->buffer_area);
    shared_write(&place->buffer_offset, command->buffer_offset);
    shared_write(&place->position, command->position);
    shared_release(&place->state, SLOT_QUEUED);
    shared_write(&device->ring[sender->tail % SHARED_SLOTS], slot);
    /* Outstanding before the client can see it: whoever reaps finds the bit. */
    uint32_t before = shared_set(&sender->outstanding, 1u << slot);
    assert((before >> slot & 1) == 0);
    (void)before;
    sender->tail++;
    shared_release(&device->tail, sender->tail);
}

bool queue_settle(struct queue_sender *sender, uint32_t slot)
{
    return (shared_clear(&sender->outstanding, 1u << slot) >> slot & 1) != 0;
}

enum queue_result queue_reap(struct shared_device *device, struct queue_sender *sender, uint32_t slot,
                             struct queue_completion *completion)
{
    assert(slot < SHARED_SLOTS);
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
    return queue_settle(sender, slot) ? QUEUE_OK : QUEUE_EMPTY;
}

/* --- client --- */

/* Whether the ring holds an entry at `head`, and which slot it names. */
static enum queue_result read_entry(struct shared_device *device, uint32_t head, uint32_t *slot)
{
    uint32_t available = shared_acquire(&device->tail) - head;
    if (available == 0) {
        return QUEUE_EMPTY;
    }
    *slot = shared_read(&device->ring[head % SHARED_SLOTS]);
    return available <= SHARED_SLOTS && *slot < SHARED_SLOTS ? QUEUE_OK : QUEUE_CORRUPT;
}

static enum queue_result take_entry(struct shared_device *device, uint32_t slot,
                                    struct queue_command *command)
{
    struct shared_slot *place = &device->slots[slot];
    if (!shared_change(&place->state, SLOT_QUEUED, SLOT_FETCHED)) {
        return QUEUE_CORRUPT;
    }
    command->code = shared_read(&place->command_code);
    command->size = shared_read(&place->size);
    command->buffer_area = shared_read(&place->buffer_area);
    command->buffer_offset = shared_read(&place->buffer_offset);
    command->position = shared_read(&place->position);
    return QUEUE_OK;
}

enum queue_result queue_fetch_entry(struct shared_device *device, struct queue_receiver *receiver,
                                    uint32_t entry, struct queue_command *command, uint32_t *slot)
{
    /* The entry is read before it is claimed: once claimed and completed by another thread its place in the
     * ring may be overwritten, but then `head` has moved and our claim fails. */
    enum queue_result result = read_entry(device, entry, slot);
    if (result == QUEUE_EMPTY || !shared_change(&receiver->head, entry, entry + 1)) {
        return QUEUE_EMPTY;
    }
    return result == QUEUE_OK ? take_entry(device, *slot, command) : result;
}

enum queue_result queue_fetch(struct shared_device *device, struct queue_receiver *receiver,
                              struct queue_command *command, uint32_t *slot)
{
    uint32_t head = shared_acquire(&receiver->head);
    for (;;) {
        enum queue_result result = queue_fetch_entry(device, receiver, head, command, slot);
        if (result != QUEUE_EMPTY) {
            return result;
        }
        uint32_t now = shared_acquire(&receiver->head);
        if (now == head) {
            return QUEUE_EMPTY;
        }
        head = now; /* another thread took it: the next one, then */
    }
}

enum queue_result queue_peek(struct shared_device *device, struct queue_receiver *receiver, uint32_t *entry,
                             int32_t *code)
{
    uint32_t slot = 0;
    *code = 0;
    *entry = shared_acquire(&receiver->head);
    enum queue_result result = read_entry(device, *entry, &slot);
    if (result == QUEUE_OK) {
        *code = shared_read(&device->slots[slot].command_code);
    }
    return result;
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
