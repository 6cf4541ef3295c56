/* See schedule_judge.h. */
#include "schedule_judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim.h"
#include "transitions.h"

enum {
    LAST = 32, /* returns that a report lists */
    DEPTH = 3, /* calls whose effect one call sees before they return */
};

static struct {
    struct model_set model;
    struct judge_call *out;
    uint32_t returns;
    uint32_t lives; /* Creates that succeeded */
    struct {
        enum model_function function;
        uint32_t device;
        int32_t result;
    } last[LAST]; /* by number of the return, modulo */
} judge;

void judge_begin(uint32_t devices)
{
    model_set_init(&judge.model, devices, 0);
    judge.out = NULL;
    judge.returns = 0;
    judge.lives = 0;
}

uint32_t judge_returns(void)
{
    return judge.returns;
}

static bool is_abort(const struct judge_call *call)
{
    return call->model.function == MODEL_CLIENT_SignalAbort ||
           call->model.function == MODEL_SERVER_SignalAbort;
}

static bool is_close(const struct judge_call *call)
{
    return call->model.function == MODEL_CLIENT_Close || call->model.function == MODEL_SERVER_Close;
}

/* What a Close ends may return later than it: an abort, and the server's Open of a set that the client closes. */
static void note_crossing(struct judge_call *call, const struct judge_call *other)
{
    bool outlasts = is_abort(call) || call->model.function == MODEL_SERVER_Open;
    call->crosses_end |= is_abort(other) || (outlasts && is_close(other));
}

void judge_enter(struct judge_call *call, enum model_function function, uint32_t device)
{
    *call = (struct judge_call){.model = {.function = function, .device = device, .argument = MODEL_ALWAYS},
                                .next = judge.out,
                                .life = judge.lives};
    judge.out = call;
    call->found_nothing =
        function == MODEL_CLIENT_GetCommand && model_set_allows(&judge.model, &call->model, VD_E_TIMEOUT);
    for (struct judge_call *other = call->next; other != NULL; other = other->next) {
        note_crossing(call, other);
        note_crossing(other, call);
    }
    sim_call(model_function_name(function));
}

static void leave(struct judge_call *call)
{
    struct judge_call **link = &judge.out;
    while (*link != call) {
        link = &(*link)->next;
    }
    *link = call->next;
}

/* --- explanations --- */

static bool is_held(const struct model_device *device, uint32_t order)
{
    const struct model_command *held = model_held_command(device, 0);
    for (uint32_t n = 1; held != NULL && held->order != order; n++) {
        held = model_held_command(device, n);
    }
    return held != NULL;
}

/* A GetCommand gives that command and no other. */
static bool steps(struct judge_call *call, int32_t result, uint32_t order)
{
    struct model_device *device = &judge.model.devices[call->model.device], before = *device;
    if (call->model.function == MODEL_CLIENT_CompleteCommand && result == 0 &&
        !is_held(device, call->model.order)) {
        return false;
    }
    bool gives = call->model.function == MODEL_CLIENT_GetCommand && result == 0;
    if (!model_step(&judge.model, &call->model, result)) {
        return false;
    }
    if (gives && call->model.order != order) {
        *device = before; /* all that it changes */
        return false;
    }
    return true;
}

/* The agent's end is what the last CloseDevice has brought about. */
static bool is_explained(struct judge_call *call, int32_t result, uint32_t order)
{
    if (call->model.function == MODEL_SERVER_ExecuteCompletionAgent && result == 0) {
        return judge.model.server == MODEL_TERMINATED;
    }
    /* A poll's look may be long past. */
    return (result == VD_E_TIMEOUT && call->found_nothing) || steps(call, result, order);
}

/* What one thread does for others to see; only an abort may come too late for a Close. */
static bool is_seen(const struct judge_call *other, const struct judge_call *by)
{
    enum model_function function = other->model.function;
    return !other->assumed && (function == MODEL_CLIENT_Create || function == MODEL_SERVER_EndConfiguration ||
                               function == MODEL_SERVER_SendCommand || function == MODEL_SERVER_CloseDevice ||
                               is_abort(other) || (is_close(other) && is_abort(by)));
}

/* At most `depth` others have done their work and not returned yet. */
static bool is_explained_by_others(struct judge_call *call, int32_t result, uint32_t order, uint32_t depth)
{
    static struct model_set saved[DEPTH];
    if (depth == 0) {
        return false;
    }
    saved[depth - 1] = judge.model;
    for (struct judge_call *other = judge.out; other != NULL; other = other->next) {
        if (!is_seen(other, call) || !steps(other, 0, 0)) {
            continue;
        }
        other->assumed = true;
        if (is_explained(call, result, order) || is_explained_by_others(call, result, order, depth - 1)) {
            return true;
        }
        other->assumed = false;
        judge.model = saved[depth - 1];
    }
    return false;
}

static bool is_possible(struct judge_call *call, int32_t result, uint32_t order)
{
    return is_explained(call, result, order) || is_explained_by_others(call, result, order, DEPTH);
}

/* It was over when the abort came, whatever others had done by then. */
static bool is_possible_without_abort(struct judge_call *call, int32_t result, uint32_t order)
{
    bool aborted = judge.model.aborted;
    judge.model.aborted = false;
    bool possible = is_possible(call, result, order);
    judge.model.aborted = judge.model.aborted || aborted;
    return possible;
}

/* The abort whose result a client's call has got is the client's: also one of a server that had left by then. */
static void learn_of_abort(const struct judge_call *call)
{
    bool creates = false;
    for (const struct judge_call *other = judge.out; other != NULL; other = other->next) {
        creates |= other->model.function == MODEL_CLIENT_Create;
    }
    judge.model.aborted |= !creates && call->life == judge.lives;
}

/* Beside an abort a call may end with it or not, and what it does may be undone: a command that is fetched may be refused
 * to who sent it. What it has done before the abort others beside that may still find, so its step is taken if it can be:
 * an agent finds the set terminated. Otherwise nothing matters any more, but that the server has a set. */
static bool is_excused(struct judge_call *call, int32_t result, uint32_t order)
{
    if (call->crosses_end && call->model.function == MODEL_SERVER_Open && result == 0) {
        judge.model.server = MODEL_CONNECTED;
        judge.model.served = true;
    }
    if (call->crosses_end && result == VD_E_ABORT &&
        model_function_table(call->model.function) == MODEL_CLIENT) {
        learn_of_abort(call);
    }
    return call->crosses_end && (is_possible_without_abort(call, result, order) || result == 0 ||
                                 result == VD_E_ABORT || result == VD_E_CLOSE || result == VD_E_TIMEOUT);
}

/* --- callbacks --- */

bool judge_call_back(uint32_t device, uint32_t order)
{
    const struct model_device *model = &judge.model.devices[device];
    for (struct judge_call *call = judge.out; call != NULL; call = call->next) {
        if (call->model.function == MODEL_CLIENT_CompleteCommand && call->model.device == device &&
            call->model.order == order && !call->assumed) {
            call->assumed = steps(call, 0, 0);
        }
    }
    uint32_t i = 0;
    while (i < model->command_count && model->commands[i].order != order) {
        i++;
    }
    /* One that is not there any more was answered when another one was called back. */
    bool answered = i == model->command_count || model->commands[i].at == MODEL_ANSWERED;
    model_set_deliver(&judge.model);
    return answered;
}

/* --- returns --- */

static void count(const struct judge_call *call, enum model_state state, int32_t result)
{
    uint32_t others = 0;
    for (const struct judge_call *other = judge.out; other != NULL; other = other->next) {
        others = others * 31 + (uint32_t)other->model.function + 1;
    }
    transitions_count(&(struct play_transition){.function = call->model.function,
                                                .state = state,
                                                .result = result,
                                                .device = others % PLAY_DEVICE_SHAPES});
}

static const char *side_of(enum model_function function)
{
    return model_function_table(function) == MODEL_CLIENT ? "client" : "server";
}

void judge_print(void)
{
    char name[MODEL_RESULT_TEXT];
    for (uint32_t i = judge.returns > LAST ? judge.returns - LAST : 0; i < judge.returns; i++) {
        enum model_function function = judge.last[i % LAST].function;
        fprintf(stderr, "%u: %s %s(%u) -> %s\n", i + 1, side_of(function), model_function_name(function),
                judge.last[i % LAST].device, model_result_name(judge.last[i % LAST].result, name));
    }
    for (const struct judge_call *call = judge.out; call != NULL; call = call->next) {
        fprintf(stderr, "not returned: %s %s(%u)\n", side_of(call->model.function),
                model_function_name(call->model.function), call->model.device);
    }
}

void judge_return(struct judge_call *call, int32_t result, uint32_t order)
{
    enum model_state state = model_set_state(&judge.model, model_function_table(call->model.function));
    judge.last[judge.returns % LAST].function = call->model.function;
    judge.last[judge.returns % LAST].device = call->model.device;
    judge.last[judge.returns % LAST].result = result;
    judge.returns++;
    sim_note((uint32_t)result);
    leave(call);
    count(call, state, result);
    judge.lives += call->model.function == MODEL_CLIENT_Create && result == 0;
    bool allowed =
        (call->assumed ? result == 0 : is_possible(call, result, order)) || is_excused(call, result, order);
    if (!allowed) {
        judge_print();
        fprintf(stderr, "schedule: the last result is not allowed in %s\n", model_state_name(state));
        abort();
    }
}
