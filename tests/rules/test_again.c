/* test_again.c - the second run of --again (VDI-OUT-009): a run of its own, of which only counts whether it went
 * through.
 */
#include "dsl.h"
#include "tests.h"

static void first_run(struct run *run, const char *fault)
{
    run_start(run, fault);
    up(run, 1);
    if (fault) {
        fault_fires(run, 0, vdi_get(run, WORKER, 0, 1000, VD_E_ABORT));
    } else {
        vdi_get(run, WORKER, 0, 1000, VD_E_ABORT);
    }
    sql_end(run, STATEMENT_ABORTED, 0, 0);
    vdi_close(run, MAIN, 0);
    client_exits(run, 1);
}

static void begin_again(struct run *run)
{
    note(run, NOTE_AGAIN);
    run->operation = 1;
    run->set = 2;
    run->process = CLIENT + 50;
}

static void again_ends(struct run *run, int32_t status, int32_t signal, bool by_us)
{
    process_ends(run, CLIENT + 50, PROCESS_AGAIN, status, signal, by_us);
}

/* It refuses to start; it dies; its set is refused. */
static void test_a_second_run_that_fails(void **state)
{
    struct run run;

    (void)state;
    for (int how = 0; how < 3; how++) {
        first_run(&run, "abort@Write#1:0");
        begin_again(&run);
        if (how == 2) {
            vdi_create(&run, 1, VD_E_PROTOCOL);
        }
        again_ends(&run, how == 1 ? 0 : 3, how == 1 ? 11 : 0, false);
        assert_int_equal(expect(&run, "VDI-OUT-009")->severity, SEVERITY_ERROR);
        assert_int_equal(run.judgement->client_exit, 1);
        run_end(&run);
    }
}

static void test_a_second_run_that_hangs(void **state)
{
    struct run run;

    (void)state;
    first_run(&run, "abort@Write#1:0");
    begin_again(&run);
    vdi_create(&run, 1, 0);
    call_begin(&run, MAIN, VDI_FN_GET_CONFIGURATION, -1, (int64_t[6]){-1}, NULL);
    hang(&run, HANG_CERTAIN);
    again_ends(&run, 0, 9, true);
    expect(&run, "VDI-OUT-009"); /* and no VDI-OUT-002: that is of the first run alone */
    assert_false(run.judgement->client_timed_out);
    run_end(&run);
}

/* It goes through; it is merely slow; SQL Server refuses the statement, as it may after a failed restore. */
static void test_a_second_run_with_nothing_to_blame(void **state)
{
    struct run run;

    (void)state;
    for (int how = 0; how < 3; how++) {
        first_run(&run, "abort@Write#1:0");
        begin_again(&run);
        if (how == 0) {
            whole_backup(&run, 1);
        } else if (how == 1) {
            vdi_create(&run, 1, 0);
            hang(&run, HANG_TIMEOUT);
        } else {
            sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
            vdi_create(&run, 1, 0);
            sql_message(&run, 927, 14);
            sql_end(&run, STATEMENT_FAILED, 0, 0);
            vdi_abort(&run, MAIN, 0);
            vdi_close(&run, MAIN, 0);
        }
        again_ends(&run, how == 2, how == 1 ? 9 : 0, how == 1);
        expect_not(&run, "VDI-OUT-009");
        if (how == 0) {
            assert_int_equal(run.judgement->operation_count, 2);
            assert_false(run.judgement->operations[0].again);
            assert_true(run.judgement->operations[1].again);
        }
        run_end(&run);
    }
}

/* A client that cannot be run twice anyway. */
static void test_a_second_run_that_always_fails(void **state)
{
    struct run run;

    (void)state;
    for (int control = 0; control <= 1; control++) {
        first_run(&run, control ? "abort@Write#1:0" : NULL);
        begin_again(&run);
        again_ends(&run, 3, 0, false);
        if (control) {
            note(&run, NOTE_AGAIN_CONTROL);
        }
        assert_int_equal(expect_among(&run, "VDI-OUT-009")->severity, SEVERITY_INFO);
        run_end(&run);
    }
}

int test_again(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_run_that_fails),
        cmocka_unit_test(test_a_second_run_that_hangs),
        cmocka_unit_test(test_a_second_run_with_nothing_to_blame),
        cmocka_unit_test(test_a_second_run_that_always_fails),
    };

    return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}
