/* What the server does once it has devices (spec 4): commands, completions, and how it leaves. */
#include <string.h>

#include "play_internal.h"

/* --- devices --- */

static int32_t make_open_device(struct play *play, struct play_call *call)
{
    call->server_device = (struct server_device *)(void *)call;
    return server_set_open_device(play->server, &call->server_device);
}

static void after_open_device(struct play *play, struct play_call *call, int32_t result)
{
    if ((result == 0) != (call->server_device != NULL)) {
        play_deviate(play, "it wrote %s device", result == 0 ? "no" : "a");
    } else if (result == 0) {
        play->server_devices[call->model.device] = call->server_device;
    }
}

static bool prepare_device(struct play *play, struct play_call *call)
{
    uint32_t index = (uint32_t)call->line->arg[0];
    call->server_device = index < SCENARIO_DEVICES_MAX ? play->server_devices[index] : NULL;
    call->model.device = index;
    call->stale = !call->life->model.devices[index % MODEL_DEVICES_MAX].server_open;
    /* They must be out of the device when Close runs (core/server.h), step by step. */
    return call->server_device != NULL && !(play->always_beside && play_is_leaving(play));
}

/* Data needs a buffer that nobody else has; what else a server could send breaks the format (peer_fuzzer). */
static bool prepare_send(struct play *play, struct play_call *call)
{
    const struct scenario_line *line = call->line;
    bool data = line->arg[1] == VDC_Read || line->arg[1] == VDC_Write;
    uint64_t size = (uint64_t)line->wide[0];
    if (!prepare_device(play, call)) {
        return false;
    }
    call->model.code = line->arg[1];
    if (data) {
        call->buffer = play_find_buffer(play, line->arg[2], &call->address);
        bool foreign = line->arg[2] > SCENARIO_BUFFERS_MAX;
        if (foreign ? false : call->buffer == NULL || call->buffer->busy) {
            return false;
        }
        uint64_t most = foreign ? 65536 : call->buffer->size;
        most = most < call->life->settled.maxTransferSize ? most : call->life->settled.maxTransferSize;
        size = size < most ? size : most;
        call->model.argument = foreign ? MODEL_BUFFER_FOREIGN : MODEL_ALWAYS;
        call->model.has_buffer = true;
    }
    call->command = play_new_command(play, call);
    if (call->command == NULL) {
        return false;
    }
    call->command->vds.size = (int32_t)size;
    play_fill_sent(call->command);
    if (call->buffer != NULL) {
        call->buffer->busy = true;
    }
    return true;
}

static int32_t make_send(struct play *play, struct play_call *call)
{
    (void)play;
    return server_device_send_command(call->server_device, &call->command->vds);
}

static void after_send(struct play *play, struct play_call *call, int32_t result)
{
    play_check_sent(play, call->command, result);
}

static int32_t make_close_device(struct play *play, struct play_call *call)
{
    (void)play;
    return server_device_close(call->server_device);
}

/* --- completions, waiting --- */

static bool prepare_completions(struct play *play, struct play_call *call)
{
    (void)call;
    return play_server_state(play) != MODEL_DOES_NOT_EXIST;
}

static int32_t make_completions(struct play *play, struct play_call *call)
{
    enum server_set_state state = SERVER_SET_LIVE;
    server_set_run_completions(play->server, &state);
    call->number = state == SERVER_SET_ABORTED;
    return 0;
}

static void after_completions(struct play *play, struct play_call *call, int32_t result)
{
    struct model_set *model = &call->life->model;
    (void)result;
    if (model->may_be_aborted && call->number != 0) { /* one that the round itself makes is not told yet */
        play_learn_of_abort(play, call->life);
    }
    if (model->aborted != (call->number != 0)) {
        play_deviate(play, "it says that the set is %s", call->number != 0 ? "aborted" : "not aborted");
        return;
    }
    play_check_round(play, call->life, model->aborted ? PLAY_ROUND_ABORTED : PLAY_ROUND_LIVE);
}

/* Alone it would wait for the client to answer, or for the server's other threads to close devices. */
static bool prepare_agent(struct play *play, struct play_call *call)
{
    enum model_state state = play_server_state(play);
    return call->beside || (state != MODEL_INITIALIZING && state != MODEL_ACTIVE);
}

static int32_t make_agent(struct play *play, struct play_call *call)
{
    (void)call;
    return server_set_execute_completion_agent(play->server);
}

static void after_agent(struct play *play, struct play_call *call, int32_t result)
{
    if (result == VD_E_ABORT || result == 0) {
        play_check_round(play, call->life, result != 0 ? PLAY_ROUND_LAST : PLAY_ROUND_LIVE);
    }
}

static int32_t make_wait(struct play *play, struct play_call *call)
{
    int64_t timeout = play_timeout(call);
    return server_set_wait(play->server, timeout < 0 ? OS_FOREVER : os_now() + timeout * 1000000);
}

/* In no table: it says that something happened, or that nothing did. */
static void after_wait(struct play *play, struct play_call *call, int32_t result)
{
    bool exists = play_server_state(play) != MODEL_DOES_NOT_EXIST;
    bool existed = exists || call->beside; /* a Close may have begun meanwhile, and ended already */
    bool allowed = (existed && (result == 0 || result == VD_E_TIMEOUT)) ||
                   ((!exists || call->beside) && result == VD_E_PROTOCOL);
    char text[MODEL_RESULT_TEXT];
    if (!allowed) {
        play_deviate(play, "it gave %s on a set that %s", model_result_name(result, text),
                     exists ? "exists" : "does not exist");
    }
}

/* --- ends --- */

static int32_t make_abort(struct play *play, struct play_call *call)
{
    (void)call;
    return server_set_signal_abort(play->server);
}

/* Nothing is on its way any more, and no buffer is the server's. */
static void leave(struct play *play, struct play_call *call)
{
    play_check_round(play, call->life, PLAY_ROUND_ABORTED);
    play_forget_shapes(call->life);
    play->buffer_count = 0;
}

static bool prepare_close(struct play *play, struct play_call *call)
{
    call->number = play_server_state(play) != MODEL_DOES_NOT_EXIST;
    return true;
}

static bool prepare_destroy(struct play *play, struct play_call *call)
{
    return !play_is_out(play, SCENARIO_SERVER) && prepare_close(play, call);
}

static int32_t make_close(struct play *play, struct play_call *call)
{
    (void)call;
    return server_set_close(play->server);
}

static void after_close(struct play *play, struct play_call *call, int32_t result)
{
    (void)result;
    if (call->number != 0) {
        leave(play, call);
    }
}

static int32_t make_destroy(struct play *play, struct play_call *call)
{
    (void)call;
    server_set_free(play->server);
    play->server = NULL;
    return 0;
}

static void after_destroy(struct play *play, struct play_call *call, int32_t result)
{
    static const int32_t results[] = {0, VD_E_PROTOCOL};
    play_assume(call->life, MODEL_SERVER_Close, 0, results, sizeof results / sizeof results[0]);
    after_close(play, call, result);
    memset(play->server_devices, 0, sizeof play->server_devices);
}

const struct play_row play_engine_rows[SCENARIO_VERB_COUNT] = {
    [SCENARIO_SERVER_OPEN_DEVICE] = {MODEL_SERVER_OpenDevice, NULL, make_open_device, after_open_device},
    [SCENARIO_SERVER_SEND_COMMAND] = {MODEL_SERVER_SendCommand, prepare_send, make_send, after_send},
    [SCENARIO_SERVER_EXECUTE_COMPLETION_AGENT] = {MODEL_SERVER_ExecuteCompletionAgent, prepare_agent,
                                                  make_agent, after_agent},
    [SCENARIO_SERVER_RUN_COMPLETIONS] = {MODEL_FUNCTION_COUNT, prepare_completions, make_completions,
                                         after_completions},
    [SCENARIO_SERVER_WAIT] = {MODEL_FUNCTION_COUNT, NULL, make_wait, after_wait},
    [SCENARIO_SERVER_CLOSE_DEVICE] = {MODEL_SERVER_CloseDevice, prepare_device, make_close_device, NULL},
    [SCENARIO_SERVER_SIGNAL_ABORT] = {MODEL_SERVER_SignalAbort, NULL, make_abort, NULL},
    [SCENARIO_SERVER_CLOSE] = {MODEL_SERVER_Close, prepare_close, make_close, after_close},
    [SCENARIO_SERVER_DESTROY] = {MODEL_FUNCTION_COUNT, prepare_destroy, make_destroy, after_destroy},
};
