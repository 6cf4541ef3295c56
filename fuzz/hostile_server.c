/* The server's side of hostile_world.h. */
#include "hostile_check.h"
#include "sim.h"

/* --- results (spec 2.4, 4) --- */

static const struct function SERVER_OPEN = {MODEL_SERVER_Open, NULL, 0};
static const struct function SERVER_GET_CONFIGURATION = {MODEL_SERVER_GetConfiguration, NULL, 0};
static const struct function BEGIN_CONFIGURATION = {MODEL_SERVER_BeginConfiguration, NULL, 0};
static const struct function NAME_DEVICE = {
    MODEL_FUNCTION_COUNT, "name_device",
    CODE(0) | CODE(VD_E_PROTOCOL) | CODE(VD_E_ABORT) | CODE(VD_E_INVALID)};
static const struct function REQUEST_BUFFERS = {MODEL_SERVER_RequestBuffers, NULL, 0};
static const struct function QUERY_BUFFERS = {MODEL_SERVER_QueryAvailableBuffers, NULL, 0};
static const struct function END_CONFIGURATION = {MODEL_SERVER_EndConfiguration, NULL, 0};
static const struct function SERVER_OPEN_DEVICE = {MODEL_SERVER_OpenDevice, NULL, 0};
static const struct function ALLOCATE_BUFFER = {MODEL_SERVER_AllocateBuffer, NULL, 0};
static const struct function FREE_BUFFER = {MODEL_SERVER_FreeBuffer, NULL, 0};
static const struct function SEND_COMMAND = {MODEL_SERVER_SendCommand, NULL, 0};
static const struct function SERVER_WAIT = {
    MODEL_FUNCTION_COUNT, "server_set_wait",
    CODE(0) | CODE(VD_E_PROTOCOL) | CODE(VD_E_ABORT) | CODE(VD_E_TIMEOUT)};
static const struct function COMPLETION_AGENT = {MODEL_SERVER_ExecuteCompletionAgent, NULL, 0};
static const struct function CLOSE_DEVICE = {MODEL_SERVER_CloseDevice, NULL, 0};
static const struct function SERVER_SIGNAL_ABORT = {MODEL_SERVER_SignalAbort, NULL, 0};
static const struct function SERVER_CLOSE = {MODEL_SERVER_Close, NULL, 0};

static int check_server(const struct function *function, struct world_server *server, int result)
{
    check(function, result);
    if (!server->open && result != VD_E_PROTOCOL) {
        hostile_fail("0x%x on a set that does not exist", (unsigned)result);
    }
    if (server->open && server->aborted && result == 0) {
        hostile_fail("success after an abort");
    }
    server->aborted = server->aborted || (server->open && result == VD_E_ABORT);
    return result;
}

int world_server_open(struct world *world)
{
    struct world_server *server = &world->server;
    struct VDConfig config;
    begin(&SERVER_OPEN);
    int result =
        check(&SERVER_OPEN, recorded_server_open(server->set, world_device_name(0), world->device_count));
    if (result == 0) {
        if (server->open) {
            hostile_fail("opened twice");
        }
        server->open = true;
        server->aborted = false;
        server->device_count = 0;
        server->buffer_count = 0;
        server->prefix = server_set_get_configuration(server->set, &config) == 0 ? config.prefixZoneSize : 0;
    }
    return result;
}

int world_server_get_configuration(struct world_server *server)
{
    struct VDConfig config;
    begin(&SERVER_GET_CONFIGURATION);
    int result =
        check_server(&SERVER_GET_CONFIGURATION, server, server_set_get_configuration(server->set, &config));
    if (result == 0) {
        check_configuration(&config);
    }
    return result;
}

int world_begin_configuration(struct world_server *server, uint32_t features, uint32_t block_size,
                              uint32_t alignment, uint32_t max_transfer)
{
    begin(&BEGIN_CONFIGURATION);
    return check_server(
        &BEGIN_CONFIGURATION, server,
        server_set_begin_configuration(server->set, features, block_size, alignment, max_transfer, 1000));
}

int world_name_device(struct world_server *server, uint32_t index, uint32_t name)
{
    begin(&NAME_DEVICE);
    return check(&NAME_DEVICE, server_set_name_device(server->set, index, world_device_name(name)));
}

int world_request_buffers(struct world_server *server, uint32_t size, uint32_t alignment, uint32_t count)
{
    begin(&REQUEST_BUFFERS);
    return check_server(&REQUEST_BUFFERS, server,
                        server_set_request_buffers(server->set, size, alignment, count));
}

int world_query_buffers(struct world_server *server, uint32_t size, uint32_t alignment)
{
    uint32_t count = 0;
    begin(&QUERY_BUFFERS);
    return check_server(&QUERY_BUFFERS, server,
                        server_set_query_available_buffers(server->set, size, alignment, &count));
}

int world_end_configuration(struct world_server *server)
{
    begin(&END_CONFIGURATION);
    return check_server(&END_CONFIGURATION, server, server_set_end_configuration(server->set));
}

int world_server_open_device(struct world_server *server)
{
    struct server_device *device = NULL;
    begin(&SERVER_OPEN_DEVICE);
    int result = check_server(&SERVER_OPEN_DEVICE, server, server_set_open_device(server->set, &device));
    if ((result == 0) != (device != NULL)) {
        hostile_fail("0x%x, and device %p", (unsigned)result, (void *)device);
    }
    if (result == 0 && server->device_count < WORLD_DEVICES) {
        server->devices[server->device_count++] = device;
    }
    return result;
}

int world_allocate_buffer(struct world_server *server, uint32_t size, uint32_t alignment)
{
    uint8_t *buffer = NULL;
    begin(&ALLOCATE_BUFFER);
    int result = check_server(&ALLOCATE_BUFFER, server,
                              server_set_allocate_buffer(server->set, &buffer, size, alignment));
    if ((result == 0) != (buffer != NULL)) {
        hostile_fail("0x%x, and buffer %p", (unsigned)result, (void *)buffer);
    }
    if (result == 0) {
        check_buffer(buffer, server->prefix, size);
        for (uint32_t i = 0; i < server->buffer_count; i++) {
            if (server->buffers[i].address == buffer) {
                hostile_fail("a buffer that is in use is handed out again");
            }
        }
        if (server->buffer_count < WORLD_BUFFERS) {
            server->buffers[server->buffer_count++] = (struct world_buffer){buffer, size};
        }
    }
    return result;
}

static struct world_buffer *buffer_at(struct world_server *server, uint32_t index)
{
    return server->buffer_count != 0 ? &server->buffers[index % server->buffer_count] : NULL;
}

int world_free_buffer(struct world_server *server, uint32_t index)
{
    struct world_buffer *buffer = buffer_at(server, index);
    begin(&FREE_BUFFER);
    int result =
        check(&FREE_BUFFER, server_set_free_buffer(server->set, buffer != NULL ? buffer->address : NULL,
                                                   buffer != NULL ? buffer->size : 0));
    if (result == 0) {
        if (buffer == NULL) {
            hostile_fail("no buffer, and yet freed");
        }
        *buffer = server->buffers[--server->buffer_count];
    }
    return result;
}

int world_is_shared_buffer(struct world_server *server, uint32_t index)
{
    struct world_buffer *buffer = buffer_at(server, index);
    sim_call("IsSharedBuffer");
    int result = server_set_is_shared_buffer(server->set, buffer != NULL ? buffer->address : NULL);
    if (result != (buffer != NULL && server->open)) {
        hostile_fail("says %d", result);
    }
    return result;
}

/* --- commands --- */

static int send(struct world_server *server, struct server_device *device, struct world_sent *sent)
{
    sent->outstanding = true;
    int result = check_server(&SEND_COMMAND, server, server_device_send_command(device, &sent->command));
    if (result != 0 && sent->outstanding) {
        hostile_fail("0x%x without a callback", (unsigned)result);
    }
    return result;
}

/* The world a callback belongs to: routines get their command only, whose context is the place in `sent`. */
static struct world_server *completing;
static struct server_device *resend_device;

static void completed(struct VDS_Command *command)
{
    struct world_sent *sent = (struct world_sent *)command->completionContext;
    bool data = command->commandCode == VDC_Read || command->commandCode == VDC_Write;
    if (!sent->outstanding) {
        hostile_fail("a command is called back twice");
    }
    if (data && (command->bytesTransferred < 0 || command->bytesTransferred > command->size)) {
        hostile_fail("%d of %d bytes transferred", command->bytesTransferred, command->size);
    }
    sent->outstanding = false;
    if (completing->resend != 0 && resend_device != NULL) {
        completing->resend--;
        sent->outstanding = true;
        int result = check(&SEND_COMMAND, server_device_send_command(resend_device, command));
        if (result != 0 && sent->outstanding) {
            hostile_fail("0x%x without a callback", (unsigned)result);
        }
    }
}

static struct server_device *server_device_at(struct world_server *server, uint32_t index)
{
    return server->device_count != 0 ? server->devices[index % server->device_count] : NULL;
}

int world_send_command(struct world_server *server, uint32_t index, int32_t code, uint32_t buffer_index,
                       uint32_t size)
{
    struct server_device *device = server_device_at(server, index);
    struct world_buffer *buffer = buffer_at(server, buffer_index);
    struct world_sent *sent = server->sent;
    bool data = code == VDC_Read || code == VDC_Write;
    while (sent < server->sent + WORLD_COMMANDS && sent->outstanding) {
        sent++;
    }
    if (device == NULL || sent == server->sent + WORLD_COMMANDS ||
        (data && (buffer == NULL || !server->open))) {
        return 0;
    }
    server_command_init(&sent->command, completed, sent);
    sent->command.commandCode = code;
    sent->command.size = (int32_t)size;
    if (data) {
        sent->command.buffer = buffer->address;
        sent->command.size = (int32_t)(size % (buffer->size + 1));
    }
    begin(&SEND_COMMAND);
    completing = server;
    resend_device = NULL;
    return send(server, device, sent);
}

int world_run_completions(struct world_server *server)
{
    enum server_set_state state = SERVER_SET_LIVE;
    completing = server;
    resend_device = server_device_at(server, 0);
    sim_call("run_completions");
    if (!server->open) {
        return 0;
    }
    server_set_run_completions(server->set, &state);
    if (server->aborted && state != SERVER_SET_ABORTED) {
        hostile_fail("alive after an abort");
    }
    server->aborted = server->aborted || state == SERVER_SET_ABORTED;
    return 0;
}

void world_ask_server(struct world_server *server, uint32_t index)
{
    struct server_device *device = server_device_at(server, index);
    sim_call("a question to the server");
    enum server_abort_reason reason = server_set_abort_reason(server->set);
    if (reason > SERVER_ABORT_TIMEOUT || (server->open && server->aborted && reason == SERVER_ABORT_NONE)) {
        hostile_fail("abort reason %d", (int)reason);
    }
    bool closed = server_set_client_closed(server->set);
    bool opened = device != NULL && server_device_client_opened(device);
    bool failed = device != NULL && server_device_has_io_error(device);
    if (!server->open && (closed || opened || reason != SERVER_ABORT_NONE)) {
        hostile_fail("a set that does not exist has a state");
    }
    (void)failed;
}

int world_server_wait(struct world_server *server, int64_t timeout_ns)
{
    begin(&SERVER_WAIT);
    return server->open ? check(&SERVER_WAIT, server_set_wait(server->set, os_now() + timeout_ns)) : 0;
}

int world_completion_agent(struct world_server *server)
{
    if (server->open && !server->aborted) {
        return 0; /* it would wait for a client that is not there */
    }
    begin(&COMPLETION_AGENT);
    completing = server;
    resend_device = server_device_at(server, 0);
    return check_server(&COMPLETION_AGENT, server, server_set_execute_completion_agent(server->set));
}

/* --- end --- */

int world_close_device(struct world_server *server, uint32_t index)
{
    struct server_device *device = server_device_at(server, index);
    begin(&CLOSE_DEVICE);
    return device != NULL ? check_server(&CLOSE_DEVICE, server, server_device_close(device)) : 0;
}

int world_server_signal_abort(struct world_server *server)
{
    begin(&SERVER_SIGNAL_ABORT);
    int result = check(&SERVER_SIGNAL_ABORT, server_set_signal_abort(server->set));
    if ((result == 0) != server->open) {
        hostile_fail("0x%x", (unsigned)result);
    }
    server->aborted = server->aborted || result == 0;
    return result;
}

int world_server_close(struct world_server *server)
{
    completing = server;
    resend_device = NULL;
    begin(&SERVER_CLOSE);
    int result = check(&SERVER_CLOSE, recorded_server_close(server->set));
    if (!server->open && result != VD_E_PROTOCOL) {
        hostile_fail("0x%x on a set that does not exist", (unsigned)result);
    }
    server->open = false;
    server->buffer_count = 0;
    for (uint32_t i = 0; i < WORLD_COMMANDS; i++) {
        if (server->sent[i].outstanding) {
            hostile_fail("command %u was never called back", i);
        }
    }
    return result;
}
