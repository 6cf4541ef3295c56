/* test_names.c - the rules about OpenDevice: VDI-OPEN-001 to 004. */
#include "dsl_bringup.h"
#include "tests.h"

/* A set of two devices, configured, with what the server read. */
static void configure_two(struct run *run)
{
    sql_begin(run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1', VIRTUAL_DEVICE = 'set-1-1'");
    sql_devices(run, (const char *[]){"set-1", "set-1-1", NULL});
    vdi_create(run, 2, 0);
    sql_open(run, 2);
    vdi_get_configuration(run, 2, 0);
}

static void finish_two(struct run *run)
{
    transfer(run, WORKER, 0);
    transfer(run, WORKER2, 1);
    down(run, 2);
    client_exits(run, 0);
}

/* VDI-OPEN-001 */

static void test_open_the_same_device(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    configure_two(&run);
    vdi_open(&run, 0, 0);
    call = vdi_open(&run, 0, VD_E_PROTOCOL);
    vdi_open(&run, 1, 0);
    finish_two(&run);
    expect_at(&run, "VDI-OPEN-001", call, -1);
    run_end(&run);
}

/* A loop's last call may name what it likes, and get either answer (X1); what another process has open, this one
 * need not know. */
static void test_open_again_knowingly(void **state)
{
    static const int32_t ends[] = {VD_E_OPEN, VD_E_PROTOCOL, VD_E_INVALID};
    struct run run;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        run_start(&run, NULL);
        configure_two(&run);
        vdi_open(&run, 0, 0);
        vdi_open(&run, 1, 0);
        vdi_open_named(&run, i == 1 ? "set-1-1" : "set-1-2", -1, ends[i]);
        finish_two(&run);
        expect_not(&run, "VDI-OPEN-001");
        expect_not(&run, "VDI-OPEN-002");
        expect_clean(&run);
        run_end(&run);
    }

    run_start(&run, NULL);
    configure_two(&run);
    vdi_open(&run, 0, 0);
    run.set = 2;
    run.process = CLIENT + 50;
    vdi_open_in_secondary(&run, "set-1", 0);
    vdi_open(&run, 0, VD_E_PROTOCOL);
    finish(&run);
    expect_not(&run, "VDI-OPEN-001");
    run_end(&run);
}

/* VDI-OPEN-002 */

static void test_open_a_foreign_name(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (int dialect = 0; dialect <= 1; dialect++) {
        run_start(&run, NULL);
        configure_two(&run);
        vdi_open(&run, 0, 0);
        call = vdi_open_named(&run, "set-1-7", -1, dialect ? VD_E_PROTOCOL : VD_E_INVALID);
        vdi_open(&run, 1, 0);
        finish_two(&run);
        expect_at(&run, "VDI-OPEN-002", call, -1);
        run_end(&run);
    }
    run_start(&run, NULL); /* the names are not known: the real server does not tell */
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 1, 0);
    sql_open(&run, 1);
    vdi_get_configuration(&run, 1, 0);
    call = vdi_open_named(&run, "wrong", -1, VD_E_INVALID);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-OPEN-002", call, -1);
    run_end(&run);
}

/* An argument of another kind was refused; or the set was aborted; or names are missing, and the answer may mean
 * anything. */
static void test_open_its_own_name(void **state)
{
    static const int32_t answers[] = {VD_E_INVALID, VD_E_ABORT, VD_E_PROTOCOL};
    struct run run;

    (void)state;
    for (int i = 0; i < 3; i++) {
        run_start(&run, NULL);
        if (i < 2) {
            configure_two(&run);
        } else {
            sql_begin(&run, "BACKUP");
            vdi_create(&run, 2, 0);
            sql_open(&run, 2);
            vdi_get_configuration(&run, 2, 0);
        }
        vdi_open_named(&run, i < 2 ? "set-1-1" : "unknown", -1, answers[i]);
        finish(&run);
        expect_not(&run, "VDI-OPEN-002");
        run_end(&run);
    }
}

/* VDI-OPEN-003 */

static void test_end_of_loop_taken_for_failure(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (int i = 0; i < 4; i++) { /* the last: as another library may call it (X1) */
        run_start(&run, NULL);
        configure_two(&run);
        vdi_open(&run, 0, 0);
        vdi_open(&run, 1, 0);
        call = vdi_open_named(&run, "set-1-2", -1, i == 3 ? VD_E_PROTOCOL : VD_E_OPEN);
        if (i == 0) {
            vdi_abort(&run, MAIN, 0);
        }
        if (i < 2) {
            vdi_close(&run, MAIN, i ? VD_E_OPEN : 0);
            sql_end(&run, STATEMENT_ABORTED, 0, 0);
        }
        client_exits(&run, 1);
        assert_int_equal(expect_among(&run, "VDI-OPEN-003")->call, call);
        assert_int_equal(expect_among(&run, "VDI-OPEN-003")->severity, SEVERITY_INFO);
        run_end(&run);
    }
}

/* It served its devices first; or another thread found the reason; or the statement has ended; or a fault. */
static void test_end_of_loop_and_another_reason(void **state)
{
    struct run run;

    (void)state;
    for (int i = 0; i < 4; i++) {
        run_start(&run, i == 3 ? "abort@Write#1" : NULL);
        configure_two(&run);
        vdi_open(&run, 0, 0);
        vdi_open(&run, 1, 0);
        vdi_open_named(&run, "set-1-2", -1, VD_E_OPEN);
        if (i == 0) {
            vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
        } else if (i == 2) {
            sql_end(&run, STATEMENT_FAILED, 0, 0);
        } else if (i == 3) {
            fault_fires(&run, -1, 1);
        }
        vdi_abort(&run, i == 1 ? WORKER : MAIN, 0);
        vdi_close(&run, MAIN, 0);
        client_exits(&run, 1);
        expect_not(&run, "VDI-OPEN-003");
        run_end(&run);
    }
}

/* VDI-OPEN-004 */

static uint64_t call_on_null(struct run *run, uint16_t function)
{
    struct event event = {.kind = EVENT_CALL_BEGIN,
                          .side = EVENT_SIDE_CLIENT,
                          .function = function,
                          .device = -1,
                          .operation = -1,
                          .process = CLIENT,
                          .thread = WORKER,
                          .stack = function};

    feed(run, event, NULL);
    return run->sequence;
}

static void test_null_device(void **state)
{
    static const uint16_t functions[] = {VDI_FN_GET_COMMAND, VDI_FN_COMPLETE_COMMAND};
    struct run run;
    uint64_t call;

    (void)state;
    for (int i = 0; i < 2; i++) {
        run_start(&run, NULL);
        configure_two(&run);
        vdi_open(&run, 0, VD_E_ABORT);
        call = call_on_null(&run, functions[i]);
        process_ends(&run, CLIENT, PROCESS_CLIENT, 0, 11, false);
        assert_int_equal(expect_among(&run, "VDI-OPEN-004")->call, call);
        expect_among(&run, "VDI-OUT-003");
        run_end(&run);
    }
}

/* A NULL that no OpenDevice gave; a device that the witness does not know. */
static void test_other_null_device(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    configure_two(&run);
    call_on_null(&run, VDI_FN_GET_COMMAND);
    finish(&run);
    expect_not(&run, "VDI-OPEN-004");
    run_end(&run);

    run_start(&run, NULL);
    configure_two(&run);
    vdi_open(&run, 0, VD_E_ABORT);
    vdi_get(&run, WORKER, -1, 1000, VD_E_ABORT); /* on another object, not on NULL */
    finish(&run);
    expect_not(&run, "VDI-OPEN-004");
    run_end(&run);
}

int test_names(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_the_same_device),
        cmocka_unit_test(test_open_again_knowingly),
        cmocka_unit_test(test_open_a_foreign_name),
        cmocka_unit_test(test_open_its_own_name),
        cmocka_unit_test(test_end_of_loop_taken_for_failure),
        cmocka_unit_test(test_end_of_loop_and_another_reason),
        cmocka_unit_test(test_null_device),
        cmocka_unit_test(test_other_null_device),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
