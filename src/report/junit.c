/* junit.c - a sweep as JUnit XML: a suite per fault kind, a test per site and fault.
 *
 * A test fails where its run's outcome is "findings" (so --fail-on decides, as for the exit status); lesser findings
 * are told in system-out. XML's dialects of JUnit allow one failure a test: it is the worst finding's, with all in
 * its text.
 */
#include <errno.h>
#include <string.h>

#include "markup.h"
#include "results.h"

enum test_state {
    TEST_PASSED,
    TEST_FAILED,
    TEST_SKIPPED,
    TEST_ERROR,
    TEST_STATES
};

struct suite {
    const char *kind;
    json_t *runs;
    size_t counts[TEST_STATES];
    json_int_t wall_ms;
};

static enum test_state state_of(const json_t *run)
{
    const char *outcome = results_text(run, "outcome");

    return strcmp(outcome, "findings") == 0 ? TEST_FAILED
           : strcmp(outcome, "error") == 0  ? TEST_ERROR
           : results_vacuous(run)           ? TEST_SKIPPED
                                            : TEST_PASSED;
}

static json_int_t wall_of(const json_t *run)
{
    return results_number(json_object_get(run, "client"), "wall_ms", 0);
}

/* ` name="value"` */
static void attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    markup_text(out, value);
    fputc('"', out);
}

static void print_time(FILE *out, json_int_t wall_ms)
{
    fprintf(out, " time=\"%lld.%03lld\"", (long long)(wall_ms / 1000), (long long)(wall_ms % 1000));
}

static void print_counts(FILE *out, const size_t counts[TEST_STATES])
{
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
            counts[TEST_PASSED] + counts[TEST_FAILED] + counts[TEST_SKIPPED] + counts[TEST_ERROR],
            counts[TEST_FAILED], counts[TEST_ERROR], counts[TEST_SKIPPED]);
}

static void print_line(FILE *out, const char *before, const char *text)
{
    fputs(before, out);
    markup_text(out, text);
    fputc('\n', out);
}

/* Findings with where they are, then how to see it again. */
static void print_findings(FILE *out, const json_t *run)
{
    const json_t *finding, *frame;
    const char *repeat = results_text(run, "repeat");
    size_t i, at;

    json_array_foreach(json_object_get(run, "findings"), i, finding)
    {
        markup_text(out, results_text(finding, "severity"));
        fputs(": ", out);
        markup_text(out, results_text(finding, "rule"));
        print_line(out, ": ", results_text(finding, "message"));
        json_array_foreach(json_object_get(finding, "backtrace"), at, frame)
        {
            print_line(out, "    at ", json_is_string(frame) ? json_string_value(frame) : "?");
        }
        repeat = *repeat ? repeat : results_text(finding, "repeat");
    }
    if (*repeat) {
        print_line(out, "repeat: ", repeat);
    }
}

static void print_result(FILE *out, const json_t *run, enum test_state state)
{
    const json_t *worst = results_worst(run);
    const char *error = results_text(run, "error");

    switch (state) {
    case TEST_FAILED:
        fputs("      <failure", out);
        attribute(out, "type", results_text(worst, "rule"));
        attribute(out, "message", results_text(worst, "message"));
        fputs(">", out);
        print_findings(out, run);
        fputs("</failure>\n", out);
        break;
    case TEST_ERROR:
        fputs("      <error", out);
        attribute(out, "type", "setup");
        attribute(out, "message", *error ? error : "the run could not be made");
        fputs(">", out);
        print_findings(out, run);
        fputs("</error>\n", out);
        break;
    case TEST_SKIPPED:
        fputs("      <skipped", out);
        attribute(out, "message", results_vacuous(run));
        fputs("/>\n", out);
        break;
    default:
        break;
    }
    if (worst && (state == TEST_PASSED || state == TEST_SKIPPED)) {
        fputs("      <system-out>", out);
        print_findings(out, run);
        fputs("</system-out>\n", out);
    }
}

static void print_test(FILE *out, const struct suite *suite, const json_t *run)
{
    fputs("    <testcase classname=\"vdifault.", out);
    markup_text(out, suite->kind);
    fputs("\"", out);
    attribute(out, "name", results_text(run, "key"));
    print_time(out, wall_of(run));
    fputs(">\n", out);
    print_result(out, run, state_of(run));
    fputs("    </testcase>\n", out);
}

static void print_suite(FILE *out, const struct suite *suite)
{
    const json_t *run;
    size_t i;

    fputs("  <testsuite", out);
    attribute(out, "name", suite->kind);
    print_counts(out, suite->counts);
    print_time(out, suite->wall_ms);
    fputs(">\n", out);
    json_array_foreach(suite->runs, i, run)
    {
        print_test(out, suite, run);
    }
    fputs("  </testsuite>\n", out);
}

/* The runs by fault kind, in the order in which kinds first come. NULL: no memory. */
static json_t *runs_by_kind(const json_t *sweep)
{
    json_t *by_kind = json_object(), *run;
    size_t i;

    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        const char *kind = *results_text(run, "fault") ? results_text(run, "fault") : "none";
        json_t *runs = json_object_get(by_kind, kind);

        if (!runs) {
            runs = json_array();
            json_object_set_new(by_kind, kind, runs);
        }
        if (json_array_append(runs, run) != 0) {
            json_decref(by_kind);
            return NULL;
        }
    }
    return by_kind;
}

static void count_runs(struct suite *suite, const json_t *runs)
{
    const json_t *run;
    size_t i;

    json_array_foreach(runs, i, run)
    {
        suite->counts[state_of(run)]++;
        suite->wall_ms = results_sum(suite->wall_ms, wall_of(run));
    }
}

int report_junit(FILE *out, json_t *report)
{
    json_t *sweep = results_of(report), *by_kind = sweep ? runs_by_kind(sweep) : NULL, *runs;
    struct suite all = {.kind = "vdifault"};
    const char *kind;
    int error = by_kind ? 0 : ENOMEM;

    if (!error) {
        errno = 0;
        count_runs(&all, json_object_get(sweep, "runs"));
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
        attribute(out, "name", all.kind);
        print_counts(out, all.counts);
        print_time(out, all.wall_ms);
        fputs(">\n", out);
        json_object_foreach(by_kind, kind, runs)
        {
            struct suite suite = {.kind = kind, .runs = runs};

            count_runs(&suite, runs);
            print_suite(out, &suite);
        }
        fputs("</testsuites>\n", out);
        if (fflush(out) != 0 || ferror(out)) {
            error = errno != 0 ? errno : EIO;
        }
    }
    json_decref(by_kind);
    json_decref(sweep);
    return error;
}
