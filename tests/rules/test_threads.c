/* test_threads.c - calls of two threads at once: VDI-THR-001, VDI-CLOSE-002, VDI-LIFE-001. */
#include "dsl.h"
#include "tests.h"

static void finish_backup(struct run *run)
{
    down(run, 1);
    client_exits(run, 0);
}

/* ---- VDI-THR-001 ---- */

static void test_two_get_commands(void **state)
{
    struct run run;
    const struct finding *finding;
    uint64_t first, second;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    first = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    second = call_begin(&run, WORKER2, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    call_end(&run, WORKER2, VDI_FN_GET_COMMAND, 0, second, VD_E_TIMEOUT, NULL);
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, first, VD_E_TIMEOUT, NULL);
    finish_backup(&run);
    finding = expect_at(&run, "VDI-THR-001", second, 0);
    assert_int_equal(finding->other.call, first);
    assert_int_equal(finding->other.thread, WORKER);
    assert_non_null(finding->other.stack);
    assert_int_equal(finding->severity, SEVERITY_ERROR);
    run_end(&run);
}

static void test_two_completions(void **state)
{
    struct run run;
    const struct finding *finding;
    uint64_t fetched[2], first, second;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetched[0] = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    fetched[1] = vdi_fetch(&run, WORKER, 0, 2, VDC_Write);
    first = call_begin(&run, WORKER, VDI_FN_COMPLETE_COMMAND, 0,
                       (int64_t[6]){1, 0, 65536, 0, (int64_t)fetched[0], VDC_Write}, NULL);
    second = call_begin(&run, WORKER2, VDI_FN_COMPLETE_COMMAND, 0,
                        (int64_t[6]){2, 0, 65536, 0, (int64_t)fetched[1], VDC_Write}, NULL);
    call_end(&run, WORKER, VDI_FN_COMPLETE_COMMAND, 0, first, 0, NULL);
    call_end(&run, WORKER2, VDI_FN_COMPLETE_COMMAND, 0, second, 0, NULL);
    finish_backup(&run);
    finding = expect_at(&run, "VDI-THR-001", second, 0);
    assert_int_equal(finding->severity, SEVERITY_WARNING);
    assert_int_equal(finding->assumption, ASSUMPTION_OURS);
    run_end(&run);
}

/* Asynchronous I/O: a worker completes while the device's thread waits for the next command (VDI-GETCMD-006). */
static void test_completion_beside_a_waiting_get_command(void **state)
{
    struct run run;
    uint64_t fetched, wait;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetched = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    wait = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    vdi_complete(&run, WORKER2, 0, 1, (int64_t)fetched, ERROR_SUCCESS, 0);
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, wait, VD_E_TIMEOUT, NULL);
    finish_backup(&run);
    expect_not(&run, "VDI-THR-001");
    assert_int_equal(run.judgement->finding_count, 0);
    run_end(&run);
}

/* Two threads that take turns, and two devices at once. */
static void test_threads_in_turn(void **state)
{
    struct run run;
    uint64_t one, two;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_get(&run, WORKER2, 0, 1000, VD_E_TIMEOUT);
    one = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    two = call_begin(&run, WORKER2, VDI_FN_GET_COMMAND, 1, (int64_t[6]){1000}, NULL);
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, one, VD_E_TIMEOUT, NULL);
    call_end(&run, WORKER2, VDI_FN_GET_COMMAND, 1, two, VD_E_TIMEOUT, NULL);
    down(&run, 2);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* An end that was dropped must not make its call last until the thread's next one. */
static void test_lost_end_is_no_overlap(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    vdi_get(&run, WORKER2, 0, 1000, VD_E_TIMEOUT);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    finish_backup(&run);
    expect_clean(&run);
    run_end(&run);
}

/* The same object in a forked child is another one. */
static void test_other_process(void **state)
{
    struct run run;
    uint64_t wait;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    wait = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    run.process = CLIENT + 1;
    vdi_get(&run, WORKER2, 0, 0, VD_E_TIMEOUT);
    run.process = CLIENT;
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, wait, VD_E_TIMEOUT, NULL);
    finish_backup(&run);
    expect_not(&run, "VDI-THR-001");
    run_end(&run);
}

/* ---- VDI-CLOSE-002 ---- */

static void test_close_under_a_thread(void **state)
{
    static const uint16_t functions[] = {VDI_FN_GET_COMMAND, VDI_FN_GET_CONFIGURATION};
    struct run run;
    uint64_t call, wait;

    (void)state;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        int16_t device = functions[i] == VDI_FN_GET_COMMAND ? 0 : -1;
        const struct finding *finding;

        run_start(&run, NULL);
        up(&run, 1);
        wait = call_begin(&run, WORKER, functions[i], device, (int64_t[6]){-1}, NULL);
        vdi_abort(&run, MAIN, 0);
        call = call_begin(&run, MAIN, VDI_FN_CLOSE, -1, NULL, NULL);
        call_end(&run, WORKER, functions[i], device, wait, VD_E_ABORT, NULL);
        call_end(&run, MAIN, VDI_FN_CLOSE, -1, call, 0, NULL);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        client_exits(&run, 1);
        finding = expect_at(&run, "VDI-CLOSE-002", call, device);
        assert_int_equal(finding->other.call, wait);
        assert_int_equal(finding->other.thread, WORKER);
        run_end(&run);
    }
}

/* A call that begins while Close is under way is the same thing seen from the other side. */
static void test_call_during_close(void **state)
{
    struct run run;
    uint64_t call, late;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_abort(&run, MAIN, 0);
    call = call_begin(&run, MAIN, VDI_FN_CLOSE, -1, NULL, NULL);
    late = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, late, VD_E_ABORT, NULL);
    call_end(&run, MAIN, VDI_FN_CLOSE, -1, call, 0, NULL);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CLOSE-002", call, 0);
    run_end(&run);
}

/* The threads were awaited; and SignalAbort may come from any thread at any time, also while another closes. */
static void test_close_after_the_threads(void **state)
{
    struct run run;
    uint64_t wait, abort;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    wait = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    abort = call_begin(&run, WORKER2, VDI_FN_SIGNAL_ABORT, -1, NULL, NULL);
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, wait, VD_E_ABORT, NULL);
    vdi_close(&run, MAIN, 0);
    call_end(&run, WORKER2, VDI_FN_SIGNAL_ABORT, -1, abort, 0, NULL);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-CLOSE-002");
    assert_int_equal(run.judgement->finding_count, 0);
    run_end(&run);
}

/* A fault closes the set under a waiting thread; the client's own Close meets a set that is gone. */
static void test_close_by_a_fault(void **state)
{
    struct run run;
    uint64_t wait, call;

    (void)state;
    run_start(&run, "early-close@GetCommand#1:0");
    up(&run, 2);
    wait = call_begin(&run, WORKER2, VDI_FN_GET_COMMAND, 1, (int64_t[6]){1000}, NULL);
    call = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    fault_fires(&run, 0, call);
    run.flags = EVENT_FLAG_BY_FAULT;
    vdi_close(&run, WORKER, VD_E_OPEN);
    run.flags = EVENT_FLAG_FAULTED;
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, call, VD_E_PROTOCOL, NULL);
    vdi_close(&run, MAIN, VD_E_PROTOCOL);
    call_end(&run, WORKER2, VDI_FN_GET_COMMAND, 1, wait, VD_E_PROTOCOL, NULL);
    run.flags = 0;
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-CLOSE-002");
    assert_int_equal(run.judgement->finding_count, 0);
    run_end(&run);
}

/* ---- VDI-LIFE-001 ---- */

static void test_destroyed_under_a_thread(void **state)
{
    struct run run;
    uint64_t wait, call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_abort(&run, MAIN, 0);
    wait = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    call = call_begin(&run, MAIN, VDI_FN_DESTROY, -1, NULL, NULL);
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, wait, VD_E_ABORT, NULL);
    call_end(&run, MAIN, VDI_FN_DESTROY, -1, call, 0, NULL);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect_at(&run, "VDI-LIFE-001", call, 0)->other.call, wait);
    run_end(&run);
}

static void test_used_after_destroy(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    vdi_destroy(&run, MAIN);
    call = call_begin(&run, MAIN, VDI_FN_GET_COMMAND, 0, (int64_t[6]){0},
                      NULL); /* from which it may not return */
    client_exits(&run, 0);
    expect_at(&run, "VDI-LIFE-001", call, 0);
    run_end(&run);
}

static void test_destroyed_at_last(void **state)
{
    struct run run;
    uint64_t wait;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    vdi_destroy(&run, MAIN);
    run.set = 2; /* the next one may run at once */
    run.operation = 1;
    up(&run, 1);
    wait = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    run.set = 1;
    vdi_destroy(&run, MAIN);
    run.set = 2;
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, wait, VD_E_TIMEOUT, NULL);
    finish_backup(&run);
    expect_not(&run, "VDI-LIFE-001");
    assert_int_equal(run.judgement->finding_count, 0);
    run_end(&run);
}

int test_threads(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_get_commands),
        cmocka_unit_test(test_two_completions),
        cmocka_unit_test(test_completion_beside_a_waiting_get_command),
        cmocka_unit_test(test_threads_in_turn),
        cmocka_unit_test(test_lost_end_is_no_overlap),
        cmocka_unit_test(test_other_process),
        cmocka_unit_test(test_close_under_a_thread),
        cmocka_unit_test(test_call_during_close),
        cmocka_unit_test(test_close_after_the_threads),
        cmocka_unit_test(test_close_by_a_fault),
        cmocka_unit_test(test_destroyed_under_a_thread),
        cmocka_unit_test(test_used_after_destroy),
        cmocka_unit_test(test_destroyed_at_last),
    };

    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
