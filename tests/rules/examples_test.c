/* The code examples of the rules: each rule has them, they belong to rules there are, and they compile. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "coverage.h"
#include "examples.h"

enum {
    WIDTH = 96, /* with the indent of `vdifault explain` no more than 100 columns */
    LINES_MAX = 24,
    REMARK_MAX = 160,
    COMMAND_MAX = 2048
};

/* ---- the list ---- */

static int lacks(const char *rule, const char *what)
{
    fprintf(stderr, "%s has no %s\n", rule, what);
    return 1;
}

/* A wrong example may be a remark that says why there is none. */
static int count_missing(const char *rule)
{
    struct example example;
    int missing = 0;

    if (example_find(rule, EXAMPLE_RIGHT, &example) != 0 || example.code.length == 0) {
        missing += lacks(rule, "right example");
    }
    if (example_find(rule, EXAMPLE_WRONG, &example) != 0) {
        missing += lacks(rule, "wrong example");
    } else if (example.code.length == 0 && example.remark.length < 20) {
        missing += lacks(rule, "wrong example, nor a remark why");
    }
    return missing;
}

static void every_rule_has_its_examples(void **state)
{
    (void)state;
    char rule[COVERAGE_ID_MAX];
    int missing = 0;

    for (size_t i = 0; coverage_rule(i, rule); i++) {
        missing += count_missing(rule);
    }
    assert_int_equal(missing, 0);
}

static bool is_listed(struct example_text id)
{
    char rule[COVERAGE_ID_MAX];

    for (size_t i = 0; coverage_rule(i, rule); i++) {
        if (strlen(rule) == id.length && memcmp(rule, id.text, id.length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_the_first(const struct example *example)
{
    char rule[COVERAGE_ID_MAX];
    struct example first;

    snprintf(rule, sizeof rule, "%.*s", (int)example->rule.length, example->rule.text);
    return example_find(rule, example->kind, &first) == 0 && first.rule.text == example->rule.text;
}

static void every_example_is_of_a_rule(void **state)
{
    (void)state;
    const char *text = rule_examples_text;
    struct example example;
    int error;

    while ((error = example_next(&text, &example)) == 0) {
        if (!is_listed(example.rule) || !is_the_first(&example)) {
            fail_msg("%.*s %s: no such rule, or its second such section", (int)example.rule.length,
                     example.rule.text, example_kind_names[example.kind]);
        }
    }
    if (error != ENOENT) {
        fail_msg("malformed section: %.*s", (int)strcspn(text, "\n"), text);
    }
}

/* ---- the form ---- */

static void check_lines(const struct example *example)
{
    const char *line = example->code.text, *end = line + example->code.length;
    int lines = 0;

    for (; line < end; line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\n");

        lines += length > 0;
        if (length > WIDTH || memchr(line, '\t', length) != NULL) {
            fail_msg("%.*s: longer than %d columns, or with a tab: %.*s", (int)example->rule.length,
                     example->rule.text, WIDTH, (int)length, line);
        }
    }
    if (lines > LINES_MAX || example->remark.length > REMARK_MAX) {
        fail_msg("%.*s %s: %d lines, a remark of %zu: an example shows one point", (int)example->rule.length,
                 example->rule.text, example_kind_names[example->kind], lines, example->remark.length);
    }
}

static void examples_are_short(void **state)
{
    (void)state;
    const char *text = rule_examples_text;
    struct example example;

    while (example_next(&text, &example) == 0) {
        check_lines(&example);
    }
}

static void malformed_sections_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "//! VDI-X-001\n",     "//! VDI-X-001 worng\n",     "//! \n",
        "//! VDI-X-001 wrong", "//! VDI-X-001 wrong and\n", "a\n//! VDI-X-001 right right\n"};
    struct example example;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *text = bad[i];

        assert_int_equal(example_next(&text, &example), EINVAL);
        assert_memory_equal(text, "//! ", 4); /* where the trouble is */
    }
}

static void sections_end_where_the_next_begins(void **state)
{
    (void)state;
    const char *text =
        "not of a section\n//! A wrong: why: so\n\nx;\n\ny;\n\n//! A right\n\nstatic z\n//! B wrong: none\n";
    struct example example;

    assert_int_equal(example_next(&text, &example), 0);
    assert_int_equal(example.kind, EXAMPLE_WRONG);
    assert_int_equal(example.remark.length, strlen("why: so"));
    assert_int_equal(example.code.length, strlen("x;\n\ny;\n"));
    assert_memory_equal(example.code.text, "x;\n\ny;\n", example.code.length);
    assert_false(example_is_definitions(&example));
    assert_int_equal(example_next(&text, &example), 0);
    assert_int_equal(example.kind, EXAMPLE_RIGHT);
    assert_int_equal(example.remark.length, 0);
    assert_true(example_is_definitions(&example));
    assert_int_equal(example_next(&text, &example), 0);
    assert_int_equal(example.code.length, 0);
    assert_int_equal(example_next(&text, &example), ENOENT);
}

/* ---- compiling ---- */

static char folder[] = "/tmp/vdifault-examples-XXXXXX";

static void write_source(const struct example *example)
{
    char path[sizeof folder + 64];
    FILE *out;

    snprintf(path, sizeof path, "%s/%.*s-%s.c", folder, (int)example->rule.length, example->rule.text,
             example_kind_names[example->kind]);
    out = fopen(path, "we");
    assert_non_null(out);
    fputs("#include \"prelude.h\"\n", out);
    if (!example_is_definitions(example)) {
        fputs("int example(void);\nint example(void)\n{\n", out);
    }
    fwrite(example->code.text, 1, example->code.length, out);
    if (!example_is_definitions(example)) {
        fputs("return EXIT_SUCCESS;\n}\n", out);
    }
    assert_int_equal(fclose(out), 0);
}

static int write_sources(void **state)
{
    (void)state;
    const char *text = rule_examples_text;
    struct example example;

    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    while (example_next(&text, &example) == 0) {
        if (example.code.length > 0) {
            write_source(&example);
        }
    }
    return 0;
}

static int remove_sources(void **state)
{
    (void)state;
    char command[COMMAND_MAX];

    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void compile(const char *compiler, const char *language)
{
    char command[COMMAND_MAX];

    snprintf(command, sizeof command,
             "cd %s && %s -fsyntax-only -Wall -Werror -Wno-unused-function %s -x %s *.c >&2", folder,
             compiler, EXAMPLES_INCLUDE, language);
    assert_int_equal(system(command), 0);
}

static void examples_are_c(void **state)
{
    (void)state;
    compile(EXAMPLES_C, "c");
}

static void examples_are_cpp(void **state)
{
    (void)state;
    compile(EXAMPLES_CXX, "c++");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_has_its_examples),
        cmocka_unit_test(every_example_is_of_a_rule),
        cmocka_unit_test(examples_are_short),
        cmocka_unit_test(malformed_sections_are_refused),
        cmocka_unit_test(sections_end_where_the_next_begins),
        cmocka_unit_test(examples_are_c),
        cmocka_unit_test(examples_are_cpp),
    };

    return cmocka_run_group_tests(tests, write_sources, remove_sources);
}
