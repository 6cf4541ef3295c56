/* RESTORE HEADERONLY and the like, and BACKUP ... WITH DIFFERENTIAL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "database.h"
#include "fake_server.h"
#include "restore_fixture.h"

/* --- headers --- */

static void a_header_is_all_that_is_read(void **state)
{
    (void)state;
    restore.request.headers = true;
    restore.request.store = false;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    assert_int_equal(restore.count, 0);
    assert_int_equal(restore.set_count, 1);
    assert_string_equal(restore.set.database, "pubs");
    assert_string_equal(restore.set.kind, "Database");
    assert_int_equal(restore.set.type, 1);
    assert_int_equal(restore.set.position, 1);
    assert_int_equal(restore.set.device, 0);
    assert_int_equal(restore.set.device_count, 2);
    assert_int_equal(restore.set.database_size, RESTORE_SIZE);
    assert_int_equal(restore.set.block_size, 512);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(fake.devices[i].sent[VDC_Read], 1);
        assert_int_equal(fake.devices[i].stream.position, 512);
        assert_true(fake.devices[i].closed);
    }
}

/* One family of two will do. */
static void one_member_can_be_asked(void **state)
{
    (void)state;
    fake_reset(1, true);
    statement_init(&restore, ENGINE_RESTORE, 1);
    restore.request.headers = true;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    assert_int_equal(restore.set.device_count, 2);
}

static void a_set_further_on_is_found(void **state)
{
    (void)state;
    fake_reset(2, false);
    fake.config.features = VDF_LikeTape;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    fake_reset(2, true);
    fake.config.features = VDF_LikeTape;
    backup.request.differential = true;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    fake_reset(2, true);
    fake.config.features = VDF_LikeTape;
    restore.request.headers = true;
    restore.request.file = 2;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    assert_string_equal(restore.set.kind, "Database Differential");
    assert_int_equal(restore.set.position, 2);
    assert_true(restore.set.content_bytes < restore.set.database_size);
}

static void no_header_is_told(void **state)
{
    (void)state;
    memset(fake.devices[0].stream.bytes, 0, 512);
    restore.request.headers = true;
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    EXPECT(&restore, 3241, 3013);
    assert_int_equal(restore.set_count, 0);
}

/* --- differential --- */

static void take_differential(void)
{
    use_file(&backup);
    use_file(&restore);
    write_file(1, RESTORE_SIZE);
    backup.request.differential = true;
    back_up(2);
}

static void a_differential_is_smaller(void **state)
{
    (void)state;
    size_t full = fake.devices[0].stream.length + fake.devices[1].stream.length;
    take_differential();
    size_t part = fake.devices[0].stream.length + fake.devices[1].stream.length;
    assert_true(part > 2048 && part < full / 2);
}

/* What it holds goes onto what is there; the rest stays. */
static void a_differential_is_restored_onto_the_full_one(void **state)
{
    (void)state;
    static uint8_t old[RESTORE_SIZE], now[RESTORE_SIZE];
    take_differential();
    write_file(2, RESTORE_SIZE);
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    EXPECT(&restore, 4035, 3014);
    FILE *file = fopen(path, "r");
    assert_int_equal(fread(now, 1, RESTORE_SIZE, file), RESTORE_SIZE);
    fclose(file);
    database_generate(2, 0, old, RESTORE_SIZE);
    size_t changed = 0;
    for (size_t at = 0; at < RESTORE_SIZE; at += 65536) {
        size_t length = RESTORE_SIZE - at < 65536 ? RESTORE_SIZE - at : 65536;
        bool same = memcmp(now + at, old + at, length) == 0;
        assert_true(same || database_compare(1, at, now + at, length) == length);
        changed += !same;
    }
    assert_in_range(changed, 1, 12); /* of 16 */
}

static void a_differential_needs_what_it_changes(void **state)
{
    (void)state;
    take_differential();
    unlink(path);
    expect_failure();
    EXPECT(&restore, 3118, 3013);
    write_file(1, RESTORE_SIZE - 1);
    fake_reset(2, true);
    expect_failure();
    EXPECT(&restore, 3136, 3013);
    check_file(1, RESTORE_SIZE - 1);
}

static void a_generated_differential_is_checked(void **state)
{
    (void)state;
    backup.request.differential = true;
    back_up(2);
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    fake_reset(2, true);
    fake.devices[0].stream.bytes[1500] ^= 1;
    expect_failure();
    EXPECT(&restore, 3183, 3189, 3013);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, restore_setup, restore_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_header_is_all_that_is_read),
        TEST(one_member_can_be_asked),
        TEST(a_set_further_on_is_found),
        TEST(no_header_is_told),
        TEST(a_differential_is_smaller),
        TEST(a_differential_is_restored_onto_the_full_one),
        TEST(a_differential_needs_what_it_changes),
        TEST(a_generated_differential_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
