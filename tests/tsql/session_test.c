/* session_test.c - sqlcmd from its arguments to output, events and exit status, with an engine of the test's
 * own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_engine.h"
#include "run.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BACKUP       "BACKUP DATABASE db TO VIRTUAL_DEVICE='s'"
#define SUCCESS                                                        \
    {                                                                  \
        3014, 10, 1, "BACKUP DATABASE successfully processed 1 pages." \
    }
#define FAILURE                                                   \
    {3204, 16, 1, "The backup or restore was aborted."},          \
    {                                                             \
        3013, 16, 1, "BACKUP DATABASE is terminating abnormally." \
    }
#define FAILURE_TEXT                                                                      \
    "Msg 3204, Level 16, State 1, Server H, Line 1\nThe backup or restore was aborted.\n" \
    "Msg 3013, Level 16, State 1, Server H, Line 1\nBACKUP DATABASE is terminating abnormally.\n"

static struct plan plan;
static atomic_bool interrupted;

struct outcome {
    int status;
    char *out, *err;
};

static struct outcome run_as(enum process_role role, const char *input, int argc, char *const *argv)
{
    struct sqlcmd_options options;
    char message[SQLCMD_MESSAGE_MAX];
    struct outcome outcome;
    size_t out_size, err_size;
    assert_int_equal(sqlcmd_options_parse(argc, argv, &options, message), 0);
    struct sqlcmd_environment environment = {.plan = &plan,
                                             .role = role,
                                             .interrupted = &interrupted,
                                             .in = fmemopen((char *)input, strlen(input), "r"),
                                             .out = open_memstream(&outcome.out, &out_size),
                                             .err = open_memstream(&outcome.err, &err_size)};
    outcome.status = sqlcmd_run(&options, &environment);
    fclose(environment.in);
    fclose(environment.out);
    fclose(environment.err);
    sqlcmd_options_free(&options);
    return outcome;
}

#define RUN(input, ...)                                                                   \
    run_as(PROCESS_CLIENT, input, (int)COUNT(((char *[]){"sqlcmd", "-SH", __VA_ARGS__})), \
           (char *[]){"sqlcmd", "-SH", __VA_ARGS__})

static void expect(struct outcome outcome, int status, const char *out, const char *err)
{
    assert_string_equal(outcome.out, out);
    assert_string_equal(outcome.err, err);
    assert_int_equal(outcome.status, status);
    free(outcome.out);
    free(outcome.err);
}

static void engine_says(const struct sql_message *messages, size_t count)
{
    assert_true(count < FAKE_MESSAGES_MAX);
    memcpy(fake.messages, messages, count * sizeof(*messages));
}
#define ENGINE_SAYS(...) \
    engine_says((const struct sql_message[]){__VA_ARGS__}, COUNT(((const struct sql_message[]){__VA_ARGS__})))

static int setup(void **state)
{
    (void)state;
    fake_reset();
    atomic_store(&interrupted, false);
    return 0;
}

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

/* ---- statements ---- */

static void test_text_is_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text, *out;
    } rows[] = {
        {"SELECT 1", "           \n-----------\n          1\n\n(1 rows affected)\n"},
        {"SET NOCOUNT ON SELECT 'ab' AS x, 2 y", "x  y          \n-- -----------\nab           2\n"},
        {"SELECT NULL", "    \n----\nNULL\n\n(1 rows affected)\n"},
        {"USE [my db]", "Changed database context to 'my db'.\n"},
        {"PRINT 'a'\n\nFOO", "Msg 102, Level 15, State 1, Server H, Line 3\nIncorrect syntax near 'FOO'.\n"},
        {"EXEC('PRINT ''in''') PRINT 'out'", "in\nout\n"},
        {"EXEC('\nFOO BAR')",
         "Msg 2812, Level 16, State 62, Server H, Line 2\nCould not find stored procedure 'FOO'.\n"},
        {"PRINT 'x'+1 PRINT 'not reached'",
         "Msg 245, Level 16, State 1, Server H, Line 1\nConversion failed when "
         "converting the varchar value 'x' to data type int.\n"},
        {"RESTORE DATABASE db WITH RECOVERY",
         "RESTORE DATABASE successfully processed 0 pages in 0.001 seconds (0.000 MB/sec).\n"},
        {"PRINT @@ERROR PRINT 1", "0\n1\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        expect(RUN(" ", "-Q", (char *)rows[i].text), 0, rows[i].out, "");
    assert_int_equal(fake.engines, 0);
}

/* Refused before the engine: its own message, then 3013, on the statement's line. */
static void test_refused_backups(void **state)
{
    (void)state;
    char many[4096] = "BACKUP LOG db TO VIRTUAL_DEVICE='s'";
    for (int i = 1; i < 65; i++)
        strcat(many, ",VIRTUAL_DEVICE='d'");
    const struct {
        const char *text, *message, *name;
    } rows[] = {
        {many,
         "Msg 3205, Level 16, State 2, Server H, Line 1\nToo many backup devices specified for backup or "
         "restore; only "
         "64 are allowed.\n",
         "BACKUP LOG"},
        {"BACKUP DATABASE TempDB TO VIRTUAL_DEVICE='s'",
         "Msg 3147, Level 16, State 3, Server H, Line 1\nBackup and restore operations are not allowed on "
         "database "
         "tempdb.\n",
         "BACKUP DATABASE"},
        {"DECLARE @d sysname='' BACKUP DATABASE @d TO VIRTUAL_DEVICE='s'",
         "Msg 911, Level 16, State 11, Server H, Line 1\nDatabase '' does not exist. Make sure that the name "
         "is entered "
         "correctly.\n",
         "BACKUP DATABASE"},
        {"BACKUP DATABASE d TO VIRTUAL_DEVICE=''",
         "Msg 3044, Level 16, State 2, Server H, Line 1\nInvalid zero-length device name. Reissue the BACKUP "
         "statement "
         "with a valid device name.\n",
         "BACKUP DATABASE"},
        {"RESTORE DATABASE d FROM VIRTUAL_DEVICE='s' WITH BLOCKSIZE=1000",
         "Msg 3253, Level 16, State 1, Server H, Line 1\nThe block size parameter must supply a value that "
         "is a power "
         "of 2.\n",
         "RESTORE DATABASE"},
        {"RESTORE VERIFYONLY FROM VIRTUAL_DEVICE='s' WITH STATS=1000",
         "Msg 3250, Level 16, State 1, Server H, Line 1\nThe value '1000' is not within range for the STATS "
         "parameter.\n",
         "VERIFY DATABASE"},
        {"BACKUP LOG d TO VIRTUAL_DEVICE='s' WITH DIFFERENTIAL",
         "Msg 3032, Level 16, State 2, Server H, Line 1\nOne or more of the options (differential) are not "
         "supported for this statement. Review the documentation for supported options.\n",
         "BACKUP LOG"},
        {"BACKUP DATABASE d TO VIRTUAL_DEVICE='s' WITH SNAPSHOT, DIFFERENTIAL",
         "Msg 3031, Level 16, State 1, Server H, Line 1\nOption 'SNAPSHOT' conflicts with option(s) "
         "'DIFFERENTIAL'. Remove the conflicting option and reissue the statement.\n",
         "BACKUP DATABASE"},
        {"RESTORE DATABASE d FROM VIRTUAL_DEVICE='s' WITH FILE = 0",
         "Msg 3250, Level 16, State 1, Server H, Line 1\nThe value '0' is not within range for the FILE "
         "parameter.\n",
         "RESTORE DATABASE"},
        {"RESTORE HEADERONLY FROM VIRTUAL_DEVICE=''",
         "Msg 3044, Level 16, State 2, Server H, Line 1\nInvalid zero-length device name. Reissue the BACKUP "
         "statement with a valid device name.\n",
         "RESTORE HEADERONLY"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[1024];
        snprintf(out, sizeof(out),
                 "%sMsg 3013, Level 16, State 1, Server H, Line 1\n%s is terminating abnormally.\n",
                 rows[i].message, rows[i].name);
        expect(RUN(" ", "-b", "-Q", (char *)rows[i].text), 1, out, "");
    }
    assert_int_equal(fake.engines, 0);
}

static void test_request(void **state)
{
    (void)state;
    expect(
        RUN(" ", "-b", "-Q",
            "DECLARE @s nvarchar(9) = N'a', @n int = 3; RESTORE LOG [d b] FROM VIRTUAL_DEVICE=@s, "
            "VIRTUAL_DEVICE='b' WITH REPLACE, BLOCKSIZE=1024, MAXTRANSFERSIZE=131072, BUFFERCOUNT=@n, STATS"),
        0, "", "");
    const struct engine_request *r = &fake.request;
    assert_int_equal(r->operation, ENGINE_RESTORE);
    assert_true(r->log && r->replace && r->store);
    assert_string_equal(fake.database, "d b");
    assert_int_equal(r->device_count, 2);
    assert_string_equal(fake.devices[0], "a");
    assert_string_equal(fake.devices[1], "b");
    assert_int_equal(r->block_size, 1024);
    assert_int_equal(r->max_transfer_size, 131072);
    assert_int_equal(r->buffer_count, 3);
    assert_int_equal(r->stats, 10);
}

static void test_options_that_reach_the_engine(void **state)
{
    (void)state;
    expect(RUN(" ", "-b", "-Q", BACKUP " WITH DIFFERENTIAL, INIT"), 0, "", "");
    assert_true(fake.request.differential && fake.request.overwrite && !fake.request.snapshot);
    expect(RUN(" ", "-b", "-Q", BACKUP " WITH FORMAT"), 0, "", "");
    assert_true(fake.request.overwrite && !fake.request.differential);
    expect(RUN(" ", "-b", "-Q", BACKUP " WITH NOINIT, SNAPSHOT"), 0, "", "");
    assert_true(fake.request.snapshot && !fake.request.overwrite);
    expect(RUN(" ", "-b", "-Q", "RESTORE DATABASE db FROM VIRTUAL_DEVICE='s' WITH FILE = 3, SNAPSHOT"), 0, "",
           "");
    assert_true(fake.request.snapshot && fake.request.file == 3 && !fake.request.headers);
}

static const struct engine_backup_set set = {.database = "db",
                                             .kind = "Database Differential",
                                             .type = 5,
                                             .position = 2,
                                             .device = 1,
                                             .device_count = 3,
                                             .set_id = 0x0123456789abcdef,
                                             .database_size = 8192,
                                             .content_bytes = 4096,
                                             .block_size = 512};

/* Column names of the first line, values of the third, by position: `name=value` for those that tell. */
static void check_row(const char *kind, const char *const *pairs)
{
    char query[80];
    snprintf(query, sizeof(query), "SET NOCOUNT ON RESTORE %s FROM VIRTUAL_DEVICE='s' WITH FILE=2", kind);
    struct outcome outcome = RUN(" ", "-b", "-W", "-s|", "-Q", query);
    assert_int_equal(outcome.status, 0);
    assert_true(fake.request.headers && !fake.request.store && fake.request.operation == ENGINE_RESTORE);
    char *save[2] = {NULL}, *lines = NULL;
    char *names = strtok_r(outcome.out, "\n", &lines);
    strtok_r(NULL, "\n", &lines);
    char *values = strtok_r(NULL, "\n", &lines);
    assert_null(strtok_r(NULL, "\n", &lines));
    char *name = strtok_r(names, "|", &save[0]), *value = strtok_r(values, "|", &save[1]);
    for (; name != NULL; name = strtok_r(NULL, "|", &save[0]), value = strtok_r(NULL, "|", &save[1])) {
        char pair[512];
        snprintf(pair, sizeof(pair), "%s=%s", name, value);
        if (*pairs != NULL && strncmp(*pairs, pair, strlen(name) + 1) == 0)
            assert_string_equal(pair, *pairs++);
    }
    assert_null(value);
    assert_null(*pairs); /* all of them, in this order */
    free(outcome.out);
    free(outcome.err);
}

static void test_rows_of_headers(void **state)
{
    (void)state;
    fake.set = &set;
    check_row("HEADERONLY",
              (const char *const[]){"BackupName=NULL", "BackupType=5", "Position=2", "DeviceType=7",
                                    "ServerName=H", "DatabaseName=db", "BackupSize=4096", "IsSnapshot=0",
                                    "BackupTypeDescription=Database Differential",
                                    "BackupSetGUID=01234567-89AB-CDEF-5644-000000000000",
                                    "EncryptorType=NULL", NULL});
    check_row("LABELONLY", (const char *const[]){"FamilyCount=3", "FamilySequenceNumber=2",
                                                 "MediaFamilyId=01234567-89AB-CDEF-5644-000000000002",
                                                 "SoftwareName=Microsoft SQL Server", NULL});
    check_row("FILELISTONLY",
              (const char *const[]){"LogicalName=db", "PhysicalName=/var/opt/mssql/data/db.mdf", "Type=D",
                                    "Size=8192", "SourceBlockSize=512", NULL});
}

static void test_verification_stores_nothing(void **state)
{
    (void)state;
    char *argv[] = {"sqlcmd", "-Q", "RESTORE DATABASE db FROM VIRTUAL_DEVICE='s'"};
    expect(run_as(PROCESS_VERIFY, " ", 3, argv), 0, "", "");
    assert_false(fake.request.store || fake.request.verify_only);
    assert_int_equal(fake.events[0].arg[1], PROCESS_VERIFY);
    fake_reset();
    ENGINE_SAYS({4035, 10, 1, "Processed"}, {3014, 10, 1, "RESTORE DATABASE successfully processed"});
    expect(RUN(" ", "-Q", "RESTORE VERIFYONLY FROM VIRTUAL_DEVICE='s'"), 0,
           "The backup set on file 1 is valid.\n", "");
    assert_true(!fake.request.store && fake.request.verify_only);
}

static void test_no_memory_for_an_engine(void **state)
{
    (void)state;
    fake.new_error = ENOMEM;
    expect(RUN(" ", "-b", "-Q", BACKUP), 1,
           "Msg 701, Level 17, State 123, Server H, Line 1\nThere is insufficient system memory in resource "
           "pool "
           "'default' to run this query.\nMsg 3013, Level 16, State 1, Server H, Line 1\nBACKUP DATABASE is "
           "terminating abnormally.\n",
           "");
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
    struct sqlcmd_environment environment = {&plan, PROCESS_CLIENT, &interrupted, stdin, out, stderr};
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
        cmocka_unit_test_setup(test_text_is_exact, setup),
        cmocka_unit_test_setup(test_refused_backups, setup),
        cmocka_unit_test_setup(test_request, setup),
        cmocka_unit_test_setup(test_options_that_reach_the_engine, setup),
        cmocka_unit_test_setup(test_rows_of_headers, setup),
        cmocka_unit_test_setup(test_verification_stores_nothing, setup),
        cmocka_unit_test_setup(test_no_memory_for_an_engine, setup),
        cmocka_unit_test_setup(test_events, setup),
        cmocka_unit_test_setup(test_registered_device, setup),
        cmocka_unit_test_setup(test_login_that_is_no_sysadmin, setup),
        cmocka_unit_test_setup(test_interrupt_cancels, setup),
        cmocka_unit_test_setup(test_query_timeout_cancels, setup),
        cmocka_unit_test_setup(test_reader_that_is_gone_cancels, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
