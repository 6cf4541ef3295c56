/* test_endings.c - how devices, sets and operations end: ABORT-001 and 004, CLOSE-005 and 006, FLUSH-003, TERM. */
#include <string.h>

#include "dsl.h"
#include "tests.h"

/* One Write, completed: the device's last command is no Flush. */
static uint64_t serve_write(struct run *run)
{
    uint64_t fetch = vdi_fetch(run, WORKER, 0, 1, VDC_Write);

    return vdi_complete(run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
}

/* ---- VDI-ABORT-001 ---- */

static void test_exit_in_mid_transfer(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = serve_write(&run);
    client_exits(&run, 1);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    assert_int_equal(expect_among(&run, "VDI-ABORT-001")->call, call);
    assert_int_equal(expect_among(&run, "VDI-ABORT-001")->severity, SEVERITY_ERROR); /* the server waits */
    run_end(&run);
}

static void test_device_left_alone(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = serve_write(&run);
    sql_wait(&run, 0);
    wait_ms(&run, 30000);
    hang(&run, HANG_PATIENCE);
    assert_int_equal(expect_among(&run, "VDI-ABORT-001")->call, call);
    run_end(&run);
}

static void test_exits_that_leave_nobody_waiting(void **state)
{
    struct run run;

    (void)state;
    for (int how = 0; how < 4; how++) {
        run_start(&run, how == 3 ? "lost-close" : NULL);
        up(&run, 1);
        serve_write(&run);
        if (how == 0) { /* it gave up properly */
            vdi_abort(&run, MAIN, 0);
        } else if (how == 1) { /* it was told to */
            vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
        } else if (how == 2) { /* the statement has gone */
            sql_end(&run, STATEMENT_FAILED, 0, 0);
            vdi_get(&run, WORKER, 0, 0, VD_E_TIMEOUT);
        } else { /* a fault keeps VD_E_CLOSE from it */
            fault_fires(&run, 0, vdi_get(&run, WORKER, 0, 0, VD_E_TIMEOUT));
        }
        client_exits(&run, 1);
        expect_not(&run, "VDI-ABORT-001");
        run_end(&run);
    }
}

/* ---- VDI-ABORT-004 ---- */

static void test_waiting_on_after_an_abort(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, "abort@Write#1:0");
    up(&run, 1);
    fault_fires(&run, 0, vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT));
    vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    call = vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect_among(&run, "VDI-ABORT-004")->call, call);
    assert_int_equal(expect_among(&run, "VDI-ABORT-004")->count, 2);
    run_end(&run);
}

/* Once more is VDI-GETCMD-003 alone; a first call of another thread, or one after the own SignalAbort, is neither. */
static void test_leaving_after_an_abort(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    vdi_abort(&run, WORKER, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    vdi_get(&run, WORKER2, 0, 1000, VD_E_ABORT);
    vdi_get(&run, WORKER2, 1, 1000, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-ABORT-004");
    run_end(&run);
}

/* ---- VDI-FLUSH-003 ---- */

static void test_closed_after_flush(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    call = vdi_close(&run, MAIN, VD_E_OPEN);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect_among(&run, "VDI-FLUSH-003")->call, call);
    expect_among(&run, "VDI-CLOSE-001");
    assert_int_equal(run.judgement->finding_count, 2);
    run_end(&run);
}

/* It asked for more and got none; it failed the Flush; it aborts for another reason after it. */
static void test_flush_was_not_the_end(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    for (int how = 0; how < 3; how++) {
        run_start(&run, NULL);
        up(&run, 1);
        if (how != 1) {
            transfer(&run, WORKER, 0);
        }
        if (how == 0) {
            vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
        } else if (how == 1) {
            fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Flush);
            vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_DISK_FULL, 0);
        } else {
            vdi_abort(&run, WORKER, 0);
        }
        vdi_close(&run, MAIN, how == 2 ? 0 : VD_E_OPEN);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        client_exits(&run, 1);
        expect_not(&run, "VDI-FLUSH-003");
        run_end(&run);
    }
}

/* ---- VDI-CLOSE-005 ---- */

static void close_open(struct run *run, enum statement_outcome outcome, int32_t status, uint64_t *call)
{
    run_start(run, NULL);
    run->issuer = PROCESS_SQL;
    up(run, 1);
    serve_write(run);
    *call = vdi_close(run, MAIN, VD_E_OPEN);
    sql_end(run, outcome, 0, 0);
    client_exits(run, status);
}

static void test_open_devices_concealed(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    close_open(&run, STATEMENT_ABORTED, 0, &call);
    assert_int_equal(expect_among(&run, "VDI-CLOSE-005")->call, call);
    assert_int_equal(expect_among(&run, "VDI-CLOSE-005")->severity, SEVERITY_ERROR); /* with VDI-OUT-001 */
    run_end(&run);
}

/* Reported as a failure; or a success in the server's eyes, too. */
static void test_open_devices_reported(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    close_open(&run, STATEMENT_ABORTED, 1, &call);
    expect_not(&run, "VDI-CLOSE-005");
    run_end(&run);
    close_open(&run, STATEMENT_SUCCESS, 0, &call);
    expect_not(&run, "VDI-CLOSE-005");
    run_end(&run);
}

/* ---- VDI-CLOSE-006 ---- */

/* A backup whose one device a secondary process serves; returns the secondary's last call. */
static uint64_t serve_in_secondary(struct run *run, bool closes, bool aborted, bool waits)
{
    uint64_t call;

    sql_begin(run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    vdi_create(run, 1, 0);
    sql_open(run, 1);
    vdi_get_configuration(run, 1, 0);
    run->process = CLIENT + 1;
    run->set = 2;
    call = call_begin(run, MAIN, VDI_FN_OPEN_IN_SECONDARY, -1, NULL, "set-1");
    call_end(run, MAIN, VDI_FN_OPEN_IN_SECONDARY, -1, call, 0, NULL);
    vdi_open(run, 0, 0);
    transfer(run, WORKER, 0);
    call = vdi_get(run, WORKER, 0, 1000, aborted ? VD_E_ABORT : VD_E_CLOSE);
    if (waits) {
        call_begin(run, WORKER2, VDI_FN_GET_CONFIGURATION, -1, (int64_t[6]){-1}, NULL);
    }
    if (closes) {
        vdi_close(run, MAIN, 0);
    }
    process_ends(run, CLIENT + 1, PROCESS_DESCENDANT, aborted, 0, false);
    run->process = CLIENT;
    run->set = 1;
    sql_message(run, aborted ? 3013 : 3014, 0);
    sql_end(run, aborted ? STATEMENT_ABORTED : STATEMENT_SUCCESS, 1000, 42);
    vdi_close(run, MAIN, 0);
    client_exits(run, aborted);
    return call;
}

static void test_secondary_does_not_close(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    call = serve_in_secondary(&run, false, false, false);
    expect_at(&run, "VDI-CLOSE-006", call, -1);
    run_end(&run);

    run_start(&run, NULL); /* after an abort, under its own threads: info at most (design 4.5) */
    serve_in_secondary(&run, false, true, true);
    assert_int_equal(expect(&run, "VDI-CLOSE-006")->severity, SEVERITY_INFO);
    run_end(&run);
}

static void test_secondary_closes(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    serve_in_secondary(&run, true, false, false);
    expect_not(&run, "VDI-CLOSE-006");
    assert_int_equal(run.judgement->finding_count, 0);
    run_end(&run);
}

/* ---- VDI-TERM-001 ---- */

static void closes_then(struct run *run, bool told, enum statement_outcome outcome, int32_t status)
{
    up(run, 1);
    transfer(run, WORKER, 0);
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_close(run, MAIN, 0);
    if (told) {
        sql_message(run, outcome == STATEMENT_SUCCESS ? 3014 : 3013, outcome == STATEMENT_SUCCESS ? 0 : 16);
    }
    client_exits(run, status);
    sql_end(run, outcome, 1000, 42);
}

static void test_success_on_close_alone(void **state)
{
    static const enum statement_outcome outcomes[] = {STATEMENT_SUCCESS, STATEMENT_FAILED};
    struct run run;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        run_start(&run, NULL);
        closes_then(&run, outcomes[i] == STATEMENT_FAILED, outcomes[i], 0);
        assert_non_null(
            strstr(expect_among(&run, "VDI-TERM-001")->message, i == 0 ? "not over yet" : "failed"));
        run_end(&run);
    }
}

/* Message 3014 was there; the client failed; the statement was somebody else's. */
static void test_success_on_more_than_close(void **state)
{
    struct run run;

    (void)state;
    for (int how = 0; how < 3; how++) {
        run_start(&run, NULL);
        run.issuer = how == 2 ? PROCESS_SQL : PROCESS_CLIENT;
        closes_then(&run, how == 0, how == 1 ? STATEMENT_FAILED : STATEMENT_SUCCESS, how == 1);
        expect_not(&run, "VDI-TERM-001");
        assert_int_equal(run.judgement->finding_count, 0);
        run_end(&run);
    }
}

/* A statement of --sql, whose outcome the client was told (--sql-result) or was not. */
static void test_told_by_sql_result(void **state)
{
    struct run run;

    (void)state;
    for (int told = 0; told <= 1; told++) {
        run_start(&run, NULL);
        run.issuer = PROCESS_SQL;
        up(&run, 1);
        transfer(&run, WORKER, 0);
        vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
        vdi_close(&run, MAIN, 0);
        sql_message(&run, 3271, 16);
        sql_end(&run, STATEMENT_FAILED, 0, 0);
        sql_process_ends(&run, told);
        client_exits(&run, 0);
        if (told) {
            expect_among(&run, "VDI-OUT-001");
            expect_among(&run, "VDI-TERM-001");
        } else {
            expect_not(&run, "VDI-OUT-001");
        }
        run_end(&run);
    }
}

/* ---- VDI-TERM-002 ---- */

static void test_statement_before_create(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    sql_message(&run, 18210, 16);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    call = vdi_create(&run, 1, 0);
    vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    assert_int_equal(expect_at(&run, "VDI-TERM-002", call, -1)->severity, SEVERITY_INFO);
    run_end(&run);
}

static void test_statement_instead_of_serving(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    call = vdi_create(&run, 1, 0);
    sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    sql_open(&run, 1);
    sql_wait(&run, -1);
    wait_ms(&run, 30000);
    hang(&run, HANG_PATIENCE);
    assert_int_equal(expect_among(&run, "VDI-TERM-002")->call, call);
    run_end(&run);
}

/* The statement runs beside the calls; or it was an earlier one's, refused, and the name is used again. */
static void test_statement_beside_the_calls(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    vdi_create(&run, 1, 0);
    sql_begin(&run, "BACKUP DATABASE nowhere TO VIRTUAL_DEVICE = 'set-1'");
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
    vdi_close(&run, MAIN, 0);
    run.operation = 1;
    vdi_create(&run, 1, 0);
    vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-TERM-002");
    run_end(&run);
}

static void test_hang_of_a_served_statement(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    sql_wait(&run, -1);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    wait_ms(&run, 30000);
    hang(&run, HANG_PATIENCE);
    expect_not(&run, "VDI-TERM-002");
    run_end(&run);
}

int test_endings(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_in_mid_transfer),
        cmocka_unit_test(test_device_left_alone),
        cmocka_unit_test(test_exits_that_leave_nobody_waiting),
        cmocka_unit_test(test_waiting_on_after_an_abort),
        cmocka_unit_test(test_leaving_after_an_abort),
        cmocka_unit_test(test_closed_after_flush),
        cmocka_unit_test(test_flush_was_not_the_end),
        cmocka_unit_test(test_open_devices_concealed),
        cmocka_unit_test(test_open_devices_reported),
        cmocka_unit_test(test_secondary_does_not_close),
        cmocka_unit_test(test_secondary_closes),
        cmocka_unit_test(test_success_on_close_alone),
        cmocka_unit_test(test_success_on_more_than_close),
        cmocka_unit_test(test_told_by_sql_result),
        cmocka_unit_test(test_statement_before_create),
        cmocka_unit_test(test_statement_instead_of_serving),
        cmocka_unit_test(test_statement_beside_the_calls),
        cmocka_unit_test(test_hang_of_a_served_statement),
    };

    return cmocka_run_group_tests_name("endings", tests, NULL, NULL);
}
