/* A device as the server sees it: send commands, take completions, close (spec 4). */
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
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (set->phase != PHASE_INITIALIZED) {
        return VD_E_PROTOCOL;
    }
    if (set->devices_opened == set->segment.device_count) {
        return VD_E_OPEN;
    }
    uint32_t index = set->devices_opened++;
    struct server_device *device = &set->devices[index];
    *device =
        (struct server_device){.set = set, .shared = &set->segment.header->devices[index], .open = true};
    shared_release(&device->shared->server_state, SERVER_DEVICE_OPEN);
    *out = device;
    return 0;
}

bool server_device_client_opened(const struct server_device *device)
{
    return shared_acquire(&device->shared->client_state) != CLIENT_DEVICE_UNOPENED;
}

/* --- completions --- */

static void call_back(struct VDS_Command *command, int32_t code, uint64_t bytes, int64_t position)
{
    command->completionCode = code;
    command->bytesTransferred = (int32_t)bytes;
    command->outPosition = position;
    ((server_completion *)command->completionRoutine)(command);
}

uint32_t server_device_run_completions(struct server_device *device)
{
    uint32_t callbacks = 0;
    for (uint32_t left = device->sender.outstanding; left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctz(left);
        struct queue_completion completion;
        switch (queue_reap(device->shared, &device->sender, slot, &completion)) {
        case QUEUE_OK: {
            struct VDS_Command *command = device->commands[slot];
            /* More bytes than the command asked for would overrun whatever the engine does with them. The
             * client library refuses it; a peer that wrote it past the library broke the format. */
            if (command->size >= 0 && completion.bytes_transferred > (uint64_t)command->size) {
                segment_abort(&device->set->segment, SERVER_ABORT_CORRUPT);
                completion = (struct queue_completion){.code = ERROR_OPERATION_ABORTED};
            }
            call_back(command, completion.code, completion.bytes_transferred, completion.position);
            callbacks++;
            break;
        }
        case QUEUE_CORRUPT:
            segment_abort(&device->set->segment, SERVER_ABORT_CORRUPT);
            return callbacks;
        default:
            break;
        }
    }
    return callbacks;
}

void server_device_abort_outstanding(struct server_device *device, uint32_t *callbacks)
{
    while (device->sender.outstanding != 0) {
        uint32_t slot = (uint32_t)__builtin_ctz(device->sender.outstanding);
        device->sender.outstanding &= ~(1u << slot);
        call_back(device->commands[slot], ERROR_OPERATION_ABORTED, 0, 0);
        ++*callbacks;
    }
}

/* --- commands --- */

static int refuse(struct VDS_Command *command, int result, int32_t completion_code)
{
    call_back(command, completion_code, 0, 0); /* called back on failure, too (spec 4, SendCommand) */
    return result;
}

int server_device_send_command(struct server_device *device, struct VDS_Command *command)
{
    struct server_set *set = device->set;
    struct queue_command out = {.code = command->commandCode,
                                .size = command->size,
                                .position = command->inPosition,
                                .has_buffer = command->buffer != NULL};
    uint32_t slot;
    if (segment_is_aborted(&set->segment)) {
        return refuse(command, VD_E_ABORT, ERROR_OPERATION_ABORTED);
    }
    if (!device->open || device->closed) {
        return refuse(command, VD_E_PROTOCOL, ERROR_INVALID_HANDLE);
    }
    if (out.has_buffer) {
        assert(command->size >= 0);
        int64_t offset = server_buffers_offset(set, command->buffer, (uint32_t)command->size);
        assert(offset >= 0); /* the engine sends only buffers it was given by AllocateBuffer */
        out.buffer_offset = (uint64_t)offset;
    }
    if (queue_send(device->shared, &device->sender, &out, &slot) != QUEUE_OK) {
        return refuse(command, VD_E_QUEUE_FULL, ERROR_NO_SYSTEM_RESOURCES);
    }
    device->commands[slot] = command;
    event_notify(&device->shared->commands);
    return 0;
}

int server_device_close(struct server_device *device)
{
    if (segment_is_aborted(&device->set->segment)) {
        return VD_E_ABORT;
    }
    if (device->closed) {
        return VD_E_CLOSE;
    }
    device->closed = true;
    shared_release(&device->shared->server_state, SERVER_DEVICE_CLOSED);
    event_notify(&device->shared->commands);
    return 0;
}
