/* BACKUP over a scripted client: what is sent, and every way it can end (spec 9, 10, 13). */
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
#include "runstate.h"
#include "statement.h"
#include "stream.h"

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

static void use_devices(uint32_t count)
{
    struct plan plan = backup.plan;
    fake_reset(count, false);
    statement_init(&backup, ENGINE_BACKUP, count);
    backup.plan = plan;
}

/* Reads the client's streams back: the whole database, each byte once. */
static int gather(void *context, uint64_t offset, const uint8_t *data, size_t length)
{
    (void)context;
    assert_int_equal(database_compare(backup.plan.seed, offset, data, length), length);
    return 0;
}

static void check_streams(uint32_t devices)
{
    uint64_t payload = 0;
    for (uint32_t i = 0; i < devices; i++) {
        static struct stream_reader reader;
        struct fake_stream *stream = &fake.devices[i].stream;
        stream_reader_init(&reader);
        assert_int_equal(stream_reader_take(&reader, stream->bytes, stream->length, gather, NULL), STREAM_OK);
        assert_true(stream_reader_is_done(&reader));
        assert_int_equal(reader.header.device, i);
        assert_int_equal(reader.header.device_count, devices);
        assert_int_equal(reader.header.stream_bytes, stream->length);
        payload += reader.payload;
    }
    assert_int_equal(payload, backup.plan.size);
}

/* --- success --- */

static void every_size_and_stripe_count_arrives(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 512, 65023, 65024, 1000000, 3000001};
    static const uint32_t counts[] = {1, 2, 8, 64};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            use_devices(counts[j]);
            backup.plan.size = sizes[i];
            assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
            EXPECT(&backup, 4035, 3014);
            check_streams(counts[j]);
            assert_int_equal(fake.closed_devices, counts[j]);
        }
    }
}

static void a_server_sends_as_a_real_one_does(void **state)
{
    (void)state;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(fake.devices[i].outstanding_most, 4);
        assert_int_equal(fake.devices[i].sent[VDC_Flush], 1);
        assert_int_equal(fake.devices[i].sent[VDC_Complete], 0);
        assert_int_equal(fake.devices[i].sizes_seen, 3);
    }
    assert_true(__builtin_popcountll(fake.buffers_seen) >= 4);
    assert_true(fake.devices[0].stream.length != fake.devices[1].stream.length);
    assert_int_equal(fake.features, VDF_WriteMedia);
    assert_int_equal(fake.block_size, 512);
    assert_int_equal(fake.max_transfer, 65536);
}

static void success_is_said_as_sql_server_says_it(void **state)
{
    (void)state;
    int pages, seconds, thousandths, speed, speed_thousandths, end = 0;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_string_equal(statement_text(&backup, 4035),
                        "Processed 123 pages for database 'pubs', file 'pubs' on file 1.");
    const char *text = statement_text(&backup, 3014);
    assert_int_equal(
        sscanf(text, "BACKUP DATABASE successfully processed %d pages in %d.%3d seconds (%d.%3d MB/sec).%n",
               &pages, &seconds, &thousandths, &speed, &speed_thousandths, &end),
        5);
    assert_int_equal(pages, 123);
    assert_int_equal((size_t)end, strlen(text));
}

static void a_log_backup_says_so(void **state)
{
    (void)state;
    backup.request.log = true;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_non_null(strstr(statement_text(&backup, 3014), "BACKUP LOG successfully processed 123 pages in "));
    assert_string_equal(statement_text(&backup, 4035),
                        "Processed 123 pages for database 'pubs', file 'pubs_log' on file 1.");
}

static void stats_are_counted_to_a_hundred(void **state)
{
    (void)state;
    backup.request.stats = 25;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    EXPECT(&backup, 3211, 3211, 3211, 3211, 4035, 3014);
    assert_string_equal(backup.messages[0].text, "25 percent processed.");
    assert_string_equal(backup.messages[3].text, "100 percent processed.");
}

/* The bytes of each device do not depend on timing, order of completion or number of buffers. */
static void bytes_do_not_depend_on_timing(void **state)
{
    (void)state;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    struct fake_stream first[2] = {fake.devices[0].stream, fake.devices[1].stream};
    fake.devices[0].stream = fake.devices[1].stream = (struct fake_stream){0};
    fake_reset(2, false);
    fake.backwards = true;
    backup.request.buffer_count = 2;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.devices[0].outstanding_most, 1);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(fake.devices[i].stream.length, first[i].length);
        assert_memory_equal(fake.devices[i].stream.bytes, first[i].bytes, first[i].length);
        free(first[i].bytes);
    }
}

static void a_file_is_backed_up_byte_for_byte(void **state)
{
    (void)state;
    char path[] = "/tmp/vdifault-backup-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static uint8_t data[100001];
    database_generate(backup.plan.seed, 0, data, sizeof data);
    assert_int_equal(write(fd, data, sizeof data), sizeof data);
    close(fd);
    backup.plan.size = sizeof data; /* for the check */
    backup.plan.database_count = 1;
    strcpy(backup.plan.databases[0].name, "PUBS");
    strcpy(backup.plan.databases[0].path, path);
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    check_streams(2);
    unlink(path);
}

static void complete_follows_the_last_flush(void **state)
{
    (void)state;
    fake.config.features = VDF_RequestComplete;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.features, VDF_RequestComplete | VDF_WriteMedia | VDF_CompleteEnabled);
    assert_int_equal(fake.devices[0].sent[VDC_Complete], 1);
    assert_int_equal(fake.devices[1].sent[VDC_Complete], 1);
}

static void an_older_server_sends_no_complete(void **state)
{
    (void)state;
    fake.config.features = VDF_RequestComplete;
    backup.plan.complete = PLAN_NO;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.features, VDF_RequestComplete | VDF_WriteMedia);
    assert_int_equal(fake.devices[0].sent[VDC_Complete], 0);
}

/* --- the server fails --- */

static void hold_second(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                        struct fake_answer *answer)
{
    if (device == 0 && command->commandCode == VDC_Write && nth == 2) {
        answer->action = FAKE_HOLD;
    }
}

static void a_cancelled_statement_is_aborted(void **state)
{
    (void)state;
    fake.script = hold_second;
    statement_begin(&backup);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(engine_step(backup.engine), ENGINE_RUNNING);
    }
    engine_cancel(backup.engine);
    assert_int_equal(statement_finish(&backup), ENGINE_FAILED);
    EXPECT(&backup, 3204, 3013);
    assert_string_equal(statement_text(&backup, 3204), "The backup or restore was aborted.");
}

static void freeing_a_running_statement_aborts_the_set(void **state)
{
    (void)state;
    fake.script = hold_second;
    statement_begin(&backup);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(engine_step(backup.engine), ENGINE_RUNNING);
    }
    engine_free(backup.engine);
    assert_int_equal(fake.reason, SERVER_ABORT_SERVER);
    assert_false(fake.open);
}

static void one_held_command_stops_only_its_own_place(void **state)
{
    (void)state;
    fake.script = hold_second;
    statement_begin(&backup);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(engine_step(backup.engine), ENGINE_RUNNING);
    }
    /* All Writes but the held one are through; nobody is flushed who still owes a completion. */
    assert_int_equal(fake.devices[0].outstanding, 1);
    assert_int_equal(fake.devices[0].sent[VDC_Flush], 0);
    assert_int_equal(fake.devices[1].sent[VDC_Flush], 1);
    assert_int_equal(fake.closed_devices, 0);
    fake.release = true;
    assert_int_equal(statement_finish(&backup), ENGINE_SUCCEEDED);
    check_streams(2);
}

static void a_quiet_client_times_out_if_it_asked_for_that(void **state)
{
    (void)state;
    fake.script = hold_second;
    fake.config.serverTimeOut = 20;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 3229, 3013);
    assert_string_equal(statement_text(&backup, 3229), "Request for device 'set' timed out.");
    assert_int_equal(fake.reason, SERVER_ABORT_TIMEOUT);
}

/* --- unknown-command --- */

static void plan_fault(const char *text)
{
    struct fault_error error;
    if (plan_parse_line(text, &backup.plan, &error) != 0) {
        fail_msg("%s", error.message);
    }
}

static void an_unknown_command_is_sent_once_and_tolerated(void **state)
{
    (void)state;
    assert_int_equal(run_claim_operation("set", 2), 0);
    plan_fault("fault unknown-command(code=77)@Write#3:1");
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.devices[0].sent[77], 0);
    assert_int_equal(fake.devices[1].sent[77], 1);
    check_streams(2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_size_and_stripe_count_arrives),
        TEST(a_server_sends_as_a_real_one_does),
        TEST(success_is_said_as_sql_server_says_it),
        TEST(a_log_backup_says_so),
        TEST(stats_are_counted_to_a_hundred),
        TEST(bytes_do_not_depend_on_timing),
        TEST(a_file_is_backed_up_byte_for_byte),
        TEST(complete_follows_the_last_flush),
        TEST(an_older_server_sends_no_complete),
        TEST(a_cancelled_statement_is_aborted),
        TEST(freeing_a_running_statement_aborts_the_set),
        TEST(one_held_command_stops_only_its_own_place),
        TEST(a_quiet_client_times_out_if_it_asked_for_that),
        TEST(an_unknown_command_is_sent_once_and_tolerated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
