/* test_secondaries.c - the rules about a set used from several processes: VDI-SEC-001 to 004. */
#include "dsl_bringup.h"
#include "tests.h"

enum {
    CHILD = CLIENT + 50,
};

static void as_child(struct run *run)
{
    run->set = 2;
    run->process = CHILD;
}

static void as_primary(struct run *run)
{
    run->set = 1;
    run->process = CLIENT;
    run->operation = 0;
}

static void serve_and_end(struct run *run)
{
    transfer(run, WORKER, 0);
    down(run, 1);
    client_exits(run, 0);
}

/* VDI-SEC-001 */

static void test_secondary_too_early(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (int created = 0; created <= 1; created++) {
        run_start(&run, NULL);
        sql_begin(&run, "BACKUP");
        if (created) {
            vdi_create(&run, 1, 0);
        }
        as_child(&run);
        run.operation = created ? 0 : -1;
        call = vdi_open_in_secondary(&run, "set-1", VD_E_PROTOCOL);
        as_primary(&run);
        if (!created) {
            vdi_create(&run, 1, 0);
        }
        sql_open(&run, 1);
        vdi_get_configuration(&run, 1, 0);
        vdi_open(&run, 0, 0);
        serve_and_end(&run);
        expect_at(&run, "VDI-SEC-001", call, -1);
        run_end(&run);
    }
}

/* The primary's set is ready, or has ended meanwhile, or its Create was not seen, or the primary is as good as
 * ready: the answer may come a moment before what is recorded. */
static void test_secondary_refused_otherwise(void **state)
{
    struct run run;

    (void)state;
    for (int i = 0; i < 4; i++) {
        run_start(&run, NULL);
        if (i < 2) {
            up(&run, 1);
        } else if (i == 3) {
            vdi_create(&run, 1, 0);
        }
        if (i == 1) {
            vdi_abort(&run, MAIN, 0);
            vdi_close(&run, MAIN, 0);
        }
        as_child(&run);
        vdi_open_in_secondary(&run, "set-1", i == 3 ? 0 : VD_E_PROTOCOL);
        finish(&run);
        expect_not(&run, "VDI-SEC-001");
        expect_not(&run, "VDI-SEC-002");
        run_end(&run);
    }
}

/* VDI-SEC-002 */

static void test_secondary_in_other_case(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    as_child(&run);
    call = vdi_open_in_secondary(&run, "SET-1", VD_E_PROTOCOL);
    as_primary(&run);
    serve_and_end(&run);
    expect_at(&run, "VDI-SEC-002", call, -1);
    run_end(&run);
}

/* VDI-SEC-003 */

/* A primary, and a secondary that has the only device. */
static void up_with_secondary(struct run *run)
{
    sql_begin(run, "BACKUP");
    vdi_create(run, 1, 0);
    sql_open(run, 1);
    vdi_get_configuration(run, 1, 0);
    as_child(run);
    vdi_open_in_secondary(run, "set-1", 0);
    vdi_open(run, 0, 0);
    transfer(run, WORKER, 0);
}

static void test_secondary_died_unnoticed(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL); /* told, and closed as if nothing had happened */
    up_with_secondary(&run);
    as_primary(&run);
    child_ends(&run, CHILD, 0, 9);
    call = vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    assert_int_equal(expect_among(&run, "VDI-SEC-003")->call, call);
    run_end(&run);

    run_start(&run, NULL); /* never asked */
    up_with_secondary(&run);
    as_primary(&run);
    process_ends(&run, CHILD, PROCESS_DESCENDANT, 1, 0, false);
    wait_ms(&run, 30000);
    hang(&run, HANG_PATIENCE);
    expect_among(&run, "VDI-SEC-003");
    run_end(&run);
}

/* It aborts; or it had no time to learn of it; or the secondary had done its work, or aborted itself. */
static void test_secondary_ended_properly(void **state)
{
    struct run run;

    (void)state;
    for (int i = 0; i < 4; i++) {
        run_start(&run, NULL);
        up_with_secondary(&run);
        if (i == 2) {
            vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
        } else if (i == 3) {
            vdi_abort(&run, WORKER, 0);
        }
        as_primary(&run);
        if (i == 1) {
            process_ends(&run, CHILD, PROCESS_DESCENDANT, 1, 0, false);
        } else {
            child_ends(&run, CHILD, i == 2 ? 0 : 1, 0);
        }
        if (i == 0) {
            vdi_abort(&run, MAIN, 0);
        } else if (i == 3) {
            vdi_get_configuration(&run, 1, VD_E_ABORT);
        }
        vdi_close(&run, MAIN, 0);
        client_exits(&run, i == 2 ? 0 : 1);
        expect_not(&run, "VDI-SEC-003");
        run_end(&run);
    }
}

/* VDI-SEC-004 */

static void test_create_on_a_secondary(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up_with_secondary(&run);
    call = vdi_create(&run, 1, VD_E_PROTOCOL);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_close(&run, WORKER, 0);
    as_primary(&run);
    sql_end(&run, STATEMENT_SUCCESS, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    assert_int_equal(expect_at(&run, "VDI-SEC-004", call, -1)->severity, SEVERITY_WARNING);
    run_end(&run);
}

/* After Close the object is free for a set of its own. */
static void test_create_after_being_a_secondary(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up_with_secondary(&run);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_close(&run, WORKER, 0);
    run.operation = 1;
    vdi_create_named(&run, "own", 1, 0);
    finish(&run);
    expect_not(&run, "VDI-SEC-004");
    expect_not(&run, "VDI-CREATE-001");
    run_end(&run);
}

int test_secondaries(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secondary_too_early),
        cmocka_unit_test(test_secondary_refused_otherwise),
        cmocka_unit_test(test_secondary_in_other_case),
        cmocka_unit_test(test_secondary_died_unnoticed),
        cmocka_unit_test(test_secondary_ended_properly),
        cmocka_unit_test(test_create_on_a_secondary),
        cmocka_unit_test(test_create_after_being_a_secondary),
    };

    return cmocka_run_group_tests_name("secondaries", tests, NULL, NULL);
}
