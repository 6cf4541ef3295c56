/* test_creation.c - the rules about Create and GetConfiguration: VDI-CREATE-002 to 004, VDI-GETCFG-001, 003 to
 * 005. */
#include "dsl_bringup.h"
#include "tests.h"

/* VDI-CREATE-002 */

static void test_bad_names(void **state)
{
    static const char *const names[] = {NULL, "", "host\\set"};
    struct run run;
    uint64_t call;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        run_start(&run, NULL);
        call = vdi_create_named(&run, names[i], 1, VD_E_INVALID);
        whole_backup(&run, 1);
        client_exits(&run, 0);
        expect_at(&run, "VDI-CREATE-002", call, -1);
        run_end(&run);
    }
}

/* A text that got lost, not one that was not there. */
static void test_good_names(void **state)
{
    static const char *const names[] = {NULL, "a", "Company/Product {6e0c}", "set:*?\"<>|"};
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        run_start(&run, NULL);
        vdi_create_named(&run, names[i], 1, 0);
        finish(&run);
        expect_not(&run, "VDI-CREATE-002");
        run_end(&run);
    }
}

/* VDI-CREATE-003 */

static void create_twin(struct run *run, uint32_t process, uint64_t *call)
{
    run->set = 2;
    run->operation = 1;
    run->process = process;
    *call = vdi_create(run, 1, VD_E_PROTOCOL);
    run->set = 1;
    run->operation = 0;
    run->process = CLIENT;
}

static void test_name_in_use(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (uint32_t other = 0; other <= 1; other++) {
        run_start(&run, NULL);
        up(&run, 1);
        create_twin(&run, CLIENT + 50 * other, &call);
        transfer(&run, WORKER, 0);
        down(&run, 1);
        client_exits(&run, 1);
        assert_int_equal(expect_among(&run, "VDI-CREATE-003")->call, call);
        run_end(&run);
    }
}

/* What a dead process has left is not the next one's mistake. */
static void test_name_of_a_set_that_is_gone(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL); /* killed in here */
    create_twin(&run, CLIENT + 50, &call);
    finish(&run);
    expect_not(&run, "VDI-CREATE-003");
    run_end(&run);

    run_start(&run, NULL);
    whole_backup(&run, 1);
    create_twin(&run, CLIENT, &call);
    finish(&run);
    expect_not(&run, "VDI-CREATE-003");
    run_end(&run);
}

/* VDI-CREATE-004 */

static void give_up_and_create_again(struct run *run, bool with_statement, int32_t first_wait, uint64_t *call)
{
    sql_begin(run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    sql_devices(run, (const char *[]){"set-1", NULL});
    vdi_create(run, 1, 0);
    sql_open(run, 1);
    vdi_wait_configuration(run, 1000, first_wait);
    if (first_wait != VD_E_ABORT) {
        vdi_abort(run, MAIN, 0);
    }
    vdi_close(run, MAIN, 0);
    run->operation = 1;
    *call = vdi_create(run, 1, 0);
    run->operation = 0;
    sql_end(run, STATEMENT_ABORTED, 0, 0);
    run->operation = 1;
    if (with_statement) {
        sql_begin(run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
        sql_devices(run, (const char *[]){"set-1", NULL});
        sql_open(run, 1);
        vdi_get_configuration(run, 1, 0);
        vdi_open(run, 0, 0);
        transfer(run, WORKER, 0);
        down(run, 1);
    } else {
        vdi_wait_configuration(run, 1000, VD_E_TIMEOUT);
        vdi_abort(run, MAIN, 0);
        vdi_close(run, MAIN, 0);
    }
    client_exits(run, with_statement ? 0 : 1);
}

static void test_second_set_for_one_statement(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    give_up_and_create_again(&run, false, VD_E_TIMEOUT, &call);
    expect_at(&run, "VDI-CREATE-004", call, -1);
    run_end(&run);
}

/* The statement ends between SignalAbort and Close: that changes nothing. */
static void test_second_set_after_the_abort_was_seen(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    vdi_create(&run, 1, 0);
    sql_open(&run, 1);
    vdi_wait_configuration(&run, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    vdi_close(&run, MAIN, 0);
    run.operation = 1;
    call = vdi_create(&run, 1, 0);
    vdi_wait_configuration(&run, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_at(&run, "VDI-CREATE-004", call, -1);
    run_end(&run);
}

/* With a statement of its own, or after an abort that was not its own doing, or under a fault. */
static void test_second_set_for_a_second_statement(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (int i = 0; i < 4; i++) {
        run_start(&run, i == 2 ? "abort@Write#1" : NULL);
        run.issuer = i == 3 ? PROCESS_SQL : PROCESS_CLIENT; /* which will issue another in its own time */
        if (i == 2) {
            fault_fires(&run, -1, 1);
        }
        give_up_and_create_again(&run, i == 0, i == 1 ? VD_E_ABORT : VD_E_TIMEOUT, &call);
        expect_not(&run, "VDI-CREATE-004");
        run_end(&run);
    }
}

/* VDI-GETCFG-001 */

static void test_configuration_without_a_set(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (int closed = 0; closed <= 1; closed++) {
        run_start(&run, NULL);
        if (closed) {
            whole_backup(&run, 1);
        }
        run.operation = closed ? 0 : -1;
        call = vdi_get_configuration(&run, 1, VD_E_PROTOCOL);
        client_exits(&run, closed ? 0 : 1);
        expect_at(&run, "VDI-GETCFG-001", call, -1);
        run_end(&run);
    }
}

/* The Create's events are missing; or a fault has closed the set; or another thread has, meanwhile. */
static void test_configuration_of_a_set_unseen(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
    vdi_get_configuration(&run, 1, 0);
    finish(&run);
    expect_not(&run, "VDI-GETCFG-001");
    run_end(&run);

    run_start(&run, "early-close@OpenDevice#2");
    vdi_create(&run, 1, 0);
    fault_fires(&run, -1, 1);
    vdi_get_configuration(&run, 1, VD_E_PROTOCOL);
    finish(&run);
    expect_not(&run, "VDI-GETCFG-001");
    run_end(&run);

    run_start(&run, NULL);
    vdi_create(&run, 1, 0);
    call = call_begin(&run, MAIN, VDI_FN_GET_CONFIGURATION, -1, (int64_t[6]){10000}, NULL);
    vdi_close(&run, WORKER, 0);
    call_end(&run, MAIN, VDI_FN_GET_CONFIGURATION, -1, call, VD_E_PROTOCOL, NULL);
    finish(&run);
    expect_not(&run, "VDI-GETCFG-001");
    run_end(&run);
}

/* VDI-GETCFG-003 */

/* The statement fails before it reaches the set; the client waits `count` seconds. */
static void wait_after_statement(struct run *run, int count)
{
    vdi_create(run, 1, 0);
    sql_begin(run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1' WITH BLOCKSIZE = 5");
    sql_devices(run, (const char *[]){"set-1", NULL});
    sql_message(run, 3253, 16);
    run->operation = -1;
    sql_end(run, STATEMENT_FAILED, 0, 0);
    run->operation = 0;
    for (int i = 0; i < count; i++) {
        vdi_wait_configuration(run, 1000, VD_E_TIMEOUT);
    }
    vdi_abort(run, MAIN, 0);
    vdi_close(run, MAIN, 0);
    client_exits(run, 1);
}

static void test_waiting_for_a_statement_that_ended(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    wait_after_statement(&run, 7);
    assert_int_equal(expect(&run, "VDI-GETCFG-003")->severity, SEVERITY_INFO);
    run_end(&run);
}

/* Stopped by us in the third wait. */
static void test_hanging_for_a_statement_that_ended(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    vdi_create(&run, 1, 0);
    sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1' WITH BLOCKSIZE = 5");
    run.operation = -1;
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    run.operation = 0;
    vdi_wait_configuration(&run, 1000, VD_E_TIMEOUT);
    vdi_wait_configuration(&run, 1000, VD_E_TIMEOUT);
    call_begin(&run, MAIN, VDI_FN_GET_CONFIGURATION, -1, (int64_t[6]){1000}, NULL);
    hang(&run, HANG_PATIENCE);
    expect_among(&run, "VDI-GETCFG-003");
    run_end(&run);
}

/* The reader has folded the waits into one. */
static void test_folded_waits(void **state)
{
    struct event end = {.kind = EVENT_CALL_END,
                        .side = EVENT_SIDE_CLIENT,
                        .function = VDI_FN_GET_CONFIGURATION,
                        .device = -1,
                        .process = CLIENT,
                        .thread = MAIN,
                        .set = 1,
                        .result = VD_E_TIMEOUT,
                        .repeat = 8};
    struct run run;

    (void)state;
    run_start(&run, NULL);
    vdi_create(&run, 1, 0);
    end.call = call_begin(&run, MAIN, VDI_FN_GET_CONFIGURATION, -1, (int64_t[6]){1000}, NULL);
    wait_ms(&run, 1000);
    feed(&run, end, NULL);
    sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    run.operation = -1;
    sql_message(&run, 911, 16);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    run.operation = 0;
    wait_ms(&run, 7000);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect(&run, "VDI-GETCFG-003");
    run_end(&run);
}

/* One who looks and allows two more seconds; one whose next statement is on its way. */
static void test_waiting_with_reason(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    wait_after_statement(&run, 3);
    expect_not(&run, "VDI-GETCFG-003");
    run_end(&run);

    run_start(&run, NULL);
    vdi_create(&run, 1, 0);
    sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1' WITH BLOCKSIZE = 5");
    run.operation = -1;
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    run.operation = 0;
    sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    for (int i = 0; i < 8; i++) {
        vdi_wait_configuration(&run, 1000, VD_E_TIMEOUT);
    }
    finish(&run);
    expect_not(&run, "VDI-GETCFG-003");
    run_end(&run);
}

/* VDI-GETCFG-004, 005 */

static void one_timeout(struct run *run, uint16_t function, int64_t timeout, uint64_t *call)
{
    run_start(run, NULL);
    up(run, 1);
    *call = call_begin(run, WORKER, function, 0, (int64_t[6]){timeout}, NULL);
    call_end(run, WORKER, function, 0, *call, function == VDI_FN_GET_COMMAND ? VD_E_TIMEOUT : 0,
             (int64_t[6]){0x10000, 4096, 65536, 1});
    transfer(run, WORKER, 0);
    down(run, 1);
    client_exits(run, 0);
}

static void test_timeouts_that_mean_something_else(void **state)
{
    static const struct {
        const char *rule;
        int64_t timeout;
        enum severity severity;
    } cases[] = {{"VDI-GETCFG-004", 1, SEVERITY_INFO},
                 {"VDI-GETCFG-004", 999, SEVERITY_INFO},
                 {"VDI-GETCFG-005", 0xffffffff, SEVERITY_WARNING}};
    struct run run;
    uint64_t call;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        one_timeout(&run, VDI_FN_GET_COMMAND, cases[i].timeout, &call);
        assert_int_equal(expect_at(&run, cases[i].rule, call, 0)->severity, cases[i].severity);
        run_end(&run);
        one_timeout(&run, VDI_FN_GET_CONFIGURATION, cases[i].timeout, &call);
        expect_at(&run, cases[i].rule, call, 0);
        run_end(&run);
    }
}

static void test_timeouts(void **state)
{
    static const int64_t timeouts[] = {-1, INT64_MIN, 0, 1000, 90000, 0x7fffffff, 0xfffffffe, 0x100000000};
    struct run run;
    uint64_t call;

    (void)state;
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        one_timeout(&run, VDI_FN_GET_COMMAND, timeouts[i], &call);
        expect_not(&run, "VDI-GETCFG-004");
        expect_not(&run, "VDI-GETCFG-005");
        run_end(&run);
    }
}

int test_creation(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_good_names),
        cmocka_unit_test(test_name_in_use),
        cmocka_unit_test(test_name_of_a_set_that_is_gone),
        cmocka_unit_test(test_second_set_for_one_statement),
        cmocka_unit_test(test_second_set_after_the_abort_was_seen),
        cmocka_unit_test(test_second_set_for_a_second_statement),
        cmocka_unit_test(test_configuration_without_a_set),
        cmocka_unit_test(test_configuration_of_a_set_unseen),
        cmocka_unit_test(test_waiting_for_a_statement_that_ended),
        cmocka_unit_test(test_hanging_for_a_statement_that_ended),
        cmocka_unit_test(test_folded_waits),
        cmocka_unit_test(test_waiting_with_reason),
        cmocka_unit_test(test_timeouts_that_mean_something_else),
        cmocka_unit_test(test_timeouts),
    };

    return cmocka_run_group_tests_name("creation", tests, NULL, NULL);
}
