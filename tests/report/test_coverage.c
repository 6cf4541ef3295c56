/* The coverage of a report: what no run reached, and shards that reached different lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "line_set.h"
#include "results.h"
#include "results_coverage.h"

/* Lines 10-30 are of work(), which ran, 40-50 of never(). */
static json_t *coverage_with(const char *clean, const char *faults, const char *missed, const char *partial)
{
    json_t *coverage = json_pack(
        "{s:s, s:i, s:[i], s:[{s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:i, s:i}, {s:s, s:i, s:i}], s:{s:s, "
        "s:s}}]}",
        "tool", "gcov", "runs", 4, "lost", 3, "files", "file", "/src/a.c", "clean", clean, "faults", faults,
        "missed", missed, "partial", partial, "functions", "name", "work", "first", 10, "last", 30, "name",
        "never", "first", 40, "last", 50, "source", "14", "return fail(set);", "20", "}");
    assert_non_null(coverage);
    return coverage;
}

/* "path work 14-16, ..." */
static void expect_unreached(const json_t *coverage, const char *expected)
{
    char text[512] = "";
    size_t used = 0, i;
    const json_t *item;

    json_array_foreach(json_object_get(coverage, "unreached"), i, item)
    {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s %d-%d", i ? ", " : "",
                                 json_string_value(json_object_get(item, "kind")),
                                 json_string_value(json_object_get(item, "function")),
                                 (int)json_integer_value(json_object_get(item, "first")),
                                 (int)json_integer_value(json_object_get(item, "last")));
    }
    assert_string_equal(text, expected);
}

static void expect_number(const json_t *coverage, const char *key, int expected)
{
    assert_int_equal(json_integer_value(json_object_get(coverage, key)), expected);
}

/* Blank lines do not end a path, lines that ran do; the end of an empty body is none; line 60 is of no function. */
static void test_what_was_not_reached(void **unused)
{
    (void)unused;
    json_t *coverage = coverage_with("10-12,17,19", "21", "14,16,18,20,22,40-42,60", "17");
    assert_int_equal(coverage_conclude(coverage), 0);
    expect_unreached(
        coverage, "path work 14-16, part work 17-17, path work 18-18, path work 22-22, function never 40-42");
    expect_number(coverage, "clean", 5);
    expect_number(coverage, "faults", 1);
    expect_number(coverage, "missed", 9);
    expect_number(coverage, "lines", 15);
    const json_t *first = json_array_get(json_object_get(coverage, "unreached"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "text")), "return fail(set);");
    json_decref(coverage);
}

static void expect_list(const json_t *coverage, const char *key, const char *expected)
{
    const json_t *file = json_array_get(json_object_get(coverage, "files"), 0);
    assert_string_equal(json_string_value(json_object_get(file, key)), expected);
}

/* What one of them reached was reached; a part that one of them reached, too. */
static void test_lists_that_are_none(void **unused)
{
    (void)unused;
    json_t *coverage = coverage_with("10-12", "21", "14,x", "17");
    assert_int_equal(coverage_conclude(coverage), EINVAL);
    json_decref(coverage);
}

static void test_shards(void **unused)
{
    (void)unused;
    json_t *one = coverage_with("10-12", "14", "16,18,40", "11,12");
    json_t *two = coverage_with("10,11", "12,16", "14,18,40", "12");
    assert_int_equal(coverage_merge(one, two), 0);
    expect_list(one, "clean", "10-12");
    expect_list(one, "faults", "14,16");
    expect_list(one, "missed", "18,40");
    expect_list(one, "partial", "12");
    expect_unreached(one, "part work 12-12, path work 18-18, function never 40-40");
    expect_number(one, "runs", 8);
    assert_int_equal(json_array_size(json_object_get(one, "lost")), 2);
    json_decref(two);
    two = json_object();
    assert_int_equal(coverage_merge(one, two), EINVAL);
    json_decref(two);
    json_decref(one);
}

static char *written(int (*write)(FILE *, json_t *), json_t *sweep)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    assert_int_equal(write(out, sweep), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static int write_text(FILE *out, json_t *sweep)
{
    return report_sweep_text(out, sweep, false);
}

/* Sources hold anything. */
static void test_text_and_page(void **unused)
{
    (void)unused;
    json_t *coverage = coverage_with("10-12,17", "21", "14,40-42", "17");
    json_t *source = json_object_get(json_array_get(json_object_get(coverage, "files"), 0), "source");
    json_object_set_new(source, "14", json_string("if (a < b) </script>"));
    assert_int_equal(coverage_conclude(coverage), 0);
    json_t *sweep = json_pack("{s:i, s:s, s:{s:[s]}, s:[], s:[], s:o}", "schema", 1, "outcome", "clean",
                              "client", "argv", "./c", "findings", "runs", "coverage", coverage);
    char *text = written(write_text, sweep), *page = written(report_html, sweep);
    assert_non_null(strstr(text, "5 of 9 lines ran, 4 without a fault, 1 more with"));
    assert_non_null(strstr(text, "1 of 4 runs lost counters"));
    assert_non_null(strstr(text, "a.c:14  work: if (a < b)"));
    assert_non_null(strstr(text, "functions that never ran: never"));
    assert_non_null(strstr(page, "if (a &lt; b) &lt;/script&gt;"));
    assert_non_null(strstr(page, "Functions that never ran"));
    json_object_set_new(sweep, "coverage", json_null());
    free(page);
    page = written(report_html, sweep);
    assert_null(strstr(page, "Coverage of the client"));
    free(page);
    free(text);
    json_decref(sweep);
}

static void test_line_lists(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {"0",   "3-", "-3",         "5-3",      "1,,2",
                                        "1;2", "x",  "9999999999", "1-4194305"};
    struct line_set set = {0};
    assert_int_equal(line_set_parse(&set, "12,3-7,1"), 0);
    char *text = line_set_format(&set);
    assert_string_equal(text, "1,3-7,12");
    assert_int_equal(line_set_count(&set), 7);
    free(text);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(line_set_parse(&set, wrong[i]), EINVAL);
    }
    line_set_free(&set);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_not_reached),
        cmocka_unit_test(test_lists_that_are_none),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_text_and_page),
        cmocka_unit_test(test_line_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
