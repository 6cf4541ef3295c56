/* A set whose state nobody knows: after a stranger's writes, a death inside of a call, calls that were interleaved step
 * by step. What remains is what each side promises whatever the other does (core/client.h, core/server.h). */
#include <string.h>

#include "play_internal.h"

bool play_is_unknown(const struct play *play, const struct play_life *life)
{
    return play->unknown || life->unknown;
}

/* --- results --- */

/* Where the tables have none: what shared memory's own failures give, and the functions that are ours. */
static bool is_listed_beside(const struct play_call *call, int32_t result)
{
    switch (call->line->verb) {
    case SCENARIO_CLIENT_CREATE:
    case SCENARIO_CLIENT_OPEN_IN_SECONDARY:
        return result == VD_E_MEMORY;
    case SCENARIO_SERVER_NAME_DEVICE:
        return result == 0 || result == VD_E_PROTOCOL || result == VD_E_ABORT || result == VD_E_INVALID;
    case SCENARIO_SERVER_WAIT:
        return result == 0 || result == VD_E_PROTOCOL || result == VD_E_ABORT || result == VD_E_TIMEOUT;
    default:
        return call->model.function == MODEL_FUNCTION_COUNT;
    }
}

static bool is_documented(const struct play *play, const struct play_call *call, int32_t result)
{
    for (int state = 0; call->model.function != MODEL_FUNCTION_COUNT && state < MODEL_STATE_COUNT; state++) {
        if (model_allows(call->model.function, (enum model_state)state, result, play->dialects)) {
            return true;
        }
    }
    return is_listed_beside(call, result);
}

/* --- what is remembered --- */

/* Every byte that the side may use is there, and not only for reading. */
static void touch(uint8_t *buffer, uint64_t size)
{
    for (uint64_t at = 0; at < size; at = at + 1 < size ? size - 1 : size) {
        __atomic_fetch_add(&buffer[at], 1, __ATOMIC_RELAXED);
    }
}

static void note_fetched(struct play_call *call)
{
    const struct VDC_Command *block = call->block;
    if (block->buffer != NULL) {
        /* How large the zone is a secondary has read where strangers write. */
        bool primary = call->model.client == call->life->model.primary;
        uint32_t prefix = primary ? call->life->asked.prefixZoneSize : 0;
        touch(block->buffer - prefix, (uint64_t)prefix + (uint64_t)(block->size > 0 ? block->size : 0));
    }
    /* What CompleteCommand is made with. */
    call->client->completed[call->line->arg[0] % SCENARIO_DEVICES_MAX] = call->block;
}

/* Whoever calls back has done so once (called_back looks for more), and after Close for all. */
static void settle_commands(struct play *play, struct play_life *life, bool all)
{
    for (uint32_t i = play->first_command; i < play->command_count; i++) {
        struct play_command *command = &play->commands[i];
        if (command->life != life || command->at == PLAY_DONE) {
            continue;
        }
        if (all && command->at == PLAY_OUTSTANDING) {
            play_deviate(play, "command %u of device %u is not called back", command->order, command->device);
        }
        command->at = all || command->at == PLAY_CALLED_BACK ? PLAY_DONE : command->at;
    }
}

static void note_buffer(struct play *play, const struct play_call *call)
{
    play->buffers[play->buffer_count++] = (struct play_buffer){.address = call->address,
                                                               .size = (uint32_t)call->line->arg[0],
                                                               .shape = PLAY_SHAPES_MAX,
                                                               .live = true};
    touch(call->address, (uint32_t)call->line->arg[0]);
}

static void note_opened(struct play *play, const struct play_call *call)
{
    struct model_set *model = &call->life->model;
    for (uint32_t i = 0; call->life != &play->nowhere && i < model->device_count; i++) {
        if (!model->devices[i].server_open) {
            model->devices[i].server_open = true;
            play->server_devices[i] = call->server_device;
            return;
        }
    }
}

static void note_left(struct play *play, const struct play_row *row, struct play_call *call)
{
    struct model_set *model = &call->life->model;
    if (call->client == NULL) {
        if (!play_is_out(play, SCENARIO_SERVER)) { /* else another Close may be on its way */
            settle_commands(play, call->life, true);
        }
        model->released = model->released || model->server != MODEL_DOES_NOT_EXIST;
        model->server = MODEL_DOES_NOT_EXIST;
        play_forget_shapes(call->life);
        play->buffer_count = 0;
        if (play->server == NULL) {
            memset(play->server_devices, 0, sizeof play->server_devices);
        }
        return;
    }
    row->after(play, call, 0);
    model->clients[call->model.client] = MODEL_DOES_NOT_EXIST;
}

/* Which side has a set, and what it may use of it. */
static void note_entered(struct play *play, const struct play_row *row, struct play_call *call)
{
    struct model_set *model = &call->life->model;
    row->after(play, call, 0);
    if (call->life == &play->nowhere) {
        return; /* of a set that was taken for gone: it is of no life that we know */
    }
    if (call->client == NULL) {
        model->server = MODEL_CONNECTED;
        model->served = true;
        return;
    }
    model->clients[call->model.client] = MODEL_CONFIGURABLE;
    model->primary = call->line->verb == SCENARIO_CLIENT_CREATE ? call->model.client : model->primary;
}

static void note(struct play *play, const struct play_row *row, struct play_call *call, int32_t result)
{
    switch (call->line->verb) {
    case SCENARIO_CLIENT_CREATE:
    case SCENARIO_CLIENT_OPEN_IN_SECONDARY:
    case SCENARIO_SERVER_OPEN:
        note_entered(play, row, call);
        break;
    case SCENARIO_CLIENT_OPEN_DEVICE:
    case SCENARIO_CLIENT_GET_BUFFER_HANDLE:
        row->after(play, call, result);
        break;
    case SCENARIO_CLIENT_GET_COMMAND:
        note_fetched(call);
        break;
    case SCENARIO_SERVER_OPEN_DEVICE:
        note_opened(play, call);
        break;
    case SCENARIO_SERVER_ALLOCATE_BUFFER:
        note_buffer(play, call);
        break;
    case SCENARIO_SERVER_FREE_BUFFER:
        play_free_buffer(play, call->buffer);
        break;
    default:
        break;
    }
}

bool play_judge_unknown(struct play *play, const struct play_row *row, struct play_call *call, int32_t result)
{
    bool leaves = call->line->verb == SCENARIO_CLIENT_CLOSE || call->line->verb == SCENARIO_SERVER_CLOSE ||
                  call->line->verb == SCENARIO_CLIENT_DESTROY || call->line->verb == SCENARIO_SERVER_DESTROY;
    char name[MODEL_RESULT_TEXT];
    if (!is_documented(play, call, result)) {
        play_deviate(play, "it gave %s, which it has in no state", model_result_name(result, name));
        return false;
    }
    if (leaves) {
        note_left(play, row, call);
    } else if (result == 0) {
        note(play, row, call, result);
    }
    if (call->line->verb == SCENARIO_SERVER_SEND_COMMAND &&
        (result != 0) != (call->command->at == PLAY_CALLED_BACK) && result != 0) {
        play_deviate(play, "a command that was refused was not called back");
    }
    if (call->client == NULL && !leaves) {
        settle_commands(play, call->life, false);
    }
    return true;
}
