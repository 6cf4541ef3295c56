/* What comes back is taken only if it is what was sent; otherwise the place is told (VDI-DATA-001, spec 13).
 */
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
#include "stream.h"

/* --- damage --- */

/* Offset of the n-th extent's header in a stream. */
static size_t find_extent(const struct fake_stream *stream, uint32_t n)
{
    for (size_t at = 0; at + STREAM_BLOCK <= stream->length; at += STREAM_BLOCK) {
        if (memcmp(stream->bytes + at, "VDIFEXT1", 8) == 0 && n-- == 0) {
            return at;
        }
    }
    fail_msg("no such extent");
    return 0;
}

static void changed_data_of_a_generated_database_is_told_to_the_byte(void **state)
{
    (void)state;
    struct fake_stream *stream = &fake.devices[1].stream;
    size_t at = find_extent(stream, 2);
    uint64_t database_offset;
    memcpy(&database_offset, stream->bytes + at + 24, 8);
    stream->bytes[at + STREAM_BLOCK + 4321] ^= 0x40;
    expect_failure();
    EXPECT(&restore, 3183, 3189, 3013);
    char expected[256];
    snprintf(expected, sizeof expected,
             "RESTORE detected an error on page (1:%llu) in database \"pubs\" as read from the backup set.",
             (unsigned long long)(database_offset + 4321) / 8192);
    assert_string_equal(statement_text(&restore, 3183), expected);
    snprintf(expected, sizeof expected,
             "Damage to the backup set was detected. Device 'set-1', stream offset %zu, length 1, extent 2, "
             "database "
             "offset %llu: the data differs from what was backed up.",
             at + STREAM_BLOCK + 4321, (unsigned long long)database_offset + 4321);
    assert_string_equal(statement_text(&restore, 3189), expected);
}

static void changed_data_of_a_file_is_told_to_the_part(void **state)
{
    (void)state;
    use_file(&backup);
    write_file(9, 200000);
    back_up(2);
    unlink(path);
    struct fake_stream *stream = &fake.devices[0].stream;
    size_t at = find_extent(stream, 0) + STREAM_BLOCK + 10;
    stream->bytes[at] ^= 0x40;
    expect_failure();
    EXPECT(&restore, 3183, 3189, 3013);
    unsigned long long offset, length;
    assert_int_equal(
        sscanf(statement_text(&restore, 3189),
               "Damage to the backup set was detected. Device 'set', stream offset %llu, length %llu,",
               &offset, &length),
        2);
    assert_true(offset <= at && at < offset + length && length <= 1536);
}

static void other_damage_is_told_with_its_place(void **state)
{
    (void)state;
    struct fake_stream *stream = &fake.devices[0].stream;
    stream->bytes[find_extent(stream, 1) + 30] ^= 1;
    expect_failure();
    EXPECT(&restore, 3189, 3013);
    assert_non_null(strstr(statement_text(&restore, 3189), "extent 1, "));
    assert_non_null(strstr(statement_text(&restore, 3189), ": damaged extent header."));
}

static void a_stream_that_is_none_is_refused(void **state)
{
    (void)state;
    memset(fake.devices[1].stream.bytes, 'x', 512);
    expect_failure();
    EXPECT(&restore, 3241, 3013);
    assert_string_equal(
        statement_text(&restore, 3241),
        "The media family on device 'set-1' is incorrectly formed. SQL Server cannot process this "
        "media family.");
}

static void an_empty_stream_has_no_beginning(void **state)
{
    (void)state;
    fake.devices[0].stream.length = 0;
    expect_failure();
    EXPECT(&restore, 3208, 3013);
}

static void a_cut_stream_is_incomplete(void **state)
{
    (void)state;
    size_t length = fake.devices[0].stream.length;
    fake.devices[0].stream.length -= 512;
    expect_failure();
    EXPECT(&restore, 3256, 3189, 3013);
    char expected[128];
    snprintf(expected, sizeof expected, "the stream ends after %zu of %zu bytes.", length - 512, length);
    assert_non_null(strstr(statement_text(&restore, 3189), expected));
}

static void lengthen(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                     struct fake_answer *answer)
{
    (void)nth;
    if (device == 0 && answer->code == ERROR_HANDLE_EOF && answer->bytes < command->size) {
        answer->bytes++;
    }
}

static void bytes_after_the_end_are_damage(void **state)
{
    (void)state;
    fake.script = lengthen;
    expect_failure();
    EXPECT(&restore, 3189, 3013);
    assert_non_null(strstr(statement_text(&restore, 3189), "bytes follow the end of the backup"));
}

/* --- the media set --- */

static void all_members_must_be_there(void **state)
{
    (void)state;
    fake_reset(1, true);
    statement_init(&restore, ENGINE_RESTORE, 1);
    expect_failure();
    EXPECT(&restore, 3132, 3013);
    assert_string_equal(
        statement_text(&restore, 3132),
        "The media set has 2 media families but only 1 are provided. All members must be provided.");
}

static void more_devices_than_members_are_refused(void **state)
{
    (void)state;
    fake_reset(3, true);
    fake.devices[2].stream.bytes = malloc(fake.devices[0].stream.length);
    fake.devices[2].stream.length = fake.devices[0].stream.length;
    memcpy(fake.devices[2].stream.bytes, fake.devices[0].stream.bytes, fake.devices[0].stream.length);
    statement_init(&restore, ENGINE_RESTORE, 3);
    expect_failure();
    EXPECT(&restore, 3231, 3013);
}

static void copy_stream(struct fake_stream *to, const struct fake_stream *from)
{
    free(to->bytes);
    *to = *from;
    to->bytes = malloc(from->length);
    memcpy(to->bytes, from->bytes, from->length);
}

static void the_same_member_twice_is_refused(void **state)
{
    (void)state;
    copy_stream(&fake.devices[1].stream, &fake.devices[0].stream);
    expect_failure();
    EXPECT(&restore, 3227, 3013);
    assert_non_null(
        strstr(statement_text(&restore, 3227),
               "The backup media on \"set-1\" is part of media family 1 which has already been processed "
               "on \"set\"."));
}

static void a_member_of_another_set_is_refused(void **state)
{
    (void)state;
    struct fake_stream kept = {0};
    copy_stream(&kept, &fake.devices[1].stream);
    backup.plan.seed = 99;
    back_up(2);
    free(fake.devices[1].stream.bytes);
    fake.devices[1].stream = kept;
    expect_failure();
    EXPECT(&restore, 3258, 3013);
}

/* The client kept a stripe of yesterday's backup of the same file: each stream is sound by itself. */
static void a_stale_stripe_is_found(void **state)
{
    (void)state;
    use_file(&backup);
    write_file(1, 300000);
    back_up(2);
    struct fake_stream kept = {0};
    copy_stream(&kept, &fake.devices[1].stream);
    write_file(2, 300000);
    back_up(2);
    free(fake.devices[1].stream.bytes);
    fake.devices[1].stream = kept;
    unlink(path);
    expect_failure();
    EXPECT(&restore, 3232, 3013);
}

static void another_block_size_is_refused(void **state)
{
    (void)state;
    restore.request.block_size = 4096;
    expect_failure();
    EXPECT(&restore, 3272, 3013);
    assert_non_null(strstr(statement_text(&restore, 3272), "size of 512, but"));
    assert_non_null(strstr(statement_text(&restore, 3272), "value of 4096."));
}

static void a_log_is_no_database(void **state)
{
    (void)state;
    restore.request.log = true;
    expect_failure();
    EXPECT(&restore, 3135, 3013);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, restore_setup, restore_teardown)
    const struct CMUnitTest tests[] = {
        TEST(changed_data_of_a_generated_database_is_told_to_the_byte),
        TEST(changed_data_of_a_file_is_told_to_the_part),
        TEST(other_damage_is_told_with_its_place),
        TEST(a_stream_that_is_none_is_refused),
        TEST(an_empty_stream_has_no_beginning),
        TEST(a_cut_stream_is_incomplete),
        TEST(bytes_after_the_end_are_damage),
        TEST(all_members_must_be_there),
        TEST(more_devices_than_members_are_refused),
        TEST(the_same_member_twice_is_refused),
        TEST(a_member_of_another_set_is_refused),
        TEST(a_stale_stripe_is_found),
        TEST(another_block_size_is_refused),
        TEST(a_log_is_no_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
