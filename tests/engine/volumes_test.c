/* Removable media over a scripted client: volumes and their ends (spec 6.3, End Of Media; engine/media.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model_fixture.h"

static const struct model small_volumes = {"removable pipe", VDF_Removable, 0, 150 * 512, 0};

static void a_missing_volume_is_a_cut_stream(void **state)
{
    (void)state;
    model_back_up(&small_volumes);
    assert_true(fake.devices[1].stream.volume_count >= 1);
    model_prepare(&small_volumes, true);
    fake.devices[1].stream.volume_count--;
    fake.devices[1].stream.length = fake.devices[1].stream.volumes[fake.devices[1].stream.volume_count];
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    EXPECT(&restore, 3256, 3189, 3013);
}

/* A client that changes volumes and never gets anywhere. */
static void take_nothing(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                         struct fake_answer *answer)
{
    (void)device, (void)nth;
    if (command->commandCode == VDC_Write) {
        answer->code = ERROR_END_OF_MEDIA;
        answer->bytes = 0;
    }
}

static void give_nothing(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                         struct fake_answer *answer)
{
    (void)device;
    if (command->commandCode == VDC_Read && nth > 1) {
        answer->code = ERROR_NO_DATA_DETECTED;
        answer->bytes = 0;
    } else if (command->commandCode == VDC_Load) {
        answer->code = ERROR_SUCCESS;
    }
}

static void empty_volumes_come_to_an_end(void **state)
{
    (void)state;
    struct model model = {"empty", VDF_Removable, 0, 0, 0};
    model_prepare(&model, false);
    fake.script = take_nothing;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 18210, 3202, 3013);
    assert_non_null(strstr(statement_text(&backup, 3202), "failed: 1100("));
    assert_int_equal(fake.devices[0].sent[VDC_Load], 1);

    model_back_up(&model);
    model_prepare(&model, true);
    fake.script = give_nothing;
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    EXPECT(&restore, 3256, 3189, 3013);
    assert_int_equal(fake.devices[0].sent[VDC_Load], 1);
}

/* The warning at the last Write: there is nothing to go on with. */
static void warn_always(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                        struct fake_answer *answer)
{
    (void)device, (void)nth;
    if (command->commandCode == VDC_Write) {
        answer->code = ERROR_END_OF_MEDIA;
    }
}

static void no_volume_is_loaded_for_nothing(void **state)
{
    (void)state;
    struct model model = {"removable", VDF_Removable, 0, 0, 0};
    backup.plan.size = 0;
    model_prepare(&model, false);
    fake.script = warn_always;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.devices[0].sent[VDC_Write], 2);
    assert_int_equal(fake.devices[0].sent[VDC_Load], 0);
}

/* How fast the client is must not show in what it is asked for: faults are placed by the number of a command. */
static void how_many_answers_come_at_once_is_all_the_same(void **state)
{
    static const struct model models[] = {{"pipe", VDF_Removable, 0, 250 * 512, 0},
                                          {"disk", VDF_LikeDisk | VDF_Removable, 0, 250 * 512, 0},
                                          {"tape", VDF_LikeTape | VDF_Removable, 0, 250 * 512, 0}};
    enum {
        SEEDS = 10
    };
    (void)state;
    restore.request.buffer_count = 12;
    for (uint32_t i = 0; i < SEEDS * sizeof models / sizeof models[0]; i++) {
        const struct model *model = &models[i / SEEDS];
        uint32_t sent[FAKE_CODES];
        backup.plan.seed = i % SEEDS + 1;
        model_back_up(model);
        model_bring_back(model);
        memcpy(sent, fake.devices[0].sent, sizeof sent);
        model_prepare(model, true);
        fake.one_by_one = true;
        assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
        assert_memory_equal(fake.devices[0].sent, sent, sizeof sent);
    }
}

static void overtake(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                     struct fake_answer *answer)
{
    if (device == 0 && command->commandCode == VDC_Write && nth == 3) {
        answer->code = ERROR_END_OF_MEDIA;
        answer->bytes = 512;
    }
}

static void nothing_may_be_stored_behind_a_short_write(void **state)
{
    (void)state;
    struct model model = {"removable", VDF_Removable, 0, 0, 0};
    model_prepare(&model, false);
    fake.script = overtake;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 3271, 3013);
}

static int32_t end_code;

static void end_third(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                      struct fake_answer *answer)
{
    if (device == 0 && command->commandCode == VDC_Write && nth == 3) {
        answer->code = end_code;
        answer->bytes = 513; /* no multiple of the block size, should it matter */
    }
}

static void other_ends_fail_the_backup(void **state)
{
    (void)state;
    static const struct {
        uint32_t features;
        int32_t code;
        const char *text;
    } table[] = {
        {VDF_Removable, ERROR_DISK_FULL, "failed: 112("},
        {VDF_Removable, ERROR_EOM_OVERFLOW, "failed: 1129("},
        {VDF_Removable, ERROR_END_OF_MEDIA, "failed: 1117("}, /* 513 bytes */
        {0, ERROR_END_OF_MEDIA, "failed: 1100("},             /* VDI-IO-006 */
        {VDF_LikeDisk, ERROR_END_OF_MEDIA, "failed: 1100("},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct model model = {"ending", table[i].features, 0, 0, 0};
        model_prepare(&model, false);
        end_code = table[i].code;
        fake.script = end_third;
        assert_int_equal(statement_run(&backup), ENGINE_FAILED);
        EXPECT(&backup, 18210, 3202, 3013);
        assert_non_null(strstr(statement_text(&backup, 3202), table[i].text));
    }
}

static uint64_t most_pending;

static void watch_pending(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                          struct fake_answer *answer)
{
    (void)command, (void)nth, (void)answer;
    uint64_t pending = 0;
    for (uint32_t i = 0; i < fake.devices[device].outstanding; i++) {
        const struct VDS_Command *other = fake.devices[device].commands[i].command;
        pending += other->commandCode == VDC_Write ? (uint64_t)other->size : 0;
    }
    most_pending = pending > most_pending ? pending : most_pending;
}

static void the_warning_zone_is_not_overrun(void **state)
{
    (void)state;
    static const struct {
        uint32_t zone;
        uint64_t least, most;
    } table[] = {{0, 131073, 262144}, {131072, 65537, 131072}, {512, 512, 65536}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct model model = {"zone", VDF_Removable, 0, 0, 0};
        model_prepare(&model, false);
        fake.config.EOMWarningSize = table[i].zone;
        fake.script = watch_pending;
        most_pending = 0;
        assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
        assert_in_range(most_pending, table[i].least, table[i].most);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, model_setup, model_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_missing_volume_is_a_cut_stream),
        TEST(empty_volumes_come_to_an_end),
        TEST(no_volume_is_loaded_for_nothing),
        TEST(nothing_may_be_stored_behind_a_short_write),
        TEST(other_ends_fail_the_backup),
        TEST(the_warning_zone_is_not_overrun),
        TEST(how_many_answers_come_at_once_is_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
