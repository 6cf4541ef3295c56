/* test_jobs.c - a client that does one job after another until it is stopped, and one that says by other means than its
 * exit status how it went: whose word counts for which operation (VDI-OUT-001, 006, 007, 009).
 */
#include <signal.h>

#include "dsl.h"
#include "tests.h"

static void tell(struct run *run, enum note_kind kind, int64_t number, int64_t value, const char *text)
{
    feed(run,
         (struct event){.kind = EVENT_NOTE,
                        .side = EVENT_SIDE_SUPERVISOR,
                        .device = -1,
                        .operation = -1,
                        .arg = {kind, number, value}},
         text);
}

static void job(struct run *run, int32_t number, const char *trigger)
{
    tell(run, NOTE_JOB, number, 0, trigger);
    run->operation = number;
    run->set = (uint64_t)number + 1;
}

static void says(struct run *run, int32_t number, enum verdict_word word)
{
    tell(run, NOTE_VERDICT, number, word, "");
}

static void is_stopped(struct run *run, int32_t signal)
{
    tell(run, NOTE_STOP, SIGTERM, 0, "");
    process_ends(run, CLIENT, PROCESS_CLIENT, signal ? -1 : 0, signal, false);
}

/* A whole job that the client aborts as the server has, with or without a fault. */
static void aborted_job(struct run *run, int32_t number, bool faulted)
{
    job(run, number, "ctl backup");
    up(run, 1);
    uint64_t call = vdi_get(run, WORKER, 0, 1000, VD_E_ABORT);
    if (faulted) {
        fault_fires(run, 0, call);
    }
    sql_end(run, STATEMENT_ABORTED, 0, 0);
    vdi_close(run, MAIN, 0);
}

static void good_job(struct run *run, int32_t number, enum verdict_word word)
{
    job(run, number, "ctl backup");
    whole_backup(run, 1);
    says(run, number, word);
}

static void test_jobs_that_go_well(void **state)
{
    struct run run;

    (void)state;
    for (int signal = 0; signal <= SIGTERM; signal += SIGTERM) { /* with and without a handler for it */
        run_start(&run, NULL);
        good_job(&run, 0, VERDICT_SUCCESS);
        good_job(&run, 1, VERDICT_SUCCESS);
        is_stopped(&run, signal);
        expect_clean(&run);
        assert_int_equal(run.judgement->operation_count, 2);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(run.judgement->operations[i].job, i);
            assert_int_equal(run.judgement->operations[i].client_says, CLAIM_SUCCESS);
        }
        assert_int_equal(run.judgement->client_stopped, signal != 0);
        run_end(&run);
    }
}

/* Another signal than the one that was sent is its own. */
static void test_another_signal(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    good_job(&run, 0, VERDICT_SUCCESS);
    is_stopped(&run, SIGSEGV);
    expect(&run, "VDI-OUT-003");
    run_end(&run);
}

/* A fault in the first job, which says so; the second goes well. Nothing is wrong with that, whatever the exit status. */
static void test_a_failed_job_and_a_good_one(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "abort@Write#1:0");
    aborted_job(&run, 0, true);
    says(&run, 0, VERDICT_FAILURE);
    good_job(&run, 1, VERDICT_SUCCESS);
    is_stopped(&run, 0);
    expect_clean(&run);
    assert_int_equal(run.judgement->operations[0].client_says, CLAIM_FAILURE);
    assert_int_equal(run.judgement->operations[1].client_says, CLAIM_SUCCESS);
    run_end(&run);
}

/* The next job's success excuses no false word about this one; no word is no false one. */
static void test_a_false_word(void **state)
{
    struct run run;

    (void)state;
    for (int word = VERDICT_NOTHING; word <= VERDICT_SUCCESS; word++) {
        run_start(&run, "abort@Write#1:0");
        aborted_job(&run, 0, true);
        says(&run, 0, (enum verdict_word)word);
        good_job(&run, 1, VERDICT_SUCCESS);
        is_stopped(&run, 0);
        if (word == VERDICT_SUCCESS) {
            assert_int_equal(expect(&run, "VDI-OUT-001")->operation, 0);
        } else {
            expect_clean(&run);
        }
        run_end(&run);
    }
}

/* A job that is called failed for no reason, while the other one is fine. */
static void test_a_false_failure(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    good_job(&run, 0, VERDICT_SUCCESS);
    good_job(&run, 1, VERDICT_FAILURE);
    is_stopped(&run, 0);
    assert_int_equal(expect_among(&run, "VDI-OUT-006")->operation, 1);
    assert_int_equal(expect_among(&run, "VDI-OUT-007")->operation, 1);
    run_end(&run);
}

/* After a fault in the first job: the second makes no set, is called failed, or meets a client that is gone. */
static void test_a_job_that_does_not_recover(void **state)
{
    struct run run;

    (void)state;
    for (int how = 0; how < 3; how++) {
        run_start(&run, "abort@Write#1:0");
        aborted_job(&run, 0, true);
        says(&run, 0, VERDICT_FAILURE);
        if (how == 1) {
            good_job(&run, 1, VERDICT_FAILURE);
        } else if (how == 0) {
            job(&run, 1, "ctl backup");
            says(&run, 1, VERDICT_FAILURE);
        } else {
            process_ends(&run, CLIENT, PROCESS_CLIENT, 1, 0, false);
            tell(&run, NOTE_JOB, 1, 1, "ctl backup");
            says(&run, 1, VERDICT_FAILURE);
        }
        if (how < 2) {
            is_stopped(&run, 0);
        }
        assert_int_equal(expect(&run, "VDI-OUT-009")->operation, 0);
        run_end(&run);
    }
}

/* One that has other work to do may need what the first one was to make; one that a fault meets is not to recover. */
static void test_a_job_that_need_not_recover(void **state)
{
    struct run run;

    (void)state;
    for (int how = 0; how < 2; how++) {
        run_start(&run, "abort@Write#1+:0");
        aborted_job(&run, 0, true);
        says(&run, 0, VERDICT_FAILURE);
        if (how == 0) {
            job(&run, 1, "ctl restore");
        } else {
            aborted_job(&run, 1, true);
        }
        says(&run, 1, VERDICT_FAILURE);
        is_stopped(&run, 0);
        expect_clean(&run);
        run_end(&run);
    }
}

/* A client without jobs whose exit status is always 0, and which says it otherwise. */
static void test_a_word_instead_of_the_status(void **state)
{
    struct run run;

    (void)state;
    for (int word = VERDICT_FAILURE; word <= VERDICT_SUCCESS; word++) {
        run_start(&run, "abort@Write#1:0");
        up(&run, 1);
        fault_fires(&run, 0, vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT));
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        vdi_close(&run, MAIN, 0);
        client_exits(&run, 0);
        says(&run, 0, (enum verdict_word)word);
        if (word == VERDICT_SUCCESS) {
            expect(&run, "VDI-OUT-001");
        } else {
            expect_clean(&run);
        }
        assert_int_equal(run.judgement->operations[0].job, -1);
        run_end(&run);
    }
}

/* What begins after the word is no part of what it is about. */
static void test_work_after_the_word(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "abort@Write#1:0/1");
    good_job(&run, 0, VERDICT_SUCCESS);
    run.operation = 1;
    run.set = 2;
    up(&run, 1);
    fault_fires(&run, 0, vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT));
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    vdi_close(&run, MAIN, 0);
    is_stopped(&run, 0);
    expect_clean(&run);
    assert_int_equal(run.judgement->operations[1].client_says, CLAIM_NONE);
    run_end(&run);
}

/* At the end a daemon has nothing open any more. */
static void test_a_set_that_is_left(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    job(&run, 0, "ctl backup");
    up(&run, 1);
    transfer(&run, WORKER, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    sql_message(&run, 3014, 0);
    sql_stream(&run, 0, 0, -1);
    sql_end(&run, STATEMENT_SUCCESS, 3 << 16, 1);
    says(&run, 0, VERDICT_SUCCESS);
    is_stopped(&run, SIGTERM);
    expect_among(&run, "VDI-OUT-004");
    run_end(&run);
}

int test_jobs(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_that_go_well),
        cmocka_unit_test(test_another_signal),
        cmocka_unit_test(test_a_failed_job_and_a_good_one),
        cmocka_unit_test(test_a_false_word),
        cmocka_unit_test(test_a_false_failure),
        cmocka_unit_test(test_a_job_that_does_not_recover),
        cmocka_unit_test(test_a_job_that_need_not_recover),
        cmocka_unit_test(test_a_word_instead_of_the_status),
        cmocka_unit_test(test_work_after_the_word),
        cmocka_unit_test(test_a_set_that_is_left),
    };

    return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
