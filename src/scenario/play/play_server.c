/* What the server does until its devices are open (spec 4, 7), call by call. */
#include "play_internal.h"

/* --- Open --- */

/* Another life of the server's begins with the set that lives under this name, if it has not been served yet. */
static bool prepare_open(struct play *play, struct play_call *call)
{
    struct play_life *life = play_find_life(play, (uint8_t)call->line->arg[0]);
    if (play_server_state(play) == MODEL_DOES_NOT_EXIST) {
        call->life = life != NULL ? life : &play->nowhere;
        call->model.argument = life != NULL ? MODEL_ALWAYS : MODEL_NO_SUCH_SET;
    }
    return true;
}

static int32_t make_open(struct play *play, struct play_call *call)
{
    return server_set_open(play->server, play_set_name((enum scenario_name)call->line->arg[0]));
}

static void after_open(struct play *play, struct play_call *call, int32_t result)
{
    if (result == 0) {
        play->server_life = call->life;
        play->buffer_count = 0;
    }
}

/* --- configuration --- */

static int32_t make_get_configuration(struct play *play, struct play_call *call)
{
    return server_set_get_configuration(play->server, &call->config);
}

static void after_get_configuration(struct play *play, struct play_call *call, int32_t result)
{
    if (result == 0) {
        bool settled = call->life->model.server >= MODEL_INITIALIZING;
        play_check_configuration(play, settled ? &call->life->settled : &call->life->asked, &call->config);
    }
}

static bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Values within spec 7. */
static bool prepare_begin(struct play *play, struct play_call *call)
{
    const struct scenario_line *line = call->line;
    uint32_t block = (uint32_t)line->arg[1];
    uint32_t alignment = line->arg[2] != 0 ? (uint32_t)line->arg[2] : block;
    uint32_t transfer = (uint32_t)line->wide[0];
    bool good = is_power_of_two(block) && block >= 512 && block <= 65536 && is_power_of_two(alignment) &&
                alignment >= block && alignment <= 65536 && transfer != 0 && transfer % 65536 == 0 &&
                transfer <= 4 << 20;
    (void)play;
    call->model.argument = good ? MODEL_ALWAYS : MODEL_BAD_VALUES;
    call->config = call->life->asked;
    call->config.features = (uint32_t)line->arg[0];
    call->config.blockSize = block;
    call->config.alignment = alignment;
    call->config.maxTransferSize = transfer;
    call->config.maxIODepth = 4; /* always (spec 5.1) */
    return true;
}

static int32_t make_begin(struct play *play, struct play_call *call)
{
    const struct scenario_line *line = call->line;
    return server_set_begin_configuration(play->server, (uint32_t)line->arg[0], (uint32_t)line->arg[1],
                                          (uint32_t)line->arg[2], (uint32_t)line->wide[0],
                                          (uint32_t)line->wide[1]);
}

static void after_begin(struct play *play, struct play_call *call, int32_t result)
{
    (void)play;
    if (result == 0) {
        call->life->settled = call->config;
    }
}

/* Ours, and so in no table: between Open and EndConfiguration, a device that there is, a name that is free. */
static bool prepare_name(struct play *play, struct play_call *call)
{
    const struct play_life *life = call->life;
    enum model_state state = play_server_state(play);
    uint32_t device = (uint32_t)call->line->arg[0], name = (uint32_t)call->line->arg[1];
    bool good =
        device < life->model.device_count && device < SCENARIO_DEVICES_MAX && name < SCENARIO_DEVICES_MAX;
    for (uint32_t i = 0; good && i < SCENARIO_DEVICES_MAX; i++) {
        good = i == device || life->named[i] != name + 1;
    }
    call->expected = state == MODEL_ABORTED                                    ? (uint32_t)VD_E_ABORT
                     : state != MODEL_CONNECTED && state != MODEL_CONFIGURABLE ? (uint32_t)VD_E_PROTOCOL
                     : !good                                                   ? (uint32_t)VD_E_INVALID
                                                                               : 0;
    return true;
}

static int32_t make_name(struct play *play, struct play_call *call)
{
    /* A device that no set has: the one behind the last that one can have. */
    uint32_t device =
        call->line->arg[0] < SCENARIO_DEVICES_MAX ? (uint32_t)call->line->arg[0] : MODEL_DEVICES_MAX;
    return server_set_name_device(play->server, device, play_device_name((uint32_t)call->line->arg[1]));
}

static void after_name(struct play *play, struct play_call *call, int32_t result)
{
    const struct model_set *model = &call->life->model;
    /* By now: another call that this line let go on may have told of the abort first. */
    bool excused = result == VD_E_ABORT && (model->aborted || model->may_be_aborted);
    if ((uint32_t)result != call->expected && !excused) {
        char due[MODEL_RESULT_TEXT], got[MODEL_RESULT_TEXT];
        play_deviate(play, "it gave %s; allowed is %s", model_result_name(result, got),
                     model_result_name((int32_t)call->expected, due));
    } else if (result == 0) {
        call->life->named[call->line->arg[0]] = (uint8_t)(call->line->arg[1] + 1);
    }
}

/* Devices that no line can speak of get their names here. */
static void name_the_rest(struct play *play, struct play_life *life)
{
    char name[16] = "rest-00";
    for (uint32_t i = SCENARIO_DEVICES_MAX; i < life->model.device_count; i++) {
        name[5] = (char)('0' + i / 10);
        name[6] = (char)('0' + i % 10);
        (void)server_set_name_device(play->server, i, name);
    }
}

/* call->expected: that it may fail is only because memory may. */
static enum model_situation expect_room(const struct play *play, struct play_call *call,
                                        enum model_situation room)
{
    call->expected = play->memory_fails && room == MODEL_ROOM;
    return call->expected ? MODEL_NO_SITUATION : room;
}

static bool prepare_end(struct play *play, struct play_call *call)
{
    struct play_life *life = call->life;
    name_the_rest(play, life);
    call->model.argument = expect_room(play, call, play_room_at_end(play, life));
    for (uint32_t i = 0; i < life->model.device_count && i < SCENARIO_DEVICES_MAX; i++) {
        if (life->named[i] == 0) {
            call->model.argument = MODEL_DEVICE_UNNAMED;
        }
    }
    return true;
}

static int32_t make_end(struct play *play, struct play_call *call)
{
    (void)call;
    return server_set_end_configuration(play->server);
}

static void after_end(struct play *play, struct play_call *call, int32_t result)
{
    if (result == 0) {
        play_place_shapes(play, call->life);
    } else if (result == VD_E_MEMORY) {
        play_forget_shapes(call->life); /* "no buffer space" */
        play->memory_fails = play->memory_fails && !call->expected;
    }
}

/* --- buffers --- */

static bool prepare_request(struct play *play, struct play_call *call)
{
    const int32_t *arg = call->line->arg;
    uint32_t size = (uint32_t)arg[0], alignment = (uint32_t)arg[1], count = (uint32_t)arg[2];
    call->model.argument =
        !play_shape_is_valid(size, alignment) || count == 0
            ? MODEL_BAD_VALUES
            : expect_room(play, call, play_room_for_request(play, call->life, size, alignment, count));
    return true;
}

static int32_t make_request(struct play *play, struct play_call *call)
{
    const int32_t *arg = call->line->arg;
    return server_set_request_buffers(play->server, (uint32_t)arg[0], (uint32_t)arg[1], (uint32_t)arg[2]);
}

static void after_request(struct play *play, struct play_call *call, int32_t result)
{
    const int32_t *arg = call->line->arg;
    play->memory_fails = play->memory_fails && !(call->expected && result == VD_E_MEMORY);
    if (result == 0) {
        play_add_shape(call->life, (uint32_t)arg[0], (uint32_t)arg[1], (uint32_t)arg[2]);
        if (call->life->model.server != MODEL_CONFIGURABLE) {
            play_place_shapes(play, call->life);
        }
    }
}

static bool prepare_query(struct play *play, struct play_call *call)
{
    uint32_t size = (uint32_t)call->line->arg[0], alignment = (uint32_t)call->line->arg[1];
    (void)play;
    call->model.argument = play_shape_is_valid(size, alignment) ? MODEL_ALWAYS : MODEL_BAD_VALUES;
    call->expected = play_count_free(call->life, size, alignment);
    return true;
}

static int32_t make_query(struct play *play, struct play_call *call)
{
    return server_set_query_available_buffers(play->server, (uint32_t)call->line->arg[0],
                                              (uint32_t)call->line->arg[1], &call->number);
}

static void after_query(struct play *play, struct play_call *call, int32_t result)
{
    if (result == 0 && call->number != call->expected) {
        play_deviate(play, "it counted %u buffers; there are %u", call->number, call->expected);
    }
}

static bool prepare_allocate(struct play *play, struct play_call *call)
{
    uint32_t size = (uint32_t)call->line->arg[0], alignment = (uint32_t)call->line->arg[1];
    call->model.argument = !play_shape_is_valid(size, alignment)               ? MODEL_BAD_VALUES
                           : play_count_free(call->life, size, alignment) == 0 ? MODEL_NO_ROOM
                                                                               : MODEL_ROOM;
    return play->buffer_count < PLAY_BUFFERS_MAX;
}

static int32_t make_allocate(struct play *play, struct play_call *call)
{
    call->address = (uint8_t *)call;
    return server_set_allocate_buffer(play->server, &call->address, (uint32_t)call->line->arg[0],
                                      (uint32_t)call->line->arg[1]);
}

static void after_allocate(struct play *play, struct play_call *call, int32_t result)
{
    if (result == 0) {
        play_add_buffer(play, call->address, (uint32_t)call->line->arg[0], (uint32_t)call->line->arg[1]);
    } else if (call->address != NULL) {
        play_deviate(play, "it failed and yet wrote a buffer");
    }
}

/* A buffer that a command has is not the server's to give back. */
static bool prepare_free(struct play *play, struct play_call *call)
{
    call->buffer = play_find_buffer(play, call->line->arg[0], &call->address);
    call->number = call->buffer != NULL ? call->buffer->size : 1;
    call->model.argument = call->buffer != NULL ? MODEL_ALWAYS : MODEL_BUFFER_FOREIGN;
    return call->buffer == NULL || !call->buffer->busy;
}

static int32_t make_free(struct play *play, struct play_call *call)
{
    return server_set_free_buffer(play->server, call->address, call->number);
}

static void after_free(struct play *play, struct play_call *call, int32_t result)
{
    if (result == 0) {
        play_free_buffer(play, call->buffer);
    }
}

/* Whether an address that has been given back still lies in an area depends on how long that one lasts. */
static bool prepare_is_shared(struct play *play, struct play_call *call)
{
    bool none = call->line->arg[0] == 0 || call->line->arg[0] > SCENARIO_BUFFERS_MAX;
    call->buffer = play_find_buffer(play, call->line->arg[0], &call->address);
    call->model.argument = call->buffer != NULL ? MODEL_ALWAYS : MODEL_BUFFER_FOREIGN;
    return none || call->buffer != NULL;
}

static int32_t make_is_shared(struct play *play, struct play_call *call)
{
    return server_set_is_shared_buffer(play->server, call->address);
}

const struct play_row play_server_rows[SCENARIO_VERB_COUNT] = {
    [SCENARIO_SERVER_OPEN] = {MODEL_SERVER_Open, prepare_open, make_open, after_open},
    [SCENARIO_SERVER_GET_CONFIGURATION] = {MODEL_SERVER_GetConfiguration, NULL, make_get_configuration,
                                           after_get_configuration},
    [SCENARIO_SERVER_BEGIN_CONFIGURATION] = {MODEL_SERVER_BeginConfiguration, prepare_begin, make_begin,
                                             after_begin},
    [SCENARIO_SERVER_NAME_DEVICE] = {MODEL_FUNCTION_COUNT, prepare_name, make_name, after_name},
    [SCENARIO_SERVER_REQUEST_BUFFERS] = {MODEL_SERVER_RequestBuffers, prepare_request, make_request,
                                         after_request},
    [SCENARIO_SERVER_QUERY_AVAILABLE_BUFFERS] = {MODEL_SERVER_QueryAvailableBuffers, prepare_query,
                                                 make_query, after_query},
    [SCENARIO_SERVER_END_CONFIGURATION] = {MODEL_SERVER_EndConfiguration, prepare_end, make_end, after_end},
    [SCENARIO_SERVER_ALLOCATE_BUFFER] = {MODEL_SERVER_AllocateBuffer, prepare_allocate, make_allocate,
                                         after_allocate},
    [SCENARIO_SERVER_FREE_BUFFER] = {MODEL_SERVER_FreeBuffer, prepare_free, make_free, after_free},
    [SCENARIO_SERVER_IS_SHARED_BUFFER] = {MODEL_SERVER_IsSharedBuffer, prepare_is_shared, make_is_shared,
                                          NULL},
};
