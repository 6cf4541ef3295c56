/* Calls that begin, and others beside them: each on the thread of its actor.
 *
 * The model takes calls one after another, in the order in which they return. Where some overlap, a call may have been
 * made on what another one, which has not returned yet, has done already: then the model takes that one's step first. */
#include <string.h>

#include "play_internal.h"

enum {
    SLICE_NS = 251000000 /* a bit more than the core sleeps without looking around */
};

static bool is_leaving(enum model_function function)
{
    return function == MODEL_CLIENT_Close || function == MODEL_CLIENT_SignalAbort ||
           function == MODEL_SERVER_Close || function == MODEL_SERVER_SignalAbort;
}

bool play_is_out(const struct play *play, enum scenario_process process)
{
    for (uint32_t i = 0; play->threads_out > 0 && i < SCENARIO_THREADS_MAX; i++) {
        if (play->threads[scenario_actor(process, i)].out) {
            return true;
        }
    }
    return false;
}

bool play_is_leaving(const struct play *play)
{
    for (uint8_t who = 0; play->threads_out > 0 && who < PLAY_ACTORS; who++) {
        if (play->threads[who].out && is_leaving(play->threads[who].call.model.function)) {
            return true;
        }
    }
    return false;
}

/* --- the model --- */

static const int32_t endings[] = {0, VD_E_OPEN, VD_E_PROTOCOL};

static struct play_thread *thread_of(struct play *play, const struct play_call *call)
{
    return &play->threads[call->line->who];
}

const struct model_set *play_before(struct play *play, const struct play_call *call)
{
    return &thread_of(play, call)->before;
}

/* Tries the call on the model as `other`, which is out, may have left it: done, or just the abort inside it. Where it is
 * taken as done already, for what a third one gave, the call may still have met the abort alone. */
static bool step_after(const struct play_thread *self, struct play_call *call, int32_t result,
                       struct play_thread *other)
{
    static struct model_set saved;
    struct model_set *model = &call->life->model;
    struct model_call done = other->call.model;
    if (other->assumed && result != 0) {
        model_set_copy(&saved, &self->before);
        saved.aborted = true;
        if (model_set_allows(&saved, &call->model, result)) {
            return true;
        }
    }
    model_set_copy(&saved, model);
    for (size_t i = 0; !other->assumed && i < sizeof endings / sizeof endings[0]; i++) {
        if (model_step(model, &done, endings[i]) && model_step(model, &call->model, result)) {
            other->assumed = true;
            return true;
        }
        model_set_copy(model, &saved);
        done = other->call.model;
    }
    model->aborted = true;
    if (model_step(model, &call->model, result)) {
        return true;
    }
    model_set_copy(model, &saved);
    return false;
}

bool play_step_beside(struct play *play, struct play_call *call, int32_t result)
{
    struct play_thread *self = thread_of(play, call);
    struct model_set *model = &call->life->model;
    bool leaves = is_leaving(call->model.function);
    if (self->assumed) {
        return model_set_allows(&self->before, &call->model, result);
    }
    if (model_step(model, &call->model, result)) {
        return true;
    }
    for (uint32_t i = 0; self->overlaps && i < PLAY_ACTORS; i++) {
        struct play_thread *other = &play->threads[i];
        if (other != self && other->out && other->call.life == call->life &&
            is_leaving(other->call.model.function) && step_after(self, call, result, other)) {
            return true;
        }
    }
    /* The agent's end is what CloseDevice has brought about. */
    if (call->model.function == MODEL_SERVER_ExecuteCompletionAgent && result == 0) {
        return model->server == MODEL_TERMINATED;
    }
    /* It decided before the others did what they did. */
    if (!self->overlaps || !model_set_allows(&self->before, &call->model, result) ||
        (result == 0 && !leaves)) {
        return false;
    }
    if (leaves) {
        play_assume(call->life, call->model.function, call->model.client, endings,
                    sizeof endings / sizeof endings[0]);
    }
    return true;
}

/* --- the threads --- */

/* Somebody else has gone on since the last time that all slept, and has not returned: in which order the two did what
 * they do is not that of their returns. */
static bool is_interleaved(const struct play *play, const struct play_thread *self)
{
    bool possible = play->host.steps != NULL && play->scenario->schedule != SCENARIO_IN_ORDER;
    for (uint8_t who = 0; possible && play->threads_out > 0 && who < PLAY_ACTORS; who++) {
        const struct play_thread *other = &play->threads[who];
        if (other != self && other->out && play->host.steps(who) != other->steps) {
            return true;
        }
    }
    return false;
}

/* On the actor's thread. */
static void make(void *context)
{
    struct play_thread *self = context;
    struct play *play = self->play;
    int32_t result = play_make(play, self->row, &self->call);
    uint32_t line = play->line;
    self->result = result;
    self->returned = true;
    self->out = false;
    play->threads_out--;
    play_notice_deaths(play);
    play->unknown = play->unknown || is_interleaved(play, self);
    play->line = self->line; /* whatever is wrong is wrong with this one */
    if (self->line > 0) {
        play->outcome->results[self->line - 1] = result;
    }
    play_judge(play, self->row, &self->call, result);
    play->line = line;
}

/* A call that waits has nothing to return with yet: whatever there is would have woken it. */
static void check_asleep(struct play *play, const struct play_thread *thread)
{
    const struct play_call *call = &thread->call;
    if (!model_set_allows(&call->life->model, &call->model, VD_E_TIMEOUT)) {
        uint32_t line = play->line;
        play->line = thread->line;
        play_deviate(play, "it still waits although, since line %u, there is something for it", line);
        play->line = line;
    }
}

static bool has_commands(const struct model_set *model)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->device_count; i++) {
        count += model->devices[i].command_count;
    }
    return count > 0;
}

void play_note_refusals(struct play *play, struct play_life *life, uint32_t device)
{
    for (uint8_t i = 0; play->threads_out > 0 && i < PLAY_ACTORS; i++) {
        const struct play_thread *thread = &play->threads[i];
        const struct play_call *call = &thread->call;
        if (thread->out && !call->stale && call->life == life && call->model.device == device &&
            call->model.function == MODEL_CLIENT_GetCommand &&
            play_can_act(play, scenario_actor_process(i))) {
            model_set_wait(&life->model, device);
        }
    }
}

/* What a call that waits has done before it went to sleep: a GetCommand has refused what is not to be delivered, an agent
 * has called back for all that it could. */
static void note_waiting(struct play *play, const struct play_thread *thread)
{
    const struct play_call *call = &thread->call;
    struct play_life *life = call->life;
    switch (call->model.function) {
    case MODEL_CLIENT_GetCommand:
        model_set_wait(&life->model, call->model.device);
        check_asleep(play, thread);
        break;
    case MODEL_CLIENT_GetConfiguration:
        check_asleep(play, thread);
        break;
    case MODEL_SERVER_ExecuteCompletionAgent:
        play_learn_of_abort(play, life);
        if (!life->model.aborted) {
            play_check_round(play, life, PLAY_ROUND_LIVE);
        }
        if (life->model.aborted || (life->model.server == MODEL_TERMINATED && !has_commands(&life->model))) {
            play_deviate(play, "the agent is still at work");
        }
        break;
    default:
        break;
    }
}

/* To be at work is a state of its own, before the agent returns (spec 2.4). */
static void note_agent(struct play *play, struct play_thread *thread)
{
    const struct play_transition to_work = {
        .function = MODEL_SERVER_ExecuteCompletionAgent, .state = MODEL_INITIALIZING, .next = MODEL_ACTIVE};
    struct model_set *model = &thread->call.life->model;
    if (!thread->out || thread->call.model.function != to_work.function ||
        play_is_unknown(play, thread->call.life) ||
        model_set_state(model, MODEL_SERVER) != MODEL_INITIALIZING) {
        return;
    }
    if (play->host.transition != NULL) {
        play->host.transition(&to_work);
    }
    model->server = MODEL_ACTIVE;
    thread->before.server = MODEL_ACTIVE;
}

static void go_on(struct play *play, int64_t ns)
{
    uint32_t line = play->line;
    play->host.go_on(ns);
    play->line = line; /* who died in the middle of being judged has not put it back */
    for (uint8_t i = 0; play->host.steps != NULL && play->threads_out > 0 && i < PLAY_ACTORS; i++) {
        play->threads[i].steps = play->threads[i].out ? play->host.steps(i) : 0;
    }
    play_notice_deaths(play);
    bool leaving = play_is_leaving(play);
    for (uint8_t i = 0; !leaving && play->threads_out > 0 && i < PLAY_ACTORS; i++) {
        const struct play_thread *thread = &play->threads[i];
        if (thread->out && !thread->call.stale && !play_is_unknown(play, thread->call.life) &&
            play_can_act(play, scenario_actor_process(i))) {
            note_waiting(play, &play->threads[i]);
        }
    }
}

/* As long as time alone can end the call. */
static void wait_for(struct play *play, struct play_thread *thread)
{
    int64_t timeout = thread->call.line->verb == SCENARIO_CLIENT_GET_COMMAND ||
                              thread->call.line->verb == SCENARIO_CLIENT_GET_CONFIGURATION ||
                              thread->call.line->verb == SCENARIO_SERVER_WAIT
                          ? play_timeout(&thread->call)
                          : 0;
    if (thread->out && timeout > 0) {
        go_on(play, (timeout + 1) * 1000000);
    }
}

bool play_wait_for(struct play *play, uint8_t who)
{
    struct play_thread *thread = &play->threads[who];
    if (thread->out) {
        wait_for(play, thread);
    }
    bool returned = !thread->out && thread->returned;
    if (returned) {
        play->outcome->results[play->line - 1] = thread->result;
        thread->returned = false;
    }
    return returned;
}

bool play_beside(struct play *play, const struct play_row *row, struct play_call *call)
{
    const struct scenario_line *line = call->line;
    struct play_thread *thread = &play->threads[line->who];
    if (thread->out) {
        wait_for(play, thread);
    }
    if (thread->out || !play_can_act(play, scenario_actor_process(line->who)) ||
        (row->prepare != NULL && !row->prepare(play, call))) {
        return false;
    }
    for (uint32_t i = 0; play->threads_out > 0 && i < PLAY_ACTORS; i++) {
        play->threads[i].overlaps = true;
    }
    thread->play = play;
    thread->line = play->line;
    thread->row = row;
    thread->call = *call;
    thread->overlaps = play->threads_out > 0;
    thread->assumed = thread->returned = false;
    thread->steps = 0;
    model_set_copy(&thread->before, &call->life->model);
    thread->out = true;
    play->threads_out++;
    play->host.call(line->who, make, thread);
    go_on(play, 0);
    note_agent(play, thread);
    if ((line->flags & SCENARIO_BEGINS) == 0) {
        wait_for(play, thread);
    }
    return true;
}

/* Ends what all have, so that nobody has anything to wait for. */
static void abort_all(struct play *play)
{
    static const int32_t results[] = {0, VD_E_PROTOCOL};
    for (uint32_t i = 0; i < PLAY_CLIENTS; i++) {
        if (play->clients[i].set != NULL) {
            play->host.become((enum scenario_process)i);
            client_set_signal_abort(play->clients[i].set);
            play_assume(play->clients[i].life, MODEL_CLIENT_SignalAbort, i, results, 2);
            go_on(play, 0);
        }
    }
    if (play->server != NULL) {
        play->host.become(SCENARIO_SERVER);
        server_set_signal_abort(play->server);
        play_assume(play->server_life, MODEL_SERVER_SignalAbort, 0, results, 2);
    }
    do {
        go_on(play, 2 * SLICE_NS); /* who learned of the abort before it slept looks again only then */
    } while (play->threads_out > 0 && play_calm_down(play)); /* a Stop may have come late */
}

/* Nobody waits for the dead (spec 9.6). */
static void check_bereaved(struct play *play)
{
    uint32_t deaths;
    do {
        deaths = play->deaths;
        go_on(play, 2 * SLICE_NS);
    } while (play->deaths != deaths); /* there was not enough time to learn of the last one */
    for (uint32_t i = 0; play->threads_out > 0 && i < PLAY_ACTORS; i++) {
        const struct play_thread *thread = &play->threads[i];
        if (thread->out && play_is_alone(play, &thread->call)) {
            play->line = thread->line;
            play_deviate(play, "it still waits although the other side is dead");
            play->line = 0;
        }
    }
}

void play_end_threads(struct play *play)
{
    char text[128];
    if (play->threads_out > 0) {
        check_bereaved(play);
        abort_all(play);
    }
    for (uint8_t who = 0; play->threads_out > 0 && who < PLAY_ACTORS; who++) {
        if (play->threads[who].out) {
            play->line = play->threads[who].line;
            play->host.explain(who, text, sizeof text);
            play_deviate(play, "it does not return although the set is aborted: %s", text);
            play->line = 0;
        }
    }
}
