/* test_durability.c - what was on disk when Flush and VDC_Complete were acknowledged: VDI-FLUSH-001, 002, 004,
 * VDI-COMP-001. */
#include <string.h>

#include "dsl.h"
#include "tests.h"

enum {
    SINK = 7,
    LOG = 8,
    OTHER = 9,
    FOLDER = 50,
    PART = 65536, /* what vdi_fetch hands out */
};

/* Fetches a Write, stores it from the buffer itself, completes it. */
static void store_write(struct run *run, int16_t device, uint64_t file)
{
    uint64_t fetch = vdi_fetch(run, WORKER, device, 1, VDC_Write);

    run->fetch = fetch;
    file_write(run, file, PART);
    run->fetch = 0;
    vdi_complete(run, WORKER, device, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
}

/* The same from memory of the client's own. */
static void copy_write(struct run *run, int16_t device, uint64_t file)
{
    uint64_t fetch = vdi_fetch(run, WORKER, device, 1, VDC_Write);

    vdi_complete(run, WORKER, device, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    file_write(run, file, PART);
}

static uint64_t answer(struct run *run, int16_t device, int32_t code)
{
    uint64_t fetch = vdi_fetch(run, WORKER, device, 2, code);

    return vdi_complete(run, WORKER, device, 2, (int64_t)fetch, ERROR_SUCCESS, 0);
}

static uint64_t flush(struct run *run)
{
    return answer(run, 0, VDC_Flush);
}

static void start(struct run *run, uint32_t devices)
{
    run_start(run, NULL);
    up(run, devices);
    run->path = "/backups/sink";
    file_open(run, SINK, 0, 0);
}

static enum durable end(struct run *run, uint32_t devices)
{
    down(run, devices);
    client_exits(run, 0);
    return finish(run)->operations[0].durable;
}

/* ---- exactly ---- */

static void test_synced_is_silent(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    assert_int_equal(end(&run, 1), DURABLE_YES);
    expect_not(&run, "VDI-FLUSH-001");
    expect_clean(&run);
    run_end(&run);
}

static void test_no_sync(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    call = flush(&run);
    assert_int_equal(end(&run, 1), DURABLE_NO);
    assert_non_null(strstr(expect_at(&run, "VDI-FLUSH-001", call, 0)->message, "/backups/sink"));
    assert_int_equal(run.judgement->findings[0].severity, SEVERITY_ERROR);
    run_end(&run);
}

static void test_sync_that_began_too_early(void **state)
{
    struct run run;
    uint64_t begin;

    (void)state;
    start(&run, 1);
    begin = file_sync_begin(&run, SINK);
    store_write(&run, 0, SINK);
    file_sync_end(&run, SINK, begin, 0);
    flush(&run);
    end(&run, 1);
    expect(&run, "VDI-FLUSH-001");
    run_end(&run);
}

static void test_sync_of_another_file_or_that_failed(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    file_sync(&run, OTHER);
    file_sync_end(&run, SINK, file_sync_begin(&run, SINK), -5);
    flush(&run);
    end(&run, 1);
    expect(&run, "VDI-FLUSH-001");
    run_end(&run);
}

static void test_sync_after_the_answer(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    flush(&run);
    file_sync(&run, SINK);
    end(&run, 1);
    expect(&run, "VDI-FLUSH-001");
    run_end(&run);
}

static void test_bytes_in_stdio(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    file_buffered(&run, SINK, 100);
    file_sync(&run, SINK);
    flush(&run);
    file_buffered(&run, SINK, 0);
    end(&run, 1);
    assert_non_null(strstr(expect(&run, "VDI-FLUSH-001")->message, "100 bytes"));
    run_end(&run);
}

static void test_other_ways_to_be_durable(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    file_sync_all(&run);
    flush(&run);
    store_write(&run, 0, SINK);
    file_sync(&run, 0);
    flush(&run);
    run.fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    file_write_through(&run, SINK, PART);
    vdi_complete(&run, WORKER, 0, 1, (int64_t)run.fetch, ERROR_SUCCESS, 0);
    run.fetch = 0;
    flush(&run);
    assert_int_equal(end(&run, 1), DURABLE_YES);
    expect_clean(&run);
    run_end(&run);
}

/* By another process, that held bytes back in stdio until it ended. */
static void test_helper_that_ends(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    run.process = CLIENT + 1;
    file_buffered(&run, SINK, 100);
    run.process = CLIENT;
    process_ends(&run, CLIENT + 1, PROCESS_DESCENDANT, 0, 0, false);
    file_sync(&run, SINK);
    flush(&run);
    assert_int_equal(end(&run, 1), DURABLE_YES);
    expect_clean(&run);
    run_end(&run);
}

static void test_stripes_are_judged_each(void **state)
{
    struct run run;

    (void)state;
    start(&run, 2);
    run.path = "/backups/second";
    file_open(&run, OTHER, 0, 0);
    store_write(&run, 0, SINK);
    store_write(&run, 1, OTHER);
    file_sync(&run, SINK);
    answer(&run, 0, VDC_Flush); /* the other one's bytes may still wait */
    answer(&run, 1, VDC_Flush);
    assert_int_equal(end(&run, 2), DURABLE_NO);
    assert_int_equal(expect(&run, "VDI-FLUSH-001")->device, 1);
    run_end(&run);
}

static void test_one_container_for_all(void **state)
{
    struct run run;

    (void)state;
    start(&run, 2);
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    store_write(&run, 1, SINK);
    file_write(&run, SINK, 512); /* its index: whose it is, nobody knows */
    answer(&run, 0, VDC_Flush);
    file_sync(&run, SINK);
    answer(&run, 1, VDC_Flush);
    assert_int_equal(end(&run, 2), DURABLE_YES);
    expect_clean(&run);
    run_end(&run);
}

static void test_lists_and_logs_do_not_count(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    file_open(&run, LOG, 0, 0);
    for (int i = 0; i < 4; i++) {
        store_write(&run, 0, SINK);
        file_write(&run, LOG, 200);
    }
    file_sync(&run, SINK);
    flush(&run);
    file_write(&run, LOG, 200);
    assert_int_equal(end(&run, 1), DURABLE_YES);
    expect_clean(&run);
    run_end(&run);
}

/* A spool that is not synced, and the file it was copied to, which is. */
static void test_spool(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    store_write(&run, 0, SINK);
    file_write(&run, OTHER, (int64_t)2 * PART);
    file_sync(&run, OTHER);
    flush(&run);
    assert_int_equal(end(&run, 1), DURABLE_NOT_OBSERVABLE);
    expect_clean(&run);
    run_end(&run);
}

static void test_what_cannot_be_seen(void **state)
{
    static const enum file_type types[] = {FILE_SOCKET, FILE_PIPE, FILE_DEVICE};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct run run;

        start(&run, 1);
        run.file_type = types[i];
        store_write(&run, 0, OTHER);
        flush(&run);
        assert_int_equal(end(&run, 1), DURABLE_NOT_OBSERVABLE);
        expect_clean(&run);
        run_end(&run);
    }
}

static void test_blind_witness(void **state)
{
    struct event note = {.kind = EVENT_NOTE,
                         .side = EVENT_SIDE_SUPERVISOR,
                         .device = -1,
                         .operation = -1,
                         .arg = {NOTE_FILES}};
    struct run run;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    flush(&run);
    feed(&run, note, "events were lost");
    assert_int_equal(end(&run, 1), DURABLE_NOT_OBSERVABLE);
    expect_clean(&run);
    run_end(&run);
}

static void test_new_name_is_told(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    file_rename(&run, SINK, "/backups/sink\n/backups/final", FOLDER);
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    assert_int_equal(end(&run, 1), DURABLE_YES);
    assert_int_equal(expect(&run, "VDI-FLUSH-001")->severity, SEVERITY_INFO);
    assert_non_null(strstr(run.judgement->findings[0].message, "/backups/final"));
    run_end(&run);
}

static void test_new_name_that_is_durable(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    file_open(&run, SINK, 0, FOLDER);
    run.file_type = FILE_DIRECTORY;
    file_sync(&run, FOLDER);
    run.file_type = FILE_REGULAR;
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    end(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* ---- by volume ---- */

static void test_volume(void **state)
{
    (void)state;
    for (int synced = 0; synced < 2; synced++) {
        struct run run;

        start(&run, 1);
        copy_write(&run, 0, SINK);
        copy_write(&run, 0, SINK);
        if (synced) {
            file_sync(&run, SINK);
        }
        flush(&run);
        assert_int_equal(end(&run, 1), synced ? DURABLE_YES : DURABLE_NO);
        if (synced) {
            expect_clean(&run);
        } else {
            assert_non_null(strstr(expect(&run, "VDI-FLUSH-001")->message, "131072 of the 131072 bytes"));
        }
        run_end(&run);
    }
}

static void test_volume_waits_for_all_devices(void **state)
{
    struct run run;

    (void)state;
    start(&run, 2);
    file_open(&run, OTHER, 0, 0);
    copy_write(&run, 0, SINK);
    file_sync(&run, SINK);
    copy_write(&run, 1, OTHER);
    answer(&run, 0, VDC_Flush);
    file_sync(&run, OTHER);
    answer(&run, 1, VDC_Flush);
    assert_int_equal(end(&run, 2), DURABLE_YES);
    expect_clean(&run);
    run_end(&run);
}

/* Half of what was handed out, or it is no sink; a dump of everything in hexadecimal is none, either. */
static void test_volume_out_of_range(void **state)
{
    static const int64_t bytes[] = {PART - 1, 4 * PART};

    (void)state;
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        struct run run;

        start(&run, 1);
        for (int k = 0; k < 2; k++) {
            uint64_t fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
            vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
        }
        file_write(&run, LOG, bytes[i]);
        flush(&run);
        assert_int_equal(end(&run, 1), DURABLE_NOT_OBSERVABLE);
        expect_clean(&run);
        run_end(&run);
    }
}

static void test_restore_has_no_sink(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    start(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Read);
    vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    file_write(&run, LOG, PART);
    flush(&run);
    assert_int_equal(end(&run, 1), DURABLE_NOT_OBSERVABLE);
    expect_clean(&run);
    run_end(&run);
}

/* ---- VDI-FLUSH-004, VDI-COMP-001, VDI-FLUSH-002 ---- */

static void test_changed_after_the_last_flush(void **state)
{
    (void)state;
    for (int by_volume = 0; by_volume < 2; by_volume++) {
        struct run run;
        uint64_t call;

        start(&run, 1);
        (by_volume ? copy_write : store_write)(&run, 0, SINK);
        file_sync(&run, SINK);
        call = flush(&run);
        file_write(&run, SINK, 512);
        file_sync(&run, SINK);
        end(&run, 1);
        expect_at(&run, "VDI-FLUSH-004", call, 0);
        run_end(&run);
    }
}

static void test_later_writes_may_follow_a_flush(void **state)
{
    struct run run;

    (void)state;
    start(&run, 1);
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    copy_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    end(&run, 1);
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

        start(&run, 1);
        enable(&run, VDF_CompleteEnabled);
        store_write(&run, 0, SINK);
        file_sync(&run, SINK);
        flush(&run);
        file_write(&run, SINK, 512); /* the trailer: there is time until VDC_Complete */
        if (synced) {
            file_sync(&run, SINK);
        }
        call = answer(&run, 0, VDC_Complete);
        end(&run, 1);
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
    start(&run, 1);
    enable(&run, VDF_CompleteEnabled);
    store_write(&run, 0, SINK);
    flush(&run);
    file_sync(&run, SINK);
    answer(&run, 0, VDC_Complete);
    assert_int_equal(end(&run, 1), DURABLE_YES);
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
        end(&run, 1);
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
    end(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

int test_durability(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_synced_is_silent),
        cmocka_unit_test(test_no_sync),
        cmocka_unit_test(test_sync_that_began_too_early),
        cmocka_unit_test(test_sync_of_another_file_or_that_failed),
        cmocka_unit_test(test_sync_after_the_answer),
        cmocka_unit_test(test_bytes_in_stdio),
        cmocka_unit_test(test_other_ways_to_be_durable),
        cmocka_unit_test(test_helper_that_ends),
        cmocka_unit_test(test_stripes_are_judged_each),
        cmocka_unit_test(test_one_container_for_all),
        cmocka_unit_test(test_lists_and_logs_do_not_count),
        cmocka_unit_test(test_spool),
        cmocka_unit_test(test_what_cannot_be_seen),
        cmocka_unit_test(test_blind_witness),
        cmocka_unit_test(test_new_name_is_told),
        cmocka_unit_test(test_new_name_that_is_durable),
        cmocka_unit_test(test_volume),
        cmocka_unit_test(test_volume_waits_for_all_devices),
        cmocka_unit_test(test_volume_out_of_range),
        cmocka_unit_test(test_restore_has_no_sink),
        cmocka_unit_test(test_changed_after_the_last_flush),
        cmocka_unit_test(test_later_writes_may_follow_a_flush),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_flush_before_complete_is_less),
        cmocka_unit_test(test_stale_bytes),
        cmocka_unit_test(test_stale_bytes_behind_a_header),
    };

    return cmocka_run_group_tests_name("durability", tests, NULL, NULL);
}
