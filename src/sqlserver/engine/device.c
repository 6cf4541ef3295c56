/* device.c - the commands of one device: see engine_state.h. */
#include <assert.h>
#include <string.h>

#include "engine_state.h"
#include "os.h"

/* --- buffers: one pool for the set, first freed, first used again (spec 8) --- */

int32_t device_take_buffer(struct engine_device *device)
{
    struct engine *engine = device->engine;
    if (device->transfers >= device->depth || engine->free_count == 0) {
        return ENGINE_NO_BUFFER;
    }
    int32_t buffer = engine->free_buffers[engine->free_first];
    engine->free_first = (engine->free_first + 1) % engine->buffer_count;
    engine->free_count--;
    device->transfers++;
    return buffer;
}

void device_return_buffer(struct engine_device *device, int32_t buffer)
{
    struct engine *engine = device->engine;
    assert(engine->free_count < engine->buffer_count && device->transfers > 0);
    engine->free_buffers[(engine->free_first + engine->free_count) % engine->buffer_count] = buffer;
    engine->free_count++;
    device->transfers--;
}

uint32_t device_outstanding(const struct engine *engine)
{
    uint32_t outstanding = 0;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        outstanding += engine->devices[i].outstanding;
    }
    return outstanding;
}

/* --- sending --- */

static void on_completion(struct VDS_Command *command)
{
    struct engine_slot *slot = (struct engine_slot *)command->completionContext;
    if (slot->busy && !slot->done) {
        slot->done = true;
        slot->device->outstanding--;
    }
}

static struct engine_slot *free_slot(struct engine_device *device)
{
    for (uint32_t i = 0; i < SERVER_COMMANDS_PER_DEVICE; i++) {
        if (!device->slots[i].busy) {
            return &device->slots[i];
        }
    }
    return NULL;
}

static uint32_t free_slots(const struct engine_device *device)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SERVER_COMMANDS_PER_DEVICE; i++) {
        count += !device->slots[i].busy;
    }
    return count;
}

/* One slot for the command, a second for another that goes with it, one for a fault that may come before. */
bool device_can_send(const struct engine_device *device)
{
    return free_slots(device) >= 3;
}

static void submit(struct engine_device *device, struct engine_slot *slot)
{
    slot->done = false;
    if (!slot->extra) {
        slot->order = device->next_order++;
    }
    device->outstanding++;
    if (slot->extra || !faults_hold(device, slot)) {
        device_send_held(device, slot);
    }
}

void device_send_held(struct engine_device *device, struct engine_slot *slot)
{
    server_device_send_command(device->handle, &slot->command); /* if refused, its callback has run */
}

/* `orders` of faults; NULL: the command itself is a fault's. */
static void send(struct engine_device *device, const struct device_command *command,
                 const struct fault_orders *orders)
{
    struct engine_slot *slot = free_slot(device);
    assert(slot != NULL);
    *slot = (struct engine_slot){.device = device,
                                 .offset = command->offset,
                                 .buffer = command->buffer,
                                 .busy = true,
                                 .extra = orders == NULL,
                                 .step = command->step};
    if (orders != NULL) {
        slot->orders = *orders;
    }
    server_command_init(&slot->command, on_completion, slot);
    slot->command.commandCode = command->code;
    slot->command.size = command->size;
    slot->command.inPosition = command->position;
    if (command->buffer != ENGINE_NO_BUFFER) {
        slot->command.buffer = device->engine->buffers[command->buffer];
    }
    submit(device, slot);
}

void device_send(struct engine_device *device, const struct device_command *command)
{
    struct fault_orders orders;
    if (faults_before(device, command, &orders)) {
        send(device, command, &orders);
    } else if (command->buffer != ENGINE_NO_BUFFER) {
        device_return_buffer(device, command->buffer);
    }
}

void device_send_extra(struct engine_device *device, int32_t code)
{
    send(device, &(struct device_command){.code = code, .buffer = ENGINE_NO_BUFFER}, NULL);
}

void device_send_plain(struct engine_device *device, int32_t code)
{
    device_send(device, &(struct device_command){.code = code, .buffer = ENGINE_NO_BUFFER});
}

void device_send_rest(struct engine_device *device, struct engine_slot *slot, int64_t position)
{
    int32_t stored = slot->command.bytesTransferred;
    int32_t rest = slot->command.size - stored;
    uint8_t *buffer = device->engine->buffers[slot->buffer];
    assert(slot->kept && rest > 0);
    memmove(buffer, buffer + stored, (size_t)rest); /* only its start is aligned as the client asked */
    slot->kept = false;
    slot->orders = (struct fault_orders){0};
    server_command_init(&slot->command, on_completion, slot);
    slot->command.commandCode = VDC_Write;
    slot->command.size = rest;
    slot->command.inPosition = position;
    slot->command.buffer = buffer;
    submit(device, slot);
}

struct engine_slot *device_next_kept(struct engine_device *device)
{
    struct engine_slot *oldest = NULL;
    for (uint32_t i = 0; i < SERVER_COMMANDS_PER_DEVICE; i++) {
        struct engine_slot *slot = &device->slots[i];
        if (slot->kept && (oldest == NULL || slot->order < oldest->order)) {
            oldest = slot;
        }
    }
    return oldest;
}

uint64_t device_pending_bytes(const struct engine_device *device)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < SERVER_COMMANDS_PER_DEVICE; i++) {
        const struct engine_slot *slot = &device->slots[i];
        bytes += slot->busy && slot->command.commandCode == VDC_Write ? (uint64_t)slot->command.size : 0;
    }
    return bytes;
}

/* --- completions --- */

/* The oldest first: a command that failed is looked at before those its failure took with it (spec 2.2). */
static struct engine_slot *next_done(struct engine_device *device, bool in_order)
{
    struct engine_slot *oldest = NULL;
    for (uint32_t i = 0; i < SERVER_COMMANDS_PER_DEVICE; i++) {
        struct engine_slot *slot = &device->slots[i];
        if (slot->busy && slot->done && (oldest == NULL || slot->order < oldest->order)) {
            oldest = slot;
        }
    }
    bool early = oldest != NULL && in_order && !oldest->extra && oldest->order != device->next_completed;
    return early ? NULL : oldest;
}

bool device_reap_one(struct engine_device *device, bool in_order, device_take *take)
{
    struct engine_slot *slot = next_done(device, in_order);
    if (slot == NULL) {
        return false;
    }
    device->follow.answered = os_now();
    if (slot->extra) {
        faults_answered(device, slot);
    } else {
        device->next_completed++;
        if (slot->orders.completed != 0 && take != NULL) {
            faults_completed(device, slot);
        }
        if (take != NULL && slot->step) {
            media_take(device, slot);
        } else if (take != NULL) {
            take(device, slot);
        }
    }
    if (slot->kept) {
        slot->done = false;
        return true;
    }
    if (slot->buffer != ENGINE_NO_BUFFER) {
        device_return_buffer(device, slot->buffer);
    }
    slot->busy = false;
    return true;
}

void device_reap(struct engine_device *device, bool in_order, device_take *take)
{
    while (device_reap_one(device, in_order, take)) {
    }
}
