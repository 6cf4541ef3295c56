/* fault_commands.c - arrivals, and commands that are held back: see fault_commands.h. The deeds are in
 * fault_deeds.c. */
#include "fault_commands.h"

#include "engine_state.h"
#include "fault_deeds.h"

static const struct plan *plan_of(const struct engine_device *device)
{
    return device->engine->options.plan;
}

/* --- arrivals --- */

bool faults_before(struct engine_device *device, const struct device_command *command,
                   struct fault_orders *orders)
{
    const struct plan *plan = plan_of(device);
    bool sent = device->engine->phase != ENGINE_PHASE_DRAINING || command->code == VDC_ClearError;
    *orders = device->fault.put_off;
    device->fault.put_off = (struct fault_orders){0};
    for (uint32_t i = 0; sent && i < plan->fault_count; i++) {
        const struct fault *fault = &plan->faults[i];
        fault_deed *arrives = fault_deeds[fault->kind].arrives;
        if (arrives == NULL || fault->site.command != command->code ||
            (command->sized && fault_deeds[fault->kind].sizes) || /* counted by faults_resize */
            !run_fault_arrive(i, fault, device->engine->operation, device->event_device)) {
            continue;
        }
        struct fault_arrival arrival = {device, command, orders, fault, i};
        enum deed_result result = arrives(&arrival);
        if (result == DEED_IMPOSSIBLE || result == DEED_LATER) {
            run_fault_take_back(i);
        }
        sent = result != DEED_INSTEAD;
    }
    if (command->code == VDC_Write) {
        device->fault.header_written = command->step;
    }
    return sent;
}

uint32_t faults_resize(struct engine_device *device, uint32_t size)
{
    const struct plan *plan = plan_of(device);
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct fault *fault = &plan->faults[i];
        bool due = (device->fault.resize >> i & 1) != 0;
        bool arrives = fault_deeds[fault->kind].sizes &&
                       run_fault_arrive(i, fault, device->engine->operation, device->event_device);
        if (arrives || (due && run_fault_fire(i, fault))) {
            fault_record(device, i);
            size = fault_size(device->engine, fault);
        }
    }
    device->fault.resize = 0;
    return size;
}

void faults_completed(struct engine_device *device, struct engine_slot *slot)
{
    const struct plan *plan = plan_of(device);
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct fault *fault = &plan->faults[i];
        if ((slot->orders.completed >> i & 1) == 0 || !run_fault_fire(i, fault)) {
            continue;
        }
        if (fault_deeds[fault->kind].completes(device, slot)) {
            fault_record(device, i);
        } else {
            run_fault_take_back(i);
        }
    }
}

/* An answer to a Flush counts whatever the Flush was for; to a command that nobody knows, none does. */
void faults_answered(struct engine_device *device, const struct engine_slot *slot)
{
    int32_t code = slot->command.completionCode;
    if (slot->command.commandCode == VDC_Flush && code != ERROR_SUCCESS) {
        engine_fail_io(device->engine, device, "BackupVirtualDeviceFile::RequestDurableMedia", "Flush", code);
    }
}

/* --- commands held back --- */

bool faults_hold(struct engine_device *device, struct engine_slot *slot)
{
    if (device->fault.held == 0 && slot->orders.flush == 0 && !slot->orders.last) {
        return false;
    }
    slot->held = ++device->fault.next_held;
    device->fault.held++;
    return true;
}

static struct engine_slot *first_held(struct engine_device *device)
{
    struct engine_slot *first = NULL;
    for (uint32_t i = 0; i < SERVER_COMMANDS_PER_DEVICE; i++) {
        struct engine_slot *slot = &device->slots[i];
        if (slot->held != 0 && (first == NULL || slot->held < first->held)) {
            first = slot;
        }
    }
    return first;
}

static uint32_t sent_on_set(const struct engine *engine)
{
    uint32_t sent = 0;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        sent += device_sent(&engine->devices[i]);
    }
    return sent;
}

static void release(struct engine_device *device, struct engine_slot *slot)
{
    slot->held = 0;
    device->fault.held--;
}

/* A Flush, if one of the faults still may fire. False: none. */
static bool send_flush(struct engine_device *device, struct engine_slot *slot)
{
    const struct plan *plan = plan_of(device);
    bool fires = false;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if ((slot->orders.flush >> i & 1) != 0 && run_fault_fire(i, &plan->faults[i])) {
            fault_record(device, i);
            fires = true;
        }
    }
    slot->orders.flush = 0;
    if (fires) {
        device_send_extra(device, VDC_Flush);
    }
    return fires;
}

/* Whether the first held command can go now. What must be alone waits until the other devices can do nothing more
 * without this one. */
static bool may_go(struct engine_device *device, struct engine_slot *slot)
{
    if (slot->orders.last && sent_on_set(device->engine) > 0) {
        return false;
    }
    bool waits = slot->orders.last || slot->orders.flush != 0 || device->fault.flushing;
    if (waits && device_sent(device) > 0) {
        return false;
    }
    device->fault.flushing = send_flush(device, slot);
    return !device->fault.flushing;
}

void faults_step(struct engine *engine)
{
    faults_close_done(engine);
    for (uint32_t i = 0; !engine->failed && i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        struct engine_slot *slot = first_held(device);
        for (; slot != NULL && may_go(device, slot); slot = first_held(device)) {
            release(device, slot);
            device_send_held(device, slot);
        }
    }
}

void faults_give_up(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        for (struct engine_slot *slot; (slot = first_held(device)) != NULL;) {
            release(device, slot);
            slot->command.completionCode = ERROR_OPERATION_ABORTED;
            slot->done = true;
            device->outstanding--;
        }
    }
}
