/* See play.h. The loop over the lines. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play_internal.h"

enum {
    TIMEOUT_MAX = 60000 /* milliseconds; more is for ever */
};

/* --- words --- */

/* 259 bytes are a set's longest name (VDI-CREATE-002). */
#define N_16      "nnnnnnnnnnnnnnnn"
#define N_64      N_16 N_16 N_16 N_16
#define N_LONGEST N_64 N_64 N_64 N_64 "nnn"
_Static_assert(sizeof N_LONGEST == 259 + 1, "with its NUL");

const char *play_set_name(enum scenario_name name)
{
    static const char *const names[SCENARIO_NAME_COUNT] = {
        [SCENARIO_NAME_SET] = "set",
        [SCENARIO_NAME_OTHER] = "other",
        [SCENARIO_NAME_LONGEST] = N_LONGEST,
        [SCENARIO_NAME_EMPTY] = "",
        [SCENARIO_NAME_TOO_LONG] = N_LONGEST "n",
        [SCENARIO_NAME_BACKSLASH] = "back\\slash",
    };
    return names[name];
}

/* The one behind the last can be no device's. */
const char *play_device_name(uint32_t name)
{
    static const char *const names[SCENARIO_DEVICES_MAX + 1] = {"device-0", "device-1", "device-2",
                                                                "device-3", "device-4", "device-5",
                                                                "device-6", "device-7", "un\\known"};
    return names[name];
}

/* --- deviations --- */

void play_deviate(struct play *play, const char *format, ...)
{
    struct play_outcome *outcome = play->outcome;
    char what[PLAY_DEVIATION_MAX], line[128];
    va_list arguments;
    if (outcome->deviation[0] != '\0' || (play->host.excuses != NULL && play->host.excuses())) {
        return; /* the first one explains the others */
    }
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    outcome->deviating_line = play->line;
    if (play->line == 0) {
        snprintf(outcome->deviation, sizeof outcome->deviation, "the end: %s", what);
        return;
    }
    struct scenario_line made = play->scenario->lines[play->line - 1];
    made.expects = 0;
    scenario_print_line(&made, line, sizeof line);
    snprintf(outcome->deviation, sizeof outcome->deviation, "line %u, %s: %s", play->line, line, what);
}

/* --- lines --- */

int64_t play_timeout(const struct play_call *call)
{
    int64_t timeout = call->line->wide[0];
    if (!call->beside) {
        return timeout != 0;
    }
    return timeout < 0 || timeout > TIMEOUT_MAX ? -1 : timeout;
}

void play_become(struct play *play, enum scenario_process process)
{
    if (play->host.become != NULL) {
        play->host.become(process);
    }
}

static void begin_line(struct play *play, uint32_t line)
{
    play->line = line;
    if (play->host.line != NULL) {
        play->host.line(line);
    }
}

/* Side objects that a Destroy has taken are made again by the next call. False: no memory. */
static bool revive(struct play *play, struct play_client *client)
{
    if (client == NULL) {
        play->server = play->server != NULL ? play->server : server_set_new();
        return play->server != NULL;
    }
    client->set = client->set != NULL ? client->set : client_set_new();
    return client->set != NULL;
}

static const struct play_row *find_row(enum scenario_verb verb)
{
    return play_client_rows[verb].make != NULL   ? &play_client_rows[verb]
           : play_server_rows[verb].make != NULL ? &play_server_rows[verb]
                                                 : &play_engine_rows[verb];
}

/* False: there was nothing to call. */
static bool play_line(struct play *play, const struct scenario_line *line)
{
    enum scenario_process process = scenario_actor_process(line->who);
    struct play_client *client = process < SCENARIO_SERVER ? &play->clients[process] : NULL;
    const struct play_row *row = find_row(line->verb);
    struct play_call call = {.line = line,
                             .life = client != NULL ? client->life : play->server_life,
                             .client = client,
                             .deaths = play->deaths,
                             .model = {.function = row->function, .argument = MODEL_ALWAYS}};
    bool threads = play->host.call != NULL;
    bool made = false;
    if (process == SCENARIO_WORLD) {
        return play_world(play, line);
    }
    if (row->make == NULL || !play_can_act(play, process)) {
        return false;
    }
    if ((line->flags & SCENARIO_ENDS) != 0) {
        return play_wait_for(play, line->who);
    }
    play_become(play, process);
    if (!revive(play, client)) {
        return false;
    }
    call.model.client = client != NULL ? play_client_number(play, client) : 0;
    call.beside =
        threads && (play->threads_out > 0 || (line->flags & SCENARIO_BEGINS) != 0 || play->always_beside);
    if (call.beside) {
        made = play_beside(play, row, &call);
    } else if (row->prepare == NULL || row->prepare(play, &call)) {
        int32_t result = play_make(play, row, &call);
        made = true;
        if (play->line > 0) {
            play->outcome->results[play->line - 1] = result;
        }
        play_judge(play, row, &call, result);
    }
    play_check_states(play);
    return made;
}

/* --- the whole --- */

void play_life_init(struct play_life *life, uint32_t device_count, uint32_t dialects)
{
    model_set_init(&life->model, device_count, dialects);
    life->created = life->unknown = false;
    life->asked = life->settled = (struct VDConfig){0};
    life->shape_count = life->area_count = 0;
    memset(life->named, 0, sizeof life->named);
}

static void set_dialects(uint32_t dialects)
{
    char words[256];
    size_t length = 0;
    words[0] = '\0';
    for (int i = MODEL_NO_DIALECT + 1; i < MODEL_DIALECT_UNOFFERED; i++) {
        if ((dialects >> i & 1) != 0) {
            length += (size_t)snprintf(words + length, sizeof words - length, "%s%s", length > 0 ? "," : "",
                                       model_dialect_word((enum model_dialect)i));
        }
    }
    setenv("VDI_DIALECT", words, 1);
}

static void begin(struct play *play, const struct scenario *scenario)
{
    uint32_t dialects = scenario->dialects & MODEL_ANY_DIALECTS;
    if (dialects != 0) {
        set_dialects(dialects);
    }
    play->dialects = dialects;
    play->scenario = scenario;
    play->line = 0;
    play->life_count = 0;
    play_life_init(&play->nowhere, 1, dialects);
    play->server_life = &play->nowhere;
    memset(play->clients, 0, sizeof play->clients);
    for (uint32_t i = 0; i < PLAY_CLIENTS; i++) {
        play->clients[i].life = &play->nowhere;
    }
    play->buffer_count = play->command_count = play->first_command = play->handle_count = 0;
    for (uint32_t i = 0; i < PLAY_ACTORS; i++) {
        play->threads[i].out = play->threads[i].returned = false;
    }
    play->threads_out = 0;
    play->area_bytes = 0;
    play->always_beside = scenario->schedule != SCENARIO_IN_ORDER;
    play->unknown = play->overwritten = play->memory_fails = false;
    memset(play->dead, 0, sizeof play->dead);
    play->deaths = 0;
    memset(play->bereft, 0, sizeof play->bereft);
    memset(play->server_devices, 0, sizeof play->server_devices);
    play_events_begin(play);
}

bool play_has_object(const struct play *play, enum scenario_process process)
{
    return process < SCENARIO_SERVER ? play->clients[process].set != NULL : play->server != NULL;
}

/* All go, whoever is first; what is on its way is called back. */
static void end(struct play *play)
{
    /* By process; a call may be out for longer than this function's time. */
    static const struct scenario_line destroy[] = {
        {.verb = SCENARIO_CLIENT_DESTROY, .who = SCENARIO_CLIENT * SCENARIO_THREADS_MAX},
        {.verb = SCENARIO_CLIENT_DESTROY, .who = SCENARIO_SECONDARY * SCENARIO_THREADS_MAX},
        {.verb = SCENARIO_CLIENT_DESTROY, .who = SCENARIO_ANOTHER * SCENARIO_THREADS_MAX},
        {.verb = SCENARIO_SERVER_DESTROY, .who = SCENARIO_SERVER * SCENARIO_THREADS_MAX},
    };
    const uint64_t count = sizeof destroy / sizeof destroy[0];
    begin_line(play, 0);
    (void)play_calm_down(play);
    play_end_threads(play);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t process = (i + play->scenario->seed) % count;
        (void)play_calm_down(play); /* a Stop that comes so many steps later may come now */
        if (play_has_object(play, (enum scenario_process)process)) {
            (void)play_line(play, &destroy[process]);
        }
    }
    play_end_threads(play);
    for (uint32_t i = play->first_command; i < play->command_count; i++) {
        if (play->commands[i].at != PLAY_DONE && !play->commands[i].orphaned) {
            play_deviate(play, "command %u of device %u was never called back", play->commands[i].order,
                         play->commands[i].device);
        }
    }
    if (play->outcome->deviation[0] == '\0') {
        play_take_over(play);
    }
}

/* After a deviation the sides are let go without a look at what comes of it; by force, if somebody is still inside. */
static void drop(struct play *play)
{
    bool kills = play->threads_out > 0;
    for (int process = SCENARIO_CLIENT; process <= SCENARIO_SERVER; process++) {
        if (!play_has_object(play, (enum scenario_process)process)) {
            continue;
        }
        if (kills) {
            play->host.kill((enum scenario_process)process);
        } else if (process == SCENARIO_SERVER) {
            play_become(play, SCENARIO_SERVER);
            server_set_free(play->server);
        } else {
            play_become(play, (enum scenario_process)process);
            client_set_free(play->clients[process].set);
        }
    }
    play->server = NULL;
}

void play_begin(struct play *play, const struct scenario *scenario, struct play_outcome *outcome)
{
    outcome->calls = 0;
    outcome->deviating_line = 0;
    outcome->deviation[0] = '\0';
    play->outcome = outcome;
    if (play->host.begin != NULL) {
        play->host.begin(scenario);
    }
    begin(play, scenario);
}

void play_next(struct play *play, uint32_t index)
{
    struct play_outcome *outcome = play->outcome;
    const struct scenario_line *line = &play->scenario->lines[index];
    begin_line(play, index + 1);
    outcome->results[index] = 0;
    outcome->made[index] = play_line(play, line);
    outcome->calls += outcome->made[index] && (line->flags & SCENARIO_ENDS) == 0;
}

void play_end(struct play *play)
{
    char left[PLAY_DEVIATION_MAX];
    if (play->outcome->deviation[0] == '\0') {
        end(play);
    }
    drop(play);
    if (play->dialects != 0) {
        unsetenv("VDI_DIALECT");
    }
    if (play->host.end != NULL && !play->host.end(left, sizeof left)) {
        play_deviate(play, "%s", left);
    }
}

void play_scenario(struct play *play, const struct scenario *scenario, struct play_outcome *outcome)
{
    play_begin(play, scenario, outcome);
    for (uint32_t i = 0; i < scenario->line_count && outcome->deviation[0] == '\0'; i++) {
        play_next(play, i);
    }
    play_end(play);
}

struct play *play_new(const struct play_host *host)
{
    struct play *play = calloc(1, sizeof *play);
    if (play == NULL) {
        return NULL;
    }
    play->host = *host;
    if (host->event != NULL && (play->events = play_events_new(host)) == NULL) {
        free(play);
        return NULL;
    }
    return play;
}

void play_free(struct play *play)
{
    free(play != NULL ? play->events : NULL);
    free(play);
}
