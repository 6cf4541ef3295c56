/* Random walks: calls of both sides in any order, made on the core and on the reference model, which must allow
 * each result. The walks are the same at every run; WALK_SEED and WALK_COUNT in the environment make others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "dialect.h"
#include "machine.h"
#include "server.h"

enum {
    DEVICES = 2,
    STEPS = 120,
    WALKS = 400,
    COMMANDS = 64, /* engine's blocks of one device; more than can be outstanding */
    TRANSFER = 65536,
};

struct walk {
    uint64_t random;
    struct model_set model;
    struct client_set *client;
    struct server_set *server;
    struct client_device *client_devices[DEVICES];
    struct server_device *server_devices[DEVICES];
    struct VDC_Command *held[DEVICES][STEPS + 1]; /* by order */
    struct VDS_Command commands[DEVICES][STEPS + 1];
    struct model_call history[STEPS];
    int32_t results[STEPS];
    uint32_t length;
};

static uint32_t draw(struct walk *walk, uint32_t below)
{
    walk->random = walk->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(walk->random >> 33) % below;
}

static void called_back(struct VDS_Command *command)
{
    (void)command;
}

/* --- calls: each makes its arguments, fills in the model's call, and calls the core --- */

static const char *device_name(uint32_t index)
{
    return index == 0 ? "walk" : "walk-1";
}

static int32_t call_create(struct walk *walk, struct model_call *call)
{
    struct VDConfig config = {.deviceCount = DEVICES};
    const char *name = "walk";
    switch (draw(walk, 4)) {
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
    bool unknown = draw(walk, 8) == 0;
    call->argument = unknown ? MODEL_UNKNOWN_NAME : MODEL_ALWAYS;
    int32_t result =
        client_set_open_device(walk->client, unknown ? "nobody" : device_name(call->device), &device);
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
    uint32_t which = draw(walk, 3);
    const struct model_command *held = model_held_command(device, which);
    struct VDC_Command none;
    struct VDC_Command *command = &none;
    uint64_t bytes = 0;
    call->code = codes[draw(walk, 6)];
    call->argument = MODEL_COMMAND_NOT_HELD;
    if (held != NULL) {
        call->order = held->order;
        command = walk->held[call->device][held->order];
        call->argument = draw(walk, 8) == 0 ? MODEL_TOO_MANY_BYTES : MODEL_ALWAYS;
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
    const struct model_command *held = model_held_command(&walk->model.devices[call->device], draw(walk, 2));
    /* A server that closes a device over a command in hand leaves its buffer neither held nor given back. */
    bool good = held != NULL && held->has_buffer && walk->model.client != MODEL_TERMINATED;
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
    bool known = draw(walk, 4) != 0;
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
    bool bad = draw(walk, 4) == 0;
    call->argument = bad ? MODEL_BAD_VALUES : MODEL_ALWAYS;
    return bad;
}

static int32_t call_begin(struct walk *walk, struct model_call *call)
{
    return server_set_begin_configuration(walk->server, VDF_WriteMedia, spoil(walk, call) ? 100 : 512, 0,
                                          TRANSFER, 0);
}

static int32_t call_request(struct walk *walk, struct model_call *call)
{
    return server_set_request_buffers(walk->server, spoil(walk, call) ? 0 : TRANSFER, 0, 1 + draw(walk, 3));
}

static int32_t call_query(struct walk *walk, struct model_call *call)
{
    uint32_t count;
    return server_set_query_available_buffers(walk->server, TRANSFER, spoil(walk, call) ? 3 : 0, &count);
}

static int32_t call_end(struct walk *walk, struct model_call *call)
{
    (void)call;
    for (uint32_t i = 0; i < DEVICES; i++) {
        server_set_name_device(walk->server, i, device_name(i));
    }
    return server_set_end_configuration(walk->server);
}

static int32_t call_server_open_device(struct walk *walk, struct model_call *call)
{
    struct server_device *device;
    (void)call;
    int32_t result = server_set_open_device(walk->server, &device);
    for (uint32_t i = 0; result == 0 && i < DEVICES; i++) {
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
    int32_t result = server_set_allocate_buffer(walk->server, &buffer, spoil(walk, call) ? 0 : TRANSFER, 0);
    if (result == 0) {
        assert_int_equal(server_set_free_buffer(walk->server, buffer, TRANSFER), 0);
    }
    return result;
}

static int32_t call_free(struct walk *walk, struct model_call *call)
{
    static uint8_t foreign[TRANSFER];
    call->argument = MODEL_BUFFER_FOREIGN;
    return server_set_free_buffer(walk->server, foreign, TRANSFER);
}

static int32_t call_is_shared(struct walk *walk, struct model_call *call)
{
    call->argument = MODEL_BUFFER_FOREIGN;
    return server_set_is_shared_buffer(walk->server, (const uint8_t *)walk);
}

/* The documents send ClearError after an error, and wait for it. With several on their way, or one in Active, it
 * depends on the order of completions what is cleared. */
static bool may_clear_error(const struct model_device *device)
{
    bool on_its_way = false;
    for (uint32_t i = 0; i < device->command_count; i++) {
        on_its_way = on_its_way || device->commands[i].code == VDC_ClearError;
    }
    return device->server_io_error && !on_its_way;
}

static int32_t call_send(struct walk *walk, struct model_call *call)
{
    static const int32_t codes[] = {VDC_Flush, VDC_Write, VDC_Write, VDC_ClearError};
    uint32_t order = walk->model.devices[call->device].last_order + 1;
    struct VDS_Command *command = &walk->commands[call->device][order];
    server_command_init(command, called_back, NULL);
    call->code = codes[draw(walk, 4)];
    if (call->code == VDC_ClearError && !may_clear_error(&walk->model.devices[call->device])) {
        call->code = VDC_Flush;
    }
    command->commandCode = call->code;
    if (call->code == VDC_Write) {
        command->size = (int32_t)(order * 16);
        if (server_set_allocate_buffer(walk->server, &command->buffer, TRANSFER, 0) != 0) {
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

/* How often each call is drawn: seldom what ends a walk. `device`: the side's own device object is needed. */
enum device_need {
    NONE,
    OF_CLIENT,
    OF_SERVER
};
static const struct {
    enum model_function function;
    int32_t (*make)(struct walk *walk, struct model_call *call);
    uint32_t weight;
    enum device_need device;
} rows[] = {
    {MODEL_CLIENT_Create, call_create, 30, NONE},
    {MODEL_CLIENT_GetConfiguration, call_client_configuration, 30, NONE},
    {MODEL_CLIENT_OpenDevice, call_client_open_device, 40, NONE},
    {MODEL_CLIENT_GetCommand, call_get_command, 150, OF_CLIENT},
    {MODEL_CLIENT_CompleteCommand, call_complete_command, 125, OF_CLIENT},
    {MODEL_CLIENT_SignalAbort, call_client_abort, 1, NONE},
    {MODEL_CLIENT_Close, call_client_close, 1, NONE},
    {MODEL_CLIENT_OpenInSecondary, call_open_in_secondary, 5, NONE},
    {MODEL_CLIENT_GetBufferHandle, call_buffer_handle, 20, NONE},
    {MODEL_CLIENT_MapBufferHandle, call_map_handle, 5, NONE},
    {MODEL_SERVER_Open, call_server_open, 30, NONE},
    {MODEL_SERVER_GetConfiguration, call_server_configuration, 10, NONE},
    {MODEL_SERVER_BeginConfiguration, call_begin, 30, NONE},
    {MODEL_SERVER_RequestBuffers, call_request, 20, NONE},
    {MODEL_SERVER_QueryAvailableBuffers, call_query, 10, NONE},
    {MODEL_SERVER_EndConfiguration, call_end, 30, NONE},
    {MODEL_SERVER_OpenDevice, call_server_open_device, 40, NONE},
    {MODEL_SERVER_AllocateBuffer, call_allocate, 10, NONE},
    {MODEL_SERVER_FreeBuffer, call_free, 5, NONE},
    {MODEL_SERVER_IsSharedBuffer, call_is_shared, 5, NONE},
    {MODEL_SERVER_SendCommand, call_send, 150, OF_SERVER},
    {MODEL_SERVER_CloseDevice, call_close_device, 6, OF_SERVER},
    {MODEL_SERVER_SignalAbort, call_server_abort, 1, NONE},
    {MODEL_SERVER_Close, call_server_close, 1, NONE},
};

/* --- walking --- */

static void tell(const struct walk *walk)
{
    char text[MODEL_RESULT_TEXT];
    for (uint32_t i = 0; i < walk->length; i++) {
        const struct model_call *call = &walk->history[i];
        print_error("  %s %s device %u code %d order %u (%s): %s\n",
                    model_function_table(call->function) == MODEL_CLIENT ? "client" : "server",
                    model_function_name(call->function), call->device, call->code, call->order,
                    model_situation_text(call->argument), model_result_name(walk->results[i], text));
    }
}

static size_t draw_row(struct walk *walk)
{
    uint32_t total = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        total += rows[i].weight;
    }
    uint32_t left = draw(walk, total);
    size_t row = 0;
    while (left >= rows[row].weight) {
        left -= rows[row++].weight;
    }
    return row;
}

/* The agent's round: what the model takes as done, the server has called back for, and the other way round. */
static void deliver(struct walk *walk)
{
    enum server_set_state state;
    if (walk->model.server != MODEL_DOES_NOT_EXIST) {
        server_set_run_completions(walk->server, &state);
        model_set_deliver(&walk->model);
    }
}

/* How often each cell was called. */
static uint64_t visits[MODEL_FUNCTION_COUNT][MODEL_STATE_COUNT];

/* A model that allowed everything would prove nothing: how many results it allows for a call. */
static uint32_t count_allowed(const struct walk *walk, const struct model_call *call)
{
    static const int32_t results[] = {
        0,           1,         MODEL_VOID,      VD_E_IO_ERROR, VD_E_TIMEOUT, VD_E_ABORT, VD_E_INVALID,
        VD_E_MEMORY, VD_E_OPEN, VD_E_QUEUE_FULL, VD_E_PROTOCOL, VD_E_CLOSE,   VD_E_BUSY,  VD_E_NOTSUPPORTED,
        VD_E_NOTOPEN};
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        count += model_set_allows(&walk->model, call, results[i]);
    }
    return count;
}

/* False: the model does not allow what the core did. */
static bool step(struct walk *walk, size_t row, uint32_t device)
{
    struct model_call call = {.function = rows[row].function, .device = device, .argument = MODEL_ALWAYS};
    if ((rows[row].device == OF_CLIENT && walk->client_devices[call.device] == NULL) ||
        (rows[row].device == OF_SERVER && walk->server_devices[call.device] == NULL)) {
        return true;
    }
    int32_t result = rows[row].make(walk, &call);
    visits[call.function][model_set_state(&walk->model, model_function_table(call.function))]++;
    assert_in_range(count_allowed(walk, &call), 1,
                    3); /* room for buffers, and whether the peer's end was seen */
    bool allowed = model_step(&walk->model, &call, result);
    walk->history[walk->length] = call;
    walk->results[walk->length++] = result;
    if (draw(walk, 3) == 0) {
        deliver(walk);
    }
    return allowed;
}

/* A server that leaves with commands outstanding has not terminated normally, yet nothing says what its client
 * then sees of them. */
static bool server_left_commands(const struct walk *walk)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < DEVICES; i++) {
        left += walk->model.devices[i].command_count;
    }
    return walk->model.served && walk->model.server == MODEL_DOES_NOT_EXIST &&
           (left > 0 || walk->model.aborted);
}

/* The client's Close is the end; the same objects could begin another life, which is another walk's. */
static bool is_over(const struct walk *walk)
{
    for (uint32_t i = 0; i < walk->length; i++) {
        if (walk->results[i] != VD_E_PROTOCOL && walk->history[i].function == MODEL_CLIENT_Close) {
            return true;
        }
    }
    return server_left_commands(walk);
}

/* The way from the beginning to the end, so that walks begin everywhere on it. */
static const enum model_function way[] = {
    MODEL_CLIENT_Create,
    MODEL_SERVER_Open,
    MODEL_SERVER_BeginConfiguration,
    MODEL_SERVER_RequestBuffers,
    MODEL_SERVER_EndConfiguration,
    MODEL_CLIENT_GetConfiguration,
    MODEL_CLIENT_OpenDevice,
    MODEL_SERVER_OpenDevice,
    MODEL_SERVER_CloseDevice,
    MODEL_CLIENT_GetCommand,
};
enum {
    WAY_LENGTH = sizeof way / sizeof way[0]
};

static size_t row_of(enum model_function function)
{
    size_t row = 0;
    while (rows[row].function != function) {
        row++;
    }
    return row;
}

static uint32_t walk_once(uint64_t seed, uint32_t dialects)
{
    struct walk *walk = calloc(1, sizeof *walk);
    assert_non_null(walk);
    walk->random = seed;
    walk->client = client_set_new();
    walk->server = server_set_new();
    model_set_init(&walk->model, DEVICES, dialects);
    uint32_t led = DEVICES * draw(walk, WAY_LENGTH + 1); /* each once for each device */
    for (uint32_t i = 0; walk->length < STEPS && !is_over(walk); i++) {
        bool on_the_way = i < led;
        if (!step(walk, on_the_way ? row_of(way[i / DEVICES]) : draw_row(walk),
                  on_the_way ? i % DEVICES : draw(walk, DEVICES))) {
            tell(walk);
            fail_msg("walk %llu: the model does not allow the last result", (unsigned long long)seed);
        }
    }
    server_set_free(walk->server);
    client_set_free(walk->client);
    uint32_t length = walk->length;
    free(walk);
    return length;
}

static uint64_t number(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : fallback;
}

static void walk_all(uint32_t dialects)
{
    uint64_t first = number("WALK_SEED", 1);
    uint64_t walks = number("WALK_COUNT", WALKS);
    uint64_t calls = 0;
    for (uint64_t i = 0; i < walks; i++) {
        calls += walk_once(first + i, dialects);
    }
    print_message("%llu walks, %llu calls\n", (unsigned long long)walks, (unsigned long long)calls);
    assert_true(calls > walks * 10);
}

/* Walks that never come to a cell prove nothing about it: all are visited but those that need a device object
 * before there is one, and what a server cannot do once its client has ended the walk. */
static void test_walks_come_everywhere(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t columns;
        const enum model_state *states = model_states(model_function_table(rows[i].function), &columns);
        for (size_t j = 0; j < columns; j++) {
            if (visits[rows[i].function][states[j]] == 0 &&
                (rows[i].device == NONE || states[j] >= MODEL_ACTIVE)) {
                fail_msg("no walk came to %s in %s", model_function_name(rows[i].function),
                         model_state_name(states[j]));
            }
        }
    }
}

static int name_the_space(void **unused)
{
    (void)unused;
    char space[32];
    snprintf(space, sizeof space, "modeltest-%d", (int)getpid());
    return setenv("VDI_NAMESPACE", space, 1);
}

static void test_walks(void **unused)
{
    (void)unused;
    walk_all(MODEL_DEFAULTS);
}

static void test_walks_in_each_dialect(void **unused)
{
    (void)unused;
    for (enum model_dialect dialect = MODEL_NO_DIALECT + 1; dialect < MODEL_DIALECT_UNOFFERED; dialect++) {
        setenv("VDI_DIALECT", model_dialect_word(dialect), 1);
        walk_all(1u << dialect);
    }
    unsetenv("VDI_DIALECT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_walks_come_everywhere),
        cmocka_unit_test(test_walks_in_each_dialect),
    };
    return cmocka_run_group_tests(tests, name_the_space, NULL);
}
