/* test_calls.c - the rules about single calls: each is found at the right call, and its correct neighbours
 * are not. */
#include <string.h>

#include "dsl.h"
#include "tests.h"

static void test_clean_backup(void **state)
{
    struct run run;

    (void)state;
    for (uint32_t devices = 1; devices <= 3; devices++) {
        run_start(&run, NULL);
        whole_backup(&run, devices);
        vdi_destroy(&run, MAIN);
        client_exits(&run, 0);
        expect_clean(&run);
        assert_int_equal(run.judgement->operation_count, 1);
        assert_int_equal(run.judgement->operations[0].outcome, OUTCOME_SUCCESS);
        assert_string_equal(run.judgement->operations[0].set, "set-1");
        assert_int_equal(run.judgement->operations[0].client_says, CLAIM_SUCCESS);
        run_end(&run);
    }
}

/* VDI-GETCMD-002 */

static void test_get_command_after_close_delivered(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    call = vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    down(&run, 2); /* once more on device 0 */
    client_exits(&run, 0);
    assert_int_equal(expect_at(&run, "VDI-GETCMD-002", call, 0)->count, 2);
    run_end(&run);
}

static void test_get_command_on_other_device_after_close(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    vdi_get(&run, MAIN, 0, 1000, VD_E_CLOSE); /* one thread serves both devices */
    vdi_get(&run, MAIN, 1, 1000, VD_E_TIMEOUT);
    vdi_get(&run, MAIN, 1, 1000, VD_E_CLOSE);
    sql_end(&run, STATEMENT_SUCCESS, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* VDI-GETCMD-003 */

static void test_call_after_abort_result(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, "abort@Write#1:0");
    up(&run, 1);
    fault_fires(&run, 0, vdi_fetch(&run, WORKER, 0, 1, VDC_Write));
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, VD_E_ABORT);
    call = vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-GETCMD-003", call, 0);
    run_end(&run);
}

static void test_other_thread_does_not_know_of_the_abort(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "abort@Write#1:0");
    up(&run, 2);
    vdi_fetch(&run, WORKER2, 1, 2, VDC_Write);
    fault_fires(&run, 0, vdi_fetch(&run, WORKER, 0, 1, VDC_Write));
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, VD_E_ABORT);
    vdi_complete(&run, WORKER2, 1, 2, 0, ERROR_SUCCESS, VD_E_ABORT);
    vdi_abort(&run, WORKER, 0); /* harmless */
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    vdi_close(&run, MAIN, 0);
    vdi_destroy(&run, MAIN);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* What comes after the set's own Close is a use after Close, whatever the thread had been told before. */
static void test_close_ends_what_an_abort_forbids(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    call = vdi_get(&run, WORKER, 0, 1000, VD_E_PROTOCOL);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CLOSE-003", call, 0);
    run_end(&run);
}

/* VD_E_CLOSE went to one thread; another, which takes turns with it on the device, need not have heard. */
static void test_other_thread_after_close_delivered(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_get(&run, WORKER2, 0, 1000, VD_E_PROTOCOL);
    sql_end(&run, STATEMENT_SUCCESS, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* A refused Create is an operation of its own only to those who number it: no false success, no false
 * failure. */
static void test_create_twice_claims_a_number(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    run.operation = 1;
    vdi_create(&run, 1, VD_E_PROTOCOL);
    run.operation = 0;
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect(&run, "VDI-CREATE-001");
    run_end(&run);
}

/* VDI-CLOSE-001 */

static void test_close_too_early(void **state)
{
    struct run run;
    const struct finding *finding;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_get(&run, WORKER2, 1, 1000, VD_E_TIMEOUT);
    call = vdi_close(&run, MAIN, VD_E_OPEN);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    finding = expect_among(&run, "VDI-CLOSE-001");
    assert_int_equal(finding->call, call);
    assert_int_equal(finding->device, 1);
    assert_string_equal(finding->message,
                        "Close called while device 1 had not delivered VD_E_CLOSE (its last GetCommand gave "
                        "VD_E_TIMEOUT)");
    expect_among(&run, "VDI-GETCMD-004"); /* and taken for the end */
    assert_int_equal(run.judgement->finding_count, 2);
    assert_int_equal(finding->assumption, ASSUMPTION_DOCUMENTED);
    run_end(&run);
}

/* The Close itself wakes other threads with VD_E_ABORT: that is no excuse for it. */
static void test_close_too_early_under_a_waiting_thread(void **state)
{
    struct run run;
    uint64_t call, wait;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    wait = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    call = call_begin(&run, MAIN, VDI_FN_CLOSE, -1, NULL, NULL);
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, wait, VD_E_ABORT, NULL);
    call_end(&run, MAIN, VDI_FN_CLOSE, -1, call, VD_E_OPEN, NULL);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect_among(&run, "VDI-CLOSE-001")->call, call);
    assert_int_equal(expect_among(&run, "VDI-CLOSE-002")->call, call);
    assert_int_equal(run.judgement->finding_count, 2);
    run_end(&run);
}

/* Where Close of open devices gives NOERROR (spec X3): the server that noticed it ends its statement before Close is back;
 * one that had told of an error before may have ended by itself. */
static void test_close_that_the_server_notices(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        struct run run;
        uint64_t call;

        run_start(&run, NULL);
        up(&run, 1);
        vdi_get(&run, WORKER, 0, 0, VD_E_TIMEOUT);
        if (before) {
            sql_message(&run, 18210, 16);
        }
        call = call_begin(&run, MAIN, VDI_FN_CLOSE, -1, NULL, NULL);
        sql_message(&run, before ? 3013 : 18210, 16);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        call_end(&run, MAIN, VDI_FN_CLOSE, -1, call, 0, NULL);
        client_exits(&run, 1);
        if (before) {
            expect_not(&run, "VDI-CLOSE-001");
        } else {
            assert_int_equal(expect_among(&run, "VDI-CLOSE-001")->call, call);
        }
        run_end(&run);
    }
}

static void test_close_after_abort(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL); /* by the client itself */
    up(&run, 1);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-CLOSE-001");
    expect_clean(&run);
    run_end(&run);

    run_start(&run, NULL); /* by the server, as a thread was told */
    up(&run, 1);
    vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);

    run_start(&run, NULL); /* by the server, as the statement's end told */
    up(&run, 1);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

static void test_close_before_open_is_fine(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 1, 0);
    vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

static void test_destroying_an_open_set_is_closing_it(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = vdi_destroy(&run, MAIN);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CLOSE-001", call, 0);
    run_end(&run);
}

/* VDI-CLOSE-003 */

static void test_device_used_after_close(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    call = vdi_get(&run, WORKER, 0, 1000, VD_E_PROTOCOL);
    client_exits(&run, 0);
    expect_at(&run, "VDI-CLOSE-003", call, 0);
    run_end(&run);
}

/* VDI-CLOSE-004 */

static void test_close_twice(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    call = vdi_close(&run, MAIN, VD_E_PROTOCOL);
    vdi_destroy(&run, MAIN);
    client_exits(&run, 0);
    expect_at(&run, "VDI-CLOSE-004", call, -1);
    run_end(&run);
}

static void test_close_without_create(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    run.operation = -1;
    vdi_close(&run, MAIN, VD_E_PROTOCOL);
    client_exits(&run, 1);
    expect(&run, "VDI-CLOSE-004");
    run_end(&run);
}

/* One bug at one place is one finding, however often it shows. */
static void test_findings_are_merged(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    for (int64_t i = 0; i < 50; i++) {
        vdi_complete(&run, WORKER, 0, 0x5000 + i, 0, ERROR_SUCCESS, VD_E_INVALID);
    }
    down(&run, 1);
    client_exits(&run, 0);
    assert_int_equal(expect(&run, "VDI-CMD-002")->count, 50);
    run_end(&run);
}

/* A helper process that ends by exit destroys its copy of a static set object; the set is the parent's. */
static void test_destructor_in_a_forked_child(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    run.process = CLIENT + 50;
    vdi_destroy(&run, WORKER2);
    run.process = CLIENT;
    down(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* ... or closes it, and is told that it has none. */
static void test_close_in_a_forked_child(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 0x4000, VDC_Write);
    run.process = CLIENT + 50;
    vdi_close(&run, WORKER2, VD_E_PROTOCOL);
    run.process = CLIENT;
    vdi_complete(&run, WORKER, 0, 0x4000, (int64_t)fetch, ERROR_SUCCESS, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

int test_calls(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_backup),
        cmocka_unit_test(test_get_command_after_close_delivered),
        cmocka_unit_test(test_get_command_on_other_device_after_close),
        cmocka_unit_test(test_call_after_abort_result),
        cmocka_unit_test(test_other_thread_does_not_know_of_the_abort),
        cmocka_unit_test(test_close_too_early),
        cmocka_unit_test(test_close_too_early_under_a_waiting_thread),
        cmocka_unit_test(test_close_that_the_server_notices),
        cmocka_unit_test(test_close_after_abort),
        cmocka_unit_test(test_close_before_open_is_fine),
        cmocka_unit_test(test_destroying_an_open_set_is_closing_it),
        cmocka_unit_test(test_device_used_after_close),
        cmocka_unit_test(test_close_twice),
        cmocka_unit_test(test_close_without_create),
        cmocka_unit_test(test_findings_are_merged),
        cmocka_unit_test(test_close_ends_what_an_abort_forbids),
        cmocka_unit_test(test_other_thread_after_close_delivered),
        cmocka_unit_test(test_create_twice_claims_a_number),
        cmocka_unit_test(test_destructor_in_a_forked_child),
        cmocka_unit_test(test_close_in_a_forked_child),
    };

    return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
