/* test_vendors.c - correct clients of kinds that vendors ship and that look unusual in the events: no rule may accuse
 * them, whatever it is for (design 4.5). */
#include "dsl.h"
#include "dsl_bringup.h"
#include "tests.h"

enum {
    FIRST = 7,
    SECOND = 8,
    PART = 65536, /* what vdi_fetch hands out */
    JOB = 110,    /* a process of its own for each job */
};

/* ---- a statement that nobody sees: ODBC to a server of its own ---- */

static void unseen_set(struct run *run, uint32_t devices)
{
    vdi_create(run, devices, 0);
    vdi_get_configuration(run, devices, 0);
    for (int16_t i = 0; i < (int16_t)devices; i++) {
        vdi_open(run, i, 0);
    }
}

static void test_unseen_statement_succeeds(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    unseen_set(&run, 2);
    for (int16_t i = 0; i < 2; i++) {
        transfer(&run, WORKER + (uint32_t)i, i);
        vdi_get(&run, WORKER + (uint32_t)i, i, 1000, VD_E_CLOSE);
    }
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* A last OpenDevice of the loop got another error than VD_E_OPEN (X1): no failure of the operation. */
static void test_unseen_statement_after_an_open_loop(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    unseen_set(&run, 1);
    vdi_open_named(&run, "set-1-2", -1, VD_E_PROTOCOL);
    transfer(&run, WORKER, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* The connection tells of the failure; the library that it closed a set which the server had given up. */
static void test_unseen_statement_fails(void **state)
{
    struct run run;

    (void)state;
    for (int devices_open = 0; devices_open <= 1; devices_open++) {
        run_start(&run, NULL);
        vdi_create(&run, 1, 0);
        if (devices_open) {
            vdi_get_configuration(&run, 1, 0);
            vdi_open(&run, 0, 0);
            vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
        } else {
            vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
        }
        vdi_close(&run, MAIN, 0);
        client_exits(&run, 1);
        expect_clean(&run);
        run_end(&run);
    }
}

/* But what the library itself calls an early close is one, and VD_E_ABORT is no success. */
static void test_unseen_statement_excuses_nothing_else(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    unseen_set(&run, 1);
    transfer(&run, WORKER, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_close(&run, MAIN, VD_E_OPEN);
    client_exits(&run, 1);
    expect_among(&run, "VDI-CLOSE-001");
    run_end(&run);

    run_start(&run, NULL);
    unseen_set(&run, 1);
    vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect(&run, "VDI-OUT-001");
    run_end(&run);
}

/* Is VDI there? A set is made and closed, and nobody says that it was a backup. */
static void test_probe_before_the_backup(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    vdi_create_named(&run, "probe", 1, 0);
    vdi_close(&run, MAIN, 0);
    run.operation = 1;
    whole_backup(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* ---- several databases at once ---- */

/* All or nothing: when a fault ends one backup, the client cancels the other, which began before. */
static void test_one_failure_cancels_all(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, "abort@Write#1:0");
    up(&run, 1);
    run.operation = 1;
    run.set = 2;
    run.database = "sales";
    up(&run, 1);
    run.operation = 0;
    run.set = 1;
    call = vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
    fault_fires(&run, 0, call);
    vdi_close(&run, MAIN, 0);
    run.operation = 1;
    run.set = 2;
    vdi_abort(&run, MAIN, 0);
    vdi_get(&run, WORKER2, 0, 1000, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    run.statement = 1;
    run.operation = 0;
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

static void copy_writes(struct run *run, uint64_t file)
{
    for (int i = 0; i < 4; i++) {
        vdi_serve(run, (int16_t)(i % 2), VDC_Write, ERROR_SUCCESS);
        file_write(run, file, PART);
    }
}

/* Two databases at once, each of two devices and into one file, through memory of the client's own: the file of the
 * one that is still under way needs no sync for the other one's Flush. */
static void test_parallel_copies(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    file_open(&run, FIRST, 0, 0);
    run.operation = 1;
    run.set = 2;
    run.database = "sales";
    up(&run, 2);
    file_open(&run, SECOND, 0, 0);
    for (int i = 0; i < 2; i++) {
        run.operation = i;
        run.set = (uint64_t)i + 1;
        copy_writes(&run, i == 0 ? FIRST : SECOND);
    }
    for (int i = 0; i < 2; i++) {
        run.operation = i;
        run.set = (uint64_t)i + 1;
        run.statement = i + 1;
        file_sync(&run, i == 0 ? FIRST : SECOND);
        vdi_serve(&run, 0, VDC_Flush, ERROR_SUCCESS);
        vdi_serve(&run, 1, VDC_Flush, ERROR_SUCCESS);
        down(&run, 2);
    }
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* ---- one file for several backups ---- */

static void store_and_flush(struct run *run)
{
    uint64_t fetch = vdi_fetch(run, WORKER, 0, 1, VDC_Write);

    run->fetch = fetch;
    file_write(run, FIRST, PART);
    run->fetch = 0;
    vdi_complete(run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    file_sync(run, FIRST);
    vdi_serve(run, 0, VDC_Flush, ERROR_SUCCESS);
}

/* The second one's header follows the first one's stream, before the second set is there. */
static void test_header_of_the_next_backup(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    file_open(&run, FIRST, 0, 0);
    store_and_flush(&run);
    down(&run, 1);
    file_write(&run, FIRST, 512);
    run.operation = 1;
    run.database = "sales";
    up(&run, 1);
    store_and_flush(&run);
    down(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* ---- after a fault ---- */

/* It waits for a close that never comes, gives up, throws away what it had stored and says so: nothing is left for
 * --verify. Without the fault that would be a backup lost after it was acknowledged. */
static void test_backup_thrown_away_after_a_fault(void **state)
{
    struct run run;

    (void)state;
    for (int fault = 0; fault <= 1; fault++) {
        run_start(&run, "lost-close@GetCommand");
        up(&run, 1);
        transfer(&run, WORKER, 0);
        if (fault) {
            fault_fires(&run, 0, vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT));
        }
        sql_stream(&run, 0, 0, -1);
        sql_message(&run, 3014, 0);
        sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
        vdi_abort(&run, MAIN, 0);
        vdi_close(&run, MAIN, 0);
        client_exits(&run, 1);
        process_ends(&run, VERIFIER, PROCESS_VERIFY, 1, 0, false);
        if (fault) {
            expect_clean(&run);
        } else {
            expect_among(&run, "VDI-OUT-007");
        }
        run_end(&run);
    }
}

/* ---- processes ---- */

/* Nobody waits for the worker that its parent ended: whoever inherits it sees the signal, and not who sent it. */
static void test_worker_is_ended_by_its_parent(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    run.process = JOB;
    whole_backup(&run, 1);
    process_ends(&run, JOB, PROCESS_DESCENDANT, 0, 15, false);
    run.process = CLIENT;
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* The statement was started too early, failed, and was started again after the set was there; that one SQL Server
 * refused. */
static void test_early_statement_was_tried_again(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    vdi_create(&run, 1, VD_E_PROTOCOL); /* what another process left has the name */
    sql_message(&run, 3013, 16);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    vdi_create(&run, 1, 0);
    sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    sql_message(&run, 911, 16);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    vdi_get_configuration(&run, 1, VD_E_TIMEOUT);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* ---- threads ---- */

/* Whoever is free takes the next device, no two the same at once; one command is completed by another thread, after
 * later ones. */
static void test_pool(void **state)
{
    struct run run;
    uint64_t first, second;

    (void)state;
    run_start(&run, NULL);
    up(&run, 2);
    for (int i = 0; i < 4; i++) {
        uint32_t even = i % 2 ? WORKER : WORKER2, odd = i % 2 ? WORKER2 : WORKER;

        vdi_get(&run, even, 0, 0, VD_E_TIMEOUT);
        first = vdi_fetch(&run, even, 0, 1, VDC_Write);
        second = vdi_fetch(&run, odd, 0, 2, VDC_Write);
        vdi_complete(&run, odd, 0, 2, (int64_t)second, ERROR_SUCCESS, 0);
        vdi_get(&run, even, 1, 1000, VD_E_TIMEOUT);
        vdi_complete(&run, odd, 0, 1, (int64_t)first, ERROR_SUCCESS, 0);
    }
    vdi_serve(&run, 0, VDC_Flush, ERROR_SUCCESS);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_get(&run, WORKER, 1, 1000, VD_E_CLOSE); /* the same thread on the other device */
    sql_message(&run, 3014, 0);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* A thread of its own stores what the other one fetches. One of two writes fails, late; meanwhile there was nothing
 * more to fetch. Without the failure the command would just have been forgotten. */
static void test_asynchronous_write_fails(void **state)
{
    struct run run;
    uint64_t second;

    (void)state;
    for (int fails = 0; fails <= 1; fails++) {
        run_start(&run, NULL);
        up(&run, 1);
        file_open(&run, FIRST, 0, 0);
        vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
        second = vdi_fetch(&run, WORKER, 0, 2, VDC_Write);
        vdi_complete(&run, WORKER2, 0, 2, (int64_t)second, ERROR_SUCCESS, 0);
        vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
        if (fails) {
            file_event(&run, FILE_WRITE, FIRST, 0, PART, -5);
        }
        vdi_abort(&run, WORKER2, 0);
        vdi_get(&run, WORKER, 0, 1000, VD_E_ABORT);
        vdi_close(&run, MAIN, 0);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        client_exits(&run, 1);
        if (fails) {
            expect_clean(&run);
        } else {
            expect_among(&run, "VDI-CMD-001");
        }
        run_end(&run);
    }
}

/* Another thread ends what a blocked one waits for, and closes once that one is back. */
static void test_watchdog_closes(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    call = call_begin(&run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){-1}, NULL);
    wait_ms(&run, 40000);
    vdi_abort(&run, MAIN, 0);
    call_end(&run, WORKER, VDI_FN_GET_COMMAND, 0, call, VD_E_ABORT, NULL);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

int test_vendors(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unseen_statement_succeeds),
        cmocka_unit_test(test_unseen_statement_after_an_open_loop),
        cmocka_unit_test(test_unseen_statement_fails),
        cmocka_unit_test(test_unseen_statement_excuses_nothing_else),
        cmocka_unit_test(test_probe_before_the_backup),
        cmocka_unit_test(test_one_failure_cancels_all),
        cmocka_unit_test(test_parallel_copies),
        cmocka_unit_test(test_header_of_the_next_backup),
        cmocka_unit_test(test_backup_thrown_away_after_a_fault),
        cmocka_unit_test(test_worker_is_ended_by_its_parent),
        cmocka_unit_test(test_early_statement_was_tried_again),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_asynchronous_write_fails),
        cmocka_unit_test(test_watchdog_closes),
    };

    return cmocka_run_group_tests_name("vendors", tests, NULL, NULL);
}
