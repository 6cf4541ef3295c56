/* The language of scenarios: its two forms are equal, whatever bytes or text come, and every refusal says what was
 * found and what is expected. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event.h"
#include "model.h"
#include "plan.h"
#include "scenario_types.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    TEXT_MAX = 1 << 17,
    RANDOM_SCENARIOS = 100000,
};

static char text[TEXT_MAX], again[TEXT_MAX];
static uint8_t bytes[SCENARIO_BYTES_MAX];

static void parse(const char *from, struct scenario *scenario)
{
    struct fault_error error;
    uint32_t line = 0;
    if (scenario_parse(from, strlen(from), scenario, NULL, &error, &line) != 0) {
        fail_msg("line %u, byte %zu: %s, in:\n%s", line, error.offset, error.message, from);
    }
}

/* Text of it gives it again, and so do its bytes. */
static void assert_round_trip(const struct scenario *scenario)
{
    static struct scenario other;
    int length = scenario_print(scenario, text, sizeof text);
    assert_in_range(length, 1, sizeof text - 1);
    parse(text, &other);
    assert_true(scenario_equal(scenario, &other));
    assert_int_equal(scenario_print(&other, again, sizeof again), length);
    assert_string_equal(text, again);
    size_t size = scenario_encode(scenario, bytes, sizeof bytes);
    assert_int_equal(size, SCENARIO_HEADER_BYTES + scenario->line_count * SCENARIO_LINE_BYTES);
    memset(&other, 0xaa, sizeof other);
    scenario_decode(bytes, size, &other);
    assert_true(scenario_equal(scenario, &other));
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Bytes as an engine makes them: many zeros and small numbers, so that flags and types meet often. */
static size_t make_bytes(uint64_t *state)
{
    size_t length = next(state) % (SCENARIO_HEADER_BYTES + 5 * SCENARIO_LINE_BYTES);
    for (size_t i = 0; i < length; i++) {
        uint64_t draw = next(state);
        bytes[i] = (uint8_t)((draw >> 8) >> (draw % 3 * 3) & (draw >> 24 & 1 ? 0xff : 0));
    }
    return length;
}

static void test_any_bytes_are_a_scenario(void **state)
{
    static struct scenario scenario;
    uint64_t random = 1;
    (void)state;
    for (int i = 0; i < RANDOM_SCENARIOS; i++) {
        size_t length = make_bytes(&random);
        scenario_decode(bytes, length, &scenario);
        size_t lines = length > SCENARIO_HEADER_BYTES ? (length - SCENARIO_HEADER_BYTES + 31) / 32 : 0;
        assert_int_equal(scenario.line_count, lines);
        assert_round_trip(&scenario);
    }
}

static void test_too_many_bytes_are_cut(void **state)
{
    static uint8_t many[SCENARIO_BYTES_MAX + 100];
    static struct scenario scenario;
    (void)state;
    memset(many, 1, sizeof many);
    scenario_decode(many, sizeof many, &scenario);
    assert_int_equal(scenario.line_count, SCENARIO_LINES_MAX);
    assert_round_trip(&scenario);
    assert_int_equal(scenario_encode(&scenario, bytes, sizeof bytes - 1), 0);
    scenario_decode(NULL, 0, &scenario);
    assert_int_equal(scenario.line_count, 0);
    assert_int_equal(scenario.device_count, 0);
    assert_round_trip(&scenario);
}

/* Each verb with each value worth trying in each place, by each actor, with each result. */
static void try_verb(struct scenario *scenario, enum scenario_verb verb)
{
    const struct scenario_verb_info *info = scenario_verb_info(verb);
    struct scenario_line *line = &scenario->lines[0];
    for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
        const struct scenario_type_info *type = &scenario_types[info->args[place].type];
        for (uint32_t i = 0; i < (type->try_count != 0 ? type->try_count : (uint32_t)type->max + 1); i++) {
            *line = (struct scenario_line){.verb = (uint8_t)verb};
            scenario_set_arg(line, place, type->tries != NULL ? type->tries[i] : i);
            scenario_line_settle(line);
            assert_round_trip(scenario);
        }
    }
    for (int i = 0; i < 256; i++) {
        *line = (struct scenario_line){
            .verb = (uint8_t)verb, .who = (uint8_t)i, .expects = (uint8_t)(i / 4), .flags = (uint8_t)(i % 4)};
        scenario_line_settle(line);
        assert_round_trip(scenario);
    }
}

static void test_every_verb_and_value(void **state)
{
    struct scenario scenario;
    (void)state;
    scenario_init(&scenario);
    scenario.line_count = 1;
    for (int verb = 0; verb < SCENARIO_VERB_COUNT; verb++) {
        try_verb(&scenario, (enum scenario_verb)verb);
    }
}

/* Whatever name the project has for a completion code is read again. */
static void test_every_completion_code_by_name(void **state)
{
    struct scenario scenario;
    (void)state;
    scenario_init(&scenario);
    scenario.line_count = 1;
    scenario.lines[0] = (struct scenario_line){.verb = SCENARIO_CLIENT_COMPLETE_COMMAND};
    for (int32_t code = -1; code < 2000; code++) {
        const char *name = vdi_completion_name(code);
        scenario.lines[0].arg[1] = code;
        assert_round_trip(&scenario);
        assert_true(name == NULL || strstr(text, name) != NULL);
    }
}

static const char *const readable =
    "devices 2\n"
    "schedule pct seed 7 changes 3\n"
    "dialect close-open:noerror,timeout-unit:s\n"
    "client Create(set, features LikeTape|RequestComplete, server-timeout 1000) -> NOERROR\n"
    "client GetConfiguration(timeout 1000) ...\n"
    "server Open(set)                                    -> NOERROR\n"
    "client ... GetConfiguration                         -> VD_E_TIMEOUT\n"
    "client.2 GetCommand(0, timeout forever) ...\n"
    "server.4 SendCommand(0, Write, buffer 1, size 65536, position -1)\n"
    "client CompleteCommand(0, ERROR_DISK_FULL, held 2, bytes 18446744073709551615) -> VD_E_INVALID\n"
    "client CompleteCommand(unknown, 31)\n"
    "server SendCommand(7, 20, buffer foreign)           -> VD_E_QUEUE_FULL\n"
    "server IsSharedBuffer(none)                         -> FALSE\n"
    "secondary MapBufferHandle(8)\n"
    "another Destroy()\n"
    "world Kill(server)\n"
    "world Set(ring.buffer_offset, of 1, after 12, value 0xfffffffffffffe00, at 3)\n"
    "world Flip(header.client.number, value 0x1)\n"
    "world Switch(client.2, after 5)\n"
    "world Storm(every 7, count 20, seed 0x9)\n";

static void test_text_is_as_written(void **state)
{
    struct scenario scenario;
    (void)state;
    parse(readable, &scenario);
    scenario_print(&scenario, text, sizeof text);
    assert_string_equal(text, readable);
    assert_round_trip(&scenario);
    assert_int_equal(scenario.dialects, 1u << MODEL_DIALECT_CLOSE_OPEN | 1u << MODEL_DIALECT_TIMEOUT_UNIT);
    assert_int_equal(scenario.seed, 7);
    const struct scenario_line *create = &scenario.lines[0], *complete = &scenario.lines[6];
    assert_int_equal(scenario_arg(create, 1), VDF_LikeTape | VDF_RequestComplete);
    assert_int_equal(scenario_arg(complete, 1), ERROR_DISK_FULL);
    assert_int_equal(scenario_arg(complete, 2), 2);
    assert_int_equal(scenario_arg(complete, 3), -1);
    assert_int_equal(scenario_actor_process(scenario.lines[4].who), SCENARIO_CLIENT);
    assert_int_equal(scenario_actor_thread(scenario.lines[4].who), 1);
    assert_int_equal(scenario.lines[4].flags, SCENARIO_BEGINS);
    assert_int_equal(scenario_arg(&scenario.lines[4], 3), -1);
}

static void test_text_may_be_loose(void **state)
{
    struct scenario loose, strict;
    (void)state;
    parse(
        "# nothing\r\n\n  devices 3 # of tape\r\n"
        "\tclient.1 Create( set ,alignment 4096,features 0x173 )->\tNOERROR",
        &loose);
    parse("devices 3\nclient Create(set, features LikeTape, alignment 4096) -> NOERROR\n", &strict);
    assert_true(scenario_equal(&loose, &strict));
    parse("client GetCommand(timeout 5, 1)\nworld.1 Advance(0x10)", &loose);
    parse("client GetCommand(1, timeout 5)\nworld Advance(16)", &strict);
    assert_true(scenario_equal(&loose, &strict));
}

static void test_print_counts_what_does_not_fit(void **state)
{
    struct scenario scenario;
    char little[10];
    (void)state;
    parse(readable, &scenario);
    assert_int_equal(scenario_print(&scenario, NULL, 0), strlen(readable));
    assert_int_equal(scenario_print(&scenario, little, sizeof little), strlen(readable));
    assert_string_equal(little, "devices 2");
}

static void test_one_line_is_printed(void **state)
{
    struct scenario scenario;
    char line[128];
    (void)state;
    parse("world Kill(server, after 3)\nserver ... Wait -> VD_E_TIMEOUT\n", &scenario);
    assert_int_equal(scenario_print_line(&scenario.lines[0], line, sizeof line), 27);
    assert_string_equal(line, "world Kill(server, after 3)");
    scenario_print_line(&scenario.lines[1], line, sizeof line);
    assert_string_equal(line, "server ... Wait                                     -> VD_E_TIMEOUT");
}

static void test_plan_lines_go_to_the_plan(void **state)
{
    static const char both[] = "fault lost-close\ndevices 2\nserver seed 3\nserver Open(set)\nprobe yes\n";
    static struct plan plan;
    struct scenario scenario;
    struct fault_error error;
    uint32_t line = 0;
    (void)state;
    plan_init(&plan);
    assert_int_equal(scenario_parse(both, strlen(both), &scenario, &plan, &error, &line), 0);
    assert_int_equal(plan.fault_count, 1);
    assert_int_equal(plan.faults[0].kind, FAULT_LOST_CLOSE);
    assert_int_equal(plan.seed, 3);
    assert_int_equal(plan.probe, PLAN_YES);
    assert_int_equal(scenario.line_count, 1);
    assert_int_equal(scenario.device_count, 2);
}

static const struct {
    const char *text;
    uint32_t line, offset;
    const char *message;
} refused[] = {
    {"devices", 1, 7, "found the end of the line: expected a number, 0 to 65"},
    {"\ndevices 66", 2, 8, "found '66': expected a number, 0 to 65"},
    {"devices 2 3", 1, 10, "found '3': expected the end of the line"},
    {"schedule often", 1, 9, "found 'often': expected a schedule: in-order, round-robin, random or pct"},
    {"schedule random seed x", 1, 21, "found 'x': expected a number, 0 to 18446744073709551615"},
    {"schedule pct seed 1 changes 256", 1, 28, "found '256': expected a number, 0 to 255"},
    {"schedule in-order seed 1", 1, 18, "found 'seed': expected the end of the line"},
    {"dialect", 1, 7,
     "found the end of the line: expected a dialect, as close-open:noerror or timeout-unit:s"},
    {"dialect close-open:no", 1, 8,
     "found 'close-open:no': expected a dialect, as close-open:noerror or timeout-unit:s"},
    {"dialect :", 1, 8, "found ':': expected a dialect, as close-open:noerror or timeout-unit:s"},
    {"fault lost-close", 1, 0, "a line of a plan, where only a scenario is wanted"},
    {"server seed 3", 1, 7, "a line of a plan, where only a scenario is wanted"},
    {"nobody Open(set)", 1, 0,
     "found 'nobody': expected client, secondary, another, server (.1 to .4), world, devices, schedule, "
     "dialect, or a "
     "line of a plan"},
    {"client.5 Close()", 1, 0,
     "found 'client.5': expected client, secondary, another, server (.1 to .4), world, devices, schedule, "
     "dialect, or "
     "a line of a plan"},
    {"world.2 Kill(server)", 1, 0,
     "found 'world.2': expected client, secondary, another, server (.1 to .4), world, devices, schedule, "
     "dialect, or a "
     "line of a plan"},
    {"client", 1, 6, "found the end of the line: expected something that a client can do"},
    {"client Clos()", 1, 7, "found 'Clos': expected something that a client can do: did you mean 'Close'?"},
    {"server GetCommand(0)", 1, 7,
     "found 'GetCommand': expected something that the server can do: did you mean 'SendCommand'?"},
    {"world kill(server)", 1, 6,
     "found 'kill': expected something that the world can do: did you mean 'Kill'?"},
    {"world ... Kill", 1, 6, "found '...': expected something that the world can do"},
    {"client Close", 1, 12, "found the end of the line: expected '('"},
    {"client Close(", 1, 13, "found the end of the line: expected ')'"},
    {"client Close(3)", 1, 13, "found '3': Close has no such argument"},
    {"client GetCommand()", 1, 18, "found ')': expected a device, 0 to 7 or 'unknown'"},
    {"client GetCommand(9)", 1, 18, "found '9': expected a device, 0 to 7 or 'unknown'"},
    {"client GetCommand(0 1)", 1, 20, "found '1': expected ','"},
    {"client GetCommand(0, timeot 1)", 1, 21,
     "found 'timeot': GetCommand has no such argument: did you mean 'timeout'?"},
    {"client GetCommand(0, timeout)", 1, 28, "found ')': expected milliseconds or 'forever'"},
    {"client GetCommand(0, timeout -2)", 1, 29, "found '-2': expected milliseconds or 'forever'"},
    {"client GetCommand(0, timeout 1, timeout 1)", 1, 32, "'timeout' is told twice"},
    {"client Create(mine)", 1, 14,
     "found 'mine': expected a name: set, other, longest, empty, too-long or backslash"},
    {"client Create(set, features LikeCat)", 1, 28,
     "found 'LikeCat': expected features, as LikeTape|RequestComplete or 0x2173"},
    {"client Create(set, features Discard|)", 1, 28,
     "found 'Discard|': expected features, as LikeTape|RequestComplete or 0x2173"},
    {"client Create(set, prefix 4294967296)", 1, 26, "found '4294967296': expected a number of 32 bits"},
    {"client Create(set, alignment 18446744073709551616)", 1, 29,
     "found '18446744073709551616': expected a number of 64 bits"},
    {"server SendCommand(0, Wrote)", 1, 22, "found 'Wrote': expected a command, as Write, or 0 to 20"},
    {"server SendCommand(0, Read, position x)", 1, 37,
     "found 'x': expected a number of 64 bits, with a sign or without"},
    {"server SendCommand(0, Read, buffer 10)", 1, 35,
     "found '10': expected a buffer, 1 to 8, 'none' or 'foreign'"},
    {"server AllocateBuffer(size 18446744073709551615)", 1, 27,
     "found '18446744073709551615': expected a number of 32 bits"},
    {"client CompleteCommand(0, 2147483648)", 1, 26,
     "found '2147483648': expected a completion code, as SUCCESS, ERROR_DISK_FULL or 31"},
    {"client CompleteCommand(0, -2147483649)", 1, 26,
     "found '-2147483649': expected a completion code, as SUCCESS, ERROR_DISK_FULL or 31"},
    {"client CompleteCommand(0, -)", 1, 26,
     "found '-': expected a completion code, as SUCCESS, ERROR_DISK_FULL or 31"},
    {"client GetCommand(0, timeout", 1, 28, "found the end of the line: expected milliseconds or 'forever'"},
    {"client Create(set, features LikePipe||Discard)", 1, 28,
     "found 'LikePipe||Discard': expected features, as LikeTape|RequestComplete or 0x2173"},
    {"server {seed 3", 1, 7, "found '{seed': expected something that the server can do"},
    {"client CompleteCommand(0, DONE)", 1, 26,
     "found 'DONE': expected a completion code, as SUCCESS, ERROR_DISK_FULL or 31"},
    {"client CompleteCommand(0, SUCCESS, held 16)", 1, 40, "found '16': expected a command in hand, 0 to 15"},
    {"client MapBufferHandle(9)", 1, 23, "found '9': expected a handle, 1 to 8 or 'none'"},
    {"world Kill(world)", 1, 11, "found 'world': expected a process: client, secondary, another or server"},
    {"world Switch(world)", 1, 13, "found 'world': expected a thread, as client, client.2 or server.4"},
    {"world Set(header.hat)", 1, 10,
     "found 'header.hat': expected a word of shared memory, as header.phase, ring.turn, control or area"},
    {"world Set(area, value 0x)", 1, 22, "found '0x': expected a number of 64 bits"},
    {"client Close() -> VD_E_CLOSED", 1, 18, "found 'VD_E_CLOSED': expected a result, NOERROR or VD_E_..."},
    {"client Close() ->", 1, 17, "found the end of the line: expected a result, NOERROR or VD_E_..."},
    {"server IsSharedBuffer(1) -> NOERROR", 1, 28, "found 'NOERROR': expected TRUE or FALSE"},
    {"client Destroy() -> NOERROR", 1, 20, "found 'NOERROR': expected no result: it has none"},
    {"client Close() ... -> NOERROR", 1, 19, "found '->': expected the end of the line"},
    {"client ... Close()", 1, 16, "found '(': expected the end of the line"},
    {"world Kill(server) ...", 1, 19, "found '...': expected the end of the line"},
    {"client Close()\x1b[2J", 1, 14, "found '?[2J': expected the end of the line"},
};

static void test_refusals(void **state)
{
    static struct scenario scenario;
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct fault_error error;
        uint32_t line = 0;
        int status = scenario_parse(refused[i].text, strlen(refused[i].text), &scenario, NULL, &error, &line);
        if (status != EINVAL || strcmp(error.message, refused[i].message) != 0 || line != refused[i].line ||
            error.offset != refused[i].offset) {
            fail_msg("'%s' gave %d, line %u, byte %zu: %s", refused[i].text, status, line, error.offset,
                     error.message);
        }
    }
}

static void test_refusal_by_the_plan(void **state)
{
    static struct plan plan;
    static struct scenario scenario;
    static const char bad[] = "devices 1\n  fault lost-clothes\n";
    struct fault_error error;
    uint32_t line = 0;
    (void)state;
    plan_init(&plan);
    assert_int_equal(scenario_parse(bad, strlen(bad), &scenario, &plan, &error, &line), EINVAL);
    assert_int_equal(line, 2);
    assert_int_equal(error.offset, 8);
    assert_non_null(strstr(error.message, "lost-clothes"));
}

static void test_too_many_lines(void **state)
{
    static struct scenario scenario;
    struct fault_error error;
    uint32_t line = 0;
    size_t length = 0;
    (void)state;
    for (int i = 0; i <= SCENARIO_LINES_MAX; i++) {
        length += (size_t)sprintf(text + length, "client Close()\n");
    }
    assert_int_equal(scenario_parse(text, length, &scenario, NULL, &error, &line), EINVAL);
    assert_int_equal(line, SCENARIO_LINES_MAX + 1);
    assert_string_equal(error.message, "too many lines: expected at most 256");
}

static void test_expected_results(void **state)
{
    struct scenario_line line = {.verb = SCENARIO_CLIENT_CLOSE};
    int32_t result = 0;
    (void)state;
    assert_false(scenario_expected(&line, &result));
    for (int code = 0; code <= 15; code++) {
        int32_t wanted = code == 0 ? 0 : VD_ERROR(code);
        assert_true(scenario_expect(&line, wanted));
        assert_true(scenario_expected(&line, &result));
        assert_int_equal(result, wanted);
        assert_non_null(scenario_expected_word(&line));
    }
    assert_false(scenario_expect(&line, VD_ERROR(16)));
    assert_false(scenario_expected(&line, &result));
    line.verb = SCENARIO_SERVER_IS_SHARED_BUFFER;
    assert_true(scenario_expect(&line, 1));
    assert_string_equal(scenario_expected_word(&line), "TRUE");
    assert_false(scenario_expect(&line, VD_E_INVALID));
    line.verb = SCENARIO_SERVER_RUN_COMPLETIONS;
    assert_false(scenario_expect(&line, 0));
}

static void test_what_only_the_simulation_can_do(void **state)
{
    static const struct {
        const char *text;
        bool simulation;
    } rows[] = {{"client Close()", false},
                {"world Kill(server)", false},
                {"world Kill(server, after 1)", true},
                {"world Advance(0)", true},
                {"world FailMemory()", true},
                {"client GetCommand(0, timeout 9)\nworld Add(control)", true},
                {"client Create(set, features 1)", false},
                {"schedule round-robin", true}};
    struct scenario scenario;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        parse(rows[i].text, &scenario);
        assert_int_equal(scenario_needs_simulation(&scenario), rows[i].simulation);
    }
}

static void test_either_form_is_read(void **state)
{
    struct scenario written, read;
    struct fault_error error;
    uint32_t line = 0;
    (void)state;
    parse(readable, &written);
    size_t length = scenario_encode(&written, bytes, sizeof bytes);
    assert_int_equal(scenario_read(bytes, length, &read, NULL, &error, &line), 0);
    assert_true(scenario_equal(&written, &read));
    assert_int_equal(scenario_read((const uint8_t *)readable, strlen(readable), &read, NULL, &error, &line),
                     0);
    assert_true(scenario_equal(&written, &read));
    assert_int_equal(scenario_read((const uint8_t *)"devices", 7, &read, NULL, &error, &line), EINVAL);
    assert_int_equal(scenario_read((const uint8_t *)"devices\x01", 8, &read, NULL, &error, &line), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_bytes_are_a_scenario),
        cmocka_unit_test(test_too_many_bytes_are_cut),
        cmocka_unit_test(test_every_verb_and_value),
        cmocka_unit_test(test_every_completion_code_by_name),
        cmocka_unit_test(test_text_is_as_written),
        cmocka_unit_test(test_text_may_be_loose),
        cmocka_unit_test(test_print_counts_what_does_not_fit),
        cmocka_unit_test(test_one_line_is_printed),
        cmocka_unit_test(test_plan_lines_go_to_the_plan),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusal_by_the_plan),
        cmocka_unit_test(test_too_many_lines),
        cmocka_unit_test(test_expected_results),
        cmocka_unit_test(test_what_only_the_simulation_can_do),
        cmocka_unit_test(test_either_form_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
