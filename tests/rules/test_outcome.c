/* test_outcome.c - the rules that look at the run as a whole: VDI-OUT-001, 006, 007, and durability. */
#include <string.h>

#include "dsl.h"
#include "tests.h"

/* ---- VDI-OUT-001 ---- */

static void failed_backup(struct run *run)
{
    up(run, 1);
    transfer(run, WORKER, 0);
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    sql_message(run, 3271, 16);
    sql_message(run, 3013, 16);
    sql_end(run, STATEMENT_FAILED, 0, 0);
    vdi_close(run, MAIN, 0);
}

static void test_failed_statement_claimed_success(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    failed_backup(&run);
    client_exits(&run, 0);
    assert_non_null(strstr(expect_among(&run, "VDI-OUT-001")->message, "message 3271"));
    expect_among(&run, "VDI-TERM-001");
    assert_int_equal(run.judgement->finding_count, 2);
    assert_int_equal(run.judgement->operations[0].outcome, OUTCOME_FAILED);
    assert_int_equal(run.judgement->operations[0].message_count, 2);
    run_end(&run);
}

static void test_failed_statement_reported(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    failed_backup(&run);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* A statement issued elsewhere: its failure alone is not for the client to see. */
static void test_failed_foreign_statement(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    run.issuer = PROCESS_SQL;
    failed_backup(&run);
    client_exits(&run, 0);
    expect_clean(&run);
    assert_int_equal(run.judgement->operations[0].issued_by, PROCESS_SQL);
    run_end(&run);
}

static void test_own_abort_claimed_success(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    run.issuer = PROCESS_SQL;
    up(&run, 1);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 0);
    expect(&run, "VDI-OUT-001");
    run_end(&run);
}

static void test_set_never_reached(void **state)
{
    struct run run;

    (void)state;
    for (int status = 0; status <= 1; status++) {
        run_start(&run, NULL);
        vdi_create(&run, 1, 0);
        sql_begin(&run, "BACKUP DATABASE nowhere TO VIRTUAL_DEVICE = 'set-1'");
        sql_message(&run, 911, 16);
        sql_end(&run, STATEMENT_FAILED, 0, 0);
        vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
        vdi_close(&run, MAIN, 0);
        client_exits(&run, status);
        if (status == 0) {
            expect(&run, "VDI-OUT-001");
        } else {
            expect_clean(&run);
        }
        assert_int_equal(run.judgement->operation_count, 1);
        assert_int_equal(run.judgement->operations[0].outcome, OUTCOME_NOT_REACHED);
        assert_int_equal(run.judgement->operations[0].messages[0].number, 911);
        run_end(&run);
    }
}

/* Statements that are no business of VDI, and one for which no set was ever made. */
static void test_statements_without_a_set(void **state)
{
    static const struct {
        const char *text;
        enum statement_outcome outcome;
        bool wrong;
    } cases[] = {{"SELECT 1", STATEMENT_SUCCESS, false},
                 {"SELECT * FROM nowhere", STATEMENT_FAILED, false},
                 {"RESTORE HEADERONLY FROM VIRTUAL_DEVICE = 'x'", STATEMENT_SUCCESS, false},
                 {"backup database pubs to virtual_device = 'x'", STATEMENT_FAILED, true}};
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_start(&run, NULL);
        whole_backup(&run, 1);
        run.operation = -1;
        sql_begin(&run, cases[i].text);
        sql_end(&run, cases[i].outcome, 0, 0);
        client_exits(&run, 0);
        if (cases[i].wrong) {
            assert_int_equal(expect(&run, "VDI-OUT-001")->operation, 1);
        } else {
            expect_clean(&run);
        }
        run_end(&run);
    }
}

static void test_retry_supersedes_failure(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    failed_backup(&run);
    run.operation = 1;
    whole_backup(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

static void test_success_elsewhere_supersedes_nothing(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    failed_backup(&run);
    run.operation = 1;
    run.database = "other";
    whole_backup(&run, 1);
    client_exits(&run, 0);
    assert_int_equal(expect_among(&run, "VDI-OUT-001")->operation, 0);
    assert_int_equal(run.judgement->finding_count, 2); /* and VDI-TERM-001 */
    run_end(&run);
}

/* The watchdog's abort came when the statement had succeeded: nothing is wrong with success. */
static void test_abort_after_success(void **state)
{
    struct run run;
    uint64_t wait;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    wait = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    sql_stream(&run, 0, 0, -1);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    vdi_abort(&run, MAIN, 0);
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, wait, VD_E_ABORT, NULL);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* ---- durability (--verify), VDI-OUT-001 and VDI-OUT-007 ---- */

static void verify(struct run *run, enum statement_outcome outcome, uint64_t hash, int32_t status)
{
    run->set = 2;
    run->operation = 1;
    run->process = VERIFIER;
    run->issuer = PROCESS_VERIFY;
    run->is_backup = false;
    run->database = "PUBS"; /* names of databases have no case */
    up(run, 1);
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    sql_end(run, outcome, 1000, hash);
    vdi_close(run, MAIN, 0);
    process_ends(run, VERIFIER, PROCESS_VERIFY, status, 0, false);
}

static void test_verified(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    client_exits(&run, 0);
    verify(&run, STATEMENT_SUCCESS, 42, 0);
    expect_clean(&run);
    assert_int_equal(run.judgement->operations[0].durable, DURABLE_YES);
    assert_int_equal(run.judgement->operations[1].durable, DURABLE_NOT_OBSERVABLE);
    assert_int_equal(run.judgement->operations[1].issued_by, PROCESS_VERIFY);
    run_end(&run);
}

/* What could not be run proves nothing about the stream. */
static void test_verification_cannot_run(void **state)
{
    static const int32_t statuses[] = {126, 127};
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        run_start(&run, NULL);
        whole_backup(&run, 1);
        client_exits(&run, 0);
        process_ends(&run, VERIFIER, PROCESS_VERIFY, statuses[i], 0, false);
        expect_clean(&run);
        assert_int_equal(run.judgement->operations[0].durable, DURABLE_NOT_OBSERVABLE);
        run_end(&run);
    }
}

static void test_verification_fails(void **state)
{
    static const struct {
        enum statement_outcome outcome;
        uint64_t hash;
        int32_t status;
    } cases[] = {{STATEMENT_FAILED, 42, 1}, {STATEMENT_SUCCESS, 43, 0}, {STATEMENT_SUCCESS, 42, 1}};
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_start(&run, NULL);
        whole_backup(&run, 1);
        client_exits(&run, 0);
        verify(&run, cases[i].outcome, cases[i].hash, cases[i].status);
        assert_int_equal(expect_among(&run, "VDI-OUT-001")->operation, 0);
        assert_int_equal(expect_among(&run, "VDI-OUT-007")->operation, 0);
        assert_int_equal(run.judgement->finding_count, 2);
        assert_int_equal(run.judgement->operations[0].durable, DURABLE_NO);
        run_end(&run);
    }
}

/* Whoever was to issue the statement: the client knows that its set was never configured. */
static void test_foreign_statement_never_reached(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    run.issuer = PROCESS_SQL;
    vdi_create(&run, 1, 0);
    sql_begin(&run, "BACKUP DATABASE nowhere TO VIRTUAL_DEVICE = 'set-1'");
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect(&run, "VDI-OUT-001");
    run_end(&run);
}

/* It failed for a reason of its own, but what it acknowledged is there. */
static void test_verified_and_failed(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    client_exits(&run, 1);
    verify(&run, STATEMENT_SUCCESS, 42, 0);
    expect(&run, "VDI-OUT-006");
    run_end(&run);
}

static void test_only_the_newest_backup_is_verified(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    run.operation = 2;
    run.set = 3;
    whole_backup(&run, 1);
    client_exits(&run, 0);
    run.operation = 3;
    run.set = 4;
    run.process = VERIFIER;
    run.issuer = PROCESS_VERIFY;
    run.is_backup = false;
    up(&run, 1);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    vdi_close(&run, MAIN, VD_E_PROTOCOL);
    process_ends(&run, VERIFIER, PROCESS_VERIFY, 0, 0, false);
    expect_not(&run, "VDI-OUT-001");
    assert_int_equal(run.judgement->operations[0].durable, DURABLE_NOT_OBSERVABLE);
    assert_int_equal(run.judgement->operations[1].durable, DURABLE_YES);
    run_end(&run);
}

static void test_nothing_to_verify_after_a_reported_failure(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    failed_backup(&run);
    client_exits(&run, 1);
    verify(&run, STATEMENT_FAILED, 0, 1);
    expect_clean(&run);
    run_end(&run);
}

/* ---- VDI-OUT-006 and VDI-OUT-007 ---- */

static void test_false_failure(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL); /* of a restore: nothing was acknowledged */
    run.is_backup = false;
    whole_backup(&run, 1);
    client_exits(&run, 3);
    assert_non_null(strstr(expect(&run, "VDI-OUT-006")->message, "exit status 3"));
    run_end(&run);
}

static void test_lost_after_acknowledge(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    client_exits(&run, 1);
    expect_among(&run, "VDI-OUT-006");
    expect_among(&run, "VDI-OUT-007");
    run_end(&run);
}

/* Complete was refused, or no device ended with a Flush: nothing was acknowledged. */
static void test_not_acknowledged(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    sql_stream(&run, 0, 0, ERROR_DISK_FULL);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect(&run, "VDI-OUT-006");
    run_end(&run);
}

static void test_failing_is_never_wrong_once_a_fault_fired(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "lost-close");
    whole_backup(&run, 1);
    fault_fires(&run, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

int test_outcome(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_statement_claimed_success),
        cmocka_unit_test(test_failed_statement_reported),
        cmocka_unit_test(test_failed_foreign_statement),
        cmocka_unit_test(test_own_abort_claimed_success),
        cmocka_unit_test(test_set_never_reached),
        cmocka_unit_test(test_statements_without_a_set),
        cmocka_unit_test(test_retry_supersedes_failure),
        cmocka_unit_test(test_success_elsewhere_supersedes_nothing),
        cmocka_unit_test(test_abort_after_success),
        cmocka_unit_test(test_verified),
        cmocka_unit_test(test_verification_fails),
        cmocka_unit_test(test_verification_cannot_run),
        cmocka_unit_test(test_nothing_to_verify_after_a_reported_failure),
        cmocka_unit_test(test_false_failure),
        cmocka_unit_test(test_lost_after_acknowledge),
        cmocka_unit_test(test_not_acknowledged),
        cmocka_unit_test(test_failing_is_never_wrong_once_a_fault_fired),
        cmocka_unit_test(test_foreign_statement_never_reached),
        cmocka_unit_test(test_verified_and_failed),
        cmocka_unit_test(test_only_the_newest_backup_is_verified),
    };

    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
