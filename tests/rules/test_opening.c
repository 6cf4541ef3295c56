/* test_opening.c - the order in which a set is brought up: VDI-CREATE-001, VDI-GETCFG-002, VDI-OPEN-005,
 * VDI-CFG-008. */
#include "dsl.h"
#include "dsl_bringup.h"
#include "tests.h"

/* VDI-CREATE-001 */

static void test_create_twice(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = vdi_create(&run, 1, VD_E_PROTOCOL);
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    assert_int_equal(expect_at(&run, "VDI-CREATE-001", call, -1)->severity, SEVERITY_ERROR);
    run_end(&run);
}

static void test_create_again_after_close(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    run.operation = 1;
    whole_backup(&run, 1);
    client_exits(&run, 0);
    expect_not(&run, "VDI-CREATE-001");
    expect_clean(&run);
    assert_int_equal(run.judgement->operation_count, 2);
    run_end(&run);
}

static void test_create_again_after_failed_create(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    vdi_create(&run, 99, VD_E_NOTSUPPORTED);
    whole_backup(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* VDI-GETCFG-002 */

static void test_open_before_configuration(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 1, 0);
    call = vdi_open(&run, 0, VD_E_PROTOCOL);
    sql_open(&run, 1);
    vdi_get_configuration(&run, 1, 0);
    vdi_open(&run, 0, 0);
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_at(&run, "VDI-GETCFG-002", call, -1);
    run_end(&run);
}

static void test_configuration_timeout_then_success(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 1, 0);
    vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
    sql_open(&run, 1);
    vdi_get_configuration(&run, 1, 0);
    vdi_open(&run, 0, 0);
    vdi_open(&run, 1, VD_E_OPEN); /* the normal end of an open loop */
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_not(&run, "VDI-GETCFG-002");
    expect_not(&run, "VDI-OPEN-003");
    expect_clean(&run);
    run_end(&run);
}

/* VDI-OPEN-005 */

static void test_device_never_opened(void **state)
{
    struct run run;
    const struct finding *finding;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 2, 0);
    sql_open(&run, 2);
    vdi_get_configuration(&run, 2, 0);
    vdi_open(&run, 0, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    finding = expect(&run, "VDI-OPEN-005");
    assert_int_equal(finding->severity, SEVERITY_WARNING);
    assert_int_equal(finding->assumption, ASSUMPTION_DERIVED);
    run_end(&run);
}

static void test_device_never_opened_and_hang(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 2, 0);
    sql_open(&run, 2);
    vdi_get_configuration(&run, 2, 0);
    vdi_open(&run, 0, 0);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    wait_ms(&run, 30000);
    hang(&run, HANG_PATIENCE);
    expect_among(&run, "VDI-OUT-002");
    assert_int_equal(expect_among(&run, "VDI-OPEN-005")->severity, SEVERITY_ERROR); /* the harm is there */
    run_end(&run);
}

/* The documented answer to a configuration that cannot be served, and to a device that cannot be opened. */
static void test_giving_up_properly_before_all_are_open(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 2, 0);
    sql_open(&run, 2);
    vdi_get_configuration(&run, 2, 0);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-CFG-008");
    expect_clean(&run);
    run_end(&run);

    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 2, 0);
    sql_open(&run, 2);
    vdi_get_configuration(&run, 2, 0);
    vdi_open(&run, 0, 0);
    vdi_open(&run, 1, VD_E_MEMORY);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* Its devices stay unopened, which is nobody's mistake: the primary waits, then gives the set up. */
static void test_secondary_is_refused(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "timeout@GetConfiguration#2+");
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 2, 0);
    sql_open(&run, 2);
    vdi_get_configuration(&run, 2, 0);
    run.set = 2;
    run.process = CLIENT + 50;
    vdi_open_in_secondary(&run, "set-1", 0);
    fault_fires(&run, 0, -1);
    vdi_get_configuration(&run, 0, VD_E_TIMEOUT);
    run.set = 1;
    run.process = CLIENT;
    vdi_open(&run, 0, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, WORKER, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    run.set = 2;
    run.process = CLIENT + 50;
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    process_ends(&run, CLIENT + 50, PROCESS_DESCENDANT, 1, 0, false);
    run.set = 1;
    run.process = CLIENT;
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* A primary with two devices; from here on another process, with an object of its own, acts on the same set. */
static void up_beside_secondary(struct run *run, int32_t result)
{
    run_start(run, NULL);
    sql_begin(run, "BACKUP");
    vdi_create(run, 2, 0);
    sql_open(run, 2);
    vdi_get_configuration(run, 2, 0);
    run->set = 2;
    run->process = CLIENT + 50;
    uint64_t call = call_begin(run, WORKER, VDI_FN_OPEN_IN_SECONDARY, -1, NULL, "set-1");
    call_end(run, WORKER, VDI_FN_OPEN_IN_SECONDARY, -1, call, result, NULL);
}

static void test_secondary_opens_the_devices(void **state)
{
    struct run run;

    (void)state;
    up_beside_secondary(&run, 0);
    vdi_open(&run, 0, 0);
    vdi_open(&run, 1, 0);
    for (int16_t i = 0; i < 2; i++) {
        vdi_get(&run, WORKER, i, 1000, VD_E_CLOSE);
    }
    vdi_close(&run, MAIN, 0);
    process_ends(&run, CLIENT + 50, PROCESS_DESCENDANT, 0, 0, false);
    sql_end(&run, STATEMENT_SUCCESS, 0, 0);
    run.set = 1;
    run.process = CLIENT;
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect_not(&run, "VDI-OPEN-005");
    expect_clean(&run);
    run_end(&run);
}

/* The process that was to open the second device found no room for the set. */
static void test_device_of_a_secondary_that_was_refused(void **state)
{
    struct run run;

    (void)state;
    up_beside_secondary(&run, VD_E_MEMORY);
    process_ends(&run, CLIENT + 50, PROCESS_DESCENDANT, 1, 0, false);
    run.set = 1;
    run.process = CLIENT;
    vdi_open(&run, 0, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-OPEN-005");
    expect_clean(&run);
    run_end(&run);
}

/* VDI-CFG-008: leaving without a word, by Close or by the process's end. */
static void test_configuration_ignored(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (int closes = 0; closes <= 1; closes++) {
        run_start(&run, NULL);
        sql_begin(&run, "BACKUP");
        vdi_create(&run, 2, 0);
        sql_open(&run, 2);
        call = vdi_get_configuration(&run, 2, 0);
        if (closes) {
            vdi_close(&run, MAIN, 0);
            sql_end(&run, STATEMENT_ABORTED, 0, 0);
        }
        client_exits(&run, 1);
        assert_int_equal(expect_among(&run, "VDI-CFG-008")->call, call);
        expect_not(&run, "VDI-OPEN-005");
        run_end(&run);
    }
}

/* The devices were opened in a process of which nothing is recorded: the statement's success shows it. */
static void test_devices_opened_unseen(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 2, 0);
    sql_open(&run, 2);
    vdi_get_configuration(&run, 2, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    client_exits(&run, 0);
    expect_not(&run, "VDI-CFG-008");
    expect_clean(&run);
    run_end(&run);
}

/* The server has given the set up: there is nobody to be told. */
static void test_configuration_of_a_statement_that_failed(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 2, 0);
    sql_open(&run, 2);
    vdi_get_configuration(&run, 2, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* What only events lost in the middle could make look wrong: the library's answers say it was right. */
static void test_lost_events(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    /* Create and GetConfiguration are missing */
    vdi_open(&run, 0, 0);
    sql_open(&run, 1);
    transfer(&run, WORKER, 0);
    down(&run, 1);
    vdi_create(&run, 1, 0); /* Close, too, of an earlier life */
    vdi_create(&run, 1, 0);
    finish(&run);
    expect_not(&run, "VDI-GETCFG-002");
    expect_not(&run, "VDI-CREATE-001");
    run_end(&run);
}

int test_opening(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_twice),
        cmocka_unit_test(test_create_again_after_close),
        cmocka_unit_test(test_create_again_after_failed_create),
        cmocka_unit_test(test_open_before_configuration),
        cmocka_unit_test(test_configuration_timeout_then_success),
        cmocka_unit_test(test_device_never_opened),
        cmocka_unit_test(test_device_never_opened_and_hang),
        cmocka_unit_test(test_giving_up_properly_before_all_are_open),
        cmocka_unit_test(test_secondary_is_refused),
        cmocka_unit_test(test_secondary_opens_the_devices),
        cmocka_unit_test(test_device_of_a_secondary_that_was_refused),
        cmocka_unit_test(test_configuration_ignored),
        cmocka_unit_test(test_devices_opened_unseen),
        cmocka_unit_test(test_configuration_of_a_statement_that_failed),
        cmocka_unit_test(test_lost_events),
    };

    return cmocka_run_group_tests_name("opening", tests, NULL, NULL);
}
