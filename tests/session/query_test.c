/* What agents ask before they back up (session/select.c, tables.h, properties.c; tsql/functions.h, conditions.c). */
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activity.h"

static void databases_are_those_of_the_system_and_what_is_named(void **state)
{
    (void)state;
    expect_batch(
        "SELECT name, database_id FROM sys.databases ORDER BY name",
        "columns name nvarchar(128), database_id int\nrow master|1\nrow model|3\nrow msdb|4\nrow tempdb|2\n"
        "done 4 of SELECT\n");
    expect_rows(
        "SELECT state_desc, recovery_model_desc FROM master.sys.databases AS d WITH (NOLOCK) "
        "WHERE d.name = N'Sales'",
        "ONLINE|FULL\n");
    expect_rows("SELECT name FROM sysdatabases WHERE dbid = DB_ID('Sales')", "Sales\n");
    expect_rows("SELECT name FROM sys.databases WHERE name IN ('b', 'a') ORDER BY 1 DESC", "b\na\n");
    expect_rows(
        "USE Sales SELECT COUNT(*), MAX(name), MIN(database_id) FROM sys.databases WHERE name LIKE 'sa%'",
        "message 5701 10: Changed database context to 'Sales'.\n1|Sales|5\n");
    expect_rows("SELECT COUNT(*) FROM sys.dm_exec_requests", "0\n");
}

static void databases_of_the_plan_exist_once_their_file_does(void **state)
{
    (void)state;
    char path[] = "/tmp/session-query-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    plan.database_count = 1;
    snprintf(plan.databases[0].name, sizeof(plan.databases[0].name), "Orders");
    snprintf(plan.databases[0].path, sizeof(plan.databases[0].path), "%s", path);
    expect_rows("SELECT name FROM sys.databases WHERE database_id > 4", "Orders\n");
    unlink(path);
    close(file);
    expect_rows("SELECT name FROM sys.databases WHERE name = 'orders'", "");
    expect_rows("SELECT DB_ID('orders')", "NULL\n");
}

static void the_catalog_knows_states_and_backups(void **state)
{
    (void)state;
    assert_int_equal(catalog_open(NULL, &settings.catalog), 0);
    assert_int_equal(catalog_begin(settings.catalog), 0);
    struct catalog_database *entry = catalog_entry(settings.catalog, &(struct catalog_key){.name = "r"});
    entry->state = CATALOG_RESTORING;
    entry->model = CATALOG_BULK_LOGGED;
    entry->base = 77;
    assert_non_null(
        catalog_entry(settings.catalog, &(struct catalog_key){.name = "v", .verification = true}));
    assert_int_equal(catalog_end(settings.catalog, true), 0);
    expect_rows(
        "SELECT name, state, state_desc, recovery_model, recovery_model_desc FROM sys.databases "
        "WHERE database_id > 4",
        "r|1|RESTORING|2|BULK_LOGGED\n");
    expect_rows(
        "SELECT database_name, type, checkpoint_lsn FROM msdb.dbo.backupset WHERE database_name = 'r'",
        "r|D|77\n");
    expect_rows("SELECT DATABASEPROPERTYEX('r', 'Status'), DATABASEPROPERTYEX('r', 'Recovery')",
                "RESTORING|BULK_LOGGED\n");
}

/* Sessions are processes of their own: what one has under way others can follow. */
static void sessions_see_each_other_and_what_runs(void **state)
{
    (void)state;
    char path[] = "/tmp/session-query-XXXXXX";
    static const char requests[] =
        "SELECT session_id, command, database_id, percent_complete, blocking_session_id, status "
        "FROM sys.dm_exec_requests WHERE database_id = DB_ID('Sales')";
    struct activity_session other = {.spid = 52,
                                     .percent = 40,
                                     .login = "backup",
                                     .application = "agent",
                                     .database = "master",
                                     .command = "BACKUP DATABASE",
                                     .target = "sales"};
    struct activity *others;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(activity_open(path, &settings.activity), 0);
    assert_int_equal(activity_open(path, &others), 0);
    expect_rows(requests, "");
    assert_int_equal(activity_tell(others, &other), 0);
    expect_rows(requests, "52|BACKUP DATABASE|5|40|0|running\n");
    expect_rows(
        "SELECT session_id, login_name, program_name, status, is_user_process FROM "
        "sys.dm_exec_sessions ORDER BY session_id",
        "51|sa||running|1\n52|backup|agent|running|1\n");
    /* the session's own statement, as others see it */
    struct activity_session all[ACTIVITY_MAX];
    expect_batch("USE Sales BACKUP LOG Sales TO VIRTUAL_DEVICE = 's'", NULL);
    assert_int_equal(activity_read(others, all), 2);
    assert_string_equal(all[0].database, "Sales");
    assert_string_equal(all[0].target, "Sales");
    assert_string_equal(all[0].command, ""); /* it is over */
    other.command[0] = '\0';
    assert_int_equal(activity_tell(others, &other), 0);
    expect_rows(requests, "");
    expect_rows("SELECT status FROM sys.dm_exec_sessions WHERE session_id <> @@SPID", "sleeping\n");
    activity_close(others); /* as if its process had died */
    expect_rows("SELECT session_id FROM sys.dm_exec_sessions", "51\n");
    unlink(path);
}

static void queries_select_order_and_cut(void **state)
{
    (void)state;
    static const struct {
        const char *query, *rows;
    } cases[] = {
        {"SELECT TOP 1 name AS n FROM sys.databases ORDER BY n", "master\n"},
        {"SELECT TOP (2) d.name FROM sys.databases d ORDER BY d.database_id DESC", "msdb\nmodel\n"},
        {"SELECT DISTINCT type_desc FROM sys.master_files WHERE database_id < 3", "ROWS\nLOG\n"},
        {"SELECT n = name + '!' FROM sys.databases WHERE NOT (database_id <> 4)", "msdb!\n"},
        {"SELECT name FROM sys.databases WHERE database_id BETWEEN 2 AND 3", "tempdb\nmodel\n"},
        {"SELECT name FROM sys.databases WHERE source_database_id IS NULL AND name NOT IN ('model', 'msdb')",
         "master\ntempdb\n"},
        {"SELECT name FROM sys.databases WHERE source_database_id = 1 OR database_id >= 4", "msdb\n"},
        {"SELECT name FROM sys.databases WHERE NOT source_database_id = 1", ""}, /* unknown is not true */
        {"SELECT name FROM sys.databases WHERE name LIKE '_[n-p]%' OR name LIKE '%[^b]'", "master\nmodel\n"},
        {"SELECT CASE WHEN d.database_id <= 4 THEN 'system' ELSE 'user' END FROM sys.databases d WHERE name "
         "= 'u'",
         "user\n"},
        {"SELECT d.* FROM sys.dm_os_host_info d", "Linux|Debian GNU/Linux|12||0\n"},
        {"DECLARE @m sysname SELECT @m = recovery_model_desc FROM sys.databases WHERE name = 'tempdb' SELECT "
         "@m",
         "SIMPLE\n"},
        {"SELECT name FROM sys.databases WHERE name = 'zz' SELECT @@ROWCOUNT", "zz\n1\n"},
        {"DECLARE @n sysname SELECT TOP 1 @n = name FROM sys.databases ORDER BY name DESC SELECT @n, "
         "@@ROWCOUNT",
         "tempdb|1\n"},
        {"DECLARE @n nvarchar(99) = '' SELECT @n += name + ';' FROM sys.databases ORDER BY name SELECT @n",
         "master;model;msdb;tempdb;\n"},
        {"DECLARE @n sysname SELECT @n = name FROM sys.databases WHERE database_id > 4 SELECT @n, @@ROWCOUNT",
         "NULL|0\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_rows(cases[i].query, cases[i].rows);
}

/* One row comes of all rows, and of none; wherever in an expression they are asked for. */
static void rows_are_counted_and_compared(void **state)
{
    (void)state;
    static const struct {
        const char *query, *rows;
    } cases[] = {
        {"DECLARE @n int, @m sysname SELECT @n = COUNT(*), @m = MAX(name) FROM sys.databases SELECT @n, @m",
         "4|tempdb\n"},
        {"SELECT ISNULL(MAX(backup_finish_date), '1900-01-01') FROM msdb.dbo.backupset",
         "1900-01-01 00:00:00.000\n"},
        {"SELECT CASE WHEN COUNT(*) > 0 THEN 'y' + MIN(name) ELSE 'n' END, 'x' FROM sys.databases WHERE name "
         "= 'q'",
         "yq|x\n"},
        {"SELECT COUNT(*) + 1 FROM msdb.dbo.backupset", "1\n"},
        {"IF EXISTS (SELECT COUNT(*) FROM msdb.dbo.backupset) SELECT 1", "1\n"},
        {"SELECT COUNT(*)", "message 147 15: An aggregate may not appear here: COUNT.\n"},
        {"SELECT name FROM sys.databases WHERE MAX(name) = 'x'",
         "message 50000 16: vdifault's server has no answer for this query (An aggregate may not appear "
         "here: "
         "MAX.): SELECT name FROM sys.databases WHERE MAX(name) = 'x'. Give it one with --answers FILE.\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_rows(cases[i].query, cases[i].rows);
}

/* As a driver reads it: a program that asks for a date gets no text. */
static void columns_have_the_types_of_a_real_server(void **state)
{
    (void)state;
    static const struct {
        const char *query, *columns;
    } cases[] = {
        {"SELECT GETDATE(), @@SPID, DB_ID(), COUNT_BIG(*), MAX(create_date), MIN(state) FROM sys.databases",
         "columns datetime, smallint, smallint, bigint, datetime, tinyint\n"},
        {"SELECT CAST(1 AS bit), CONVERT(bigint, '5'), CAST(NULL AS int), ISNULL(CAST(NULL AS smallint), 1)",
         "columns bit, bigint, int, smallint\n"},
        {"DECLARE @d datetime = '20240131', @t tinyint = 7 SELECT @d, @t",
         "done\ncolumns datetime, tinyint\nrow 2024-01-31 00:00:00.000|7\n"},
        {"DECLARE @d datetime = '2024-02-29', @e datetime = '2023-02-29' SELECT @d, @e",
         "done\ncolumns datetime, nvarchar(10)\n"},
        {"SELECT N'a\xf0\x9f\x98\x80'", "columns nvarchar(3)\n"}, /* two units of UTF-16 */
        {"SELECT CONVERT(datetime, '2024-01-31T10:20:30.12'), CAST('31 Jan 2024' AS datetime)",
         "columns datetime, nvarchar(11)\nrow 2024-01-31 10:20:30.120|31 Jan 2024\n"},
        {"SELECT ISNULL(MAX(backup_finish_date), '19000101'), MIN(position) FROM msdb.dbo.backupset",
         "columns datetime, int\nrow 1900-01-01 00:00:00.000|NULL\n"},
        {"SELECT CASE WHEN database_id > 1 THEN database_id END, CASE database_id WHEN 1 THEN 1.5 ELSE 12345 "
         "END, CASE database_id WHEN 1 THEN 1 ELSE 'x' END FROM sys.databases WHERE database_id < 3",
         "columns int, numeric(6,1), nvarchar(0)\nrow NULL|1.5|1\nrow 2|12345|x\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_batch(cases[i].query, NULL);
        if (strncmp(recorder.text, cases[i].columns, strlen(cases[i].columns)) != 0)
            fail_msg("%s: %s", cases[i].query, recorder.text);
    }
}

static void values_are_converted_to_their_types(void **state)
{
    (void)state;
    static const struct {
        const char *query, *rows;
    } cases[] = {
        {"SELECT CAST(' 5 ' AS int), CAST('' AS int), CAST(-1.9 AS int), CAST(0x10 AS int), CAST('+7' AS "
         "int)",
         "5|0|-1|16|7\n"},
        {"SELECT CAST(12 AS bit), CAST('true' AS bit), CAST(' 1.50 ' AS decimal(9, 2))", "1|1|1.50\n"},
        {"DECLARE @a int = ' 5 ', @b decimal(9, 2) = '1.5', @c bit = 3 SELECT @a, @b, @c", "5|1.5|1\n"},
        {"SELECT CAST('2024-01-31 10:20:30' AS date), CASE WHEN CAST(GETDATE() AS date) = CONVERT(date, "
         "GETDATE()) THEN 1 END",
         "2024-01-31|1\n"},
        {"SELECT TRY_CAST('1.5' AS int), TRY_CONVERT(tinyint, 256)", "NULL|NULL\n"},
        {"SELECT CAST(256 AS tinyint)",
         "message 8115 16: Arithmetic overflow error converting expression to data type tinyint.\n"},
        {"SELECT CAST(99999999999999999999 AS bigint)",
         "message 8115 16: Arithmetic overflow error converting expression to data type bigint.\n"},
        {"SELECT CAST('1.5' AS smallint)",
         "message 245 16: Conversion failed when converting the varchar value '1.5' to data type "
         "smallint.\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_rows(cases[i].query, cases[i].rows);
}

/* Of several that are asked for each has its own, and keeps it. */
static void a_database_has_an_id_of_its_own(void **state)
{
    (void)state;
    expect_rows("SELECT DB_ID('a'), DB_ID('b'), DB_ID('A'), DB_NAME(DB_ID('b'))", "5|6|5|b\n");
    expect_rows("DECLARE @i int = DB_ID('c') SELECT name FROM sys.databases WHERE database_id = @i", "c\n");
    expect_rows("SELECT DB_ID('b'), HAS_DBACCESS('d'), DB_NAME(8)", "6|1|NULL\n");
    expect_rows("SELECT name FROM sys.databases WHERE LOWER(name) = LOWER('Sales')", "sales\n");
    expect_rows("SELECT name FROM sys.databases WHERE RTRIM(UPPER(name)) IN ('X')", "X\n");
}

static void drivers_set_what_they_like(void **state)
{
    (void)state;
    expect_batch("SET NO_BROWSETABLE ON SET IDENTITY_INSERT t ON SET NOCOUNT, XACT_ABORT ON",
                 "done\ndone\ndone\n");
    expect_batch("SELECT 1", "columns int\nrow 1\ndone of SELECT\n");
    expect_rows(
        "SELECT @@OPTIONS, @@LANGID, @@DATEFIRST, @@LOCK_TIMEOUT, @@MAX_PRECISION, @@NESTLEVEL, "
        "@@TEXTSIZE",
        "5496|0|7|-1|38|0|2147483647\n");
    /* what a driver asks for the columns with */
    expect_batch("set fmtonly on BACKUP DATABASE d TO VIRTUAL_DEVICE='s' set fmtonly off",
                 "done\ndone\ndone\n");
    assert_int_equal(fake.engines, 0);
    assert_int_equal(fake.event_count, 0);
    expect_batch("BACKUP DATABASE d TO VIRTUAL_DEVICE='s'", "done\n");
    assert_int_equal(fake.engines, 1);
}

/* setAutoCommit(false), pyodbc as it comes: a BACKUP would be within a transaction. */
static void without_autocommit_there_is_no_backup(void **state)
{
    (void)state;
    expect_batch("set implicit_transactions on BACKUP DATABASE d TO VIRTUAL_DEVICE='s'",
                 "done\nmessage 3021 16: Cannot perform a backup or restore operation within a transaction.\n"
                 "message 3013 16: BACKUP DATABASE is terminating abnormally.\ndone failed\n");
    expect_batch("SELECT name FROM sys.databases WHERE database_id = 1 SELECT @@TRANCOUNT COMMIT",
                 "transaction 0\ncolumns name nvarchar(128)\nrow master\ndone 1 of SELECT\n"
                 "columns int\nrow 1\ndone 1 of SELECT\ntransaction 1\ndone\n");
    expect_batch("SET IMPLICIT_TRANSACTIONS OFF BACKUP DATABASE d TO VIRTUAL_DEVICE='s'", "done\ndone\n");
    assert_int_equal(fake.engines, 1);
}

static void functions_say_what_a_server_is_like(void **state)
{
    (void)state;
    static const struct {
        const char *expressions, *row;
    } cases[] = {
        {"SERVERPROPERTY('ProductVersion'), SERVERPROPERTY('edition'), SERVERPROPERTY('InstanceName')",
         "16.0.1000.6|Developer Edition (64-bit)|NULL\n"},
        {"SERVERPROPERTY('ServerName'), SERVERPROPERTY('IsClustered'), SERVERPROPERTY('nonesuch')",
         "SRV|0|NULL\n"},
        {"CAST(SERVERPROPERTY('EngineEdition') AS int) + 1, @@MICROSOFTVERSION", "4|268436456\n"},
        {"PARSENAME(CONVERT(varchar(32), SERVERPROPERTY('ProductVersion')), 4)", "16\n"},
        {"DB_ID(), DB_ID('tempdb'), DB_NAME(3), DB_NAME(99), DB_ID(NULL)", "1|2|model|NULL|NULL\n"},
        {"SYSTEM_USER, SUSER_SNAME(), USER_NAME(), CURRENT_USER, ORIGINAL_LOGIN()", "sa|sa|dbo|dbo|sa\n"},
        {"HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE'), HAS_DBACCESS('x'), OBJECT_ID('t')",
         "1|1|NULL\n"},
        {"ISNULL(NULL, 'x'), COALESCE(NULL, NULL, 3), LEN('ab  '), UPPER('q\xC3\xA4'), LOWER('AB')",
         "x|3|2|Q\xC3\xA4|ab\n"},
        {"LEFT('h\xC3\xA4user', 2), RIGHT('abc', 2), SUBSTRING('abcdef', 2, 3), LTRIM('  a'), RTRIM('a ')",
         "h\xC3\xA4|bc|bcd|a|a\n"},
        {"CHARINDEX('c', 'abc'), REPLACE('aXa', 'x', 'yy'), QUOTENAME('a]b'), CONVERT(nvarchar(2), 'abc')",
         "3|ayya|[a]]b]|ab\n"},
        {"CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END, CASE WHEN NULL = NULL THEN 1 END", "two|NULL\n"},
        {"TRY_CONVERT(int, 'x'), CAST(NULL AS int), 'a' + NULL, LEFT(NULL, 2)", "NULL|NULL|NULL|NULL\n"},
        {"CONNECTIONPROPERTY('net_transport'), SESSIONPROPERTY('ANSI_NULLS'), @@TRANCOUNT", "TCP|1|0\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char query[512];
        snprintf(query, sizeof(query), "SELECT %s", cases[i].expressions);
        expect_rows(query, cases[i].row);
    }
}

/* Every name of the table is found: a call with no argument at all is refused by its own name. */
static void functions_are_found_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"CHARINDEX",
                                        "COALESCE",
                                        "CONNECTIONPROPERTY",
                                        "DATABASEPROPERTYEX",
                                        "HAS_DBACCESS",
                                        "HAS_PERMS_BY_NAME",
                                        "ISNULL",
                                        "IS_MEMBER",
                                        "IS_ROLEMEMBER",
                                        "IS_SRVROLEMEMBER",
                                        "LEFT",
                                        "LEN",
                                        "LOWER",
                                        "LTRIM",
                                        "MAX",
                                        "MIN",
                                        "OBJECT_ID",
                                        "PARSENAME",
                                        "QUOTENAME",
                                        "REPLACE",
                                        "RIGHT",
                                        "RTRIM",
                                        "SERVERPROPERTY",
                                        "SESSIONPROPERTY",
                                        "SUBSTRING",
                                        "UPPER"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char query[64], told[128];
        snprintf(query, sizeof(query), "SELECT %s()", names[i]);
        expect_batch(query, NULL);
        snprintf(told, sizeof(told), "message 174 15: The %s function requires", names[i]);
        assert_memory_equal(recorder.text, told, strlen(told));
    }
    expect_rows("SELECT CURRENT_TIMESTAMP, GETDATE(), GETUTCDATE(), SYSDATETIME() WHERE 1 = 0",
                "message 156 15: Incorrect syntax near the keyword 'WHERE'.\n");
    expect_rows("SELECT LEN(GETDATE()) + LEN(SYSUTCDATETIME()) + LEN(CURRENT_TIMESTAMP), SCHEMA_NAME()",
                "69|dbo\n");
}

#define NO_ANSWER(reason, query)                                                            \
    "message 50000 16: vdifault's server has no answer for this query (" reason "): " query \
    ". Give it one with --answers FILE.\n"

static void conditions_choose_statements(void **state)
{
    (void)state;
    expect_batch("IF 1 = 2 PRINT 'a' ELSE PRINT 'b' PRINT 'c'",
                 "message 0 0: b\ndone\nmessage 0 0: c\ndone\n");
    expect_batch(
        "IF NOT EXISTS (SELECT * FROM sys.databases WHERE name = 'x') PRINT 'none';\nELSE PRINT 'x is there'",
        "message 0 0 line 2: x is there\ndone\n");
    expect_batch("IF EXISTS (SELECT 1 FROM sys.dm_exec_requests) BEGIN PRINT 'a'; PRINT 'b' END PRINT 'c'",
                 "message 0 0: c\ndone\n");
    expect_batch(
        "DECLARE @e sysname SET @e = CAST(SERVERPROPERTY('edition') AS sysname) "
        "IF @e LIKE 'Dev%' BEGIN IF @e = 'x' PRINT 'x' ELSE IF 1 = 1 BEGIN SET NOCOUNT ON PRINT 'dev' END "
        "END "
        "ELSE PRINT 'other' BEGIN PRINT 'end' END",
        "done\ndone\ndone\nmessage 0 0: dev\ndone\nmessage 0 0: end\ndone\n");
    expect_batch("IF DB_ID('x') IS NULL BEGIN END ELSE BEGIN END PRINT 'on'", "message 0 0: on\ndone\n");
    expect_batch(
        "IF @@ERROR <> 0 OR SERVERPROPERTY('IsHadrEnabled') = 1 SELECT 1 ELSE SELECT CASE WHEN 1 = 1 THEN 2 "
        "END",
        "columns int\nrow 2\ndone of SELECT\n");
    expect_rows("SELECT CASE WHEN EXISTS (SELECT 1 FROM sys.databases WHERE name = 'x') THEN 1 ELSE 0 END",
                "1\n");
    expect_rows(
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM nope) THEN 1 END",
        NO_ANSWER("Invalid object name 'nope'.", "SELECT CASE WHEN EXISTS (SELECT 1 FROM nope) THEN 1 END"));
    expect_rows("IF EXISTS (SELECT 1 FROM nope) PRINT 'a' ELSE PRINT 'b' PRINT 'c'",
                NO_ANSWER("Invalid object name 'nope'.", "IF EXISTS (SELECT 1 FROM nope)"));
    expect_rows(
        "SELECT name FROM sys.databases d WHERE EXISTS (SELECT 1 FROM sys.master_files f WHERE f.name = "
        "d.name)",
        NO_ANSWER("a query within a query",
                  "SELECT name FROM sys.databases d WHERE EXISTS (SELECT 1 FROM "
                  "sys.master_files f WHERE f.name = d.name)"));
    assert_int_equal(fake.engines, 0);
}

static void what_has_no_answer_is_said(void **state)
{
    (void)state;
    expect_rows("SELECT a.x  FROM sys.databases a JOIN b ON 1 = 1 PRINT 'no'",
                NO_ANSWER("Incorrect syntax near the keyword 'JOIN'.",
                          "SELECT a.x FROM sys.databases a JOIN b ON 1 = 1"));
    expect_rows("SELECT x FROM sys.databases",
                NO_ANSWER("Invalid column name 'x'.", "SELECT x FROM sys.databases"));
    expect_rows("SELECT x FROM t PRINT 'no'", NO_ANSWER("Invalid object name 't'.", "SELECT x FROM t"));
    expect_rows(
        "SELECT rand() FROM sys.databases",
        NO_ANSWER("'rand' is not a recognized built-in function name.", "SELECT rand() FROM sys.databases"));
    assert_int_equal(fake.events[fake.event_count - 2].kind, EVENT_MESSAGE);
    assert_int_equal(fake.events[fake.event_count - 2].arg[1], 50000);
    expect_rows(
        "PRINT 'before' SELECT (SELECT COUNT(*) FROM x) UNION ALL SELECT 1 BACKUP LOG x TO VIRTUAL_DEVICE = "
        "'x'",
        "message 0 0: before\n" NO_ANSWER("Incorrect syntax near the keyword 'SELECT'.",
                                          "SELECT (SELECT COUNT(*) FROM x) UNION ALL SELECT 1"));
    assert_int_equal(fake.engines, 0);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char query[4096] = "SELECT ";
    for (int i = 0; i < 40; i++)
        strcat(query, "UPPER(");
    strcat(query, "'x'");
    expect_batch(query, NULL);
    assert_non_null(
        strstr(recorder.text, "message 191 15: Some part of your SQL statement is nested too deeply."));
    char *chain = malloc(64 << 10);
    assert_non_null(chain);
    strcpy(chain, "SELECT CASE WHEN 1=1");
    for (int i = 0; i < 2000; i++)
        strcat(chain, " AND 1=1");
    strcat(chain, " THEN 1 END");
    expect_batch(chain, NULL);
    assert_non_null(strstr(recorder.text, "message 191 15"));
    free(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(databases_are_those_of_the_system_and_what_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(databases_of_the_plan_exist_once_their_file_does, setup, teardown),
        cmocka_unit_test_setup_teardown(the_catalog_knows_states_and_backups, setup, teardown),
        cmocka_unit_test_setup_teardown(sessions_see_each_other_and_what_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(queries_select_order_and_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_are_counted_and_compared, setup, teardown),
        cmocka_unit_test_setup_teardown(columns_have_the_types_of_a_real_server, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_converted_to_their_types, setup, teardown),
        cmocka_unit_test_setup_teardown(a_database_has_an_id_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(drivers_set_what_they_like, setup, teardown),
        cmocka_unit_test_setup_teardown(without_autocommit_there_is_no_backup, setup, teardown),
        cmocka_unit_test_setup_teardown(functions_say_what_a_server_is_like, setup, teardown),
        cmocka_unit_test_setup_teardown(functions_are_found_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(conditions_choose_statements, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_answer_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(nesting_is_bounded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
