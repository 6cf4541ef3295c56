/* test_log_chain.c - a log backup that was acknowledged and lost: whom the broken chain is laid to (VDI-OUT-007). */
#include "dsl.h"
#include "tests.h"

enum {
    LOST = 4305
};

/* A log backup of [first, last), as operation `id`. */
static void back_up_log(struct run *run, int32_t id, uint64_t first, uint64_t last)
{
    run->operation = id;
    run->set = (uint64_t)id + 1;
    run->log[0] = first;
    run->log[1] = last;
    sql_begin(run, "BACKUP LOG pubs TO VIRTUAL_DEVICE = 'set-1'");
    vdi_create(run, 1, 0);
    sql_open(run, 1);
    vdi_get_configuration(run, 1, 0);
    vdi_open(run, 0, 0);
    transfer(run, WORKER, 0);
    down(run, 1);
}

/* Restores one log, which succeeds or lacks `missing`. */
static void restore_log(struct run *run, int32_t id, uint64_t missing)
{
    run->operation = id;
    run->set = (uint64_t)id + 1;
    run->process = VERIFIER;
    run->issuer = PROCESS_VERIFY;
    run->is_backup = false;
    run->log[0] = missing;
    run->log[1] = 0;
    sql_begin(run, "RESTORE LOG pubs FROM VIRTUAL_DEVICE = 'set-1' WITH NORECOVERY");
    vdi_create(run, 1, 0);
    sql_open(run, 1);
    vdi_get_configuration(run, 1, 0);
    vdi_open(run, 0, 0);
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    if (missing) {
        sql_message(run, LOST, 16);
    }
    sql_end(run, missing ? STATEMENT_FAILED : STATEMENT_SUCCESS, missing ? 0 : 1000, missing ? 0 : 42);
    vdi_close(run, MAIN, 0);
}

static void verify_ends(struct run *run, int32_t status)
{
    process_ends(run, VERIFIER, PROCESS_VERIFY, status, 0, false);
}

static void test_a_lost_log_is_found_by_its_number(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    back_up_log(&run, 0, 100, 200);
    back_up_log(&run, 1, 200, 300);
    back_up_log(&run, 2, 300, 400);
    client_exits(&run, 0);
    restore_log(&run, 3, 0);
    restore_log(&run, 4, 200); /* got the third where the second was needed */
    verify_ends(&run, 1);
    assert_int_equal(expect(&run, "VDI-OUT-007")->operation, 1);
    assert_int_equal(run.judgement->operations[1].durable, DURABLE_NO);
    assert_int_equal(run.judgement->operations[2].durable, DURABLE_NOT_OBSERVABLE);
    run_end(&run);
}

/* The one that SQL Server truncated the log for had failed, as the client said; or nobody holds what is missing. */
static void test_a_chain_that_a_fault_broke(void **state)
{
    struct run run;

    (void)state;
    for (int how = 0; how < 2; how++) {
        run_start(&run, how == 0 ? "lost-close" : NULL);
        back_up_log(&run, 0, 100, 200);
        if (how == 0) {
            fault_fires(&run, 0, 0);
        }
        client_exits(&run, how == 0);
        restore_log(&run, 1, how == 0 ? 100 : 90);
        verify_ends(&run, 1);
        expect_not(&run, "VDI-OUT-007");
        run_end(&run);
    }
}

/* The newest backup is a log, and only the database was restored. */
static void test_a_database_restored_says_nothing_of_logs(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    back_up_log(&run, 0, 100, 200);
    client_exits(&run, 0);
    run.operation = 1;
    run.set = 2;
    run.process = VERIFIER;
    run.issuer = PROCESS_VERIFY;
    run.is_backup = false;
    run.log[0] = run.log[1] = 0;
    up(&run, 1);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    sql_end(&run, STATEMENT_SUCCESS, 5000, 77);
    vdi_close(&run, MAIN, 0);
    verify_ends(&run, 0);
    expect_clean(&run);
    assert_int_equal(run.judgement->operations[0].durable, DURABLE_NOT_OBSERVABLE);
    run_end(&run);
}

int test_log_chain(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lost_log_is_found_by_its_number),
        cmocka_unit_test(test_a_chain_that_a_fault_broke),
        cmocka_unit_test(test_a_database_restored_says_nothing_of_logs),
    };

    return cmocka_run_group_tests_name("log_chain", tests, NULL, NULL);
}
