/* test_waiting.c - what a client waits on, and how it takes the end of a wait: VDI-GETCMD-001 to 004, 006,
 * VDI-IO-001, and that faults do not hide VDI-CMD-001. */
#include "dsl.h"
#include "tests.h"

/* ---- VDI-GETCMD-001 ---- */

/* GetCommand on an object that belongs to no set. */
static uint64_t get_from_nowhere(struct run *run, int32_t result)
{
    uint64_t set = run->set, call;
    int32_t operation = run->operation;

    run->set = 0;
    run->operation = -1;
    call = vdi_get(run, MAIN, -1, 1000, result);
    run->set = set;
    run->operation = operation;
    return call;
}

static void test_unknown_device(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    call = get_from_nowhere(&run, VD_E_PROTOCOL);
    whole_backup(&run, 1);
    client_exits(&run, 0);
    expect_at(&run, "VDI-GETCMD-001", call, -1);
    run_end(&run);
}

/* The library knows the device although nobody here does: opened before anybody looked. */
static void test_device_opened_unseen(void **state)
{
    static const int32_t results[] = {0, VD_E_TIMEOUT, VD_E_CLOSE, VD_E_ABORT};

    (void)state;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        struct run run;

        run_start(&run, NULL);
        get_from_nowhere(&run, results[i]);
        whole_backup(&run, 1);
        client_exits(&run, 0);
        expect_not(&run, "VDI-GETCMD-001");
        run_end(&run);
    }
}

/* Stragglers of a set that a fault or an abort ended, whose objects are gone by now. */
static void test_unknown_device_after_a_fault(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "early-close@Write#1");
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    fault_fires(&run, 0, 0);
    get_from_nowhere(&run, VD_E_PROTOCOL);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-GETCMD-001");
    run_end(&run);
}

/* A library that survives a null pointer. */
static void test_null_device_of_a_failed_opening(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    vdi_create(&run, 1, 0);
    vdi_get_configuration(&run, 1, 0);
    vdi_open(&run, 0, VD_E_INVALID);
    get_from_nowhere(&run, VD_E_PROTOCOL);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-GETCMD-001");
    run_end(&run);
}

static void test_null_device(void **state)
{
    (void)state;
    for (int failed_open = 0; failed_open < 2; failed_open++) {
        struct run run;
        uint64_t call;

        run_start(&run, NULL);
        vdi_create(&run, 1, 0);
        vdi_get_configuration(&run, 1, 0);
        if (failed_open) {
            vdi_open(&run, 0, VD_E_INVALID);
        }
        run.set = 0;
        run.operation = -1;
        call = call_begin(&run, MAIN, VDI_FN_GET_COMMAND, -1, (int64_t[6]){-1}, NULL);
        process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 11, false);
        if (failed_open) { /* the pointer of an OpenDevice that failed: VDI-OPEN-004 */
            expect_not(&run, "VDI-GETCMD-001");
        } else {
            assert_int_equal(expect_among(&run, "VDI-GETCMD-001")->call, call);
        }
        run_end(&run);
    }
}

/* The object of a device whose set was closed, when the set object holds another. */
static void test_device_of_an_earlier_set(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    run.operation = 1;
    up(&run, 1);
    run.operation = 0;
    call = vdi_get(&run, MAIN, 0, 0, VD_E_PROTOCOL);
    run.operation = 1;
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_at(&run, "VDI-GETCMD-001", call, 0);
    run_end(&run);
}

/* ---- VDI-GETCMD-002, VDI-GETCMD-003: near ---- */

/* VD_E_CLOSE of one device is not that of another, and a set that lives on takes new calls. */
static void test_other_device_goes_on(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_get(&run, WORKER, 1, 1000, VD_E_TIMEOUT);
    vdi_get(&run, WORKER, 1, 1000, VD_E_CLOSE);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect_not(&run, "VDI-GETCMD-002");
    expect_not(&run, "VDI-GETCMD-004"); /* it waited again */
    run_end(&run);
}

/* Another thread was told of the abort; this one finds out by itself. SignalAbort is harmless. */
static void test_each_thread_learns_of_the_abort(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    vdi_get(&run, WORKER2, 1, 1000, VD_E_ABORT);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, WORKER, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-GETCMD-003");
    run_end(&run);
}

/* ---- VDI-GETCMD-004 ---- */

static void test_timeout_taken_for_the_end(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    call = vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    client_exits(&run, 0);
    assert_int_equal(expect_among(&run, "VDI-GETCMD-004")->call, call);
    run_end(&run);
}

static void test_timeout_answered_by_abort(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-GETCMD-004");
    run_end(&run);
}

/* A thread that waits again has not taken anything for the end, whoever closes the set under it. */
static void test_close_under_a_thread_that_waits_again(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    vdi_close(&run, MAIN, VD_E_OPEN);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_among(&run, "VDI-CLOSE-001");
    expect_not(&run, "VDI-GETCMD-004");
    run_end(&run);
}

/* ---- VDI-GETCMD-006, VDI-IO-001 ---- */

/* Two Writes in hand, one of them completed with `completion`, then a wait that a hang ends. */
static uint64_t blocked_with_one_in_hand(struct run *run, int32_t completion, int64_t timeout)
{
    uint64_t call;

    run_start(run, NULL);
    up(run, 1);
    vdi_fetch(run, WORKER, 0, 1, VDC_Write);
    vdi_fetch(run, WORKER, 0, 2, VDC_Write);
    vdi_complete(run, WORKER, 0, 1, 0, completion, 0);
    sql_wait(run, 0);
    call = call_begin(run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){timeout}, NULL);
    wait_ms(run, 30000);
    hang(run, HANG_PATIENCE);
    process_ends(run, CLIENT, PROCESS_CLIENT, -1, 9, true);
    return call;
}

static void test_blocked_with_a_command_in_hand(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    call = blocked_with_one_in_hand(&run, ERROR_SUCCESS, -1);
    assert_int_equal(expect_among(&run, "VDI-GETCMD-006")->call, call);
    expect_among(&run, "VDI-CMD-001");
    expect_not(&run, "VDI-IO-001");
    run_end(&run);

    call = blocked_with_one_in_hand(&run, ERROR_DISK_FULL, -1);
    assert_int_equal(expect_among(&run, "VDI-IO-001")->call, call);
    expect_not(&run, "VDI-GETCMD-006");
    run_end(&run);

    blocked_with_one_in_hand(&run, ERROR_SUCCESS, 100000); /* it will wake */
    expect_not(&run, "VDI-GETCMD-006");
    run_end(&run);
}

/* Two devices, nothing in hand: the wait is the server's to end. */
static void test_blocked_with_empty_hands(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    transfer(&run, WORKER, 0);
    vdi_fetch(&run, WORKER2, 1, 1, VDC_Write);
    sql_wait(&run, 1);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    wait_ms(&run, 30000);
    hang(&run, HANG_PATIENCE);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 9, true);
    expect_not(&run, "VDI-GETCMD-006");
    run_end(&run);
}

/* After an error the rest is completed, ClearError comes, and the device goes on. */
static void test_error_and_all_the_rest_completed(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    vdi_fetch(&run, WORKER, 0, 2, VDC_Write);
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_DISK_FULL, 0);
    vdi_complete(&run, WORKER, 0, 2, 0, ERROR_DISK_FULL, 0);
    vdi_serve(&run, 0, VDC_ClearError, ERROR_SUCCESS);
    vdi_fetch(&run, WORKER, 0, 3, VDC_Write);
    sql_wait(&run, 0);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    wait_ms(&run, 30000);
    hang(&run, HANG_PATIENCE);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 9, true);
    expect_not(&run, "VDI-IO-001"); /* that error was cleared: the Write it holds is VDI-CMD-001's */
    expect_among(&run, "VDI-CMD-001");
    run_end(&run);
}

/* With waits that end, until it gives up; soon after the error that is its right. */
static void test_error_then_waiting_in_slices(void **state)
{
    (void)state;
    for (int patient = 0; patient < 2; patient++) {
        struct run run;

        run_start(&run, NULL);
        up(&run, 1);
        vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
        vdi_fetch(&run, WORKER, 0, 2, VDC_Write);
        vdi_complete(&run, WORKER, 0, 1, 0, ERROR_DISK_FULL, 0);
        sql_wait(&run, 0);
        wait_ms(&run, patient ? 31000 : 5000);
        vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
        vdi_abort(&run, WORKER, 0);
        vdi_close(&run, MAIN, 0);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        client_exits(&run, 1);
        if (patient) {
            expect(&run, "VDI-IO-001");
        } else {
            expect_not(&run, "VDI-IO-001");
        }
        run_end(&run);
    }
}

/* ---- VDI-CMD-001 beside a fault ---- */

/* The second Write is forgotten: a third is completed, and the client waits in vain. */
static void forget_under(struct run *run, const char *fault, uint64_t *fetch)
{
    run_start(run, fault);
    up(run, 1);
    fault_fires(run, 0, 0);
    vdi_serve(run, 0, 99, ERROR_NOT_SUPPORTED);
    *fetch = vdi_fetch(run, WORKER, 0, 1, VDC_Write);
    vdi_serve(run, 0, VDC_Write, ERROR_SUCCESS);
    sql_wait(run, 0);
    vdi_get(run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(run, WORKER, 0);
    vdi_close(run, MAIN, 0);
    sql_end(run, STATEMENT_ABORTED, 0, 0);
    client_exits(run, 1);
}

static void test_fault_that_is_no_reason(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    forget_under(&run, "unknown-command@Write#1", &fetch);
    expect_at(&run, "VDI-CMD-001", fetch, 0);
    run_end(&run);
}

/* The server notices the process's end before the supervisor does: that is no abort of its own. */
static void test_exit_after_a_fault_that_is_no_reason(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    run_start(&run, "unknown-command@Write#1");
    up(&run, 1);
    fault_fires(&run, 0, 0);
    vdi_serve(&run, 0, 99, ERROR_NOT_SUPPORTED);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    sql_wait(&run, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect_among(&run, "VDI-CMD-001")->call, fetch);
    expect_among(&run, "VDI-OUT-008");
    run_end(&run);
}

static void test_fault_that_may_be_the_reason(void **state)
{
    static const char *const faults[] = {"lost-close", "abort@Write#1", "early-close@Write#1"};

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct run run;
        uint64_t fetch;

        forget_under(&run, faults[i], &fetch);
        expect_not(&run, "VDI-CMD-001");
        run_end(&run);
    }
}

int test_waiting(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_device),
        cmocka_unit_test(test_device_opened_unseen),
        cmocka_unit_test(test_unknown_device_after_a_fault),
        cmocka_unit_test(test_null_device),
        cmocka_unit_test(test_null_device_of_a_failed_opening),
        cmocka_unit_test(test_device_of_an_earlier_set),
        cmocka_unit_test(test_other_device_goes_on),
        cmocka_unit_test(test_each_thread_learns_of_the_abort),
        cmocka_unit_test(test_timeout_taken_for_the_end),
        cmocka_unit_test(test_timeout_answered_by_abort),
        cmocka_unit_test(test_close_under_a_thread_that_waits_again),
        cmocka_unit_test(test_blocked_with_a_command_in_hand),
        cmocka_unit_test(test_blocked_with_empty_hands),
        cmocka_unit_test(test_error_and_all_the_rest_completed),
        cmocka_unit_test(test_error_then_waiting_in_slices),
        cmocka_unit_test(test_fault_that_is_no_reason),
        cmocka_unit_test(test_exit_after_a_fault_that_is_no_reason),
        cmocka_unit_test(test_fault_that_may_be_the_reason),
    };

    return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
