/* The player's calls as events (call_events.h): what a line says, in the terms of the function that it stands for. */
#include <stdlib.h>

#include "call_events.h"
#include "play_internal.h"

/* Lines that are a client's calls; the others have no counterpart among the events, but for a statement's two ends. */
static const uint16_t functions[SCENARIO_VERB_COUNT] = {
    [SCENARIO_CLIENT_CREATE] = VDI_FN_CREATE,
    [SCENARIO_CLIENT_OPEN_IN_SECONDARY] = VDI_FN_OPEN_IN_SECONDARY,
    [SCENARIO_CLIENT_GET_CONFIGURATION] = VDI_FN_GET_CONFIGURATION,
    [SCENARIO_CLIENT_OPEN_DEVICE] = VDI_FN_OPEN_DEVICE,
    [SCENARIO_CLIENT_GET_COMMAND] = VDI_FN_GET_COMMAND,
    [SCENARIO_CLIENT_COMPLETE_COMMAND] = VDI_FN_COMPLETE_COMMAND,
    [SCENARIO_CLIENT_GET_BUFFER_HANDLE] = VDI_FN_GET_BUFFER_HANDLE,
    [SCENARIO_CLIENT_MAP_BUFFER_HANDLE] = VDI_FN_MAP_BUFFER_HANDLE,
    [SCENARIO_CLIENT_REGISTER_DEVICE_CLOSED] = VDI_FN_REGISTER_DEVICE_CLOSED,
    [SCENARIO_CLIENT_SIGNAL_ABORT] = VDI_FN_SIGNAL_ABORT,
    [SCENARIO_CLIENT_CLOSE] = VDI_FN_CLOSE,
    [SCENARIO_CLIENT_DESTROY] = VDI_FN_DESTROY,
};

struct play_events {
    struct event_sink sink;
    struct call_events calls;
};

struct play_events *play_events_new(const struct play_host *host)
{
    struct play_events *events = calloc(1, sizeof *events);
    if (events != NULL) {
        events->sink = (struct event_sink){host->event, host->event_context, host->now};
    }
    return events;
}

void play_events_begin(struct play *play)
{
    if (play->events != NULL) {
        call_events_start(&play->events->calls, &play->events->sink);
    }
}

/* As with processes of an operating system: a process has the number of its first thread. */
static uint32_t thread_number(uint8_t who)
{
    return who + 1u;
}

static uint32_t process_number(uint8_t who)
{
    return thread_number(scenario_actor(scenario_actor_process(who), 0));
}

void play_events_killed(struct play *play, enum scenario_process process)
{
    static const enum process_role roles[] = {[SCENARIO_CLIENT] = PROCESS_CLIENT,
                                              [SCENARIO_SECONDARY] = PROCESS_DESCENDANT,
                                              [SCENARIO_ANOTHER] = PROCESS_DESCENDANT,
                                              [SCENARIO_SERVER] = PROCESS_SQL};
    if (play->events != NULL && play->line != 0) {
        call_events_killed(&play->events->calls, process_number(scenario_actor(process, 0)), roles[process]);
    }
}

/* --- a client's calls --- */

/* What the call is given. */
static struct made_call describe(const struct play_call *call)
{
    const struct scenario_line *line = call->line;
    struct made_call made = {.function = (enum vdi_function)functions[line->verb],
                             .process = scenario_actor_process(line->who),
                             .process_number = process_number(line->who),
                             .thread_number = thread_number(line->who),
                             .config = &call->config,
                             .block = call->block,
                             .buffer = call->address,
                             .handle = call->number};
    switch (made.function) {
    case VDI_FN_CREATE:
    case VDI_FN_OPEN_IN_SECONDARY:
        made.name = play_set_name((enum scenario_name)line->arg[0]);
        break;
    case VDI_FN_OPEN_DEVICE:
        made.name = play_device_name((uint32_t)line->arg[0]);
        made.device = (uint32_t)line->arg[0];
        break;
    case VDI_FN_GET_CONFIGURATION:
        made.timeout = line->wide[0] < 0 ? -1 : line->wide[0];
        break;
    case VDI_FN_GET_COMMAND:
        made.timeout = line->wide[0] < 0 ? -1 : line->wide[0];
        made.device = (uint32_t)line->arg[0];
        break;
    case VDI_FN_COMPLETE_COMMAND:
        made.device = (uint32_t)line->arg[0];
        made.completion = line->arg[1];
        made.bytes = (uint64_t)line->wide[0];
        made.position = line->wide[1];
        break;
    default:
        break;
    }
    return made;
}

/* What it has given. */
static void complete(struct made_call *made, const struct play_call *call)
{
    bool waits = made->function == VDI_FN_GET_CONFIGURATION || made->function == VDI_FN_GET_COMMAND;
    made->shortened = waits && made->timeout != play_timeout(call);
    made->block = call->block;
    made->buffer = call->address;
    made->handle = call->number;
    made->index = (int32_t)call->model.device;
}

static int32_t make_of_client(struct play *play, const struct play_row *row, struct play_call *call)
{
    struct call_events *events = &play->events->calls;
    struct made_call made = describe(call);
    call_events_begin(events, &made);
    int32_t result = row->make(play, call);
    complete(&made, call);
    call_events_end(events, &made, result == MODEL_VOID ? 0 : result);
    return result;
}

/* --- the server's --- */

/* What it is to be, the configuration that follows says. */
static bool restores(const struct play *play)
{
    for (uint32_t i = play->line; i < play->scenario->line_count; i++) {
        const struct scenario_line *line = &play->scenario->lines[i];
        if (line->verb == SCENARIO_SERVER_BEGIN_CONFIGURATION || line->verb == SCENARIO_SERVER_OPEN) {
            return line->verb == SCENARIO_SERVER_BEGIN_CONFIGURATION &&
                   ((uint32_t)line->arg[0] & VDF_ReadMedia) != 0;
        }
    }
    return false;
}

static int32_t make_open(struct play *play, const struct play_row *row, struct play_call *call)
{
    uint8_t who = call->line->who;
    int32_t result = row->make(play, call);
    if (result == 0) {
        call_events_attach(&play->events->calls, process_number(who), thread_number(who),
                           play_set_name((enum scenario_name)call->line->arg[0]),
                           call->life->model.device_count, restores(play));
    }
    return result;
}

/* Recorded before the server goes: what the client then learns of it comes later. */
static int32_t make_close(struct play *play, const struct play_row *row, struct play_call *call)
{
    enum model_state state = play_server_state(play);
    if (state != MODEL_DOES_NOT_EXIST) {
        call_events_leave(&play->events->calls, server_set_abort_reason(play->server) != SERVER_ABORT_NONE,
                          state == MODEL_TERMINATED);
    }
    return row->make(play, call);
}

int32_t play_make(struct play *play, const struct play_row *row, struct play_call *call)
{
    enum scenario_verb verb = call->line->verb;
    if (play->events == NULL || play->line == 0) {
        return row->make(play, call);
    }
    if (functions[verb] != VDI_FN_NONE) {
        return make_of_client(play, row, call);
    }
    switch (verb) {
    case SCENARIO_SERVER_OPEN:
        return make_open(play, row, call);
    case SCENARIO_SERVER_CLOSE:
    case SCENARIO_SERVER_DESTROY:
        return make_close(play, row, call);
    default:
        return row->make(play, call);
    }
}
