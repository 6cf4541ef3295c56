/* test_durability.c - what was on disk when Flush was acknowledged: VDI-FLUSH-001. */
#include <string.h>

#include "dsl_durability.h"
#include "tests.h"

/* ---- exactly ---- */

static void test_synced_is_silent(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    assert_int_equal(end_backup(&run, 1), DURABLE_YES);
    expect_not(&run, "VDI-FLUSH-001");
    expect_clean(&run);
    run_end(&run);
}

static void test_no_sync(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    call = flush(&run);
    assert_int_equal(end_backup(&run, 1), DURABLE_NO);
    assert_non_null(strstr(expect_at(&run, "VDI-FLUSH-001", call, 0)->message, "/backups/sink"));
    assert_int_equal(run.judgement->findings[0].severity, SEVERITY_ERROR);
    run_end(&run);
}

static void test_sync_that_began_too_early(void **state)
{
    struct run run;
    uint64_t begin;

    (void)state;
    start_backup(&run, 1);
    begin = file_sync_begin(&run, SINK);
    store_write(&run, 0, SINK);
    file_sync_end(&run, SINK, begin, 0);
    flush(&run);
    end_backup(&run, 1);
    expect(&run, "VDI-FLUSH-001");
    run_end(&run);
}

static void test_sync_of_another_file_or_that_failed(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    file_sync(&run, OTHER);
    file_sync_end(&run, SINK, file_sync_begin(&run, SINK), -5);
    flush(&run);
    end_backup(&run, 1);
    expect(&run, "VDI-FLUSH-001");
    run_end(&run);
}

static void test_sync_after_the_answer(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    flush(&run);
    file_sync(&run, SINK);
    end_backup(&run, 1);
    expect(&run, "VDI-FLUSH-001");
    run_end(&run);
}

static void test_bytes_in_stdio(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    file_buffered(&run, SINK, 100);
    file_sync(&run, SINK);
    flush(&run);
    file_buffered(&run, SINK, 0);
    end_backup(&run, 1);
    assert_non_null(strstr(expect(&run, "VDI-FLUSH-001")->message, "100 bytes"));
    run_end(&run);
}

/* ---- writes that take less than they were given ---- */

/* A Write whose bytes a file refused but for `taken`; *fetch is it. */
static uint64_t write_in_part(struct run *run, uint64_t file, int64_t taken, int64_t result)
{
    uint64_t fetch = run->fetch = vdi_fetch(run, WORKER, 0, 1, VDC_Write);

    if (taken > 0) {
        file_event(run, FILE_WRITE, file, run->written, PART, taken);
        run->written += taken;
    }
    if (result < 0) {
        file_event(run, FILE_WRITE, file, -1, PART - taken, result);
    }
    return fetch;
}

static void complete_write(struct run *run, uint64_t fetch, int32_t code)
{
    vdi_complete(run, WORKER, 0, 1, (int64_t)fetch, code, 0);
    run->fetch = 0;
}

static void test_bytes_that_were_refused(void **state)
{
    (void)state;
    for (int failed = 0; failed < 2; failed++) {
        struct run run;

        start_backup(&run, 1);
        complete_write(&run, write_in_part(&run, SINK, 100, failed ? -28 : 0), ERROR_SUCCESS);
        store_write(&run, 0, SINK);
        file_sync(&run, SINK);
        flush(&run);
        assert_int_equal(end_backup(&run, 1), DURABLE_NO);
        assert_non_null(strstr(expect(&run, "VDI-FLUSH-001")->message, "bytes less than it was given"));
        run_end(&run);
    }
}

static void test_bytes_that_were_written_again(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct run run;
        uint64_t fetch;

        start_backup(&run, 1);
        if (way == 3) { /* a copy of all of it is what counts then */
            file_open(&run, OTHER, 0, 0);
            store_write(&run, 0, OTHER);
            file_sync(&run, OTHER);
        }
        fetch = write_in_part(&run, SINK, way == 0 ? 100 : 0, way == 0 ? 0 : -28);
        if (way == 0) { /* by parts */
            file_event(&run, FILE_WRITE, SINK, run.written, PART - 100, 50);
            file_event(&run, FILE_WRITE, SINK, run.written + 50, PART - 150, PART - 150);
        } else if (way == 1) { /* by a copy of its own */
            run.fetch = 0;
            file_write(&run, SINK, PART);
        } else if (way == 2) { /* elsewhere */
            file_open(&run, OTHER, 0, 0);
            file_write(&run, OTHER, PART);
            file_sync(&run, OTHER);
        } else {
            file_write(&run, OTHER, PART);
            file_sync(&run, OTHER);
        }
        complete_write(&run, fetch, ERROR_SUCCESS);
        file_sync(&run, SINK);
        flush(&run);
        end_backup(&run, 1);
        expect_not(&run, "VDI-FLUSH-001");
        run_end(&run);
    }
}

static void test_a_refusal_that_was_told(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    complete_write(&run, write_in_part(&run, SINK, 100, -28), 112);
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    end_backup(&run, 1);
    expect_not(&run, "VDI-FLUSH-001");
    run_end(&run);
}

static void test_other_ways_to_be_durable(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
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
    assert_int_equal(end_backup(&run, 1), DURABLE_YES);
    expect_clean(&run);
    run_end(&run);
}

/* By another process, that held bytes back in stdio until it ended. */
static void test_helper_that_ends(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    run.process = CLIENT + 1;
    file_buffered(&run, SINK, 100);
    run.process = CLIENT;
    process_ends(&run, CLIENT + 1, PROCESS_DESCENDANT, 0, 0, false);
    file_sync(&run, SINK);
    flush(&run);
    assert_int_equal(end_backup(&run, 1), DURABLE_YES);
    expect_clean(&run);
    run_end(&run);
}

static void test_stripes_are_judged_each(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 2);
    run.path = "/backups/second";
    file_open(&run, OTHER, 0, 0);
    store_write(&run, 0, SINK);
    store_write(&run, 1, OTHER);
    file_sync(&run, SINK);
    answer(&run, 0, VDC_Flush); /* the other one's bytes may still wait */
    answer(&run, 1, VDC_Flush);
    assert_int_equal(end_backup(&run, 2), DURABLE_NO);
    assert_int_equal(expect(&run, "VDI-FLUSH-001")->device, 1);
    run_end(&run);
}

static void test_one_container_for_all(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 2);
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    store_write(&run, 1, SINK);
    file_write(&run, SINK, 512); /* its index: whose it is, nobody knows */
    answer(&run, 0, VDC_Flush);
    file_sync(&run, SINK);
    answer(&run, 1, VDC_Flush);
    assert_int_equal(end_backup(&run, 2), DURABLE_YES);
    expect_clean(&run);
    run_end(&run);
}

static void test_lists_and_logs_do_not_count(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    file_open(&run, LOG, 0, 0);
    for (int i = 0; i < 4; i++) {
        store_write(&run, 0, SINK);
        file_write(&run, LOG, 200);
    }
    file_sync(&run, SINK);
    flush(&run);
    file_write(&run, LOG, 200);
    assert_int_equal(end_backup(&run, 1), DURABLE_YES);
    expect_clean(&run);
    run_end(&run);
}

/* A spool that is not synced, and the file it was copied to, which is. */
static void test_spool(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    store_write(&run, 0, SINK);
    file_write(&run, OTHER, (int64_t)2 * PART);
    file_sync(&run, OTHER);
    flush(&run);
    assert_int_equal(end_backup(&run, 1), DURABLE_NOT_OBSERVABLE);
    expect_clean(&run);
    run_end(&run);
}

static void test_what_cannot_be_seen(void **state)
{
    static const enum file_type types[] = {FILE_SOCKET, FILE_PIPE, FILE_DEVICE};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct run run;

        start_backup(&run, 1);
        run.file_type = types[i];
        store_write(&run, 0, OTHER);
        flush(&run);
        assert_int_equal(end_backup(&run, 1), DURABLE_NOT_OBSERVABLE);
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
    start_backup(&run, 1);
    store_write(&run, 0, SINK);
    flush(&run);
    feed(&run, note, "events were lost");
    assert_int_equal(end_backup(&run, 1), DURABLE_NOT_OBSERVABLE);
    expect_clean(&run);
    run_end(&run);
}

static void test_new_name_is_told(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    file_rename(&run, SINK, "/backups/sink\n/backups/final", FOLDER);
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    assert_int_equal(end_backup(&run, 1), DURABLE_YES);
    assert_int_equal(expect(&run, "VDI-FLUSH-001")->severity, SEVERITY_INFO);
    assert_non_null(strstr(run.judgement->findings[0].message, "/backups/final"));
    run_end(&run);
}

static void test_new_name_that_is_durable(void **state)
{
    struct run run;

    (void)state;
    start_backup(&run, 1);
    file_open(&run, SINK, 0, FOLDER);
    run.file_type = FILE_DIRECTORY;
    file_sync(&run, FOLDER);
    run.file_type = FILE_REGULAR;
    store_write(&run, 0, SINK);
    file_sync(&run, SINK);
    flush(&run);
    end_backup(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* ---- by volume ---- */

static void test_volume(void **state)
{
    (void)state;
    for (int synced = 0; synced < 2; synced++) {
        struct run run;

        start_backup(&run, 1);
        copy_write(&run, 0, SINK);
        copy_write(&run, 0, SINK);
        if (synced) {
            file_sync(&run, SINK);
        }
        flush(&run);
        assert_int_equal(end_backup(&run, 1), synced ? DURABLE_YES : DURABLE_NO);
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
    start_backup(&run, 2);
    file_open(&run, OTHER, 0, 0);
    copy_write(&run, 0, SINK);
    file_sync(&run, SINK);
    copy_write(&run, 1, OTHER);
    answer(&run, 0, VDC_Flush);
    file_sync(&run, OTHER);
    answer(&run, 1, VDC_Flush);
    assert_int_equal(end_backup(&run, 2), DURABLE_YES);
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

        start_backup(&run, 1);
        for (int k = 0; k < 2; k++) {
            uint64_t fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
            vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
        }
        file_write(&run, LOG, bytes[i]);
        flush(&run);
        assert_int_equal(end_backup(&run, 1), DURABLE_NOT_OBSERVABLE);
        expect_clean(&run);
        run_end(&run);
    }
}

static void test_restore_has_no_sink(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    start_backup(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Read);
    vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    file_write(&run, LOG, PART);
    flush(&run);
    assert_int_equal(end_backup(&run, 1), DURABLE_NOT_OBSERVABLE);
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
        cmocka_unit_test(test_bytes_that_were_refused),
        cmocka_unit_test(test_bytes_that_were_written_again),
        cmocka_unit_test(test_a_refusal_that_was_told),
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
    };

    return cmocka_run_group_tests_name("durability", tests, NULL, NULL);
}
