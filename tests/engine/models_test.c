/* Device models over a scripted client: positions, filemarks, volumes (spec 6.3, 12; engine/media.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model_fixture.h"

enum {
    SEEDS = 16
};

static const struct model pipe_model = {"pipe", 0, 0, 0, 0};
static const struct model disk_model = {"disk", VDF_LikeDisk, 0, 0, 0};
static const struct model tape_model = {"tape", VDF_LikeTape, 0, 0, 0};
static const struct model models[] = {
    {"pipe", 0, 0, 0, 0},
    {"removable pipe", VDF_Removable, 0, 150 * 512, 0},
    {"removable pipe with a zone", VDF_Removable, 0, 400 * 512, 300 * 512},
    {"disk", VDF_LikeDisk, 0, 0, 0},
    {"removable disk", VDF_LikeDisk | VDF_Removable, 0, 150 * 512, 0},
    {"tape", VDF_LikeTape, 0, 0, 0},
    {"small tapes", VDF_LikeTape, 0, 150 * 512, 512},
    {"tape with soft marks", VDF_LikeTape, 1024, 0, 0},
    {"small tapes with soft marks", VDF_LikeTape, 4096, 77 * 512, 0},
};

/* Command codes the device has been sent, 1 to 31. */
static uint32_t codes_of(uint32_t device)
{
    uint32_t codes = 0;
    for (uint32_t code = 1; code < 32; code++) {
        codes |= fake.devices[device].sent[code] > 0 ? 1u << code : 0;
    }
    return codes;
}

#define CODE(name) (1u << VDC_##name)

/* --- all models --- */

static void each_model_brings_everything_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            backup.plan.seed = seed;
            model_back_up(&models[i]);
            model_bring_back(&models[i]);
            EXPECT(&restore, 4035, 3014);
        }
        uint64_t size = backup.plan.size;
        backup.plan.size = 0;
        model_back_up(&models[i]);
        model_bring_back(&models[i]);
        backup.plan.size = size;
    }
}

/* Where the commands lead is the same stream; only soft marks are part of it. */
static void the_bytes_are_those_of_a_pipe(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        backup.plan.seed = seed;
        model_back_up(&pipe_model);
        struct fake_stream plain[2] = {fake.devices[0].stream, fake.devices[1].stream};
        fake.devices[0].stream = fake.devices[1].stream = (struct fake_stream){0};
        for (size_t i = 1; i < sizeof models / sizeof models[0]; i++) {
            model_prepare(&models[i], false);
            fake.backwards = i % 2 == 0;
            assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
            for (uint32_t j = 0; j < 2 && models[i].soft_mark == 0; j++) {
                assert_int_equal(fake.devices[j].stream.length, plain[j].length);
                assert_memory_equal(fake.devices[j].stream.bytes, plain[j].bytes, plain[j].length);
            }
        }
        free(plain[0].bytes);
        free(plain[1].bytes);
    }
}

static void each_model_gets_its_own_commands_only(void **state)
{
    (void)state;
    static const struct {
        const struct model *model;
        uint32_t backup, restore; /* over all seeds */
    } table[] = {
        {&models[0], CODE(Write) | CODE(Flush), CODE(Read)},
        {&models[1], CODE(Write) | CODE(Flush) | CODE(Load), CODE(Read) | CODE(Load)},
        {&disk_model, CODE(Write) | CODE(Flush) | CODE(GetPosition) | CODE(SetPosition),
         CODE(Read) | CODE(GetPosition) | CODE(SetPosition)},
        {&models[4], CODE(Write) | CODE(Flush) | CODE(GetPosition) | CODE(Load), CODE(Read) | CODE(Load)},
        {&tape_model,
         CODE(Rewind) | CODE(SkipMarks) | CODE(Write) | CODE(WriteMark) | CODE(GetPosition) | CODE(Flush),
         CODE(Rewind) | CODE(Read) | CODE(SkipMarks) | CODE(GetPosition) | CODE(SetPosition) |
             CODE(SkipBlocks)},
        {&models[7], CODE(Rewind) | CODE(Write) | CODE(GetPosition) | CODE(Flush),
         CODE(Rewind) | CODE(Read) | CODE(GetPosition) | CODE(SetPosition) | CODE(SkipBlocks)},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint32_t backup_codes = 0, restore_codes = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            backup.plan.seed = seed;
            model_back_up(table[i].model);
            backup_codes |= codes_of(0);
            model_bring_back(table[i].model);
            restore_codes |= codes_of(0);
        }
        assert_int_equal(backup_codes, table[i].backup);
        assert_int_equal(restore_codes, table[i].restore);
    }
}

/* --- a client that answers wrongly --- */

static int32_t wrong_command;
static int64_t wrong_by;
static bool lied;

static void lie(uint32_t device, const struct VDS_Command *command, uint32_t nth, struct fake_answer *answer)
{
    (void)nth;
    if (device == 1 && command->commandCode == wrong_command) {
        answer->position += wrong_by;
        lied = true;
    }
}

static void refuse(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                   struct fake_answer *answer)
{
    (void)nth;
    if (device == 1 && command->commandCode == wrong_command) {
        answer->code = ERROR_IO_DEVICE;
        lied = true;
    }
}

/* Fails exactly when the command was sent. Returns in how many runs. */
static uint32_t run_wrongly(const struct model *model, struct statement *statement, fake_script *script,
                            int32_t number)
{
    uint32_t runs = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        backup.plan.seed = restore.plan.seed = seed;
        if (statement == &restore) {
            model_back_up(model);
        }
        model_prepare(model, statement == &restore);
        fake.script = script;
        lied = false;
        enum engine_status status = statement_run(statement);
        assert_int_equal(status, lied ? ENGINE_FAILED : ENGINE_SUCCEEDED);
        assert_int_equal(fake.reason, SERVER_ABORT_NONE);
        if (lied) {
            statement_text(statement, number);
            runs++;
        }
    }
    return runs;
}

static void a_wrong_position_of_a_disk_is_noticed(void **state)
{
    (void)state;
    wrong_by = 512;
    wrong_command = VDC_SetPosition;
    assert_true(run_wrongly(&disk_model, &backup, lie, 3271) >= 4);
    assert_true(run_wrongly(&disk_model, &restore, lie, 3271) >= 4);
    wrong_command = VDC_GetPosition;
    assert_true(run_wrongly(&disk_model, &backup, lie, 3271) >= 4);
    assert_true(run_wrongly(&disk_model, &restore, lie, 3271) >= 4);
}

static void a_wrong_position_is_told(void **state)
{
    (void)state;
    wrong_by = -1;
    wrong_command = VDC_GetPosition;
    run_wrongly(&disk_model, &restore, lie, 3271);
    for (backup.plan.seed = 1; backup.plan.seed <= SEEDS; backup.plan.seed++) {
        model_prepare(&disk_model, false);
        fake.script = lie;
        if (statement_run(&backup) == ENGINE_FAILED) {
            long long is, should;
            assert_int_equal(
                sscanf(statement_text(&backup, 3271),
                       "A nonrecoverable I/O error occurred on file \"set-1:\" The device answered "
                       "GetPosition with position %lld; it should be %lld.",
                       &is, &should),
                2);
            assert_int_equal(is, should - 1);
            return;
        }
    }
    fail();
}

static void a_tape_that_goes_elsewhere_is_noticed(void **state)
{
    (void)state;
    wrong_by = 1;
    wrong_command = VDC_SetPosition;
    assert_true(run_wrongly(&tape_model, &restore, lie, 3271) >= 4);
}

/* Answers well, and stands a block further on. */
static void stray(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                  struct fake_answer *answer)
{
    (void)nth;
    if (device == 1 && command->commandCode == wrong_command) {
        fake.devices[1].stream.position += fake.block_size;
        answer->position = command->inPosition;
        lied = true;
    }
}

static void a_tape_that_only_says_it_moved_is_damage(void **state)
{
    (void)state;
    wrong_command = VDC_SetPosition;
    assert_true(run_wrongly(&tape_model, &restore, stray, 3013) >= 4);
}

static void refusals_fail_the_statement(void **state)
{
    (void)state;
    static const int32_t on_tape[] = {VDC_Rewind, VDC_WriteMark, VDC_SkipMarks, VDC_GetPosition};
    for (size_t i = 0; i < sizeof on_tape / sizeof on_tape[0]; i++) {
        wrong_command = on_tape[i];
        assert_true(run_wrongly(&tape_model, &backup, refuse, 18210) >= 4);
    }
    static const int32_t on_tape_back[] = {VDC_Rewind, VDC_SkipMarks, VDC_GetPosition, VDC_SetPosition,
                                           VDC_SkipBlocks};
    for (size_t i = 0; i < sizeof on_tape_back / sizeof on_tape_back[0]; i++) {
        wrong_command = on_tape_back[i];
        assert_true(run_wrongly(&tape_model, &restore, refuse, 18210) >= 4);
    }
    wrong_command = VDC_Load;
    assert_true(run_wrongly(&models[1], &backup, refuse, 18210) >= 4);
    assert_non_null(strstr(statement_text(&backup, 18210), "BackupMedium::ReportIoError: load failure"));
}

/* --- disk --- */

static uint64_t writes_back, reads_back;
static int64_t next_write[2], next_read[2];

static void watch_positions(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                            struct fake_answer *answer)
{
    (void)nth, (void)answer;
    if (command->commandCode == VDC_Write) {
        writes_back += command->inPosition < next_write[device];
        next_write[device] = command->inPosition + command->size;
    } else if (command->commandCode == VDC_Read) {
        reads_back += command->inPosition < next_read[device];
        next_read[device] = command->inPosition + command->size;
    }
}

static void a_disk_is_written_and_read_out_of_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        backup.plan.seed = restore.plan.seed = seed;
        memset(next_write, 0, sizeof next_write);
        memset(next_read, 0, sizeof next_read);
        model_prepare(&disk_model, false);
        fake.script = watch_positions;
        assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
        model_prepare(&disk_model, true);
        fake.script = watch_positions;
        assert_int_equal(statement_run(&restore), ENGINE_SUCCEEDED);
    }
    assert_true(writes_back >= SEEDS / 4); /* headers written again */
    assert_true(reads_back >= SEEDS);
}

/* A client that stores Writes as they come, whatever their position, has two headers. */
static void append_only(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                        struct fake_answer *answer)
{
    (void)device, (void)nth, (void)answer;
    if (command->commandCode == VDC_Write) {
        struct fake_stream *stream = &fake.devices[device].stream;
        if (command->inPosition == 0 && nth > 1) {
            memset(stream->bytes, 0, 8); /* the first header stays unfinished */
            lied = true;
        }
    }
}

static void an_unfinished_header_is_no_backup(void **state)
{
    (void)state;
    lied = false;
    for (backup.plan.seed = 1; !lied; backup.plan.seed++) {
        model_prepare(&disk_model, false);
        fake.script = append_only;
        assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
        assert_true(backup.plan.seed < SEEDS);
    }
    model_prepare(&disk_model, true);
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    EXPECT(&restore, 3241, 3013);
}

static void keep_longer_file(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                             struct fake_answer *answer)
{
    (void)nth, (void)answer;
    if (device == 1 && command->commandCode == VDC_Flush) {
        fake.devices[1].stream.length = fake.devices[1].stream.written + 1000;
    }
    lied = lied || (device == 1 && command->commandCode == VDC_SetPosition && command->size == VDC_End);
}

static void flush_has_to_cut_an_older_longer_file(void **state)
{
    (void)state;
    assert_true(run_wrongly(&disk_model, &backup, keep_longer_file, 3271) >= 4);
}

static void a_gap_in_a_disk_is_an_error(void **state)
{
    (void)state;
    model_back_up(&disk_model);
    model_prepare(&disk_model, true);
    fake.devices[0].stream.length -= 512;
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
}

/* --- tape --- */

static void a_tape_holds_set_after_set(void **state)
{
    (void)state;
    model_back_up(&tape_model);
    size_t first = fake.devices[0].stream.length;
    assert_int_equal(fake.devices[0].stream.mark_count, 2);
    assert_int_equal(fake.devices[0].stream.marks[0], 512);
    backup.plan.seed = 2;
    model_prepare(&tape_model, true);
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.devices[0].stream.mark_count, 4);
    assert_int_equal(fake.devices[0].stream.marks[1], first);
    assert_non_null(strstr(statement_text(&backup, 4035), "on file 2."));
    restore.request.file = 2;
    model_bring_back(&tape_model);
    assert_non_null(strstr(statement_text(&restore, 4035), "on file 2."));
    restore.request.file = 0;
    model_bring_back(&tape_model);

    restore.request.file = 3;
    model_prepare(&tape_model, true);
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    assert_string_equal(statement_text(&restore, 4038), "Cannot find file ID 3 on device 'set'.");

    backup.request.overwrite = true;
    model_prepare(&tape_model, true);
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    assert_int_equal(fake.devices[0].stream.mark_count, 2);
}

static void find_marks_for_ever(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                                struct fake_answer *answer)
{
    (void)device, (void)nth;
    if (command->commandCode == VDC_SkipMarks) {
        answer->code = ERROR_SUCCESS;
    }
}

static void a_tape_without_end_is_none(void **state)
{
    (void)state;
    model_prepare(&tape_model, false);
    fake.script = find_marks_for_ever;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 18210, 3202, 3013);
    assert_non_null(strstr(statement_text(&backup, 18210), "skip filemarks failure"));
}

static void a_mark_too_early_is_a_cut_stream(void **state)
{
    (void)state;
    model_back_up(&tape_model);
    model_prepare(&tape_model, true);
    fake.devices[1].stream.marks[1] -= 512;
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    statement_text(&restore, 3256);
}

static void soft_marks_have_to_fit(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {513, 131072};
    for (size_t i = 0; i < 2; i++) {
        struct model model = {"odd", VDF_LikeTape, sizes[i], 0, 0};
        model_prepare(&model, false);
        assert_int_equal(statement_run(&backup), ENGINE_FAILED);
        EXPECT(&backup, 3284, 3013);
        assert_int_equal(fake.reason, SERVER_ABORT_SERVER); /* the client waits in GetConfiguration */
    }
    struct model model = {"soft", VDF_LikeTape, 1024, 0, 0};
    model_back_up(&model);
    assert_int_equal(fake.devices[0].stream.mark_count, 0);
    restore.request.file = 2;
    model_prepare(&model, true);
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    statement_text(&restore, 4038);
}

static void a_damaged_soft_mark_is_told(void **state)
{
    (void)state;
    struct model model = {"soft", VDF_LikeTape, 1024, 0, 0};
    model_back_up(&model);
    fake.devices[0].stream.bytes[512 + 1023] = 1;
    model_prepare(&model, true);
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    assert_non_null(strstr(statement_text(&restore, 3189), "no filemark where one was written"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, model_setup, model_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_model_brings_everything_back),
        TEST(the_bytes_are_those_of_a_pipe),
        TEST(each_model_gets_its_own_commands_only),
        TEST(a_wrong_position_of_a_disk_is_noticed),
        TEST(a_wrong_position_is_told),
        TEST(a_tape_that_goes_elsewhere_is_noticed),
        TEST(a_tape_that_only_says_it_moved_is_damage),
        TEST(refusals_fail_the_statement),
        TEST(a_disk_is_written_and_read_out_of_order),
        TEST(an_unfinished_header_is_no_backup),
        TEST(flush_has_to_cut_an_older_longer_file),
        TEST(a_gap_in_a_disk_is_an_error),
        TEST(a_tape_holds_set_after_set),
        TEST(a_tape_without_end_is_none),
        TEST(a_mark_too_early_is_a_cut_stream),
        TEST(soft_marks_have_to_fit),
        TEST(a_damaged_soft_mark_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
