/* test_profile.c - profile lines: parsed, printed, refused; and the walk through steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dialect.h"
#include "plan.h"
#include "text_out.h"

static struct plan plan;
static char printed[1 << 16];

static void parse(const char *text)
{
    struct fault_error error;
    uint32_t line = 0;
    plan_init(&plan);
    if (plan_parse(text, strlen(text), &plan, &error, &line) != 0) {
        fail_msg("line %u: %s", line, error.message);
    }
    assert_true(plan_format(&plan, printed, sizeof printed) < (int)sizeof printed);
}

static void lines_print_as_they_were_read(void **state)
{
    (void)state;
    static const char text[] =
        "server profile backup device 0 512 65536*14 pause:40 mix*1200 flush 4096 512\n"
        "server profile backup device 2 1024\n"
        "server profile restore device 0 512 65536*9\n"
        "server profile backup mix 65536:900 4096:3\n"
        "server profile backup outstanding 4 1+ 12\n"
        "server profile backup sizes 4096 1048576\n"
        "server profile backup buffers 9\n"
        "server profile backup order 2 0 1\n"
        "server profile backup close 0 12 600000\n"
        "server recorded open-active:open close-open:noerror short-read\n";
    parse(text);
    assert_non_null(strstr(printed, text));
    const struct profile_operation *backup = &plan.profile.operations[PROFILE_BACKUP];
    assert_int_equal(plan.profile.step_count, 10);
    assert_int_equal(backup->device_count, 3);
    assert_int_equal(profile_transfers(&plan.profile, PROFILE_BACKUP, 0), 1217);
    assert_true(!backup->at_least[0] && backup->at_least[1] && backup->outstanding[2] == 12);
    assert_int_equal(plan.profile.recorded,
                     1u << PROFILE_OPEN_ACTIVE | 1u << PROFILE_CLOSE_OPEN | 1u << PROFILE_SHORT_READ);
}

/* Their names and readings are those of VDI_DIALECT. */
static void points_of_a_dialect_are_read_as_it_is(void **state)
{
    (void)state;
    for (int i = 0; i < DIALECT_CHOICES; i++) {
        assert_string_equal(profile_points[i].name, dialect_table[i].name);
        assert_string_equal(profile_points[i].usual, dialect_table[i].usual);
        assert_string_equal(profile_points[i].other, dialect_table[i].other);
    }
    parse("server recorded close-open:noerror\nserver recorded close-open:open timeout-unit:s\n");
    assert_int_equal(plan.profile.recorded, 1u << PROFILE_CLOSE_OPEN | 1u << PROFILE_TIMEOUT_UNIT);
    assert_int_equal(plan.profile.other, 1u << PROFILE_TIMEOUT_UNIT);
}

/* Whoever prints a plan into room of its own relies on the limit. */
static void the_longest_text_has_room(void **state)
{
    (void)state;
    static struct profile profile;
    static char text[PROFILE_TEXT_MAX];
    struct text_out out = {text, sizeof text, 0};
    for (uint32_t i = 0; i < PROFILE_STEPS_MAX; i++) {
        assert_true(
            profile_add(&profile, &(struct profile_step){PROFILE_RESTORE, (uint8_t)(62 + i % 2),
                                                         PROFILE_TRANSFERS, PROFILE_SIZE_MAX, INT32_MAX}));
    }
    for (int kind = 0; kind < PROFILE_KINDS; kind++) {
        struct profile_operation *operation = &profile.operations[kind];
        memset(operation->at_least, true, sizeof operation->at_least);
        operation->outstanding_count = operation->order_count = operation->close_count = PROFILE_DEVICES_MAX;
        operation->mix_count = PROFILE_MIX_MAX;
        operation->block_size = PROFILE_UNIT;
        operation->max_transfer = PROFILE_SIZE_MAX;
        operation->buffers = PROFILE_BUFFERS_MAX;
        for (uint32_t i = 0; i < PROFILE_DEVICES_MAX; i++) {
            operation->outstanding[i] = PROFILE_OUTSTANDING_MAX;
            operation->order[i] = PROFILE_DEVICES_MAX - 1;
            operation->close_ms[i] = PROFILE_MS_MAX;
            operation->mix_size[i % PROFILE_MIX_MAX] = PROFILE_SIZE_MAX;
            operation->mix_weight[i % PROFILE_MIX_MAX] = INT32_MAX;
        }
    }
    profile.recorded = profile.other = (1u << PROFILE_POINTS) - 1;
    profile_format(&profile, &out);
    assert_in_range(out.used, PROFILE_TEXT_MAX * 3 / 4, PROFILE_TEXT_MAX - 1);
}

static void equal_steps_are_one(void **state)
{
    (void)state;
    parse("server profile backup device 1 512 512*3\nserver profile backup device 1 512 flush flush\n");
    assert_non_null(strstr(printed, "device 1 512*5 flush flush\n"));
}

static void long_sequences_take_several_lines(void **state)
{
    (void)state;
    static char text[PROFILE_STEPS_MAX * 8];
    size_t used = 0;
    for (int i = 0; i < PROFILE_STEPS_MAX; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d",
                                 i % 20 == 0 ? "\nserver profile restore device 63 " : " ", 512 + i % 2);
    }
    parse(text);
    assert_int_equal(plan.profile.step_count, PROFILE_STEPS_MAX);
    struct fault_error error;
    assert_int_not_equal(plan_parse_line("server profile backup device 0 1", &plan, &error), 0);
    assert_non_null(strstr(error.message, "at most 512 steps"));
    static char again[sizeof printed];
    memcpy(again, printed, sizeof again);
    parse(again);
    assert_string_equal(again, printed);
}

static void the_walk_goes_through_one_device(void **state)
{
    (void)state;
    parse(
        "server profile backup device 0 1\nserver profile backup device 1 2*2\n"
        "server profile restore device 1 9\nserver profile backup device 1 flush 3\n");
    static const uint32_t values[] = {2, 2, 0, 3};
    struct profile_walk walk = {0};
    for (size_t i = 0; i < 4; i++) {
        const struct profile_step *step = profile_next(&plan.profile, PROFILE_BACKUP, 1, &walk);
        assert_int_equal(step->value, values[i]);
        profile_advance(&plan.profile, &walk);
    }
    assert_null(profile_next(&plan.profile, PROFILE_BACKUP, 1, &walk));
    assert_int_equal(profile_device(&plan.profile, PROFILE_BACKUP, 5), 1);
    assert_int_equal(profile_device(&plan.profile, PROFILE_RESTORE, 5), 1);
}

static void bad_lines_are_refused_where_they_are_bad(void **state)
{
    (void)state;
    static const struct {
        const char *line, *expected, *at;
    } lines[] = {
        {"server profile", "backup or restore", ""},
        {"server profile verify device 0 1", "backup or restore", "verify"},
        {"server profile backup steps 0", "device, mix, outstanding", "steps"},
        {"server profile backup device", "a device from 0 to 63", ""},
        {"server profile backup device 64 1", "a device from 0 to 63", "64 1"},
        {"server profile backup device 0", "SIZE, SIZE*COUNT", ""},
        {"server profile backup device 0 512 0", "from 1 to 4194304", "0"},
        {"server profile backup device 0 4194305", "from 1 to 4194304", "4194305"},
        {"server profile backup device 0 99999999999999999999999", "from 1 to 4194304", "99999999"},
        {"server profile backup device 0 512*0", "SIZE*COUNT", "512*0"},
        {"server profile backup device 0 512*", "SIZE*COUNT", "512*"},
        {"server profile backup device 0 mix:3", "mix*COUNT", "mix:3"},
        {"server profile backup device 0 pause:0", "pause:MS", "pause:0"},
        {"server profile backup device 0 pause:600001", "pause:MS", "pause:6"},
        {"server profile backup device 0 -5", "SIZE", "-5"},
        {"server profile backup mix", "SIZE:WEIGHT", ""},
        {"server profile backup mix 5", "SIZE:WEIGHT", "5"},
        {"server profile backup mix 5:0", "SIZE:WEIGHT", "5:0"},
        {"server profile backup mix 1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1 10:1 11:1 12:1 13:1 14:1 15:1 16:1 "
         "17:1",
         "at most 16 sizes", "17:1"},
        {"server profile backup outstanding 13", "from 1 to 12", "13"},
        {"server profile backup outstanding 4++", "N or N+", "4++"},
        {"server profile backup outstanding", "of each device", ""},
        {"server profile backup buffers", "one number from 1", ""},
        {"server profile backup buffers 3 4", "one number from 1", "4"},
        {"server profile backup sizes 500 65536", "power of two", "500"},
        {"server profile backup sizes 512 65537", "multiple of 65536", "65537"},
        {"server profile backup order 0 0", "each device from 0 on once", ""},
        {"server profile backup order 1", "each device from 0 on once", ""},
        {"server profile backup close 600001", "milliseconds from 0", "600001"},
        {"server profile backup close 5+", "milliseconds from 0", "5+"},
        {"server recorded", "an open point such as several-commands", ""},
        {"server recorded close-opn:open", "did you mean 'close-open'", "close-opn"},
        {"server recorded close-open", "close-open:open or close-open:noerror", "close-open"},
        {"server recorded close-open:maybe", "close-open:open or close-open:noerror", "close-open"},
        {"server recorded short-read:x", "short-read, without a reading", "short-read"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct fault_error error;
        plan_init(&plan);
        assert_int_not_equal(plan_parse_line(lines[i].line, &plan, &error), 0);
        if (strstr(error.message, lines[i].expected) == NULL ||
            strncmp(lines[i].line + error.offset, lines[i].at, strlen(lines[i].at)) != 0) {
            fail_msg("'%s': %s, at '%s'", lines[i].line, error.message, lines[i].line + error.offset);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_print_as_they_were_read),
        cmocka_unit_test(points_of_a_dialect_are_read_as_it_is),
        cmocka_unit_test(the_longest_text_has_room),
        cmocka_unit_test(equal_steps_are_one),
        cmocka_unit_test(long_sequences_take_several_lines),
        cmocka_unit_test(the_walk_goes_through_one_device),
        cmocka_unit_test(bad_lines_are_refused_where_they_are_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
