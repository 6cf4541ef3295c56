/* The completion agent on a thread of its own, beside threads that send, close and abort (spec 4): every command
 * is called back exactly once, whatever comes between. Under TSan this is the core's race test at full size. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pair.h"
#include "segment.h"

enum {
    DEPTH = 4 /* commands in flight on one device */
};

struct flight {
    struct VDS_Command command;
    uint32_t sends; /* of the sending thread */
    _Atomic uint32_t callbacks;
    _Atomic uint32_t busy; /* futex word: 1 from SendCommand to the callback */
};

struct sender {
    struct server_device *device;
    uint32_t commands; /* to send; 0: until refused */
    int result;        /* of the last SendCommand */
    struct flight flights[DEPTH];
};

static void on_completion(struct VDS_Command *command)
{
    struct flight *flight = (struct flight *)command->completionContext;
    atomic_fetch_add(&flight->callbacks, 1);
    atomic_store(&flight->busy, 0);
    os_wake(&flight->busy);
}

/* Sends, as soon as an earlier use of the same command was called back, until `commands` or a refusal. */
static void *send_commands(void *argument)
{
    struct sender *sender = argument;
    for (uint32_t i = 0; sender->result == 0 && (sender->commands == 0 || i < sender->commands); i++) {
        struct flight *flight = &sender->flights[i % DEPTH];
        while (atomic_load(&flight->busy) != 0) {
            os_wait(&flight->busy, 1, os_now() + 20000000000);
        }
        atomic_store(&flight->busy, 1);
        flight->sends++;
        flight->command.commandCode = VDC_Flush;
        sender->result = server_device_send_command(sender->device, &flight->command);
    }
    return NULL;
}

static void wait_for_callback(struct flight *flight)
{
    while (atomic_load(&flight->busy) != 0) {
        assert_int_equal(os_wait(&flight->busy, 1, os_now() + 20000000000), 0);
    }
}

static void start_sender(struct sender *sender, struct server_device *device, uint32_t commands,
                         pthread_t *thread)
{
    memset(sender, 0, sizeof *sender);
    sender->device = device;
    sender->commands = commands;
    for (int i = 0; i < DEPTH; i++) {
        server_command_init(&sender->flights[i].command, on_completion, &sender->flights[i]);
    }
    assert_int_equal(pthread_create(thread, NULL, send_commands, sender), 0);
}

static void expect_each_called_back(const struct sender *sender)
{
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(atomic_load(&sender->flights[i].callbacks), sender->flights[i].sends);
    }
}

static void *run_agent(void *set)
{
    return (void *)(intptr_t)server_set_execute_completion_agent(set);
}

static void *serve_device(void *argument)
{
    struct VDC_Command *command;
    int result;
    while ((result = client_device_get_command(argument, -1, &command)) == 0) {
        result = client_device_complete_command(argument, command, 0, 0, 0);
        if (result != 0) {
            break;
        }
    }
    return (void *)(intptr_t)result;
}

static int join(pthread_t thread)
{
    void *result;
    pthread_join(thread, &result);
    return (int)(intptr_t)result;
}

static void test_agent_runs_until_all_are_closed(void **unused)
{
    (void)unused;
    enum {
        DEVICES = 3,
        COMMANDS = 300
    };
    struct pair pair;
    struct sender senders[DEVICES];
    pthread_t agent, sending[DEVICES], serving[DEVICES];
    pair_start(&pair, DEVICES);
    assert_int_equal(pthread_create(&agent, NULL, run_agent, pair.server), 0);
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_int_equal(pthread_create(&serving[i], NULL, serve_device, pair.devices[i]), 0);
        start_sender(&senders[i], pair.server_devices[i], COMMANDS, &sending[i]);
    }
    for (uint32_t i = 0; i < DEVICES; i++) {
        join(sending[i]);
        assert_int_equal(senders[i].result, 0);
        assert_int_equal(server_device_close(pair.server_devices[i]), 0);
    }
    assert_int_equal(join(agent), 0); /* Normally Terminated */
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_int_equal(join(serving[i]), VD_E_CLOSE);
        expect_each_called_back(&senders[i]);
    }
    assert_int_equal(server_set_execute_completion_agent(pair.server), VD_E_PROTOCOL);
    assert_int_equal(server_set_close(pair.server), 0);
    assert_int_equal(client_set_close(pair.client), 0);
    pair_free(&pair);
}

static void *abort_as_client(void *pair)
{
    return (void *)(intptr_t)client_set_signal_abort(((struct pair *)pair)->client);
}

static void *abort_as_server(void *pair)
{
    return (void *)(intptr_t)server_set_signal_abort(((struct pair *)pair)->server);
}

/* SendCommand and SignalAbort at the same moment: no command is lost, none is called back twice. */
static void test_abort_under_senders(void **unused)
{
    (void)unused;
    enum {
        DEVICES = 2,
        ROUNDS = 60
    };
    for (int round = 0; round < ROUNDS; round++) {
        struct pair pair;
        struct sender senders[DEVICES];
        pthread_t agent, aborter, sending[DEVICES], serving[DEVICES];
        pair_start(&pair, DEVICES);
        assert_int_equal(pthread_create(&agent, NULL, run_agent, pair.server), 0);
        for (uint32_t i = 0; i < DEVICES; i++) {
            assert_int_equal(pthread_create(&serving[i], NULL, serve_device, pair.devices[i]), 0);
            start_sender(&senders[i], pair.server_devices[i], 0, &sending[i]);
        }
        assert_int_equal(pthread_create(&aborter, NULL, round % 2 ? abort_as_client : abort_as_server, &pair),
                         0);
        assert_int_equal(join(aborter), 0);
        for (uint32_t i = 0; i < DEVICES; i++) {
            join(sending[i]);
            assert_int_equal(senders[i].result, VD_E_ABORT);
            assert_int_equal(join(serving[i]), VD_E_ABORT);
        }
        assert_int_equal(join(agent), VD_E_ABORT);
        for (uint32_t i = 0; i < DEVICES; i++) {
            expect_each_called_back(&senders[i]);
        }
        assert_int_equal(server_set_close(pair.server), 0);
        assert_int_equal(client_set_close(pair.client), 0);
        pair_free(&pair);
    }
    assert_int_equal(pair_objects_left(), 0);
}

/* Close with a device open: what is outstanding is completed with 995 first, and the agent comes out. */
static void test_close_under_the_agent(void **unused)
{
    (void)unused;
    struct pair pair;
    struct flight flight = {0};
    pthread_t agent;
    pair_start(&pair, 1);
    assert_int_equal(pthread_create(&agent, NULL, run_agent, pair.server), 0);
    server_command_init(&flight.command, on_completion, &flight);
    flight.command.commandCode = VDC_Flush;
    assert_int_equal(server_device_send_command(pair.server_devices[0], &flight.command), 0);
    assert_int_equal(server_set_close(pair.server), VD_E_PROTOCOL); /* X5 */
    assert_int_equal(flight.callbacks, 1);
    assert_int_equal(flight.command.completionCode, ERROR_OPERATION_ABORTED);
    int result = join(agent); /* it may have come only after Close */
    assert_true(result == VD_E_ABORT || result == VD_E_PROTOCOL);
    assert_int_equal(server_device_send_command(pair.server_devices[0], &flight.command), VD_E_PROTOCOL);
    assert_int_equal(flight.command.completionCode, ERROR_INVALID_HANDLE);
    pair_free(&pair);
}

/* Every device is closed, but a command has not come back: it will not, so the client must not go on either. */
static void test_close_with_a_command_outstanding(void **unused)
{
    (void)unused;
    struct pair pair;
    struct flight flight = {0};
    struct VDC_Command *command;
    pair_start(&pair, 1);
    server_command_init(&flight.command, on_completion, &flight);
    flight.command.commandCode = VDC_Flush;
    assert_int_equal(server_device_send_command(pair.server_devices[0], &flight.command), 0);
    assert_int_equal(server_device_close(pair.server_devices[0]), 0);
    assert_int_equal(server_set_close(pair.server), 0);
    assert_int_equal(flight.callbacks, 1);
    assert_int_equal(flight.command.completionCode, ERROR_OPERATION_ABORTED);
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), VD_E_ABORT);
    pair_free(&pair);
}

static struct server_set *busy_set;
static _Atomic int busy_result;

static void start_second_agent(struct VDS_Command *command)
{
    atomic_store(&busy_result, server_set_execute_completion_agent(busy_set));
    on_completion(command);
}

static void test_one_agent_at_a_time(void **unused)
{
    (void)unused;
    struct pair pair;
    struct flight flight = {.busy = 1};
    struct VDC_Command *command;
    pthread_t agent;
    pair_start(&pair, 1);
    busy_set = pair.server;
    server_command_init(&flight.command, start_second_agent, &flight);
    flight.command.commandCode = VDC_Flush;
    assert_int_equal(server_device_send_command(pair.server_devices[0], &flight.command), 0);
    assert_int_equal(pthread_create(&agent, NULL, run_agent, pair.server), 0);
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), 0);
    assert_int_equal(client_device_complete_command(pair.devices[0], command, 0, 0, 0), 0);
    wait_for_callback(&flight);
    pair_close_devices(&pair);
    assert_int_equal(join(agent), 0);
    assert_int_equal(busy_result, VD_E_BUSY);
    pair_free(&pair);
}

/* --- clients that leave without a word --- */

/* Starts the agent and returns when it sleeps. */
static void start_agent(struct pair *pair, pthread_t *agent)
{
    struct segment segment;
    assert_int_equal(segment_open(pair->name, &segment), 0);
    assert_int_equal(pthread_create(agent, NULL, run_agent, pair->server), 0);
    while (atomic_load(&segment.header->server_event.waiters) == 0) {
        sched_yield();
    }
    segment_detach(&segment);
}

/* Puts a command into the client's hands and the agent to sleep. */
static void start_with_command(struct pair *pair, struct flight *flight, pthread_t *agent)
{
    struct VDC_Command *command;
    pair_start(pair, 1);
    server_command_init(&flight->command, on_completion, flight);
    flight->command.commandCode = VDC_Flush;
    assert_int_equal(server_device_send_command(pair->server_devices[0], &flight->command), 0);
    assert_int_equal(client_device_get_command(pair->devices[0], -1, &command), 0);
    start_agent(pair, agent);
}

static int join_in_time(pthread_t thread)
{
    void *result;
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 20;
    assert_int_equal(pthread_timedjoin_np(thread, &result, &end), 0);
    return (int)(intptr_t)result;
}

/* As by a client that dies between the two steps of SignalAbort, or lies: nobody wakes the agent. */
static void test_an_abort_without_a_wake(void **unused)
{
    (void)unused;
    struct pair pair;
    struct flight flight = {0};
    struct segment segment;
    pthread_t agent;
    start_with_command(&pair, &flight, &agent);
    assert_int_equal(segment_open(pair.name, &segment), 0);
    atomic_store(&segment.header->abort_reason, SERVER_ABORT_CLIENT);
    assert_int_equal(join_in_time(agent), VD_E_ABORT);
    assert_int_equal(flight.callbacks, 1);
    assert_int_equal(flight.command.completionCode, ERROR_OPERATION_ABORTED);
    segment_detach(&segment);
    pair_free(&pair);
}

/* A client that closes over a command it holds (VDI-CMD-001): nobody can complete it any more. */
static void test_a_close_over_a_held_command(void **unused)
{
    (void)unused;
    struct pair pair;
    struct flight flight = {0};
    pthread_t agent;
    start_with_command(&pair, &flight, &agent);
    pair_close_devices(&pair);
    assert_int_equal(client_set_close(pair.client), 0); /* VD_E_CLOSE was delivered */
    assert_int_equal(join_in_time(agent), VD_E_ABORT);
    assert_int_equal(server_set_abort_reason(pair.server), SERVER_ABORT_CLIENT);
    assert_int_equal(flight.callbacks, 1);
    assert_int_equal(flight.command.completionCode, ERROR_OPERATION_ABORTED);
    pair_free(&pair);
}

/* The primary's Close does not end what a secondary's device still does. */
static void test_a_close_beside_a_secondary(void **unused)
{
    (void)unused;
    struct pair pair;
    struct flight flight = {0};
    struct VDC_Command *command;
    struct client_device *device;
    enum server_set_state state;
    pair_create(&pair, 1);
    pair_open(&pair);
    pair_configure(&pair, 4);
    pair_get_configuration(&pair);
    struct client_set *secondary = client_set_new();
    assert_int_equal(client_set_open_in_secondary(secondary, pair.name), 0);
    assert_int_equal(client_set_open_device(secondary, pair.name, &device), 0);
    assert_int_equal(server_set_open_device(pair.server, &pair.server_devices[0]), 0);
    server_command_init(&flight.command, on_completion, &flight);
    flight.command.commandCode = VDC_Flush;
    assert_int_equal(server_device_send_command(pair.server_devices[0], &flight.command), 0);
    assert_int_equal(client_device_get_command(device, -1, &command), 0);
    assert_int_equal(client_set_close(pair.client), 0);
    server_set_run_completions(pair.server, &state);
    /* longer than the server goes without a look at its client */
    assert_int_equal(server_set_wait(pair.server, os_now() + 2 * SEGMENT_PEER_CHECK_NS), VD_E_TIMEOUT);
    assert_int_equal(client_device_complete_command(device, command, 0, 0, 0), 0);
    assert_int_equal(server_set_run_completions(pair.server, &state), 1);
    assert_int_equal(state, SERVER_SET_LIVE);
    assert_int_equal(flight.command.completionCode, 0);
    client_set_free(secondary);
    pair_free(&pair);
}

/* A count that belongs to no data, as only a client past the library can write it. */
static void test_bytes_of_a_command_without_data(void **unused)
{
    (void)unused;
    struct pair pair;
    struct flight flight = {0};
    struct segment segment;
    struct VDC_Command *command;
    enum server_set_state state;
    pair_start(&pair, 1);
    assert_int_equal(segment_open(pair.name, &segment), 0);
    server_command_init(&flight.command, on_completion, &flight);
    flight.command.commandCode = VDC_SkipMarks;
    flight.command.size = -1; /* one back */
    assert_int_equal(server_device_send_command(pair.server_devices[0], &flight.command), 0);
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), 0);
    assert_int_equal(client_device_complete_command(pair.devices[0], command, 0, 0, 0), 0);
    atomic_store(&segment.header->devices[0].slots[0].bytes_transferred, 5);
    assert_int_equal(server_set_run_completions(pair.server, &state), 1);
    assert_int_equal(server_set_abort_reason(pair.server), SERVER_ABORT_CORRUPT);
    assert_int_equal(flight.command.completionCode, ERROR_OPERATION_ABORTED);
    assert_int_equal(flight.command.bytesTransferred, 0);
    segment_detach(&segment);
    pair_free(&pair);
}

/* --- full size: 64 devices, two threads on each, three client objects --- */

static void test_full_size(void **unused)
{
    (void)unused;
    enum {
        DEVICES = 64,
        CLIENTS = 3, /* the primary and two secondaries */
        COMMANDS = 50
    };
    struct pair pair;
    static struct sender senders[DEVICES];
    struct client_set *clients[CLIENTS];
    struct client_device *device;
    pthread_t agent, sending[DEVICES], serving[DEVICES][2];
    char name[80];
    pair_create(&pair, DEVICES);
    pair_open(&pair);
    pair_configure(&pair, 4);
    pair_get_configuration(&pair);
    clients[0] = pair.client;
    for (uint32_t i = 1; i < CLIENTS; i++) {
        clients[i] = client_set_new();
        assert_int_equal(client_set_open_in_secondary(clients[i], pair.name), 0);
    }
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_int_equal(server_set_open_device(pair.server, &pair.server_devices[i]), 0);
    }
    assert_int_equal(pthread_create(&agent, NULL, run_agent, pair.server), 0);
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_int_equal(
            client_set_open_device(clients[i % CLIENTS], pair_device_name(&pair, i, name), &device), 0);
        /* Two threads on a device are a client's mistake (VDI-THR-001), but nothing may break. */
        assert_int_equal(pthread_create(&serving[i][0], NULL, serve_device, device), 0);
        assert_int_equal(pthread_create(&serving[i][1], NULL, serve_device, device), 0);
        start_sender(&senders[i], pair.server_devices[i], COMMANDS, &sending[i]);
    }
    for (uint32_t i = 0; i < DEVICES; i++) {
        join(sending[i]);
        assert_int_equal(senders[i].result, 0);
        assert_int_equal(server_device_close(pair.server_devices[i]), 0);
    }
    assert_int_equal(join(agent), 0);
    for (uint32_t i = 0; i < DEVICES; i++) {
        for (int j = 0; j < 2; j++) {
            int result = join(serving[i][j]); /* one sees the close first; the other when all are closed */
            assert_true(result == VD_E_CLOSE || result == VD_E_PROTOCOL);
        }
        expect_each_called_back(&senders[i]);
    }
    for (uint32_t i = CLIENTS - 1; i > 0; i--) {
        assert_int_equal(client_set_close(clients[i]), 0);
        client_set_free(clients[i]);
    }
    assert_int_equal(client_set_close(pair.client), 0);
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agent_runs_until_all_are_closed),
        cmocka_unit_test(test_abort_under_senders),
        cmocka_unit_test(test_close_under_the_agent),
        cmocka_unit_test(test_close_with_a_command_outstanding),
        cmocka_unit_test(test_one_agent_at_a_time),
        cmocka_unit_test(test_an_abort_without_a_wake),
        cmocka_unit_test(test_a_close_over_a_held_command),
        cmocka_unit_test(test_a_close_beside_a_secondary),
        cmocka_unit_test(test_bytes_of_a_command_without_data),
        cmocka_unit_test(test_full_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
