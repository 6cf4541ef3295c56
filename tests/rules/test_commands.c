/* test_commands.c - the rules about commands: VDI-CMD-001, VDI-CMD-002, VDI-CMD-008. */
#include <string.h>

#include "codes.h"
#include "dsl.h"
#include "tests.h"

/* VDI-CMD-001 */

static void test_uncompleted_at_close(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    sql_wait(&run, 0);
    vdi_close(&run, MAIN, VD_E_OPEN);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_among(&run, "VDI-CLOSE-001");
    assert_int_equal(expect_among(&run, "VDI-CMD-001")->call, call);
    assert_int_equal(run.judgement->finding_count, 2);
    run_end(&run);
}

static void test_uncompleted_at_exit(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    sql_wait(&run, 0);
    client_exits(&run, 1);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    assert_int_equal(expect_among(&run, "VDI-CMD-001")->call, call);
    expect_among(&run, "VDI-OUT-004");
    expect_among(&run, "VDI-OUT-008");
    run_end(&run);
}

/* The server may notice the process's end before the supervisor does: the verdict is the same. */
static void test_uncompleted_at_exit_that_the_server_saw_first(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    sql_wait(&run, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_among(&run, "VDI-CMD-001");
    expect_among(&run, "VDI-OUT-008");
    run_end(&run);
}

static void test_uncompleted_at_hang(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    sql_wait(&run, 0);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    wait_ms(&run, 30000);
    hang(&run, HANG_PATIENCE);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 9, true);
    assert_int_equal(expect_among(&run, "VDI-CMD-001")->call, call);
    expect_among(&run, "VDI-OUT-002");
    expect_among(&run, "VDI-GETCMD-006");
    assert_int_equal(run.judgement->finding_count, 3); /* it waits on the device: not idle (VDI-OUT-008) */
    run_end(&run);
}

static void test_own_abort_does_not_excuse(void **state)
{
    struct run run;
    uint64_t call, next;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    next = vdi_fetch(&run, WORKER, 0, 2, VDC_Write);
    vdi_complete(&run, WORKER, 0, 2, (int64_t)next, 0, 0);
    sql_wait(&run, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CMD-001", call, 0);
    run_end(&run);
}

/* Commands still worked on when the sink fails: the device's thread polls meanwhile, then aborts. */
static void test_abort_while_work_is_under_way(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    for (int64_t block = 1; block <= 4; block++) {
        vdi_fetch(&run, WORKER, 0, block, VDC_Write);
    }
    sql_wait(&run, 0);
    for (int i = 0; i < 10; i++) {
        vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    }
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

static void test_watchdogs_abort_does_not_excuse(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    sql_wait(&run, 0);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    wait_ms(&run, 31000);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CMD-001", call, 0);
    run_end(&run);
}

/* Aborts that are no excuse looked for: an I/O error of its own, told by an abort or by an error completion.
 */
static void test_abort_for_own_io_error(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    sql_wait(&run, 0);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);

    run_start(&run, NULL);
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    vdi_fetch(&run, WORKER, 0, 2, VDC_Write);
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_DISK_FULL, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* Of the completion codes only those of an I/O error call for an abort (spec 2.2). */
static void test_refusing_a_command_does_not_excuse(void **state)
{
    static const int32_t codes[] = {ERROR_NOT_SUPPORTED, ERROR_HANDLE_EOF, ERROR_END_OF_MEDIA};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct run run;
        uint64_t call;

        run_start(&run, NULL);
        up(&run, 1);
        vdi_fetch(&run, WORKER, 0, 1, VDC_Load);
        vdi_complete(&run, WORKER, 0, 1, 0, codes[i], 0);
        call = vdi_fetch(&run, WORKER, 0, 2, VDC_Write);
        vdi_fetch(&run, WORKER, 0, 3, VDC_Write);
        vdi_complete(&run, WORKER, 0, 3, 0, ERROR_SUCCESS, 0);
        sql_wait(&run, 0);
        vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
        vdi_abort(&run, WORKER, 0);
        vdi_close(&run, MAIN, 0);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        client_exits(&run, 1);
        expect_at(&run, "VDI-CMD-001", call, 0);
        run_end(&run);
    }
}

/* The error was told, and the server has answered it: what it asks for now is owed like anything else. */
static void test_an_error_does_not_excuse_forgetting_clear_error(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_DISK_FULL, 0);
    call = vdi_fetch(&run, WORKER, 0, 2, VDC_ClearError);
    sql_wait(&run, 0);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    wait_ms(&run, 31000);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CMD-001", call, 0);
    run_end(&run);
}

/* The set was aborted already, as another thread was told: what is held then need not be completed. */
static void test_abort_that_others_had_seen(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_get(&run, WORKER2, 1, 1000, VD_E_ABORT);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* A thread that comes late with a command of the aborted set, when the object holds a new one already. */
static void test_straggler_of_an_earlier_life(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    vdi_get(&run, WORKER2, 0, 0, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    run.operation = 1;
    up(&run, 1);
    vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, VD_E_INVALID);
    transfer(&run, WORKER2, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

static void test_out_of_order_completion_is_fine(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    for (int64_t block = 1; block <= 4; block++) {
        vdi_fetch(&run, WORKER, 0, block, VDC_Write);
    }
    vdi_get(&run, WORKER, 0, 0, VD_E_TIMEOUT);
    for (int64_t block = 4; block >= 1; block--) {
        vdi_complete(&run, WORKER2, 0, block, 0, ERROR_SUCCESS, 0); /* by an I/O thread */
    }
    down(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

static void test_crashed_client_is_excused(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 11, false);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    expect(&run, "VDI-OUT-003");
    run_end(&run);
}

/* VDI-CMD-002 */

static void test_complete_twice(void **state)
{
    struct run run;
    uint64_t fetch, call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    call = vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, VD_E_INVALID);
    down(&run, 1);
    client_exits(&run, 0);
    assert_non_null(strstr(expect_at(&run, "VDI-CMD-002", call, 0)->message, "completed already"));
    run_end(&run);
}

static void test_complete_never_fetched(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = vdi_complete(&run, WORKER, 0, 0xdead, 0, ERROR_SUCCESS, VD_E_INVALID);
    down(&run, 1);
    client_exits(&run, 0);
    assert_non_null(strstr(expect_at(&run, "VDI-CMD-002", call, 0)->message, "0xdead"));
    run_end(&run);
}

static void test_complete_on_wrong_device(void **state)
{
    struct run run;
    uint64_t fetch, call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    call = vdi_complete(&run, WORKER2, 1, 1, (int64_t)fetch, ERROR_SUCCESS, VD_E_INVALID);
    vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    down(&run, 2);
    client_exits(&run, 0);
    assert_non_null(strstr(expect_at(&run, "VDI-CMD-002", call, 1)->message, "fetched on device 0"));
    run_end(&run);
}

static void test_block_used_again_is_a_new_command(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    for (int i = 0; i < 10; i++) {
        vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
        vdi_fetch(&run, WORKER2, 1, 1, VDC_Write); /* blocks are per device */
        vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, 0);
        vdi_complete(&run, WORKER2, 1, 1, 0, ERROR_SUCCESS, 0);
    }
    down(&run, 2);
    client_exits(&run, 0);
    expect_not(&run, "VDI-CMD-002");
    expect_clean(&run);
    run_end(&run);
}

/* VDI-CMD-008 */

static void test_unknown_command_answered_with_success(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, "unknown-command@Write#1");
    up(&run, 1);
    fault_fires(&run, 0, 0);
    vdi_fetch(&run, WORKER, 0, 1, 99);
    call = vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_at(&run, "VDI-CMD-008", call, 0);
    run_end(&run);
}

static void test_unknown_command_left_open(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, "unknown-command(code=77)@Write#1");
    up(&run, 1);
    fault_fires(&run, 0, 0);
    call = vdi_fetch(&run, WORKER, 0, 1, 77);
    vdi_close(&run, MAIN, VD_E_OPEN);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect_among(&run, "VDI-CMD-008")->call, call);
    expect_not(&run, "VDI-CMD-001");
    run_end(&run);
}

static void test_unknown_command_refused(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "unknown-command@Write#1");
    up(&run, 1);
    fault_fires(&run, 0, 0);
    vdi_fetch(&run, WORKER, 0, 1, 99);
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_NOT_SUPPORTED, 0);
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_not(&run, "VDI-CMD-008");
    expect_clean(&run);
    run_end(&run);
}

/* More bytes than the command's size, say: VD_E_INVALID leaves the command with the client. */
static void test_completion_that_was_refused(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    for (int again = 0; again < 2; again++) {
        run_start(&run, NULL);
        up(&run, 1);
        fetch = vdi_fetch(&run, WORKER, 0, 0x1000, VDC_Write);
        vdi_complete(&run, WORKER, 0, 0x1000, (int64_t)fetch, ERROR_SUCCESS, VD_E_INVALID);
        if (again) {
            vdi_complete(&run, WORKER, 0, 0x1000, (int64_t)fetch, ERROR_SUCCESS, 0);
        }
        down(&run, 1);
        client_exits(&run, 0);
        if (again) {
            expect_clean(&run);
        } else {
            expect_at(&run, "VDI-CMD-001", fetch, 0);
        }
        run_end(&run);
    }
}

int test_commands(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uncompleted_at_close),
        cmocka_unit_test(test_uncompleted_at_exit),
        cmocka_unit_test(test_uncompleted_at_exit_that_the_server_saw_first),
        cmocka_unit_test(test_uncompleted_at_hang),
        cmocka_unit_test(test_own_abort_does_not_excuse),
        cmocka_unit_test(test_abort_while_work_is_under_way),
        cmocka_unit_test(test_watchdogs_abort_does_not_excuse),
        cmocka_unit_test(test_abort_for_own_io_error),
        cmocka_unit_test(test_refusing_a_command_does_not_excuse),
        cmocka_unit_test(test_an_error_does_not_excuse_forgetting_clear_error),
        cmocka_unit_test(test_out_of_order_completion_is_fine),
        cmocka_unit_test(test_crashed_client_is_excused),
        cmocka_unit_test(test_complete_twice),
        cmocka_unit_test(test_complete_never_fetched),
        cmocka_unit_test(test_complete_on_wrong_device),
        cmocka_unit_test(test_block_used_again_is_a_new_command),
        cmocka_unit_test(test_unknown_command_answered_with_success),
        cmocka_unit_test(test_unknown_command_left_open),
        cmocka_unit_test(test_unknown_command_refused),
        cmocka_unit_test(test_abort_that_others_had_seen),
        cmocka_unit_test(test_straggler_of_an_earlier_life),
        cmocka_unit_test(test_completion_that_was_refused),
    };

    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
