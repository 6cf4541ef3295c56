/* See machine.h. Each call is looked up in the tables by the state of its side and by its situation; what it
 * changes beside the state is in `effects`. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "machine_internal.h"

/* Devices that it does not have are nobody's to look at. */
static size_t used_bytes(uint32_t device_count)
{
    return offsetof(struct model_set, devices) + device_count * sizeof(struct model_device);
}

void model_set_copy(struct model_set *to, const struct model_set *from)
{
    memcpy(to, from, used_bytes(from->device_count));
}

void model_set_init(struct model_set *set, uint32_t device_count, uint32_t dialects)
{
    assert(device_count >= 1 && device_count <= MODEL_DEVICES_MAX);
    memset(set, 0, used_bytes(device_count));
    set->device_count = device_count;
    set->dialects = dialects;
    for (uint32_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
        set->clients[i] = MODEL_DOES_NOT_EXIST;
    }
    set->server = MODEL_DOES_NOT_EXIST;
}

uint32_t model_count(const struct model_set *set, size_t flag)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < set->device_count; i++) {
        number += *((const bool *)((const char *)&set->devices[i] + flag));
    }
    return number;
}

/* Normally Terminated is every process's state at once: it comes with the last VD_E_CLOSE, whoever gets that. */
enum model_state model_client_state(const struct model_set *set, uint32_t client)
{
    enum model_state state = set->clients[client];
    if (state == MODEL_DOES_NOT_EXIST) {
        return state;
    }
    bool over = state >= MODEL_INITIALIZING && COUNT(set, close_delivered) == set->device_count;
    return set->aborted ? MODEL_ABORTED : over ? MODEL_TERMINATED : state;
}

enum model_state model_set_state(const struct model_set *set, enum model_table side)
{
    if (side == MODEL_CLIENT) {
        return model_client_state(set, set->primary);
    }
    return set->aborted && set->server != MODEL_DOES_NOT_EXIST ? MODEL_ABORTED : set->server;
}

enum model_state model_call_state(const struct model_set *set, const struct model_call *call)
{
    return model_function_table(call->function) == MODEL_CLIENT ? model_client_state(set, call->client)
                                                                : model_set_state(set, MODEL_SERVER);
}

bool model_set_lives(const struct model_set *set)
{
    return set->clients[set->primary] != MODEL_DOES_NOT_EXIST && !set->released;
}

static void abort_set(struct model_set *set)
{
    set->aborted = true;
    set->may_be_aborted = false;
}

/* --- commands --- */

const struct model_command *model_held_command(const struct model_device *device, uint32_t n)
{
    for (uint32_t i = 0; i < device->command_count; i++) {
        if (device->commands[i].at == MODEL_IN_HAND && n-- == 0) {
            return &device->commands[i];
        }
    }
    return NULL;
}

static struct model_command *find_command(struct model_device *device, uint32_t order)
{
    for (uint32_t i = 0; i < device->command_count; i++) {
        if (device->commands[i].order == order) {
            return &device->commands[i];
        }
    }
    return NULL;
}

/* The next one the client is given: the first that is queued; in IO-ERROR only a ClearError, and only when
 * nothing is in hand (spec 2.2). */
struct model_command *model_next_command(struct model_device *device)
{
    if (device->close_delivered) {
        return NULL;
    }
    for (uint32_t i = 0; i < device->command_count; i++) {
        struct model_command *command = &device->commands[i];
        if (command->at == MODEL_WAITS) {
            bool barred = device->client_io_error &&
                          (command->code != VDC_ClearError || model_held_command(device, 0) != NULL);
            return barred ? NULL : command;
        }
    }
    return NULL;
}

/* In IO-ERROR the client library answers what it has not handed out, up to a ClearError. */
void model_refuse_unfetched(struct model_device *device)
{
    for (uint32_t i = 0; device->client_io_error && i < device->command_count; i++) {
        struct model_command *command = &device->commands[i];
        if (command->at == MODEL_WAITS) {
            if (command->code == VDC_ClearError) {
                return;
            }
            command->at = MODEL_ANSWERED;
            command->completion = ERROR_IO_DEVICE;
        }
    }
}

void model_set_wait(struct model_set *set, uint32_t device)
{
    model_refuse_unfetched(&set->devices[device]);
}

/* Every change between Active and IO-ERROR comes with a completion, so that who has been called back for all of them
 * knows the client's state. */
void model_set_deliver(struct model_set *set)
{
    for (uint32_t d = 0; d < set->device_count; d++) {
        struct model_device *device = &set->devices[d];
        uint32_t left = 0;
        for (uint32_t i = 0; i < device->command_count; i++) {
            if (device->commands[i].at != MODEL_ANSWERED) {
                device->commands[left++] = device->commands[i];
            } else {
                device->server_io_error = device->client_io_error;
            }
        }
        device->command_count = left;
    }
}

/* A device that the process opened has not delivered VD_E_CLOSE. */
bool model_has_open_device(const struct model_set *set, uint32_t client)
{
    for (uint32_t i = 0; i < set->device_count; i++) {
        const struct model_device *device = &set->devices[i];
        if (device->client_open && device->opener == client && !device->close_delivered) {
            return true;
        }
    }
    return false;
}

/* --- lookup --- */

static bool applies(enum model_situation situation, enum model_situation of_outcome)
{
    return of_outcome == MODEL_ALWAYS || situation == of_outcome ||
           (situation == MODEL_NO_SITUATION && of_outcome != MODEL_BAD_VALUES);
}

static const struct model_outcome *find_outcome(const struct model_set *set, const struct model_call *call,
                                                enum model_state state, enum model_situation situation,
                                                int32_t result)
{
    const struct model_cell *cell = model_cell(call->function, state);
    size_t outcomes = model_outcome_count(cell);
    for (size_t i = 0; i < outcomes; i++) {
        const struct model_outcome *outcome = &cell->outcomes[i];
        if (applies(situation, outcome->situation) && model_result(outcome, set->dialects) == result) {
            return outcome;
        }
    }
    return NULL;
}

/* By the state, or by Abort, if that may have come already; *aborted then says so. */
static const struct model_outcome *look_up(const struct model_set *set, const struct model_call *call,
                                           int32_t result, bool *aborted)
{
    enum model_state state = model_call_state(set, call);
    enum model_situation situation = model_situation_of(set, call);
    const struct model_outcome *outcome = find_outcome(set, call, state, situation, result);
    bool enters = call->function == MODEL_CLIENT_OpenInSecondary && situation != MODEL_NO_SUCH_SET;
    *aborted = false;
    if (outcome == NULL && set->may_be_aborted && (state != MODEL_DOES_NOT_EXIST || enters)) {
        outcome = state != MODEL_DOES_NOT_EXIST ? find_outcome(set, call, MODEL_ABORTED, situation, result)
                                                : find_outcome(set, call, state, MODEL_SET_ABORTED, result);
        *aborted = outcome != NULL;
    }
    return outcome;
}

bool model_set_allows(const struct model_set *set, const struct model_call *call, int32_t result)
{
    bool aborted;
    return look_up(set, call, result, &aborted) != NULL;
}

/* --- effects of a call that returned NOERROR, or VD_E_CLOSE from GetCommand --- */

static void create(struct model_set *set, struct model_call *call)
{
    set->primary = call->client;
}

/* An aborted set's GetConfiguration, where it succeeds (spec 14), finishes nothing. */
static void configure(struct model_set *set, struct model_call *call)
{
    (void)call;
    set->configured = set->configured || !set->aborted;
}

static void open_client_device(struct model_set *set, struct model_call *call)
{
    set->devices[call->device].client_open = true;
    set->devices[call->device].opener = call->client;
}

static void get_command(struct model_set *set, struct model_call *call)
{
    struct model_device *device = &set->devices[call->device];
    struct model_command *command = model_next_command(device);
    if (command != NULL) {
        command->at = MODEL_IN_HAND;
        call->order = command->order;
    } else {
        device->close_delivered = true;
        call->order = 0;
    }
}

static void complete_command(struct model_set *set, struct model_call *call)
{
    struct model_device *device = &set->devices[call->device];
    struct model_command *command = find_command(device, call->order);
    command->at = MODEL_ANSWERED;
    command->completion = call->code;
    if (code_is_io_error(call->code)) {
        device->client_io_error = true;
    } else if (command->code == VDC_ClearError && call->code == ERROR_SUCCESS) {
        device->client_io_error = false;
    }
    model_refuse_unfetched(device);
}

static void end_configuration(struct model_set *set, struct model_call *call)
{
    (void)call;
    set->settled = true;
}

static void open_server_device(struct model_set *set, struct model_call *call)
{
    call->device = COUNT(set, server_open);
    set->devices[call->device].server_open = true;
}

static void send_command(struct model_set *set, struct model_call *call)
{
    struct model_device *device = &set->devices[call->device];
    call->order = ++device->last_order;
    device->commands[device->command_count++] =
        (struct model_command){.order = call->order, .code = call->code, .has_buffer = call->has_buffer};
}

static void close_server_device(struct model_set *set, struct model_call *call)
{
    set->devices[call->device].server_closed = true;
}

static void attach(struct model_set *set, struct model_call *call)
{
    (void)call;
    set->served = true;
}

static bool has_commands(const struct model_set *set)
{
    for (uint32_t d = 0; d < set->device_count; d++) {
        if (set->devices[d].command_count > 0) {
            return true;
        }
    }
    return false;
}

/* A primary that goes without the set being over leaves the server to notice; a secondary has done its part. */
static void client_leaves(struct model_set *set, struct model_call *call)
{
    bool over = COUNT(set, close_delivered) == set->device_count && !has_commands(set);
    if (model_has_open_device(set, call->client)) {
        abort_set(set); /* X3: an abort inside, whatever is returned */
    }
    if (call->client == set->primary) {
        set->closed = true;
        set->may_be_aborted = !over && !set->aborted;
    }
}

/* X5, and ours where the client could not go on, or could not end what it has begun: it is not left waiting. */
static void server_leaves(struct model_set *set, struct model_call *call)
{
    (void)call;
    if (COUNT(set, server_closed) < set->device_count || !set->configured || has_commands(set)) {
        abort_set(set);
    }
    set->released = true;
}

typedef void have_effect(struct model_set *set, struct model_call *call);
static have_effect *const effects[MODEL_FUNCTION_COUNT] = {
    [MODEL_SERVER_Open] = attach,
    [MODEL_CLIENT_Create] = create,
    [MODEL_CLIENT_GetConfiguration] = configure,
    [MODEL_CLIENT_OpenDevice] = open_client_device,
    [MODEL_CLIENT_GetCommand] = get_command,
    [MODEL_CLIENT_CompleteCommand] = complete_command,
    [MODEL_CLIENT_Close] = client_leaves,
    [MODEL_SERVER_EndConfiguration] = end_configuration,
    [MODEL_SERVER_OpenDevice] = open_server_device,
    [MODEL_SERVER_SendCommand] = send_command,
    [MODEL_SERVER_CloseDevice] = close_server_device,
    [MODEL_SERVER_Close] = server_leaves,
};

/* Whether the call did something: the state of the caller's set is left behind by Close whatever it returns.
 */
static bool had_effect(const struct model_outcome *outcome, int32_t result, enum model_state next)
{
    return result == 0 || next == MODEL_DOES_NOT_EXIST || outcome->situation == MODEL_ONE_CLOSED ||
           outcome->situation == MODEL_LAST_CLOSED;
}

bool model_step(struct model_set *set, struct model_call *call, int32_t result)
{
    bool aborted;
    const struct model_outcome *outcome = look_up(set, call, result, &aborted);
    if (outcome == NULL) {
        return false;
    }
    if (aborted) {
        abort_set(set);
    }
    if (call->function == MODEL_CLIENT_GetCommand) {
        model_refuse_unfetched(&set->devices[call->device]); /* whatever it then returns */
    }
    enum model_state next = model_next(outcome, set->dialects);
    enum model_state *side =
        model_function_table(call->function) == MODEL_CLIENT ? &set->clients[call->client] : &set->server;
    if (effects[call->function] != NULL && had_effect(outcome, result, next)) {
        effects[call->function](set, call);
    }
    if (next == MODEL_ABORTED) {
        abort_set(set);
    } else if (next != MODEL_STAY) {
        *side = next;
    }
    return true;
}

/* --- processes that die --- */

void model_set_kill_client(struct model_set *set, uint32_t client)
{
    if (set->clients[client] != MODEL_DOES_NOT_EXIST && client == set->primary) {
        set->may_be_aborted = !set->aborted;
    }
    set->clients[client] = MODEL_DOES_NOT_EXIST;
}

void model_set_kill_server(struct model_set *set)
{
    if (set->server != MODEL_DOES_NOT_EXIST) {
        set->may_be_aborted = !set->aborted;
    }
    set->server = MODEL_DOES_NOT_EXIST;
}
