/* The file of --answers (session/answers_file.h), and which answer a text has (answers.h). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "answers_file.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int load(const char *text, struct answers **answers, char *message)
{
    char path[] = "/tmp/session-answers-XXXXXX", whole[ANSWERS_MESSAGE_MAX];
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
    int rc = answers_load(path, answers, whole);
    unlink(path);
    const char *rest = strstr(whole, ", line ");
    snprintf(message, ANSWERS_MESSAGE_MAX, "%s", rest != NULL ? rest + 2 : whole);
    return rc;
}

static struct answers *loaded(const char *text)
{
    struct answers *answers;
    char message[ANSWERS_MESSAGE_MAX];
    int rc = load(text, &answers, message);
    if (rc != 0)
        print_error("%s\n", message);
    assert_int_equal(rc, 0);
    return answers;
}

static bool finds(const char *query, const char *text)
{
    char file[1024];
    snprintf(file, sizeof(file), "[{\"query\": \"%s\"}]", query);
    struct answers *answers = loaded(file);
    bool found = answers_find(answers, text, strlen(text)) != NULL;
    answers_free(answers);
    return found;
}

static void queries_are_compared_normalised(void **state)
{
    (void)state;
    assert_true(finds("select  1", "\n SELECT /* a /* b */ */ 1 -- c\n;"));
    assert_true(finds("select 'a  b'", "SELECT 'a  b'"));
    assert_false(finds("select 'a  b'", "SELECT 'a b'"));
    assert_true(finds("select '--x'", "select '--x'"));
    assert_false(finds("select 1", "select 12"));
    assert_true(finds("select * from x*", "SELECT a, b FROM xyz WHERE 1 = 1"));
    assert_true(finds("*from x", "select a from y from x"));
    assert_false(finds("*from x", "select a from x y"));
    assert_true(finds("exec p @a = *, @b = @P1", "EXEC p @a = 3, @b = @p1"));
    assert_true(finds("*", ""));
    assert_null(answers_find(NULL, "x", 1));
}

static void the_first_that_fits_is_taken(void **state)
{
    (void)state;
    struct answers *answers = loaded("[{\"query\": \"select 1\"},\n {\"query\": \"select *\"}]");
    assert_ptr_equal(answers_find(answers, "SELECT 1", 8), &answers->items[0]);
    assert_ptr_equal(answers_find(answers, "SELECT 2", 8), &answers->items[1]);
    answers_free(answers);
}

static void an_answer_has_results_and_messages(void **state)
{
    (void)state;
    struct answers *answers = loaded(
        "[{\"query\": \"x\", \"columns\": [{\"name\": \"a\"}, {\"name\": \"b\", \"type\": \"BIT\"}],"
        "  \"rows\": [[\"t\", true], [null, 0]]},"
        " {\"query\": \"y\", \"results\": [{\"columns\": [{\"name\": \"n\", \"type\": \"numeric\","
        "  \"precision\": 10, \"scale\": 2}], \"rows\": [[1.25], [\"-3\"]]},"
        "  {\"columns\": [{\"name\": \"v\", \"type\": \"varbinary\", \"length\": 4}]}],"
        "  \"messages\": [{\"number\": 7, \"severity\": 16, \"state\": 2, \"text\": \"bad\"}]}]");
    assert_int_equal(answers->count, 2);
    const struct answer_set *set = &answers->items[0].sets[0];
    assert_int_equal(answers->items[0].set_count, 1);
    assert_int_equal(set->column_count, 2);
    assert_int_equal(set->columns[0].type, RESULTS_NVARCHAR);
    assert_int_equal(set->columns[1].type, RESULTS_BIT);
    assert_int_equal(set->row_count, 2);
    assert_string_equal(set->cells[0], "t");
    assert_string_equal(set->cells[1], "1");
    assert_null(set->cells[2]);
    assert_string_equal(set->cells[3], "0");
    const struct answer *second = &answers->items[1];
    assert_int_equal(second->set_count, 2);
    assert_int_equal(second->sets[0].columns[0].precision, 10);
    assert_int_equal(second->sets[0].columns[0].scale, 2);
    assert_string_equal(second->sets[0].cells[0], "1.25");
    assert_int_equal(second->sets[1].columns[0].length, 4);
    assert_int_equal(second->sets[1].row_count, 0);
    assert_int_equal(second->message_count, 1);
    assert_int_equal(second->messages[0].number, 7);
    assert_int_equal(second->messages[0].severity, 16);
    assert_string_equal(second->messages[0].text, "bad");
    answers_free(answers);
    answers_free(loaded(" []\n"));
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "line 1: expected an array of answers, [{\"query\": ...}, ...]"},
        {"\n{}", "line 2: expected an array of answers, [{\"query\": ...}, ...]"},
        {"[\n{\"query\": 1}]", "line 2: expected an object with a \"query\", a text"},
        {"[{\"query\": \"\"}]", "line 1: \"query\": expected more than blanks"},
        {"[{\"query\": \"x\"}\n {\"query\": \"y\"}]", "line 2: expected , or ] behind an answer"},
        {"[{\"query\": \"x\"}]\n]", "line 2: expected nothing behind the array"},
        {"[{\"query\": \"x\"},\n{\"query\": \"y\",\n\"rows\":}]",
         "line 3: expected JSON: unexpected token near '}'"},
        {"[{\"query\": \"x\", \"colums\": []}]",
         "line 1: \"colums\": expected query, columns, rows, results or messages"},
        {"[{\"query\": \"x\", \"columns\": []}]",
         "line 1: \"columns\": expected an array of 1 to 1024 columns"},
        {"[{\"query\": \"x\", \"rows\": [[1]]}]",
         "line 1: \"columns\": expected an array of 1 to 1024 columns"},
        {"[{\"query\": \"x\", \"columns\": [{}]}]",
         "line 1: expected columns of the form {\"name\": \"n\", \"type\": \"int\"}"},
        {"[{\"query\": \"x\", \"columns\": [{\"name\": \"a\", \"type\": \"text\"}]}]",
         "line 1: column \"a\" has type \"text\"; expected bit, tinyint, smallint, int, bigint, numeric, "
         "nvarchar, "
         "varbinary, datetime or uniqueidentifier"},
        {"[{\"query\": \"x\", \"columns\": [{\"name\": \"a\", \"length\": -1}]}]",
         "line 1: \"length\": expected a number from 0 to 8000"},
        {"[{\"query\": \"x\", \"columns\": [{\"name\": \"a\"}], \"rows\": [[1, 2]]}]",
         "line 1: row 1: expected an array of 1 values, one a column"},
        {"[{\"query\": \"x\", \"columns\": [{\"name\": \"a\"}], \"rows\": [[[]]]}]",
         "line 1: column \"a\": expected null, text, a number, true or false"},
        {"[{\"query\": \"x\", \"columns\": [{\"name\": \"a\"}], \"results\": []}]",
         "line 1: \"results\": expected an array, in place of \"columns\" and \"rows\""},
        {"[{\"query\": \"x\", \"messages\": [{\"text\": \"a\", \"severity\": 99}]}]",
         "line 1: \"severity\": expected a number from 0 to 25"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct answers *answers;
        char message[ANSWERS_MESSAGE_MAX];
        assert_int_not_equal(load(cases[i].text, &answers, message), 0);
        assert_null(answers);
        assert_string_equal(message, cases[i].message);
    }
}

static void values_are_of_their_types(void **state)
{
    (void)state;
    static const struct {
        const char *type, *good[2], *bad[2];
    } cases[] = {
        {"bit", {"1", "\"0\""}, {"2", "\"x\""}},
        {"tinyint", {"0", "255"}, {"256", "-1"}},
        {"smallint", {"-32768", "32767"}, {"32768", "1.5"}},
        {"int", {"-2147483648", "\"7\""}, {"2147483648", "\"\""}},
        {"bigint", {"9223372036854775807", "-1"}, {"\"9223372036854775808\"", "\"a\""}},
        {"numeric", {"1.5", "\"34000000012800001\""}, {"\"1e5\"", "\"\""}},
        {"numeric", {"-7", "\"0.50\""}, {"\"+5\"", "\"1.2.3\""}},
        {"datetime",
         {"\"1753-01-01 00:00:00\"", "null"},
         {"\"2024-13-31 10:20:30\"", "\"2024-01-31 10:20:30 PM\""}},
        {"uniqueidentifier", {"null", "null"}, {"\"0123456789AB-cdef-0123-456789abcdef--\"", "\"\""}},
        {"varbinary", {"\"0x\"", "\"0xAb\""}, {"\"0xA\"", "\"12\""}},
        {"datetime",
         {"\"2024-01-31 10:20:30\"", "\"2024-01-31 10:20:30.123\""},
         {"\"2024-01-31\"", "\"now\""}},
        {"uniqueidentifier",
         {"\"01234567-89AB-cdef-0123-456789abcdef\"", "null"},
         {"\"01234567\"", "\"x1234567-89AB-cdef-0123-456789abcdef\""}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t j = 0; j < 4; j++) {
            char text[256], message[ANSWERS_MESSAGE_MAX];
            struct answers *answers;
            snprintf(
                text, sizeof(text),
                "[{\"query\": \"x\", \"columns\": [{\"name\": \"a\", \"type\": \"%s\"}], \"rows\": [[%s]]}]",
                cases[i].type, j < 2 ? cases[i].good[j] : cases[i].bad[j - 2]);
            bool taken = load(text, &answers, message) == 0;
            if (taken != (j < 2))
                fail_msg("%s: %s", text, message);
            answers_free(answers);
        }
    }
}

/* Of an editor that marks UTF-8; and what could be read once, or not at all. */
static void files_are_taken_as_they_come(void **state)
{
    (void)state;
    char path[] = "/tmp/session-answers-XXXXXX", message[ANSWERS_MESSAGE_MAX], fifo[64];
    struct answers *answers = loaded("\xef\xbb\xbf[{\"query\": \"select 1\"}]");
    assert_int_equal(answers->count, 1);
    answers_free(answers);
    assert_int_not_equal(load("\xef\xbb", &answers, message), 0);
    assert_non_null(mkdtemp(path));
    snprintf(fifo, sizeof(fifo), "%s/fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_not_equal(answers_load(fifo, &answers, message), 0);
    assert_non_null(strstr(message, "expected a file that can be read again, no pipe"));
    unlink(fifo);
    assert_int_equal(answers_load(path, &answers, message), EISDIR);
    rmdir(path);
}

static void the_environment_names_the_file(void **state)
{
    (void)state;
    char message[ANSWERS_MESSAGE_MAX];
    struct answers *answers;
    unsetenv("VDIFAULT_ANSWERS");
    assert_int_equal(answers_from_environment(&answers, message), 0);
    assert_null(answers);
    setenv("VDIFAULT_ANSWERS", "/nonexistent/a.json", 1);
    assert_int_equal(answers_from_environment(&answers, message), ENOENT);
    assert_string_equal(message, "answers '/nonexistent/a.json' cannot be read: No such file or directory");
    setenv("VDIFAULT_ANSWERS", "", 1);
    assert_int_equal(answers_from_environment(&answers, message), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_compared_normalised),
        cmocka_unit_test(the_first_that_fits_is_taken),
        cmocka_unit_test(an_answer_has_results_and_messages),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(values_are_of_their_types),
        cmocka_unit_test(files_are_taken_as_they_come),
        cmocka_unit_test(the_environment_names_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
