/* serverTimeOut (spec 7): the server ends a set whose client completes nothing for more than two intervals. */
#include "pair.h"

static uint32_t callbacks;

static void on_completion(struct VDS_Command *command)
{
    assert_int_equal(command->commandCode, VDC_Flush);
    callbacks++;
}

static void start_with_timeout(struct pair *pair, uint32_t milliseconds)
{
    struct VDConfig asked = {.deviceCount = 1, .serverTimeOut = milliseconds};
    pair_prepare(pair, 1);
    assert_int_equal(client_set_create(pair->client, pair->name, &asked), 0);
    pair_open(pair);
    pair_configure(pair, 4);
    pair_get_configuration(pair);
    pair_activate(pair);
}

static void test_a_client_that_completes_nothing(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDS_Command sent;
    struct VDC_Command *command;
    start_with_timeout(&pair, 20);
    int64_t before = os_now();
    callbacks = 0;
    server_command_init(&sent, on_completion, NULL);
    sent.commandCode = VDC_Flush;
    assert_int_equal(server_device_send_command(pair.server_devices[0], &sent), 0);
    assert_int_equal(server_set_execute_completion_agent(pair.server), VD_E_ABORT);
    assert_true(os_now() - before > 2 * 20000000); /* two intervals, not one */
    assert_int_equal(server_set_abort_reason(pair.server), SERVER_ABORT_TIMEOUT);
    assert_int_equal(callbacks, 1);
    assert_int_equal(sent.completionCode, ERROR_OPERATION_ABORTED);
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), VD_E_ABORT);
    pair_free(&pair);
}

/* A server that has nothing to ask for times nobody out. */
static void test_idleness_is_no_timeout(void **unused)
{
    (void)unused;
    struct pair pair;
    enum server_set_state state;
    struct VDC_Command *command;
    start_with_timeout(&pair, 1);
    server_set_run_completions(pair.server, &state);
    assert_int_equal(server_set_wait(pair.server, os_now() + 10000000), VD_E_TIMEOUT);
    server_set_run_completions(pair.server, &state);
    assert_int_equal(state, SERVER_SET_LIVE);
    assert_int_equal(client_device_get_command(pair.devices[0], 0, &command), VD_E_TIMEOUT);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_that_completes_nothing),
        cmocka_unit_test(test_idleness_is_no_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
