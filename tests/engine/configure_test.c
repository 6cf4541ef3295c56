/* From the statement to a configured set (spec 7), and the events the run gets to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_server.h"
#include "runstate.h"
#include "statement.h"

static struct statement backup;

static int setup(void **state)
{
    (void)state;
    fake_reset(2, false);
    statement_init(&backup, ENGINE_BACKUP, 2);
    backup.plan.size = 100000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_clear();
    return 0;
}

static void expect_refusal(int32_t number, const char *text)
{
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, number, 3013);
    if (text != NULL) {
        assert_string_equal(backup.messages[0].text, text);
    }
}

static void parameters_out_of_range_are_named(void **state)
{
    (void)state;
    backup.request.block_size = 1000;
    expect_refusal(3253, "The block size parameter must supply a value that is a power of 2.");
    backup.request.block_size = 256;
    expect_refusal(3250, "The value '256' is not within range for the BLOCKSIZE parameter.");
    backup.request.block_size = 131072;
    expect_refusal(3250, "The value '131072' is not within range for the BLOCKSIZE parameter.");
    backup.request.block_size = 0;
    backup.request.max_transfer_size = 65537;
    expect_refusal(3250, "The value '65537' is not within range for the MAXTRANSFERSIZE parameter.");
    backup.request.max_transfer_size = 8 << 20;
    expect_refusal(3250, "The value '8388608' is not within range for the MAXTRANSFERSIZE parameter.");
    backup.request.max_transfer_size = 0;
    backup.request.buffer_count = 1;
    expect_refusal(3273, NULL);
    assert_true(fake.exists && !fake.open &&
                fake.reason == SERVER_ABORT_NONE); /* the set was never touched */
}

static void an_unknown_database_is_named(void **state)
{
    (void)state;
    backup.plan.database_count = 1;
    strcpy(backup.plan.databases[0].name, "other");
    expect_refusal(911, "Database 'pubs' does not exist. Make sure that the name is entered correctly.");
    strcpy(backup.plan.databases[0].name, "pubs");
    strcpy(backup.plan.databases[0].path, "/nonexistent");
    expect_refusal(
        5120,
        "Unable to open the physical file \"/nonexistent\". Operating system error 2: \"The system "
        "cannot find the file specified.\".");
}

static void a_set_that_never_comes_is_a_failed_open(void **state)
{
    (void)state;
    fake.exists = false;
    backup.patience_ms = 30;
    expect_refusal(
        18210,
        "BackupVirtualDeviceSet::Initialize: Open failure on backup device 'set'. Operating system "
        "error 0x80070002(The system cannot find the file specified.).");
}

static void a_set_that_comes_late_is_found(void **state)
{
    (void)state;
    fake.exists = false;
    backup.patience_ms = 60000;
    statement_begin(&backup);
    assert_int_equal(engine_step(backup.engine), ENGINE_RUNNING);
    fake.exists = true;
    assert_int_equal(statement_finish(&backup), ENGINE_SUCCEEDED);
}

static void a_cancel_ends_the_wait_for_the_set(void **state)
{
    (void)state;
    fake.exists = false;
    backup.patience_ms = 60000;
    statement_begin(&backup);
    assert_int_equal(engine_step(backup.engine), ENGINE_RUNNING);
    engine_cancel(backup.engine);
    assert_int_equal(statement_finish(&backup), ENGINE_FAILED);
    EXPECT(&backup, 3204, 3013);
}

static void another_device_count_cannot_be_used(void **state)
{
    (void)state;
    fake.config.deviceCount = 3;
    expect_refusal(3261, "SQL Server cannot use the virtual device configuration.");
    assert_int_equal(fake.reason, SERVER_ABORT_SERVER); /* the client waits in GetConfiguration */
}

static void equal_device_names_cannot_be_used(void **state)
{
    (void)state;
    backup.devices[1] = "set";
    expect_refusal(3261, NULL);
}

static void what_the_client_asked_for_is_kept(void **state)
{
    (void)state;
    fake.config.features = VDF_LikeDisk;
    fake.config.alignment = 4096;
    backup.request.block_size = 1024;
    backup.request.max_transfer_size = 131072;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.features, VDF_LikeDisk | VDF_WriteMedia);
    assert_int_equal(fake.alignment, 4096);
    assert_int_equal(fake.block_size, 1024);
    assert_int_equal(fake.max_transfer, 131072);
    assert_int_equal(fake.requested, 9);
}

static void more_buffers_come_in_a_second_area(void **state)
{
    (void)state;
    static const struct {
        uint32_t count;
        enum plan_choice choice;
        uint32_t requested, late;
    } table[] = {
        {0, PLAN_UNSET, 9, 0},        {12, PLAN_UNSET, 12, 3}, {12, PLAN_NO, 9, 0}, {2, PLAN_YES, 2, 0},
        {1000000, PLAN_UNSET, 18, 9}, {0, PLAN_YES, 9, 5},     {3, PLAN_YES, 3, 1},
    };
    backup.plan.size = 3000000;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        fake_reset(2, false);
        backup.request.buffer_count = table[i].count;
        backup.plan.late_buffers = table[i].choice;
        assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
        assert_int_equal(fake.requested, table[i].requested);
        assert_int_equal(fake.late, table[i].late);
        assert_int_equal(fake.buffers_seen, (1ull << table[i].requested) - 1); /* each has its turn */
    }
}

static void without_room_for_a_second_area_the_first_does(void **state)
{
    (void)state;
    fake.memory_buffers = 9;
    backup.plan.late_buffers = PLAN_YES;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.late, 0);
    assert_int_equal(fake.devices[0].outstanding_most, 2);
}

static void short_memory_lowers_the_default_only(void **state)
{
    (void)state;
    fake.memory_buffers = 5;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.requested, 4);

    fake_reset(2, false);
    fake.memory_buffers = 5;
    backup.request.buffer_count = 6;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 18210, 3013);
    assert_int_equal(fake.reason, SERVER_ABORT_SERVER);

    fake_reset(2, false);
    fake.memory_buffers = 3;
    backup.request.buffer_count = 0;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
}

/* --- events --- */

static struct event events[64];
static uint32_t event_count;

static void take(void *context, const struct event *event, const char *text)
{
    (void)context, (void)text;
    assert_true(event_count < 64);
    events[event_count++] = *event;
}

/* The first event of the kind at or after *at; *at is moved behind it. */
static const struct event *next_event(uint32_t *at, enum event_kind kind)
{
    while (*at < event_count) {
        const struct event *event = &events[(*at)++];
        if (event->kind == kind) {
            assert_int_equal(event->side, EVENT_SIDE_SERVER);
            assert_int_equal(event->operation, 0);
            assert_int_equal(event->arg[0], 3);
            return event;
        }
    }
    fail_msg("no event of kind %d", kind);
    return NULL;
}

static void hold_second(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                        struct fake_answer *answer)
{
    if (device == 1 && command->commandCode == VDC_Write && nth == 2) {
        answer->action = FAKE_HOLD;
    }
}

/* Waits until the server has said that it waits, then lets it go on. */
static void run_with_a_wait(void)
{
    fake.script = hold_second;
    statement_begin(&backup);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(engine_step(backup.engine), ENGINE_RUNNING);
    }
    engine_wait(backup.engine, os_now() + 300 * 1000000ll);
    fake.release = true;
    assert_int_equal(statement_finish(&backup), ENGINE_SUCCEEDED);
}

static void the_run_sees_what_the_server_does(void **state)
{
    (void)state;
    char folder[] = "/tmp/vdifault-events-XXXXXX";
    struct run_state *run;
    struct collector *collector;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(run_state_create(folder), 0);
    assert_int_equal(run_state_map(folder, &run), 0);
    setenv("VDIFAULT_TRACE", folder, 1);
    assert_int_equal(run_claim_operation("set", 2), 0);
    run_with_a_wait();
    assert_int_equal(collector_open(folder, run, &collector), 0);
    event_count = 0;
    collector_drain(collector, take, NULL);
    collector_close(collector);

    uint32_t at = 0;
    const struct event *event = next_event(&at, EVENT_STATEMENT_OPEN);
    assert_int_equal(event->arg[1], 2);
    assert_int_equal(event->arg[2], ENGINE_BACKUP);
    event = next_event(&at, EVENT_SERVER_WAIT);
    assert_int_equal(event->device, 1);
    assert_int_equal(event->arg[1], 1);
    next_event(&at, EVENT_SERVER_RESUME);
    int64_t bytes = 0;
    for (int16_t i = 0; i < 2; i++) {
        event = next_event(&at, EVENT_STREAM);
        assert_int_equal(event->device, i);
        assert_int_equal(event->arg[1], fake.devices[i].stream.length);
        assert_int_equal(event->arg[3], ERROR_SUCCESS);
        assert_int_equal(event->arg[4], -1);
        bytes += event->arg[1];
    }
    event = next_event(&at, EVENT_STATEMENT_END);
    assert_int_equal(event->arg[1], STATEMENT_SUCCESS);
    assert_int_equal(event->arg[2], bytes);

    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        /* First: a process attaches to one run only. */
        TEST(the_run_sees_what_the_server_does),
        TEST(parameters_out_of_range_are_named),
        TEST(an_unknown_database_is_named),
        TEST(a_set_that_never_comes_is_a_failed_open),
        TEST(a_set_that_comes_late_is_found),
        TEST(a_cancel_ends_the_wait_for_the_set),
        TEST(another_device_count_cannot_be_used),
        TEST(equal_device_names_cannot_be_used),
        TEST(what_the_client_asked_for_is_kept),
        TEST(more_buffers_come_in_a_second_area),
        TEST(without_room_for_a_second_area_the_first_does),
        TEST(short_memory_lowers_the_default_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
