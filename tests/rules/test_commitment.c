/* test_commitment.c - what an acknowledgement stands for beside the bytes on disk: that the backup is finished
 * (VDI-FLUSH-004, VDI-COMP-001) and that nothing old is behind it (VDI-FLUSH-002). */
#include <string.h>

#include "dsl_durability.h"
#include "tests.h"

static void test_changed_after_the_last_flush(void **state)
{
    (void)state;
    for (int by_volume = 0; by_volume < 2; by_volume++) {
        struct run run;
        uint64_t call;

        start_backup(&run, 1);
        (by_volume ? copy_write : store_write)(&run, 0, SINK);
        file_sync(&run, SINK);
        call = flush(&run);
        file_write(&run, SINK, 512);
        file_sync(&run, SINK);
        end_backup(&run, 1);
        expect_at(&run, "VDI-FLUSH-004", call, 0);
        run_end(&run);
    }
}

/* A thread of the client's own stores copies later than the Flush is answered, or in time; or what comes later goes to
 * another file, as a log or a catalogue, or once the set is closed, as a second copy. */
static void test_writer_that_lags_behind(void **state)
{
    for (int how = 0; how < 4; how++) {
        struct run run;
        uint64_t call;
        int in_time = how == 0 || how == 2 ? 1 : 8;

        (void)state;
        start_backup(&run, 1);
        for (int i = 0; i < 8; i++) {
            vdi_serve(&run, 0, VDC_Write, ERROR_SUCCESS);
        }
        file_open(&run, LOG, 0, 0);
        for (int i = 0; i < in_time; i++) {
            file_write(&run, SINK, PART);
        }
        file_sync(&run, SINK);
        call = flush(&run);
        if (how == 2) {
            vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
            vdi_close(&run, MAIN, 0);
        }
        for (int i = in_time; i < 8; i++) {
            file_write(&run, SINK, PART);
        }
        for (int i = 0; how == 3 && i < 8; i++) {
            file_write(&run, LOG, PART);
        }
        if (how != 2) {
            vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
            vdi_close(&run, MAIN, 0);
        }
        sql_stream(&run, 0, 0, -1);
        sql_message(&run, 3014, 0);
        sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
        client_exits(&run, 0);
        if (how == 0) {
            assert_non_null(
                strstr(expect_at(&run, "VDI-FLUSH-001", call, 0)->message, "65536 of the 524288"));
            assert_int_equal(run.judgement->operations[0].durable, DURABLE_NO);
        } else {
            expect_clean(&run);
        }
        run_end(&run);
    }
}

static void test_later_writes_may_follow_a_flush(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    copy_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    end_backup(&run, 1);
    expect_not(&run, "VDI-FLUSH-004");
    expect_clean(&run);
    run_end(&run);
}

/* All have flushed, as far as can be seen, but another device's GetCommand is under way and brings a Write. */
static void test_a_write_that_was_waited_for_since_before(void **state)
{
    const int64_t timeout[6] = {1000};
    struct run run;

    (void)state;
    start_backup(&run, 2);
    copy_write(&run, 0, SINK);
    copy_write(&run, 1, SINK);
    file_sync(&run, SINK);
    answer(&run, 1, VDC_Flush);
    uint64_t waits = call_begin(&run, MAIN, VDI_FN_GET_COMMAND, 1, timeout, NULL);
    flush(&run);
    run.fetched[3].block = 3;
    run.fetched[3].code = VDC_Write;
    run.fetched[3].size = PART;
    call_end(&run, MAIN, VDI_FN_GET_COMMAND, 1, waits, 0, (int64_t[6]){3, VDC_Write, PART, 0, 0x7000, 1});
    vdi_complete(&run, MAIN, 1, 3, (int64_t)waits, ERROR_SUCCESS, 0);
    file_write(&run, SINK, PART);
    file_sync(&run, SINK);
    answer(&run, 1, VDC_Flush);
    end_backup(&run, 2);
    expect_not(&run, "VDI-FLUSH-004");
    expect_clean(&run);
    run_end(&run);
}

static void enable(struct run *run, int64_t features)
{
    uint64_t call = call_begin(run, MAIN, VDI_FN_GET_CONFIGURATION, -1, NULL, NULL);

    call_end(run, MAIN, VDI_FN_GET_CONFIGURATION, -1, call, 0, (int64_t[6]){features, 4096, 65536, 1});
}

static void test_complete(void **state)
{
    (void)state;
    for (int synced = 0; synced < 2; synced++) {
        struct run run;
        uint64_t call;

        start_backup(&run, 1);
        enable(&run, VDF_CompleteEnabled);
        store_write(&run, 0, SINK);
        file_sync(&run, SINK);
        flush(&run);
        file_write(&run, SINK, 512); /* the trailer: there is time until VDC_Complete */
        if (synced) {
            file_sync(&run, SINK);
        }
        call = answer(&run, 0, VDC_Complete);
        end_backup(&run, 1);
        if (synced) {
            expect_not(&run, "VDI-COMP-001");
            expect_clean(&run);
        } else {
            expect_at(&run, "VDI-COMP-001", call, 0);
        }
        run_end(&run);
    }
}

static void test_flush_before_complete_is_less(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    enable(&run, VDF_CompleteEnabled);
    store_write(&run, 0, SINK);
    flush(&run);
    file_sync(&run, SINK);
    answer(&run, 0, VDC_Complete);
    assert_int_equal(end_backup(&run, 1), DURABLE_YES);
    assert_int_equal(expect(&run, "VDI-FLUSH-001")->severity, SEVERITY_WARNING);
    run_end(&run);
}

static void test_stale_bytes(void **state)
{
    (void)state;
    for (int cut = 0; cut < 2; cut++) {
        struct run run;
        uint64_t call;

        run_start(&run, NULL);
        up(&run, 1);
        enable(&run, VDF_LikeDisk);
        file_open(&run, SINK, 1000000, 0);
        store_write(&run, 0, SINK);
        if (cut) {
            file_event(&run, FILE_TRUNCATE, SINK, 1000000, PART, 0);
        }
        file_sync(&run, SINK);
        call = flush(&run);
        end_backup(&run, 1);
        if (cut) {
            expect_not(&run, "VDI-FLUSH-002");
            expect_clean(&run);
        } else {
            expect_at(&run, "VDI-FLUSH-002", call, 0);
        }
        run_end(&run);
    }
}

/* A file that holds more than the device is laid out as the client likes. */
static void test_stale_bytes_behind_a_header(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    enable(&run, VDF_LikeDisk);
    file_open(&run, SINK, 1000000, 0);
    run.written = 4096;
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    end_backup(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* ---- --prove-durability ---- */

static void verify(struct run *run, int32_t operation, int32_t message, int32_t status)
{
    run->set = 2 + (uint64_t)operation;
    run->operation = operation;
    run->process = VERIFIER + (uint32_t)operation;
    run->issuer = PROCESS_VERIFY;
    run->is_backup = false;
    up(run, 1);
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    if (message) {
        sql_message(run, message, 16);
    }
    run->stream_hash = message ? 7 : 42;
    sql_stream(run, 0, -1, -1);
    sql_end(run, message ? STATEMENT_FAILED : STATEMENT_SUCCESS, message ? 0 : 1000, message ? 7 : 42);
    vdi_close(run, MAIN, 0);
    process_ends(run, run->process, PROCESS_VERIFY, status, 0, false);
}

/* What comes back from files of our making says nothing of what the client stored, nor does the second --verify speak for
 * the first. */
static void test_proof(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    flush(&run);
    down(&run, 1);
    client_exits(&run, 0);
    verify(&run, 1, 0, 0);
    note(&run, NOTE_PROOF); /* of operation 0 */
    verify(&run, 2, 3208, 1);
    expect_among(&run, "VDI-OUT-007");
    assert_non_null(strstr(expect_among(&run, "VDI-FLUSH-001")->message, "; proved: "));
    expect_not(&run, "VDI-DATA-001");
    expect_not(&run, "VDI-OUT-001");
    assert_true(run.judgement->operations[0].disproved);
    assert_int_equal(run.judgement->operations[1].client_says, CLAIM_SUCCESS);
    assert_int_equal(run.judgement->operations[2].client_says, CLAIM_FAILURE);
    run_end(&run);
}

int test_commitment(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changed_after_the_last_flush),
        cmocka_unit_test(test_writer_that_lags_behind),
        cmocka_unit_test(test_later_writes_may_follow_a_flush),
        cmocka_unit_test(test_a_write_that_was_waited_for_since_before),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_flush_before_complete_is_less),
        cmocka_unit_test(test_stale_bytes),
        cmocka_unit_test(test_stale_bytes_behind_a_header),
        cmocka_unit_test(test_proof),
    };

    return cmocka_run_group_tests_name("commitment", tests, NULL, NULL);
}
