/* test_recovery.c - what comes after a fault (VDI-OUT-009), and what comes near VDI-OUT-003 to 007. */
#include "dsl.h"
#include "tests.h"

/* ---- VDI-OUT-009 ---- */

static void aborted_backup(struct run *run)
{
    run_start(run, "abort@Write#1:0");
    up(run, 1);
    fault_fires(run, 0, vdi_get(run, WORKER, 0, 1000, VD_E_ABORT));
    sql_end(run, STATEMENT_ABORTED, 0, 0);
}

static void test_the_next_operation_is_refused(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (int same_object = 0; same_object <= 1; same_object++) {
        aborted_backup(&run);
        run.operation = same_object ? 0 : 1;
        run.set = same_object ? 1 : 2;
        call = vdi_create(&run, 1, VD_E_PROTOCOL);
        client_exits(&run, 1);
        assert_int_equal(expect_among(&run, "VDI-OUT-009")->call, call);
        run_end(&run);
    }
}

static void test_the_next_operation_gives_up(void **state)
{
    struct run run;

    (void)state;
    aborted_backup(&run);
    vdi_close(&run, MAIN, 0);
    run.operation = 1;
    run.set = 2;
    up(&run, 1);
    vdi_abort(&run, MAIN, 0); /* what it kept of the failure tells it to */
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect(&run, "VDI-OUT-009")->operation, 1);
    run_end(&run);
}

/* It works again, at last; it met an I/O error; it restores what was not stored; it was hit by a fault, too; it is
 * killed; the server ended it. */
static void test_the_next_operation_has_its_reasons(void **state)
{
    struct run run;

    (void)state;
    for (int how = 0; how < 6; how++) {
        uint64_t fetch;

        aborted_backup(&run);
        vdi_close(&run, MAIN, 0);
        run.operation = 1;
        run.is_backup = how != 2;
        sql_begin(&run, how == 2 ? "RESTORE DATABASE pubs FROM VIRTUAL_DEVICE = 'set-1'"
                                 : "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
        vdi_create(&run, 1, 0);
        sql_open(&run, 1);
        vdi_get_configuration(&run, 1, 0);
        vdi_open(&run, 0, 0);
        fetch = vdi_fetch(&run, WORKER, 0, 1, how == 2 ? VDC_Read : VDC_Write);
        if (how == 1) {
            vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_DISK_FULL, 0);
        } else if (how == 3) {
            fault_fires(&run, 0, fetch);
        }
        if (how == 5) {
            sql_end(&run, STATEMENT_FAILED, 0, 0);
        }
        vdi_abort(&run, WORKER, 0);
        vdi_close(&run, MAIN, 0);
        if (how != 5) {
            sql_end(&run, STATEMENT_ABORTED, 0, 0);
        }
        if (how == 0) {
            run.operation = 2;
            whole_backup(&run, 1);
        }
        process_ends(&run, CLIENT, PROCESS_CLIENT, how != 0, how == 4 ? 9 : 0, how == 4);
        expect_not(&run, "VDI-OUT-009");
        run_end(&run);
    }
}

/* ---- VDI-OUT-003 to 007: near, but not these ---- */

/* Its own end, and a helper's death that made no VDI call. */
static void test_nobody_died(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    process_ends(&run, CLIENT + 2, PROCESS_DESCENDANT, -1, 11, false);
    client_exits(&run, 0);
    expect_not(&run, "VDI-OUT-003");
    run_end(&run);
}

static void test_nothing_left_behind(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    vdi_destroy(&run, MAIN);
    client_exits(&run, 0);
    expect_not(&run, "VDI-OUT-004");
    run_end(&run);
}

/* Calls whose wait a fault took away are no busy loop, however fast they come. */
static void test_waits_that_a_fault_took_away(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "early-close@GetCommand#1:0");
    up(&run, 1);
    run.flags = EVENT_FLAG_FAULTED;
    for (int i = 0; i < 30000; i++) {
        vdi_get(&run, WORKER, 0, 1000, VD_E_PROTOCOL);
    }
    run.flags = 0;
    client_exits(&run, 1);
    expect_not(&run, "VDI-OUT-005");
    run_end(&run);
}

/* A failure with a reason: the statement failed, too. And an acknowledged backup that is there. */
static void test_failure_with_a_reason(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-OUT-006");
    expect_not(&run, "VDI-OUT-007");
    run_end(&run);
    run_start(&run, NULL);
    whole_backup(&run, 1);
    client_exits(&run, 0);
    expect_not(&run, "VDI-OUT-007");
    run_end(&run);
}

int test_recovery(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_operation_is_refused),
        cmocka_unit_test(test_the_next_operation_gives_up),
        cmocka_unit_test(test_the_next_operation_has_its_reasons),
        cmocka_unit_test(test_nobody_died),
        cmocka_unit_test(test_nothing_left_behind),
        cmocka_unit_test(test_waits_that_a_fault_took_away),
        cmocka_unit_test(test_failure_with_a_reason),
    };

    return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
