/* BACKUP and RESTORE WITH SNAPSHOT (spec 11): the client copies the database file itself. */
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
#include "restore_fixture.h"
#include "stream.h"

enum {
    SIZE = 123457,
    SEED = 9,
    OTHER_SEED = 10
};

/* What the client has been sent, in order: code after code. */
static int32_t sent[32];
static uint32_t sent_count;
static uint64_t mounted_seed;
static size_t mounted_size;

static void client(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                   struct fake_answer *answer)
{
    (void)device, (void)nth, (void)answer;
    assert_true(sent_count < 32);
    sent[sent_count++] = command->commandCode;
    if (command->commandCode == VDC_MountSnapshot) {
        write_file(mounted_seed, mounted_size);
    }
}

static void prepare(uint32_t features, bool streams)
{
    fake_reset(1, streams);
    fake.config.features = features;
    fake.script = client;
    sent_count = 0;
}

static int setup(void **state)
{
    if (restore_setup(state) != 0) {
        return -1;
    }
    statement_init(&backup, ENGINE_BACKUP, 1);
    statement_init(&restore, ENGINE_RESTORE, 1);
    backup.request.snapshot = restore.request.snapshot = true;
    use_file(&backup);
    use_file(&restore);
    write_file(SEED, SIZE);
    mounted_seed = SEED;
    mounted_size = SIZE;
    prepare(VDF_SnapshotPrepare, false);
    return 0;
}

static void expect_sent(const int32_t *codes)
{
    uint32_t i = 0;
    for (; codes[i] != 0; i++) {
        assert_true(i < sent_count);
        assert_int_equal(sent[i], codes[i]);
    }
    assert_int_equal(i, sent_count);
}
#define EXPECT_SENT(...) expect_sent((const int32_t[]){__VA_ARGS__, 0})

static void take_snapshot(void)
{
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    unlink(path);
    prepare(0, true);
}

static void a_snapshot_is_metadata_and_a_moment(void **state)
{
    (void)state;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    EXPECT(&backup, 3197, 3198, 4035, 3014);
    EXPECT_SENT(VDC_Write, VDC_PrepareToFreeze, VDC_Write, VDC_Snapshot);
    assert_true(fake.devices[0].closed);
    assert_int_equal(fake.devices[0].stream.length, 1024);
}

static void who_did_not_ask_is_not_prepared(void **state)
{
    (void)state;
    prepare(VDF_RequestComplete, false);
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    EXPECT_SENT(VDC_Write, VDC_Write, VDC_Snapshot, VDC_Complete);
}

static void the_mounted_file_is_checked(void **state)
{
    (void)state;
    take_snapshot();
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    EXPECT(&restore, 4035, 3014);
    EXPECT_SENT(VDC_Read, VDC_Read, VDC_MountSnapshot);
    check_file(SEED, SIZE);
}

static void another_file_is_damage(void **state)
{
    (void)state;
    take_snapshot();
    mounted_seed = OTHER_SEED;
    expect_failure();
    EXPECT(&restore, 3189, 3013);
    assert_non_null(strstr(statement_text(&restore, 3189), "is not what was frozen: its content differs."));

    restore.request.replace = true;
    mounted_seed = SEED;
    mounted_size = SIZE - 1;
    prepare(0, true);
    expect_failure();
    assert_non_null(strstr(statement_text(&restore, 3189), "it has 123456 bytes instead of 123457."));
}

static void remove_file(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                        struct fake_answer *answer)
{
    (void)device, (void)nth, (void)answer;
    if (command->commandCode == VDC_MountSnapshot) {
        unlink(path);
    }
}

static void no_file_cannot_be_opened(void **state)
{
    (void)state;
    take_snapshot();
    fake.script = remove_file;
    expect_failure();
    EXPECT(&restore, 5120, 3013);
}

static int32_t refused;

static void refuse(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                   struct fake_answer *answer)
{
    (void)device, (void)nth;
    if (command->commandCode == refused) {
        answer->code = ERROR_OPERATION_ABORTED;
    }
}

/* VDI-SNAP-002; whatever was frozen goes on. */
static void a_refusal_fails_the_statement(void **state)
{
    (void)state;
    fake.script = refuse;
    refused = VDC_PrepareToFreeze;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 18210, 3202, 3013);
    assert_int_equal(fake.devices[0].sent[VDC_Snapshot], 0);

    prepare(0, false);
    fake.script = refuse;
    refused = VDC_Snapshot;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 3197, 18210, 3202, 3198, 3013);
    assert_non_null(strstr(statement_text(&backup, 18210),
                           "Snapshot failure on backup device 'set'. "
                           "Operating system error 995("));
    assert_int_equal(fake.reason, SERVER_ABORT_NONE);
    assert_int_equal(fake.closed_devices, 1);
}

static void a_mount_that_is_refused_fails_the_restore(void **state)
{
    (void)state;
    take_snapshot();
    fake.script = refuse;
    refused = VDC_MountSnapshot;
    expect_failure();
    EXPECT(&restore, 18210, 3203, 3013);
}

static void one_device_and_a_pipe(void **state)
{
    (void)state;
    statement_init(&backup, ENGINE_BACKUP, 2);
    backup.request.snapshot = true;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 3277, 3013);
    assert_string_equal(statement_text(&backup, 3277),
                        "WITH SNAPSHOT must be used with only one virtual device.");

    statement_init(&backup, ENGINE_BACKUP, 1);
    backup.request.snapshot = true;
    prepare(VDF_LikeDisk, false);
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 3261, 3013);
}

static void with_and_without_snapshot_do_not_mix(void **state)
{
    (void)state;
    take_snapshot();
    restore.request.snapshot = false;
    expect_failure();
    EXPECT(&restore, 3135, 3013);
    restore.request.store = false; /* verification */
    prepare(0, true);
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);

    write_file(SEED, SIZE);
    backup.request.snapshot = false;
    prepare(0, false);
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    restore.request.snapshot = restore.request.store = true;
    prepare(0, true);
    expect_failure();
    EXPECT(&restore, 3276, 3013);
}

static void verifyonly_mounts_nothing(void **state)
{
    (void)state;
    take_snapshot();
    restore.request.store = false;
    restore.request.verify_only = true;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    EXPECT_SENT(VDC_Read, VDC_Read);
}

/* A run's --verify restores as ever: the client could not tell its copy from none, had it nothing to mount. */
static void a_restore_that_verifies_mounts(void **state)
{
    (void)state;
    take_snapshot();
    restore.request.store = false;
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    EXPECT_SENT(VDC_Read, VDC_Read, VDC_MountSnapshot);
    check_file(SEED, SIZE);
}

static void a_generated_database_cannot_be_checked(void **state)
{
    (void)state;
    backup.plan.database_count = restore.plan.database_count = 0;
    take_snapshot();
    assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    EXPECT_SENT(VDC_Read, VDC_Read, VDC_MountSnapshot);
}

static void abort_it(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                     struct fake_answer *answer)
{
    (void)device, (void)nth;
    if (command->commandCode == VDC_Snapshot) {
        answer->action = FAKE_ABORT;
    }
}

static void an_abort_resumes(void **state)
{
    (void)state;
    fake.script = abort_it;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 3197, 18210, 3198, 3013);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, restore_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_snapshot_is_metadata_and_a_moment),
        TEST(who_did_not_ask_is_not_prepared),
        TEST(the_mounted_file_is_checked),
        TEST(another_file_is_damage),
        TEST(no_file_cannot_be_opened),
        TEST(a_refusal_fails_the_statement),
        TEST(a_mount_that_is_refused_fails_the_restore),
        TEST(one_device_and_a_pipe),
        TEST(with_and_without_snapshot_do_not_mix),
        TEST(verifyonly_mounts_nothing),
        TEST(a_restore_that_verifies_mounts),
        TEST(a_generated_database_cannot_be_checked),
        TEST(an_abort_resumes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
