/* A device as the client sees it (spec 2.3, 3.5 to 3.7). */
#include <stdlib.h>

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

/* Takes the device for this process and counts it. */
static int take_device(struct client_set *set, struct shared_device *shared)
{
    if (!shared_change(&shared->client_state, CLIENT_DEVICE_UNOPENED, CLIENT_DEVICE_OPEN)) {
        return VD_E_PROTOCOL; /* already open (VDI-OPEN-001) */
    }
    shared_add(&set->segment.header->devices_opened, 1u);
    event_notify(&set->segment.header->server_event);
    return 0;
}

bool client_is_terminated(struct client_set *set)
{
    for (uint32_t i = 0; i < set->segment.device_count; i++) {
        if (shared_acquire(&set->segment.header->devices[i].client_state) != CLIENT_DEVICE_CLOSED) {
            return false;
        }
    }
    return true;
}

/* X1 (design 5): the loop reading tells why there is nothing to open, the table's does not. */
static int nothing_to_open(const struct client_set *set, int why)
{
    return set->dialect.other[DIALECT_OPEN_ACTIVE] && shared_acquire(&set->segment.header->devices_opened) > 0
               ? VD_E_PROTOCOL
               : why;
}

/* Whether this process is in Active: to it a secondary comes by its own devices, not by others' (spec 2.3). */
static bool opened_one(const struct client_set *set)
{
    for (const struct client_device *device = set->devices; device != NULL; device = device->next) {
        if (device->shared != NULL) {
            return true;
        }
    }
    return false;
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
    if (client_is_terminated(set)) {
        return VD_E_PROTOCOL; /* Normally Terminated */
    }
    if (shared_acquire(&set->segment.header->devices_opened) >= set->segment.device_count) {
        return nothing_to_open(set, VD_E_OPEN);
    }
    if (out == NULL) {
        return VD_E_INVALID;
    }
    struct shared_device *shared = name != NULL && set_name_is_valid(name) ? find_device(set, name) : NULL;
    if (shared == NULL) {
        return opened_one(set) ? nothing_to_open(set, VD_E_INVALID) : VD_E_INVALID;
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
    lock_take(&set->lock);
    int result = open_device(set, name, device);
    lock_give(&set->lock);
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

/* --- the set's view of its devices --- */

/* Devices this process opened in the set's present life are those with `shared` set. */
bool client_has_open_device(const struct client_set *set)
{
    for (struct client_device *device = set->devices; device != NULL; device = device->next) {
        if (device->shared != NULL && !atomic_load(&device->close_delivered)) {
            return true;
        }
    }
    return false;
}

/* A slot belongs to whoever fetched its command, until it is completed: so a flag each, not a mask to share. */
static bool is_in_hand(const struct client_device *device, uint32_t slot)
{
    return atomic_load_explicit(&device->in_hand[slot], memory_order_acquire);
}

static bool has_any_in_hand(const struct client_device *device)
{
    for (uint32_t i = 0; i < SHARED_SLOTS; i++) {
        if (is_in_hand(device, i)) {
            return true;
        }
    }
    return false;
}

bool client_holds_buffer(const struct client_set *set, const uint8_t *address)
{
    for (struct client_device *device = set->devices; device != NULL; device = device->next) {
        for (uint32_t i = 0; device->shared != NULL && i < SHARED_SLOTS; i++) {
            if (atomic_load_explicit(&device->buffers[i], memory_order_relaxed) == address) {
                return true;
            }
        }
    }
    return false;
}

void client_close_devices(struct client_set *set)
{
    for (struct client_device *device = set->devices; device != NULL; device = device->next) {
        gate_close(&device->gate);
    }
    segment_wake_all(&set->segment); /* who sleeps inside sees its gate closed */
    for (struct client_device *device = set->devices; device != NULL; device = device->next) {
        gate_drain(&device->gate);
        device->shared = NULL;
    }
}

/* --- IO-ERROR (spec 2.2) --- */

static bool has_io_error(const struct client_device *device)
{
    return (atomic_load(&device->io_state) & 1) != 0;
}

/* Completes a command the client never saw. */
static void refuse(struct client_device *device, uint32_t slot)
{
    const struct queue_completion completion = {.code = ERROR_IO_DEVICE,
                                                .io_state = atomic_load(&device->io_state)};
    queue_complete(device->shared, slot, &completion);
    event_notify(&device->set->segment.header->server_event);
}

/* What was queued and not fetched never reaches the client, up to a ClearError. A server has at most
 * SHARED_SLOTS outstanding; one that goes on and on does not keep us here. */
static enum queue_result refuse_unfetched(struct client_device *device)
{
    enum queue_result result = QUEUE_OK;
    for (int i = 0; i < SHARED_SLOTS && result != QUEUE_CORRUPT; i++) {
        struct queue_command command;
        uint32_t entry, slot;
        int32_t code;
        if (queue_peek(device->shared, &device->receiver, &entry, &code) == QUEUE_EMPTY ||
            code == VDC_ClearError) {
            return QUEUE_OK;
        }
        result = queue_fetch_entry(device->shared, &device->receiver, entry, &command, &slot);
        if (result == QUEUE_OK) {
            refuse(device, slot);
        }
    }
    return result;
}

/* Only ClearError is delivered, and not before the client has completed all it had fetched. */
static enum queue_result fetch_in_io_error(struct client_device *device, struct queue_command *command,
                                           uint32_t *slot)
{
    enum queue_result result = refuse_unfetched(device);
    if (result == QUEUE_CORRUPT || has_any_in_hand(device)) {
        return result == QUEUE_CORRUPT ? result : QUEUE_EMPTY;
    }
    result = queue_fetch(device->shared, &device->receiver, command, slot);
    if (result == QUEUE_OK && command->code != VDC_ClearError) {
        refuse(device, *slot); /* came just now */
        result = QUEUE_EMPTY;
    }
    return result;
}

/* --- GetCommand --- */

static bool carries_data(int32_t code)
{
    return code == VDC_Read || code == VDC_Write;
}

/* Turns what the server queued into what the client sees. False: the server broke the format. A block that is
 * still in the client's hands is not touched. */
static bool present_command(struct client_device *device, const struct queue_command *queued, uint32_t slot)
{
    struct client_set *set = device->set;
    uint8_t *buffer = NULL;
    if (queued->buffer_area != 0) {
        bool sized = queued->size >= 0 && (uint32_t)queued->size <= set->config.maxTransferSize;
        buffer = sized ? client_buffer_address(set, queued->buffer_area - 1, queued->buffer_offset,
                                               (uint64_t)queued->size)
                       : NULL;
    }
    if (buffer == NULL && (queued->buffer_area != 0 || carries_data(queued->code))) {
        return false;
    }
    if (is_in_hand(device, slot)) {
        return false;
    }
    const struct VDC_Command command = {
        .commandCode = queued->code, .size = queued->size, .position = queued->position, .buffer = buffer};
    device->kept[slot] = command;
    device->commands[slot] = command;
    atomic_store_explicit(&device->buffers[slot], buffer, memory_order_relaxed);
    atomic_store_explicit(&device->in_hand[slot], true, memory_order_release);
    return true;
}

static int fetch(struct client_device *device, struct VDC_Command **command, bool *empty)
{
    struct queue_command queued;
    uint32_t slot;
    *empty = false;
    enum queue_result result = has_io_error(device)
                                   ? fetch_in_io_error(device, &queued, &slot)
                                   : queue_fetch(device->shared, &device->receiver, &queued, &slot);
    if (result == QUEUE_EMPTY) {
        *empty = true;
        return 0;
    }
    if (result == QUEUE_OK && present_command(device, &queued, slot)) {
        *command = &device->commands[slot];
        return 0;
    }
    if (!segment_is_aborted(&device->set->segment)) {
        segment_abort(&device->set->segment, SERVER_ABORT_CORRUPT);
    }
    return VD_E_ABORT;
}

/* What was sent before CloseDevice comes before VD_E_CLOSE, also a ClearError that is not due yet. */
static bool clear_error_waits(struct client_device *device)
{
    uint32_t entry;
    int32_t code;
    return has_io_error(device) &&
           queue_peek(device->shared, &device->receiver, &entry, &code) != QUEUE_EMPTY;
}

/* The server has closed the device and the queue is empty. */
static int deliver_close(struct client_device *device)
{
    if (atomic_exchange(&device->close_delivered, true)) {
        bool over = device->set->dialect.other[DIALECT_GET_AFTER_CLOSE] || client_is_terminated(device->set);
        return over ? VD_E_PROTOCOL : VD_E_CLOSE; /* X2: sticky until the set ends */
    }
    shared_release(&device->shared->client_state, CLIENT_DEVICE_CLOSED);
    return VD_E_CLOSE;
}

/* What there is at this moment; *empty: nothing. */
static int look(struct client_device *device, struct VDC_Command **command, bool *empty)
{
    *empty = false;
    if (segment_is_aborted(&device->set->segment)) {
        return VD_E_ABORT;
    }
    if (gate_is_closed(&device->gate)) {
        return VD_E_PROTOCOL; /* Close ran meanwhile */
    }
    /* Closed is read before the queue is: what was sent before CloseDevice comes first. */
    bool closed = shared_acquire(&device->shared->server_state) == SERVER_DEVICE_CLOSED;
    int result = fetch(device, command, empty);
    if (*empty && closed && !clear_error_waits(device)) {
        *empty = false;
        result = deliver_close(device);
    }
    return result;
}

/* For a client that keeps up with its server: touches nothing but the line that brings the next command. Who wakes
 * us for any other reason is heard when the spin is over. */
static int look_and_spin(struct client_device *device, struct VDC_Command **command, bool *empty)
{
    _Atomic uint32_t *next = queue_next(device->shared, &device->receiver);
    uint32_t last = shared_acquire(next);
    int result = look(device, command, empty);
    if (*empty && event_spin(next, last)) {
        result = look(device, command, empty);
    }
    return result;
}

static int look_and_sleep(struct client_device *device, int64_t timeout, struct VDC_Command **command)
{
    struct client_set *set = device->set;
    int64_t deadline = client_deadline(set, timeout);
    bool server_dead = false;
    bool empty;
    for (;;) {
        uint32_t seen = event_sequence(&device->shared->commands);
        int result = look(device, command, &empty);
        if (!empty) {
            return result;
        }
        if (server_dead) {
            segment_abort(&set->segment, SERVER_ABORT_SERVER_DIED);
        } else if (client_wait(set, &device->shared->commands, seen, deadline, &server_dead) != 0) {
            return VD_E_TIMEOUT;
        }
    }
}

static int get_command(struct client_device *device, int64_t timeout, struct VDC_Command **command)
{
    bool empty = true;
    int result = 0;
    if (timeout != 0) {
        result = look_and_spin(device, command, &empty);
    }
    return empty ? look_and_sleep(device, timeout, command) : result;
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

/* What a completion means for IO-ERROR. Only we know in which order completions happen, so we count the changes and
 * tell the server with each completion where it left the device. */
static uint32_t change_io_state(struct client_device *device, uint32_t slot, int32_t code)
{
    bool clears = device->kept[slot].commandCode == VDC_ClearError && code == ERROR_SUCCESS;
    uint32_t state = atomic_load(&device->io_state);
    while ((state & 1) == 0 ? code_is_io_error(code) : clears) {
        if (atomic_compare_exchange_weak(&device->io_state, &state, state + 1)) {
            return state + 1;
        }
    }
    return state;
}

static enum queue_result hand_back(struct client_device *device, uint32_t slot,
                                   struct queue_completion *completion)
{
    enum queue_result result = QUEUE_OK;
    bool clears = device->kept[slot].commandCode == VDC_ClearError; /* the slot may be another one's soon */
    /* Before the server can see the completion: so nothing it has queued before, and nothing it sends because
     * of it, is treated by the wrong state. */
    completion->io_state = change_io_state(device, slot, completion->code);
    queue_complete(device->shared, slot, completion);
    event_notify(&device->set->segment.header->server_event);
    if (has_io_error(device)) {
        result = refuse_unfetched(device);
    }
    if (clears || has_io_error(device)) {
        event_notify(&device->shared->commands); /* another thread may wait for what is now due */
    }
    return result;
}

static int complete_command(struct client_device *device, struct VDC_Command *command,
                            struct queue_completion *completion)
{
    struct client_set *set = device->set;
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (atomic_load(&device->close_delivered) && client_is_terminated(set)) {
        return VD_E_PROTOCOL; /* Normally Terminated */
    }
    uint32_t slot = slot_of(device, command);
    if (slot == SHARED_SLOTS || !is_in_hand(device, slot)) {
        return VD_E_INVALID;
    }
    /* Ours: more bytes than were asked for are refused, and the command stays fetched. */
    int32_t size = device->kept[slot].size;
    if (completion->bytes_transferred > (uint64_t)(size > 0 ? size : 0)) {
        return VD_E_INVALID;
    }
    if (!atomic_exchange(&device->in_hand[slot], false)) {
        return VD_E_INVALID; /* another thread completed it at the same moment */
    }
    atomic_store_explicit(&device->buffers[slot], NULL, memory_order_relaxed);
    if (hand_back(device, slot, completion) == QUEUE_CORRUPT) {
        segment_abort(&set->segment, SERVER_ABORT_CORRUPT);
        return VD_E_ABORT;
    }
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
