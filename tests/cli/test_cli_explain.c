/* vdifault explain and rules: what they print for every rule, and how it is laid out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli.h"
#include "examples.h"
#include "fault.h"
#include "page.h"
#include "rules.h"
#include "verbs.h"

enum {
    WIDTH = 100,
    ARGUMENTS_MAX = 8
};

/* ---- catching what a verb prints ---- */

struct catch
{
    FILE *file;
    int stream, kept;
};

static void catch_start(struct catch *catch, FILE *stream)
{
    fflush(stream);
    catch->stream = fileno(stream);
    catch->kept = dup(catch->stream);
    catch->file = tmpfile();
    assert_non_null(catch->file);
    assert_true(catch->kept >= 0 && dup2(fileno(catch->file), catch->stream) >= 0);
}

static char *catch_end(struct catch *catch, FILE *stream)
{
    char *text = NULL;
    size_t size = 0;

    fflush(stream);
    assert_true(dup2(catch->kept, catch->stream) >= 0);
    close(catch->kept);
    rewind(catch->file);
    if (getdelim(&text, &size, '\0', catch->file) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(catch->file);
    return text;
}

/* What `vdifault ARGUMENTS` prints on stdout and stderr; both are the caller's. */
static int call(const char *const *arguments, char **out, char **error)
{
    struct catch caught_out, caught_error;
    char *argv[ARGUMENTS_MAX] = {(char *)"vdifault"};
    int argc = 1, status;

    for (; arguments[argc - 1] != NULL; argc++) {
        argv[argc] = (char *)arguments[argc - 1];
    }
    catch_start(&caught_out, stdout);
    catch_start(&caught_error, stderr);
    status = vdifault_main(argc, argv);
    *error = catch_end(&caught_error, stderr);
    *out = catch_end(&caught_out, stdout);
    return status;
}

static char *print(const char *first, const char *second, const char *third)
{
    char *out, *error;

    assert_int_equal(call((const char *const[]){first, second, third, NULL}, &out, &error), CLI_CLEAN);
    assert_string_equal(error, "");
    free(error);
    return out;
}

static char *refuse(const char *first, const char *second, const char *third)
{
    char *out, *error;

    assert_int_equal(call((const char *const[]){first, second, third, NULL}, &out, &error), CLI_USAGE);
    assert_string_equal(out, "");
    free(out);
    return error;
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' expected in:\n%s", part, text);
    }
}

static size_t count(const char *text, const char *part)
{
    size_t times = 0;

    for (; (text = strstr(text, part)) != NULL; text++) {
        times++;
    }
    return times;
}

/* ---- the page ---- */

static void text_wraps_under_itself(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct page page;

    assert_non_null(out);
    page_start(&page, out);
    assert_int_equal(page.width, WIDTH);
    assert_false(page.color);
    page.width = 30;
    page_heading(&page, PAGE_RED, "VDI-X-001", "one two three four five");
    page_heading(&page, PAGE_PLAIN, "wrong", "");
    page_labelled(&page, "why", "a  word-that-is-longer-than-the-line b");
    page_paragraph(&page, "twelve and eighteen are thirty, and");
    page_code(&page, "x;\n\n  y;\n", 9);
    fclose(out);
    assert_string_equal(text,
                        "VDI-X-001  one two three four\n"
                        "           five\n"
                        "wrong\n"
                        "  why       a\n"
                        "            word-that-is-longer-than-the-line\n"
                        "            b\n"
                        "twelve and eighteen are\n"
                        "thirty, and\n"
                        "    x;\n"
                        "\n"
                        "      y;\n");
    free(text);
}

static void colour_is_bold(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct page page;

    assert_non_null(out);
    page_start(&page, out);
    page.color = true;
    page_heading(&page, PAGE_GREEN, "right", "so");
    fclose(out);
    assert_string_equal(text, "\033[1;32mright\033[0m  so\n");
    free(text);
}

/* ---- explain ---- */

static void a_rule_is_explained(void **state)
{
    (void)state;
    char *text = print("explain", "vdi-close-001", NULL);
    const char *const parts[] = {"VDI-CLOSE-001  ",
                                 "\n  why       ",
                                 "\n  fix       ",
                                 "\n  source    ",
                                 "\n  severity  error",
                                 "\n  checked   yes\n",
                                 "\n  try it    vdifault run ",
                                 "\nwrong  ",
                                 "\nright  ",
                                 "\n    vdi_set_close(set);\n",
                                 "In C++, "};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_says(text, parts[i]);
    }
    free(text);
}

static void groups_and_several_rules_are_taken(void **state)
{
    (void)state;
    char *text = print("explain", "CLOSE", "VDI-OUT-001");

    assert_says(text, "VDI-CLOSE-001  ");
    assert_says(text, "VDI-CLOSE-004  ");
    assert_says(text, "VDI-OUT-001  ");
    assert_null(strstr(text, "VDI-OUT-002  "));
    assert_int_equal(count(text, "In C++, "), 1);
    free(text);
}

static void all_rules_fit_on_the_page(void **state)
{
    (void)state;
    char *text = print("explain", "all", NULL);

    for (size_t i = 0; i < rule_count; i++) {
        assert_says(text, rule_table[i].id);
    }
    assert_int_equal(count(text, "\n  why  "), rule_count);
    assert_int_equal(count(text, "\nwrong"), rule_count);
    assert_int_equal(count(text, "\nright"), rule_count);
    assert_null(strchr(text, '\033'));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strcspn(line, "\n") > WIDTH) {
            fail_msg("too long: %.*s", (int)strcspn(line, "\n"), line);
        }
    }
    free(text);
}

/* A reader copies them. */
static void faults_of_rules_are_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < rule_count; i++) {
        const char *at = rule_table[i].faults;

        for (at += strspn(at, " "); *at != '\0'; at += strspn(at, " ")) {
            char word[FAULT_TEXT_MAX];
            struct fault fault;
            struct fault_error error;

            snprintf(word, sizeof word, "%.*s", (int)strcspn(at, " "), at);
            if (fault_parse(word, &fault, &error) != 0) {
                fail_msg("%s: %s", rule_table[i].id, error.message);
            }
            at += strcspn(at, " ");
        }
    }
}

static void unknown_rules_get_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *word, *says;
    } cases[] = {{"VDI-CLOSE-00", "did you mean 'VDI-CLOSE-001'"},
                 {"CLSE-001", "did you mean 'CLOSE-001'"},
                 {"VDI-", "unknown rule 'VDI-'"},
                 {"", "unknown rule ''"},
                 {"CLOS", "unknown rule 'CLOS'"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *error = refuse("explain", "VDI-OUT-001", cases[i].word);

        assert_says(error, cases[i].says);
        free(error);
    }
    char *error = refuse("explain", NULL, NULL);

    assert_says(error, "no rule given");
    free(error);
}

/* ---- rules ---- */

static void rules_are_lines(void **state)
{
    (void)state;
    char *text = print("rules", NULL, NULL), *table = print("rules", "--format", "markdown");

    assert_int_equal(count(text, "\n"), rule_count);
    assert_int_equal(count(text, "VDI-CLOSE-001    error    checked"), 1);
    assert_int_equal(count(table, "\n"), rule_count + 2);
    free(text);
    free(table);
}

static void rules_as_json_have_everything(void **state)
{
    (void)state;
    char *text = print("rules", "--format", "json");
    json_t *list = json_loads(text, 0, NULL), *row;
    size_t i;

    assert_int_equal(json_array_size(list), rule_count);
    json_array_foreach(list, i, row)
    {
        assert_string_equal(json_string_value(json_object_get(row, "rule")), rule_table[i].id);
        assert_int_equal(json_boolean_value(json_object_get(row, "checked")),
                         rule_table[i].unchecked == NULL);
        assert_string_equal(json_string_value(json_object_get(row, "fix")), rule_table[i].fix);
        assert_true(json_is_array(json_object_get(row, "faults")));
        assert_true(json_is_string(json_object_get(row, "right")));
    }
    json_decref(list);
    free(text);
}

static void wrong_formats_are_refused(void **state)
{
    (void)state;
    char *error = refuse("rules", "--format", "yaml"), *operand = refuse("rules", "CLOSE", NULL);

    assert_says(error, "'yaml' is none of text, markdown, json");
    assert_says(operand, "vdifault explain CLOSE?");
    free(error);
    free(operand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_wraps_under_itself),       cmocka_unit_test(colour_is_bold),
        cmocka_unit_test(a_rule_is_explained),           cmocka_unit_test(groups_and_several_rules_are_taken),
        cmocka_unit_test(all_rules_fit_on_the_page),     cmocka_unit_test(faults_of_rules_are_faults),
        cmocka_unit_test(unknown_rules_get_a_hint),      cmocka_unit_test(rules_are_lines),
        cmocka_unit_test(rules_as_json_have_everything), cmocka_unit_test(wrong_formats_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
