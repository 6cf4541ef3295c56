/* The ends of a set under every schedule with up to PREEMPTIONS forced switches (schedule.h): Close, SignalAbort and
 * CloseDevice against each other and against calls under way, on both sides of one set. With AddressSanitizer a touch
 * after Close is a crash. In every schedule: nobody sleeps for ever, every
 * command is called back once, each result is one the tables allow, nothing is left. */
#include <stdio.h>
#include <string.h>

#include "pair.h"
#include "schedule.h"

enum {
    PREEMPTIONS = 2,
    SENT_MAX = 2
};

static struct pair pair;
static int results[SCHEDULE_FIBERS_MAX]; /* of what the fibers called */
static struct VDS_Command sent[SENT_MAX];
static uint32_t callbacks[SENT_MAX];
static int send_results[SENT_MAX];

static void on_completion(struct VDS_Command *command)
{
    callbacks[command - sent]++;
}

static void prepare(void)
{
    memset(results, 0, sizeof results);
    memset(callbacks, 0, sizeof callbacks);
    memset(send_results, 0, sizeof send_results);
    pair_start(&pair, 1);
}

static void check_end(void)
{
    pair_free(&pair);
}

static void expect_one_of(int result, const int *allowed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (result == allowed[i]) {
            return;
        }
    }
    fail_msg("0x%x is not allowed here", (unsigned)result);
}
#define EXPECT_ONE_OF(result, ...) \
    expect_one_of((result), (const int[]){__VA_ARGS__}, sizeof(int[]){__VA_ARGS__} / sizeof(int))

static void explore(const char *what, const struct schedule_program *program, uint32_t at_least)
{
    uint32_t schedules = schedule_explore(program, PREEMPTIONS);
    print_message("%s: %u schedules of up to %d forced switches\n", what, schedules, PREEMPTIONS);
    assert_true(schedules >= at_least); /* the search did search */
}

/* --- what fibers do --- */

static void send(uint32_t index, int32_t code)
{
    server_command_init(&sent[index], on_completion, NULL);
    sent[index].commandCode = code;
    send_results[index] = server_device_send_command(pair.server_devices[0], &sent[index]);
}

static void send_one(void)
{
    send(0, VDC_Flush);
}

/* Fetches and completes until the device tells it to stop; results[0] is why. */
static void serve(void)
{
    struct VDC_Command *command;
    do {
        results[0] = client_device_get_command(pair.devices[0], -1, &command);
        if (results[0] == 0) {
            results[0] = client_device_complete_command(pair.devices[0], command, 0, 0, 0);
        }
    } while (results[0] == 0);
}

static void close_client(void)
{
    results[1] = client_set_close(pair.client);
}

static void close_client_too(void)
{
    results[2] = client_set_close(pair.client);
}

static void abort_client(void)
{
    results[1] = client_set_signal_abort(pair.client);
}

static void abort_server(void)
{
    results[1] = server_set_signal_abort(pair.server);
}

static void close_server(void)
{
    results[1] = server_set_close(pair.server);
}

static void run_agent(void)
{
    results[2] = server_set_execute_completion_agent(pair.server);
}

static void deliver_rest(void)
{
    enum server_set_state state;
    server_set_run_completions(pair.server, &state);
}

/* --- the client closes --- */

static void check_close_under_get_command(void)
{
    EXPECT_ONE_OF(results[0], VD_E_ABORT, VD_E_PROTOCOL);
    assert_int_equal(results[1], VD_E_OPEN);
    deliver_rest();
    EXPECT_ONE_OF(send_results[0], 0, VD_E_ABORT);
    assert_int_equal(callbacks[0], 1);
    check_end();
}

static void test_close_under_get_command(void **unused)
{
    (void)unused;
    const struct schedule_program program = {
        prepare, {serve, close_client, send_one}, check_close_under_get_command};
    explore("Close, GetCommand, SendCommand", &program, 2000);
}

static void get_configuration(void)
{
    struct VDConfig config;
    results[0] = client_set_get_configuration(pair.client, -1, &config);
}

static void prepare_configurable(void)
{
    memset(results, 0, sizeof results);
    pair_create(&pair, 1);
}

static void check_two_closes(void)
{
    EXPECT_ONE_OF(results[0], VD_E_ABORT, VD_E_PROTOCOL);
    /* One closes, the other finds the set closed; neither returns while the first is at it. */
    assert_true((results[1] == 0) != (results[2] == 0));
    EXPECT_ONE_OF(results[1], 0, VD_E_PROTOCOL);
    EXPECT_ONE_OF(results[2], 0, VD_E_PROTOCOL);
    check_end();
}

static void test_two_closes_under_get_configuration(void **unused)
{
    (void)unused;
    const struct schedule_program program = {
        prepare_configurable, {get_configuration, close_client, close_client_too}, check_two_closes};
    explore("Close, Close, GetConfiguration", &program, 2000);
}

static void prepare_unopened(void)
{
    memset(results, 0, sizeof results);
    pair_create(&pair, 1);
    pair_open(&pair);
    pair_configure(&pair, 1);
    pair_get_configuration(&pair);
}

static void open_device(void)
{
    results[0] = client_set_open_device(pair.client, pair.name, &pair.devices[0]);
}

static void check_open_device(void)
{
    EXPECT_ONE_OF(results[0], 0, VD_E_PROTOCOL, VD_E_ABORT);
    assert_true((results[0] == 0) == (pair.devices[0] != NULL));
    EXPECT_ONE_OF(results[1], 0, VD_E_OPEN);
    if (results[0] == 0) { /* opened in time: of a closed set now */
        struct VDC_Command *command;
        assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), VD_E_PROTOCOL);
    }
    check_end();
}

static void test_close_under_open_device(void **unused)
{
    (void)unused;
    const struct schedule_program program = {
        prepare_unopened, {open_device, close_client}, check_open_device};
    explore("Close, OpenDevice", &program, 100);
}

/* --- aborts --- */

static void check_abort(void)
{
    assert_int_equal(results[0], VD_E_ABORT);
    assert_int_equal(results[1], 0);
    assert_int_equal(results[2], VD_E_ABORT);
    EXPECT_ONE_OF(send_results[0], 0, VD_E_ABORT);
    assert_int_equal(callbacks[0], 1); /* by the agent or by the sender, with no one else to do it */
    check_end();
}

static void test_aborts_under_the_agent(void **unused)
{
    (void)unused;
    const struct schedule_program by_client = {
        prepare, {serve, abort_client, run_agent, send_one}, check_abort};
    explore("client's SignalAbort, agent, SendCommand, GetCommand", &by_client, 10000);
}

static void prepare_aborted_client(void)
{
    prepare();
    results[0] = VD_E_ABORT; /* nobody serves: the command stays where it is */
}

static void test_server_abort_under_the_agent(void **unused)
{
    (void)unused;
    const struct schedule_program by_server = {
        prepare_aborted_client, {send_one, abort_server, run_agent}, check_abort};
    explore("server's SignalAbort, agent, SendCommand", &by_server, 1000);
}

/* --- the server closes --- */

static void send_and_close_server(void)
{
    send_one();
    close_server();
}

static void check_server_close(void)
{
    assert_int_equal(results[0], VD_E_ABORT);
    assert_int_equal(results[1], VD_E_PROTOCOL);          /* X5 */
    EXPECT_ONE_OF(results[2], VD_E_ABORT, VD_E_PROTOCOL); /* it may come when all is over */
    assert_int_equal(callbacks[0], 1);
    check_end();
}

/* --- a callback sends, beside the thread whose command it is of --- */

static void send_next(struct VDS_Command *command)
{
    on_completion(command);
    send(1, VDC_Flush);
}

static void send_first(void)
{
    server_command_init(&sent[0], send_next, NULL);
    sent[0].commandCode = VDC_Flush;
    send_results[0] = server_device_send_command(pair.server_devices[0], &sent[0]);
}

static void check_abort_under_two_senders(void)
{
    assert_int_equal(results[0], VD_E_ABORT);
    deliver_rest();
    for (int i = 0; i < SENT_MAX; i++) {
        EXPECT_ONE_OF(send_results[i], 0, VD_E_ABORT);
        assert_int_equal(callbacks[i], 1);
    }
    check_end();
}

/* The first command's place is free again while its SendCommand still has to look for an abort. It takes one forced
 * switch; with two there are a million schedules. */
static void test_abort_under_two_senders(void **unused)
{
    (void)unused;
    const struct schedule_program program = {
        prepare, {serve, abort_server, run_agent, send_first}, check_abort_under_two_senders};
    uint32_t schedules = schedule_explore(&program, 1);
    print_message("abort, SendCommand, SendCommand in a callback: %u schedules\n", schedules);
    assert_true(schedules >= 1000);
}

static void test_server_close_under_the_agent(void **unused)
{
    (void)unused;
    const struct schedule_program program = {
        prepare, {serve, send_and_close_server, run_agent}, check_server_close};
    explore("server's Close, agent, GetCommand", &program, 2000);
}

static void send_and_close_device(void)
{
    send_one();
    results[1] = server_device_close(pair.server_devices[0]);
}

static void check_normal_end(void)
{
    assert_int_equal(results[0], VD_E_CLOSE); /* after the command, never before it */
    assert_int_equal(results[1], 0);
    EXPECT_ONE_OF(results[2], 0, VD_E_PROTOCOL); /* P: it came when the set was terminated already */
    deliver_rest();
    assert_int_equal(callbacks[0], 1);
    assert_int_equal(sent[0].completionCode, ERROR_SUCCESS);
    assert_int_equal(client_set_close(pair.client), 0);
    assert_int_equal(server_set_close(pair.server), 0);
    check_end();
}

static void test_normal_end(void **unused)
{
    (void)unused;
    const struct schedule_program program = {
        prepare, {serve, send_and_close_device, run_agent}, check_normal_end};
    explore("CloseDevice, agent, GetCommand", &program, 2000);
}

/* --- IO-ERROR --- */

static uint32_t fetched;
static _Atomic uint32_t both_sent;

static void prepare_error(void)
{
    prepare();
    fetched = 0;
    both_sent = 0;
}

/* Answers the first command with an error, and all that come after it, which can only be ClearError, with
 * success; results[0] is why it stops. */
static void fail_once(void)
{
    struct VDC_Command *command;
    do {
        results[0] = client_device_get_command(pair.devices[0], -1, &command);
        if (results[0] == 0) {
            assert_int_equal(command->commandCode, fetched == 0 ? VDC_Flush : VDC_ClearError);
            int32_t code = fetched++ == 0 ? ERROR_DISK_FULL : ERROR_SUCCESS;
            results[0] = client_device_complete_command(pair.devices[0], command, code, 0, 0);
        }
    } while (results[0] == 0);
}

static void send_two(void)
{
    send(0, VDC_Flush);
    send(1, VDC_Flush);
    both_sent = 1;
    os_wake(&both_sent);
}

static void run_until(bool (*done)(void))
{
    enum server_set_state state;
    server_set_run_completions(pair.server, &state);
    while (!done()) {
        server_set_wait(pair.server, OS_FOREVER);
        server_set_run_completions(pair.server, &state);
    }
}

static bool is_first_back(void)
{
    return callbacks[0] != 0;
}

static bool is_second_back(void)
{
    return callbacks[1] != 0;
}

static bool is_cleared(void)
{
    return !server_device_has_io_error(pair.server_devices[0]);
}

static void run_rounds(void)
{
    run_until(is_first_back);
    assert_false(is_cleared());
    while (both_sent == 0) {
        os_wait(&both_sent, 0, OS_FOREVER);
    }
    run_until(is_second_back);
    send(0, VDC_ClearError);
    run_until(is_cleared);
    results[1] = server_device_close(pair.server_devices[0]);
}

static void check_error(void)
{
    assert_int_equal(fetched, 2); /* the first, and ClearError: never the second */
    assert_int_equal(results[0], VD_E_CLOSE);
    EXPECT_ONE_OF(send_results[1], 0, VD_E_IO_ERROR);
    assert_int_equal(callbacks[0], 2);
    assert_int_equal(callbacks[1], 1);
    assert_int_equal(sent[1].completionCode, ERROR_IO_DEVICE);
    check_end();
}

static void test_commands_that_cross_an_error(void **unused)
{
    (void)unused;
    const struct schedule_program program = {prepare_error, {fail_once, send_two, run_rounds}, check_error};
    explore("error completion, SendCommand, rounds", &program, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_under_get_command),
        cmocka_unit_test(test_two_closes_under_get_configuration),
        cmocka_unit_test(test_close_under_open_device),
        cmocka_unit_test(test_aborts_under_the_agent),
        cmocka_unit_test(test_server_abort_under_the_agent),
        cmocka_unit_test(test_abort_under_two_senders),
        cmocka_unit_test(test_server_close_under_the_agent),
        cmocka_unit_test(test_normal_end),
        cmocka_unit_test(test_commands_that_cross_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
