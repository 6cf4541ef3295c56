/* A server that follows a profile: sizes, Flushes, silences, commands at once, buffers, order, ends (follow.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_server.h"
#include "os.h"
#include "restore_fixture.h"

enum {
    NS_PER_MS = 1000000,
    LOG_MAX = 512
};

/* What was sent to each device, as a profile writes it: sizes of transfers, first letters of the others. */
static char sent[FAKE_DEVICES_MAX][LOG_MAX];
static uint32_t first_device;
static int64_t closed_at[FAKE_DEVICES_MAX], sent_at[FAKE_DEVICES_MAX];
static int64_t longest; /* between two commands of device 0 */

static void note(uint32_t device, const struct VDS_Command *command)
{
    size_t used = strlen(sent[device]);
    int64_t now = os_now();
    if (command == NULL) {
        closed_at[device] = now;
        return;
    }
    if (sent_at[device] != 0 && device == 0 && now - sent_at[device] > longest) {
        longest = now - sent_at[device];
    }
    sent_at[device] = now;
    first_device = first_device == UINT32_MAX ? device : first_device;
    if (command->commandCode == VDC_Write || command->commandCode == VDC_Read) {
        snprintf(sent[device] + used, LOG_MAX - used, "%d ", command->size);
    } else {
        snprintf(sent[device] + used, LOG_MAX - used, "%s ", command->commandCode == VDC_Flush ? "F" : "?");
    }
}

static void follow(struct statement *statement, const char *text)
{
    struct fault_error error;
    uint32_t line;
    memset(sent, 0, sizeof sent);
    memset(sent_at, 0, sizeof sent_at);
    memset(closed_at, 0, sizeof closed_at);
    longest = 0;
    first_device = UINT32_MAX;
    fake.watch = note;
    if (plan_parse(text, strlen(text), &statement->plan, &error, &line) != 0) {
        fail_msg("line %u: %s", line, error.message);
    }
}

/* With a profile of another kind of operation, or none, all is as it was: the fixture has made a backup. */
static void again(uint32_t devices, uint64_t size, const char *text)
{
    fake_reset(devices, false);
    statement_init(&backup, ENGINE_BACKUP, devices);
    backup.plan.size = size;
    follow(&backup, text);
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
}

static void restores(uint32_t devices, uint64_t size, const char *text)
{
    fake_reset(devices, true);
    statement_init(&restore, ENGINE_RESTORE, devices);
    restore.plan.size = size;
    follow(&restore, text);
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    EXPECT(&restore, 4035, 3014);
}

static void writes_have_the_recorded_sizes(void **state)
{
    (void)state;
    /* Each Write between the first and the last carries 512 bytes less than its size. */
    uint64_t size = 2 * (65536 - 512) + (4096 - 512) + (1024 - 512) + 3 * (32768 - 512);
    again(2, size,
          "server profile backup device 0 512 65536*2 4096 1024 512\n"
          "server profile backup device 1 8192 32768*3 2048\n");
    assert_string_equal(sent[0], "512 65536 65536 4096 1024 512 F ");
    assert_string_equal(sent[1], "8192 32768 32768 32768 2048 F ");
    restores(2, size, "");
}

static void more_data_than_was_recorded_goes_on_by_the_mix(void **state)
{
    (void)state;
    again(1, 200000, "server profile backup device 0 1024 16384*2 1536\nserver profile backup mix 32768:1\n");
    assert_string_equal(sent[0], "1024 16384 16384 32768 32768 32768 32768 32768 7680 1536 F ");
    restores(1, 200000, "");
}

static void less_data_than_was_recorded_ends_early(void **state)
{
    (void)state;
    again(1, 20000, "server profile backup device 0 1024 16384*200 1536");
    assert_string_equal(sent[0], "1024 16384 5120 1536 F ");
}

static void sizes_keep_to_the_statement(void **state)
{
    (void)state;
    again(1, 200000, "server profile backup device 0 1 1048576*2 5 700*3 4194304");
    assert_string_equal(sent[0], "512 65536 65536 1024 1024 1024 1024 65536 3584 65536 F ");
    restores(1, 200000, "");
}

static void a_recorded_statement_has_recorded_limits(void **state)
{
    (void)state;
    again(1, 500000,
          "server profile backup device 0 4096 262144 131072 4096\n"
          "server profile backup sizes 4096 1048576");
    assert_int_equal(fake.block_size, 4096);
    assert_int_equal(fake.max_transfer, 1048576);
    assert_non_null(strstr(sent[0], "4096 262144 131072 "));
}

static void flushes_and_silences_come_between(void **state)
{
    (void)state;
    again(1, 3 * (16384 - 512), "server profile backup device 0 512 16384 flush pause:30 16384*2 512");
    assert_string_equal(sent[0], "512 16384 F 16384 16384 512 F ");
    assert_true(longest >= 30 * NS_PER_MS);
    restores(1, 3 * (16384 - 512), "");
}

static void refuse_flush(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                         struct fake_answer *answer)
{
    (void)device;
    (void)nth;
    answer->code = command->commandCode == VDC_Flush ? ERROR_DISK_FULL : answer->code;
}

static void a_failed_flush_in_between_fails_the_statement(void **state)
{
    (void)state;
    fake_reset(1, false);
    statement_init(&backup, ENGINE_BACKUP, 1);
    fake.script = refuse_flush;
    follow(&backup, "server clear-error never\nserver profile backup device 0 512 flush pause:30 16384");
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    assert_string_equal(sent[0], "512 F ");
}

static void as_many_at_once_as_recorded(void **state)
{
    (void)state;
    again(2, 2000000, "server profile backup outstanding 1 7+\nserver profile backup buffers 20");
    assert_int_equal(fake.devices[0].outstanding_most, 1);
    assert_int_equal(fake.devices[1].outstanding_most, 10);
    assert_int_equal(fake.requested, 20);
    again(2, 2000000, "server profile backup outstanding 3\n");
    assert_int_equal(fake.devices[0].outstanding_most, 3);
    assert_int_equal(fake.devices[1].outstanding_most, 3);
}

static void the_recorded_first_device_is_first(void **state)
{
    (void)state;
    again(3, 1000000, "server profile backup order 2 0 1\n");
    assert_int_equal(first_device, 2);
    again(3, 1000000, "server profile restore order 2 0 1\n");
    assert_int_equal(first_device, 0);
}

static void devices_are_closed_when_they_were(void **state)
{
    (void)state;
    again(2, 100000, "server profile backup close 60 5\n");
    assert_true(closed_at[0] - closed_at[1] >= 20 * NS_PER_MS);
    assert_true(fake.devices[0].closed && fake.devices[1].closed);
}

static void reads_have_the_recorded_sizes(void **state)
{
    (void)state;
    again(1, 100000, "");
    restores(1, 100000, "server profile restore device 0 512 4096*2 pause:20 32768 65536");
    assert_int_equal(strncmp(sent[0], "512 4096 4096 32768 65536 ", 26), 0);
    assert_true(longest >= 20 * NS_PER_MS);
}

static void more_devices_than_recorded_go_through_them_again(void **state)
{
    (void)state;
    again(3, 4 * (16384 - 512) + 2 * (8192 - 512),
          "server profile backup device 0 512 16384*2 512\nserver profile backup device 1 512 8192*2 512");
    assert_string_equal(sent[2], sent[0]);
    assert_string_equal(sent[1], "512 8192 8192 512 F ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, restore_setup, restore_teardown)
    const struct CMUnitTest tests[] = {
        TEST(writes_have_the_recorded_sizes),
        TEST(more_data_than_was_recorded_goes_on_by_the_mix),
        TEST(less_data_than_was_recorded_ends_early),
        TEST(sizes_keep_to_the_statement),
        TEST(a_recorded_statement_has_recorded_limits),
        TEST(flushes_and_silences_come_between),
        TEST(a_failed_flush_in_between_fails_the_statement),
        TEST(as_many_at_once_as_recorded),
        TEST(the_recorded_first_device_is_first),
        TEST(devices_are_closed_when_they_were),
        TEST(reads_have_the_recorded_sizes),
        TEST(more_devices_than_recorded_go_through_them_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
