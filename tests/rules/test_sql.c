/* test_sql.c - the rules about the client's statements: VDI-SQL-001 to 004. */
#include "dsl_bringup.h"
#include "tests.h"

/* A statement that fails before it reaches a set. */
static void failing_statement(struct run *run, const char *text, const char *const *names, int32_t message)
{
    sql_begin(run, text);
    if (names) {
        sql_devices(run, names);
    }
    sql_message(run, message, 16);
    run->operation = -1;
    sql_end(run, STATEMENT_FAILED, 0, 0);
    run->operation = 0;
}

static void give_up(struct run *run)
{
    vdi_wait_configuration(run, 1000, VD_E_TIMEOUT);
    vdi_abort(run, MAIN, 0);
    vdi_close(run, MAIN, 0);
    client_exits(run, 1);
}

/* VDI-SQL-001 */

static void test_other_name_in_the_statement(void **state)
{
    static const char *const names[][3] = {{"Set-1", NULL}, {"set-1-1", "set-1", NULL}};
    struct run run;
    uint64_t call;

    (void)state;
    for (int i = 0; i < 2; i++) {
        run_start(&run, NULL);
        call = vdi_create(&run, 1, 0);
        failing_statement(&run,
                          i ? "BACKUP ... VIRTUAL_DEVICE = 'set-1-1', VIRTUAL_DEVICE = 'set-1'" : "BACKUP",
                          names[i], 3201);
        give_up(&run);
        expect_at(&run, "VDI-SQL-001", call, -1);
        run_end(&run);
    }
}

/* The name is right and the failure another; the set was made too late; it waits for another statement, which
 * comes; the statement is not the client's; the server could not read it. */
static void test_same_name_in_the_statement(void **state)
{
    static const char *const right[] = {"set-1", NULL}, *const other[] = {"other", NULL};
    struct run run;

    (void)state;
    for (int i = 0; i < 5; i++) {
        run_start(&run, NULL);
        run.issuer = i == 3 ? PROCESS_SQL : PROCESS_CLIENT;
        if (i == 1) {
            failing_statement(&run, "BACKUP", other, 3201);
        }
        vdi_create(&run, 1, 0);
        if (i == 2) {
            failing_statement(&run, "RESTORE", other, 3201);
            sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
            sql_open(&run, 1);
        } else if (i != 1) {
            failing_statement(&run, "BACKUP", i == 4 ? NULL : i == 3 ? other : right, i == 4 ? 102 : 911);
        }
        give_up(&run);
        expect_not(&run, "VDI-SQL-001");
        run_end(&run);
    }
}

/* A client that makes a name for each attempt: the Create of its first one failed, and left its number to the second. */
static void test_name_of_the_second_attempt(void **state)
{
    static const char *const names[] = {"set-2", NULL};
    struct run run;

    (void)state;
    run_start(&run, NULL);
    vdi_create_named(&run, "set-1", 1, VD_E_NOTSUPPORTED);
    vdi_create_named(&run, "set-2", 1, 0);
    failing_statement(&run, "BACKUP ... VIRTUAL_DEVICE = 'set-2'", names, 911);
    give_up(&run);
    expect_not(&run, "VDI-SQL-001");
    run_end(&run);
}

/* VDI-SQL-002 */

static void test_device_named_twice(void **state)
{
    static const char *const twice[] = {"set-1", "a", "set-1", NULL}, *const once[] = {"set-1", "a", "A",
                                                                                       NULL};
    struct run run;

    (void)state;
    for (int i = 0; i < 2; i++) {
        run_start(&run, NULL);
        run.issuer = i ? PROCESS_SQL : PROCESS_CLIENT;
        vdi_create(&run, 3, 0);
        sql_begin(&run, "BACKUP");
        sql_devices(&run, twice);
        sql_open(&run, 3);
        sql_message(&run, 3261, 16);
        sql_end(&run, STATEMENT_FAILED, 0, 0);
        vdi_get_configuration(&run, 3, VD_E_ABORT);
        vdi_close(&run, MAIN, 0);
        client_exits(&run, 1);
        if (i) {
            expect_not(&run, "VDI-SQL-002");
        } else {
            assert_int_equal(expect(&run, "VDI-SQL-002")->operation, 0);
        }
        run_end(&run);
    }
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    sql_devices(&run, once);
    finish(&run);
    expect_not(&run, "VDI-SQL-002");
    run_end(&run);
}

/* VDI-SQL-003 */

static void test_registered_device(void **state)
{
    static const char *const texts[] = {
        "EXEC sp_addumpdevice 'virtual_device', 'nightly', 'set-1'",
        "USE master; exec [master]..[SP_AddUmpDevice]\n N'VIRTUAL_DEVICE', 'nightly', 'set-1'",
        "/* 'it''s for */ EXECUTE master.dbo.sp_addumpdevice @devtype = 'virtual_device', @logicalname = 'x'",
    };
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        run_start(&run, NULL);
        failing_statement(&run, texts[i], NULL, 2812);
        client_exits(&run, 1);
        expect(&run, "VDI-SQL-003");
        run_end(&run);
    }
}

static void test_no_registered_device(void **state)
{
    static const char *const texts[] = {
        "EXEC sp_addumpdevice 'disk', 'nightly', 'virtual_device'",
        "-- EXEC sp_addumpdevice 'virtual_device', 'nightly', 'set-1'\nPRINT 'x'",
        "/* sp_addumpdevice 'virtual_device' */ PRINT 'sp_addumpdevice ''virtual_device'''",
        "EXEC my_sp_addumpdevice 'virtual_device'",
        "BACKUP DATABASE sp_addumpdevice TO VIRTUAL_DEVICE='virtual_device'",
        "PRINT 'unterminated sp_addumpdevice",
        "",
    };
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        run_start(&run, NULL);
        failing_statement(&run, texts[i], NULL, 2812);
        finish(&run);
        expect_not(&run, "VDI-SQL-003");
        run_end(&run);
    }
}

/* VDI-SQL-004 */

static void test_login(void **state)
{
    static const struct {
        int32_t message;
        enum process_role issuer;
    } cases[] = {{3265, PROCESS_CLIENT}, {3265, PROCESS_SQL}, {3201, PROCESS_CLIENT}};
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_start(&run, NULL);
        run.issuer = cases[i].issuer;
        vdi_create(&run, 1, 0);
        failing_statement(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'",
                          (const char *[]){"set-1", NULL}, cases[i].message);
        give_up(&run);
        if (i == 0) {
            expect(&run, "VDI-SQL-004");
        } else {
            expect_not(&run, "VDI-SQL-004");
        }
        run_end(&run);
    }
}

int test_sql(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_name_in_the_statement), cmocka_unit_test(test_same_name_in_the_statement),
        cmocka_unit_test(test_device_named_twice),          cmocka_unit_test(test_registered_device),
        cmocka_unit_test(test_no_registered_device),        cmocka_unit_test(test_login),
        cmocka_unit_test(test_name_of_the_second_attempt),
    };

    return cmocka_run_group_tests_name("sql", tests, NULL, NULL);
}
