/* What a client does (spec 3), call by call. */
#include <string.h>

#include "play_internal.h"

/* --- Create --- */

/* Only these mixes of a device's abilities are offered (spec 5.4, VDI-CFG-002), with these additions. */
static bool features_are_supported(uint32_t features)
{
    static const uint32_t modes[] = {VDF_LikePipe, VDF_Removable, VDF_LikeTape, VDF_LikeDisk,
                                     VDF_LikeDisk | VDF_Removable};
    const uint32_t additions = VDF_Discard | VDF_SnapshotPrepare | VDF_EnumFrozenFiles | VDF_VSSWriter |
                               VDF_RequestComplete | (uint32_t)VDF_LatchStats | VDF_WriteMedia |
                               VDF_ReadMedia | VDF_CompleteEnabled;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if ((features & ~additions) == modes[i]) {
            return true;
        }
    }
    return false;
}

static bool is_supported(const struct VDConfig *config)
{
    return config->deviceCount >= 1 && config->deviceCount <= MODEL_DEVICES_MAX &&
           features_are_supported(config->features) && config->alignment <= 65536 &&
           (config->alignment & (config->alignment - 1)) == 0;
}

static bool prepare_create(struct play *play, struct play_call *call)
{
    const struct scenario_line *line = call->line;
    call->config = (struct VDConfig){.deviceCount = play->scenario->device_count,
                                     .features = (uint32_t)line->arg[1],
                                     .prefixZoneSize = (uint32_t)line->arg[2],
                                     .alignment = (uint32_t)line->wide[0],
                                     .serverTimeOut = (uint32_t)line->wide[1]};
    const struct play_life *living = play_find_life(play, (uint8_t)line->arg[0]);
    call->model.argument = line->arg[0] > SCENARIO_NAME_LONGEST ? MODEL_BAD_NAME
                           : !is_supported(&call->config)       ? MODEL_BAD_CONFIGURATION
                           : living == NULL                     ? MODEL_ALWAYS
                           : living->unknown                    ? MODEL_NO_SITUATION
                                                                : MODEL_NAME_TAKEN;
    if (play_client_state(play, call->client) != MODEL_DOES_NOT_EXIST) {
        return true;
    }
    if (play->life_count == PLAY_LIVES_MAX) {
        return false;
    }
    uint32_t count = call->config.deviceCount;
    bool possible = count >= 1 && count <= MODEL_DEVICES_MAX;
    call->life = &play->lives[play->life_count];
    play_life_init(call->life, possible ? count : 1, play->dialects);
    return true;
}

static int32_t make_create(struct play *play, struct play_call *call)
{
    (void)play;
    return client_set_create(call->client->set, play_set_name((enum scenario_name)call->line->arg[0]),
                             &call->config);
}

/* The process has the set that the call was about. */
static void enter(struct play_call *call)
{
    call->client->life = call->life;
    call->client->entry++;
}

static void after_create(struct play *play, struct play_call *call, int32_t result)
{
    struct play_life *life = call->life;
    if (result != 0) {
        return;
    }
    play->life_count++;
    enter(call);
    life->created = true;
    life->name = (uint8_t)call->line->arg[0];
    life->asked = call->config;
    life->asked.features &=
        ~(uint32_t)(VDF_WriteMedia | VDF_ReadMedia | VDF_CompleteEnabled); /* VDI-CFG-003 */
    life->settled = life->asked;
}

/* --- GetConfiguration, OpenDevice --- */

static int32_t make_get_configuration(struct play *play, struct play_call *call)
{
    (void)play;
    return client_set_get_configuration(call->client->set, play_timeout(call), &call->config);
}

static void after_get_configuration(struct play *play, struct play_call *call, int32_t result)
{
    if (result == 0 && play_client_state(play, call->client) != MODEL_ABORTED) {
        play_check_configuration(play, &call->life->settled, &call->config);
    }
}

static bool prepare_open_device(struct play *play, struct play_call *call)
{
    const struct play_life *life = call->life;
    call->model.argument = MODEL_UNKNOWN_NAME;
    for (uint32_t i = 0; i < life->model.device_count; i++) {
        if (life->named[i] == call->line->arg[0] + 1) {
            call->model.device = i;
            call->model.argument = MODEL_ALWAYS;
        }
    }
    (void)play;
    return true;
}

static int32_t make_open_device(struct play *play, struct play_call *call)
{
    call->client_device = (struct client_device *)(void *)call;
    (void)play;
    return client_set_open_device(call->client->set, play_device_name((uint32_t)call->line->arg[0]),
                                  &call->client_device);
}

static void after_open_device(struct play *play, struct play_call *call, int32_t result)
{
    if ((result == 0) != (call->client_device != NULL)) {
        play_deviate(play, "it wrote %s device", result == 0 ? "no" : "a");
    } else if (result == 0 && call->line->arg[0] < SCENARIO_DEVICES_MAX) {
        struct play_client *client = call->client;
        client->devices[call->line->arg[0]] = (struct play_client_device){
            .handle = call->client_device, .entry = client->entry, .device = call->model.device};
        client->completed[call->line->arg[0]] = NULL;
    }
}

/* --- GetCommand, CompleteCommand --- */

static bool prepare_device(struct play *play, struct play_call *call)
{
    int32_t index = call->line->arg[0];
    const struct play_client_device *device = &call->client->devices[index % SCENARIO_DEVICES_MAX];
    (void)play;
    call->client_device = device->handle;
    call->model.device = device->device;
    call->stale = device->entry != call->client->entry;
    return index < SCENARIO_DEVICES_MAX && device->handle != NULL;
}

static int32_t make_get_command(struct play *play, struct play_call *call)
{
    (void)play;
    call->block = (struct VDC_Command *)(void *)call;
    return client_device_get_command(call->client_device, play_timeout(call), &call->block);
}

static void after_get_command(struct play *play, struct play_call *call, int32_t result)
{
    if (result != 0) {
        if (call->block != NULL) {
            play_deviate(play, "it failed and yet wrote a command");
        }
        return;
    }
    struct play_command *command = play_find_command(play, call->life, call->model.device, call->model.order);
    if (command == NULL || command->at == PLAY_DONE) {
        play_deviate(play, "it gave a command that nobody sent");
        return;
    }
    play_check_fetched(play, command, call->block);
}

/* The n-th that is in hand; one that is not: the last one given back, or one that never was. */
static bool prepare_held(struct play *play, struct play_call *call, uint32_t n)
{
    static struct VDC_Command nobodys;
    if (!prepare_device(play, call)) {
        return false;
    }
    const struct model_command *held =
        call->stale || play_is_unknown(play, call->life)
            ? NULL
            : model_held_command(&call->life->model.devices[call->model.device], n);
    call->block = call->client->completed[call->line->arg[0]];
    call->block = call->block != NULL && n % 2 == 0 ? call->block : &nobodys;
    call->command =
        held != NULL ? play_find_command(play, call->life, call->model.device, held->order) : NULL;
    if (call->command != NULL && call->command->held != NULL) {
        call->block = call->command->held;
        return true;
    }
    call->command = NULL;
    for (uint32_t i = play->first_command; i < play->command_count; i++) {
        if (play->commands[i].held == call->block) { /* its place is in use again */
            call->block = &nobodys;
        }
    }
    return true;
}

static bool prepare_complete_command(struct play *play, struct play_call *call)
{
    const struct scenario_line *line = call->line;
    if (!prepare_held(play, call, (uint32_t)line->arg[2])) {
        return false;
    }
    call->model.code = line->arg[1];
    call->model.argument = MODEL_COMMAND_NOT_HELD;
    if (call->command != NULL) {
        int32_t size = call->command->vds.size;
        bool too_many = (uint64_t)line->wide[0] > (uint64_t)(size > 0 ? size : 0);
        call->model.order = call->command->order;
        call->model.argument = too_many ? MODEL_TOO_MANY_BYTES : MODEL_ALWAYS;
        if (call->command->at == PLAY_OUTSTANDING) { /* else the buffer is the server's again */
            play_check_untouched(play, call->command);
            play_fill_answer(call->command, (uint64_t)line->wide[0]);
        }
    }
    return true;
}

static int32_t make_complete_command(struct play *play, struct play_call *call)
{
    const struct scenario_line *line = call->line;
    (void)play;
    return client_device_complete_command(call->client_device, call->block, line->arg[1],
                                          (uint64_t)line->wide[0], line->wide[1]);
}

static void after_complete_command(struct play *play, struct play_call *call, int32_t result)
{
    (void)play;
    if (result == 0) {
        call->client->completed[call->line->arg[0]] = call->command->held;
        call->command->held = NULL;
        call->command->bytes = (uint64_t)call->line->wide[0];
        call->command->position = call->line->wide[1];
    }
}

/* --- buffer handles (spec 3.11) --- */

/* The buffer that was last given back, unless it is in hand again; else one that never was anybody's. */
static uint8_t *buffer_not_held(const struct play *play, const struct VDC_Command *completed)
{
    static uint8_t nobodys;
    uint8_t *buffer = completed != NULL && completed->buffer != NULL ? completed->buffer : &nobodys;
    for (uint32_t i = play->first_command; i < play->command_count; i++) {
        if (play->commands[i].held != NULL && play->commands[i].held->buffer == buffer) {
            return &nobodys;
        }
    }
    return buffer;
}

static bool prepare_get_handle(struct play *play, struct play_call *call)
{
    if (!prepare_held(play, call, (uint32_t)call->line->arg[1])) {
        return false;
    }
    bool good =
        call->command != NULL && call->block->buffer != NULL &&
        play_client_state(play, call->client) != MODEL_TERMINATED; /* neither held nor given back, then */
    call->stale = false;
    call->address =
        good ? call->block->buffer : buffer_not_held(play, call->client->completed[call->line->arg[0]]);
    call->model.argument = good ? MODEL_ALWAYS : MODEL_BUFFER_NOT_HELD;
    return true;
}

static int32_t make_get_handle(struct play *play, struct play_call *call)
{
    (void)play;
    return client_set_get_buffer_handle(call->client->set, call->address, &call->number);
}

static void after_get_handle(struct play *play, struct play_call *call, int32_t result)
{
    if (result == 0 && play->handle_count < SCENARIO_HANDLES_MAX) {
        uint32_t i = play->handle_count++;
        play->handles[i].handle = call->number;
        play->handles[i].address = call->address;
        play->handles[i].client = call->client;
        play->handles[i].life = call->life;
    }
}

static bool prepare_map_handle(struct play *play, struct play_call *call)
{
    uint32_t index = (uint32_t)call->line->arg[0];
    call->number = UINT32_MAX;
    call->model.argument = MODEL_HANDLE_BAD;
    if (index != 0 && index <= play->handle_count) {
        if (play->handles[index - 1].life != call->life) {
            return false; /* it may or may not mean something now */
        }
        /* Once the set's name is gone, so are those of areas that this process has not mapped yet. */
        bool found = play->handles[index - 1].client == call->client || model_set_lives(&call->life->model);
        call->number = play->handles[index - 1].handle;
        call->model.argument = found ? MODEL_ALWAYS : MODEL_NO_SITUATION;
    }
    return true;
}

static int32_t make_map_handle(struct play *play, struct play_call *call)
{
    (void)play;
    return client_set_map_buffer_handle(call->client->set, call->number, &call->address);
}

static void after_map_handle(struct play *play, struct play_call *call, int32_t result)
{
    uint32_t index = (uint32_t)call->line->arg[0] - 1;
    if (result == 0 && call->client == play->handles[index].client &&
        call->address != play->handles[index].address) {
        play_deviate(play, "it gave another buffer than the handle is of");
    }
}

/* --- ends --- */

static int32_t make_register_closed(struct play *play, struct play_call *call)
{
    (void)play;
    client_set_register_device_closed(call->client->set);
    return MODEL_VOID;
}

static int32_t make_abort(struct play *play, struct play_call *call)
{
    (void)play;
    return client_set_signal_abort(call->client->set);
}

static int32_t make_close(struct play *play, struct play_call *call)
{
    (void)play;
    return client_set_close(call->client->set);
}

/* Nothing is in the process's hands any more. */
static void let_go(struct play *play, struct play_call *call)
{
    play_let_go(play, call->life, call->model.client);
    memset(call->client->completed, 0, sizeof call->client->completed);
}

static void after_close(struct play *play, struct play_call *call, int32_t result)
{
    if (result != VD_E_PROTOCOL) {
        let_go(play, call);
    }
}

static bool prepare_destroy(struct play *play, struct play_call *call)
{
    return !play_is_out(play, (enum scenario_process)play_client_number(play, call->client));
}

static int32_t make_destroy(struct play *play, struct play_call *call)
{
    (void)play;
    client_set_free(call->client->set);
    call->client->set = NULL;
    return 0;
}

static void after_destroy(struct play *play, struct play_call *call, int32_t result)
{
    static const int32_t results[] = {0, VD_E_OPEN, VD_E_PROTOCOL};
    (void)result;
    play_assume(call->life, MODEL_CLIENT_Close, call->model.client, results,
                sizeof results / sizeof results[0]);
    let_go(play, call);
    memset(call->client->devices, 0, sizeof call->client->devices);
}

/* --- OpenInSecondary --- */

static bool prepare_open_in_secondary(struct play *play, struct play_call *call)
{
    struct play_life *life = play_find_life(play, (uint8_t)call->line->arg[0]);
    call->model.argument = life != NULL ? MODEL_ALWAYS : MODEL_NO_SUCH_SET;
    if (play_client_state(play, call->client) == MODEL_DOES_NOT_EXIST) {
        call->life = life != NULL ? life : &play->nowhere;
    }
    return true;
}

static int32_t make_open_in_secondary(struct play *play, struct play_call *call)
{
    (void)play;
    return client_set_open_in_secondary(call->client->set,
                                        play_set_name((enum scenario_name)call->line->arg[0]));
}

static void after_open_in_secondary(struct play *play, struct play_call *call, int32_t result)
{
    (void)play;
    if (result == 0) {
        enter(call);
    }
}

const struct play_row play_client_rows[SCENARIO_VERB_COUNT] = {
    [SCENARIO_CLIENT_CREATE] = {MODEL_CLIENT_Create, prepare_create, make_create, after_create},
    [SCENARIO_CLIENT_OPEN_IN_SECONDARY] = {MODEL_CLIENT_OpenInSecondary, prepare_open_in_secondary,
                                           make_open_in_secondary, after_open_in_secondary},
    [SCENARIO_CLIENT_GET_CONFIGURATION] = {MODEL_CLIENT_GetConfiguration, NULL, make_get_configuration,
                                           after_get_configuration},
    [SCENARIO_CLIENT_OPEN_DEVICE] = {MODEL_CLIENT_OpenDevice, prepare_open_device, make_open_device,
                                     after_open_device},
    [SCENARIO_CLIENT_GET_COMMAND] = {MODEL_CLIENT_GetCommand, prepare_device, make_get_command,
                                     after_get_command},
    [SCENARIO_CLIENT_COMPLETE_COMMAND] = {MODEL_CLIENT_CompleteCommand, prepare_complete_command,
                                          make_complete_command, after_complete_command},
    [SCENARIO_CLIENT_GET_BUFFER_HANDLE] = {MODEL_CLIENT_GetBufferHandle, prepare_get_handle, make_get_handle,
                                           after_get_handle},
    [SCENARIO_CLIENT_MAP_BUFFER_HANDLE] = {MODEL_CLIENT_MapBufferHandle, prepare_map_handle, make_map_handle,
                                           after_map_handle},
    [SCENARIO_CLIENT_REGISTER_DEVICE_CLOSED] = {MODEL_CLIENT_RegisterDeviceClosed, NULL, make_register_closed,
                                                NULL},
    [SCENARIO_CLIENT_SIGNAL_ABORT] = {MODEL_CLIENT_SignalAbort, NULL, make_abort, NULL},
    [SCENARIO_CLIENT_CLOSE] = {MODEL_CLIENT_Close, NULL, make_close, after_close},
    [SCENARIO_CLIENT_DESTROY] = {MODEL_FUNCTION_COUNT, prepare_destroy, make_destroy, after_destroy},
};
