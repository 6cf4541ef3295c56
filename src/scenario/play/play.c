/* See play.h. The loop over the lines, and the model beside it. */
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
    if (outcome->deviation[0] != '\0') {
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

enum model_state play_client_state(const struct play *play)
{
    return model_set_state(&play->client_life->model, MODEL_CLIENT);
}

enum model_state play_server_state(const struct play *play)
{
    return model_set_state(&play->server_life->model, MODEL_SERVER);
}

void play_assume(struct play_life *life, enum model_function function, const int32_t *results, uint32_t count)
{
    struct model_call call = {.function = function, .argument = MODEL_ALWAYS};
    for (uint32_t i = 0; i < count && !model_step(&life->model, &call, results[i]); i++) {
    }
}

int64_t play_timeout(const struct play_call *call)
{
    int64_t timeout = call->line->wide[0];
    if (!call->beside) {
        return timeout != 0;
    }
    return timeout < 0 || timeout > TIMEOUT_MAX ? -1 : timeout;
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

static bool is_allowed(struct play *play, struct play_call *call, int32_t result)
{
    char allowed[160] = "VD_E_PROTOCOL", name[MODEL_RESULT_TEXT];
    struct model_set *model = &call->life->model;
    if (call->model.function == MODEL_FUNCTION_COUNT) {
        return true;
    }
    enum model_table table = model_function_table(call->model.function);
    enum model_state state = model_set_state(model, table);
    /* A client that is late makes the server abort; how late it is only the clock knows. */
    if (call->life->asked.serverTimeOut != 0 && model->served && !model->aborted) {
        model->may_be_aborted = true;
    }
    struct play_transition transition = {
        .function = call->model.function,
        .state = model_set_state(call->beside ? play_before(play, call) : model, table),
        .result = result,
        .device = is_of_device(call->model.function) ? shape_of(&model->devices[call->model.device]) : 0};
    if (steps(play, call, result)) {
        transition.next = model_set_state(model, table);
        if (play->host.transition != NULL) {
            play->host.transition(&transition);
        }
        return true;
    }
    if (!call->stale) {
        list_allowed(model, &call->model, allowed, sizeof allowed);
    }
    play_deviate(play, "it gave %s; allowed in %s is %s", model_result_name(result, name),
                 model_state_name(state), allowed);
    return false;
}

bool play_judge(struct play *play, const struct play_row *row, struct play_call *call, int32_t result)
{
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

/* What can be asked for at any time is what the model has it to be. */
static void check_states(struct play *play)
{
    struct play_life *life = play->server_life;
    struct model_set *model = &life->model;
    bool leaving = play->threads_out > 0 && (play_is_out(play, true, true) || play_is_out(play, false, true));
    if (play->server == NULL || model->server == MODEL_DOES_NOT_EXIST || leaving) {
        return;
    }
    play_learn_of_abort(play, life);
    bool aborted = server_set_abort_reason(play->server) != SERVER_ABORT_NONE;
    if (aborted != model->aborted) {
        play_deviate(play, "afterwards the set is %s", aborted ? "aborted" : "not aborted");
    }
    if (server_set_client_closed(play->server) != (model->client == MODEL_DOES_NOT_EXIST)) {
        play_deviate(play, "afterwards the server takes the client as %s",
                     model->client == MODEL_DOES_NOT_EXIST ? "being there" : "gone");
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

/* --- lines --- */

static void become(struct play *play, enum scenario_process process)
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
static bool revive(struct play *play, bool server)
{
    if (server) {
        play->server = play->server != NULL ? play->server : server_set_new();
        return play->server != NULL;
    }
    play->client = play->client != NULL ? play->client : client_set_new();
    return play->client != NULL;
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
    bool server = process == SCENARIO_SERVER;
    const struct play_row *row = find_row(line->verb);
    struct play_call call = {.line = line,
                             .life = server ? play->server_life : play->client_life,
                             .model = {.function = row->function, .argument = MODEL_ALWAYS}};
    bool threads = play->host.call != NULL;
    bool made = false;
    if ((process != SCENARIO_CLIENT && !server) || row->make == NULL || !revive(play, server)) {
        return false;
    }
    if ((line->flags & SCENARIO_ENDS) != 0) {
        return play_wait_for(play, line->who);
    }
    call.beside = threads && (play->threads_out > 0 || (line->flags & SCENARIO_BEGINS) != 0);
    if (call.beside) {
        made = play_beside(play, row, &call);
    } else if (row->prepare == NULL || row->prepare(play, &call)) {
        become(play, process);
        int32_t result = row->make(play, &call);
        made = true;
        if (play->line > 0) {
            play->outcome->results[play->line - 1] = result;
        }
        play_judge(play, row, &call, result);
    }
    check_states(play);
    return made;
}

/* --- the whole --- */

void play_life_init(struct play_life *life, uint32_t device_count, uint32_t dialects)
{
    model_set_init(&life->model, device_count, dialects);
    life->created = false;
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
    struct play_life *first = &play->lives[0];
    if (dialects != 0) {
        set_dialects(dialects);
    }
    play->dialects = dialects;
    play->scenario = scenario;
    play->line = 0;
    play->life_count = 1;
    play->client_life = play->server_life = first;
    play_life_init(first, 1, dialects);
    play->buffer_count = play->command_count = play->first_command = play->handle_count = 0;
    for (uint32_t i = 0; i < PLAY_ACTORS; i++) {
        play->threads[i].out = play->threads[i].returned = false;
    }
    play->threads_out = 0;
    memset(play->client_devices, 0, sizeof play->client_devices);
    memset(play->server_devices, 0, sizeof play->server_devices);
    memset(play->completed, 0, sizeof play->completed);
}

/* Both sides go, either first; what is on its way is called back. */
static void end(struct play *play)
{
    static const struct scenario_line destroy[] = {
        {.verb = SCENARIO_CLIENT_DESTROY, .who = SCENARIO_CLIENT * SCENARIO_THREADS_MAX},
        {.verb = SCENARIO_SERVER_DESTROY, .who = SCENARIO_SERVER * SCENARIO_THREADS_MAX},
    };
    begin_line(play, 0);
    play_end_threads(play);
    for (uint64_t i = 0; i < 2; i++) {
        (void)play_line(play, &destroy[(i + play->scenario->seed) & 1]);
    }
    for (uint32_t i = play->first_command; i < play->command_count; i++) {
        if (play->commands[i].at != PLAY_DONE) {
            play_deviate(play, "command %u of device %u was never called back", play->commands[i].order,
                         play->commands[i].device);
        }
    }
}

/* After a deviation the sides are let go without a look at what comes of it; by force, if somebody is still inside. */
static void drop(struct play *play)
{
    if (play->threads_out > 0) {
        play->host.kill(SCENARIO_CLIENT);
        play->host.kill(SCENARIO_SERVER);
        play->client = NULL;
        play->server = NULL;
        return;
    }
    become(play, SCENARIO_CLIENT);
    client_set_free(play->client);
    become(play, SCENARIO_SERVER);
    server_set_free(play->server);
    play->client = NULL;
    play->server = NULL;
}

void play_scenario(struct play *play, const struct scenario *scenario, struct play_outcome *outcome)
{
    char left[PLAY_DEVIATION_MAX];
    outcome->calls = 0;
    outcome->deviating_line = 0;
    outcome->deviation[0] = '\0';
    play->outcome = outcome;
    if (play->host.begin != NULL) {
        play->host.begin(scenario);
    }
    begin(play, scenario);
    for (uint32_t i = 0; i < scenario->line_count && outcome->deviation[0] == '\0'; i++) {
        begin_line(play, i + 1);
        outcome->results[i] = 0;
        outcome->made[i] = play_line(play, &scenario->lines[i]);
        outcome->calls += outcome->made[i] && (scenario->lines[i].flags & SCENARIO_ENDS) == 0;
    }
    if (outcome->deviation[0] == '\0') {
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

struct play *play_new(const struct play_host *host)
{
    struct play *play = calloc(1, sizeof *play);
    if (play != NULL) {
        play->host = *host;
    }
    return play;
}

void play_free(struct play *play)
{
    free(play);
}
