/* values_test.c - expressions, variables and their types at run time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tsql.h"

static const char *const globals[TSQL_GLOBAL_COUNT] = {"version", "server", "service", "51", "0"};

/* Carries out all assignments of the batch; the value of its last PRINT. Returns the error's number. */
static int run(const char *text, char **printed)
{
    struct tsql_batch *batch;
    struct tsql_values *values;
    struct tsql_error error = {0};
    *printed = NULL;
    assert_int_equal(tsql_parse(text, strlen(text), &batch, &error), 0);
    assert_int_equal(tsql_values_new(batch, globals, &values), 0);
    int rc = 0;
    for (const struct tsql_statement *s = tsql_first(batch); s != NULL && rc == 0; s = s->next) {
        struct tsql_value value = {0};
        if (s->kind == TSQL_ASSIGN)
            rc = tsql_assign(values, s, &error);
        else
            rc = tsql_evaluate(values, s->subject, &value, &error);
        free(*printed);
        *printed = value.text;
    }
    tsql_values_free(values);
    tsql_batch_free(batch);
    assert_int_equal(rc, error.number != 0 ? EINVAL : 0);
    return error.number;
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *printed; /* NULL: NULL, or the error */
        int number;
    } rows[] = {
        {"PRINT 'a' + N'b'", "ab", 0},
        {"PRINT 'a' + NULL", NULL, 0},
        {"PRINT 1 + 2", "3", 0},
        {"PRINT '1' + 2", "3", 0},
        {"PRINT 'x' + 2", NULL, 245},
        {"PRINT 9223372036854775807 + 1", NULL, 8115},
        {"PRINT @@SPID", "51", 0},
        {"DECLARE @a int PRINT @a", NULL, 0},
        {"DECLARE @a varchar = 'abc' PRINT @a", "a", 0}, /* no length is a length of one */
        {"DECLARE @a nvarchar(2) = N'\xc3\xa4\xc3\xb6\xc3\xbc' PRINT @a", "\xc3\xa4\xc3\xb6", 0},
        {"DECLARE @a varchar(max) = 'abc' PRINT @a", "abc", 0},
        {"DECLARE @a sysname SET @a = 'abc' SET @A += 'd' PRINT @a", "abcd", 0},
        {"DECLARE @a varchar(9)='x', @b varchar(9) SELECT @b = @a + 'y', @a = @b PRINT @a", "xy", 0},
        {"DECLARE @a int = '12' PRINT @a + 1", "13", 0},
        {"DECLARE @a int = 'no' PRINT @a", NULL, 245},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *printed;
        int number = run(rows[i].text, &printed);
        assert_int_equal(number, rows[i].number);
        if (rows[i].printed == NULL)
            assert_null(printed);
        else
            assert_string_equal(printed != NULL ? printed : "(null)", rows[i].printed);
        free(printed);
    }
}

static void test_growth_is_bounded(void **state)
{
    (void)state;
    char text[2048] = "DECLARE @a varchar(max) = 'x'";
    for (int i = 0; i < 40; i++) /* 2 to the 40th bytes, if nobody stopped it */
        strcat(text, " SET @a += @a");
    char *printed;
    assert_int_equal(run(text, &printed), 8152);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_growth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
