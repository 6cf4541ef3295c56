/* The server table (spec 2.4) on the core: each cell, situation by situation. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server_fixture.h"

/* --- calls --- */

struct server_case {
    enum model_function function;
    enum model_state state;
    const struct model_outcome *outcome;
};

struct call {
    struct server_fixture *f;
    const struct server_case *one;
    /* arguments; what situations change */
    const char *name;
    uint32_t value; /* a size or block size: 0 is a bad one */
    uint32_t count;
    uint8_t *buffer;
    enum model_state next; /* the expected one; a call that blocks is over when the state has moved on */
};

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

typedef int32_t make_call(struct call *call);

static make_call *const calls[MODEL_FUNCTION_COUNT] = {
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

static const struct situation {
    uint32_t devices;
    uint32_t opened;
    void (*prepare)(struct call *call);
    make_call *call; /* NULL: the function's */
} situations[MODEL_SITUATION_COUNT] = {
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

/* --- comparing --- */

enum {
    PROBES = 5
};

struct observation {
    int32_t result;
    int32_t probes[PROBES];
};

/* Calls with bad values change nothing but tell the state; Close comes last. */
static const enum model_function probes[PROBES] = {
    MODEL_SERVER_GetConfiguration, MODEL_SERVER_BeginConfiguration, MODEL_SERVER_RequestBuffers,
    MODEL_SERVER_AllocateBuffer, MODEL_SERVER_Close};

static bool probe_fits(enum model_function function, enum model_state state, int32_t result)
{
    const struct model_cell *cell = model_cell(function, state);
    for (size_t i = 0; i < model_outcome_count(cell); i++) {
        enum model_situation situation = cell->outcomes[i].situation;
        if ((situation == MODEL_ALWAYS || situation == MODEL_BAD_VALUES ||
             situation == MODEL_SERVER_DEVICES_OPEN) &&
            cell->outcomes[i].result == result) {
            return true;
        }
    }
    return false;
}

/* Whether the core did what the cell says; without_device: Active, but no device of the server's is open. */
static bool fits(const struct server_case *one, const struct observation *seen, enum model_state next,
                 bool without_device)
{
    bool right = seen->result == one->outcome->result;
    for (int i = 0; i < PROBES; i++) {
        right = right && (probe_fits(probes[i], next, seen->probes[i]) ||
                          (i == PROBES - 1 && without_device && seen->probes[i] == 0));
    }
    return right;
}

static enum model_state expected_next(const struct server_case *one)
{
    return one->outcome->next == MODEL_STAY ? one->state : one->outcome->next;
}

/* --- cases --- */

enum {
    CASES_MAX = 512
};
static struct server_case cases[CASES_MAX];
static size_t case_count;

static int list_cases(void **unused)
{
    (void)unused;
    size_t columns;
    const enum model_state *states = model_states(MODEL_SERVER, &columns);
    for (enum model_function f = MODEL_SERVER_Open; f < MODEL_DEVICE_SendCommand; f++) {
        for (size_t s = 0; s < columns; s++) {
            const struct model_cell *cell = model_cell(f, states[s]);
            for (size_t i = 0; i < model_outcome_count(cell); i++) {
                struct server_case one = {f, states[s], &cell->outcomes[i]};
                if (situations[one.outcome->situation].prepare == NULL || calls[f] == NULL) {
                    print_error("no case for %s in %s (%s)\n", model_function_name(f),
                                model_state_name(states[s]), model_situation_text(one.outcome->situation));
                    return -1;
                }
                assert_true(case_count < CASES_MAX);
                cases[case_count++] = one;
            }
        }
    }
    return 0;
}

static bool needs_device(const struct server_case *one)
{
    return one->function == MODEL_SERVER_SendCommand || one->function == MODEL_SERVER_CloseDevice;
}

/* The situation's own way to make the call, unless it is for another function. */
static make_call *choose_call(const struct server_case *one)
{
    enum model_situation situation = one->outcome->situation;
    if (one->function == MODEL_SERVER_ExecuteCompletionAgent && one->state == MODEL_INITIALIZING) {
        return call_agent_to_the_end;
    }
    if (one->function == MODEL_SERVER_SendCommand && situation == MODEL_BUFFER_FOREIGN) {
        return call_send_foreign_buffer;
    }
    return situations[situation].call != NULL ? situations[situation].call : calls[one->function];
}

static void observe(struct call *call, struct observation *seen)
{
    seen->result = choose_call(call->one)(call);
    call->value = 0;
    for (int i = 0; i < PROBES; i++) {
        seen->probes[i] = calls[probes[i]](call);
    }
}

static bool run_case(const struct server_case *one)
{
    const struct situation *situation = &situations[one->outcome->situation];
    struct server_fixture fixture;
    struct observation seen;
    bool earlier = needs_device(one) && one->state < MODEL_ACTIVE;
    fixture_new(&fixture, situation->devices);
    if (earlier) {
        fixture_live_once(&fixture);
    }
    fixture_bring(&fixture, one->state, situation->opened);
    struct call call = {.f = &fixture,
                        .one = one,
                        .name = "model",
                        .value = 4096,
                        .count = 1,
                        .buffer = fixture.buffer,
                        .next = expected_next(one)};
    situation->prepare(&call);
    observe(&call, &seen);
    /* OpenDevice alone makes the server's Close a mistake (X5). */
    bool right = fits(one, &seen, call.next, one->outcome->situation == MODEL_NO_SERVER_DEVICE_OPEN);
    if (!right) {
        char text[MODEL_RESULT_TEXT], wanted[MODEL_RESULT_TEXT];
        print_error("%s in %s (%s): %s, expected %s; then", model_function_name(one->function),
                    model_state_name(one->state), model_situation_text(one->outcome->situation),
                    model_result_name(seen.result, text), model_result_name(one->outcome->result, wanted));
        for (int i = 0; i < PROBES; i++) {
            print_error(" %s %s", model_function_name(probes[i]), model_result_name(seen.probes[i], text));
        }
        print_error("\n");
    }
    fixture_free(&fixture);
    return right;
}

static void test_every_cell(void **unused)
{
    (void)unused;
    size_t wrong = 0;
    for (size_t i = 0; i < case_count; i++) {
        wrong += !run_case(&cases[i]);
    }
    assert_true(case_count > 15 * 7);
    assert_int_equal(wrong, 0);
}

/* All devices closed is a normal end, but not for a client that has not even mapped the buffers. */
static void test_a_server_that_leaves_too_early_aborts(void **unused)
{
    (void)unused;
    struct server_fixture f;
    struct VDConfig config;
    fixture_new(&f, 1);
    fixture_bring(&f, MODEL_INITIALIZING, 0);
    assert_int_equal(server_set_open_device(f.set, &f.device[0]), 0);
    assert_int_equal(server_device_close(f.device[0]), 0);
    assert_int_equal(server_set_close(f.set), 0);
    assert_int_equal(client_set_get_configuration(f.client, 0, &config), VD_E_ABORT);
    fixture_free(&f);
}

/* --- each case can fail --- */

#define P VD_E_PROTOCOL
#define I VD_E_INVALID
#define A VD_E_ABORT
static const struct {
    enum model_state state;
    int32_t results[PROBES];
} signatures[] = {
    {MODEL_DOES_NOT_EXIST, {P, P, P, P, P}}, {MODEL_CONNECTED, {0, I, P, P, 0}},
    {MODEL_CONFIGURABLE, {0, P, I, P, 0}},   {MODEL_INITIALIZING, {0, P, I, I, 0}},
    {MODEL_ACTIVE, {0, P, I, I, P}},         {MODEL_TERMINATED, {0, P, P, P, 0}},
    {MODEL_ABORTED, {A, A, A, A, 0}},
};

static void test_the_comparer_refuses_what_is_wrong(void **unused)
{
    (void)unused;
    static const int32_t results[] = {
        0, 1, A, I, P, VD_E_MEMORY, VD_E_OPEN, VD_E_CLOSE, VD_E_BUSY, VD_E_IO_ERROR, VD_E_QUEUE_FULL};
    for (size_t i = 0; i < case_count; i++) {
        enum model_state next = expected_next(&cases[i]);
        for (size_t s = 0; s < sizeof signatures / sizeof signatures[0]; s++) {
            struct observation seen = {.result = cases[i].outcome->result};
            memcpy(seen.probes, signatures[s].results, sizeof seen.probes);
            assert_int_equal(fits(&cases[i], &seen, next, false), signatures[s].state == next);
            for (size_t r = 0; signatures[s].state == next && r < sizeof results / sizeof results[0]; r++) {
                seen.result = results[r];
                assert_int_equal(fits(&cases[i], &seen, next, false), results[r] == cases[i].outcome->result);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_a_server_that_leaves_too_early_aborts),
        cmocka_unit_test(test_the_comparer_refuses_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, list_cases, NULL);
}
