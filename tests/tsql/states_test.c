/* Statements about a database's state, and transactions, through sqlcmd (spec 13). */
#include "session.h"

#include <string.h>

#define ALTER  "ALTER DATABASE db SET RECOVERY "
#define FAILED "Msg 3013, Level 16, State 1, Server H, Line 1\nRESTORE DATABASE is terminating abnormally.\n"
#define DONE   "RESTORE DATABASE successfully processed 0 pages in 0.001 seconds (0.000 MB/sec).\n"

static int setup_catalog(void **state)
{
    return setup(state) != 0 || catalog_open(NULL, &catalog) != 0;
}

static int teardown_catalog(void **state)
{
    (void)state;
    catalog_close(catalog);
    catalog = NULL;
    return 0;
}

static struct catalog_database *entry(bool verification)
{
    return catalog_entry(catalog, &(struct catalog_key){.name = "db", .verification = verification});
}

static void a_model_is_remembered(void **state)
{
    (void)state;
    expect(RUN(" ", "-b", "-Q", ALTER "SIMPLE"), 0, "", "");
    assert_int_equal(entry(false)->model, CATALOG_SIMPLE);
    assert_int_equal(entry(false)->backed_up, 0);
    expect(RUN(" ", "-b", "-Q", ALTER "bulk_logged WITH NO_WAIT"), 0, "", "");
    assert_int_equal(entry(false)->model, CATALOG_BULK_LOGGED);
    assert_int_equal(entry(false)->backed_up, 0);
    expect(RUN(" ", "-b", "-Q", ALTER "SOME"), 1,
           "Msg 102, Level 15, State 6, Server H, Line 1\nIncorrect syntax near 'SOME'.\n", "");
    entry(false)->state = CATALOG_RESTORING;
    expect(RUN(" ", "-b", "-Q", ALTER "FULL"), 1,
           "Msg 5052, Level 16, State 1, Server H, Line 1\nALTER DATABASE is not permitted while a database "
           "is in the Restoring state.\nMsg 5069, Level 16, State 1, Server H, Line 1\nALTER DATABASE "
           "statement failed.\n",
           "");
    assert_int_equal(entry(false)->model, CATALOG_BULK_LOGGED);
}

static void a_restored_database_comes_online(void **state)
{
    (void)state;
    static char recover[] = "RESTORE DATABASE db WITH RECOVERY";
    expect(RUN(" ", "-b", "-Q", recover), 0, DONE, ""); /* nothing is known of it */
    entry(false)->state = CATALOG_RESTORING;
    expect(RUN(" ", "-b", "-Q", recover), 1,
           "Msg 4333, Level 16, State 1, Server H, Line 1\nThe database cannot be recovered because the log "
           "was not restored.\n" FAILED,
           "");
    entry(false)->restored_to = entry(false)->log_end;
    expect(RUN(" ", "-b", "-Q", "RESTORE DATABASE db WITH NORECOVERY"), 0, DONE, "");
    assert_int_equal(entry(false)->state, CATALOG_RESTORING);
    expect(RUN(" ", "-b", "-Q", recover), 0, DONE, "");
    assert_int_equal(entry(false)->state, CATALOG_ONLINE);
    expect(RUN(" ", "-b", "-Q", recover), 1,
           "Msg 3153, Level 16, State 2, Server H, Line 1\nThe database is already fully "
           "recovered.\n" FAILED,
           "");
}

static void options_of_states_reach_the_engine(void **state)
{
    (void)state;
    expect(RUN(" ", "-b", "-Q", "BACKUP LOG db TO VIRTUAL_DEVICE='s' WITH COPY_ONLY, NORECOVERY"), 0, "", "");
    assert_true(fake.request.copy_only && fake.request.no_recovery);
    expect(RUN(" ", "-b", "-Q", "RESTORE LOG db FROM VIRTUAL_DEVICE='s' WITH STANDBY = 'undo'"), 0, "", "");
    assert_true(!fake.request.copy_only && fake.request.no_recovery);
    expect(RUN(" ", "-b", "-Q", "RESTORE LOG db FROM VIRTUAL_DEVICE='s' WITH RECOVERY"), 0, "", "");
    assert_false(fake.request.no_recovery);
}

static void no_backup_within_a_transaction(void **state)
{
    (void)state;
    expect(RUN(" ", "-b", "-Q", "BEGIN TRANSACTION; RESTORE DATABASE db FROM VIRTUAL_DEVICE='s'"), 1,
           "Msg 3021, Level 16, State 0, Server H, Line 1\nCannot perform a backup or restore operation "
           "within a transaction.\n" FAILED,
           "");
    assert_int_equal(fake.engines, 0);
    expect(RUN(" ", "-b", "-Q", "BEGIN TRAN BEGIN TRAN t ROLLBACK BACKUP LOG db TO VIRTUAL_DEVICE='s'"), 0,
           "", "");
    expect(RUN(" ", "-b", "-Q", "BEGIN TRAN x; COMMIT; BACKUP LOG db TO VIRTUAL_DEVICE='s'"), 0, "", "");
    assert_int_equal(fake.engines, 2);
    expect(RUN(" ", "-b", "-Q", "COMMIT"), 1,
           "Msg 3902, Level 16, State 1, Server H, Line 1\nThe COMMIT TRANSACTION request has no "
           "corresponding BEGIN TRANSACTION.\n",
           "");
    expect(RUN(" ", "-b", "-Q", "ROLLBACK TRAN"), 1,
           "Msg 3903, Level 16, State 1, Server H, Line 1\nThe ROLLBACK TRANSACTION request has no "
           "corresponding BEGIN TRANSACTION.\n",
           "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_catalog, teardown_catalog)
    const struct CMUnitTest tests[] = {
        TEST(a_model_is_remembered),
        TEST(a_restored_database_comes_online),
        TEST(options_of_states_reach_the_engine),
        TEST(no_backup_within_a_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
