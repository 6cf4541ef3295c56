/* What a session tells whom it answers (session/session_results.h), and what a connection asks of it. */
#include "recorder.h"

#include <string.h>

#include "answers_file.h"

#define BACKUP "BACKUP DATABASE db TO VIRTUAL_DEVICE='s'"

static void each_result_set_and_each_statement_ends(void **state)
{
    (void)state;
    expect_batch("SELECT 1 AS a, N'xyz' b, NULL SELECT 2.50 PRINT 'p'",
                 "columns a int, b nvarchar(3), nvarchar(1)\nrow 1|xyz|NULL\ndone 1 of SELECT\n"
                 "columns numeric(3,2)\nrow 2.50\ndone 1 of SELECT\nmessage 0 0: p\ndone\n");
    expect_batch("SET NOCOUNT ON SELECT 3000000000, 0xAB",
                 "done\ncolumns bigint, varbinary(1)\nrow 3000000000|0xAB\n"
                 "done of SELECT\n");
    expect_batch("EXEC('SELECT 1') EXEC('')", "columns int\nrow 1\ndone of SELECT\ndone\n");
    expect_batch("", "");
}

static void errors_say_how_a_statement_ended(void **state)
{
    (void)state;
    struct session_result result = expect_batch(
        "\nSELECT 'x' + 1 PRINT 'no'",
        "message 245 16 line 2: Conversion failed when converting the varchar value 'x' to data type "
        "int.\ndone of SELECT failed\n");
    assert_int_equal(result.severity, 16);
    expect_batch("FROB", "message 2812 16: Could not find stored procedure 'FROB'.\ndone failed\n");
    fake.messages[0] = (struct sql_message){3204, 16, 1, "The backup or restore was aborted."};
    expect_batch(BACKUP " SELECT @@ERROR",
                 "message 3204 16: The backup or restore was aborted.\ndone failed\n"
                 "columns int\nrow 3204\ndone 1 of SELECT\n");
}

static void a_lost_connection_gets_no_end(void **state)
{
    (void)state;
    fake.leaving = ENGINE_LOST;
    struct session_result result = expect_batch("PRINT 'a' " BACKUP " PRINT 'b'", "message 0 0: a\ndone\n");
    assert_int_equal(result.leaving, ENGINE_LOST);
}

/* As of a front end with one thread. */
static void an_attention_is_looked_for_while_the_engine_runs(void **state)
{
    (void)state;
    fake.until_cancelled = true;
    recorder.attention = &interrupted;
    expect_batch(BACKUP " PRINT 'no'", "done\n");
    assert_int_equal(fake.cancels, 1);
    assert_int_equal(recorder.looks, 1);
    atomic_store(&interrupted, false);
    expect_batch("PRINT 'again'", "message 0 0: again\ndone\n");
}

/* A backup may be over in less than a tenth of a second, and is cancelled all the same. */
static void an_attention_is_seen_while_data_moves(void **state)
{
    (void)state;
    fake.moves = 60;
    recorder.attention = &interrupted;
    expect_batch(BACKUP, "done\n");
    assert_int_equal(fake.cancels, 1);
}

static void a_reader_that_is_gone_ends_the_batch(void **state)
{
    (void)state;
    fake.until_cancelled = true;
    recorder.gone = true;
    expect_batch(BACKUP, "done\n");
    assert_int_equal(fake.cancels, 1);
    recorder.results.broken = true;
    expect_batch("PRINT 'no'", "");
}

/* ---- the connection ---- */

static void use_is_told_before_its_message(void **state)
{
    (void)state;
    expect_batch("USE [a b] PRINT DB_NAME()",
                 "database a b\nmessage 5701 10: Changed database context to 'a b'.\ndone\n"
                 "message 0 0: a b\ndone\n");
    assert_string_equal(session_database(session), "a b");
    assert_int_equal(session_reset(session, false), 0);
    assert_string_equal(session_database(session), "master");
}

static void a_connection_may_ask_for_its_database(void **state)
{
    (void)state;
    struct session_result result;
    expect_batch("SELECT DB_NAME()", "columns nvarchar(6)\nrow master\ndone 1 of SELECT\n");
    recorder.length = 0;
    recorder.text[0] = '\0';
    assert_int_equal(session_use(session, "d", &result), 0);
    assert_string_equal(session_database(session), "d");
    assert_string_equal(recorder.text, "");
    assert_int_equal(session_use(session, "", &result), 0);
    assert_int_equal(result.severity, 16);
    assert_string_equal(session_database(session), "d");
    expect_batch("USE e BEGIN TRAN", NULL);
    assert_int_equal(session_reset(session, true), 0); /* of a pool of connections: as it was opened */
    expect_rows("SELECT DB_NAME(), @@TRANCOUNT", "d|1\n");
    assert_int_equal(session_reset(session, false), 0);
    expect_rows("SELECT DB_NAME(), @@TRANCOUNT", "d|0\n");
}

static void the_outermost_transaction_is_told(void **state)
{
    (void)state;
    expect_batch("BEGIN TRAN BEGIN TRAN COMMIT COMMIT BEGIN TRAN BEGIN TRAN ROLLBACK",
                 "transaction 0\ndone\ndone\ndone\ntransaction 1\ndone\n"
                 "transaction 0\ndone\ndone\ntransaction 2\ndone\n");
    expect_batch("COMMIT",
                 "message 3902 16: The COMMIT TRANSACTION request has no corresponding BEGIN "
                 "TRANSACTION.\ndone failed\n");
}

static void the_connection_is_known_by_name(void **state)
{
    (void)state;
    settings.login = "op";
    settings.application = "agent";
    settings.host = "box";
    expect_rows(
        "SELECT @@SERVERNAME, @@SPID, SUSER_SNAME(), APP_NAME(), HOST_NAME(), IS_SRVROLEMEMBER('sysadmin')",
        "SRV|51|op|agent|box|1\n");
}

static void a_guest_is_told_that_it_may_not(void **state)
{
    (void)state;
    settings.restricted = true;
    expect_rows(
        "SELECT IS_SRVROLEMEMBER('sysadmin'), HAS_PERMS_BY_NAME(NULL, NULL, 'BACKUP DATABASE'), "
        "IS_MEMBER('public')",
        "0|0|1\n");
}

/* ---- parameters ---- */

static void parameters_are_variables_of_the_batch(void **state)
{
    (void)state;
    static const char text[] = "SELECT @a, @b SET @a += 1";
    const struct session_parameter parameters[] = {{"@B", "x", false}, {"@a", "4", true}};
    const struct session_call call = {text, strlen(text), "@a int OUTPUT, @b nvarchar(9)", parameters, 2};
    expect_call(&call, "columns int, nvarchar(1)\nrow 4|x\ndone 1 of SELECT\ndone\nparameter 1 = 5\n");
    const struct session_parameter places[] = {{NULL, "4", true}, {"", NULL, false}};
    const struct session_call by_place = {text, strlen(text), "@a int OUTPUT, @b nvarchar(9)", places, 2};
    expect_call(&by_place, "columns int, nvarchar(1)\nrow 4|NULL\ndone 1 of SELECT\ndone\nparameter 0 = 5\n");
}

static void parameters_are_of_every_type_that_drivers_declare(void **state)
{
    (void)state;
    static const char text[] = "SELECT @a, @b, @c";
    const struct session_parameter parameters[] = {
        {"@a", "x", false}, {"@b", "0xab", false}, {"@c", "1.5", false}};
    const struct session_call call = {text, strlen(text), "@a ntext, @b image, @c smallmoney", parameters, 3};
    expect_call(&call, NULL);
    assert_non_null(strstr(recorder.text, "row x|0xab|1.5\n"));
}

static void parameters_reach_a_backup(void **state)
{
    (void)state;
    static const char text[] = "BACKUP DATABASE @db TO VIRTUAL_DEVICE = @d WITH MAXTRANSFERSIZE = @m";
    const struct session_parameter parameters[] = {
        {"@db", "sales", false}, {"@d", "set1", false}, {"@m", "131072", false}};
    const struct session_call call = {text, strlen(text), "@db sysname, @d nvarchar(max), @m int", parameters,
                                      COUNT(parameters)};
    expect_call(&call, "done\n");
    assert_string_equal(fake.database, "sales");
    assert_string_equal(fake.devices[0], "set1");
    assert_int_equal(fake.request.max_transfer_size, 131072);
}

static void parameters_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const struct session_parameter parameters[] = {
        {"@a", "x", false}, {"@c", "2", false}, {NULL, "3", false}};
    static const struct {
        const char *declarations;
        uint32_t from, count;
        const char *told;
    } cases[] = {
        {"@a int", 0, 0,
         "message 8178 16: The parameterized query '(@a int)PRINT 1' expects the parameter '@a', which was "
         "not "
         "supplied.\ndone failed\n"},
        {"@a int", 0, 1,
         "message 245 16: Conversion failed when converting the varchar value 'x' to data type int.\ndone "
         "failed\n"},
        {"@a int", 1, 1,
         "message 8145 16: @c is not a parameter for procedure sp_executesql.\ndone failed\n"},
        {"", 2, 1, "message 8144 16: Procedure or function has too many arguments specified.\ndone failed\n"},
        {"@a int,", 0, 1, "message 102 15: Incorrect syntax near ','.\ndone failed\n"},
        {"@a strange", 0, 1,
         "message 2715 16: Column, parameter, or variable #1: Cannot find data type strange.\ndone failed\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct session_call call = {"PRINT 1", 7, cases[i].declarations, parameters + cases[i].from,
                                          cases[i].count};
        expect_call(&call, cases[i].told);
    }
}

static void sp_executesql_has_parameters_of_its_own(void **state)
{
    (void)state;
    expect_batch(
        "DECLARE @o int = 3 EXEC sp_executesql N'SET @x = @x + @y PRINT @z', "
        "N'@x int OUTPUT, @y int, @z nvarchar(5)', @o OUTPUT, @z = 'abcdefgh', @y = 4 PRINT @o",
        "done\ndone\nmessage 0 0: abcde\ndone\nmessage 0 0: 7\ndone\n");
    expect_batch("EXEC sys.sp_executesql @stmt = N'PRINT @a', @params = N'@a decimal(10,2)', @a = 1.5",
                 "message 0 0: 1.5\ndone\n");
    expect_batch(
        "DECLARE @o int EXEC sp_executesql N'SET @x = ''abc''', N'@x varchar(5) OUTPUT', @o OUTPUT PRINT "
        "'no'",
        "done\ndone\nmessage 245 16: Conversion failed when converting the varchar value 'abc' to data type "
        "int.\ndone failed\n");
    expect_batch("EXEC sp_executesql N'PRINT 1', N'@x int', 3 OUTPUT",
                 "message 179 15: Cannot use the OUTPUT option when passing a constant to a stored "
                 "procedure.\ndone failed\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_result_set_and_each_statement_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_say_how_a_statement_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_connection_gets_no_end, setup, teardown),
        cmocka_unit_test_setup_teardown(an_attention_is_looked_for_while_the_engine_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(an_attention_is_seen_while_data_moves, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_is_gone_ends_the_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(use_is_told_before_its_message, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_may_ask_for_its_database, setup, teardown),
        cmocka_unit_test_setup_teardown(the_outermost_transaction_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(the_connection_is_known_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(a_guest_is_told_that_it_may_not, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_are_variables_of_the_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_are_of_every_type_that_drivers_declare, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_reach_a_backup, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_that_do_not_fit_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(sp_executesql_has_parameters_of_its_own, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
