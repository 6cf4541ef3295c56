/* What the model allows, and what must be true beside it. */
#include <stdio.h>
#include <string.h>

#include "play_internal.h"

/* --- words --- */

/* "NOERROR, VD_E_TIMEOUT": what the model would have allowed. */
static void list_allowed(const struct model_set *model, const struct model_call *call, char *text,
                         size_t size)
{
    static const int32_t results[] = {
        0,           1,         MODEL_VOID,      VD_E_IO_ERROR, VD_E_TIMEOUT, VD_E_ABORT, VD_E_INVALID,
        VD_E_MEMORY, VD_E_OPEN, VD_E_QUEUE_FULL, VD_E_PROTOCOL, VD_E_CLOSE,   VD_E_BUSY,  VD_E_NOTSUPPORTED};
    char name[MODEL_RESULT_TEXT];
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof results / sizeof results[0] && length + 1 < size; i++) {
        if (model_set_allows(model, call, results[i])) {
            length += (size_t)snprintf(text + length, size - length, "%s%s", length > 0 ? ", " : "",
                                       model_result_name(results[i], name));
        }
    }
}

/* --- the model --- */

uint32_t play_client_number(const struct play *play, const struct play_client *client)
{
    return (uint32_t)(client - play->clients);
}

enum model_state play_client_state(const struct play *play, const struct play_client *client)
{
    return model_client_state(&client->life->model, play_client_number(play, client));
}

struct play_life *play_find_life(struct play *play, uint8_t name)
{
    for (uint32_t i = 0; i < play->life_count; i++) {
        struct play_life *life = &play->lives[i];
        if (life->created && life->name == name && model_set_lives(&life->model)) {
            return life;
        }
    }
    return NULL;
}

enum model_state play_server_state(const struct play *play)
{
    return model_set_state(&play->server_life->model, MODEL_SERVER);
}

void play_assume(struct play_life *life, enum model_function function, uint32_t client,
                 const int32_t *results, uint32_t count)
{
    struct model_call call = {.function = function, .client = client, .argument = MODEL_ALWAYS};
    for (uint32_t i = 0; i < count && !model_step(&life->model, &call, results[i]); i++) {
    }
}

static uint32_t at_most(uint32_t value, uint32_t most)
{
    return value < most ? value : most;
}

/* How a device stands, as one number: who has it open, what is wrong with it, how many commands are where. */
static uint32_t shape_of(const struct model_device *device)
{
    uint32_t at[MODEL_ANSWERED + 1] = {0};
    for (uint32_t i = 0; i < device->command_count; i++) {
        at[device->commands[i].at]++;
    }
    uint32_t shape = (uint32_t)device->client_open + device->close_delivered; /* of three each */
    shape = shape * 3 + (uint32_t)device->server_open + device->server_closed;
    shape = shape * 4 + device->client_io_error * 2u + device->server_io_error;
    shape = shape * 3 + at_most(at[MODEL_WAITS], 2);
    shape = shape * 3 + at_most(at[MODEL_IN_HAND], 2);
    return shape * 3 + at_most(at[MODEL_ANSWERED], 2);
}
_Static_assert(3 * 3 * 4 * 3 * 3 * 3 < PLAY_DEVICE_SHAPES, "a number each");

static bool is_of_device(enum model_function function)
{
    return function == MODEL_CLIENT_OpenDevice || function == MODEL_CLIENT_GetCommand ||
           function == MODEL_CLIENT_CompleteCommand || function == MODEL_CLIENT_GetBufferHandle ||
           function == MODEL_SERVER_SendCommand || function == MODEL_SERVER_CloseDevice;
}

static bool steps(struct play *play, struct play_call *call, int32_t result)
{
    if (call->stale) {
        return result == VD_E_PROTOCOL;
    }
    return call->beside ? play_step_beside(play, call, result)
                        : model_step(&call->life->model, &call->model, result);
}

/* No table has what Create gives where its object does not fit (spec 3.3). */
static bool is_short_of_memory(const struct play *play, const struct play_call *call, int32_t result)
{
    return (play->memory_fails || !play_room_is_certain(play, 0)) && result == VD_E_MEMORY &&
           call->model.function == MODEL_CLIENT_Create && call->model.argument != MODEL_BAD_NAME &&
           call->model.argument != MODEL_BAD_CONFIGURATION &&
           model_call_state(&call->life->model, &call->model) == MODEL_DOES_NOT_EXIST;
}

/* Apart from is_allowed: its texts would be filled with every call. */
__attribute__((noinline)) static void refuse(struct play *play, const struct play_call *call,
                                             enum model_state state, int32_t result)
{
    char allowed[160] = "VD_E_PROTOCOL", name[MODEL_RESULT_TEXT];
    if (!call->stale) {
        list_allowed(&call->life->model, &call->model, allowed, sizeof allowed);
    }
    play_deviate(play, "it gave %s; allowed in %s is %s", model_result_name(result, name),
                 model_state_name(state), allowed);
}

static bool is_allowed(struct play *play, struct play_call *call, int32_t result)
{
    struct model_set *model = &call->life->model;
    if (call->model.function == MODEL_FUNCTION_COUNT) {
        return true;
    }
    enum model_state state = model_call_state(model, &call->model);
    /* A client that is late makes the server abort; how late it is only the clock knows. */
    if (call->life->asked.serverTimeOut != 0 && model->served && !model->aborted) {
        model->may_be_aborted = true;
    }
    struct play_transition transition = {
        .function = call->model.function,
        .state = model_call_state(call->beside ? play_before(play, call) : model, &call->model),
        .result = result,
        .device = is_of_device(call->model.function) ? shape_of(&model->devices[call->model.device]) : 0};
    if (is_short_of_memory(play, call, result)) {
        play->memory_fails = false;
        return true;
    }
    if (steps(play, call, result)) {
        transition.next = model_call_state(model, &call->model);
        if (play->host.transition != NULL) {
            play->host.transition(&transition);
        }
        return true;
    }
    refuse(play, call, state, result);
    return false;
}

bool play_judge(struct play *play, const struct play_row *row, struct play_call *call, int32_t result)
{
    /* Whom it was made on may have been there for a part of its time. */
    bool left_alone = call->deaths != play->deaths && call->model.function != MODEL_FUNCTION_COUNT &&
                      !model_set_allows(&call->life->model, &call->model, result);
    call->life->unknown = call->life->unknown || (left_alone && call->life != &play->nowhere);
    if (play_is_unknown(play, call->life)) {
        return play_judge_unknown(play, row, call, result);
    }
    bool allowed = is_allowed(play, call, result);
    if (allowed && row->after != NULL) {
        row->after(play, call, result);
    }
    return allowed;
}

void play_check_configuration(struct play *play, const struct VDConfig *due, const struct VDConfig *got)
{
    struct VDConfig copy = *got;
    copy.bufferAreaSize = due->bufferAreaSize; /* how buffers are packed is the core's affair */
    if (memcmp(&copy, due, sizeof copy) != 0) {
        play_deviate(play,
                     "the configuration is not what was settled: features 0x%x for 0x%x, block %u for %u, "
                     "alignment %u for %u, transfer %u for %u, prefix %u for %u, devices %u for %u",
                     got->features, due->features, got->blockSize, due->blockSize, got->alignment,
                     due->alignment, got->maxTransferSize, due->maxTransferSize, got->prefixZoneSize,
                     due->prefixZoneSize, got->deviceCount, due->deviceCount);
    }
}

void play_learn_of_abort(struct play *play, struct play_life *life)
{
    struct model_set *model = &life->model;
    if (model->may_be_aborted && server_set_abort_reason(play->server) != SERVER_ABORT_NONE) {
        model->aborted = true;
        model->may_be_aborted = false;
    }
}

void play_check_states(struct play *play)
{
    struct play_life *life = play->server_life;
    struct model_set *model = &life->model;
    if (play->server == NULL || model->server == MODEL_DOES_NOT_EXIST || play_is_leaving(play) ||
        play_is_unknown(play, life)) {
        return;
    }
    play_learn_of_abort(play, life);
    bool aborted = server_set_abort_reason(play->server) != SERVER_ABORT_NONE;
    if (aborted != model->aborted) {
        play_deviate(play, "afterwards the set is %s", aborted ? "aborted" : "not aborted");
    }
    if (server_set_client_closed(play->server) != model->closed) {
        play_deviate(play, "afterwards the server takes the client as %s",
                     model->closed ? "being there" : "gone");
    }
    for (uint32_t i = 0; i < SCENARIO_DEVICES_MAX && i < model->device_count; i++) {
        const struct model_device *device = &model->devices[i];
        if (device->server_open && !aborted &&
            (server_device_client_opened(play->server_devices[i]) != device->client_open ||
             server_device_has_io_error(play->server_devices[i]) != device->server_io_error)) {
            play_deviate(
                play, "afterwards the server takes device %u as not open by the client, or not as it is", i);
        }
    }
}
