#include "walk.h"

uint32_t walk_draw(struct walk *walk, uint32_t below)
{
    walk->random = walk->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(walk->random >> 33) % below;
}

static void called_back(struct VDS_Command *command)
{
    (void)command;
}

static const char *walk_device_name(uint32_t index)
{
    return index == 0 ? "walk" : "walk-1";
}

static int32_t call_create(struct walk *walk, struct model_call *call)
{
    struct VDConfig config = {.deviceCount = WALK_DEVICES};
    const char *name = "walk";
    switch (walk_draw(walk, 4)) {
    case 0:
        call->argument = MODEL_BAD_CONFIGURATION;
        config.features = 0x8;
        break;
    case 1:
        call->argument = MODEL_BAD_NAME;
        name = "";
        break;
    default:
        break;
    }
    return client_set_create(walk->client, name, &config);
}

static int32_t call_client_configuration(struct walk *walk, struct model_call *call)
{
    struct VDConfig config;
    (void)call;
    return client_set_get_configuration(walk->client, 0, &config);
}

static int32_t call_client_open_device(struct walk *walk, struct model_call *call)
{
    struct client_device *device;
    bool unknown = walk_draw(walk, 8) == 0;
    call->argument = unknown ? MODEL_UNKNOWN_NAME : MODEL_ALWAYS;
    int32_t result =
        client_set_open_device(walk->client, unknown ? "nobody" : walk_device_name(call->device), &device);
    if (result == 0) {
        walk->client_devices[call->device] = device;
    }
    return result;
}

static int32_t call_get_command(struct walk *walk, struct model_call *call)
{
    struct VDC_Command *command = NULL;
    int32_t result = client_device_get_command(walk->client_devices[call->device], 0, &command);
    struct model_call after = *call;
    struct model_set copy = walk->model;
    if (result == 0 && model_step(&copy, &after, result)) { /* which one it must be */
        walk->held[call->device][after.order] = command;
        assert_int_equal(command->commandCode, walk->commands[call->device][after.order].commandCode);
        assert_int_equal(command->size, walk->commands[call->device][after.order].size);
    }
    return result;
}

static int32_t call_complete_command(struct walk *walk, struct model_call *call)
{
    static const int32_t codes[] = {ERROR_SUCCESS, ERROR_SUCCESS,   ERROR_SUCCESS,
                                    ERROR_SUCCESS, ERROR_DISK_FULL, ERROR_NOT_SUPPORTED};
    struct model_device *device = &walk->model.devices[call->device];
    uint32_t which = walk_draw(walk, 3);
    const struct model_command *held = model_held_command(device, which);
    struct VDC_Command none;
    struct VDC_Command *command = &none;
    uint64_t bytes = 0;
    call->code = codes[walk_draw(walk, 6)];
    call->argument = MODEL_COMMAND_NOT_HELD;
    if (held != NULL) {
        call->order = held->order;
        command = walk->held[call->device][held->order];
        call->argument = walk_draw(walk, 8) == 0 ? MODEL_TOO_MANY_BYTES : MODEL_ALWAYS;
        bytes = call->argument == MODEL_TOO_MANY_BYTES ? (uint64_t)command->size + 1 : 0;
    }
    return client_device_complete_command(walk->client_devices[call->device], command, call->code, bytes, 0);
}

static int32_t call_client_abort(struct walk *walk, struct model_call *call)
{
    (void)call;
    return client_set_signal_abort(walk->client);
}

static int32_t call_client_close(struct walk *walk, struct model_call *call)
{
    (void)call;
    return client_set_close(walk->client);
}

static int32_t call_open_in_secondary(struct walk *walk, struct model_call *call)
{
    (void)call;
    call->argument = MODEL_NO_SUCH_SET;
    return client_set_open_in_secondary(walk->client, "nobody");
}

static int32_t call_buffer_handle(struct walk *walk, struct model_call *call)
{
    uint32_t handle;
    uint8_t nobodys;
    const struct model_command *held =
        model_held_command(&walk->model.devices[call->device], walk_draw(walk, 2));
    /* A server that closes a device over a command in hand leaves its buffer neither held nor given back. */
    bool good = held != NULL && held->has_buffer && model_client_state(&walk->model, 0) != MODEL_TERMINATED;
    call->argument = good ? MODEL_ALWAYS : MODEL_BUFFER_NOT_HELD;
    return client_set_get_buffer_handle(
        walk->client, good ? walk->held[call->device][held->order]->buffer : &nobodys, &handle);
}

static int32_t call_map_handle(struct walk *walk, struct model_call *call)
{
    uint8_t *buffer;
    call->argument = MODEL_HANDLE_BAD;
    return client_set_map_buffer_handle(walk->client, UINT32_MAX, &buffer);
}

static int32_t call_server_open(struct walk *walk, struct model_call *call)
{
    bool known = walk_draw(walk, 4) != 0;
    call->argument = known ? MODEL_ALWAYS : MODEL_NO_SUCH_SET;
    return server_set_open(walk->server, known ? "walk" : "nobody");
}

static int32_t call_server_configuration(struct walk *walk, struct model_call *call)
{
    struct VDConfig config;
    (void)call;
    return server_set_get_configuration(walk->server, &config);
}

static bool spoil(struct walk *walk, struct model_call *call)
{
    bool bad = walk_draw(walk, 4) == 0;
    call->argument = bad ? MODEL_BAD_VALUES : MODEL_ALWAYS;
    return bad;
}

static int32_t call_begin(struct walk *walk, struct model_call *call)
{
    return server_set_begin_configuration(walk->server, VDF_WriteMedia, spoil(walk, call) ? 100 : 512, 0,
                                          WALK_TRANSFER, 0);
}

static int32_t call_request(struct walk *walk, struct model_call *call)
{
    return server_set_request_buffers(walk->server, spoil(walk, call) ? 0 : WALK_TRANSFER, 0,
                                      1 + walk_draw(walk, 3));
}

static int32_t call_query(struct walk *walk, struct model_call *call)
{
    uint32_t count;
    return server_set_query_available_buffers(walk->server, WALK_TRANSFER, spoil(walk, call) ? 3 : 0, &count);
}

static int32_t call_end(struct walk *walk, struct model_call *call)
{
    (void)call;
    for (uint32_t i = 0; i < WALK_DEVICES; i++) {
        server_set_name_device(walk->server, i, walk_device_name(i));
    }
    return server_set_end_configuration(walk->server);
}

static int32_t call_server_open_device(struct walk *walk, struct model_call *call)
{
    struct server_device *device;
    (void)call;
    int32_t result = server_set_open_device(walk->server, &device);
    for (uint32_t i = 0; result == 0 && i < WALK_DEVICES; i++) {
        if (walk->server_devices[i] == NULL) {
            walk->server_devices[i] = device;
            break;
        }
    }
    return result;
}

static int32_t call_allocate(struct walk *walk, struct model_call *call)
{
    uint8_t *buffer = NULL;
    int32_t result =
        server_set_allocate_buffer(walk->server, &buffer, spoil(walk, call) ? 0 : WALK_TRANSFER, 0);
    if (result == 0) {
        assert_int_equal(server_set_free_buffer(walk->server, buffer, WALK_TRANSFER), 0);
    }
    return result;
}

static int32_t call_free(struct walk *walk, struct model_call *call)
{
    static uint8_t foreign[WALK_TRANSFER];
    call->argument = MODEL_BUFFER_FOREIGN;
    return server_set_free_buffer(walk->server, foreign, WALK_TRANSFER);
}

static int32_t call_is_shared(struct walk *walk, struct model_call *call)
{
    call->argument = MODEL_BUFFER_FOREIGN;
    return server_set_is_shared_buffer(walk->server, (const uint8_t *)walk);
}

static int32_t call_send(struct walk *walk, struct model_call *call)
{
    static const int32_t codes[] = {VDC_Flush, VDC_Write, VDC_Write, VDC_ClearError};
    uint32_t order = walk->model.devices[call->device].last_order + 1;
    struct VDS_Command *command = &walk->commands[call->device][order];
    server_command_init(command, called_back, NULL);
    call->code = codes[walk_draw(walk, 4)];
    command->commandCode = call->code;
    if (call->code == VDC_Write) {
        command->size = (int32_t)(order * 16);
        if (server_set_allocate_buffer(walk->server, &command->buffer, WALK_TRANSFER, 0) != 0) {
            command->commandCode = call->code = VDC_Rewind;
            command->buffer = NULL;
        }
    }
    call->has_buffer = command->buffer != NULL;
    return server_device_send_command(walk->server_devices[call->device], command);
}

static int32_t call_close_device(struct walk *walk, struct model_call *call)
{
    return server_device_close(walk->server_devices[call->device]);
}

static int32_t call_server_abort(struct walk *walk, struct model_call *call)
{
    (void)call;
    return server_set_signal_abort(walk->server);
}

static int32_t call_server_close(struct walk *walk, struct model_call *call)
{
    (void)call;
    return server_set_close(walk->server);
}

const struct walk_row walk_rows[] = {
    {MODEL_CLIENT_Create, call_create, 30, WALK_NONE},
    {MODEL_CLIENT_GetConfiguration, call_client_configuration, 30, WALK_NONE},
    {MODEL_CLIENT_OpenDevice, call_client_open_device, 40, WALK_NONE},
    {MODEL_CLIENT_GetCommand, call_get_command, 150, WALK_OF_CLIENT},
    {MODEL_CLIENT_CompleteCommand, call_complete_command, 125, WALK_OF_CLIENT},
    {MODEL_CLIENT_SignalAbort, call_client_abort, 1, WALK_NONE},
    {MODEL_CLIENT_Close, call_client_close, 1, WALK_NONE},
    {MODEL_CLIENT_OpenInSecondary, call_open_in_secondary, 5, WALK_NONE},
    {MODEL_CLIENT_GetBufferHandle, call_buffer_handle, 20, WALK_NONE},
    {MODEL_CLIENT_MapBufferHandle, call_map_handle, 5, WALK_NONE},
    {MODEL_SERVER_Open, call_server_open, 30, WALK_NONE},
    {MODEL_SERVER_GetConfiguration, call_server_configuration, 10, WALK_NONE},
    {MODEL_SERVER_BeginConfiguration, call_begin, 30, WALK_NONE},
    {MODEL_SERVER_RequestBuffers, call_request, 20, WALK_NONE},
    {MODEL_SERVER_QueryAvailableBuffers, call_query, 10, WALK_NONE},
    {MODEL_SERVER_EndConfiguration, call_end, 30, WALK_NONE},
    {MODEL_SERVER_OpenDevice, call_server_open_device, 40, WALK_NONE},
    {MODEL_SERVER_AllocateBuffer, call_allocate, 10, WALK_NONE},
    {MODEL_SERVER_FreeBuffer, call_free, 5, WALK_NONE},
    {MODEL_SERVER_IsSharedBuffer, call_is_shared, 5, WALK_NONE},
    {MODEL_SERVER_SendCommand, call_send, 150, WALK_OF_SERVER},
    {MODEL_SERVER_CloseDevice, call_close_device, 6, WALK_OF_SERVER},
    {MODEL_SERVER_SignalAbort, call_server_abort, 1, WALK_NONE},
    {MODEL_SERVER_Close, call_server_close, 1, WALK_NONE},
};

const size_t walk_row_count = sizeof walk_rows / sizeof walk_rows[0];
