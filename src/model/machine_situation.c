/* In which situation a call finds the set: what of the state matters to its result, beside the state. */
#include "machine_internal.h"

/* A ClearError waits for its turn: what was sent before CloseDevice comes before VD_E_CLOSE. */
static bool has_waiting(const struct model_device *device)
{
    for (uint32_t i = 0; i < device->command_count; i++) {
        if (device->commands[i].at == MODEL_WAITS) {
            return true;
        }
    }
    return false;
}

static enum model_situation opening(const struct model_set *set, const struct model_call *call)
{
    bool none_here = set->clients[call->client] == MODEL_INITIALIZING;
    if (COUNT(set, client_open) == set->device_count) {
        return none_here ? MODEL_OPEN_ELSEWHERE : MODEL_ALL_OPEN;
    }
    if (call->argument == MODEL_UNKNOWN_NAME) {
        return MODEL_UNKNOWN_NAME;
    }
    return !set->devices[call->device].client_open ? MODEL_DEVICE_FREE
           : none_here                             ? MODEL_THIS_OPEN_ELSEWHERE
                                                   : MODEL_DEVICE_OPEN;
}

static enum model_situation entering(const struct model_set *set, const struct model_call *call)
{
    return call->argument == MODEL_NO_SUCH_SET ? MODEL_NO_SUCH_SET
           : set->aborted                      ? MODEL_SET_ABORTED
           : set->configured                   ? MODEL_PRIMARY_CONFIGURED
                                               : MODEL_PRIMARY_NOT_CONFIGURED;
}

static enum model_situation getting(const struct model_set *set, const struct model_call *call)
{
    struct model_device device = set->devices[call->device];
    bool last = COUNT(set, close_delivered) + 1 == set->device_count;
    model_refuse_unfetched(&device);
    return device.close_delivered                          ? MODEL_CLOSED_AGAIN
           : model_next_command(&device) != NULL           ? MODEL_COMMAND_QUEUED
           : !device.server_closed || has_waiting(&device) ? MODEL_NOTHING_QUEUED
           : last                                          ? MODEL_LAST_CLOSED
                                                           : MODEL_ONE_CLOSED;
}

static enum model_situation completing(const struct model_set *set, const struct model_call *call)
{
    (void)set;
    return call->argument == MODEL_ALWAYS ? MODEL_COMMAND_HELD : call->argument;
}

static enum model_situation sending(const struct model_set *set, const struct model_call *call)
{
    const struct model_device *device = &set->devices[call->device];
    return device->server_closed                                     ? MODEL_THIS_CLOSED
           : device->server_io_error && call->code != VDC_ClearError ? MODEL_IN_IO_ERROR
           : call->argument == MODEL_BUFFER_FOREIGN                  ? MODEL_BUFFER_FOREIGN
           : device->command_count == MODEL_COMMANDS_MAX             ? MODEL_QUEUE_IS_FULL
                                                                     : MODEL_QUEUE_ROOM;
}

static enum model_situation closing_device(const struct model_set *set, const struct model_call *call)
{
    return set->devices[call->device].server_closed             ? MODEL_THIS_CLOSED
           : COUNT(set, server_closed) + 1 == set->device_count ? MODEL_LAST_OPEN
                                                                : MODEL_OTHERS_OPEN;
}

static enum model_situation client_closing(const struct model_set *set, const struct model_call *call)
{
    return model_has_open_device(set, call->client) ? MODEL_CLOSE_NOT_DELIVERED : MODEL_CLOSE_DELIVERED;
}

static enum model_situation server_closing(const struct model_set *set, const struct model_call *call)
{
    (void)call;
    return COUNT(set, server_open) > COUNT(set, server_closed) ? MODEL_SERVER_DEVICES_OPEN
                                                               : MODEL_NO_SERVER_DEVICE_OPEN;
}

static enum model_situation server_opening(const struct model_set *set, const struct model_call *call)
{
    (void)call;
    return COUNT(set, server_open) == set->device_count ? MODEL_NONE_UNOPENED : MODEL_NEXT_UNOPENED;
}

/* A set is served once. */
static enum model_situation attaching(const struct model_set *set, const struct model_call *call)
{
    bool waits = call->argument == MODEL_ALWAYS && model_set_lives(set) && !set->served;
    return waits ? MODEL_SET_WAITS : MODEL_NO_SUCH_SET;
}

static enum model_situation configuring(const struct model_set *set, const struct model_call *call)
{
    (void)call;
    return set->settled ? MODEL_CONFIGURED : MODEL_NOT_CONFIGURED;
}

static enum model_situation always(const struct model_set *set, const struct model_call *call)
{
    (void)set;
    return call->argument;
}

/* The situation that good arguments make, where it does not depend on the set; what is not here may be any.
 */
static const enum model_situation good_arguments[MODEL_FUNCTION_COUNT] = {
    [MODEL_CLIENT_Create] = MODEL_NAME_FREE,
    [MODEL_CLIENT_GetBufferHandle] = MODEL_BUFFER_HELD,
    [MODEL_CLIENT_MapBufferHandle] = MODEL_HANDLE_GOOD,
    [MODEL_SERVER_BeginConfiguration] = MODEL_GOOD_VALUES,
    [MODEL_SERVER_QueryAvailableBuffers] = MODEL_GOOD_VALUES,
    [MODEL_SERVER_FreeBuffer] = MODEL_BUFFER_OURS,
    [MODEL_SERVER_IsSharedBuffer] = MODEL_BUFFER_OURS,
};

typedef enum model_situation find_situation(const struct model_set *set, const struct model_call *call);
static find_situation *const finders[MODEL_FUNCTION_COUNT] = {
    [MODEL_SERVER_Open] = attaching,           [MODEL_CLIENT_GetConfiguration] = configuring,
    [MODEL_CLIENT_OpenInSecondary] = entering, [MODEL_CLIENT_OpenDevice] = opening,
    [MODEL_CLIENT_GetCommand] = getting,       [MODEL_CLIENT_CompleteCommand] = completing,
    [MODEL_CLIENT_Close] = client_closing,     [MODEL_SERVER_OpenDevice] = server_opening,
    [MODEL_SERVER_SendCommand] = sending,      [MODEL_SERVER_CloseDevice] = closing_device,
    [MODEL_SERVER_Close] = server_closing,
};

enum model_situation model_situation_of(const struct model_set *set, const struct model_call *call)
{
    find_situation *find = finders[call->function] != NULL ? finders[call->function] : always;
    enum model_situation situation = find(set, call);
    return situation == MODEL_ALWAYS ? good_arguments[call->function] : situation;
}
