/* batch_test.c - which lines end a batch, and which only look like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch.h"
#include "tsql.h"

static enum tsql_line line(struct tsql_script *script, const char *text)
{
    return tsql_script_line(script, text, strlen(text));
}

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tsql_line kind;
        uint32_t repeat;
    } rows[] = {
        {"GO", TSQL_LINE_GO, 1},
        {"  go 12 ", TSQL_LINE_GO, 12},
        {"Go;", TSQL_LINE_GO, 1},
        {"GO -- done", TSQL_LINE_GO, 1},
        {"GO\r", TSQL_LINE_GO, 1},
        {"GO 0", TSQL_LINE_GO, 0},
        {"GOTO x", TSQL_LINE_TEXT, 0},
        {"GO x", TSQL_LINE_TEXT, 0},
        {"GO 99999999999", TSQL_LINE_TEXT, 0},
        {"x GO", TSQL_LINE_TEXT, 0},
        {":exit", TSQL_LINE_COMMAND, 0},
        {"quit", TSQL_LINE_COMMAND, 0},
        {"EXIT(select 1)", TSQL_LINE_COMMAND, 0},
        {"exits", TSQL_LINE_TEXT, 0},
        {"!!ls", TSQL_LINE_COMMAND, 0},
        {"", TSQL_LINE_TEXT, 0},
        {"G", TSQL_LINE_TEXT, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tsql_script script = {0};
        assert_int_equal(line(&script, rows[i].text), rows[i].kind);
        if (rows[i].kind == TSQL_LINE_GO)
            assert_int_equal(script.repeat, rows[i].repeat);
        tsql_script_free(&script);
    }
}

static void test_go_inside_quotes_and_comments_is_text(void **state)
{
    (void)state;
    static const struct {
        const char *open, *close;
    } rows[] = {{"PRINT 'a", "'"},      {"USE [a]]", "]"},        {"USE \"a", "\""},
                {"/* a /* b */", "*/"}, {"-- ' \n/*'", "*/ --'"}, {"PRINT 'it''s", "'"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tsql_script script = {0};
        char *copy = strdup(rows[i].open);
        for (char *rest = copy, *part; (part = strsep(&rest, "\n")) != NULL;)
            assert_int_equal(line(&script, part), TSQL_LINE_TEXT);
        free(copy);
        assert_int_equal(line(&script, "GO"), TSQL_LINE_TEXT);
        assert_int_equal(line(&script, ":exit"), TSQL_LINE_TEXT);
        assert_int_equal(line(&script, rows[i].close), TSQL_LINE_TEXT);
        assert_int_equal(line(&script, "GO"), TSQL_LINE_GO);
        tsql_script_free(&script);
    }
}

static void test_terminator_and_text(void **state)
{
    (void)state;
    struct tsql_script script = {.terminator = "run"};
    assert_true(tsql_script_is_blank(&script));
    line(&script, "GO");
    line(&script, "x");
    assert_int_equal(script.length, 5);
    assert_memory_equal(script.text, "GO\nx\n", 5);
    assert_int_equal(line(&script, "RUN 2"), TSQL_LINE_GO);
    tsql_script_clear(&script);
    line(&script, " \t");
    assert_true(tsql_script_is_blank(&script));
    tsql_script_free(&script);
}

static void test_too_long_a_batch_is_left_to_the_parser(void **state)
{
    (void)state;
    struct tsql_script script = {0};
    char *text = malloc(TSQL_BATCH_MAX);
    assert_non_null(text);
    memset(text, 'x', TSQL_BATCH_MAX);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tsql_script_line(&script, text, TSQL_BATCH_MAX), TSQL_LINE_TEXT);
    assert_int_equal(script.length, TSQL_BATCH_MAX + 1);
    free(text);
    tsql_script_free(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_go_inside_quotes_and_comments_is_text),
        cmocka_unit_test(test_terminator_and_text),
        cmocka_unit_test(test_too_long_a_batch_is_left_to_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
