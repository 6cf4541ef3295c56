/* test_ends.c - hangs, deaths, leaks, busy loops: VDI-OUT-002 to 005 and VDI-OUT-008. */
#include <string.h>

#include "dsl.h"
#include "tests.h"

/* ---- VDI-OUT-002 and VDI-OUT-008 ---- */

static void test_hang_outside_vdi_leaves_the_server_waiting(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    sql_wait(&run, 0);
    wait_ms(&run, 60000);
    hang(&run, HANG_TIMEOUT);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 9, true);
    expect_among(&run, "VDI-OUT-002");
    expect_among(&run, "VDI-OUT-008");
    expect_among(&run, "VDI-ABORT-001");
    assert_int_equal(run.judgement->finding_count, 3);
    run_end(&run);
}

/* The time limit may strike a client that is merely slow: what it works on has not been abandoned. */
static void test_time_limit_during_work(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    hang(&run, HANG_TIMEOUT);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 9, true);
    expect(&run, "VDI-OUT-002");
    run_end(&run);
}

/* ... and is told of as that, if it got on until the end. */
static void test_time_limit_during_progress(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    hang(&run, HANG_SLOW);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 9, true);
    expect_clean(&run);
    assert_true(run.judgement->client_timed_out);
    run_end(&run);
}

/* Who waits for what is told by numbers that no other run has. */
static void test_hang_is_told_alike(void **state)
{
    static const char *const pictures[][2] = {
        {"no progress for 30 s: client 17 thread 18 in GetCommand", "no progress for 30 s: client 27"},
        {"nobody can act: client 17 in GetCommand for 3.1 s", "nobody can act: client 27 thread 29"},
    };
    static const char *const told[] = {
        "the client hangs, it waits for something that cannot come (no progress for 30 s); it is inside "
        "GetCommand (device 0)",
        "the client hangs, nobody can act any more; it is inside GetCommand (device 0)"};
    (void)state;
    for (int row = 0; row < 2; row++) {
        for (int way = 0; way < 2; way++) {
            struct run run;
            run_start(&run, NULL);
            up(&run, 1);
            call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
            wait_ms(&run, 31000 + 100 * way);
            hang_as(&run, row == 0 ? HANG_PATIENCE : HANG_CERTAIN, pictures[row][way]);
            process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 9, true);
            assert_string_equal(expect_among(&run, "VDI-OUT-002")->message, told[row]);
            run_end(&run);
        }
    }
}

static void test_exit_while_the_server_waits(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    client_exits(&run, 1);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    expect_among(&run, "VDI-OUT-004");
    expect_among(&run, "VDI-OUT-008");
    expect_among(&run, "VDI-ABORT-001");
    expect_among(&run, "VDI-FLUSH-003");
    assert_int_equal(run.judgement->finding_count, 4);
    run_end(&run);
}

static void test_exit_before_the_statement_ends_is_fine_after_close(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    run.issuer = PROCESS_SQL; /* its own it would have to await (VDI-TERM-001) */
    up(&run, 1);
    transfer(&run, WORKER, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    expect_not(&run, "VDI-OUT-008");
    expect_clean(&run);
    run_end(&run);
}

/* A client that polls with time-outs attends to its device, also between two calls, also when they are
 * folded. */
static void test_polling_thread_attends(void **state)
{
    struct event end = {.kind = EVENT_CALL_END,
                        .side = EVENT_SIDE_CLIENT,
                        .function = VDI_FN_GET_COMMAND,
                        .process = CLIENT,
                        .thread = WORKER,
                        .set = 1,
                        .result = VD_E_TIMEOUT,
                        .repeat = 29};
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    sql_wait(&run, 0);
    end.call = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    wait_ms(&run, 1000);
    feed(&run, end, NULL);
    wait_ms(&run, 29000);
    hang(&run, HANG_PATIENCE);
    assert_int_equal(expect(&run, "VDI-OUT-002")->call, end.call); /* it asks there, if not at that moment */
    run_end(&run);
}

/* ---- VDI-OUT-003 ---- */

static void test_death(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 11, false);
    assert_non_null(strstr(expect(&run, "VDI-OUT-003")->message, "signal 11"));
    assert_int_equal(run.judgement->client_exit, -1);
    assert_int_equal(run.judgement->client_signal, 11);
    run_end(&run);
}

static void test_death_of_a_worker_process(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    run.process = CLIENT + 50;
    whole_backup(&run, 1);
    process_ends(&run, CLIENT + 50, PROCESS_DESCENDANT, -1, 11, false);
    client_exits(&run, 0);
    expect(&run, "VDI-OUT-003");
    run_end(&run);
}

/* Its parent reaped it before the supervisor could. A signal that somebody sent is not its own mistake. */
static void test_death_that_the_parent_saw(void **state)
{
    static const int32_t signals[] = {11, 15, 9, 0};

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct run run;

        run_start(&run, NULL);
        run.process = CLIENT + 1;
        run.set = 2;
        vdi_create(&run, 1, VD_E_MEMORY);
        run.process = CLIENT;
        process_waited(&run, CLIENT + 1, 0, signals[i]);
        process_waited(&run, CLIENT + 1, 0, signals[i]); /* WNOWAIT, then in earnest */
        if (signals[i] == 11) {
            assert_int_equal(expect_among(&run, "VDI-OUT-003")->process, CLIENT + 1);
        } else {
            expect_not(&run, "VDI-OUT-003");
        }
        run_end(&run);
    }
}

static void test_deaths_that_are_not_the_clients(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    process_ends(&run, 555, PROCESS_DESCENDANT, -1, 13, false); /* a helper that made no VDI call */
    process_ends(&run, SERVER, PROCESS_SQL, -1, 9, true);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);

    run_start(&run, NULL);
    whole_backup(&run, 1);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 9, true);
    expect_clean(&run);
    run_end(&run);
}

static void test_sanitizer_report(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    sanitizer(&run, "ERROR: AddressSanitizer: heap-use-after-free");
    client_exits(&run, 1); /* for that reason: no false failure */
    assert_non_null(strstr(expect(&run, "VDI-OUT-003")->message, "heap-use-after-free"));
    run_end(&run);
}

/* ---- VDI-OUT-004 ---- */

static void test_set_left_behind(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    client_exits(&run, 0);
    expect(&run, "VDI-OUT-004");
    run_end(&run);
}

static void test_destructor_is_enough(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    transfer(&run, WORKER, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    vdi_destroy(&run, MAIN);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

static void test_leftovers(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    client_exits(&run, 0);
    leftover(&run, LEFTOVER_PROCESS, "sleep 1000");
    process_ends(&run, 556, PROCESS_DESCENDANT, -1, 9, true);
    assert_non_null(strstr(expect(&run, "VDI-OUT-004")->message, "sleep 1000"));
    run_end(&run);

    run_start(&run, NULL); /* the crash is the finding, not what it left */
    up(&run, 1);
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, 6, false);
    leftover(&run, LEFTOVER_MEMORY, "vdi-set-1");
    expect(&run, "VDI-OUT-003");
    run_end(&run);
}

/* ---- VDI-OUT-005 ---- */

static void spin(struct run *run, int32_t result, int64_t timeout, uint32_t count, uint64_t gap_us)
{
    for (uint32_t i = 0; i < count; i++) {
        vdi_get(run, WORKER, 0, timeout, result);
        run->time_ns += gap_us * 1000;
    }
}

static void test_busy_loop(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    spin(&run, VD_E_TIMEOUT, 0, 45000, 10);
    down(&run, 1);
    client_exits(&run, 0);
    assert_int_equal(expect(&run, "VDI-OUT-005")->count, 1);
    run_end(&run);
}

static void test_loops_that_are_not_busy(void **state)
{
    static const struct {
        int64_t timeout;
        uint32_t count;
        uint64_t gap_us;
    } cases[] = {{0, 19999, 10}, {0, 30000, 200}, {1000, 30000, 10}};
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_start(&run, NULL);
        up(&run, 1);
        spin(&run, VD_E_TIMEOUT, cases[i].timeout, cases[i].count, cases[i].gap_us);
        down(&run, 1);
        client_exits(&run, 0);
        expect_clean(&run);
        run_end(&run);
    }
}

/* The reader folds identical calls into one event: how long they took shows only in what comes next. */
static void test_folded_calls(void **state)
{
    struct event end = {.kind = EVENT_CALL_END,
                        .side = EVENT_SIDE_CLIENT,
                        .function = VDI_FN_GET_COMMAND,
                        .process = CLIENT,
                        .thread = WORKER,
                        .set = 1,
                        .result = VD_E_TIMEOUT,
                        .repeat = 50000};
    struct run run;

    (void)state;
    for (int slow = 0; slow <= 1; slow++) {
        run_start(&run, NULL);
        up(&run, 1);
        end.call = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){0}, NULL);
        feed(&run, end, NULL);
        wait_ms(&run, slow ? 500000 : 500);
        transfer(&run, WORKER, 0);
        down(&run, 1);
        client_exits(&run, 0);
        if (slow) {
            expect_clean(&run);
        } else {
            expect(&run, "VDI-OUT-005");
        }
        assert_true(run.judgement->vdi_calls > 50000);
        run_end(&run);
    }
}

/* The time was taken away while the client asked, and asked again: it would have waited. */
static void test_shortened_calls_are_not_busy(void **state)
{
    struct event end = {.kind = EVENT_CALL_END,
                        .side = EVENT_SIDE_CLIENT,
                        .function = VDI_FN_GET_COMMAND,
                        .process = CLIENT,
                        .thread = WORKER,
                        .set = 1,
                        .result = VD_E_TIMEOUT};
    struct run run;

    (void)state;
    for (int shortened = 0; shortened <= 1; shortened++) {
        run_start(&run, NULL);
        up(&run, 1);
        for (int i = 0; i < 3; i++) {
            end.flags = i == 1 && shortened ? EVENT_FLAG_SHORTENED : 0;
            end.repeat = end.flags ? 0 : 15000;
            end.call = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){0}, NULL);
            feed(&run, end, NULL);
        }
        transfer(&run, WORKER, 0);
        down(&run, 1);
        client_exits(&run, 0);
        if (shortened) {
            expect_clean(&run);
        } else {
            expect(&run, "VDI-OUT-005");
        }
        run_end(&run);
    }
}

int test_ends(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hang_outside_vdi_leaves_the_server_waiting),
        cmocka_unit_test(test_time_limit_during_work),
        cmocka_unit_test(test_time_limit_during_progress),
        cmocka_unit_test(test_hang_is_told_alike),
        cmocka_unit_test(test_exit_while_the_server_waits),
        cmocka_unit_test(test_exit_before_the_statement_ends_is_fine_after_close),
        cmocka_unit_test(test_polling_thread_attends),
        cmocka_unit_test(test_death),
        cmocka_unit_test(test_death_of_a_worker_process),
        cmocka_unit_test(test_death_that_the_parent_saw),
        cmocka_unit_test(test_deaths_that_are_not_the_clients),
        cmocka_unit_test(test_sanitizer_report),
        cmocka_unit_test(test_set_left_behind),
        cmocka_unit_test(test_destructor_is_enough),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_busy_loop),
        cmocka_unit_test(test_loops_that_are_not_busy),
        cmocka_unit_test(test_folded_calls),
        cmocka_unit_test(test_shortened_calls_are_not_busy),
    };

    return cmocka_run_group_tests_name("ends", tests, NULL, NULL);
}
