/* options_test.c - sqlcmd's command line: every option's arity, and sqlcmd's words for what is wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

enum {
    ARGUMENTS_MAX = 48
};

/* Arguments parted by '|'. */
static int parse_as(char *program, const char *line, struct sqlcmd_options *options, char **copy,
                    char *message)
{
    char *argv[ARGUMENTS_MAX] = {program};
    int argc = 1;
    *copy = strdup(line);
    for (char *rest = *copy, *part; *line != '\0' && (part = strsep(&rest, "|")) != NULL;)
        argv[argc++] = part;
    return sqlcmd_options_parse(argc, argv, options, message);
}

static int parse(const char *line, struct sqlcmd_options *options, char **copy, char *message)
{
    return parse_as("sqlcmd", line, options, copy, message);
}

static void test_values(void **state)
{
    (void)state;
    struct sqlcmd_options o;
    char message[SQLCMD_MESSAGE_MAX], *copy;
    assert_int_equal(
        parse(
            "-S|host|-Usa|-P|-secret|-ddb|-b|-W|-h|-1|-m-1|-V|16|-r1|-t|5|-Q|select 1|-x|-s,|-C|-l|30|-N|-I",
            &o, &copy, message),
        0);
    assert_string_equal(o.server, "host");
    assert_string_equal(o.user, "sa");
    assert_string_equal(o.password, "-secret");
    assert_string_equal(o.database, "db");
    assert_string_equal(o.query, "select 1");
    assert_string_equal(o.separator, ",");
    assert_true(o.exit_on_error && o.trim && o.no_substitution && !o.trusted);
    assert_int_equal(o.header, SQLCMD_HEADER_NONE);
    assert_int_equal(o.error_level, -1);
    assert_int_equal(o.severity, 16);
    assert_int_equal(o.redirect, 1);
    assert_int_equal(o.query_timeout, 5);
    assert_string_equal(variables_get(&o.variables, "sqlcmdserver"), "host");
    sqlcmd_options_free(&o);
    free(copy);
}

static void test_shapes(void **state)
{
    (void)state;
    struct sqlcmd_options o;
    char message[SQLCMD_MESSAGE_MAX], *copy;
    assert_int_equal(
        parse("-Eb|-r|-k|2|-Nm|-i|a.sql,b.sql|-ic.sql|-v|x=1|y=a b|-Z|n|--exit-on-error|--server=h", &o,
              &copy, message),
        0);
    assert_true(o.trusted && o.exit_on_error);
    assert_int_equal(o.redirect, 0);
    assert_int_equal(o.input_count, 3);
    assert_string_equal(o.inputs[1], "b.sql");
    assert_string_equal(o.inputs[2], "c.sql");
    assert_string_equal(variables_get(&o.variables, "X"), "1");
    assert_string_equal(variables_get(&o.variables, "y"), "a b");
    assert_string_equal(o.server, "h");
    sqlcmd_options_free(&o);
    free(copy);
}

/* The options real sqlcmds know and clients use, with an argument where one belongs. */
static void test_all_are_accepted(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",     "-S|x",   "-U|x",   "-P|x",      "-E",
        "-d|x", "-Q|x",   "-q|x",   "-b",        "-h|1",
        "-W",   "-l|8",   "-t|9",   "-C",        "-N",
        "-i|x", "-o|x",   "-s|x",   "-w|80",     "-k",
        "-k1",  "-r",     "-r0",    "-r|1",      "-m|11",
        "-V|1", "-v|a=b", "-x",     "-X",        "-X1",
        "-e",   "-I",     "-j",     "-K|x",      "-M",
        "-G",   "-H|x",   "-a|512", "-c|x",      "-D",
        "-f|x", "-F|x",   "-g",     "-u",        "-y|0",
        "-Y|0", "-z|x",   "-Z|x",   "-R",        "-?",
        "-A",   "-p1",    "-J|x",   "--query|x", "--authentication-method=SqlPassword",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sqlcmd_options o;
        char message[SQLCMD_MESSAGE_MAX], *copy;
        if (parse(rows[i], &o, &copy, message) != 0)
            fail_msg("%s: %s", rows[i], message);
        sqlcmd_options_free(&o);
        free(copy);
    }
}

static void test_errors(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"-3", "Sqlcmd: '-3': Unknown Option. Enter '-?' for help."},
        {"--nonsense", "Sqlcmd: '--nonsense': Unknown Option. Enter '-?' for help."},
        {"-S", "Sqlcmd: '-S': Missing argument. Enter '-?' for help."},
        {"-v", "Sqlcmd: '-v': Missing argument. Enter '-?' for help."},
        {"-v|x", "Sqlcmd: 'x': Invalid variable definition, expected var=value. Enter '-?' for help."},
        {"select 1", "Sqlcmd: 'select 1': Unexpected argument. Enter '-?' for help."},
        {"-t|x", "Sqlcmd: '-t x': value must be greater than or equal to 0 and less than or equal to 65534."},
        {"-r5", "Sqlcmd: '-r 5': value must be greater than or equal to 0 and less than or equal to 1."},
        {"-E|-U|x", "Sqlcmd: The -E and the -U/-P options are mutually exclusive."},
        {"-i|x|-Q|y", "Sqlcmd: The -i and the -Q/-q options are mutually exclusive."},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sqlcmd_options o;
        char message[SQLCMD_MESSAGE_MAX], *copy;
        assert_int_equal(parse(rows[i][0], &o, &copy, message), EINVAL);
        assert_string_equal(message, rows[i][1]);
        sqlcmd_options_free(&o);
        free(copy);
    }
}

static void test_environment(void **state)
{
    (void)state;
    setenv("SQLCMDSERVER", "from-env", 1);
    struct sqlcmd_options o;
    char message[SQLCMD_MESSAGE_MAX], *copy;
    assert_int_equal(parse("", &o, &copy, message), 0);
    assert_string_equal(o.server, "from-env");
    sqlcmd_options_free(&o);
    free(copy);
    assert_int_equal(parse("-S|x", &o, &copy, message), 0);
    assert_string_equal(o.server, "x");
    sqlcmd_options_free(&o);
    free(copy);
    unsetenv("SQLCMDSERVER");
}

static void test_variables(void **state)
{
    (void)state;
    struct variables v = {0};
    char *text, missing[16];
    size_t length;
    assert_int_equal(variables_set(&v, "a", "1"), 0);
    assert_int_equal(variables_set(&v, "A", "two"), 0);
    assert_int_equal(variables_set(&v, "b", "$(a)"), 0);
    assert_int_equal(variables_expand(&v, "x$(a)'$(b)' $(not one $( )", 26, &text, &length, missing, 16), 0);
    assert_string_equal(text, "xtwo'$(a)' $(not one $( )"); /* what is put in is not looked at again */
    free(text);
    assert_int_equal(variables_set(&v, "a", NULL), 0);
    assert_int_equal(variables_expand(&v, "$(b) $(a)", 9, &text, &length, missing, 16), EINVAL);
    assert_string_equal(missing, "a");
    variables_free(&v);
}

/* osql has options of its own; of those it shares with sqlcmd a few are different. */
static void test_osql(void **state)
{
    (void)state;
    static const char line[] = "-E|-n|-p|-O|-I|-b|-D|source|-I|/etc/odbc|-Q|select 1";
    struct sqlcmd_options o;
    char message[SQLCMD_MESSAGE_MAX], *copy;
    assert_int_equal(parse_as("/usr/bin/osql", line, &o, &copy, message), 0);
    assert_true(o.trusted && o.exit_on_error);
    assert_string_equal(o.query, "select 1");
    sqlcmd_options_free(&o);
    free(copy);
    assert_int_equal(parse(line, &o, &copy, message), EINVAL);
    assert_non_null(strstr(message, "'-n'"));
    sqlcmd_options_free(&o);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_all_are_accepted),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_osql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
