/* BACKUP to a client that fails: what the statement says, and how the devices end (spec 2.2, 9, 13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_server.h"
#include "statement.h"

static struct statement backup;

static int setup(void **state)
{
    (void)state;
    unsetenv("VDIFAULT_TRACE");
    fake_reset(2, false);
    statement_init(&backup, ENGINE_BACKUP, 2);
    backup.plan.size = 1000000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_clear();
    return 0;
}

/* --- error completions --- */

static int32_t failing_command, failing_code;

static void fail_third(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                       struct fake_answer *answer)
{
    if (device == 1 && command->commandCode == failing_command &&
        (nth == 3 || command->commandCode != VDC_Write)) {
        answer->code = failing_code;
        answer->bytes = 0;
    }
}

static void run_failing(int32_t command, int32_t code)
{
    failing_command = command;
    failing_code = code;
    fake.script = fail_third;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    assert_int_equal(fake.reason, SERVER_ABORT_NONE);
    assert_int_equal(fake.closed_devices, 2); /* VD_E_CLOSE, not VD_E_ABORT (spec 9.4) */
}

static void a_full_disk_fails_the_backup(void **state)
{
    (void)state;
    run_failing(VDC_Write, ERROR_DISK_FULL);
    EXPECT(&backup, 18210, 3202, 3013);
    assert_string_equal(
        statement_text(&backup, 18210),
        "BackupIoRequest::ReportIoError: write failure on backup device 'set-1'. Operating system "
        "error 112(There is not enough space on the disk.).");
    assert_string_equal(statement_text(&backup, 3202),
                        "Write on \"set-1\" failed: 112(There is not enough space on the disk.)");
    assert_string_equal(statement_text(&backup, 3013), "BACKUP DATABASE is terminating abnormally.");
    assert_int_equal(fake.devices[0].sent[VDC_Flush] + fake.devices[1].sent[VDC_Flush], 0);
}

static void a_short_write_is_no_success(void **state)
{
    (void)state;
    run_failing(VDC_Write, ERROR_SUCCESS);
    EXPECT(&backup, 18210, 3202, 3013);
    assert_non_null(strstr(statement_text(&backup, 3202), "1117("));
}

static void a_failed_flush_fails_the_backup(void **state)
{
    (void)state;
    run_failing(VDC_Flush, ERROR_IO_DEVICE);
    EXPECT(&backup, 18210, 3202, 3013);
    assert_string_equal(
        statement_text(&backup, 18210),
        "BackupVirtualDeviceFile::RequestDurableMedia: Flush failure on backup device 'set-1'. "
        "Operating system error 1117(The request could not be performed because of an I/O device "
        "error.).");
}

static void a_failed_complete_fails_the_backup(void **state)
{
    (void)state;
    fake.config.features = VDF_RequestComplete;
    run_failing(VDC_Complete, ERROR_DISK_FULL);
    EXPECT(&backup, 18210, 3202, 3013);
}

static void an_unknown_code_is_printed_as_a_number(void **state)
{
    (void)state;
    run_failing(VDC_Write, 4711);
    assert_string_equal(
        statement_text(&backup, 3202),
        "Write on \"set-1\" failed: 4711(failed to retrieve text for this error. Reason: 15105)");
}

/* --- after an error: ClearError or not (spec 2.2, 9.4) --- */

static void set_clear_error(enum plan_choice choice)
{
    backup.plan.clear_error = choice;
}

static void devices_in_error_are_cleared_and_closed(void **state)
{
    (void)state;
    set_clear_error(PLAN_YES);
    run_failing(VDC_Write, ERROR_DISK_FULL);
    EXPECT(&backup, 18210, 3202, 3013);
    assert_int_equal(fake.devices[0].sent[VDC_ClearError], 0);
    assert_int_equal(fake.devices[1].sent[VDC_ClearError], 1);
}

static void devices_in_error_may_be_closed_at_once(void **state)
{
    (void)state;
    set_clear_error(PLAN_NO);
    run_failing(VDC_Write, ERROR_DISK_FULL);
    assert_int_equal(fake.devices[1].sent[VDC_ClearError], 0);
}

static void without_a_word_the_seed_decides(void **state)
{
    (void)state;
    uint32_t cleared = 0;
    for (backup.plan.seed = 1; backup.plan.seed <= 16; backup.plan.seed++) {
        fake_reset(2, false);
        run_failing(VDC_Write, ERROR_DISK_FULL);
        cleared += fake.devices[1].sent[VDC_ClearError];
    }
    assert_in_range(cleared, 4, 12);
}

static void ends_are_no_errors(void **state)
{
    (void)state;
    set_clear_error(PLAN_YES);
    run_failing(VDC_Write, ERROR_END_OF_MEDIA); /* a failure on a device that is not removable, and yet */
    assert_int_equal(fake.devices[1].sent[VDC_ClearError], 0);
}

static void fail_and_hold(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                          struct fake_answer *answer)
{
    if (command->commandCode == VDC_Write && nth == 3) {
        answer->action = device == 0 ? FAKE_HOLD : FAKE_COMPLETE;
        answer->code = device == 1 ? ERROR_DISK_FULL : answer->code;
        answer->bytes = device == 1 ? 0 : answer->bytes;
    }
}

static void nothing_is_cleared_while_a_command_is_out(void **state)
{
    (void)state;
    set_clear_error(PLAN_YES);
    fake.script = fail_and_hold;
    statement_begin(&backup);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(engine_step(backup.engine), ENGINE_RUNNING);
    }
    assert_int_equal(fake.devices[0].outstanding, 1);
    assert_int_equal(fake.devices[1].outstanding, 0);
    assert_int_equal(fake.devices[1].sent[VDC_ClearError], 0);
    fake.release = true;
    assert_int_equal(statement_finish(&backup), ENGINE_FAILED);
    assert_int_equal(fake.devices[1].sent[VDC_ClearError], 1);
    assert_int_equal(fake.closed_devices, 2);
}

static void refuse_to_clear(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                            struct fake_answer *answer)
{
    (void)device;
    if (command->commandCode == VDC_ClearError || (command->commandCode == VDC_Write && nth == 2)) {
        answer->code = ERROR_DISK_FULL;
        answer->bytes = 0;
    }
}

static void who_refuses_to_clear_is_closed(void **state)
{
    (void)state;
    set_clear_error(PLAN_YES);
    fake.script = refuse_to_clear;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 18210, 3202, 18210, 18210, 3013);
    assert_string_equal(backup.messages[2].text,
                        "BackupVirtualDeviceFile::ClearError: clear error failure on backup device 'set'. "
                        "Operating system error 112(There is not enough space on the disk.).");
    assert_int_equal(fake.closed_devices, 2);
}

/* The client library completes what was not fetched itself; the statement tells the first error. */
static void fail_all_from_third(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                                struct fake_answer *answer)
{
    if (device == 1 && command->commandCode == VDC_Write && nth >= 3) {
        answer->code = nth == 3 ? ERROR_DISK_FULL : ERROR_IO_DEVICE;
        answer->bytes = 0;
    }
}

static void the_first_error_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        fake_reset(2, false);
        fake.backwards = i == 1;
        fake.script = fail_all_from_third;
        assert_int_equal(statement_run(&backup), ENGINE_FAILED);
        assert_non_null(strstr(statement_text(&backup, 3202), "failed: 112("));
    }
}

/* --- aborts --- */

static enum fake_action ending;
static int32_t ending_command;

static void end_at(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                   struct fake_answer *answer)
{
    if (device == 0 && command->commandCode == ending_command &&
        (nth == 2 || command->commandCode != VDC_Write)) {
        answer->action = ending;
    }
}

static void run_ending(enum fake_action action, int32_t command)
{
    ending = action;
    ending_command = command;
    fake.script = end_at;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 18210, 3013);
    assert_non_null(
        strstr(statement_text(&backup, 18210),
               "Operating system error 995(The I/O operation has been aborted because of either a "
               "thread exit or an application request.)."));
    assert_int_equal(fake.closed_devices, 0);
}

static void an_abort_of_the_client_is_995(void **state)
{
    (void)state;
    run_ending(FAKE_ABORT, VDC_Write);
    assert_non_null(strstr(statement_text(&backup, 18210),
                           "BackupMedium::ReportIoError: write failure on backup device 'set'."));
}

static void a_dead_client_is_995(void **state)
{
    (void)state;
    run_ending(FAKE_DIE, VDC_Write);
}

static void an_abort_at_flush_names_it(void **state)
{
    (void)state;
    run_ending(FAKE_ABORT, VDC_Flush);
    assert_non_null(strstr(statement_text(&backup, 18210), "RequestDurableMedia: Flush failure"));
}

static void a_client_that_dies_before_opening_ends_it(void **state)
{
    (void)state;
    fake.die_before_open = true;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 18210, 3013);
}

static void a_client_that_closes_before_opening_ends_it(void **state)
{
    (void)state;
    fake.close_before_open = true;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 18210, 3013);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_full_disk_fails_the_backup),
        TEST(a_short_write_is_no_success),
        TEST(a_failed_flush_fails_the_backup),
        TEST(a_failed_complete_fails_the_backup),
        TEST(an_unknown_code_is_printed_as_a_number),
        TEST(devices_in_error_are_cleared_and_closed),
        TEST(devices_in_error_may_be_closed_at_once),
        TEST(without_a_word_the_seed_decides),
        TEST(ends_are_no_errors),
        TEST(nothing_is_cleared_while_a_command_is_out),
        TEST(who_refuses_to_clear_is_closed),
        TEST(the_first_error_is_told),
        TEST(an_abort_of_the_client_is_995),
        TEST(a_dead_client_is_995),
        TEST(an_abort_at_flush_names_it),
        TEST(a_client_that_dies_before_opening_ends_it),
        TEST(a_client_that_closes_before_opening_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
