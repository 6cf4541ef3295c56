/* IO-ERROR and ClearError (spec 2.2, 9.4): the order the documents give, on both sides. */
#include <pthread.h>

#include "pair.h"

enum {
    COMMANDS = 4
};

struct sent {
    struct VDS_Command command;
    uint32_t callbacks;
    pthread_t thread; /* that called back last */
};

static struct pair pair;
static struct sent sent[COMMANDS];

static void on_completion(struct VDS_Command *command)
{
    struct sent *entry = (struct sent *)command->completionContext;
    entry->callbacks++;
    entry->thread = pthread_self();
}

static int send(uint32_t index, int32_t code)
{
    sent[index] = (struct sent){0};
    server_command_init(&sent[index].command, on_completion, &sent[index]);
    sent[index].command.commandCode = code;
    return server_device_send_command(pair.server_devices[0], &sent[index].command);
}

static struct VDC_Command *fetch(int32_t code)
{
    struct VDC_Command *command;
    assert_int_equal(client_device_get_command(pair.devices[0], 0, &command), 0);
    assert_int_equal(command->commandCode, code);
    return command;
}

static void expect_nothing_to_fetch(void)
{
    struct VDC_Command *command;
    assert_int_equal(client_device_get_command(pair.devices[0], 0, &command), VD_E_TIMEOUT);
}

static void complete(struct VDC_Command *command, int32_t code)
{
    assert_int_equal(client_device_complete_command(pair.devices[0], command, code, 0, 0), 0);
}

static uint32_t run(void)
{
    enum server_set_state state;
    uint32_t callbacks = server_set_run_completions(pair.server, &state);
    assert_int_equal(state, SERVER_SET_LIVE);
    return callbacks;
}

static bool has_io_error(void)
{
    return server_device_has_io_error(pair.server_devices[0]);
}

static int setup(void **state)
{
    (void)state;
    pair_start(&pair, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    client_set_signal_abort(pair.client);
    pair_free(&pair);
    return 0;
}

/* The steps (1) to (6) of spec 2.2 in their order. */
static void test_documented_order(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(send(i, VDC_Flush), 0);
    }
    struct VDC_Command *first = fetch(VDC_Flush);
    struct VDC_Command *second = fetch(VDC_Flush);
    complete(first, ERROR_DISK_FULL); /* (1); the third is queued and not fetched */
    assert_int_equal(run(), 2);       /* (2): completed already, without a further call of the client's */
    expect_nothing_to_fetch();        /* and it never reaches the client */
    assert_int_equal(sent[0].command.completionCode, ERROR_DISK_FULL);
    assert_int_equal(sent[2].command.completionCode, ERROR_IO_DEVICE);
    assert_int_equal(sent[1].callbacks, 0);
    assert_true(has_io_error());

    assert_int_equal(send(0, VDC_Flush), VD_E_IO_ERROR); /* refused at once, on this thread */
    assert_int_equal(sent[0].callbacks, 1);
    assert_int_equal(sent[0].command.completionCode, ERROR_IO_DEVICE);
    assert_true(pthread_equal(sent[0].thread, pthread_self()));

    assert_int_equal(send(3, VDC_ClearError), 0);
    expect_nothing_to_fetch();                         /* (3): the second is still in the client's hands */
    complete(second, ERROR_SUCCESS);                   /* only now ... */
    struct VDC_Command *clear = fetch(VDC_ClearError); /* (4) */
    complete(clear, ERROR_SUCCESS);                    /* (5) */
    assert_int_equal(run(), 2);
    assert_int_equal(sent[1].command.completionCode, ERROR_SUCCESS);
    assert_false(has_io_error()); /* (6) */

    assert_int_equal(send(0, VDC_Flush), 0);
    complete(fetch(VDC_Flush), ERROR_SUCCESS);
    assert_int_equal(run(), 1);
    assert_false(has_io_error());
}

/* What the server sends before it knows of the error does not reach the client either. */
static void test_commands_that_cross_the_error(void **unused)
{
    (void)unused;
    assert_int_equal(send(0, VDC_Flush), 0);
    complete(fetch(VDC_Flush), ERROR_DISK_FULL);
    assert_int_equal(send(1, VDC_Flush), 0); /* nobody has run completions: it goes out */
    expect_nothing_to_fetch();
    assert_int_equal(run(), 2);
    assert_int_equal(sent[1].command.completionCode, ERROR_IO_DEVICE);
}

/* A command refused by the client for an old error must not bring IO-ERROR back after ClearError. */
static void test_old_errors_are_cleared_together(void **unused)
{
    (void)unused;
    assert_int_equal(send(0, VDC_Flush), 0);
    assert_int_equal(send(1, VDC_ClearError), 0); /* a higher slot than what is reaped after it */
    complete(fetch(VDC_Flush), ERROR_DISK_FULL);
    assert_int_equal(run(), 1);
    complete(fetch(VDC_ClearError), ERROR_SUCCESS);
    assert_int_equal(run(), 1);
    assert_false(has_io_error());
}

static void test_a_failed_clear_error_clears_nothing(void **unused)
{
    (void)unused;
    assert_int_equal(send(0, VDC_Flush), 0);
    complete(fetch(VDC_Flush), ERROR_DISK_FULL);
    run();
    assert_int_equal(send(0, VDC_ClearError), 0);
    complete(fetch(VDC_ClearError), ERROR_NOT_SUPPORTED);
    run();
    assert_true(has_io_error());
    assert_int_equal(send(0, VDC_Flush), VD_E_IO_ERROR);
    assert_int_equal(send(0, VDC_ClearError), 0);
    complete(fetch(VDC_ClearError), ERROR_SUCCESS);
    run();
    assert_int_equal(send(0, VDC_Flush), 0);
}

/* Instead of ClearError the server may close the device (spec 2.2). */
static void test_close_device_ends_it(void **unused)
{
    (void)unused;
    struct VDC_Command *command;
    assert_int_equal(send(0, VDC_Flush), 0);
    complete(fetch(VDC_Flush), ERROR_DISK_FULL);
    run();
    assert_int_equal(server_device_close(pair.server_devices[0]), 0);
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), VD_E_CLOSE);
    assert_int_equal(client_set_close(pair.client), 0);
}

static void test_codes_that_are_no_errors(void **unused)
{
    (void)unused;
    static const int32_t harmless[] = {ERROR_SUCCESS,          ERROR_NOT_SUPPORTED,     ERROR_HANDLE_EOF,
                                       ERROR_NO_DATA_DETECTED, ERROR_FILEMARK_DETECTED, ERROR_END_OF_MEDIA};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        assert_int_equal(send(0, VDC_Flush), 0);
        complete(fetch(VDC_Flush), harmless[i]);
        assert_int_equal(run(), 1);
        assert_false(has_io_error());
    }
    static const int32_t errors[] = {ERROR_DISK_FULL,     ERROR_EOM_OVERFLOW, ERROR_OPERATION_ABORTED,
                                     ERROR_ARENA_TRASHED, ERROR_IO_DEVICE,    -1};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_true(code_is_io_error(errors[i]));
    }
}

/* Outside IO-ERROR ClearError is a command like any other (spec 16, question 16). */
static void test_clear_error_without_an_error(void **unused)
{
    (void)unused;
    assert_int_equal(send(0, VDC_Flush), 0);
    struct VDC_Command *flush = fetch(VDC_Flush);
    assert_int_equal(send(1, VDC_ClearError), 0);
    complete(fetch(VDC_ClearError), ERROR_SUCCESS);
    complete(flush, ERROR_SUCCESS);
    assert_int_equal(run(), 2);
}

/* Completions that wait together are found by slot; the client's order counts (the newest state). */
static void test_the_order_is_the_clients(void **unused)
{
    (void)unused;
    assert_int_equal(send(0, VDC_ClearError), 0);
    assert_int_equal(send(1, VDC_Flush), 0);
    struct VDC_Command *clear = fetch(VDC_ClearError);
    struct VDC_Command *flush = fetch(VDC_Flush);
    complete(flush, ERROR_DISK_FULL);
    complete(clear, ERROR_SUCCESS);
    assert_int_equal(run(), 2);
    assert_false(has_io_error());

    assert_int_equal(send(0, VDC_ClearError), 0);
    assert_int_equal(send(1, VDC_Flush), 0);
    clear = fetch(VDC_ClearError);
    flush = fetch(VDC_Flush);
    complete(clear, ERROR_SUCCESS);
    complete(flush, ERROR_DISK_FULL);
    assert_int_equal(run(), 2);
    assert_true(has_io_error());
}

static void *fetch_clear_error(void *unused)
{
    struct VDC_Command *command;
    (void)unused;
    return client_device_get_command(pair.devices[0], -1, &command) == 0 ? command : NULL;
}

/* A thread that already waits for ClearError wakes when another completes the last command in hand. */
static void test_waiting_for_clear_error(void **unused)
{
    (void)unused;
    pthread_t thread;
    void *fetched;
    assert_int_equal(send(0, VDC_Flush), 0);
    assert_int_equal(send(1, VDC_Flush), 0);
    struct VDC_Command *first = fetch(VDC_Flush);
    struct VDC_Command *second = fetch(VDC_Flush);
    complete(first, ERROR_DISK_FULL);
    run();
    assert_int_equal(send(2, VDC_ClearError), 0);
    assert_int_equal(pthread_create(&thread, NULL, fetch_clear_error, NULL), 0);
    complete(second, ERROR_SUCCESS);
    pthread_join(thread, &fetched);
    assert_non_null(fetched);
    assert_int_equal(((struct VDC_Command *)fetched)->commandCode, VDC_ClearError);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_documented_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commands_that_cross_the_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_errors_are_cleared_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_clear_error_clears_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_device_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_codes_that_are_no_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clear_error_without_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_order_is_the_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting_for_clear_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
