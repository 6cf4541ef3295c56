/* The mutator: pure in input and seed, within its limits, mostly sensible, and nothing that a scenario can say is out
 * of its reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mutate.h"
#include "outlook.h"
#include "scenario_types.h"

enum {
    CHAIN = 300000, /* scenarios, each made of the one before */
    SOME = 2000,
    LINES = 32
};

static const struct mutate_limits all = {.lines = LINES, .scope = MUTATE_ALL};
static const struct mutate_limits calls = {.lines = LINES, .scope = 0};

static bool same_line(const struct scenario_line *a, const struct scenario_line *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void assert_settled(const struct scenario *scenario)
{
    static struct scenario settled;
    settled = *scenario;
    scenario_settle(&settled);
    assert_true(scenario_equal(&settled, scenario));
}

/* Some scenario that the seed stands for. */
static void grow(struct scenario *scenario, uint64_t seed, const struct mutate_limits *limits)
{
    scenario_init(scenario);
    for (uint64_t i = 0; i < 8; i++) {
        scenario_mutate(scenario, seed * 8 + i, limits);
    }
}

static void test_same_seed_same_scenario(void **state)
{
    struct scenario start, one, other;
    uint32_t alike = 0;
    (void)state;
    grow(&start, 1, &all);
    for (uint64_t seed = 0; seed < SOME; seed++) {
        one = other = start;
        scenario_mutate(&one, seed, &all);
        scenario_mutate(&other, seed, &all);
        assert_true(scenario_equal(&one, &other));
        other = start;
        scenario_mutate(&other, seed + 1, &all);
        alike += scenario_equal(&one, &other);
    }
    assert_in_range(alike, 0, SOME / 20);
}

static void test_same_seed_same_child(void **state)
{
    struct scenario a, b, one, other;
    uint32_t alike = 0;
    (void)state;
    grow(&a, 1, &all);
    grow(&b, 2, &all);
    for (uint64_t seed = 0; seed < SOME; seed++) {
        scenario_cross(&a, &b, seed, &all, &one);
        scenario_cross(&a, &b, seed, &all, &other);
        assert_true(scenario_equal(&one, &other));
        scenario_cross(&a, &b, seed + 1, &all, &other);
        alike += scenario_equal(&one, &other);
    }
    assert_in_range(alike, 0, SOME / 10);
}

static void test_limits_hold(void **state)
{
    struct scenario scenario;
    (void)state;
    for (uint32_t lines = 1; lines <= LINES; lines++) {
        struct mutate_limits limits = {.lines = lines, .scope = MUTATE_ALL};
        grow(&scenario, lines, &all);
        for (uint64_t seed = 0; seed < SOME; seed++) {
            scenario_mutate(&scenario, seed, &limits);
            assert_in_range(scenario.line_count, 0, lines);
            assert_settled(&scenario);
        }
    }
}

static void test_scope_holds(void **state)
{
    struct scenario scenario;
    (void)state;
    scenario_init(&scenario);
    for (uint64_t seed = 0; seed < CHAIN / 10; seed++) {
        scenario_mutate(&scenario, seed, &calls);
        assert_false(scenario_needs_simulation(&scenario));
        for (uint32_t i = 0; i < scenario.line_count; i++) {
            assert_int_not_equal(scenario_actor_process(scenario.lines[i].who), SCENARIO_WORLD);
        }
    }
}

/* ---- what it reaches ---- */

/* What has come, how often. */
struct seen {
    uint32_t verbs[SCENARIO_VERB_COUNT];
    uint32_t actors[SCENARIO_PROCESS_COUNT * SCENARIO_THREADS_MAX];
    uint32_t flags[SCENARIO_BEGINS + SCENARIO_ENDS];
    uint32_t schedules[SCENARIO_SCHEDULE_COUNT];
    uint32_t devices[SCENARIO_COUNT_MAX + 1];
    uint32_t dialects;
    bool changes, seed;
};

static uint32_t value_count(enum scenario_type type)
{
    const struct scenario_type_info *info = &scenario_types[type];
    return info->try_count != 0 ? info->try_count : (uint32_t)info->max + 1;
}

static void look_at(struct seen *seen, const struct scenario *scenario)
{
    seen->schedules[scenario->schedule]++;
    seen->devices[scenario->device_count]++;
    seen->dialects |= scenario->dialects;
    seen->changes = seen->changes || scenario->changes != 0;
    seen->seed = seen->seed || scenario->seed > UINT32_MAX;
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        const struct scenario_line *line = &scenario->lines[i];
        seen->verbs[line->verb]++;
        seen->actors[line->who]++;
        seen->flags[line->flags]++;
    }
}

static void test_everything_is_reached(void **state)
{
    static struct seen seen;
    struct scenario scenario;
    (void)state;
    scenario_init(&scenario);
    for (uint64_t seed = 0; seed < CHAIN; seed++) {
        scenario_mutate(&scenario, seed, &all);
        look_at(&seen, &scenario);
    }
    for (int i = 0; i < SCENARIO_VERB_COUNT; i++) {
        assert_int_not_equal(seen.verbs[i], 0);
    }
    for (int i = 0; i < SCENARIO_WORLD * SCENARIO_THREADS_MAX + 1; i++) {
        assert_int_not_equal(seen.actors[i], 0);
    }
    for (int i = 0; i < SCENARIO_SCHEDULE_COUNT; i++) {
        assert_int_not_equal(seen.schedules[i], 0);
    }
    assert_true(seen.flags[0] != 0 && seen.flags[SCENARIO_BEGINS] != 0 && seen.flags[SCENARIO_ENDS] != 0);
    assert_true(seen.devices[0] != 0 && seen.devices[1] != 0 && seen.devices[SCENARIO_COUNT_MAX] != 0);
    scenario.dialects = UINT32_MAX;
    scenario_settle(&scenario);
    assert_int_equal(seen.dialects, scenario.dialects);
    assert_true(seen.changes && seen.seed);
}

/* Which values worth trying the mutator never gives the argument in lines of this verb; bits. */
static uint64_t values_missing(enum scenario_verb verb, uint32_t place)
{
    enum scenario_type type = scenario_verb_info(verb)->args[place].type;
    const struct scenario_type_info *info = &scenario_types[type];
    struct scenario start, made;
    uint64_t reached = 0, wanted = (UINT64_C(1) << value_count(type)) - 1;
    scenario_init(&start);
    start.line_count = 4;
    for (uint32_t i = 0; i < start.line_count; i++) {
        start.lines[i] = (struct scenario_line){.verb = (uint8_t)verb};
        scenario_line_settle(&start.lines[i]);
    }
    for (uint64_t seed = 0; seed < CHAIN && reached != wanted; seed++) {
        made = start;
        scenario_mutate(&made, seed, &all);
        for (uint32_t i = 0; i < made.line_count; i++) {
            for (uint32_t j = 0; j < value_count(type) && made.lines[i].verb == verb; j++) {
                int64_t value = info->tries != NULL ? info->tries[j] : j;
                reached |= (uint64_t)(scenario_arg(&made.lines[i], place) == value) << j;
            }
        }
    }
    return wanted & ~reached;
}

static void test_every_value_of_every_argument_is_reached(void **state)
{
    (void)state;
    for (int verb = 0; verb < SCENARIO_VERB_COUNT; verb++) {
        for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
            uint64_t missing = values_missing((enum scenario_verb)verb, place);
            if (missing != 0) {
                fail_msg("%s, argument %u: the values 0x%llx never came",
                         scenario_verb_info((enum scenario_verb)verb)->name, place,
                         (unsigned long long)missing);
            }
        }
    }
}

/* ---- sense ---- */

static void test_nothing_becomes_active(void **state)
{
    struct scenario scenario;
    struct outlook outlook;
    uint32_t active = 0;
    (void)state;
    for (uint64_t seed = 0; seed < SOME; seed++) {
        const uint32_t both = OUTLOOK_CLIENT_OPEN | OUTLOOK_SERVER_OPEN;
        scenario_init(&scenario);
        scenario.device_count = (uint8_t)(1 + seed % 3);
        scenario_mutate(&scenario, seed, &calls);
        outlook_of(&scenario, scenario.line_count, &outlook);
        active += (outlook.devices[0] & both) == both && outlook.buffers != 0;
    }
    assert_in_range(active, SOME / 2, SOME); /* then other things were done to some */
}

/* Three of four lines need nothing that is not there, and some do. */
static void test_most_lines_make_sense(void **state)
{
    struct scenario scenario;
    uint32_t lines = 0, senseless = 0;
    (void)state;
    for (uint64_t seed = 0; seed < SOME; seed++) {
        struct outlook outlook;
        grow(&scenario, seed, &calls);
        outlook_of(&scenario, 0, &outlook);
        for (uint32_t i = 0; i < scenario.line_count; i++) {
            const struct scenario_line *line = &scenario.lines[i];
            lines++;
            senseless += !outlook_agrees(&outlook, line);
            outlook_pass(&outlook, line);
        }
    }
    assert_in_range(senseless, lines / 20, lines / 4);
}

/* What a child has, a parent had; and children of both there are. */
static void test_children_are_made_of_both(void **state)
{
    struct scenario a, b, child;
    uint32_t of_both = 0;
    (void)state;
    for (uint64_t seed = 0; seed < SOME; seed++) {
        bool has_a = false, has_b = false;
        grow(&a, 2 * seed, &all);
        grow(&b, 2 * seed + 1, &all);
        scenario_cross(&a, &b, seed, &all, &child);
        assert_in_range(child.line_count, 0, LINES);
        assert_settled(&child);
        for (uint32_t i = 0; i < child.line_count; i++) {
            bool in_a = false, in_b = false;
            for (uint32_t j = 0; j < LINES; j++) {
                in_a = in_a || (j < a.line_count && same_line(&child.lines[i], &a.lines[j]));
                in_b = in_b || (j < b.line_count && same_line(&child.lines[i], &b.lines[j]));
            }
            assert_true(in_a || in_b);
            has_a = has_a || !in_b;
            has_b = has_b || !in_a;
        }
        of_both += has_a && has_b;
    }
    assert_in_range(of_both, SOME / 4, SOME);
}

/* ---- bytes ---- */

static void test_bytes_stay_within_their_size(void **state)
{
    struct scenario scenario;
    (void)state;
    for (uint64_t seed = 0; seed < SOME; seed++) {
        size_t max_size = seed % 5 == 0 ? seed % 64 : seed;
        size_t length = max_size != 0 ? seed * 7 % max_size : 0;
        uint8_t *bytes = malloc(max_size != 0 ? max_size : 1), *child = malloc(max_size != 0 ? max_size : 1);
        assert_true(bytes != NULL && child != NULL);
        memset(bytes, (int)seed, length);
        size_t made = scenario_mutate_bytes(bytes, length, max_size, seed, MUTATE_ALL);
        assert_in_range(made, 0, max_size);
        scenario_decode(bytes, made, &scenario);
        assert_settled(&scenario);
        size_t crossed = scenario_cross_bytes(bytes, made, bytes, length, child, max_size, seed, MUTATE_ALL);
        assert_in_range(crossed, 0, max_size);
        if (max_size >= SCENARIO_HEADER_BYTES + SCENARIO_LINE_BYTES) {
            assert_in_range(made, SCENARIO_HEADER_BYTES, max_size);
            assert_in_range(crossed, SCENARIO_HEADER_BYTES, max_size);
        }
        free(bytes);
        free(child);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_scenario),
        cmocka_unit_test(test_same_seed_same_child),
        cmocka_unit_test(test_limits_hold),
        cmocka_unit_test(test_scope_holds),
        cmocka_unit_test(test_everything_is_reached),
        cmocka_unit_test(test_every_value_of_every_argument_is_reached),
        cmocka_unit_test(test_nothing_becomes_active),
        cmocka_unit_test(test_most_lines_make_sense),
        cmocka_unit_test(test_children_are_made_of_both),
        cmocka_unit_test(test_bytes_stay_within_their_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
