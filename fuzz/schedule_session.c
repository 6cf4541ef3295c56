/* See schedule_session.h. */
#include "schedule_session.h"

#include <string.h>

#include "promise.h"
#include "recorded_calls.h"
#include "schedule_judge.h"
#include "segment.h"

#define MS INT64_C(1000000)

enum {
    SIZE = 512,            /* of a buffer */
    RETRY_MS = 10,         /* between two looks for a set */
    END_NS = 1000000000,   /* nothing takes so long: no call has a timeout that counts */
    CLIENT_TIMEOUT = 60000 /* of GetConfiguration, in ms */
};

static const char set_name[] = "session";
static const char *const device_names[SCHEDULE_DEVICES_MAX] = {"session", "session-1", "session-2"};

struct command {
    struct VDS_Command vds;
    uint32_t device, order;
    bool arrived, called_back;
};

static struct session {
    struct schedule_shape shape;
    uint32_t client_process, server_process;
    uint32_t client_main, server_main, aborter; /* fibers */
    uint32_t threads_left, fibers_left;
    bool client_gone, agent_out;
    bool may_abort; /* the side that is to abort has a set */
    struct recorded_client client;
    struct server_set *server;
    struct client_device *client_devices[SCHEDULE_DEVICES_MAX];
    struct server_device *server_devices[SCHEDULE_DEVICES_MAX];
    struct command commands[SCHEDULE_DEVICES_MAX][SCHEDULE_COMMANDS_MAX];
    uint32_t sent[SCHEDULE_DEVICES_MAX]; /* or refused */
    uint32_t due[SCHEDULE_DEVICES_MAX];  /* to be sent by whoever is sending */
    bool sending[SCHEDULE_DEVICES_MAX];
    uint32_t outstanding;
} session;

static int returned(struct judge_call *call, int result, uint32_t order)
{
    judge_return(call, result, order);
    enum model_function from =
        session.shape.abort == SCHEDULE_CLIENT_ABORTS ? MODEL_CLIENT_Create : MODEL_SERVER_Open;
    session.may_abort |= call->model.function == from && result == 0;
    if (session.shape.abort != SCHEDULE_NO_ABORT && session.may_abort &&
        judge_returns() >= session.shape.abort_after) {
        sim_resume(session.aborter);
    }
    return result;
}

static void end_fiber(void)
{
    session.fibers_left--;
}

/* --- data: the first and the last byte tell which command it is of, and which way --- */

static uint8_t stamp(const struct command *command, bool answer)
{
    return (uint8_t)(command->device * 64 + command->order * 4 + answer + 1);
}

static void put_stamp(const struct command *command, uint8_t *buffer, bool answer)
{
    buffer[0] = buffer[SIZE - 1] = stamp(command, answer);
}

static bool has_stamp(const struct command *command, const uint8_t *buffer, bool answer)
{
    return buffer[0] == stamp(command, answer) && buffer[SIZE - 1] == stamp(command, answer);
}

/* --- the client --- */

static int get_command(uint32_t device, bool waits, struct VDC_Command **block)
{
    struct judge_call call;
    judge_enter(&call, MODEL_CLIENT_GetCommand, device);
    *block = NULL;
    int result =
        recorded_get_command(&session.client, session.client_devices[device], device, waits ? -1 : 0, block);
    returned(&call, result, result == 0 ? (uint32_t)(*block)->position : 0);
    if (result == 0) {
        struct command *command = &session.commands[device][(*block)->position - 1];
        bool data = command->vds.buffer != NULL;
        PROMISE(!command->arrived && (*block)->commandCode == command->vds.commandCode &&
                (*block)->size == command->vds.size && ((*block)->buffer != NULL) == data);
        command->arrived = true;
        PROMISE(command->vds.commandCode != VDC_Write || has_stamp(command, (*block)->buffer, false));
    }
    return result;
}

static int complete(uint32_t device, struct VDC_Command *block)
{
    struct judge_call call;
    const struct command *command = &session.commands[device][block->position - 1];
    if (block->commandCode == VDC_Read) {
        put_stamp(command, block->buffer, true);
    }
    judge_enter(&call, MODEL_CLIENT_CompleteCommand, device);
    call.model.order = command->order;
    call.model.code = ERROR_SUCCESS;
    return returned(&call,
                    recorded_complete_command(&session.client, session.client_devices[device], device, block,
                                              ERROR_SUCCESS, (uint64_t)block->size, block->position * 3),
                    0);
}

/* Until the device ends: waits for a command, takes what else is there, and completes the last one first. */
static void serve_device(uint32_t device)
{
    struct VDC_Command *held[SCHEDULE_HOLD_MAX];
    int result = 0;
    while (result == 0) {
        uint32_t count = 0;
        do {
            result = get_command(device, count == 0, &held[count]);
            count += result == 0;
        } while (result == 0 && count < session.shape.hold);
        result = result == VD_E_TIMEOUT ? 0 : result;
        while (count > 0 && result != VD_E_ABORT) {
            int completed = complete(device, held[--count]);
            result = result != 0 ? result : completed;
        }
    }
}

static void thread_main(void *context)
{
    serve_device((uint32_t)((struct client_device **)context - session.client_devices));
    session.threads_left--;
    sim_resume(session.client_main);
    end_fiber();
}

static int open_devices(void)
{
    int result = 0;
    for (uint32_t i = 0; i < session.shape.devices && result == 0; i++) {
        struct judge_call call;
        judge_enter(&call, MODEL_CLIENT_OpenDevice, i);
        result = recorded_open_device(&session.client, i, i, device_names[i], &session.client_devices[i]);
        returned(&call, result, 0);
    }
    return result;
}

static void serve(void)
{
    static const char *const names[SCHEDULE_DEVICES_MAX] = {"thread of 0", "thread of 1", "thread of 2"};
    for (uint32_t i = 0; i < session.shape.devices; i++) {
        if (session.shape.thread_each) {
            session.threads_left++;
            session.fibers_left++;
            sim_start(session.client_process, names[i], thread_main, &session.client_devices[i]);
        } else {
            serve_device(i);
        }
    }
    while (session.threads_left > 0) {
        sim_rest();
    }
}

static void client_main(void *unused)
{
    struct VDConfig config = {.deviceCount = session.shape.devices};
    struct judge_call call;
    (void)unused;
    session.client = (struct recorded_client){client_set_new(), 0, session.client_process};
    judge_enter(&call, MODEL_CLIENT_Create, 0);
    int result = returned(&call, recorded_create(&session.client, set_name, &config), 0);
    if (result == 0) {
        judge_enter(&call, MODEL_CLIENT_GetConfiguration, 0);
        result = returned(&call, recorded_get_configuration(&session.client, CLIENT_TIMEOUT, &config), 0);
    }
    if (result == 0 && open_devices() == 0) {
        serve();
    }
    judge_enter(&call, MODEL_CLIENT_Close, 0);
    returned(&call, recorded_close(&session.client), 0);
    session.client_gone = true;
    end_fiber();
}

/* --- the server --- */

static void send_one(uint32_t device)
{
    struct command *command = &session.commands[device][session.sent[device]++];
    struct judge_call call;
    session.outstanding++;
    if (command->vds.commandCode == VDC_Write) {
        put_stamp(command, command->vds.buffer, false);
    }
    judge_enter(&call, MODEL_SERVER_SendCommand, device);
    call.model.code = command->vds.commandCode;
    call.model.has_buffer = command->vds.buffer != NULL;
    returned(&call, server_device_send_command(session.server_devices[device], &command->vds), 0);
}

/* SendCommand is for one thread a device (server.h): a callback that comes before it has returned leaves the next
 * command to whoever is inside. */
static void send(uint32_t device)
{
    session.due[device]++;
    if (session.sending[device]) {
        return;
    }
    session.sending[device] = true;
    while (session.due[device] > 0) {
        session.due[device]--;
        send_one(device);
    }
    session.sending[device] = false;
}

static void called_back(struct VDS_Command *vds)
{
    struct command *command = (struct command *)(void *)vds->completionContext;
    bool success = vds->completionCode == ERROR_SUCCESS;
    PROMISE(!command->called_back);
    command->called_back = true;
    if (success) {
        PROMISE(command->arrived && vds->bytesTransferred == vds->size &&
                vds->outPosition == vds->inPosition * 3);
        PROMISE(judge_call_back(command->device, command->order) || session.shape.abort != SCHEDULE_NO_ABORT);
        PROMISE(vds->commandCode != VDC_Read || has_stamp(command, vds->buffer, true));
    } else {
        PROMISE(session.shape.abort != SCHEDULE_NO_ABORT);
    }
    session.outstanding--;
    if (session.shape.chain && success && session.sent[command->device] < session.shape.commands) {
        send(command->device);
    }
    sim_resume(session.server_main);
}

static int make_command(uint32_t device, uint32_t order)
{
    static const int32_t codes[] = {VDC_Write, VDC_Read, VDC_Flush};
    struct command *command = &session.commands[device][order - 1];
    command->device = device;
    command->order = order;
    server_command_init(&command->vds, called_back, command);
    command->vds.commandCode = codes[(device + order) % 3];
    command->vds.inPosition = order;
    if (command->vds.commandCode == VDC_Flush) {
        return 0;
    }
    struct judge_call call;
    command->vds.size = SIZE;
    judge_enter(&call, MODEL_SERVER_AllocateBuffer, 0);
    return returned(&call, server_set_allocate_buffer(session.server, &command->vds.buffer, SIZE, 0), 0);
}

static void agent_main(void *unused)
{
    struct judge_call call;
    (void)unused;
    judge_enter(&call, MODEL_SERVER_ExecuteCompletionAgent, 0);
    int result = returned(&call, server_set_execute_completion_agent(session.server), 0);
    PROMISE(result != 0 || session.outstanding == 0);
    session.agent_out = true;
    sim_resume(session.server_main);
    end_fiber();
}

static void start_agent(void)
{
    session.fibers_left++;
    session.agent_out = false;
    sim_start(session.server_process, "agent", agent_main, NULL);
}

static int open_set(void)
{
    static _Atomic uint32_t never;
    struct judge_call call;
    int result = VD_E_INVALID;
    while (result == VD_E_INVALID && !session.client_gone) {
        judge_enter(&call, MODEL_SERVER_Open, 0);
        result = recorded_server_open(session.server, set_name, session.shape.devices);
        call.model.argument = result == VD_E_INVALID ? MODEL_NO_SUCH_SET : MODEL_ALWAYS;
        returned(&call, result, 0);
        if (result == VD_E_INVALID) {
            os_wait(&never, 0, os_now() + RETRY_MS * MS);
        }
    }
    return result;
}

static int configure(void)
{
    struct judge_call call;
    judge_enter(&call, MODEL_SERVER_BeginConfiguration, 0);
    int result =
        returned(&call, server_set_begin_configuration(session.server, VDF_WriteMedia, SIZE, 0, 65536, 0), 0);
    for (uint32_t i = 0; i < session.shape.devices && result == 0; i++) {
        result = server_set_name_device(session.server, i, device_names[i]);
    }
    if (result == 0) {
        uint32_t count = session.shape.devices * SCHEDULE_COMMANDS_MAX;
        judge_enter(&call, MODEL_SERVER_RequestBuffers, 0);
        result = returned(&call, server_set_request_buffers(session.server, SIZE, 0, count), 0);
    }
    if (result == 0) {
        judge_enter(&call, MODEL_SERVER_EndConfiguration, 0);
        result = returned(&call, server_set_end_configuration(session.server), 0);
    }
    if (result == 0 && session.shape.completions == SCHEDULE_EARLY_AGENT) {
        start_agent();
    }
    for (uint32_t i = 0; i < session.shape.devices && result == 0; i++) {
        judge_enter(&call, MODEL_SERVER_OpenDevice, i);
        result = returned(&call, server_set_open_device(session.server, &session.server_devices[i]), 0);
    }
    if (result == 0 && session.shape.completions == SCHEDULE_AGENT) {
        start_agent();
    }
    for (uint32_t i = 0; i < session.shape.devices; i++) {
        for (uint32_t n = 1; n <= session.shape.commands && result == 0; n++) {
            result = make_command(i, n);
        }
    }
    return result;
}

static void close_device(uint32_t device)
{
    struct judge_call call;
    judge_enter(&call, MODEL_SERVER_CloseDevice, device);
    returned(&call, server_device_close(session.server_devices[device]), 0);
}

/* Until everything is called back: by the agent, or, where there is none (or it came too late), by this thread. */
static void await_callbacks(void)
{
    enum server_set_state state;
    while (session.outstanding > 0 && !session.agent_out) {
        sim_rest();
    }
    while (session.outstanding > 0) {
        sim_call("rounds");
        if (server_set_run_completions(session.server, &state) == 0) {
            (void)server_set_wait(session.server, OS_FOREVER);
        }
    }
}

/* A client with one thread comes to a device when the one before it has ended. */
static void transfer(void)
{
    const struct schedule_shape *shape = &session.shape;
    for (uint32_t i = 0; i < shape->devices; i++) {
        uint32_t first = shape->chain ? 1 : shape->commands;
        for (uint32_t n = 0; n < first; n++) {
            send(i);
        }
        if (!shape->close_at_once && !shape->thread_each) {
            await_callbacks();
        }
        if (shape->close_at_once || !shape->thread_each) {
            close_device(i);
        }
    }
    await_callbacks();
    for (uint32_t i = 0; i < shape->devices && !shape->close_at_once && shape->thread_each; i++) {
        close_device(i);
    }
}

static void server_main(void *unused)
{
    struct judge_call call;
    (void)unused;
    session.server = server_set_new();
    if (open_set() == 0) {
        if (configure() == 0) {
            transfer();
        }
        while (!session.agent_out) {
            sim_rest();
        }
        judge_enter(&call, MODEL_SERVER_Close, 0);
        returned(&call, recorded_server_close(session.server), 0);
    }
    end_fiber();
}

/* --- the whole --- */

static void aborter_main(void *unused)
{
    bool client = session.shape.abort == SCHEDULE_CLIENT_ABORTS;
    struct judge_call call;
    (void)unused;
    sim_rest();
    judge_enter(&call, client ? MODEL_CLIENT_SignalAbort : MODEL_SERVER_SignalAbort, 0);
    returned(&call, client ? recorded_signal_abort(&session.client) : server_set_signal_abort(session.server),
             0);
}

static void explain(void)
{
    char text[256];
    judge_print();
    for (uint32_t i = 0; i < session.fibers_left; i++) {
        sim_explain(i, text, sizeof text);
        fprintf(stderr, "%s\n", text);
    }
}

static void check_end(enum sim_end end, int64_t lasted)
{
    if (end != SIM_DONE || session.fibers_left > 0) {
        explain();
    }
    PROMISE(end == SIM_DONE && session.fibers_left == 0);
    PROMISE(lasted < SEGMENT_PEER_CHECK_NS);
    for (uint32_t i = 0; i < session.shape.devices; i++) {
        for (uint32_t n = 0; n < session.sent[i]; n++) {
            PROMISE(session.commands[i][n].called_back);
        }
        PROMISE(session.shape.abort != SCHEDULE_NO_ABORT || session.sent[i] == session.shape.commands);
    }
    PROMISE(sim_mappings(0) + sim_names(NULL) + sim_watches() == 0);
}

void schedule_session_run(const struct schedule_shape *shape, const struct sim_options *options)
{
    memset(&session, 0, sizeof session);
    session.shape = *shape;
    session.agent_out = true; /* until it goes to work */
    session.fibers_left = 2;
    judge_begin(shape->devices);
    sim_begin(options);
    session.client_process = sim_process("client");
    session.server_process = sim_process("server");
    recorded_begin(session.server_process);
    session.client_main = sim_start(session.client_process, "client", client_main, NULL);
    session.server_main = sim_start(session.server_process, "server", server_main, NULL);
    if (shape->abort != SCHEDULE_NO_ABORT) {
        uint32_t process =
            shape->abort == SCHEDULE_CLIENT_ABORTS ? session.client_process : session.server_process;
        session.aborter = sim_start(process, "aborter", aborter_main, NULL);
    }
    int64_t start = os_now();
    enum sim_end end = sim_run(start + END_NS);
    check_end(end, os_now() - start);
    sim_become(session.client_process);
    client_set_free(session.client.set);
    sim_become(session.server_process);
    server_set_free(session.server);
    sim_end();
}
