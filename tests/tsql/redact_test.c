/* redact_test.c - no password gets through; everything else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "redact.h"

static void test_text(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"BACKUP DATABASE x TO VIRTUAL_DEVICE='s'", "BACKUP DATABASE x TO VIRTUAL_DEVICE='s'"},
        {"WITH PASSWORD = 'se''cret', STATS", "WITH PASSWORD = ***, STATS"},
        {"with mediapassword=N'x' , password='y'", "with mediapassword=*** , password=***"},
        {"WITH PASSWORD = @p", "WITH PASSWORD = ***"},
        {"PASSWORD = 'never closed", "PASSWORD = ***"},
        {"Server=a;UID=sa;PWD=x y;Database=b", "Server=a;UID=sa;PWD=*** y;Database=b"},
        {"pwd={a;b};x", "pwd=***;x"},
        {"[PASSWORD] = 'x'", "[PASSWORD] = ***"},
        {"sqlcmd -S a -P secret -Q 'x'", "sqlcmd -S a -P *** -Q 'x'"},
        {"sqlcmd -Psecret -p 1", "sqlcmd -P*** -p 1"},
        {"sqlcmd -P 'two words' -b", "sqlcmd -P *** -b"},
        {"client --password secret --password=secret", "client --password *** --password=***"},
        {"--PASSWORD \"a b\" x", "--PASSWORD *** x"},
        {"SQLCMDPASSWORD=x sqlcmd", "SQLCMDPASSWORD=*** sqlcmd"},
        {"PASSWORD is wrong", "PASSWORD is wrong"},
        {"--passwordfile f", "--passwordfile f"},
        {"NOPASSWORD=1", "NOPASSWORD=1"},
        {"-P", "-P"},
        {"PASSWORD=", "PASSWORD=***"},
        {"PASSWORD='', x", "PASSWORD=***, x"},
        {"EXEC('BACKUP ... PASSWORD = ''a b'', STATS')", "EXEC('BACKUP ... PASSWORD = ***, STATS')"},
        {"EXEC('EXEC(''PASSWORD=N''''a b'''''')')", "EXEC('EXEC(''PASSWORD=***'')')"},
        {"PASSWORD='''a' b", "PASSWORD=*** b"},
        {"PASSWORD /* a /* b */ = */ = -- it\n 'x', STATS", "PASSWORD  = \n ***, STATS"},
        {"[PASSWORD]/**/=/* never closed", "[PASSWORD]=***"},
        /* A comment that is the text of another option holds a password. */
        {"NAME = 'PWD=/*', PASSWORD = 'x'", "NAME = 'PWD=***"},
        {"NAME = 'PWD--', PASSWORD = 'x', \n=y", "NAME = 'PWD\n=***"},
        {"NAME='PASSWORD=''', PASSWORD='x', STATS", "NAME='PASSWORD=***, STATS"},
        {"NAME='PWD={', PASSWORD='a }x', STATS", "NAME='PWD=***, STATS"},
        {"NAME='-P ', PASSWORD='a x', STATS", "NAME='-P ***, STATS"},
        /* What is part of a word before the name makes it another name; what is not does not. */
        {"_PWD=1 @PWD=1 #PWD=1 $PWD=1 \xc3\xa4PWD=1 --PWD=1",
         "_PWD=1 @PWD=1 #PWD=1 $PWD=1 \xc3\xa4PWD=1 --PWD=1"},
        {"\"PWD\"=1 'PWD'=2 (PWD=3)", "\"PWD\"=*** 'PWD'=*** (PWD=***)"},
        /* Quotes of a shell: a backslash hides the next character, at the end itself. */
        {"-P \"a\\\" b\" c", "-P *** c"},
        {"-P a\\ b c", "-P *** c"},
        {"-P a\\", "-P ***"},
        {"-P \"a\\", "-P ***"},
        /* Empty values inside a string; one that is never closed. */
        {"EXEC('PWD='' '')", "EXEC('PWD=*** '')"},
        {"EXEC('PWD='''')", "EXEC('PWD=***)"},
        {"EXEC('PWD=''", "EXEC('PWD=***"},
        {"EXEC('PWD=''a", "EXEC('PWD=***"},
        {"PWD=n'x'y PWD=nx", "PWD=***y PWD=***"},
        {"PWD={a;b", "PWD=***"},
        {"PWD / = 1, PWD - = 1, PWD /* * / */ = 1", "PWD / = 1, PWD - = 1, PWD  = ***"},
        {"--password=a --password", "--password=*** --password"},
        {"--password=", "--password="},
        /* What was redacted already keeps the quotes around it. */
        {"sh -c 'sqlcmd -P ***' b", "sh -c 'sqlcmd -P ***' b"},
        {"sh -c 'sh -c '\\''x --password ***'\\'''", "sh -c 'sh -c '\\''x --password ***'\\'''"},
        {"-P ***'x y' -b", "-P *** -b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = redact_text(rows[i][0]);
        assert_non_null(text);
        assert_string_equal(text, rows[i][1]);
        free(text);
    }
}

static void test_text_that_grows(void **state)
{
    (void)state;
    char text[601] = "";
    for (int i = 0; i < 100; i++)
        strcat(text, "PWD=x;");
    char *redacted = redact_text(text);
    assert_non_null(redacted);
    assert_int_equal(strlen(redacted), 800);
    free(redacted);
}

static void test_arguments(void **state)
{
    (void)state;
    char *const argv[] = {"client",
                          "-P",
                          "secret",
                          "-Psecret",
                          "--password",
                          "secret",
                          "--password=secret",
                          "-Q",
                          "BACKUP DATABASE x TO VIRTUAL_DEVICE='s' WITH PASSWORD='p'",
                          "-p",
                          "x",
                          "-P",
                          "--PASSWORD",
                          "secret",
                          "--passwordfile"};
    static const char *const expected[] = {"client",
                                           "-P",
                                           "***",
                                           "-P***",
                                           "--password",
                                           "***",
                                           "--password=***",
                                           "-Q",
                                           "BACKUP DATABASE x TO VIRTUAL_DEVICE='s' WITH PASSWORD=***",
                                           "-p",
                                           "x",
                                           "-P",
                                           "***",
                                           "***", /* in doubt rather more than less */
                                           "--passwordfile"};
    for (int i = 0; i < 15; i++) {
        char *text = redact_argument(15, argv, i);
        assert_non_null(text);
        assert_string_equal(text, expected[i]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_that_grows),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
