/* test_results.c - a sweep read from its report: what findings and summary make of it, and the JUnit and SARIF
 * forms (the page has test_html.c, the merge of shards test_merge.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"
#include "rules.h"
#include "sweep_fixture.h"

static char *text_of(json_t *report, int (*format)(FILE *, json_t *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(format(out, report), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;

    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

static json_int_t summary_number(json_t *sweep, const char *key)
{
    return results_number(json_object_get(sweep, "summary"), key, -1);
}

/* ---- findings and summary ---- */

static void test_findings_are_distinct(void **state)
{
    json_t *sweep = sweep_fixture(300), *findings = json_object_get(sweep, "findings"), *finding;
    size_t i, told = 0, severity = 2;

    (void)state;
    assert_true(json_array_size(findings) >= 4);
    json_array_foreach(findings, i, finding)
    {
        told += json_array_size(json_object_get(finding, "runs"));
        assert_true((size_t)results_severity(finding) <= severity); /* the most severe come first */
        severity = (size_t)results_severity(finding);
        assert_non_null(json_object_get(finding, "grade"));
    }
    assert_int_equal(summary_number(sweep, "runs"), 300);
    assert_true((json_int_t)told >= summary_number(sweep, "with_findings"));
    json_decref(sweep);
}

/* A sweep that is concluded again, as by a merge, keeps the command of the smallest plan; without one the first
 * run's. */
static void test_what_the_sweep_knows_stays(void **state)
{
    json_t *sweep = json_loads(
        "{\"schema\":1,\"outcome\":\"clean\",\"client\":{\"argv\":[]},\"runs\":["
        "{\"id\":2,\"outcome\":\"findings\",\"findings\":[{\"rule\":\"VDI-OUT-001\","
        "\"severity\":\"error\",\"message\":\"m\",\"fingerprint\":\"1\",\"repeat\":\"of the run\"}]}]}",
        0, NULL);
    json_t *finding;

    (void)state;
    assert_int_equal(results_conclude(sweep), 0);
    finding = json_array_get(json_object_get(sweep, "findings"), 0);
    assert_string_equal(results_text(finding, "repeat"), "of the run");
    json_object_set_new(finding, "repeat", json_string("of the plan"));
    assert_int_equal(results_conclude(sweep), 0);
    finding = json_array_get(json_object_get(sweep, "findings"), 0);
    assert_string_equal(results_text(finding, "repeat"), "of the run");
    json_object_set_new(finding, "repeat", json_string("of the plan"));
    json_object_set_new(finding, "grade", json_string("7/10"));
    json_object_set_new(finding, "minimised", json_pack("[s]", "fault lost-close"));
    assert_int_equal(results_conclude(sweep), 0);
    finding = json_array_get(json_object_get(sweep, "findings"), 0);
    assert_string_equal(results_text(finding, "repeat"), "of the plan");
    assert_string_equal(results_text(finding, "grade"), "7/10");
    json_decref(sweep);
}

/* survived_percent leaves out what showed nothing. */
static void test_summary_of_few_runs(void **state)
{
    json_t *sweep = json_loads(
        "{\"schema\":1,\"outcome\":\"clean\",\"client\":{\"argv\":[]},\"runs\":["
        "{\"id\":0,\"outcome\":\"clean\"},{\"id\":1,\"outcome\":\"clean\",\"vacuous\":\"x\"},"
        "{\"id\":2,\"outcome\":\"findings\",\"findings\":[{\"rule\":\"VDI-OUT-001\","
        "\"severity\":\"error\",\"message\":\"m\",\"fingerprint\":\"1\"}]},"
        "{\"id\":3,\"outcome\":\"clean\"}]}",
        0, NULL);

    (void)state;
    assert_int_equal(results_conclude(sweep), 0);
    assert_int_equal(summary_number(sweep, "runs"), 4);
    assert_int_equal(summary_number(sweep, "vacuous"), 1);
    assert_int_equal(summary_number(sweep, "clean"), 2);
    assert_int_equal(summary_number(sweep, "with_findings"), 1);
    assert_true(json_real_value(json_object_get(json_object_get(sweep, "summary"), "survived_percent")) >
                66.6);
    assert_string_equal(results_text(sweep, "outcome"), "findings");
    json_object_set_new(json_array_get(json_object_get(sweep, "runs"), 3), "outcome", json_string("error"));
    assert_int_equal(results_conclude(sweep), 0);
    assert_string_equal(results_text(sweep, "outcome"), "error");
    json_decref(sweep);
}

static char *sweep_text(json_t *sweep)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    assert_int_equal(report_sweep_text(out, sweep, false), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_a_run_is_a_sweep_of_one(void **state)
{
    json_t *run = json_loads(
        "{\"schema\":1,\"outcome\":\"findings\",\"client\":{\"argv\":[\"./c\"],\"wall_ms\":5},"
        "\"operations\":[],\"faults\":[{\"fault\":\"abort(by=client)@Write#3:1\",\"fired\":1}],"
        "\"findings\":[{\"rule\":\"VDI-OUT-001\",\"severity\":\"error\",\"message\":\"m\"}]}",
        0, NULL);
    json_t *sweep = results_of(run), *only = json_array_get(json_object_get(sweep, "runs"), 0);

    (void)state;
    assert_non_null(sweep);
    assert_string_equal(results_text(only, "fault"), "abort");
    assert_string_equal(results_text(only, "site"), "Write#3:1");
    assert_string_equal(results_text(only, "key"), "abort(by=client)@Write#3:1");
    assert_null(results_vacuous(only));
    assert_int_equal(json_array_size(json_object_get(sweep, "findings")), 1);
    assert_int_equal(summary_number(sweep, "sites"), 1);
    assert_int_equal(results_fault_kinds(sweep), 1);
    json_decref(sweep);
    json_decref(run);
}

static void test_a_fault_of_a_run_that_stays(void **state)
{
    static const struct {
        const char *fault;
        bool stays;
    } rows[] = {{"error@GetCommand#3", false},
                {"error@GetCommand#3:*", false},
                {"lost-close", false},
                {"error@GetCommand#3+:1", true},
                {"error@GetCommand#*", true}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *run = json_pack("{s:i, s:s, s:{}, s:[{s:s, s:i}]}", "schema", 1, "outcome", "clean", "client",
                                "faults", "fault", rows[i].fault, "fired", 1);
        json_t *sweep = results_of(run), *only = json_array_get(json_object_get(sweep, "runs"), 0);

        assert_int_equal(json_is_true(json_object_get(only, "persistent")), rows[i].stays);
        json_decref(sweep);
        json_decref(run);
    }
}

/* As in a sweep: a run without a fault has neither kind nor site. */
static void test_a_run_without_a_fault(void **state)
{
    json_t *run = json_loads(
        "{\"schema\":1,\"outcome\":\"clean\",\"client\":{\"argv\":[\"./c\"]},"
        "\"faults\":[],\"findings\":[]}",
        0, NULL);
    json_t *sweep = results_of(run), *only = json_array_get(json_object_get(sweep, "runs"), 0);
    char *text = sweep_text(sweep);

    (void)state;
    assert_true(json_is_null(json_object_get(only, "fault")));
    assert_true(json_is_null(json_object_get(only, "site")));
    assert_string_equal(results_text(only, "key"), "no fault");
    assert_int_equal(summary_number(sweep, "sites"), 0);
    assert_int_equal(results_fault_kinds(sweep), 0);
    assert_string_equal(text, "\n1 run: 1 clean, 0 with findings, 0 vacuous; no fault was injected\n");
    free(text);
    json_decref(sweep);
    json_decref(run);
}

static void test_frames(void **state)
{
    static const struct {
        const char *text, *place;
        int line;
        const char *function;
    } rows[] = {
        {"a file.c:42 f", "a file.c", 42, "f"},
        {"session.cpp:311 vdi::Session::close(bool)", "session.cpp", 311, "vdi::Session::close(bool)"},
        {"lib.so+0x12 g", "lib.so+0x12", 0, "g"},
        {"lib.so+0x12", "lib.so+0x12", 0, ""},
        {"x:1", "x", 1, ""},
        {"x:99999999999999 f", "x:99999999999999", 0, "f"},
        {"", "", 0, ""},
    };
    struct result_frame frame;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        results_frame(rows[i].text, &frame);
        assert_string_equal(frame.place, rows[i].place);
        assert_int_equal(frame.line, rows[i].line);
        assert_string_equal(frame.function, rows[i].function);
    }
}

/* ---- JUnit ---- */

static void test_junit(void **state)
{
    json_t *sweep = sweep_fixture(300);
    char *text = text_of(sweep, report_junit);
    size_t violations = 0, vacuous = 0, i;
    json_t *run;

    (void)state;
    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        violations += strcmp(results_text(run, "outcome"), "findings") == 0;
        vacuous += results_kind(run) == RESULT_VACUOUS;
    }
    assert_true(violations > 0 && vacuous > 0);
    assert_int_equal(occurrences(text, "<testcase "), 300);
    assert_int_equal(occurrences(text, "<failure "), violations);
    assert_int_equal(occurrences(text, "<skipped "), vacuous);
    assert_int_equal(occurrences(text, "<error "), 0);
    assert_non_null(strstr(text, "<testsuite name=\"lost-close\""));
    assert_non_null(strstr(text, "classname=\"vdifault.abort\" name=\"abort(by=client)@Write#1+:0\""));
    assert_non_null(
        strstr(text, "repeat: vdifault run --seed 1 --fault &#39;lost-close@GetCommand#1:0&#39;"));
    assert_non_null(strstr(text, "    at device_loop.c:118 serve_device"));
    assert_non_null(
        strstr(text, "<skipped message=\"GetCommand was never called a second time on this device\"/>"));
    json_object_set_new(json_array_get(json_object_get(sweep, "runs"), 0), "outcome", json_string("error"));
    free(text);
    text = text_of(sweep, report_junit);
    assert_int_equal(occurrences(text, "<error type=\"setup\""), 1);
    free(text);
    json_decref(sweep);
}

/* No character that XML 1.0 forbids, and markup is ours alone. */
static void test_junit_of_hostile_names(void **state)
{
    json_t *sweep = sweep_fixture_hostile();
    char *text = text_of(sweep, report_junit);

    (void)state;
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "<img"));
    assert_null(strstr(text, "\xe2\x80\xae")); /* turns the order of what follows */
    for (const char *at = text; *at; at++) {
        assert_true(*at == '\n' || (unsigned char)*at >= ' ');
        assert_int_not_equal(*at, 0x7f);
    }
    assert_int_equal(occurrences(text, "<testcase "), occurrences(text, "</testcase>"));
    free(text);
    json_decref(sweep);
}

/* ---- SARIF ---- */

static json_t *sarif_of(json_t *sweep)
{
    char *text = text_of(sweep, report_sarif);
    json_t *log = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(log);
    free(text);
    return log;
}

/* A URI reference is ASCII without blanks and quotes, and each % begins a number. */
static void check_uri(const char *uri)
{
    assert_true(*uri != '\0' && *uri != '/');
    for (; *uri; uri++) {
        assert_true(*uri > ' ' && *uri < 0x7f && !strchr("<>\"{}|\\^`:#?", *uri));
        if (*uri == '%') {
            assert_int_equal(strspn(uri + 1, "0123456789ABCDEF") >= 2, 1);
        }
    }
}

static void check_location(const json_t *location)
{
    const json_t *physical = json_object_get(location, "physicalLocation");
    const json_t *region = json_object_get(physical, "region");

    check_uri(results_text(json_object_get(physical, "artifactLocation"), "uri"));
    assert_true(!region || results_number(region, "startLine", 0) >= 1);
}

/* What the public schema and the viewers ask of a result. */
static void check_result(const json_t *result)
{
    const json_t *stack = json_array_get(json_object_get(result, "stacks"), 0), *frame;
    const char *level = results_text(result, "level");
    json_int_t index = results_number(result, "ruleIndex", -1);
    size_t i;

    assert_true(strcmp(level, "error") == 0 || strcmp(level, "warning") == 0 || strcmp(level, "note") == 0);
    assert_true(*results_text(json_object_get(result, "message"), "text"));
    assert_true(index < (json_int_t)rule_count);
    if (index >= 0) {
        assert_string_equal(rule_table[index].id, results_text(result, "ruleId"));
    }
    assert_int_equal(json_array_size(json_object_get(result, "locations")), 1);
    check_location(json_array_get(json_object_get(result, "locations"), 0));
    assert_true(*results_text(json_object_get(result, "partialFingerprints"), "vdifault/v1"));
    json_array_foreach(json_object_get(stack, "frames"), i, frame)
    {
        check_location(json_object_get(frame, "location"));
    }
    assert_true(results_number(result, "occurrenceCount", 0) >= 1);
}

static void check_flow(const json_t *result)
{
    const json_t *flow = json_array_get(json_object_get(result, "codeFlows"), 0);
    const json_t *thread, *step;
    size_t i, at, steps = 0;

    json_array_foreach(json_object_get(flow, "threadFlows"), i, thread)
    {
        assert_true(json_array_size(json_object_get(thread, "locations")) > 0);
        json_array_foreach(json_object_get(thread, "locations"), at, step)
        {
            assert_true(results_number(step, "executionOrder", 0) >= 1);
            steps++;
        }
    }
    assert_true(steps > 5);
}

static void check_sarif(json_t *sweep)
{
    json_t *log = sarif_of(sweep), *run = json_array_get(json_object_get(log, "runs"), 0), *result;
    json_t *rules = json_object_get(json_object_get(json_object_get(run, "tool"), "driver"), "rules"), *rule;
    size_t i;

    assert_string_equal(results_text(log, "version"), "2.1.0");
    assert_int_equal(json_array_size(rules), rule_count);
    json_array_foreach(rules, i, rule)
    {
        assert_string_equal(results_text(rule, "id"), rule_table[i].id);
        assert_true(*results_text(json_object_get(rule, "help"), "text"));
    }
    assert_int_equal(json_array_size(json_object_get(run, "results")),
                     json_array_size(json_object_get(sweep, "findings")));
    json_array_foreach(json_object_get(run, "results"), i, result)
    {
        check_result(result);
        check_flow(result);
    }
    json_decref(log);
}

static void test_sarif(void **state)
{
    json_t *sweep = sweep_fixture(400), *log, *result;

    (void)state;
    check_sarif(sweep);
    log = sarif_of(sweep);
    result = json_array_get(json_object_get(json_array_get(json_object_get(log, "runs"), 0), "results"), 0);
    assert_string_equal(results_text(result, "ruleId"), "VDI-OUT-002");
    assert_string_equal(results_text(result, "level"), "error");
    json_decref(log);
    json_decref(sweep);
}

static void test_sarif_of_hostile_names(void **state)
{
    json_t *sweep = sweep_fixture_hostile();

    (void)state;
    check_sarif(sweep);
    json_decref(sweep);
}

/* Reports come from files: nothing in them may be trusted to be there, or to be of a type. */
static void test_odd_objects(void **state)
{
    static const char *const odd[] = {
        "{\"runs\":[{}]}",
        "{\"schema\":1,\"client\":{},\"outcome\":\"clean\",\"runs\":[{\"id\":1,\"findings\":[1,{"
        "\"backtrace\":[3]}],"
        "\"calls\":[7,{}],\"operations\":3,\"faults\":\"x\"}],\"sites\":9,\"findings\":[{\"runs\":[1],"
        "\"backtrace\":[{}]},5],\"summary\":[]}",
        "{\"schema\":1,\"client\":{\"argv\":[null]},\"outcome\":\"error\"}",
    };
    static int (*const formats[])(FILE *, json_t *) = {report_junit, report_sarif};

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        json_t *report = json_loads(odd[i], 0, NULL);

        for (size_t format = 0; format < sizeof formats / sizeof formats[0]; format++) {
            free(text_of(report, formats[format]));
        }
        json_decref(report);
    }
    assert_non_null(results_check(json_null()));
}

/* Sites that clean runs do not reach alike are named, with what that means; without any nothing is said. */
static void test_unsteady_sites_are_named(void **state)
{
    json_t *sweep = sweep_fixture(60), *site = json_array_get(json_object_get(sweep, "sites"), 0);
    char *text;
    size_t i;

    (void)state;
    json_object_set_new(site, "unsteady", json_true());
    json_object_set_new(site, "op", json_integer(2));
    text = sweep_text(sweep);
    assert_non_null(strstr(
        text, "\n  unsteady sites: Create/2, Flush:0, Flush:1, Flush:2, Flush:3\n    The client reaches"));
    free(text);
    json_array_foreach(json_object_get(sweep, "sites"), i, site)
    {
        json_object_del(site, "unsteady"); /* as in reports of earlier versions */
    }
    text = sweep_text(sweep);
    assert_null(strstr(text, "unsteady"));
    free(text);
    json_decref(sweep);
}

/* jitter has no site, but a column: with a name. */
static void test_what_is_everywhere_has_a_column(void **state)
{
    json_t *sweep = json_pack("{s:i, s:s, s:[{s:s, s:s, s:s, s:i}], s:[], s:{s:i}}", "schema", 1, "outcome",
                              "clean", "runs", "outcome", "clean", "fault", "jitter", "site", "", "id", 1,
                              "findings", "summary", "runs", 1);

    char *text;

    (void)state;
    assert_non_null(sweep);
    text = sweep_text(sweep);
    assert_non_null(strstr(text, "A=anywhere"));
    free(text);
    json_decref(sweep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings_are_distinct),
        cmocka_unit_test(test_what_the_sweep_knows_stays),
        cmocka_unit_test(test_summary_of_few_runs),
        cmocka_unit_test(test_what_is_everywhere_has_a_column),
        cmocka_unit_test(test_unsteady_sites_are_named),
        cmocka_unit_test(test_a_run_is_a_sweep_of_one),
        cmocka_unit_test(test_a_fault_of_a_run_that_stays),
        cmocka_unit_test(test_a_run_without_a_fault),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_junit),
        cmocka_unit_test(test_junit_of_hostile_names),
        cmocka_unit_test(test_sarif),
        cmocka_unit_test(test_sarif_of_hostile_names),
        cmocka_unit_test(test_odd_objects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
