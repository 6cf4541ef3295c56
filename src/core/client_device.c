/* A device as the client sees it (spec 2.3, 3.5 to 3.7). */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client_internal.h"

/* --- OpenDevice --- */

static bool device_has_name(struct shared_device *device, const char *name)
{
    for (size_t i = 0; i < SHARED_NAME_MAX; i++) {
        uint8_t c = shared_read(&device->name[i]);
        if (c != (uint8_t)name[i]) {
            return false;
        }
        if (c == '\0') {
            return true;
        }
    }
    return false;
}

static struct shared_device *find_device(struct client_set *set, const char *name)
{
    for (uint32_t i = 0; i < set->segment.device_count; i++) {
        if (device_has_name(&set->segment.header->devices[i], name)) {
            return &set->segment.header->devices[i];
        }
    }
    return NULL;
}

/* Takes the device for this process and counts it; at the last one nobody needs the set's names any more. */
static int take_device(struct client_set *set, struct shared_device *shared)
{
    if (!shared_change(&shared->client_state, CLIENT_DEVICE_UNOPENED, CLIENT_DEVICE_OPEN)) {
        return VD_E_PROTOCOL; /* already open (VDI-OPEN-001) */
    }
    if (shared_add(&set->segment.header->devices_opened, 1u) + 1 == set->segment.device_count) {
        segment_unlink(&set->segment);
    }
    event_notify(&set->segment.header->server_event);
    return 0;
}

static bool all_devices_closed(struct client_set *set)
{
    for (uint32_t i = 0; i < set->segment.device_count; i++) {
        if (shared_acquire(&set->segment.header->devices[i].client_state) != CLIENT_DEVICE_CLOSED) {
            return false;
        }
    }
    return true;
}

/* The order of the checks is X1's: abort, state, all open, name, this one open. */
static int open_device(struct client_set *set, const char *name, struct client_device **out)
{
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (!atomic_load(&set->configured) || gate_is_closed(&set->gate)) {
        return VD_E_PROTOCOL; /* VDI-GETCFG-002, or Close came first */
    }
    if (all_devices_closed(set)) {
        return VD_E_PROTOCOL; /* Normally Terminated */
    }
    if (shared_acquire(&set->segment.header->devices_opened) >= set->segment.device_count) {
        return VD_E_OPEN;
    }
    if (out == NULL) {
        return VD_E_INVALID;
    }
    struct shared_device *shared = name != NULL && set_name_is_valid(name) ? find_device(set, name) : NULL;
    if (shared == NULL) {
        return VD_E_INVALID;
    }
    struct client_device *device = calloc(1, sizeof *device);
    ClientVirtualDevice *object = malloc(sizeof *object); /* on its own: C++ code may `delete` it */
    int result = device != NULL && object != NULL ? take_device(set, shared) : VD_E_MEMORY;
    if (result != 0) {
        free(object);
        free(device);
        return result;
    }
    object->cvd = (struct CVD *)device;
    device->object = object;
    device->set = set;
    device->shared = shared;
    device->next = set->devices;
    set->devices = device;
    *out = device;
    return 0;
}

int client_set_open_device(struct client_set *set, const char *name, struct client_device **device)
{
    if (device != NULL) {
        *device = NULL;
    }
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    pthread_mutex_lock(&set->lock);
    int result = open_device(set, name, device);
    pthread_mutex_unlock(&set->lock);
    gate_leave(&set->gate);
    return result;
}

void client_device_object_deleted(struct client_device *device)
{
    device->object = NULL;
}

ClientVirtualDevice *client_device_object(struct client_device *device)
{
    return device->object;
}

/* --- GetCommand --- */

static bool carries_data(int32_t code)
{
    return code == VDC_Read || code == VDC_Write;
}

/* Whether a buffer lies inside the mapping, its prefix zone included. */
static bool buffer_is_inside(const struct client_set *set, const struct queue_command *queued)
{
    return queued->size >= 0 && (uint32_t)queued->size <= set->config.maxTransferSize &&
           queued->buffer_offset >= set->prefix_zone && queued->buffer_offset <= set->buffers.size &&
           set->buffers.size - queued->buffer_offset >= (uint64_t)queued->size;
}

/* Turns what the server queued into what the client sees. False: the server broke the format. A block that is
 * still in the client's hands is not touched. */
static bool present_command(struct client_device *device, const struct queue_command *queued, uint32_t slot)
{
    struct client_set *set = device->set;
    if (queued->has_buffer ? !buffer_is_inside(set, queued) : carries_data(queued->code)) {
        return false;
    }
    if (atomic_exchange(&device->fetched[slot], 1) != 0) {
        return false;
    }
    uint8_t *buffer = queued->has_buffer ? (uint8_t *)set->buffers.address + queued->buffer_offset : NULL;
    device->commands[slot] = (struct VDC_Command){
        .commandCode = queued->code, .size = queued->size, .position = queued->position, .buffer = buffer};
    device->sizes[slot] = queued->size;
    return true;
}

static int fetch(struct client_device *device, struct VDC_Command **command, bool *empty)
{
    struct queue_command queued;
    uint32_t slot;
    *empty = false;
    switch (queue_fetch(device->shared, &device->receiver, &queued, &slot)) {
    case QUEUE_EMPTY:
        *empty = true;
        return 0;
    case QUEUE_OK:
        if (present_command(device, &queued, slot)) {
            *command = &device->commands[slot];
            return 0;
        }
        break;
    default:
        break;
    }
    segment_abort(&device->set->segment, SERVER_ABORT_CORRUPT);
    return VD_E_ABORT;
}

/* The server has closed the device and the queue is empty. */
static int deliver_close(struct client_device *device)
{
    if (atomic_exchange(&device->close_delivered, true)) {
        return all_devices_closed(device->set) ? VD_E_PROTOCOL
                                               : VD_E_CLOSE; /* X2: sticky until the set ends */
    }
    shared_release(&device->shared->client_state, CLIENT_DEVICE_CLOSED);
    return VD_E_CLOSE;
}

static int get_command(struct client_device *device, int64_t timeout, struct VDC_Command **command)
{
    struct client_set *set = device->set;
    int64_t deadline = client_deadline(timeout);
    bool server_dead = false;
    bool empty;
    for (;;) {
        uint32_t seen = event_sequence(&device->shared->commands);
        if (segment_is_aborted(&set->segment)) {
            return VD_E_ABORT;
        }
        if (gate_is_closed(&device->gate)) {
            return VD_E_PROTOCOL; /* Close ran meanwhile */
        }
        /* Closed is read before the queue is: what was sent before CloseDevice comes first. */
        bool closed = shared_acquire(&device->shared->server_state) == SERVER_DEVICE_CLOSED;
        int result = fetch(device, command, &empty);
        if (!empty) {
            return result;
        }
        if (closed) {
            return deliver_close(device);
        }
        if (server_dead) {
            segment_abort(&set->segment, SERVER_ABORT_SERVER_DIED);
            continue;
        }
        if (client_wait(set, &device->shared->commands, seen, deadline, &server_dead) != 0) {
            return VD_E_TIMEOUT;
        }
    }
}

int client_device_get_command(struct client_device *device, int64_t timeout, struct VDC_Command **command)
{
    if (command != NULL) {
        *command = NULL;
    }
    if (!gate_enter(&device->gate)) {
        return VD_E_PROTOCOL;
    }
    int result;
    if (command == NULL) {
        result = segment_is_aborted(&device->set->segment) ? VD_E_ABORT : VD_E_INVALID;
    } else {
        result = get_command(device, timeout, command);
    }
    gate_leave(&device->gate);
    return result;
}

/* --- CompleteCommand --- */

/* The slot of a command block of this device, or SHARED_SLOTS for any other pointer. */
static uint32_t slot_of(const struct client_device *device, const struct VDC_Command *command)
{
    uintptr_t first = (uintptr_t)device->commands;
    uintptr_t at = (uintptr_t)command;
    if (at < first || at >= first + sizeof device->commands || (at - first) % sizeof *command != 0) {
        return SHARED_SLOTS;
    }
    return (uint32_t)((at - first) / sizeof *command);
}

static int complete_command(struct client_device *device, struct VDC_Command *command,
                            const struct queue_completion *completion)
{
    struct client_set *set = device->set;
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (atomic_load(&device->close_delivered) && all_devices_closed(set)) {
        return VD_E_PROTOCOL; /* Normally Terminated */
    }
    uint32_t slot = slot_of(device, command);
    if (slot == SHARED_SLOTS || atomic_load(&device->fetched[slot]) == 0) {
        return VD_E_INVALID;
    }
    /* Ours: more bytes than were asked for are refused, and the command stays fetched. */
    int32_t size = device->sizes[slot];
    if (completion->bytes_transferred > (uint64_t)(size > 0 ? size : 0)) {
        return VD_E_INVALID;
    }
    if (atomic_exchange(&device->fetched[slot], 0) == 0) {
        return VD_E_INVALID; /* another thread completed it at the same moment */
    }
    if (queue_complete(device->shared, slot, completion) != QUEUE_OK) {
        segment_abort(&set->segment, SERVER_ABORT_CORRUPT);
        return VD_E_ABORT;
    }
    event_notify(&set->segment.header->server_event);
    return 0;
}

int client_device_complete_command(struct client_device *device, struct VDC_Command *command, int32_t code,
                                   uint64_t bytes_transferred, int64_t position)
{
    struct queue_completion completion = {
        .code = code, .bytes_transferred = bytes_transferred, .position = position};
    if (!gate_enter(&device->gate)) {
        return VD_E_PROTOCOL;
    }
    int result = complete_command(device, command, &completion);
    gate_leave(&device->gate);
    return result;
}
