/* What one statement leaves for the next: the log chain, the differential base, RESTORING (spec 10, 13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog.h"
#include "fake_server.h"
#include "restore_fixture.h"

static struct catalog *catalog;

/* A backup that was kept. */
struct kept {
    uint8_t *bytes[2];
    size_t length[2];
    bool log;
};

static struct kept kept[8];
static int kept_count;

static int setup(void **state)
{
    if (restore_setup(state) != 0 || catalog_open(NULL, &catalog) != 0) {
        return -1;
    }
    backup.catalog = restore.catalog = catalog;
    backup.plan.size = 200000;
    return 0;
}

static int teardown(void **state)
{
    for (int i = 0; i < kept_count * 2; i++) {
        free(kept[i / 2].bytes[i % 2]);
    }
    memset(kept, 0, sizeof kept);
    kept_count = 0;
    catalog_close(catalog);
    return restore_teardown(state);
}

static enum engine_status run_backup(bool log)
{
    backup.request.log = log;
    fake_reset(2, false);
    return statement_run(&backup);
}

static int keep(bool log)
{
    assert_int_equal(run_backup(log), ENGINE_SUCCEEDED);
    kept[kept_count].log = log;
    for (int i = 0; i < 2; i++) {
        const struct fake_stream *stream = &fake.devices[i].stream;
        kept[kept_count].bytes[i] = malloc(stream->length);
        kept[kept_count].length[i] = stream->length;
        memcpy(kept[kept_count].bytes[i], stream->bytes, stream->length);
    }
    return kept_count++;
}

static int keep_differential(void)
{
    backup.request.differential = true;
    int number = keep(false);
    backup.request.differential = false;
    return number;
}

static enum engine_status put_back(int number, bool more)
{
    fake_reset(2, false);
    for (int i = 0; i < 2; i++) {
        size_t length = kept[number].length[i];
        struct fake_stream stream = {.bytes = malloc(length), .length = length, .capacity = length};
        memcpy(stream.bytes, kept[number].bytes[i], length);
        fake.devices[i].stream = stream;
    }
    fake_reset(2, true);
    restore.request.log = kept[number].log;
    restore.request.no_recovery = more;
    return statement_run(&restore);
}

static void expect_refusal(int number, int32_t message)
{
    assert_int_equal(put_back(number, true), ENGINE_FAILED);
    EXPECT(&restore, message, 3013);
}

static struct catalog_database read_entry(void)
{
    assert_int_equal(catalog_begin(catalog), 0);
    struct catalog_database database = *catalog_entry(catalog, &(struct catalog_key){.name = "pubs"});
    assert_int_equal(catalog_end(catalog, false), 0);
    return database;
}

static void set_model(enum catalog_model model)
{
    assert_int_equal(catalog_begin(catalog), 0);
    struct catalog_database *database = catalog_entry(catalog, &(struct catalog_key){.name = "pubs"});
    database->model = model;
    database->backed_up = database->backed_up && model != CATALOG_SIMPLE;
    assert_int_equal(catalog_end(catalog, true), 0);
}

/* --- what is restored in which order --- */

static void a_chain_is_restored_in_its_order(void **state)
{
    (void)state;
    int full = keep(false), first = keep(true), second = keep(true), third = keep(true);
    assert_int_equal(put_back(full, true), ENGINE_SUCCEEDED);
    expect_refusal(second, 4305);
    assert_int_equal(put_back(first, true), ENGINE_SUCCEEDED);
    expect_refusal(first, 4326);
    expect_refusal(third, 4305);
    assert_int_equal(put_back(second, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(third, false), ENGINE_SUCCEEDED);
    expect_refusal(third, 3117); /* it is recovered */
    assert_int_equal(run_backup(true), ENGINE_SUCCEEDED);
}

static void the_texts_are_those_of_sql_server(void **state)
{
    (void)state;
    int full = keep(false);
    keep(true);
    int second = keep(true);
    put_back(full, true);
    expect_refusal(second, 4305);
    assert_string_equal(
        statement_text(&restore, 4305),
        "The log in this backup set begins at LSN 34000000032000001, which is too recent to "
        "apply to the database. An earlier log backup that includes LSN 34000000025600001 can "
        "be restored.");
}

static void a_log_may_begin_before_the_full_backup(void **state)
{
    (void)state;
    int old = keep(false), full = keep(false), log = keep(true);
    assert_int_equal(put_back(full, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(log, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(old, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(log, false), ENGINE_SUCCEEDED);
}

static void a_differential_needs_its_base(void **state)
{
    (void)state;
    int old = keep(false), full = keep(false), part = keep_differential(), log = keep(true);
    assert_int_equal(put_back(old, true), ENGINE_SUCCEEDED);
    expect_refusal(part, 3136);
    assert_int_equal(put_back(full, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(part, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(log, false), ENGINE_SUCCEEDED);
    expect_refusal(part, 3117);
}

static void a_copy_changes_nothing(void **state)
{
    (void)state;
    int full = keep(false);
    backup.request.copy_only = true;
    int copy = keep(false), log_copy = keep(true);
    backup.request.copy_only = false;
    int part = keep_differential(), log = keep(true);
    put_back(copy, true);
    expect_refusal(part, 3136);
    assert_int_equal(put_back(full, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(part, true), ENGINE_SUCCEEDED);
    put_back(full, true);
    assert_int_equal(put_back(log_copy, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(log, true), ENGINE_SUCCEEDED); /* it holds the same and more */
}

static void nothing_is_asked_of_who_is_not_known(void **state)
{
    (void)state;
    int log = keep(true), part = keep_differential();
    struct catalog *other = NULL;
    assert_int_equal(catalog_open(NULL, &other), 0);
    restore.catalog = other;
    assert_int_equal(put_back(log, false), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(part, false), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(log, false), ENGINE_SUCCEEDED);
    catalog_close(other);
}

static void a_verification_has_databases_of_its_own(void **state)
{
    (void)state;
    int full = keep(false), first = keep(true), second = keep(true);
    restore.verification = true;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(put_back(full, true), ENGINE_SUCCEEDED);
        expect_refusal(second, 4305);
        assert_int_equal(put_back(first, true), ENGINE_SUCCEEDED);
        assert_int_equal(put_back(second, false), ENGINE_SUCCEEDED);
        assert_int_equal(put_back(second, false), ENGINE_SUCCEEDED); /* once more, by itself */
    }
    assert_int_equal(read_entry().state, CATALOG_ONLINE);
}

/* --- what a database allows --- */

static void models_have_their_backups(void **state)
{
    (void)state;
    set_model(CATALOG_SIMPLE);
    assert_int_equal(run_backup(true), ENGINE_FAILED);
    EXPECT(&backup, 4208, 3013);
    assert_int_equal(run_backup(false), ENGINE_SUCCEEDED);
    set_model(CATALOG_FULL);
    assert_int_equal(run_backup(true), ENGINE_FAILED);
    EXPECT(&backup, 4214, 3013);
    int full = keep(false), log = keep(true);
    assert_int_equal(put_back(full, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(log, false), ENGINE_SUCCEEDED);
}

static void a_database_that_was_never_backed_up_needs_it(void **state)
{
    (void)state;
    backup.plan.backed_up = PLAN_NO;
    assert_int_equal(run_backup(true), ENGINE_FAILED);
    EXPECT(&backup, 4214, 3013);
    backup.request.differential = true;
    assert_int_equal(run_backup(false), ENGINE_FAILED);
    EXPECT(&backup, 3035, 3013);
    backup.request.differential = false;
    backup.request.copy_only = true;
    assert_int_equal(run_backup(false), ENGINE_SUCCEEDED);
    assert_int_equal(run_backup(true), ENGINE_FAILED);
    backup.request.copy_only = false;
    assert_int_equal(run_backup(false), ENGINE_SUCCEEDED);
    assert_int_equal(run_backup(true), ENGINE_SUCCEEDED);
}

static void the_tail_of_the_log_is_the_last_of_it(void **state)
{
    (void)state;
    int full = keep(false);
    backup.request.no_recovery = true;
    int tail = keep(true);
    backup.request.no_recovery = false;
    assert_int_equal(run_backup(false), ENGINE_FAILED);
    EXPECT(&backup, 927, 3013);
    assert_int_equal(backup.messages[0].severity, 14);
    assert_int_equal(put_back(full, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(tail, false), ENGINE_SUCCEEDED);
    assert_int_equal(run_backup(false), ENGINE_SUCCEEDED);
}

static void a_restore_that_fails_leaves_the_database_restoring(void **state)
{
    (void)state;
    int full = keep(false), log = keep(true);
    kept[full].bytes[1][2000] ^= 1;
    assert_int_equal(put_back(full, false), ENGINE_FAILED);
    assert_int_equal(run_backup(false), ENGINE_FAILED);
    EXPECT(&backup, 927, 3013);
    expect_refusal(log, 3117);
    kept[full].bytes[1][2000] ^= 1;
    assert_int_equal(put_back(full, false), ENGINE_SUCCEEDED);
    assert_int_equal(run_backup(false), ENGINE_SUCCEEDED);
}

static void a_file_whose_tail_is_saved_may_be_overwritten(void **state)
{
    (void)state;
    use_file(&backup);
    use_file(&restore);
    write_file(1, RESTORE_SIZE);
    int full = keep(false);
    expect_refusal(full, 3159);
    backup.request.no_recovery = true;
    int tail = keep(true);
    assert_int_equal(put_back(full, true), ENGINE_SUCCEEDED);
    assert_int_equal(put_back(tail, false), ENGINE_SUCCEEDED);
    expect_refusal(full, 3159);
    set_model(CATALOG_SIMPLE);
    assert_int_equal(put_back(full, false), ENGINE_SUCCEEDED);
}

/* --- when the log is truncated (spec 10) --- */

static int32_t fails_at;

static void fail_at(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                    struct fake_answer *answer)
{
    (void)nth;
    if (device == 1 && command->commandCode == fails_at) {
        answer->code = ERROR_IO_DEVICE;
    }
}

static uint64_t log_start_after(int32_t code, uint32_t features, bool ends_well)
{
    backup.request.log = true;
    fake_reset(2, false);
    fake.config.features = features;
    fake.script = fail_at;
    fails_at = code;
    assert_int_equal(statement_run(&backup), ends_well ? ENGINE_SUCCEEDED : ENGINE_FAILED);
    return read_entry().log_start;
}

static void the_log_is_truncated_once_it_is_acknowledged(void **state)
{
    (void)state;
    assert_int_equal(run_backup(false), ENGINE_SUCCEEDED);
    uint64_t start = read_entry().log_start;
    assert_int_equal(log_start_after(VDC_Write, 0, false), start);
    assert_int_equal(log_start_after(VDC_Flush, 0, false), start);
    assert_int_equal(log_start_after(VDC_Flush, VDF_RequestComplete, false), start);
    assert_int_equal(log_start_after(VDC_Complete, VDF_RequestComplete, false), start);
    assert_true(log_start_after(0, VDF_RequestComplete, true) > start);
    start = read_entry().log_start;
    assert_true(log_start_after(0, 0, true) > start);
}

static void abort_at_close(uint32_t device, const struct VDS_Command *command)
{
    if (device == 0 && command == NULL) {
        fake.reason = SERVER_ABORT_CLIENT;
    }
}

/* Without VDC_Complete the client may still fail, and what it was sent is gone from the log all the same. */
static void an_abort_after_the_last_flush_comes_too_late(void **state)
{
    (void)state;
    assert_int_equal(run_backup(false), ENGINE_SUCCEEDED);
    uint64_t start = read_entry().log_start;
    backup.request.log = true;
    fake_reset(2, false);
    fake.watch = abort_at_close;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    assert_true(read_entry().log_start > start);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_chain_is_restored_in_its_order),
        TEST(the_texts_are_those_of_sql_server),
        TEST(a_log_may_begin_before_the_full_backup),
        TEST(a_differential_needs_its_base),
        TEST(a_copy_changes_nothing),
        TEST(nothing_is_asked_of_who_is_not_known),
        TEST(a_verification_has_databases_of_its_own),
        TEST(models_have_their_backups),
        TEST(a_database_that_was_never_backed_up_needs_it),
        TEST(the_tail_of_the_log_is_the_last_of_it),
        TEST(a_restore_that_fails_leaves_the_database_restoring),
        TEST(a_file_whose_tail_is_saved_may_be_overwritten),
        TEST(the_log_is_truncated_once_it_is_acknowledged),
        TEST(an_abort_after_the_last_flush_comes_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
