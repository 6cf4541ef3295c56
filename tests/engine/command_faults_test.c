/* Faults in what the server sends, over a scripted client of each device model (scenario/faults/commands.def,
 * engine/fault_commands.h): each fires where it should, and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model_fixture.h"
#include "runstate.h"

enum {
    SEEDS = 6,
    BLOCK = 512,
    TRANSFER = 65536,
    SENT_MAX = 4096
};

static const struct model models[] = {
    {"pipe", 0, 0, 0, 0},
    {"disk", VDF_LikeDisk, 0, 0, 0},
    {"tape", VDF_LikeTape, 0, 0, 0},
    {"tape with soft marks", VDF_LikeTape, 1024, 0, 0},
    {"removable pipe", VDF_Removable, 0, 400 * BLOCK, 0},
    {"removable disk", VDF_LikeDisk | VDF_Removable, 0, 400 * BLOCK, 0},
    {"small tapes", VDF_LikeTape, 0, 400 * BLOCK, BLOCK},
};
static const struct model *const pipe_model = &models[0], *const disk_model = &models[1];

#define EACH_MODEL(model) \
    for (const struct model *model = models; model < models + sizeof models / sizeof models[0]; model++)

/* --- what was sent --- */

static struct {
    uint32_t device;
    int32_t code; /* 0: CloseDevice */
    int32_t size;
} sent[SENT_MAX];
static uint32_t sent_count;

static void note_sent(uint32_t device, const struct VDS_Command *command)
{
    assert_true(sent_count < SENT_MAX);
    sent[sent_count].device = device;
    sent[sent_count].code = command != NULL ? command->commandCode : 0;
    sent[sent_count].size = command != NULL ? command->size : 0;
    sent_count++;
}

static uint32_t count_sent(uint32_t device, int32_t code)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sent_count; i++) {
        count += sent[i].device == device && sent[i].code == code;
    }
    return count;
}

/* Index of the nth of its code on the device; fails the test if it was not sent. */
static uint32_t find_sent(uint32_t device, int32_t code, uint32_t nth)
{
    for (uint32_t i = 0; i < sent_count; i++) {
        if (sent[i].device == device && sent[i].code == code && --nth == 0) {
            return i;
        }
    }
    fail_msg("command %d was not sent on device %u", (int)code, (unsigned)device);
    return 0;
}

/* --- faults --- */

static int setup(void **state)
{
    model_setup(state);
    if (run_find_operation("set") < 0) {
        assert_int_equal(run_claim_operation("set", 2), 0);
    }
    return 0;
}

static void plan_fault(struct statement *statement, const char *fault)
{
    char line[FAULT_TEXT_MAX];
    struct fault_error error;
    struct run_state *run = run_state_attach();
    memset(run->faults, 0, sizeof run->faults);
    statement->plan.fault_count = 0;
    snprintf(line, sizeof line, "fault %s", fault);
    if (plan_parse_line(line, &statement->plan, &error) != 0) {
        fail_msg("%s: %s", fault, error.message);
    }
}

static uint32_t fired(void)
{
    return run_state_attach()->faults[0].fired;
}

static enum engine_status run(struct statement *statement, const struct model *model, const char *fault)
{
    bool restores = statement == &restore;
    plan_fault(statement, fault);
    model_prepare(model, restores);
    fake.watch = note_sent;
    sent_count = 0;
    restore.plan.seed = backup.plan.seed;
    return statement_run(statement);
}

static void expect_success(struct statement *statement, const struct model *model, const char *fault,
                           uint32_t least, uint32_t most)
{
    if (run(statement, model, fault) != ENGINE_SUCCEEDED) {
        fail_msg("%s, %s, seed %d: %s", model->name, fault, (int)backup.plan.seed,
                 statement->messages[0].text);
    }
    if (fired() < least || fired() > most) {
        fail_msg("%s, %s, seed %d: fired %u times", model->name, fault, (int)backup.plan.seed, fired());
    }
}

static void expect_failure(struct statement *statement, const struct model *model, const char *fault)
{
    if (run(statement, model, fault) != ENGINE_FAILED || fired() != 1) {
        fail_msg("%s, %s, seed %d: it should fail; fired %u times", model->name, fault, (int)backup.plan.seed,
                 fired());
    }
    assert_int_equal(fake.reason, SERVER_ABORT_NONE); /* VD_E_CLOSE for the client, not VD_E_ABORT */
    assert_int_equal(fake.closed_devices, 2);
}

/* Without a fault; what it stored is what the next restore gets. */
static void back_up_plainly(const struct model *model, uint64_t seed)
{
    backup.plan.seed = seed;
    backup.plan.fault_count = 0;
    model_back_up(model);
}

static void bring_back_plainly(const struct model *model)
{
    restore.plan.fault_count = 0;
    model_bring_back(model);
}

/* --- premature-close --- */

static void a_backup_is_closed_before_its_end(void **state)
{
    (void)state;
    EACH_MODEL(model)
    {
        expect_failure(&backup, model, "premature-close@Write#3:1");
        EXPECT(&backup, 3271, 3013);
        assert_int_equal(count_sent(1, VDC_Write), 2);
        assert_int_equal(count_sent(0, VDC_Flush) + count_sent(1, VDC_Flush), 0);
        assert_string_equal(statement_text(&backup, 3271),
                            "A nonrecoverable I/O error occurred on file \"pubs:\" 23(Data error (cyclic "
                            "redundancy check).).");
    }
}

static void a_backup_is_closed_instead_of_flush_or_complete(void **state)
{
    (void)state;
    struct model completing = *pipe_model;
    completing.features = VDF_RequestComplete;
    expect_failure(&backup, pipe_model, "premature-close@Flush:0");
    assert_int_equal(count_sent(0, VDC_Flush), 0);
    expect_failure(&backup, &completing, "premature-close@Complete:0");
    assert_int_equal(count_sent(0, VDC_Complete), 0);
    assert_int_equal(count_sent(0, VDC_Flush), 1);
}

static void a_restore_is_closed_before_its_end(void **state)
{
    (void)state;
    EACH_MODEL(model)
    {
        back_up_plainly(model, 1);
        expect_failure(&restore, model, "premature-close@Read#2:0");
        EXPECT(&restore, 3634, 3013);
        assert_int_equal(count_sent(0, VDC_Read), 1);
    }
}

/* --- satisfied-early --- */

static void a_restore_can_have_enough(void **state)
{
    (void)state;
    backup.plan.size = 2000000;
    EACH_MODEL(model)
    {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            uint32_t nth = seed % 2 == 0 ? 2 : 7; /* the later one while others are answered */
            char fault[64];
            snprintf(fault, sizeof fault, "satisfied-early@Read#%u:1", nth);
            back_up_plainly(model, seed);
            expect_success(&restore, model, fault, 1, 1);
            EXPECT(&restore, 4035, 3014);
            assert_int_equal(fake.closed_devices, 2);
            assert_int_equal(count_sent(1, VDC_Read), nth - 1);
        }
    }
}

/* --- extra-flush --- */

static void data_follow_a_flush(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        uint32_t least, most;
    } cases[] = {
        {"extra-flush@Write#2:0", 1, 1}, {"extra-flush@Write#4", 1, 1},      {"extra-flush@Flush:1", 1, 1},
        {"extra-flush@Flush:*", 2, 2},   {"extra-flush@Write#2+:*", 2, 999},
    };
    EACH_MODEL(model)
    {
        for (size_t i = 0; i < SEEDS * sizeof cases / sizeof cases[0]; i++) {
            backup.plan.seed = 1 + i % SEEDS;
            expect_success(&backup, model, cases[i / SEEDS].fault, cases[i / SEEDS].least,
                           cases[i / SEEDS].most);
            assert_int_equal(count_sent(0, VDC_Flush) + count_sent(1, VDC_Flush), 2 + fired());
            bring_back_plainly(model);
        }
    }
}

static void the_flush_is_where_it_was_asked_for(void **state)
{
    (void)state;
    expect_success(&backup, pipe_model, "extra-flush@Write#4:1", 1, 1);
    uint32_t flush = find_sent(1, VDC_Flush, 1);
    assert_true(find_sent(1, VDC_Write, 3) < flush && flush < find_sent(1, VDC_Write, 4));
    assert_int_equal(count_sent(0, VDC_Flush), 1);
}

/* A disk's header may be written again just before the last block. To set the end of file there would be the
 * end of the backup: the Flush comes with the next command. */
static void no_flush_cuts_a_disk_off(void **state)
{
    (void)state;
    bool put_off = false;
    for (backup.plan.seed = 1; backup.plan.seed <= SEEDS; backup.plan.seed++) {
        expect_success(&backup, disk_model, "extra-flush@Write#2+:0", 1, 999);
        uint32_t last = find_sent(0, VDC_Write, count_sent(0, VDC_Write));
        put_off = put_off || sent[last - 1].device != 0 || sent[last - 1].code != VDC_Flush;
    }
    assert_true(put_off);
}

static void refuse_first_flush(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                               struct fake_answer *answer)
{
    (void)device;
    if (command->commandCode == VDC_Flush && nth == 1) {
        answer->code = ERROR_DISK_FULL;
    }
}

static void a_failed_flush_in_between_fails_the_backup(void **state)
{
    (void)state;
    plan_fault(&backup, "extra-flush@Write#4:1");
    model_prepare(pipe_model, false);
    fake.script = refuse_first_flush;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    EXPECT(&backup, 18210, 3202, 3013);
    assert_int_equal(fake.devices[1].sent[VDC_Write], 3);
}

/* --- reordered --- */

static void a_device_is_served_last(void **state)
{
    (void)state;
    EACH_MODEL(model)
    {
        for (backup.plan.seed = 1; backup.plan.seed <= SEEDS; backup.plan.seed++) {
            expect_success(&backup, model, "reordered@Write#2:0", 1, 1);
            /* What ends the other's stream (trailer, mark, a disk's header again) waits for both. */
            uint32_t writes = count_sent(1, VDC_Write);
            assert_true(writes < 6 || find_sent(0, VDC_Write, 2) > find_sent(1, VDC_Write, writes - 2));
            bring_back_plainly(model);
        }
    }
}

static void flushes_are_apart(void **state)
{
    (void)state;
    expect_success(&backup, pipe_model, "reordered@Flush:0", 1, 1);
    assert_true(find_sent(0, VDC_Flush, 1) > find_sent(1, VDC_Flush, 1));
    expect_success(&backup, pipe_model, "reordered@Flush:1", 1, 1);
    assert_true(find_sent(1, VDC_Flush, 1) > find_sent(0, VDC_Flush, 1));
}

static void a_device_is_through_before_another_begins(void **state)
{
    (void)state;
    EACH_MODEL(model)
    {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            back_up_plainly(model, seed);
            expect_success(&restore, model, "reordered@Read#2:0", 1, 1);
            EXPECT(&restore, 4035, 3014);
            assert_true(find_sent(0, VDC_Read, 2) > find_sent(1, VDC_Read, count_sent(1, VDC_Read)));
            assert_int_equal(fake.closed_devices, 2);
            assert_int_equal(count_sent(0, 0) + count_sent(1, 0), 2);
            assert_true(find_sent(1, 0, 1) < find_sent(0, VDC_Read, count_sent(0, VDC_Read)));
        }
    }
}

/* One command after the other on the whole set; it ends all the same. */
static void every_command_can_be_the_last(void **state)
{
    (void)state;
    EACH_MODEL(model)
    {
        backup.plan.seed = 3;
        expect_success(&backup, model, "reordered@Write#*:*", 4, 999);
        expect_success(&restore, model, "reordered@Read#*:*", 4, 999);
    }
}

/* --- resized --- */

static void sizes_are_those_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        int32_t size;
    } cases[] = {
        {"resized@Read#2+:*", BLOCK},
        {"resized(to=full)@Read#2+:*", TRANSFER},
        {"resized(to=uneven)@Read#2+:*", TRANSFER - BLOCK},
    };
    EACH_MODEL(model)
    {
        for (size_t i = 0; i < SEEDS * 3; i++) {
            back_up_plainly(model, 1 + i % SEEDS);
            expect_success(&restore, model, cases[i / SEEDS].fault, 2, 9999);
            for (uint32_t j = 0; j < sent_count; j++) {
                bool reads = sent[j].code == VDC_Read && sent[j].size != BLOCK; /* headers, and a look */
                assert_true(!reads || sent[j].size == cases[i / SEEDS].size);
            }
        }
    }
}

/* The nth of all Reads, though a look at another place is never resized: then the next that is not one. */
static void one_size_is_another(void **state)
{
    (void)state;
    EACH_MODEL(model)
    {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            back_up_plainly(model, seed);
            for (int nth = 1; nth <= 2; nth++) {
                char fault[64];
                snprintf(fault, sizeof fault, "resized(to=uneven)@Read#%d:0", nth);
                expect_success(&restore, model, fault, 1, 1);
                uint32_t uneven = 0;
                for (uint32_t i = 0; i < sent_count; i++) {
                    uneven += sent[i].code == VDC_Read && sent[i].size == TRANSFER - BLOCK;
                }
                assert_true(uneven >= 1);
            }
        }
    }
}

/* --- corrupt --- */

/* Whatever Read it is, the last of each device included, which brings nothing. */
static void no_corruption_goes_unseen(void **state)
{
    (void)state;
    uint32_t tried = 0;
    EACH_MODEL(model)
    {
        back_up_plainly(model, 2);
        model_bring_back(model);
        uint32_t reads[] = {fake.devices[0].sent[VDC_Read], fake.devices[1].sent[VDC_Read]};
        for (uint32_t i = 0; i < reads[0] + reads[1]; i++, tried++) {
            bool second = i >= reads[0];
            char fault[64];
            snprintf(fault, sizeof fault, "corrupt@Read#%u:%d", (unsigned)(1 + i - (second ? reads[0] : 0)),
                     second);
            expect_failure(&restore, model, fault);
        }
    }
    assert_true(tried >= 30);
}

/* --- end-of-media --- */

static void the_stream_goes_on_behind_an_early_end(void **state)
{
    (void)state;
    EACH_MODEL(model)
    {
        bool removable = (model->features & VDF_Removable) != 0;
        for (backup.plan.seed = 1; backup.plan.seed <= SEEDS; backup.plan.seed++) {
            expect_success(&backup, model, "end-of-media@Write#2:0", removable, removable);
            bool more = count_sent(0, VDC_Write) > 2;
            assert_true(!removable || !more || find_sent(0, VDC_Load, 1) < find_sent(0, VDC_Flush, 1));
            assert_true(removable || count_sent(0, VDC_Load) == 0);
            bring_back_plainly(model);
        }
    }
}

/* --- unknown-command --- */

static void foreign_commands_are_foreign(void **state)
{
    (void)state;
    EACH_MODEL(model)
    {
        bool tape = (model->features & VDF_FileMarks) != 0;
        expect_success(&backup, model, "unknown-command(of=model)@Write#2:0", 1, 1);
        assert_int_equal(count_sent(0, tape ? VDC_Discard : VDC_Rewind), 1);
    }
}

static void a_known_command_is_not_sent(void **state)
{
    (void)state;
    struct model model = {"tape that discards", VDF_LikeTape | VDF_Discard, 0, 0, 0};
    expect_success(&backup, &model, "unknown-command(code=11)@Write#2:0", 0, 0);
    assert_int_equal(count_sent(0, VDC_Discard), 0);
    expect_success(&backup, &model, "unknown-command(of=model)@Write#2:0", 1, 1);
    assert_int_equal(count_sent(0, 99), 1);
}

/* --- together --- */

static void faults_at_one_place_all_happen(void **state)
{
    (void)state;
    static const char *const more[] = {"fault extra-flush@Write#3:0", "fault unknown-command@Write#3:0"};
    struct fault_error error;
    model_prepare(pipe_model, false);
    plan_fault(&backup, "reordered@Write#3:0");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(plan_parse_line(more[i], &backup.plan, &error), 0);
    }
    fake.watch = note_sent;
    sent_count = 0;
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(run_state_attach()->faults[i].fired, 1);
    }
    uint32_t flush = find_sent(0, VDC_Flush, 1);
    assert_true(find_sent(0, VDC_Write, 2) < flush && flush < find_sent(0, VDC_Write, 3));
    bring_back_plainly(pipe_model);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, model_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_backup_is_closed_before_its_end),
        TEST(a_backup_is_closed_instead_of_flush_or_complete),
        TEST(a_restore_is_closed_before_its_end),
        TEST(a_restore_can_have_enough),
        TEST(data_follow_a_flush),
        TEST(the_flush_is_where_it_was_asked_for),
        TEST(no_flush_cuts_a_disk_off),
        TEST(a_failed_flush_in_between_fails_the_backup),
        TEST(a_device_is_served_last),
        TEST(flushes_are_apart),
        TEST(a_device_is_through_before_another_begins),
        TEST(every_command_can_be_the_last),
        TEST(sizes_are_those_asked_for),
        TEST(one_size_is_another),
        TEST(no_corruption_goes_unseen),
        TEST(the_stream_goes_on_behind_an_early_end),
        TEST(foreign_commands_are_foreign),
        TEST(a_known_command_is_not_sent),
        TEST(faults_at_one_place_all_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
