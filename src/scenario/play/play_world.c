/* What happens around the calls: processes that die, stop and go on, memory that fails, time, a stranger's writes. */
#include <string.h>

#include "play_internal.h"

/* --- deaths --- */

static const int processes = SCENARIO_SERVER + 1;

bool play_can_act(const struct play *play, enum scenario_process process)
{
    return play->host.being == NULL || play->host.being(process) == PLAY_LIVES;
}

/* Between two lines a call that is out sleeps, and these have done nothing before that. */
static bool only_waits(enum scenario_verb verb)
{
    return verb == SCENARIO_CLIENT_GET_COMMAND || verb == SCENARIO_CLIENT_GET_CONFIGURATION ||
           verb == SCENARIO_SERVER_EXECUTE_COMPLETION_AGENT || verb == SCENARIO_SERVER_WAIT;
}

/* What its calls have done of what they do nobody can say, unless they only waited. */
static void drop_threads(struct play *play, enum scenario_process process)
{
    for (uint32_t i = 0; i < SCENARIO_THREADS_MAX; i++) {
        struct play_thread *thread = &play->threads[scenario_actor(process, i)];
        const struct scenario_line *line = thread->call.line;
        if (thread->out && (play->always_beside || !only_waits((enum scenario_verb)line->verb))) {
            thread->call.life->unknown = thread->call.life != &play->nowhere;
        }
        if (thread->out && line->verb == SCENARIO_CLIENT_CREATE) {
            play->bereft[line->arg[0]] = true;
        }
        play->threads_out -= thread->out;
        thread->out = thread->returned = false;
    }
}

static void bury_client(struct play *play, uint32_t number)
{
    struct play_client *client = &play->clients[number];
    struct play_life *life = client->life;
    play_let_go(play, life, number);
    model_set_kill_client(&life->model, number);
    client->set = NULL;
    memset(client->devices, 0, sizeof client->devices);
    memset(client->completed, 0, sizeof client->completed);
}

/* Its commands are nobody's to call back any more, but still the client's to fetch. */
static void bury_server(struct play *play)
{
    struct play_life *life = play->server_life;
    /* Areas that it has made since the set's name went have names that only it knew. */
    if (life->created && !model_set_lives(&life->model) && play->host.litter != NULL) {
        play->host.litter();
    }
    for (uint32_t i = play->first_command; i < play->command_count; i++) {
        play->commands[i].orphaned = play->commands[i].orphaned || play->commands[i].life == life;
    }
    model_set_kill_server(&life->model);
    play_forget_shapes(life);
    play->buffer_count = 0;
    play->server = NULL;
    memset(play->server_devices, 0, sizeof play->server_devices);
}

static void bury(struct play *play, enum scenario_process process)
{
    struct play_life *life = process == SCENARIO_SERVER ? play->server_life : play->clients[process].life;
    drop_threads(play, process);
    play_events_killed(play, process);
    play->dead[process] = true;
    play->deaths++;
    if (life->created) {
        play->bereft[life->name] = true;
    }
    if (process == SCENARIO_SERVER) {
        bury_server(play);
    } else {
        bury_client(play, process);
    }
}

void play_notice_deaths(struct play *play)
{
    for (int i = 0; play->host.being != NULL && i < processes; i++) {
        enum scenario_process process = (enum scenario_process)i;
        if (!play->dead[i] && play->host.being(process) == PLAY_IS_DEAD) {
            bury(play, process);
        }
    }
}

/* --- lines --- */

/* Whom the line is about is there for it. */
static bool makes_sense(const struct play *play, const struct scenario_line *line)
{
    enum scenario_process target = (enum scenario_process)line->arg[0];
    switch (line->verb) {
    case SCENARIO_WORLD_KILL:
    case SCENARIO_WORLD_STOP:
        return play_can_act(play, target);
    case SCENARIO_WORLD_CONTINUE:
        return line->arg[1] != 0 || !play_can_act(play, target);
    default:
        return true;
    }
}

static bool comes_later(const struct scenario_line *line)
{
    uint32_t after_at = line->verb == SCENARIO_WORLD_SET || line->verb == SCENARIO_WORLD_ADD ||
                                line->verb == SCENARIO_WORLD_FLIP
                            ? 2
                            : 1;
    return line->verb != SCENARIO_WORLD_ADVANCE && line->verb != SCENARIO_WORLD_FAIL_MEMORY &&
           line->arg[after_at] != 0;
}

static bool is_write(const struct scenario_line *line)
{
    return line->verb == SCENARIO_WORLD_SET || line->verb == SCENARIO_WORLD_ADD ||
           line->verb == SCENARIO_WORLD_FLIP || line->verb == SCENARIO_WORLD_STORM;
}

bool play_world(struct play *play, const struct scenario_line *line)
{
    if (play->host.world == NULL || !makes_sense(play, line)) {
        return false;
    }
    /* What stops a process, or lets another go on, at a step leaves the call there half done beside the next ones. */
    bool halves = line->verb == SCENARIO_WORLD_STOP || line->verb == SCENARIO_WORLD_SWITCH;
    if (is_write(line) || (comes_later(line) && halves)) {
        play->unknown = true;
    }
    if (is_write(line) && play->host.litter != NULL) {
        play->overwritten = true;
        play->host.litter(); /* names are in what is written over */
    }
    play->always_beside = play->always_beside || play->unknown || comes_later(line);
    play->memory_fails = play->memory_fails || line->verb == SCENARIO_WORLD_FAIL_MEMORY;
    if (!play->host.world(line)) {
        return false;
    }
    play_notice_deaths(play);
    return true;
}

/* --- the end --- */

bool play_calm_down(struct play *play)
{
    bool stood = false;
    for (int i = 0; play->host.being != NULL && i < processes; i++) {
        const struct scenario_line line = {
            .verb = SCENARIO_WORLD_CONTINUE, .who = scenario_actor(SCENARIO_WORLD, 0), .arg = {i}};
        if (play->host.being((enum scenario_process)i) == PLAY_STANDS) {
            stood = play->host.world(&line);
        }
    }
    if (play->memory_fails) {
        const struct scenario_line line = {.verb = SCENARIO_WORLD_FAIL_MEMORY,
                                           .who = scenario_actor(SCENARIO_WORLD, 0),
                                           .arg = {-1}}; /* behind the last one that there can be */
        (void)play->host.world(&line);
        play->memory_fails = false;
    }
    return stood;
}

bool play_is_alone(const struct play *play, const struct play_call *call)
{
    const struct model_set *model = &call->life->model;
    bool server_died = model->served && play->dead[SCENARIO_SERVER] && play->server_life == call->life;
    bool primary_died = !model->closed && play->dead[model->primary];
    if (!call->life->created || play_is_unknown(play, call->life)) {
        return false;
    }
    switch (call->model.function) {
    case MODEL_CLIENT_GetCommand:
    case MODEL_CLIENT_GetConfiguration:
        return server_died;
    case MODEL_SERVER_ExecuteCompletionAgent:
        return primary_died;
    default:
        return false;
    }
}

/* A process of nobody's creates a set of the name (spec 9.6: what the dead left is no set), and closes it. */
static void take_over(struct play *play, struct client_set *set, uint8_t name)
{
    const struct VDConfig config = {.deviceCount = 1, .features = VDF_LikePipe};
    char text[MODEL_RESULT_TEXT];
    int32_t result = client_set_create(set, play_set_name((enum scenario_name)name), &config);
    if (result == 0) {
        result = client_set_close(set);
    }
    bool short_of_memory = result == VD_E_MEMORY && !play_room_is_certain(play, 0);
    if (result != 0 && !play->overwritten && !short_of_memory) {
        play_deviate(play, "a set of the name that a dead process had cannot be created and closed: %s",
                     model_result_name(result, text));
    }
}

void play_take_over(struct play *play)
{
    struct client_set *set = NULL;
    for (uint8_t name = 0; name <= SCENARIO_NAME_LONGEST; name++) {
        if (!play->bereft[name]) {
            continue;
        }
        play_become(play, SCENARIO_WORLD);
        set = set != NULL ? set : client_set_new();
        if (set != NULL) {
            take_over(play, set, name);
        }
    }
    client_set_free(set);
}
