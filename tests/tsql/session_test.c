/* session_test.c - sqlcmd from its arguments to output, events and exit status, with an engine of the test's
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "session.h"

/* ---- exit statuses ---- */

static void test_success(void **state)
{
    (void)state;
    ENGINE_SAYS(SUCCESS);
    expect(RUN(" ", "-b", "-Q", BACKUP), 0, "BACKUP DATABASE successfully processed 1 pages.\n", "");
    assert_int_equal(fake.engines, 1);
    assert_string_equal(fake.database, "db");
    assert_string_equal(fake.devices[0], "s");
    assert_int_equal(fake.request.operation, ENGINE_BACKUP);
    assert_int_equal(fake.request.statement, 1);
}

static void test_failure_without_b_exits_0(void **state)
{
    (void)state;
    ENGINE_SAYS(FAILURE);
    expect(RUN(" ", "-Q", BACKUP "\nGO\nPRINT 'on'"), 0, FAILURE_TEXT "on\n", "");
}

static void test_failure_with_b_exits_1_and_stops(void **state)
{
    (void)state;
    ENGINE_SAYS(FAILURE);
    expect(RUN(" ", "-b", "-Q", BACKUP "\nGO\nPRINT 'on'"), 1, FAILURE_TEXT, "");
    expect(RUN(BACKUP "\nGO\nPRINT 'on'\n", "-b"), 1, FAILURE_TEXT, "");
    expect(RUN(":on error exit\n" BACKUP "\nGO\nPRINT 'on'\n", "-e"), 1, BACKUP "\n" FAILURE_TEXT, "");
}

static void test_severity_sets_the_status(void **state)
{
    (void)state;
    ENGINE_SAYS(FAILURE);
    expect(RUN(" ", "-V16", "-Q", BACKUP "\nGO\nPRINT 'on'"), 16, FAILURE_TEXT "on\n", "");
    expect(RUN(" ", "-V17", "-b", "-Q", BACKUP), 0, FAILURE_TEXT, "");
    expect(RUN(" ", "-V1", "-b", "-Q", BACKUP "\nGO\nPRINT 'on'"), 16, FAILURE_TEXT, "");
}

static void test_redirection_and_levels(void **state)
{
    (void)state;
    ENGINE_SAYS(FAILURE);
    expect(RUN(" ", "-r0", "-Q", "PRINT 'x' " BACKUP), 0, "x\n", FAILURE_TEXT);
    expect(RUN(" ", "-r1", "-Q", "PRINT 'x' " BACKUP), 0, "", "x\n" FAILURE_TEXT);
    expect(RUN(" ", "-m17", "-Q", "PRINT 'x' " BACKUP), 0, "", "");
    expect(RUN(" ", "-m", "-1", "-Q", "PRINT 'x'"), 0, "Msg 0, Level 0, State 1, Server H, Line 1\nx\n", "");
}

/* ---- input ---- */

static void test_input(void **state)
{
    (void)state;
    expect(RUN("PRINT 'a'\ngo 2\nPRINT 'b'"), 0,
           "Beginning execution loop\na\na\nBatch execution completed 2 times.\nb\n", "");
    expect(RUN("PRINT 'b'\n", "-q", "PRINT 'a'"), 0, "a\nb\n", "");
    expect(RUN("PRINT 'b'\n", "-Q", "PRINT 'a'"), 0, "a\n", "");
    expect(RUN("PRINT '$(x)'\n:setvar x \"2 3\"\nPRINT '$(X)'\n", "-v", "x=1"), 0, "1\n2 3\n", "");
    expect(RUN("PRINT '$(x)'\n", "-x"), 0, "$(x)\n", "");
    expect(RUN("PRINT '$(no_such)'\nGO\nPRINT 'on'\n", "-W"), 1, "",
           "'no_such' scripting variable not defined.\n");
    expect(RUN("PRINT 'a'\nEXIT\nGO\n", "-W"), 0, "", "");
    expect(RUN("PRINT 'a'\nexit()\n", "-W"), 0, "a\n", "");
    expect(RUN("PRINT 'a'\n:exit(SELECT 7)\n", "-W", "-h-1"), 7, "a\n7\n\n(1 rows affected)\n", "");
    expect(RUN("PRINT 'a'\nGO\n:quit\nPRINT 'b'\n", "-W"), 0, "a\n", "");
    expect(RUN("\n:frob x\n", "-W"), 1, "", "Sqlcmd: Error: Syntax error at line 2 near command 'frob x'.\n");
    expect(RUN(" ", "-i", "/nonexistent/x.sql"), 1, "",
           "Sqlcmd: '/nonexistent/x.sql': Invalid filename. No such file or directory.\n");
}

static void test_files(void **state)
{
    (void)state;
    char in[] = "/tmp/sqlcmd-in-XXXXXX", out[] = "/tmp/sqlcmd-out-XXXXXX";
    int in_file = mkstemp(in), out_file = mkstemp(out);
    assert_true(in_file >= 0 && out_file >= 0);
    assert_int_equal(dprintf(in_file, "PRINT 'from file'\nGO\n"), 21);
    expect(RUN(" ", "-i", in, "-o", out), 0, "", "");
    char text[64] = "";
    assert_int_equal(read(out_file, text, sizeof(text) - 1), 10);
    assert_string_equal(text, "from file\n");
    close(in_file);
    close(out_file);
    unlink(in);
    unlink(out);
}

/* ---- events ---- */

static void expect_event(uint32_t index, enum event_kind kind, int64_t statement, int64_t value,
                         const char *text)
{
    assert_true(index < fake.event_count);
    const struct fake_event *event = &fake.events[index];
    assert_int_equal(event->kind, kind);
    assert_int_equal(event->arg[0], statement);
    assert_int_equal(event->arg[1], value);
    assert_string_equal(event->text, text);
}

static void test_events(void **state)
{
    (void)state;
    ENGINE_SAYS(SUCCESS);
    struct outcome outcome =
        RUN(" ", "-Q", "DECLARE @a int; USE x " BACKUP " WITH PASSWORD = 'p'\nGO\nFOO\nGO\nPRINT 'x'+1");
    free(outcome.out);
    free(outcome.err);
    expect_event(0, EVENT_STATEMENT_BEGIN, 1, PROCESS_CLIENT, "USE x");
    expect_event(1, EVENT_MESSAGE, 1, 5701, "Changed database context to 'x'.");
    expect_event(2, EVENT_STATEMENT_END, 1, STATEMENT_SUCCESS, "");
    expect_event(3, EVENT_STATEMENT_BEGIN, 2, PROCESS_CLIENT, BACKUP " WITH PASSWORD = ***");
    expect_event(4, EVENT_STATEMENT_DEVICE, 2, 0, "s");
    expect_event(5, EVENT_MESSAGE, 2, 3014, "BACKUP DATABASE successfully processed 1 pages.");
    /* its end is the engine's to tell */
    expect_event(6, EVENT_STATEMENT_BEGIN, 3, PROCESS_CLIENT, "FOO\n");
    expect_event(7, EVENT_MESSAGE, 3, 2812, "Could not find stored procedure 'FOO'.");
    expect_event(8, EVENT_STATEMENT_END, 3, STATEMENT_FAILED, "");
    expect_event(9, EVENT_STATEMENT_BEGIN, 4, PROCESS_CLIENT, "PRINT 'x'+1");
    assert_int_equal(fake.event_count, 12);
    assert_int_equal(fake.request.statement, 2);
}

static void test_registered_device(void **state)
{
    (void)state;
    expect(RUN(" ", "-b", "-Q", "EXEC sp_addumpdevice 'virtual_device', 'a', 's'"), 0, "", "");
    expect_event(0, EVENT_STATEMENT_BEGIN, 1, PROCESS_CLIENT,
                 "EXEC sp_addumpdevice 'virtual_device', 'a', 's'");
    expect_event(1, EVENT_STATEMENT_END, 1, STATEMENT_SUCCESS, "");
}

static void test_login_that_is_no_sysadmin(void **state)
{
    (void)state;
    struct outcome outcome = RUN(" ", "-b", "-UGuest", "-Px", "-Q", BACKUP);
    assert_non_null(strstr(outcome.out, "Msg 3265, Level 16"));
    assert_non_null(strstr(outcome.out, "Msg 3013, Level 16"));
    assert_int_equal(outcome.status, 1);
    assert_int_equal(fake.engines, 0);
    free(outcome.out);
    free(outcome.err);
    ENGINE_SAYS(SUCCESS);
    expect(RUN(" ", "-b", "-Usa", "-Px", "-Q", BACKUP), 0,
           "BACKUP DATABASE successfully processed 1 pages.\n", "");
}

/* ---- ends from outside ---- */

static void test_interrupt_cancels(void **state)
{
    (void)state;
    fake.until_cancelled = true;
    fake.interrupt = &interrupted;
    ENGINE_SAYS(FAILURE);
    expect(RUN(" ", "-Q", BACKUP " PRINT 'on'\nGO\nPRINT 'on'"), 1, FAILURE_TEXT, "");
    assert_int_equal(fake.cancels, 1);
}

static void test_query_timeout_cancels(void **state)
{
    (void)state;
    fake.until_cancelled = true;
    ENGINE_SAYS(FAILURE);
    expect(RUN(" ", "-b", "-t1", "-Q", BACKUP), 1, FAILURE_TEXT, "Timeout expired\n");
    assert_int_equal(fake.cancels, 1);
}

/* What a fault makes of the session goes beyond the statement: nothing that follows is run. */
static void test_session_that_is_lost(void **state)
{
    (void)state;
    static const struct {
        enum engine_leaving leaving;
        const char *says; /* at its beginning */
    } table[] = {
        {ENGINE_LOST,
         "Sqlcmd: Error: Microsoft ODBC Driver 18 for SQL Server : TCP Provider: Error code 0x68.\n"},
        {ENGINE_UNREACHABLE,
         "Sqlcmd: Error: Microsoft ODBC Driver 18 for SQL Server : Login timeout expired.\n"},
        {ENGINE_CANCELLED, "Timeout expired\n"},
    };
    ENGINE_SAYS(FAILURE);
    for (size_t i = 0; i < COUNT(table); i++) {
        fake.leaving = table[i].leaving;
        struct outcome outcome = RUN(" ", "-b", "-Q", BACKUP " PRINT 'on'\nGO\nPRINT 'on'");
        assert_memory_equal(outcome.err, table[i].says, strlen(table[i].says));
        outcome.err[0] = '\0';
        expect(outcome, 1, FAILURE_TEXT, "");
    }
}

/* Text that the server sends beside its messages is printed, and no message of the statement's. */
static void test_chatter_is_no_message(void **state)
{
    (void)state;
    ENGINE_SAYS({1, 0, ENGINE_CHAT, "configuration parameters"}, SUCCESS);
    expect(RUN(" ", "-b", "-Q", BACKUP), 0,
           "configuration parameters\nBACKUP DATABASE successfully processed 1 pages.\n", "");
    for (uint32_t i = 0; i < fake.event_count; i++) {
        assert_true(fake.events[i].kind != EVENT_MESSAGE || fake.events[i].arg[1] == 3014);
    }
}

/* A real server notices that the connection is gone; we notice the pipe. */
static void test_reader_that_is_gone_cancels(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    fake.until_cancelled = true;
    char *argv[] = {"sqlcmd", "-Q", BACKUP};
    struct sqlcmd_options options;
    char message[SQLCMD_MESSAGE_MAX];
    assert_int_equal(sqlcmd_options_parse(3, argv, &options, message), 0);
    FILE *out = fdopen(ends[1], "w");
    struct sqlcmd_environment environment = {.plan = &plan,
                                             .role = PROCESS_CLIENT,
                                             .interrupted = &interrupted,
                                             .in = stdin,
                                             .out = out,
                                             .err = stderr};
    assert_int_equal(sqlcmd_run(&options, &environment), 1);
    assert_int_equal(fake.cancels, 1);
    sqlcmd_options_free(&options);
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_success, setup),
        cmocka_unit_test_setup(test_failure_without_b_exits_0, setup),
        cmocka_unit_test_setup(test_failure_with_b_exits_1_and_stops, setup),
        cmocka_unit_test_setup(test_severity_sets_the_status, setup),
        cmocka_unit_test_setup(test_redirection_and_levels, setup),
        cmocka_unit_test_setup(test_input, setup),
        cmocka_unit_test_setup(test_files, setup),
        cmocka_unit_test_setup(test_events, setup),
        cmocka_unit_test_setup(test_registered_device, setup),
        cmocka_unit_test_setup(test_login_that_is_no_sysadmin, setup),
        cmocka_unit_test_setup(test_interrupt_cancels, setup),
        cmocka_unit_test_setup(test_query_timeout_cancels, setup),
        cmocka_unit_test_setup(test_session_that_is_lost, setup),
        cmocka_unit_test_setup(test_chatter_is_no_message, setup),
        cmocka_unit_test_setup(test_reader_that_is_gone_cancels, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
