/* test_trace_print.c - a trace as text, as JSON lines and for Perfetto, and what filters let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "perfetto.h"
#include "runstate.h"
#include "trace_select.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    CLIENT = 100,
    MAIN = 100,
    WORKER = 101,
    SERVER = 200,
    EVENTS_MAX = 5000
};

struct fixture {
    struct plan plan;
    struct judgement judgement;
    struct finding finding;
    struct report_event events[EVENTS_MAX];
    char *arguments[2];
    struct report_input input;
    struct trace_print print;
};

static uint64_t add(struct fixture *fixture, struct event event, const char *text)
{
    size_t count = fixture->input.event_count++;
    assert_true(count < EVENTS_MAX);
    event.sequence = count + 1;
    event.time_ns = 1000000000 + count * 1000000;
    event.side = event.process == SERVER ? EVENT_SIDE_SERVER : EVENT_SIDE_CLIENT;
    fixture->events[count] = (struct report_event){event, text};
    return event.sequence;
}

static uint64_t begin(struct fixture *fixture, uint16_t function, int16_t device, uint32_t thread,
                      const int64_t *arg, const char *text)
{
    struct event event = {.kind = EVENT_CALL_BEGIN,
                          .function = function,
                          .device = device,
                          .process = CLIENT,
                          .thread = thread,
                          .set = 1,
                          .stack = 1};
    memcpy(event.arg, arg != NULL ? arg : (int64_t[7]){0}, sizeof event.arg);
    return add(fixture, event, text);
}

static void end(struct fixture *fixture, uint64_t call, int32_t result, const int64_t *arg)
{
    struct event event = fixture->events[call - 1].event;
    event.kind = EVENT_CALL_END;
    event.call = call;
    event.result = result;
    memcpy(event.arg, arg != NULL ? arg : (int64_t[7]){0}, sizeof event.arg);
    add(fixture, event, "");
}

/* Two threads in calls at once, a fault that closes the set within a call, folded calls, a call that never returned,
 * a command that was never completed, and texts that would like to steer the terminal. */
static void fill(struct fixture *fixture)
{
    struct event other = {.process = CLIENT, .thread = MAIN, .device = -1, .operation = -1, .set = 1};
    uint64_t create = begin(fixture, VDI_FN_CREATE, -1, MAIN, (int64_t[7]){2}, "set\033[31m\n1");
    other.kind = EVENT_CONFIGURATION;
    other.call = create;
    event_set_config_word(&other, 0, 2);
    add(fixture, other, "");
    end(fixture, create, 0, NULL);
    struct event server = {.kind = EVENT_STATEMENT_BEGIN,
                           .process = SERVER,
                           .thread = SERVER,
                           .device = -1,
                           .operation = -1,
                           .arg = {1, PROCESS_CLIENT}};
    add(fixture, server, "BACKUP DATABASE pubs");
    uint64_t waiting = begin(fixture, VDI_FN_GET_COMMAND, 1, WORKER, (int64_t[7]){1000}, "");
    uint64_t fetch = begin(fixture, VDI_FN_GET_COMMAND, 0, MAIN, (int64_t[7]){1000}, "");
    end(fixture, fetch, 0, (int64_t[7]){0x10, VDC_Write, 65536, 0, 0x7000, 1});
    end(fixture, waiting, 0, (int64_t[7]){0x20, VDC_Write, 512, 0, 0x8000, 1});
    end(fixture,
        begin(fixture, VDI_FN_COMPLETE_COMMAND, 0, MAIN,
              (int64_t[7]){0x10, 0, 65536, 0, (int64_t)fetch, VDC_Write}, ""),
        0, NULL);
    uint64_t idle = begin(fixture, VDI_FN_GET_COMMAND, 0, MAIN, (int64_t[7]){0}, "");
    end(fixture, idle, VD_E_TIMEOUT, NULL);
    fixture->events[fixture->input.event_count - 1].event.repeat = 9;
    uint64_t struck = begin(fixture, VDI_FN_GET_COMMAND, 0, MAIN, (int64_t[7]){1000}, "");
    other.kind = EVENT_FAULT;
    other.call = struck;
    memset(other.arg, 0, sizeof other.arg);
    add(fixture, other, "");
    uint64_t inner = begin(fixture, VDI_FN_CLOSE, -1, MAIN, NULL, "");
    fixture->events[inner - 1].event.flags = EVENT_FLAG_BY_FAULT;
    end(fixture, inner, VD_E_OPEN, NULL);
    end(fixture, struck, VD_E_ABORT, NULL);
    server.kind = EVENT_STATEMENT_END;
    server.arg[1] = STATEMENT_ABORTED;
    add(fixture, server, "");
    begin(fixture, VDI_FN_GET_COMMAND, 1, WORKER, (int64_t[7]){-1}, "");
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct fault_error error;
    assert_non_null(fixture);
    plan_init(&fixture->plan);
    assert_int_equal(plan_parse_line("fault early-close@GetCommand#3:0", &fixture->plan, &error), 0);
    fixture->arguments[0] = (char *)"./client";
    fixture->finding = (struct finding){.rule = rule_find("VDI-GETCMD-003"), .call = 6, .message = "it did"};
    fixture->judgement = (struct judgement){.finding_count = 1, .findings = &fixture->finding};
    fixture->input = (struct report_input){.judgement = &fixture->judgement,
                                           .plan = &fixture->plan,
                                           .events = fixture->events,
                                           .client_argc = 1,
                                           .client_argv = fixture->arguments,
                                           .wall_ms = 12,
                                           .events_dropped = 4};
    fixture->print = (struct trace_print){.input = &fixture->input,
                                          .filter = {.device = -1},
                                          .started = 1600000000000000,
                                          .dialect = "open-active:protocol"};
    fill(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static char *printed(const struct trace_print *print, int (*printer)(FILE *, const struct trace_print *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(printer(out, print), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* The lines below the heading; the text is the caller's. */
static const char *body(const char *text)
{
    const char *heading = strstr(text, "device\n");
    assert_non_null(heading);
    return heading + strlen("device\n");
}

static void text_is_a_line_a_call(void **state)
{
    struct fixture *fixture = *state;
    char *text = printed(&fixture->print, trace_print_text);
    static const char expected[] =
        "# client: ./client\n"
        "# started: 2020-09-13 12:26:40 UTC, 12 ms\n"
        "# events: 19, lost: 4\n"
        "# dialect: open-active:protocol\n"
        "# process 1 (pid 100): threads 1 2\n"
        "fault early-close@GetCommand#3:0\n";
    static const char lines[] =
        "       0.000          1       1       -  Create(\"set?[31m?1\", 2 devices) -> NOERROR\n"
        "       1.000     config       1       -  deviceCount 2\n"
        "       3.000     server       -       -  statement 1 of client: BACKUP DATABASE pubs\n"
        "       4.000          2       2       1  GetCommand(timeout 1000) ...\n"
        "       5.000          3       1       0  GetCommand(timeout 1000) -> Write #1, 65536 bytes\n"
        "       7.000          2       2       1  ... GetCommand -> Write #1, 512 bytes\n"
        "       8.000          4       1       0  CompleteCommand(Write, SUCCESS, 65536 bytes) -> NOERROR\n"
        "      10.000          5       1       0  GetCommand(timeout 0) -> VD_E_TIMEOUT  (10 times)\n"
        "      12.000         15       1       0  GetCommand(timeout 1000) ...\n"
        "      13.000      FAULT       1       -  early-close@GetCommand#3:0 fires\n"
        "      14.000   by fault       1       -  Close() -> VD_E_OPEN\n"
        "      16.000         15       1       0  ... GetCommand -> VD_E_ABORT\n"
        "      17.000     server       -       -  statement 1 ends: aborted, 0 bytes, hash 0000000000000000\n"
        "      18.000         16       2       1  GetCommand(timeout -1) -> (did not return)\n";
    fixture->print.input = &fixture->input;
    if (strncmp(text, expected, strlen(expected)) != 0) {
        assert_string_equal(text, expected);
    }
    assert_string_equal(body(text), lines);
    free(text);
}

struct filter_case {
    struct trace_filter filter;
    const char *expected; /* the ordinals or marks of the lines */
};

static const struct filter_case filter_cases[] = {
    {{.device = -1, .thread = 2}, "2 16"},
    {{.device = -1, .process = 1, .thread = 1}, "1 config 3 4 5 15 FAULT by 15"},
    {{.device = -1, .process = 2}, ""},
    {{.device = 1}, "2 16"},
    {{.device = 5}, ""},
    {{.device = -1, .function = VDI_FN_COMPLETE_COMMAND}, "4"},
    {{.device = -1, .function = VDI_FN_CREATE}, "1 config"},
    {{.device = -1, .first_call = 4, .last_call = 4}, "4"},
    {{.device = -1, .first_call = 8, .last_call = 9}, "5"}, /* two of the ten that its line stands for */
    {{.device = -1, .first_call = 15, .last_call = INT64_MAX}, "15 FAULT by 15 server 16"},
    {{.device = 0, .thread = 1, .function = VDI_FN_GET_COMMAND, .first_call = 1, .last_call = 5}, "3 5"},
};

static void filters_let_through(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof filter_cases / sizeof filter_cases[0]; i++) {
        char shown[256] = "", word[32];
        fixture->print.filter = filter_cases[i].filter;
        char *text = printed(&fixture->print, trace_print_text);
        for (const char *line = body(text); sscanf(line, "%*s %31s", word) == 1;
             line = strchr(line, '\n') + 1) {
            snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "%s%s", shown[0] != '\0' ? " " : "",
                     word);
        }
        if (strcmp(shown, filter_cases[i].expected) != 0) {
            fail_msg("filter %zu: '%s' instead of '%s'", i, shown, filter_cases[i].expected);
        }
        free(text);
    }
}

static void json_has_the_same_keys_everywhere(void **state)
{
    static const char *const keys[] = {"sequence", "ns",     "kind",        "side",      "call",  "process",
                                       "pid",      "thread", "tid",         "operation", "set",   "device",
                                       "function", "result", "result_name", "command",   "begin", "repeat",
                                       "flags",    "stack",  "version",     "args",      "text"};
    struct fixture *fixture = *state;
    char *text = printed(&fixture->print, trace_print_json);
    size_t lines = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        assert_int_equal(json_object_size(object), sizeof keys / sizeof keys[0]);
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            assert_non_null(json_object_get(object, keys[i]));
        }
        assert_int_equal(json_integer_value(json_object_get(object, "sequence")), lines + 1);
        if (lines == 6) {
            assert_string_equal(json_string_value(json_object_get(object, "kind")), "call-end");
            assert_string_equal(json_string_value(json_object_get(object, "command")), "Write");
            assert_string_equal(json_string_value(json_object_get(object, "result_name")), "NOERROR");
            assert_int_equal(json_integer_value(json_object_get(object, "call")), 3);
            assert_int_equal(json_integer_value(json_object_get(object, "thread")), 1);
            assert_int_equal(json_integer_value(json_object_get(object, "ns")), 6000000);
        }
        json_decref(object);
    }
    assert_int_equal(lines, fixture->input.event_count);
    free(text);
}

static void perfetto_keeps_the_format(void **state)
{
    struct fixture *fixture = *state;
    struct perfetto seen;
    char *text = printed(&fixture->print, trace_print_perfetto);
    perfetto_check(text, &seen);
    assert_int_equal(seen.slices, 8);   /* as many calls, the one that did not return among them */
    assert_int_equal(seen.commands, 3); /* one completed, one not, and the statement */
    assert_int_equal(seen.flows, 1);
    assert_int_equal(seen.instants, 5); /* configuration, fault, finding, two of the statement */
    assert_non_null(strstr(text, "VDI-GETCMD-003: it did"));
    assert_non_null(strstr(text, "set 1 device 1: commands in the client's hands"));
    free(text);
}

/* xorshift64: the same events at every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static struct event random_event(uint64_t *seed, uint64_t sequence)
{
    uint64_t range = next_random(seed) % 16 == 0 ? UINT64_MAX : 4;
    struct event event = {
        .sequence = sequence,
        .time_ns = next_random(seed) % 8 == 0 ? next_random(seed) : sequence * 1000,
        .kind = (uint8_t)(EVENT_TEXT + 1 + next_random(seed) % (EVENT_KIND_COUNT - EVENT_TEXT - 1)),
        .side = (uint8_t)(next_random(seed) % 5),
        .function = (uint16_t)(1 + next_random(seed) % (VDI_FN_COUNT - 1)),
        .device = (int16_t)(next_random(seed) % (RUN_DEVICES_MAX + 1)) - 1,
        .operation = (int32_t)(next_random(seed) % 3) - 1,
        .process = (uint32_t)(next_random(seed) % range % 5),
        .thread = (uint32_t)(next_random(seed) % range % 7),
        .set = next_random(seed) % range,
        .call = sequence - next_random(seed) % 8,
        .flags = next_random(seed) % 8 != 0 ? 0 : (uint32_t)next_random(seed)};
    for (int i = 0; i < 7; i++) {
        event.arg[i] = (int64_t)(next_random(seed) % range);
    }
    event.arg[0] = event.kind == EVENT_FAULT ? event.arg[0] & 63 : event.arg[0];
    event.arg[4] = (int64_t)(sequence - next_random(seed) % 8);
    event.result = next_random(seed) % 2 == 0 ? 0 : VD_E_ABORT;
    event.repeat = next_random(seed) % 8 == 0 ? (uint32_t)next_random(seed) : 0;
    return event;
}

/* A kind, an action or a note that is new to event.h has its words, too. */
static void everything_has_a_name(void **state)
{
    struct fixture *fixture = *state;
    struct view *view = NULL;
    const char *mark;
    char line[TRACE_LINE_MAX];
    for (int kind = EVENT_CALL_BEGIN; kind < EVENT_KIND_COUNT; kind++) {
        assert_string_not_equal(trace_kind_name((uint8_t)kind), "unknown");
    }
    for (int kind = NOTE_GUARD; kind < NOTE_KIND_END; kind++) {
        assert_string_not_equal(note_name(kind), "note");
    }
    assert_int_equal(view_new(fixture->print.input, &view), 0);
    for (int action = FILE_OPEN; action <= FILE_BUFFERED; action++) {
        struct report_event event = {{.kind = EVENT_FILE, .arg = {action}}, ""};
        assert_true(trace_describe(view, &event, &mark, line));
        assert_int_not_equal(line[0], '?');
    }
    view_free(view);
}

/* Any events that a reader lets through: nothing crashes, lines stay lines, JSON stays JSON and a timeline keeps its
 * rules. */
static void any_events_are_printed(void **state)
{
    static const char *const texts[] = {"", "a\nb", "\xff\xfe", "\"quoted\\\"", "\033[2J", "BACKUP"};
    struct fixture *fixture = *state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed * 0x9e3779b97f4a7c15u;
        struct perfetto seen;
        fixture->input.event_count = 0;
        for (uint64_t i = 0; i < 2000; i++) {
            uint64_t sequence = next_random(&random) % 16 == 0 ? i : i + 1;
            fixture->events[i] = (struct report_event){
                random_event(&random, i > 0 && sequence < fixture->events[i - 1].event.sequence
                                          ? fixture->events[i - 1].event.sequence
                                          : sequence),
                texts[next_random(&random) % 6]};
            fixture->input.event_count++;
        }
        fixture->print.filter = (struct trace_filter){
            .device = seed % 4 == 0 ? 0 : -1, .first_call = seed % 5 == 0 ? 10 : 0, .last_call = 1000};
        char *text = printed(&fixture->print, trace_print_text);
        assert_null(strchr(text, '\033'));
        free(text);
        text = printed(&fixture->print, trace_print_json);
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            json_t *object = json_loads(line, 0, NULL);
            assert_non_null(object);
            json_decref(object);
        }
        free(text);
        text = printed(&fixture->print, trace_print_perfetto);
        perfetto_check(text, &seen);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_is_a_line_a_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(filters_let_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_has_the_same_keys_everywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(perfetto_keeps_the_format, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everything_has_a_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_events_are_printed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
