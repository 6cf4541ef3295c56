/* device.c - the commands of one device: see engine_state.h. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "engine_state.h"

/* --- buffers: one pool for the set, first freed, first used again (spec 8) --- */

int32_t device_take_buffer(struct engine_device *device)
{
    struct engine *engine = device->engine;
    if (device->transfers >= engine->depth || engine->free_count == 0) {
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
    server_device_send_command(device->handle, &slot->command); /* if refused, its callback has run */
}

static void send(struct engine_device *device, const struct device_command *command, bool extra)
{
    struct engine_slot *slot = free_slot(device);
    assert(slot != NULL);
    *slot = (struct engine_slot){.device = device,
                                 .offset = command->offset,
                                 .buffer = command->buffer,
                                 .busy = true,
                                 .extra = extra,
                                 .step = command->step};
    server_command_init(&slot->command, on_completion, slot);
    slot->command.commandCode = command->code;
    slot->command.size = command->size;
    slot->command.inPosition = command->position;
    if (command->buffer != ENGINE_NO_BUFFER) {
        slot->command.buffer = device->engine->buffers[command->buffer];
    }
    submit(device, slot);
}

/* A code that is no command is known to nobody; one of a device model, to clients of that model. */
static bool client_knows(const struct engine *engine, int32_t code)
{
    return (engine->client_config.features & command_features(code)) != 0;
}

/* unknown-command@SITE: a command the client cannot know, sent before the one of the site. */
static void send_faults(struct engine_device *device, int32_t code)
{
    const struct engine *engine = device->engine;
    const struct plan *plan = engine->options.plan;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct fault *fault = &plan->faults[i];
        if (fault->kind == FAULT_UNKNOWN_COMMAND && fault->site.command == code && device_can_send(device) &&
            !client_knows(engine, fault->arg[FAULT_ARG_CODE]) &&
            run_fault_arrive(i, fault, engine->operation, device->event_device)) {
            struct event event = {.kind = EVENT_FAULT,
                                  .side = EVENT_SIDE_SERVER,
                                  .operation = engine->operation,
                                  .device = device->event_device,
                                  .arg = {i}};
            event_record(&event, NULL);
            send(device, &(struct device_command){.code = fault->arg[FAULT_ARG_CODE], .buffer = ENGINE_NO_BUFFER}, true);
        }
    }
}

void device_send(struct engine_device *device, const struct device_command *command)
{
    send_faults(device, command->code);
    send(device, command, false);
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

void device_reap(struct engine_device *device, bool in_order, device_take *take)
{
    for (struct engine_slot *slot; (slot = next_done(device, in_order)) != NULL;) {
        if (!slot->extra) {
            device->next_completed++;
            if (take != NULL && slot->step) {
                media_take(device, slot);
            } else if (take != NULL) {
                take(device, slot);
            }
        }
        if (slot->kept) {
            slot->done = false;
            continue;
        }
        if (slot->buffer != ENGINE_NO_BUFFER) {
            device_return_buffer(device, slot->buffer);
        }
        slot->busy = false;
    }
}
