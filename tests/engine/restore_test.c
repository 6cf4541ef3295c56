/* RESTORE over a scripted client: what is asked for, where it goes, and how the client can fail it (spec 6,
 * 9). */
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

/* --- success --- */

static void what_was_sent_is_taken(void **state)
{
    (void)state;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    EXPECT(&restore, 4035, 3014);
    assert_non_null(
        strstr(statement_text(&restore, 3014), "RESTORE DATABASE successfully processed 123 pages in "));
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(fake.devices[i].stream.position, fake.devices[i].stream.length);
        assert_int_equal(fake.devices[i].sizes_seen, 3);
        assert_true(fake.devices[i].outstanding_most >= 2);
        assert_true(fake.devices[i].closed);
        assert_int_equal(fake.devices[i].sent[VDC_Flush], 0);
    }
    assert_int_equal(fake.features, VDF_ReadMedia);
}

static int32_t last_size[2];
static bool last_was_short[2];

static void note_last(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                      struct fake_answer *answer)
{
    (void)nth;
    last_size[device] = command->size;
    last_was_short[device] = answer->bytes < command->size;
}

static void the_last_read_is_a_full_transfer_past_the_end(void **state)
{
    (void)state;
    fake.script = note_last;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(last_size[i], 65536);
        assert_true(last_was_short[i]);
    }
}

static void files_come_back_byte_for_byte(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 8192, 65024, 123457};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        use_file(&backup);
        use_file(&restore);
        write_file(9, sizes[i]);
        back_up(2);
        unlink(path);
        assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
        check_file(9, sizes[i]);
    }
}

static void completions_in_any_order_are_consumed_in_order(void **state)
{
    (void)state;
    fake.backwards = true;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
}

static void devices_may_come_in_any_order(void **state)
{
    (void)state;
    struct fake_stream first = fake.devices[0].stream;
    fake.devices[0].stream = fake.devices[1].stream;
    fake.devices[1].stream = first;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
}

static void another_transfer_size_is_fine(void **state)
{
    (void)state;
    restore.request.max_transfer_size = 1 << 20;
    restore.request.buffer_count = 5;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
}

static void shorten(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                    struct fake_answer *answer)
{
    (void)device, (void)nth, (void)command;
    if (answer->bytes > 3) {
        answer->bytes -= 3; /* no multiple of anything */
        answer->code = ERROR_SUCCESS;
    }
}

static void short_reads_with_success_are_data(void **state)
{
    (void)state;
    fake.script = shorten;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
}

static void say_no_data(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                        struct fake_answer *answer)
{
    (void)device, (void)nth, (void)command;
    answer->code = answer->code == ERROR_HANDLE_EOF ? ERROR_NO_DATA_DETECTED : answer->code;
}

static void no_data_is_end_of_file(void **state)
{
    (void)state;
    fake.script = say_no_data;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
}

static void a_log_goes_where_the_database_is(void **state)
{
    (void)state;
    backup.request.log = restore.request.log = true;
    use_file(&restore);
    write_file(1, 100);
    back_up(2);
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    check_file(backup.plan.seed, RESTORE_SIZE);
}

static void verification_stores_nothing(void **state)
{
    (void)state;
    use_file(&restore);
    write_file(3, 100);
    restore.request.store = false;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    check_file(3, 100);
}

/* --- the target --- */

static void an_existing_database_needs_replace(void **state)
{
    (void)state;
    use_file(&restore);
    write_file(3, 100);
    expect_failure();
    EXPECT(&restore, 3159, 3013);
    assert_string_equal(
        statement_text(&restore, 3159),
        "The tail of the log for the database \"pubs\" has not been backed up. Use BACKUP LOG WITH "
        "NORECOVERY to backup the log if it contains work you do not want to lose. Use the WITH "
        "REPLACE or WITH STOPAT clause of the RESTORE statement to just overwrite the contents of "
        "the log.");
    check_file(3, 100);

    fake_reset(2, true);
    restore.request.replace = true;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    check_file(backup.plan.seed, RESTORE_SIZE);
}

static void another_database_is_not_overwritten(void **state)
{
    (void)state;
    backup.request.database = "northwind";
    back_up(2);
    use_file(&restore);
    write_file(3, 100);
    expect_failure();
    EXPECT(&restore, 3154, 3013);
    check_file(3, 100);
}

static void a_failed_restore_leaves_the_old_file(void **state)
{
    (void)state;
    use_file(&restore);
    write_file(3, 100);
    restore.request.replace = true;
    fake.devices[1].stream.bytes[fake.devices[1].stream.length - 600] ^= 1;
    expect_failure();
    check_file(3, 100);
}

static void a_target_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    use_file(&restore);
    strcpy(restore.plan.databases[0].path, "/nonexistent/db");
    expect_failure();
    EXPECT(&restore, 3634, 3013);
    assert_string_equal(
        statement_text(&restore, 3634),
        "The operating system returned the error '2(The system cannot find the file specified.)' "
        "while attempting 'CreateFile' on '/nonexistent/db'.");
}

/* --- the client fails --- */

static int32_t code_of_second;

static void fail_second(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                        struct fake_answer *answer)
{
    (void)command;
    if (device == 1 && nth == 2) {
        answer->code = code_of_second;
        answer->bytes = 0;
    }
}

static void a_failed_read_fails_the_restore(void **state)
{
    (void)state;
    code_of_second = ERROR_IO_DEVICE;
    fake.script = fail_second;
    expect_failure();
    EXPECT(&restore, 18210, 3203, 3013);
    assert_string_equal(
        statement_text(&restore, 18210),
        "BackupIoRequest::ReportIoError: read failure on backup device 'set-1'. Operating system "
        "error 1117(The request could not be performed because of an I/O device error.).");
    assert_int_equal(fake.closed_devices, 2);
}

static void a_device_that_failed_to_read_is_cleared(void **state)
{
    (void)state;
    code_of_second = ERROR_IO_DEVICE;
    for (int i = 0; i < 2; i++) {
        fake_reset(2, true);
        fake.script = fail_second;
        restore.plan.clear_error = i == 0 ? PLAN_YES : PLAN_NO;
        expect_failure();
        assert_int_equal(fake.devices[1].sent[VDC_ClearError], i == 0 ? 1 : 0);
        assert_int_equal(fake.closed_devices, 2);
    }
}

static void a_read_of_nothing_is_no_success(void **state)
{
    (void)state;
    code_of_second = ERROR_SUCCESS;
    fake.script = fail_second;
    expect_failure();
    EXPECT(&restore, 18210, 3203, 3013);
    assert_string_equal(statement_text(&restore, 3203),
                        "Read on \"set-1\" failed: 38(Reached the end of the file.)");
}

static void abort_second(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                         struct fake_answer *answer)
{
    (void)command;
    if (device == 0 && nth == 2) {
        answer->action = FAKE_ABORT;
    }
}

static void an_abort_of_the_client_is_995(void **state)
{
    (void)state;
    use_file(&restore);
    fake.script = abort_second;
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    EXPECT(&restore, 18210, 3013);
    assert_non_null(strstr(statement_text(&restore, 18210), "BackupMedium::ReportIoError: read failure"));
    assert_int_equal(access(path, F_OK), -1);
}

static uint32_t reads_sent;

/* Later than those of the headers and the first ones of the data. */
static void abort_while_sending(uint32_t device, const struct VDS_Command *command)
{
    (void)device;
    if (command != NULL && command->commandCode == VDC_Read && ++reads_sent == 12) {
        fake.reason = SERVER_ABORT_CLIENT;
    }
    assert_true(reads_sent < 1000);
}

/* A client that aborts while the server sends Reads, each of which is refused from then on. */
static void an_abort_while_reads_are_sent_ends_the_restore(void **state)
{
    (void)state;
    reads_sent = 0;
    fake.watch = abort_while_sending;
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    assert_true(reads_sent >= 12);
    EXPECT(&restore, 18210, 3013);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, restore_setup, restore_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_sent_is_taken),
        TEST(the_last_read_is_a_full_transfer_past_the_end),
        TEST(files_come_back_byte_for_byte),
        TEST(completions_in_any_order_are_consumed_in_order),
        TEST(devices_may_come_in_any_order),
        TEST(another_transfer_size_is_fine),
        TEST(short_reads_with_success_are_data),
        TEST(no_data_is_end_of_file),
        TEST(a_log_goes_where_the_database_is),
        TEST(verification_stores_nothing),
        TEST(an_existing_database_needs_replace),
        TEST(another_database_is_not_overwritten),
        TEST(a_failed_restore_leaves_the_old_file),
        TEST(a_target_that_cannot_be_made_is_told),
        TEST(a_failed_read_fails_the_restore),
        TEST(a_device_that_failed_to_read_is_cleared),
        TEST(a_read_of_nothing_is_no_success),
        TEST(an_abort_of_the_client_is_995),
        TEST(an_abort_while_reads_are_sent_ends_the_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
