/* statements_test.c - what sqlcmd makes of single statements: exact text, refusals, the request to the engine and the
 * rows that come back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

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
                                             .block_size = 512,
                                             .first_lsn = 70,
                                             .last_lsn = 80,
                                             .base_lsn = 60};

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
              (const char *const[]){
                  "BackupName=NULL", "BackupType=5", "Position=2", "DeviceType=7", "ServerName=H",
                  "DatabaseName=db", "BackupSize=4096", "FirstLSN=70", "LastLSN=80", "CheckpointLSN=NULL",
                  "DatabaseBackupLSN=60", "IsSnapshot=0", "DifferentialBaseLSN=60",
                  "BackupTypeDescription=Database Differential",
                  "BackupSetGUID=01234567-89AB-CDEF-5644-000000000000", "EncryptorType=NULL", NULL});
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_text_is_exact, setup),
        cmocka_unit_test_setup(test_refused_backups, setup),
        cmocka_unit_test_setup(test_request, setup),
        cmocka_unit_test_setup(test_options_that_reach_the_engine, setup),
        cmocka_unit_test_setup(test_rows_of_headers, setup),
        cmocka_unit_test_setup(test_verification_stores_nothing, setup),
        cmocka_unit_test_setup(test_no_memory_for_an_engine, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
