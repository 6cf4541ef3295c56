/* test_faults.c - what a correct client may do after each fault, without finding (design 4.4 and 4.5), and
 * what no fault excuses. */
#include <string.h>

#include "dsl.h"
#include "tests.h"

/* The fault closes the set in the middle of `call` of this thread: the call then fails. */
static void early_close(struct run *run, uint32_t thread, int16_t device)
{
    uint64_t call = call_begin(run, thread, VDI_FN_GET_COMMAND, device, (int64_t[6]){1000}, NULL);

    fault_fires(run, device, call);
    run->flags = EVENT_FLAG_BY_FAULT;
    vdi_close(run, thread, VD_E_OPEN);
    run->flags = EVENT_FLAG_FAULTED;
    call_end(run, thread, VDI_FN_GET_COMMAND, device, call, VD_E_PROTOCOL, NULL);
    run->flags = 0;
}

/* ---- early-close ---- */

static void test_early_close_correct(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "early-close@GetCommand#2:0");
    up(&run, 2);
    vdi_fetch(&run, WORKER2, 1, 2, VDC_Write);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    early_close(&run, WORKER, 0);
    vdi_complete(&run, WORKER2, 1, 2, 0, ERROR_SUCCESS, VD_E_PROTOCOL); /* its one failing call */
    vdi_abort(&run, MAIN, VD_E_PROTOCOL);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    vdi_close(&run, MAIN, VD_E_PROTOCOL);
    vdi_destroy(&run, MAIN);
    client_exits(&run, 1);
    expect_not(&run, "VDI-CLOSE-004");
    expect_clean(&run);
    assert_int_equal(run.judgement->fired[0], 1);
    run_end(&run);
}

static void test_early_close_thread_goes_on(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, "early-close@GetCommand#1:0");
    up(&run, 2);
    early_close(&run, MAIN, 0);
    vdi_get(&run, MAIN, 1, 1000, VD_E_PROTOCOL); /* another device: learnt there, too */
    call = vdi_get(&run, MAIN, 0, 1000, VD_E_PROTOCOL);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CLOSE-003", call, 0);
    run_end(&run);
}

/* The reader folds the thread's identical calls into the first one. */
static void test_early_close_thread_goes_on_folded(void **state)
{
    struct event end = {.kind = EVENT_CALL_END,
                        .side = EVENT_SIDE_CLIENT,
                        .function = VDI_FN_GET_COMMAND,
                        .process = CLIENT,
                        .thread = WORKER,
                        .set = 1,
                        .flags = EVENT_FLAG_FAULTED,
                        .result = VD_E_PROTOCOL,
                        .repeat = 3};
    struct run run;

    (void)state;
    run_start(&run, "early-close@GetCommand#1:0");
    up(&run, 1);
    end.call = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    fault_fires(&run, 0, end.call);
    feed(&run, end, NULL);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect(&run, "VDI-CLOSE-003")->count, 3);
    run_end(&run);
}

static void test_early_close_second_close(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, "early-close@GetCommand#1:0");
    up(&run, 1);
    early_close(&run, WORKER, 0);
    vdi_close(&run, MAIN, VD_E_PROTOCOL);
    call = vdi_close(&run, MAIN, VD_E_PROTOCOL);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CLOSE-004", call, -1);
    run_end(&run);
}

static void test_early_close_then_a_new_set(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "early-close@GetCommand#1:0");
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    early_close(&run, WORKER, 0);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    run.operation = 1;
    whole_backup(&run, 1); /* tries again: success is then the truth */
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

static void test_early_close_in_the_clients_own_close(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, "early-close@Close");
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    vdi_abort(&run, MAIN, 0);
    call = call_begin(&run, MAIN, VDI_FN_CLOSE, -1, NULL, NULL);
    fault_fires(&run, -1, call);
    run.flags = EVENT_FLAG_FAULTED;
    call_end(&run, MAIN, VDI_FN_CLOSE, -1, call, VD_E_PROTOCOL, NULL);
    run.flags = 0;
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* Another thread's Close meets the closed set before the fault's own event is recorded. */
static void test_early_close_seen_before_its_event(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "early-close@GetCommand#1:0");
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    run.flags = EVENT_FLAG_FAULTED;
    vdi_close(&run, MAIN, VD_E_PROTOCOL);
    run.flags = 0;
    fault_fires(&run, 0, 0);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

static void test_early_close_claimed_success(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "early-close@GetCommand#1:0");
    run.issuer = PROCESS_SQL; /* it does not see the statement, but it saw VD_E_PROTOCOL */
    up(&run, 1);
    early_close(&run, WORKER, 0);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    vdi_close(&run, MAIN, VD_E_PROTOCOL);
    client_exits(&run, 0);
    assert_non_null(strstr(expect(&run, "VDI-OUT-001")->message, "GetCommand gave VD_E_PROTOCOL"));
    run_end(&run);
}

/* ---- lost-close ---- */

static void lose_close(struct run *run, uint32_t thread, int16_t device)
{
    uint64_t call = call_begin(run, thread, VDI_FN_GET_COMMAND, device, (int64_t[6]){1000}, NULL);

    fault_fires(run, device, call);
    wait_ms(run, 1000);
    run->flags = EVENT_FLAG_FAULTED;
    call_end(run, thread, VDI_FN_GET_COMMAND, device, call, VD_E_TIMEOUT, NULL);
    run->flags = 0;
}

static void backup_with_lost_close(struct run *run)
{
    run_start(run, "lost-close@GetCommand:0");
    up(run, 1);
    transfer(run, WORKER, 0);
    lose_close(run, WORKER, 0);
    sql_stream(run, 0, 0, -1);
    sql_message(run, 3014, 0);
    sql_end(run, STATEMENT_SUCCESS, 1000, 42);
}

static void test_lost_close_correct(void **state)
{
    struct run run;
    uint64_t wait;

    (void)state;
    for (int status = 0; status <= 1; status++) { /* success is the truth here, failure is never wrong */
        backup_with_lost_close(&run);
        wait = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
        vdi_abort(&run, MAIN, 0);
        call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, wait, VD_E_ABORT, NULL);
        vdi_close(&run, MAIN, 0);
        vdi_destroy(&run, MAIN);
        client_exits(&run, status);
        expect_not(&run, "VDI-OUT-002");
        expect_clean(&run);
        run_end(&run);
    }
}

static void test_lost_close_closed_without_abort(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    backup_with_lost_close(&run);
    run.flags = EVENT_FLAG_FAULTED;
    call = vdi_close(&run, MAIN, VD_E_OPEN);
    run.flags = 0;
    client_exits(&run, 0);
    assert_int_equal(expect_among(&run, "VDI-CLOSE-001")->call, call);
    expect_among(&run, "VDI-GETCMD-004"); /* of the device that waited for its close */
    assert_int_equal(run.judgement->finding_count, 2);
    run_end(&run);
}

static void test_lost_close_waited_for_for_ever(void **state)
{
    struct run run;
    const struct finding *finding;
    uint64_t call;

    (void)state;
    backup_with_lost_close(&run);
    call = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    wait_ms(&run, 30000);
    hang(&run, HANG_CERTAIN);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 9, true);
    finding = expect_at(&run, "VDI-OUT-002", call, 0);
    assert_int_equal(finding->operation, 0);
    assert_true(run.judgement->client_timed_out);
    run_end(&run);
}

static void test_lost_close_exit_without_close(void **state)
{
    struct run run;

    (void)state;
    backup_with_lost_close(&run);
    client_exits(&run, 1);
    expect(&run, "VDI-OUT-004"); /* a leak; the server is not waiting (VDI-OUT-008) */
    run_end(&run);
}

/* ---- abort ---- */

static void abort_at_fetch(struct run *run, const char *fault)
{
    run_start(run, fault);
    up(run, 1);
    transfer(run, WORKER, 0);
    fault_fires(run, 0, vdi_fetch(run, WORKER, 0, 1, VDC_Write));
}

static void test_abort_correct(void **state)
{
    static const char *const faults[] = {"abort@Write#3:0", "abort(by=client)@Write#3:0"};
    struct run run;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        abort_at_fetch(&run, faults[i]);
        if (i == 1) {
            run.flags = EVENT_FLAG_BY_FAULT;
            vdi_abort(&run, WORKER, 0);
            run.flags = 0;
        }
        vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, VD_E_ABORT);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        vdi_close(&run, MAIN, 0);
        client_exits(&run, 1);
        expect_clean(&run);
        run_end(&run);
    }
}

/* The command in its hands when the abort came need not be completed. */
static void test_abort_held_command_is_excused(void **state)
{
    struct run run;

    (void)state;
    abort_at_fetch(&run, "abort@Write#3:0");
    vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    vdi_abort(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* Close under workers is wrong: a process that cannot join them may end without it (VDI-CLOSE-002): info at
 * most. */
static void test_abort_exit_under_workers(void **state)
{
    struct run run;

    (void)state;
    abort_at_fetch(&run, "abort@Write#3:0");
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect(&run, "VDI-OUT-004")->severity, SEVERITY_INFO);
    run_end(&run);
}

static void test_abort_exit_without_close(void **state)
{
    struct run run;

    (void)state;
    abort_at_fetch(&run, "abort@Write#3:0");
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, VD_E_ABORT);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect(&run, "VDI-OUT-004")->severity, SEVERITY_ERROR);
    run_end(&run);
}

static void test_abort_claimed_success(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    abort_at_fetch(&run, "abort@Write#3:0");
    call = vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, VD_E_ABORT);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect_at(&run, "VDI-OUT-001", call, 0);
    run_end(&run);
}

/* ---- unknown-command ---- */

static void test_unknown_command_answered_by_abort(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "unknown-command@Write#1");
    up(&run, 1);
    fault_fires(&run, 0, 0);
    vdi_fetch(&run, WORKER, 0, 1, 99);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* After a fault a client may give up for a reason that we made: what it then holds is excused. */
static void test_own_abort_after_a_fault(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "unknown-command@Write#1");
    up(&run, 1);
    fault_fires(&run, 0, 0);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* The server has closed the device: it does not wait for the client (VDI-OUT-008), who leaks its set. */
static void test_lost_close_exit_before_the_statement_ends(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "lost-close@GetCommand:0");
    up(&run, 1);
    transfer(&run, WORKER, 0);
    lose_close(&run, WORKER, 0);
    client_exits(&run, 1);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    expect(&run, "VDI-OUT-004");
    run_end(&run);
}

/* A fault on one set says nothing about another. */
static void test_fault_on_another_operation(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, "abort@Write#1:0");
    up(&run, 1);
    run.set = 2;
    run.operation = 1;
    up(&run, 1);
    fault_fires(&run, 0, vdi_fetch(&run, WORKER2, 0, 1, VDC_Write));
    vdi_complete(&run, WORKER2, 0, 1, 0, ERROR_SUCCESS, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    run.set = 1;
    run.operation = 0;
    run.statement = 1;
    call = vdi_close(&run, MAIN, VD_E_OPEN);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CLOSE-001", call, 0);
    run_end(&run);
}

int test_faults(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_early_close_correct),
        cmocka_unit_test(test_early_close_thread_goes_on),
        cmocka_unit_test(test_early_close_thread_goes_on_folded),
        cmocka_unit_test(test_early_close_second_close),
        cmocka_unit_test(test_early_close_then_a_new_set),
        cmocka_unit_test(test_early_close_in_the_clients_own_close),
        cmocka_unit_test(test_early_close_seen_before_its_event),
        cmocka_unit_test(test_early_close_claimed_success),
        cmocka_unit_test(test_lost_close_correct),
        cmocka_unit_test(test_lost_close_closed_without_abort),
        cmocka_unit_test(test_lost_close_waited_for_for_ever),
        cmocka_unit_test(test_lost_close_exit_without_close),
        cmocka_unit_test(test_abort_correct),
        cmocka_unit_test(test_abort_held_command_is_excused),
        cmocka_unit_test(test_abort_exit_under_workers),
        cmocka_unit_test(test_abort_exit_without_close),
        cmocka_unit_test(test_abort_claimed_success),
        cmocka_unit_test(test_unknown_command_answered_by_abort),
        cmocka_unit_test(test_fault_on_another_operation),
        cmocka_unit_test(test_own_abort_after_a_fault),
        cmocka_unit_test(test_lost_close_exit_before_the_statement_ends),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
