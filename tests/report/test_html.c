/* test_html.c - the page as a file: self-contained, whole without its script, small with 10,000 runs, and closed to
 * what clients write. What the script makes of it: test_html_browser.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"
#include "sweep_fixture.h"

enum {
    PAGE_MAX = 3 << 20 /* bytes, with 10,000 runs */
};

static char *page_of(json_t *sweep)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(report_html(out, sweep), 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strlen(text), size);
    return text;
}

/* Without regard to case, as HTML reads names. */
static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;

    for (const char *at = strcasestr(text, word); at; at = strcasestr(at + 1, word)) {
        count++;
    }
    return count;
}

/* The data that the script reads. */
static json_t *data_of(const char *page)
{
    static const char start[] = "id=\"data\">";
    const char *from = strstr(page, start);
    const char *to = from ? strstr(from, "</script>") : NULL;
    json_t *data;

    assert_non_null(to);
    from += sizeof start - 1;
    data = json_loadb(from, (size_t)(to - from), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(data);
    return data;
}

static void test_is_self_contained(void **state)
{
    static const char *const fetches[] = {"http:",   "https:", " src=",  "url(",
                                          "@import", "<link",  "fetch(", "import("};
    json_t *sweep = sweep_fixture(300);
    char *page = page_of(sweep);

    (void)state;
    for (size_t i = 0; i < sizeof fetches / sizeof fetches[0]; i++) {
        assert_int_equal(occurrences(page, fetches[i]), 0);
    }
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_null(strstr(page, "{{"));
    free(page);
    json_decref(sweep);
}

/* What stands before the script's data. */
static void test_is_whole_without_its_script(void **state)
{
    json_t *sweep = sweep_fixture(300), *finding;
    char *page = page_of(sweep);
    size_t i;

    (void)state;
    *strstr(page, "id=\"data\"") = '\0';
    json_array_foreach(json_object_get(sweep, "findings"), i, finding)
    {
        assert_non_null(strstr(page, results_text(finding, "message")));
        assert_non_null(strstr(page, results_text(finding, "rule")));
    }
    assert_non_null(strstr(page, "<dd>300</dd><dt>runs</dt>"));
    assert_non_null(strstr(page, "#run=0"));
    assert_non_null(strstr(page, "<noscript>"));
    assert_non_null(
        strstr(page, "<b>Unsteady sites:</b> Flush:0, Flush:1, Flush:2, Flush:3. The client reaches"));
    free(page);
    json_decref(sweep);
}

static void test_data_holds_every_run(void **state)
{
    json_t *sweep = sweep_fixture(300), *run, *row, *repeat;
    char *page = page_of(sweep), whole[512];
    json_t *data = data_of(page);
    size_t i;

    (void)state;
    assert_int_equal(json_array_size(json_object_get(data, "runs")), 300);
    repeat = json_object_get(data, "repeat");
    json_array_foreach(json_object_get(data, "runs"), i, row)
    {
        run = json_array_get(json_object_get(sweep, "runs"), i);
        assert_true(json_equal(json_array_get(row, 0), json_object_get(run, "id")));
        assert_string_equal(json_string_value(json_array_get(row, 5)), results_text(run, "key"));
        assert_int_equal(json_integer_value(json_array_get(row, 4)), results_kind(run));
        assert_int_equal(json_array_size(json_array_get(row, 12)),
                         3 * json_array_size(json_object_get(run, "calls")));
        snprintf(whole, sizeof whole, "%s%s%s", json_string_value(json_array_get(repeat, 0)),
                 json_is_string(json_array_get(row, 6)) ? json_string_value(json_array_get(row, 6))
                                                        : json_string_value(json_array_get(row, 5)),
                 json_string_value(json_array_get(repeat, 1)));
        assert_string_equal(whole, results_text(run, "repeat"));
    }
    json_decref(data);
    free(page);
    json_decref(sweep);
}

/* Set names are each run's own; what is told of the sets is held once for all runs. */
static void test_runs_share_texts_but_for_names(void **state)
{
    json_t *sweep = sweep_fixture(120), *run, *operations, *data;
    char name[32], statement[128], *page;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        json_t *operation = json_array_get(json_object_get(run, "operations"), 0);

        snprintf(name, sizeof name, "set-%zu-x", i);
        snprintf(statement, sizeof statement,
                 "BACKUP DATABASE d TO VIRTUAL_DEVICE='%s', VIRTUAL_DEVICE='%s-1'", name, name);
        json_object_set_new(operation, "set", json_string(name));
        json_object_set_new(operation, "statement", json_string(statement));
    }
    page = page_of(sweep);
    data = data_of(page);
    operations = json_object_get(data, "operations");
    assert_true(json_array_size(operations) < 10);
    assert_string_equal(json_string_value(json_array_get(json_array_get(operations, 0), 3)),
                        "BACKUP DATABASE d TO VIRTUAL_DEVICE='\x01"
                        "0', VIRTUAL_DEVICE='\x01"
                        "0-1'");
    json_array_foreach(json_object_get(data, "runs"), i, run)
    {
        snprintf(name, sizeof name, "set-%zu-x", i);
        assert_string_equal(json_string_value(json_array_get(json_array_get(run, 13), 0)), name);
    }
    json_decref(data);
    free(page);
    json_decref(sweep);
}

/* Commands that share ends which overlap, or that have nothing in common, come back as they were. */
static void test_commands_come_back(void **state)
{
    static const char *const rows[][2] = {{"aa", "aaa"},
                                          {"x", "y"},
                                          {"same", "same"},
                                          {"\xc3\xa9", "\xc3\xa8"},
                                          {"a\xc3\xa9"
                                           "a",
                                           "a\xc2\xa9"
                                           "a"},
                                          {"", "z"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *sweep = json_pack("{s:[{s:i, s:s, s:s}, {s:i, s:s, s:s}]}", "runs", "id", 0, "key", "k0",
                                  "repeat", rows[i][0], "id", 1, "key", "k1", "repeat", rows[i][1]);
        char *page = page_of(sweep), whole[64];
        json_t *data = data_of(page), *repeat = json_object_get(data, "repeat");

        for (size_t run = 0; run < 2; run++) {
            const json_t *middle = json_array_get(json_array_get(json_object_get(data, "runs"), run), 6);

            assert_true(json_is_string(middle) == (rows[i][run][0] != '\0'));
            snprintf(whole, sizeof whole, "%s%s%s", json_string_value(json_array_get(repeat, 0)),
                     json_is_string(middle) ? json_string_value(middle) : "",
                     json_string_value(json_array_get(repeat, 1)));
            assert_true(json_is_null(middle) || strcmp(whole, rows[i][run]) == 0);
        }
        json_decref(data);
        free(page);
        json_decref(sweep);
    }
}

static void test_ten_thousand_runs_are_small(void **state)
{
    json_t *sweep = sweep_fixture(10000);
    char *page = page_of(sweep);

    (void)state;
    assert_true(json_array_size(json_object_get(sweep, "runs")) > 9000);
    assert_true(strlen(page) < PAGE_MAX);
    free(page);
    json_decref(sweep);
}

/* The page's own elements are all there are, wherever hostile text stands. */
static void test_hostile_text_stays_text(void **state)
{
    json_t *hostile = sweep_fixture_hostile(), *none = sweep_fixture(60), *data;
    char *page = page_of(hostile), *plain = page_of(none);

    (void)state;
    assert_int_equal(occurrences(page, "<script"), occurrences(plain, "<script"));
    assert_int_equal(occurrences(page, "</script"), occurrences(plain, "</script"));
    assert_int_equal(occurrences(page, "<!--"), 0);
    assert_int_equal(occurrences(page, "<img"), 0);
    for (const char *at = page; *at; at++) {
        assert_true(*at == '\n' || (unsigned char)*at >= ' ');
    }
    data = data_of(page); /* and nothing of it is lost */
    assert_non_null(
        strstr(json_string_value(json_array_get(json_array_get(json_object_get(data, "runs"), 0), 5)),
               sweep_hostile_text));
    json_decref(data);
    free(plain);
    free(page);
    json_decref(none);
    json_decref(hostile);
}

/* A page of what was never put under a fault claims nothing of survival. */
static void test_without_a_fault(void **state)
{
    static const struct {
        const char *outcome, *verdict;
    } rows[] = {
        {"clean", "No fault was injected, and no finding fails the run."},
        {"findings", "The client has findings without any fault: see below."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *run = json_pack("{s:i, s:s, s:{}, s:[], s:[]}", "schema", 1, "outcome", rows[i].outcome,
                                "client", "faults", "findings");
        json_t *sweep = results_of(run);
        char *page = page_of(sweep);

        assert_non_null(strstr(page, rows[i].verdict));
        assert_non_null(strstr(page, "&ndash;</p>\n<p>no fault was injected"));
        assert_non_null(strstr(page, "<dd>0</dd><dt>sites</dt>"));
        assert_non_null(strstr(page, "<dd>0</dd><dt>fault kinds</dt>"));
        assert_null(strstr(page, "<small>%"));
        free(page);
        json_decref(sweep);
        json_decref(run);
    }
}

static void test_odd_objects(void **state)
{
    static const char *const odd[] = {
        "{\"runs\":[]}",
        "{\"runs\":[{},{\"findings\":[1,{}],\"operations\":[2,{\"messages\":4}],\"calls\":[3,{}],\"key\":7}],"
        "\"findings\":[5,{\"runs\":6,\"backtrace\":[1]}],\"sites\":[8,{}],\"client\":{\"argv\":[null]},"
        "\"summary\":{\"survived_percent\":1e300}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        json_t *sweep = json_loads(odd[i], 0, NULL);
        char *page = page_of(sweep);

        json_decref(data_of(page));
        free(page);
        json_decref(sweep);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_self_contained),       cmocka_unit_test(test_is_whole_without_its_script),
        cmocka_unit_test(test_data_holds_every_run),    cmocka_unit_test(test_runs_share_texts_but_for_names),
        cmocka_unit_test(test_commands_come_back),      cmocka_unit_test(test_ten_thousand_runs_are_small),
        cmocka_unit_test(test_hostile_text_stays_text), cmocka_unit_test(test_odd_objects),
        cmocka_unit_test(test_without_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
