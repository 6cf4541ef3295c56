/* How a scenario is made smaller, with answers made up for the purpose instead of plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shrink_scenario.h"

static struct {
    bool (*shows)(const struct scenario *scenario);
    uint32_t asked;
    uint32_t stop_after; /* 0: never */
} world;

static void read_scenario(const char *text, struct scenario *scenario)
{
    struct fault_error error;
    uint32_t line = 0;
    if (scenario_parse(text, strlen(text), scenario, NULL, &error, &line) != 0) {
        fail_msg("line %u: %s", line, error.message);
    }
}

/* Every candidate can be written down and read again. */
static enum shrink_answer ask(void *context, const struct scenario *scenario)
{
    static struct scenario again;
    char text[4096], back[4096];
    (void)context;
    assert_in_range(scenario_print(scenario, text, sizeof text), 1, (int)sizeof text - 1);
    read_scenario(text, &again);
    scenario_print(&again, back, sizeof back);
    assert_string_equal(text, back);
    world.asked++;
    return world.stop_after != 0 && world.asked > world.stop_after ? SHRINK_STOP
           : world.shows(scenario)                                 ? SHRINK_SHOWN
                                                                   : SHRINK_NOT_SHOWN;
}

static struct shrink_scenario shrink_to(bool (*shows)(const struct scenario *scenario), const char *text,
                                        const char *expected)
{
    static struct scenario scenario;
    struct shrink_scenario shrink = {.ask = ask};
    char result[4096];
    world.asked = 0;
    world.shows = shows;
    read_scenario(text, &scenario);
    shrink_scenario(&shrink, &scenario);
    scenario_print(&scenario, result, sizeof result);
    assert_string_equal(result, expected);
    assert_int_equal(shrink.candidates, world.asked);
    return shrink;
}

static uint32_t count(const struct scenario *scenario, enum scenario_verb verb)
{
    uint32_t lines = 0;
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        lines += scenario->lines[i].verb == verb;
    }
    return lines;
}

/* ---- what may show it ---- */

static bool always(const struct scenario *scenario)
{
    (void)scenario;
    return true;
}

static bool two_closes(const struct scenario *scenario)
{
    return count(scenario, SCENARIO_CLIENT_CLOSE) >= 2;
}

static bool large_request(const struct scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        const struct scenario_line *line = &scenario->lines[i];
        if (line->verb == SCENARIO_SERVER_REQUEST_BUFFERS && (uint32_t)line->arg[0] >= 512) {
            return true;
        }
    }
    return false;
}

/* The buffer that is given back is one that was allocated. */
static bool buffer_given_back(const struct scenario *scenario)
{
    uint32_t allocated = 0;
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        const struct scenario_line *line = &scenario->lines[i];
        allocated += line->verb == SCENARIO_SERVER_ALLOCATE_BUFFER;
        if (line->verb == SCENARIO_SERVER_FREE_BUFFER && line->arg[0] > 0 &&
            (uint32_t)line->arg[0] == allocated) {
            return true;
        }
    }
    return false;
}

static bool two_devices_in_turn(const struct scenario *scenario)
{
    return scenario->device_count >= 2 && scenario->schedule == SCENARIO_RANDOM && scenario->seed != 0;
}

/* ---- */

static void nothing_is_left_of_what_does_not_matter(void **state)
{
    (void)state;
    struct shrink_scenario shrink = shrink_to(
        always,
        "devices 5\ndialect close-open:noerror,timeout-unit:ms\nschedule pct seed 7 changes 3\n"
        "client Create(set, features LikeTape) -> NOERROR\nserver.2 Open(set) ...\nserver.2 ... Open\n",
        "devices 1\n");
    assert_true(shrink.minimal);
    assert_true(shrink.candidates < 20);
}

static void lines_go_and_what_they_say_becomes_simple(void **state)
{
    (void)state;
    shrink_to(two_closes,
              "client Create(set)\nclient.2 Close() -> NOERROR\nserver Open(set)\nclient Close() ...\n"
              "client ... Close\nclient Close()\n",
              "devices 1\nclient Close()\nclient Close()\n");
}

static void arguments_go_to_where_something_changes(void **state)
{
    (void)state;
    shrink_to(large_request, "server RequestBuffers(size 70000, alignment 4096, count 3)\n",
              "devices 1\nserver RequestBuffers(size 512)\n");
}

static void numbers_move_up_with_what_gave_them(void **state)
{
    (void)state;
    shrink_to(
        buffer_given_back,
        "server AllocateBuffer(size 512)\nserver AllocateBuffer(size 512)\nserver AllocateBuffer(size 512)\n"
        "server FreeBuffer(3)\n",
        "devices 1\nserver AllocateBuffer()\nserver FreeBuffer(1)\n");
}

static void what_matters_of_the_setting_stays(void **state)
{
    (void)state;
    shrink_to(two_devices_in_turn, "devices 4\nschedule random seed 9\nclient Close()\n",
              "devices 2\nschedule random seed 9\n");
}

static void it_says_that_it_was_stopped(void **state)
{
    (void)state;
    world.stop_after = 2;
    struct shrink_scenario shrink =
        shrink_to(two_closes, "client Close()\nclient Create(set)\nclient Close()\n",
                  "devices 1\nclient Close()\nclient Create(set)\nclient Close()\n");
    assert_false(shrink.minimal);
    world.stop_after = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_of_what_does_not_matter),
        cmocka_unit_test(lines_go_and_what_they_say_becomes_simple),
        cmocka_unit_test(arguments_go_to_where_something_changes),
        cmocka_unit_test(numbers_move_up_with_what_gave_them),
        cmocka_unit_test(what_matters_of_the_setting_stays),
        cmocka_unit_test(it_says_that_it_was_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
