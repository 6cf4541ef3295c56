/* test_report.c - what a report holds: the JSON contract (design 4.3), and what a person must find in the
 * text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "recorded.h"
#include "report_fixture.h"
#include "symbols.h"

static char *report_to_text(const struct report_input *input,
                            int (*report)(FILE *, const struct report_input *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(report(out, input), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static json_t *report_to_json(const struct report_input *input)
{
    json_t *root = NULL;
    assert_int_equal(report_value(input, &root), 0);
    char *text = json_dumps(root, 0);

    assert_non_null(text);
    assert_null(strstr(text, "geheim"));
    free(text);
    return root;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    assert_non_null(text);
    return text;
}

/* Exactly these keys, in any order: the schema is a contract. */
static void assert_keys(const json_t *object, const char *const *keys, size_t count)
{
    assert_int_equal(json_object_size(object), count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(json_object_get(object, keys[i]));
    }
}
#define ASSERT_KEYS(object, ...)                            \
    assert_keys(object, (const char *const[]){__VA_ARGS__}, \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void test_json_schema(void **state)
{
    struct fixture *fixture = *state;
    json_t *root = report_to_json(&fixture->input);
    json_t *client = json_object_get(root, "client");
    json_t *operation = json_array_get(json_object_get(root, "operations"), 0);
    json_t *fault = json_array_get(json_object_get(root, "faults"), 0);

    ASSERT_KEYS(root, "schema", "outcome", "client", "operations", "faults", "findings");
    assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
    assert_string_equal(text_of(root, "outcome"), "findings");
    ASSERT_KEYS(client, "argv", "exit", "signal", "timed_out", "wall_ms");
    assert_int_equal(json_integer_value(json_object_get(client, "exit")), 0);
    assert_true(json_is_null(json_object_get(client, "signal")));
    assert_true(json_is_false(json_object_get(client, "timed_out")));
    assert_int_equal(json_array_size(json_object_get(client, "argv")), 3);
    ASSERT_KEYS(operation, "id", "set", "database", "statement", "issued_by", "messages", "outcome", "bytes",
                "hash", "client_says", "durable");
    assert_string_equal(text_of(operation, "set"), "set-1");
    assert_string_equal(text_of(operation, "database"), "pubs");
    assert_string_equal(text_of(operation, "issued_by"), "client");
    assert_string_equal(text_of(operation, "outcome"), "success");
    assert_string_equal(text_of(operation, "hash"), "0000000000000abc");
    assert_string_equal(text_of(operation, "client_says"), "success");
    assert_string_equal(text_of(operation, "durable"), "not-observable");
    ASSERT_KEYS(fault, "fault", "fired");
    assert_string_equal(text_of(fault, "fault"), "lost-close@GetCommand:0");
    assert_int_equal(json_integer_value(json_object_get(fault, "fired")), 1);
    json_decref(root);
}

static void test_json_finding(void **state)
{
    struct fixture *fixture = *state;
    json_t *root = report_to_json(&fixture->input);
    json_t *finding = json_array_get(json_object_get(root, "findings"), 0);
    const char *where;

    assert_int_equal(json_array_size(json_object_get(root, "findings")), 1);
    ASSERT_KEYS(finding, "rule", "severity", "message", "op", "call", "function", "process", "device",
                "thread", "count", "fingerprint", "assumption", "backtrace", "repeat");
    assert_string_equal(text_of(finding, "rule"), "VDI-CLOSE-001");
    assert_string_equal(text_of(finding, "severity"), "error");
    assert_string_equal(text_of(finding, "function"), "Close");
    assert_string_equal(text_of(finding, "assumption"), "documented");
    assert_int_equal(json_integer_value(json_object_get(finding, "op")), 0);
    assert_int_equal(json_integer_value(json_object_get(finding, "device")), 0);
    assert_int_equal(json_integer_value(json_object_get(finding, "call")),
                     12); /* the client's twelfth call */
    assert_int_equal(json_integer_value(json_object_get(finding, "process")), 1);
    assert_int_equal(json_integer_value(json_object_get(finding, "thread")), 1);
    assert_int_equal(strlen(text_of(finding, "fingerprint")), 16);
    where = json_string_value(json_array_get(json_object_get(finding, "backtrace"), 0));
    assert_non_null(where);
    assert_non_null(strstr(where, "own_address"));
    json_decref(root);
}

/* X3 is behind the rule: said by a recording, and only where the run was read as it was. */
static void test_json_of_a_point_that_was_recorded(void **state)
{
    static const struct {
        const char *line, *dialect;
        bool marked;
    } cases[] = {
        {"server recorded close-open:open several-commands", NULL, true},
        {"server recorded close-open:open", "close-open:noerror", false},
        {"server recorded close-open:noerror", "timeout-unit:s,close-open:noerror", true},
        {"server recorded get-after-close:close", NULL, false},
        {"server seed 1", NULL, false},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fault_error error;
        struct plan plan;
        plan_init(&plan);
        assert_int_equal(plan_parse_line(cases[i].line, &plan, &error), 0);
        fixture->input.recorded = recorded_points(&plan.profile, cases[i].dialect);
        json_t *root = report_to_json(&fixture->input);
        json_t *finding = json_array_get(json_object_get(root, "findings"), 0);
        assert_string_equal(text_of(finding, "assumption"), "documented");
        json_t *recorded = json_object_get(finding, "recorded");
        assert_true(cases[i].marked ? json_is_true(recorded) : recorded == NULL);
        json_decref(root);
    }
}

static void test_json_of_a_run_that_never_was(void **state)
{
    static const struct judgement nothing = {0};
    struct fixture *fixture = *state;
    json_t *root;

    fixture->input.judgement = &nothing;
    fixture->input.event_count = 0;
    fixture->input.repeat = NULL;
    fixture->input.error = "./client: no such file";
    root = report_to_json(&fixture->input);
    assert_string_equal(text_of(root, "outcome"), "error");
    assert_true(json_is_null(json_object_get(json_object_get(root, "client"), "exit")));
    assert_int_equal(json_array_size(json_object_get(root, "findings")), 0);
    json_decref(root);
}

/* Where a program was loaded differs from run to run; a fingerprint must not. */
static void test_fingerprint_is_stable(void **state)
{
    struct fixture *fixture = *state;
    struct judgement moved = *fixture->input.judgement;
    struct finding finding = moved.findings[0];
    json_t *first = report_to_json(&fixture->input), *second, *third;

    struct stack *elsewhere = calloc(1, sizeof *elsewhere + sizeof elsewhere->frames[0]);
    assert_non_null(elsewhere);
    *elsewhere = (struct stack){.frame_count = 1};
    elsewhere->frames[0] = finding.stack->frames[0];
    elsewhere->frames[0].address += 0x10000000;
    elsewhere->frames[0].base += 0x10000000;
    finding.stack = elsewhere;
    moved.findings = &finding;
    fixture->input.judgement = &moved;
    second = report_to_json(&fixture->input);
    finding.rule = rule_find("VDI-CLOSE-004");
    third = report_to_json(&fixture->input);
#define FINGERPRINT(root) text_of(json_array_get(json_object_get(root, "findings"), 0), "fingerprint")
    assert_string_equal(FINGERPRINT(first), FINGERPRINT(second));
    assert_string_not_equal(FINGERPRINT(first), FINGERPRINT(third));
    json_decref(first);
    json_decref(second);
    json_decref(third);
    free(elsewhere);
}

static void test_text(void **state)
{
    static const char *const parts[] = {
        "findings: 1 finding, the worst: VDI-CLOSE-001 (error)\n",
        "lost-close@GetCommand:0, fired 1; first in call 6 of thread 2 on device 0",
        "a correct client then waits with a limit",
        "abort@Write#9:0, never fired",
        "^ lost-close@GetCommand:0 fired here",
        "GetCommand(timeout 1000) -> Write #1, 65536 bytes",
        "CompleteCommand(Write, SUCCESS, 65536 bytes) -> NOERROR",
        "GetCommand(timeout 1000) -> VD_E_TIMEOUT  (5 times)",
        "Close() -> VD_E_OPEN",
        "call      12: Close() -> VD_E_OPEN, thread 1 of process 1",
        " own_address\n",
        "more      vdifault explain VDI-CLOSE-001",
        "ignore    --ignore VDI-CLOSE-001@own_address\n",
        "^ VDI-CLOSE-001",
        "fix",
        "3014 (severity 0) BACKUP DATABASE successfully processed 1 pages.",
        "says success (exit status 0), 12 VDI calls, 1234 ms",
        "Repeat with\n  vdifault run --fault lost-close -- ./client -P ***",
    };
    struct fixture *fixture = *state;
    char *text = report_to_text(&fixture->input, report_text);

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!strstr(text, parts[i])) {
            fail_msg("no \"%s\" in:\n%s", parts[i], text);
        }
    }
    assert_null(strstr(text, "geheim"));
    assert_null(strchr(text, '\033'));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) <= 120);
    }
    free(text);
}

/* A clash of two threads shows both; what could not be seen is said at the end, once. */
static void test_other_thread_notes_and_ignored(void **state)
{
    struct fixture *fixture = *state;
    struct judgement judgement = *fixture->input.judgement;
    struct finding finding = judgement.findings[0];
    struct suppressions suppressions = {0};
    char why[64];
    json_t *root, *other;
    char *text;

    finding.other.call = 1; /* the first call is Create */
    finding.other.thread = THREAD_MAIN;
    finding.other.stack = finding.stack;
    while (fixture->events[finding.other.call - 1].event.kind != EVENT_CALL_BEGIN) {
        finding.other.call++;
    }
    judgement.findings = &finding;
    fixture->input.judgement = &judgement;
    for (int i = 0; i < 2; i++) {
        fixture_add(fixture,
                    (struct event){.kind = EVENT_NOTE, .side = EVENT_SIDE_CLIENT, .arg = {NOTE_GUARD}},
                    "the guard is off: no memory for it");
    }
    fixture->input.event_count = fixture->count;
    assert_int_equal(suppressions_add(&suppressions, "VDI-OUT-004@agent_main", why, sizeof why), 0);
    fixture->input.suppressions = &suppressions;
    fixture->input.ignored = 3;
    root = report_to_json(&fixture->input);
    other = json_object_get(json_array_get(json_object_get(root, "findings"), 0), "other");
    ASSERT_KEYS(other, "call", "thread", "backtrace");
    assert_int_equal(json_integer_value(json_object_get(other, "call")), 1);
    assert_int_equal(json_integer_value(json_object_get(other, "thread")), 1);
    assert_int_equal(json_array_size(json_object_get(other, "backtrace")), 1);
    assert_int_equal(json_array_size(json_object_get(root, "notes")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "ignored"), "findings")), 3);
    assert_int_equal(json_array_size(json_object_get(json_object_get(root, "ignored"), "unused")), 1);
    json_decref(root);
    text = report_to_text(&fixture->input, report_text);
    assert_non_null(strstr(text, "; 3 findings ignored\n"));
    assert_non_null(
        strstr(text, "other     1: Create(\"set-1\", 1 devices) -> NOERROR, thread 1 of process 1"));
    assert_non_null(strstr(text, "guard     the guard is off: no memory for it"));
    assert_non_null(strstr(text, "unused    --ignore VDI-OUT-004@agent_main fits no finding"));
    free(text);
    suppressions_free(&suppressions);
}

static void test_text_color_and_error(void **state)
{
    struct fixture *fixture = *state;
    char *text;

    fixture->input.color = true;
    fixture->input.error = "the disk is full";
    text = report_to_text(&fixture->input, report_text);
    assert_non_null(strchr(text, '\033'));
    assert_non_null(strstr(text, ": the disk is full\n"));
    free(text);
}

static void test_outcome(void **state)
{
    struct fixture *fixture = *state;
    struct judgement judgement = *fixture->input.judgement;
    struct finding finding = judgement.findings[0];

    finding.severity = SEVERITY_WARNING;
    judgement.findings = &finding;
    fixture->input.judgement = &judgement;
    assert_string_equal(report_outcome(&fixture->input), "clean");
    char *text = report_to_text(&fixture->input, report_text);
    assert_non_null(
        strstr(text, "clean but for 1 finding below --fail-on error, the worst: VDI-CLOSE-001 (warning)\n"));
    free(text);
    fixture->input.fail_on = SEVERITY_WARNING;
    assert_string_equal(report_outcome(&fixture->input), "findings");
    fixture->input.error = "x";
    assert_string_equal(report_outcome(&fixture->input), "error");
}

static void test_symbols_without_a_file(void **state)
{
    struct symbols *symbols;
    char text[128];

    (void)state;
    assert_int_equal(symbols_new(&symbols), 0);
    symbols_format(symbols_find(symbols, "/nowhere/client", 0x1000, 0x1234), text, sizeof text);
    assert_string_equal(text, "client+0x234");
    symbols_format(symbols_find(symbols, NULL, 0, 0x1234), text, sizeof text);
    assert_string_equal(text, "?+0x1234");
    symbols_free(symbols);
}

static void test_symbols_of_this_program(void **state)
{
    struct symbols *symbols;
    char text[256], *module;
    uint64_t base = fixture_load_base(&module);
    const struct symbols_place *place;

    (void)state;
    assert_int_equal(symbols_new(&symbols), 0);
    place = symbols_find(symbols, module, base, own_address());
    assert_string_equal(place->function, "own_address");
    assert_null(place->caller);
    symbols_format(place, text, sizeof text);
    assert_ptr_equal(strstr(text, "report_fixture.c:"),
                     text); /* needs debugging information: all presets have it */
    assert_ptr_equal(symbols_find(symbols, module, base, own_address()), place); /* looked up once */
    symbols_free(symbols);
    free(module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_schema, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_json_finding, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_json_of_a_point_that_was_recorded, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_json_of_a_run_that_never_was, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_fingerprint_is_stable, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_text, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_text_color_and_error, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_other_thread_notes_and_ignored, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_outcome, fixture_set_up, fixture_tear_down),
        cmocka_unit_test(test_symbols_without_a_file),
        cmocka_unit_test(test_symbols_of_this_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
