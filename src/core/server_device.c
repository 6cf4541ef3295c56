/* A device as the server sees it: send commands, take completions, close (spec 2.2, 4). */
#include <assert.h>

#include "server_internal.h"

void server_command_init(struct VDS_Command *command, server_completion *routine, void *context)
{
    *command = (struct VDS_Command){0};
    command->completionRoutine = (uint8_t *)routine;
    command->completionContext = context;
}

int server_set_open_device(struct server_set *set, struct server_device **out)
{
    *out = NULL;
    int result = server_enter(set, PHASE_INITIALIZED, PHASE_INITIALIZED);
    if (result != 0) {
        return result;
    }
    uint32_t index = atomic_load(&set->devices_opened);
    if (server_is_terminated(set)) {
        result = VD_E_PROTOCOL;
    } else if (index == set->segment.device_count) {
        result = VD_E_OPEN;
    } else {
        struct server_device *device = &set->devices[index];
        *device = (struct server_device){
            .set = set, .shared = &set->segment.header->devices[index], .state = SERVER_DEVICE_OPEN};
        shared_release(&device->shared->server_state, SERVER_DEVICE_OPEN);
        atomic_store(&set->devices_opened, index + 1);
        *out = device;
    }
    server_leave(set);
    return result;
}

bool server_device_client_opened(const struct server_device *device)
{
    bool opened = false;
    if (gate_enter(&device->set->gate)) { /* after Close there is no memory to look into */
        opened = atomic_load(&device->state) != SERVER_DEVICE_UNOPENED &&
                 shared_acquire(&device->shared->client_state) != CLIENT_DEVICE_UNOPENED;
        gate_leave(&device->set->gate);
    }
    return opened;
}

bool server_device_has_io_error(const struct server_device *device)
{
    return (atomic_load(&device->io_state) & 1) != 0;
}

/* --- completions --- */

static void call_back(struct VDS_Command *command, int32_t code, uint64_t bytes, int64_t position)
{
    command->completionCode = code;
    command->bytesTransferred = (int32_t)bytes;
    command->outPosition = position;
    ((server_completion *)command->completionRoutine)(command);
}

/* Completions are found in any order; which state is the newest their count tells. */
static void note_io_state(struct server_device *device, uint32_t io_state)
{
    if ((int32_t)(io_state - atomic_load(&device->io_state)) > 0) {
        atomic_store(&device->io_state, io_state);
    }
}

/* Of one slot; false: the client broke the format. */
static bool deliver(struct server_device *device, uint32_t slot, uint32_t *callbacks)
{
    struct VDS_Command *command = device->commands[slot];
    struct queue_completion completion;
    enum queue_result result = queue_reap(device->shared, &device->sender, slot, &completion);
    if (result != QUEUE_OK) {
        return result == QUEUE_EMPTY;
    }
    /* More bytes than the command asked for would overrun whatever the engine does with them. The client
     * library refuses it; a peer that wrote it past the library broke the format. */
    bool sane = completion.bytes_transferred <= (uint64_t)(command->size > 0 ? command->size : 0);
    if (!sane) {
        completion = (struct queue_completion){.code = ERROR_OPERATION_ABORTED};
    }
    note_io_state(device, completion.io_state);
    call_back(command, completion.code, completion.bytes_transferred, completion.position);
    ++*callbacks;
    return sane;
}

uint32_t server_device_deliver(struct server_device *device)
{
    uint32_t callbacks = 0;
    for (uint32_t left = shared_acquire(&device->sender.outstanding); left != 0; left &= left - 1) {
        if (!deliver(device, (uint32_t)__builtin_ctz(left), &callbacks)) {
            segment_abort(&device->set->segment, SERVER_ABORT_CORRUPT);
            break;
        }
    }
    return callbacks;
}

uint32_t server_device_deliver_aborted(struct server_device *device)
{
    uint32_t callbacks = 0;
    for (uint32_t left = shared_load_ordered(&device->sender.outstanding); left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctz(left);
        struct VDS_Command *command = device->commands[slot];
        if (queue_settle(&device->sender, slot)) {
            call_back(command, ERROR_OPERATION_ABORTED, 0, 0);
            callbacks++;
        }
    }
    return callbacks;
}

/* --- commands --- */

/* What a refused command's callback is told (spec 4, SendCommand). */
static int refuse(struct VDS_Command *command, int result)
{
    static const struct {
        int result;
        int32_t code;
    } map[] = {
        {VD_E_QUEUE_FULL, ERROR_NO_SYSTEM_RESOURCES}, {VD_E_IO_ERROR, ERROR_IO_DEVICE},
        {VD_E_PROTOCOL, ERROR_INVALID_HANDLE},        {VD_E_ABORT, ERROR_OPERATION_ABORTED},
        {VD_E_INVALID, ERROR_INVALID_HANDLE}, /* ours: the documents have no code for a bad buffer */
    };
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++) {
        if (map[i].result == result) {
            call_back(command, map[i].code, 0, 0);
            return result;
        }
    }
    assert(false);
    return result;
}

/* Abort, then state, then arguments. */
static int check_send(struct server_device *device, const struct VDS_Command *command,
                      struct queue_command *out)
{
    struct server_set *set = device->set;
    if (atomic_load(&device->state) == SERVER_DEVICE_UNOPENED) {
        return VD_E_PROTOCOL; /* of an earlier life of the set */
    }
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (atomic_load(&device->state) != SERVER_DEVICE_OPEN) {
        return VD_E_PROTOCOL;
    }
    if (server_device_has_io_error(device) && command->commandCode != VDC_ClearError) {
        return VD_E_IO_ERROR;
    }
    uint32_t area;
    *out = (struct queue_command){
        .code = command->commandCode, .size = command->size, .position = command->inPosition};
    if (command->buffer != NULL) {
        if (command->size < 0 ||
            !server_buffers_find(set, command->buffer, (uint32_t)command->size, &area, &out->buffer_offset)) {
            return VD_E_INVALID;
        }
        out->buffer_area = area + 1;
    }
    return 0;
}

/* For serverTimeOut: the time of silence begins with the first command, not with the end of the last one. */
static void note_first_command(struct server_set *set)
{
    if (set->client_config.serverTimeOut != 0 && server_outstanding(set) == 0) {
        atomic_store(&set->quiet_since, os_now());
    }
}

/* A callback may send while the thread whose command it is of is still inside: for a moment, never while the client does
 * something. */
static void begin_sending(struct server_device *device)
{
    uint32_t sending = SENDING_NOBODY;
    if (!atomic_compare_exchange_strong(&device->sending, &sending, SENDING_ONE)) {
        while (atomic_exchange(&device->sending, SENDING_AWAITED) != SENDING_NOBODY) {
            os_wait(&device->sending, SENDING_AWAITED, OS_FOREVER);
        }
    }
}

static void end_sending(struct server_device *device)
{
    if (atomic_exchange(&device->sending, SENDING_NOBODY) == SENDING_AWAITED) {
        os_wake(&device->sending);
    }
}

int server_device_send_command(struct server_device *device, struct VDS_Command *command)
{
    struct server_set *set = device->set;
    struct queue_command out;
    uint32_t slot;
    int result = check_send(device, command, &out);
    if (result != 0) {
        return refuse(command, result);
    }
    begin_sending(device);
    if (queue_reserve(&device->sender, &slot) != QUEUE_OK) {
        end_sending(device);
        return refuse(command, VD_E_QUEUE_FULL);
    }
    note_first_command(set);
    device->commands[slot] = command;
    queue_send(device->shared, &device->sender, slot, &out);
    event_notify(&device->shared->commands);
    /* An abort meanwhile: either whoever delivers saw the command and calls back, or we see the abort here,
     * because the command was outstanding before we look and the abort stood before they looked. Until then nobody else
     * gets the slot, so what we settle is ours. */
    bool taken_back = segment_is_aborted(&set->segment) && queue_settle(&device->sender, slot);
    end_sending(device);
    return taken_back ? refuse(command, VD_E_ABORT) : 0;
}

int server_device_close(struct server_device *device)
{
    struct server_set *set = device->set;
    if (atomic_load(&device->state) == SERVER_DEVICE_UNOPENED) {
        return VD_E_PROTOCOL; /* of an earlier life of the set */
    }
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (atomic_load(&device->state) == SERVER_DEVICE_CLOSED) {
        return VD_E_CLOSE;
    }
    atomic_store(&device->state, SERVER_DEVICE_CLOSED);
    atomic_fetch_add(&set->devices_closed, 1);
    shared_release(&device->shared->server_state, SERVER_DEVICE_CLOSED);
    event_notify(&device->shared->commands);
    event_notify(&set->segment.header->server_event); /* the agent ends with the last device */
    return 0;
}
