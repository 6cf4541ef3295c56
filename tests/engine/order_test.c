/* What the server may send to which device, and after what: a table, over all device models and many seeds (spec 6.1,
 * 6.3, 9, 11; engine/media.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_fixture.h"
#include "stripes.h"

enum {
    SIZE = 150001,
    SEEDS = 12,
    START = 0, /* no VDC_* */
    CLOSE = 31,
};

#define BIT(name)       (1u << VDC_##name)
#define BIT_CLOSE       (1u << CLOSE)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct mode {
    struct model model;
    uint32_t devices;
    bool snapshot;
};

#define SNAPSHOT_PIPE(features)                  \
    {                                            \
        {"snapshot", features, 0, 0, 0}, 1, true \
    }

static const struct mode modes[] = {
    {{"pipe", 0, 0, 0, 0}, 3, false},
    {{"pipe that completes", VDF_RequestComplete, 0, 0, 0}, 3, false},
    {{"removable pipe", VDF_Removable, 0, 150 * 512, 512}, 2, false},
    {{"disk", VDF_LikeDisk | VDF_RequestComplete, 0, 0, 0}, 2, false},
    {{"removable disk", VDF_LikeDisk | VDF_Removable, 0, 150 * 512, 0}, 2, false},
    {{"tape", VDF_LikeTape, 0, 0, 0}, 2, false},
    {{"small tapes", VDF_LikeTape | VDF_RequestComplete, 0, 90 * 512, 512}, 2, false},
    {{"tape with soft marks", VDF_LikeTape, 1024, 90 * 512, 0}, 2, false},
    SNAPSHOT_PIPE(0),
    SNAPSHOT_PIPE(VDF_SnapshotPrepare),
    SNAPSHOT_PIPE(VDF_SnapshotPrepare | VDF_RequestComplete),
};

/* A command needs all of these features (spec 6.1), a statement of this kind, and may be followed by those. */
static const struct {
    uint32_t features;
    uint32_t next_of_backup, next_of_restore; /* 0: not sent by such a statement */
} table[] = {
    [START] = {0, BIT(Write) | BIT(Rewind), BIT(Read) | BIT(Rewind)},
    [VDC_Rewind] = {VDF_Rewind, BIT(SkipMarks) | BIT(Write), BIT(SkipMarks) | BIT(Read)},
    [VDC_SkipMarks] = {VDF_FileMarks, BIT(SkipMarks) | BIT(Write), BIT(Read) | BIT(GetPosition)},
    [VDC_SkipBlocks] = {VDF_SkipBlocks, 0, BIT(SkipBlocks) | BIT(Read) | BIT(SetPosition)},
    [VDC_WriteMark] = {VDF_FileMarks, BIT(Write) | BIT(Load) | BIT(Flush), 0},
    [VDC_GetPosition] = {0, BIT(Write) | BIT(SetPosition) | BIT(Load), BIT(SkipBlocks) | BIT(Read)},
    [VDC_SetPosition] = {0, BIT(Write) | BIT(GetPosition) | BIT(Complete) | BIT_CLOSE,
                         BIT(Read) | BIT(GetPosition)},
    [VDC_Load] = {VDF_Removable, BIT(Write) | BIT(WriteMark) | BIT(GetPosition), BIT(Read)},
    [VDC_Write] = {0,
                   BIT(Write) | BIT(WriteMark) | BIT(GetPosition) | BIT(SetPosition) | BIT(Load) |
                       BIT(Flush) | BIT(PrepareToFreeze) | BIT(Snapshot),
                   0},
    [VDC_Read] = {0, 0,
                  BIT(Read) | BIT(SkipMarks) | BIT(GetPosition) | BIT(SetPosition) | BIT(Load) |
                      BIT(MountSnapshot) | BIT_CLOSE},
    [VDC_Flush] = {0, BIT(SetPosition) | BIT(Complete) | BIT_CLOSE, 0},
    [VDC_Complete] = {VDF_CompleteEnabled, BIT_CLOSE, 0},
    [VDC_PrepareToFreeze] = {VDF_SnapshotPrepare, BIT(Write), 0},
    [VDC_Snapshot] = {0, BIT(Complete) | BIT_CLOSE, 0},
    [VDC_MountSnapshot] = {0, 0, BIT_CLOSE},
    [VDC_ClearError] = {0, BIT_CLOSE, BIT_CLOSE},
};

static const struct mode *mode;
static bool backing_up;
static int32_t last[FAKE_DEVICES_MAX];
static bool at_mark[FAKE_DEVICES_MAX];     /* stands behind a filemark that a Read met */
static bool volume_over[FAKE_DEVICES_MAX]; /* has said so */
static bool failing;                       /* the client has answered with an error */
static uint32_t seen;                      /* commands, of all runs */

static void check_follows(uint32_t device, int32_t code)
{
    uint32_t next = backing_up ? table[last[device]].next_of_backup : table[last[device]].next_of_restore;
    if (failing && (code == VDC_ClearError || code == CLOSE)) {
        next |= last[device] != VDC_ClearError || code == CLOSE ? 1u << code : 0;
    }
    if ((next & 1u << code) == 0) {
        fail_msg("%s, %s, seed %d, device %u: command %d after %d", mode->model.name,
                 backing_up ? "backup" : "restore", (int)backup.plan.seed, device, code, last[device]);
    }
    last[device] = code;
}

static bool is_transfer(int32_t code)
{
    return code == VDC_Read || code == VDC_Write;
}

/* Whatever is no transfer is sent alone, and awaited. */
static void check_alone(const struct server_device *device, int32_t code)
{
    assert_true(is_transfer(code) || device->outstanding == 0);
    for (uint32_t i = 0; i < device->outstanding; i++) {
        assert_true(is_transfer(device->commands[i].command->commandCode));
    }
}

static void check_mode(const struct VDS_Command *command)
{
    int32_t code = command->commandCode;
    uint32_t needed = table[code].features;
    assert_int_equal(fake.features & needed, needed);
    if (code == VDC_GetPosition || code == VDC_SetPosition) { /* X12 */
        assert_true((fake.features & (VDF_Position | VDF_RandomAccess)) != 0);
    }
    if (code == VDC_SkipMarks || code == VDC_WriteMark) {
        assert_int_equal(fake.config.softFileMarkBlockSize, 0);
    }
    if ((code == VDC_SkipBlocks || code == VDC_SkipMarks) && command->size < 0) {
        assert_true((fake.features & VDF_ReversePosition) != 0);
    }
    assert_true(mode->snapshot || (code != VDC_Snapshot && code != VDC_MountSnapshot));
    assert_false(mode->snapshot && code == VDC_Flush); /* "then only a close follows" */
}

/* No device is told the end before each has kept what it was given, nor closed before each knows the end. */
static void check_end(int32_t code)
{
    for (uint32_t i = 0; i < mode->devices; i++) {
        const struct server_device *device = &fake.devices[i];
        assert_int_equal(device->sent[VDC_Flush] + device->sent[VDC_Snapshot], 1);
        assert_true(device->outstanding == 0 || code == VDC_Complete);
        for (uint32_t j = 0; j < device->outstanding; j++) {
            assert_int_equal(device->commands[j].command->commandCode, VDC_Complete);
        }
    }
}

static void watch(uint32_t index, const struct VDS_Command *command)
{
    int32_t code = command != NULL ? command->commandCode : CLOSE;
    seen++;
    check_follows(index, code);
    if (backing_up && !failing && (code == VDC_Complete || code == CLOSE)) {
        check_end(code);
    }
    if (!failing && code == CLOSE) { /* "VDC_Complete will be sent" (spec 5.1) */
        assert_int_equal(fake.devices[index].sent[VDC_Complete], (fake.features & VDF_CompleteEnabled) != 0);
    }
    if (command == NULL) {
        return;
    }
    check_mode(command);
    check_alone(&fake.devices[index], code);
    assert_false(at_mark[index] && code == VDC_Read);
    assert_false(volume_over[index] && is_transfer(code));
    at_mark[index] = at_mark[index] && code != VDC_SetPosition && code != VDC_SkipMarks;
    volume_over[index] = volume_over[index] && code != VDC_Load;
}

/* --- the client: right, or with one error at a command that the seed chooses --- */

static uint32_t until_error; /* commands; 0: none */
static int32_t error_code;

static void answer_with_error(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                              struct fake_answer *answer)
{
    (void)nth;
    if (until_error > 0 && --until_error == 0) {
        answer->code = error_code;
        answer->bytes = 0;
        failing = true;
    }
    at_mark[device] =
        at_mark[device] || (command->commandCode == VDC_Read && answer->code == ERROR_FILEMARK_DETECTED);
    volume_over[device] = volume_over[device] || answer->code == ERROR_END_OF_MEDIA;
}

static enum engine_status run(struct statement *statement)
{
    model_prepare(&mode->model, !backing_up);
    fake.script = answer_with_error;
    fake.watch = watch;
    fake.backwards = backup.plan.seed % 2 == 0;
    failing = false;
    for (uint32_t i = 0; i < mode->devices; i++) {
        last[i] = START;
        at_mark[i] = volume_over[i] = false;
    }
    return statement_run(statement);
}

/* A backup and its restore, each without an error or with one. Returns how often an error met a command. */
static uint32_t run_both(uint32_t first_error, uint32_t second_error)
{
    static const int32_t codes[] = {ERROR_IO_DEVICE, ERROR_DISK_FULL, ERROR_OPERATION_ABORTED,
                                    ERROR_NOT_SUPPORTED};
    uint32_t errors = 0;
    error_code = codes[backup.plan.seed % (sizeof codes / sizeof codes[0])];
    for (uint32_t pass = 0; pass < 3; pass++) {
        backing_up = pass < 2;
        until_error = pass == 0 ? first_error : pass == 2 ? second_error : 0;
        if (pass == 0 && first_error == 0) {
            continue;
        }
        enum engine_status status = run(backing_up ? &backup : &restore);
        assert_int_equal(status, failing ? ENGINE_FAILED : ENGINE_SUCCEEDED);
        errors += failing;
    }
    return errors;
}

static void begin(const struct mode *next, uint64_t seed)
{
    mode = next;
    statement_init(&backup, ENGINE_BACKUP, mode->devices);
    statement_init(&restore, ENGINE_RESTORE, mode->devices);
    backup.plan.size = SIZE;
    backup.plan.seed = restore.plan.seed = seed;
    backup.request.snapshot = restore.request.snapshot = mode->snapshot;
}

static void each_command_has_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            begin(&modes[i], seed);
            run_both(0, 0);
        }
    }
    assert_true(seen > 2000);
}

/* Nothing but ClearError after an error, once all is answered; then the end (spec 9.4). */
static void and_after_an_error(void **state)
{
    (void)state;
    uint32_t errors = 0;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            begin(&modes[i], seed);
            uint64_t draw = random_seed(seed, 1, (uint32_t)i);
            errors += run_both(1 + (uint32_t)draw % 30, 1 + (uint32_t)(draw >> 32) % 30);
        }
    }
    assert_true(errors > COUNT_OF(modes) * SEEDS / 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, model_setup, model_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_command_has_its_place),
        TEST(and_after_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
