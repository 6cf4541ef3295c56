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
    /* Its last command is 16 turns old and was fetched: had it not been, nor had any since, and no slot would be
     * free. */
    struct shared_command *entry = &device->ring[sender->sent % SHARED_SLOTS];
    sender->uses[slot]++;
    /* Outstanding before the client can see it: whoever reaps finds the bit. */
    uint32_t before = shared_set(&sender->outstanding, 1u << slot);
    assert((before >> slot & 1) == 0);
    (void)before;
    shared_write(&entry->slot, slot);
    shared_write(&entry->code, command->code);
    shared_write(&entry->size, command->size);
    shared_write(&entry->buffer_area, command->buffer_area);
    shared_write(&entry->buffer_offset, command->buffer_offset);
    shared_write(&entry->position, command->position);
    shared_release(&entry->turn, ++sender->sent);
}

bool queue_settle(struct queue_sender *sender, uint32_t slot)
{
    return (shared_clear(&sender->outstanding, 1u << slot) >> slot & 1) != 0;
}

enum queue_result queue_reap(struct shared_device *device, struct queue_sender *sender, uint32_t slot,
                             struct queue_completion *completion)
{
    assert(slot < SHARED_SLOTS);
    struct shared_completion *place = &device->slots[slot];
    uint32_t uses = shared_acquire(&place->uses);
    if (uses != sender->uses[slot]) {
        return uses == sender->uses[slot] - 1 ? QUEUE_EMPTY : QUEUE_CORRUPT;
    }
    completion->code = shared_read(&place->code);
    completion->bytes_transferred = shared_read(&place->bytes_transferred);
    completion->position = shared_read(&place->position);
    completion->io_state = shared_read(&place->io_state);
    return queue_settle(sender, slot) ? QUEUE_OK : QUEUE_EMPTY;
}

_Atomic uint32_t *queue_completion(struct shared_device *device, const struct queue_sender *sender,
                                   uint32_t slot, uint32_t *last)
{
    assert(slot < SHARED_SLOTS);
    *last = sender->uses[slot] - 1;
    return &device->slots[slot].uses;
}

/* --- client --- */

/* A copy of the entry for the command after `fetched` ones. CORRUPT: it names no slot, or was overwritten before it
 * was fetched. */
static enum queue_result read_entry(struct shared_device *device, uint32_t fetched,
                                    struct queue_command *command, uint32_t *slot)
{
    struct shared_command *entry = &device->ring[fetched % SHARED_SLOTS];
    int32_t ahead = (int32_t)(shared_acquire(&entry->turn) - (fetched + 1));
    if (ahead < 0) {
        return QUEUE_EMPTY;
    }
    *slot = shared_read(&entry->slot);
    command->code = shared_read(&entry->code);
    command->size = shared_read(&entry->size);
    command->buffer_area = shared_read(&entry->buffer_area);
    command->buffer_offset = shared_read(&entry->buffer_offset);
    command->position = shared_read(&entry->position);
    return ahead == 0 && *slot < SHARED_SLOTS ? QUEUE_OK : QUEUE_CORRUPT;
}

_Atomic uint32_t *queue_next(struct shared_device *device, const struct queue_receiver *receiver)
{
    return &device->ring[shared_acquire(&receiver->fetched) % SHARED_SLOTS].turn;
}

enum queue_result queue_fetch_entry(struct shared_device *device, struct queue_receiver *receiver,
                                    uint32_t entry, struct queue_command *command, uint32_t *slot)
{
    /* Copied before it is claimed: once another thread has claimed it and completed the command it may be
     * overwritten under our eyes, but then our claim fails. */
    enum queue_result result = read_entry(device, entry, command, slot);
    if (result == QUEUE_EMPTY || !shared_change(&receiver->fetched, entry, entry + 1)) {
        return QUEUE_EMPTY;
    }
    return result;
}

enum queue_result queue_fetch(struct shared_device *device, struct queue_receiver *receiver,
                              struct queue_command *command, uint32_t *slot)
{
    uint32_t entry = shared_acquire(&receiver->fetched);
    for (;;) {
        enum queue_result result = queue_fetch_entry(device, receiver, entry, command, slot);
        if (result != QUEUE_EMPTY) {
            return result;
        }
        uint32_t now = shared_acquire(&receiver->fetched);
        if (now == entry) {
            return QUEUE_EMPTY;
        }
        entry = now; /* another thread took it: the next one, then */
    }
}

enum queue_result queue_peek(struct shared_device *device, struct queue_receiver *receiver, uint32_t *entry,
                             int32_t *code)
{
    struct queue_command command = {0};
    uint32_t slot;
    *entry = shared_acquire(&receiver->fetched);
    enum queue_result result = read_entry(device, *entry, &command, &slot);
    *code = command.code;
    return result;
}

void queue_complete(struct shared_device *device, uint32_t slot, const struct queue_completion *completion)
{
    assert(slot < SHARED_SLOTS);
    struct shared_completion *place = &device->slots[slot];
    shared_write(&place->code, completion->code);
    shared_write(&place->bytes_transferred, completion->bytes_transferred);
    shared_write(&place->position, completion->position);
    shared_write(&place->io_state, completion->io_state);
    shared_release(&place->uses, shared_read(&place->uses) + 1);
}
