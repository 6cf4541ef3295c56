#include "server_calls.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

/* --- calls --- */

static int32_t call_open(struct call *call)
{
    return server_set_open(call->f->set, call->name);
}

static int32_t call_get_configuration(struct call *call)
{
    struct VDConfig config;
    return server_set_get_configuration(call->f->set, &config);
}

static int32_t call_begin_configuration(struct call *call)
{
    return server_set_begin_configuration(call->f->set, VDF_WriteMedia, call->value, 0, FIXTURE_TRANSFER, 0);
}

static int32_t call_request_buffers(struct call *call)
{
    return server_set_request_buffers(call->f->set, call->value, 0, call->count);
}

static int32_t call_query_available_buffers(struct call *call)
{
    uint32_t count;
    return server_set_query_available_buffers(call->f->set, call->value, 0, &count);
}

static int32_t call_end_configuration(struct call *call)
{
    return server_set_end_configuration(call->f->set);
}

static int32_t call_open_device(struct call *call)
{
    struct server_device *device = NULL;
    int32_t result = server_set_open_device(call->f->set, &device);
    assert_int_equal(result == 0, device != NULL);
    return result;
}

static int32_t call_agent(struct call *call)
{
    return server_set_execute_completion_agent(call->f->set);
}

static int32_t call_allocate_buffer(struct call *call)
{
    uint8_t *buffer = NULL;
    int32_t result = server_set_allocate_buffer(call->f->set, &buffer, call->value, 0);
    assert_int_equal(result == 0, buffer != NULL);
    return result;
}

static int32_t call_free_buffer(struct call *call)
{
    return server_set_free_buffer(call->f->set, call->buffer, FIXTURE_TRANSFER);
}

static int32_t call_send_command(struct call *call)
{
    return fixture_send(call->f, VDC_Flush);
}

static int32_t call_close_device(struct call *call)
{
    return server_device_close(call->f->device[0]);
}

static int32_t call_signal_abort(struct call *call)
{
    return server_set_signal_abort(call->f->set);
}

static int32_t call_close(struct call *call)
{
    return server_set_close(call->f->set);
}

static int32_t call_is_shared_buffer(struct call *call)
{
    return server_set_is_shared_buffer(call->f->set, call->buffer);
}

make_call *const server_calls[MODEL_FUNCTION_COUNT] = {
    [MODEL_SERVER_Open] = call_open,
    [MODEL_SERVER_GetConfiguration] = call_get_configuration,
    [MODEL_SERVER_BeginConfiguration] = call_begin_configuration,
    [MODEL_SERVER_RequestBuffers] = call_request_buffers,
    [MODEL_SERVER_QueryAvailableBuffers] = call_query_available_buffers,
    [MODEL_SERVER_EndConfiguration] = call_end_configuration,
    [MODEL_SERVER_OpenDevice] = call_open_device,
    [MODEL_SERVER_ExecuteCompletionAgent] = call_agent,
    [MODEL_SERVER_AllocateBuffer] = call_allocate_buffer,
    [MODEL_SERVER_FreeBuffer] = call_free_buffer,
    [MODEL_SERVER_SendCommand] = call_send_command,
    [MODEL_SERVER_CloseDevice] = call_close_device,
    [MODEL_SERVER_SignalAbort] = call_signal_abort,
    [MODEL_SERVER_Close] = call_close,
    [MODEL_SERVER_IsSharedBuffer] = call_is_shared_buffer,
};

/* --- the agent, which blocks --- */

/* Two threads ask for the agent: one is told that it is at work (BUSY), so the other is inside. */
struct agents {
    struct server_fixture *f;
    sem_t returned;
    int32_t results[2];
    pthread_t threads[2];
    _Atomic int next;
};

static void *run_agent(void *context)
{
    struct agents *agents = context;
    int self = atomic_fetch_add(&agents->next, 1);
    agents->results[self] = server_set_execute_completion_agent(agents->f->set);
    sem_post(&agents->returned);
    return NULL;
}

static void start_agents(struct agents *agents, struct server_fixture *f)
{
    struct timespec deadline;
    *agents = (struct agents){.f = f};
    assert_int_equal(sem_init(&agents->returned, 0, 0), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&agents->threads[i], NULL, run_agent, agents), 0);
    }
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    while (sem_timedwait(&agents->returned, &deadline) != 0) {
        assert_int_equal(errno, EINTR);
    }
}

/* What the one inside returned. */
static int32_t end_agents(struct agents *agents)
{
    for (int i = 0; i < 2; i++) {
        pthread_join(agents->threads[i], NULL);
    }
    sem_destroy(&agents->returned);
    assert_true(agents->results[0] == VD_E_BUSY || agents->results[1] == VD_E_BUSY);
    return agents->results[0] == VD_E_BUSY ? agents->results[1] : agents->results[0];
}

/* From Initializing, the devices are opened while it runs. */
static int32_t call_agent_to_the_end(struct call *call)
{
    struct agents agents;
    struct server_fixture *f = call->f;
    start_agents(&agents, f);
    for (uint32_t i = 0; i < f->devices; i++) {
        if (call->one->state == MODEL_INITIALIZING) {
            assert_int_equal(server_set_open_device(f->set, &f->device[i]), 0);
        }
        assert_int_equal(server_device_close(f->device[i]), 0);
    }
    call->next = MODEL_TERMINATED;
    return end_agents(&agents);
}

static int32_t call_agent_until_abort(struct call *call)
{
    struct agents agents;
    start_agents(&agents, call->f);
    assert_int_equal(server_set_signal_abort(call->f->set), 0);
    return end_agents(&agents);
}

static int32_t call_second_agent(struct call *call)
{
    struct agents agents;
    start_agents(&agents, call->f);
    int32_t result = server_set_execute_completion_agent(call->f->set);
    assert_int_equal(server_set_signal_abort(call->f->set), 0);
    end_agents(&agents);
    call->next = MODEL_ABORTED;
    return result;
}

/* --- situations --- */

static void no_preparation(struct call *call)
{
    (void)call;
}

static void name_nobody(struct call *call)
{
    call->name = "no such set";
}

static void spoil_value(struct call *call)
{
    call->value = 0;
}

static void want_too_much(struct call *call)
{
    uint8_t *buffer;
    call->count = UINT32_MAX;
    if (call->one->state == MODEL_CONFIGURABLE) { /* 256 TiB: more than an area can be */
        assert_int_equal(server_set_request_buffers(call->f->set, 1u << 30, 0, 4096), 0);
    }
    while (call->one->function == MODEL_SERVER_AllocateBuffer &&
           server_set_allocate_buffer(call->f->set, &buffer, FIXTURE_TRANSFER, 0) == 0) {
    }
}

static void take_back_a_name(struct call *call)
{
    fixture_free(call->f);
    fixture_new(call->f, 1);
    fixture_bring(call->f, MODEL_CONNECTED, 0);
    assert_int_equal(
        server_set_begin_configuration(call->f->set, VDF_WriteMedia, 512, 0, FIXTURE_TRANSFER, 0), 0);
}

static void take_foreign_buffer(struct call *call)
{
    static uint8_t foreign[FIXTURE_TRANSFER];
    call->buffer = foreign;
}

static int32_t call_send_foreign_buffer(struct call *call)
{
    struct VDS_Command command;
    struct server_fixture *f = call->f;
    uint8_t foreign[16];
    server_command_init(&command, (server_completion *)no_preparation, NULL);
    command.commandCode = VDC_Write;
    command.size = sizeof foreign;
    command.buffer = foreign;
    return server_device_send_command(f->device[0], &command);
}

static void fill_queue(struct call *call)
{
    for (int i = 0; i < SERVER_COMMANDS_PER_DEVICE; i++) {
        assert_int_equal(fixture_send(call->f, VDC_Flush), 0);
    }
}

static void cause_io_error(struct call *call)
{
    assert_int_equal(fixture_send(call->f, VDC_Flush), 0);
    fixture_fetch(call->f);
    assert_int_equal(fixture_complete(call->f, 0, ERROR_DISK_FULL), 0);
}

static void close_this(struct call *call)
{
    assert_int_equal(server_device_close(call->f->device[0]), 0);
}

static void close_the_other(struct call *call)
{
    assert_int_equal(server_device_close(call->f->device[1]), 0);
}

const struct server_situation server_situations[MODEL_SITUATION_COUNT] = {
    [MODEL_ALWAYS] = {1, 1, no_preparation, NULL},
    [MODEL_SET_WAITS] = {1, 1, no_preparation, NULL},
    [MODEL_NO_SUCH_SET] = {1, 1, name_nobody, NULL},
    [MODEL_GOOD_VALUES] = {1, 1, no_preparation, NULL},
    [MODEL_BAD_VALUES] = {1, 1, spoil_value, NULL},
    [MODEL_ROOM] = {1, 1, no_preparation, NULL},
    [MODEL_NO_ROOM] = {1, 1, want_too_much, NULL},
    [MODEL_DEVICE_UNNAMED] = {1, 1, take_back_a_name, NULL},
    [MODEL_NEXT_UNOPENED] = {2, 1, no_preparation, NULL},
    [MODEL_NONE_UNOPENED] = {1, 1, no_preparation, NULL},
    [MODEL_DEVICES_CLOSE] = {2, 2, no_preparation, call_agent_to_the_end},
    [MODEL_ABORTED_MEANWHILE] = {1, 1, no_preparation, call_agent_until_abort},
    [MODEL_AGENT_AT_WORK] = {1, 1, no_preparation, call_second_agent},
    [MODEL_BUFFER_OURS] = {1, 1, no_preparation, NULL},
    [MODEL_BUFFER_FOREIGN] = {1, 1, take_foreign_buffer, NULL},
    [MODEL_QUEUE_ROOM] = {1, 1, no_preparation, NULL},
    [MODEL_QUEUE_IS_FULL] = {1, 1, fill_queue, NULL},
    [MODEL_IN_IO_ERROR] = {1, 1, cause_io_error, NULL},
    [MODEL_THIS_CLOSED] = {2, 2, close_this, NULL},
    [MODEL_OTHERS_OPEN] = {2, 2, no_preparation, NULL},
    [MODEL_LAST_OPEN] = {2, 2, close_the_other, NULL},
    [MODEL_SERVER_DEVICES_OPEN] = {1, 1, no_preparation, NULL},
    [MODEL_NO_SERVER_DEVICE_OPEN] = {2, 1, close_this, NULL},
};

/* The situation's own way to make the call, unless it is for another function. */
make_call *server_choose_call(const struct server_case *one)
{
    enum model_situation situation = one->outcome->situation;
    if (one->function == MODEL_SERVER_ExecuteCompletionAgent && one->state == MODEL_INITIALIZING) {
        return call_agent_to_the_end;
    }
    if (one->function == MODEL_SERVER_SendCommand && situation == MODEL_BUFFER_FOREIGN) {
        return call_send_foreign_buffer;
    }
    return server_situations[situation].call != NULL ? server_situations[situation].call
                                                     : server_calls[one->function];
}
