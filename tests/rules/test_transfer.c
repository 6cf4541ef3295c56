/* test_transfer.c - what the transfer as a whole shows: VDI-DATA-001, VDI-COMP-002, VDI-IO-003 (an error taken for
 * the end), VDI-SNAP-004, VDI-SNAP-005. */
#include <string.h>

#include "codes.h"
#include "dsl.h"
#include "tests.h"

/* ---- VDI-DATA-001 ---- */

static void begin_restore(struct run *run, int32_t operation)
{
    run->operation = operation;
    run->is_backup = false;
    run->configuration[0] = VDF_ReadMedia;
    up(run, 1);
    vdi_serve(run, 0, VDC_Read, ERROR_SUCCESS);
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
}

static void end_restore(struct run *run, uint64_t hash, int32_t message, enum statement_outcome outcome)
{
    if (message) {
        sql_message(run, message, 16);
    }
    run->stream_hash = hash;
    sql_stream(run, 0, -1, -1);
    sql_end(run, outcome, 1000, hash);
    vdi_close(run, MAIN, 0);
}

static void test_stream_that_differs(void **state)
{
    static const int32_t messages[] = {3183, 3189, 3208, 3241, 3256};

    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct run run;

        run_start(&run, NULL);
        whole_backup(&run, 1);
        begin_restore(&run, 1);
        end_restore(&run, 7, messages[i], STATEMENT_FAILED);
        client_exits(&run, 1);
        assert_int_equal(expect(&run, "VDI-DATA-001")->operation, 1);
        run_end(&run);
    }
}

static void test_stream_that_differs_to_the_verifier(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    whole_backup(&run, 1);
    client_exits(&run, 0);
    run.process = VERIFIER;
    run.issuer = PROCESS_VERIFY;
    run.set = 2;
    begin_restore(&run, 1);
    end_restore(&run, 7, 3241, STATEMENT_FAILED);
    process_ends(&run, VERIFIER, PROCESS_VERIFY, 1, 0, false);
    expect_among(&run, "VDI-DATA-001");
    expect_among(&run, "VDI-OUT-001"); /* it said success */
    run_end(&run);
}

/* Each differs from a restore of what the run stored, and returned damaged, in one thing. */
static void test_streams_that_say_nothing(void **state)
{
    enum {
        EQUAL,         /* what was stored came back: somebody else damages it */
        NO_BACKUP,     /* in this run: who knows what was stored */
        OTHER,         /* another backup, which restores */
        READ_ERROR,    /* the client could not read, and said so */
        ABORTED,       /* the restore broke off */
        BROKEN_BACKUP, /* a later backup was cut off over the same media */
        OTHER_MESSAGE, /* not about the data */
        CASES
    };

    (void)state;
    for (int i = 0; i < CASES; i++) {
        struct run run;

        run_start(&run, NULL);
        if (i != NO_BACKUP) {
            whole_backup(&run, 1);
        }
        if (i == BROKEN_BACKUP) {
            run.operation = 1;
            up(&run, 1);
            vdi_abort(&run, MAIN, 0);
            sql_end(&run, STATEMENT_ABORTED, 0, 0);
            vdi_close(&run, MAIN, 0);
        }
        run.operation = 2;
        run.is_backup = false;
        run.configuration[0] = VDF_ReadMedia;
        up(&run, 1);
        run.answered.bytes = 0;
        vdi_serve(&run, 0, VDC_Read, i == READ_ERROR ? ERROR_IO_DEVICE : ERROR_HANDLE_EOF);
        vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
        end_restore(&run, i == EQUAL ? 0 : 7,
                    i == OTHER           ? 0
                    : i == OTHER_MESSAGE ? 3272
                                         : 3241,
                    i == OTHER     ? STATEMENT_SUCCESS
                    : i == ABORTED ? STATEMENT_ABORTED
                                   : STATEMENT_FAILED);
        client_exits(&run, 1);
        expect_not(&run, "VDI-DATA-001");
        run_end(&run);
    }
}

/* A stream that ends with its first volume is no other stream, whoever failed to bring the second. */
static void test_stream_without_its_next_volume(void **state)
{
    (void)state;
    for (int by_fault = 0; by_fault < 2; by_fault++) {
        struct run run;

        run_start(&run, by_fault ? "io-error@Load/1" : NULL);
        whole_backup(&run, 1);
        run.operation = 1;
        run.is_backup = false;
        run.configuration[0] = VDF_ReadMedia;
        up(&run, 1);
        run.answered.bytes = 0;
        vdi_serve(&run, 0, VDC_Read, ERROR_HANDLE_EOF);
        vdi_fetch(&run, WORKER, 0, 1, VDC_Load);
        if (by_fault) {
            fault_fires(&run, 0, 0);
        }
        vdi_complete(&run, WORKER, 0, 1, 0, by_fault ? ERROR_SUCCESS : ERROR_IO_DEVICE, 0);
        vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
        end_restore(&run, 7, 3256, STATEMENT_FAILED);
        client_exits(&run, 1);
        expect_not(&run, "VDI-DATA-001");
        run_end(&run);
    }
}

/* ---- VDI-COMP-002 ---- */

/* The second device never sees VDC_Complete; the client says `status`. */
static void without_complete(struct run *run, int64_t features, int32_t status, bool seen)
{
    run_start(run, NULL);
    run->configuration[0] = features | VDF_WriteMedia;
    up(run, 2);
    transfer(run, WORKER, 0);
    transfer(run, WORKER2, 1);
    vdi_serve(run, 0, VDC_Complete, ERROR_SUCCESS);
    if (seen) {
        vdi_serve(run, 1, VDC_Complete, ERROR_SUCCESS);
    }
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    sql_stream(run, 0, 0, 0);
    sql_stream(run, 1, 0, seen ? 0 : -1);
    vdi_close(run, MAIN, VD_E_OPEN);
    sql_end(run, STATEMENT_FAILED, 1000, 0);
    client_exits(run, status);
}

static void test_success_without_complete(void **state)
{
    struct run run;

    (void)state;
    without_complete(&run, VDF_RequestComplete | VDF_CompleteEnabled, 0, false);
    assert_int_equal(expect_among(&run, "VDI-COMP-002")->device, 1);
    expect_among(&run, "VDI-OUT-001");
    run_end(&run);
    without_complete(&run, VDF_RequestComplete | VDF_CompleteEnabled, 1, false);
    expect_not(&run, "VDI-COMP-002");
    run_end(&run);
    without_complete(&run, VDF_RequestComplete, 0, false); /* asked for, not granted: Flush is the end */
    expect_not(&run, "VDI-COMP-002");
    run_end(&run);
    without_complete(&run, VDF_RequestComplete | VDF_CompleteEnabled, 0, true);
    expect_not(&run, "VDI-COMP-002");
    run_end(&run);
}

/* ---- VDI-IO-003 at the end of a run ---- */

static void test_read_error_taken_for_the_end(void **state)
{
    (void)state;
    for (int32_t status = 0; status < 2; status++) {
        struct run run;
        uint64_t call;

        run_start(&run, NULL);
        run.is_backup = false;
        run.configuration[0] = VDF_ReadMedia;
        up(&run, 1);
        vdi_serve(&run, 0, VDC_Read, ERROR_SUCCESS);
        run.answered.bytes = 0;
        call = vdi_serve(&run, 0, VDC_Read, ERROR_DISK_FULL);
        vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
        end_restore(&run, 0, 3203, STATEMENT_FAILED);
        client_exits(&run, status);
        if (status == 0) {
            assert_int_equal(expect_among(&run, "VDI-IO-003")->call, call);
        } else {
            expect_not(&run, "VDI-IO-003"); /* a failure, reported as one */
        }
        run_end(&run);
    }
}

/* Reads that were asked for before the end was known. */
static void test_read_error_after_the_end(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    run.is_backup = false;
    run.configuration[0] = VDF_ReadMedia;
    up(&run, 1);
    run.answered.bytes = 512;
    vdi_serve(&run, 0, VDC_Read, ERROR_HANDLE_EOF);
    run.answered.bytes = 0;
    vdi_serve(&run, 0, VDC_Read, ERROR_IO_DEVICE);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    end_restore(&run, 0, 3203, STATEMENT_FAILED);
    client_exits(&run, 0);
    expect_not(&run, "VDI-IO-003");
    run_end(&run);
}

/* ---- snapshots ---- */

static void test_snapshot_of_two_devices(void **state)
{
    static const int32_t messages[] = {3277, 3261};

    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct run run;
        uint64_t call;

        run_start(&run, NULL);
        sql_begin(&run,
                  "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1', VIRTUAL_DEVICE = 'b' WITH SNAPSHOT");
        call = vdi_create(&run, 2, 0);
        sql_message(&run, messages[i], 16);
        sql_end(&run, STATEMENT_FAILED, 0, 0);
        vdi_get_configuration(&run, 2, VD_E_TIMEOUT);
        vdi_abort(&run, MAIN, 0);
        vdi_close(&run, MAIN, 0);
        client_exits(&run, 1);
        if (i == 0) {
            expect_at(&run, "VDI-SNAP-004", call, -1);
        } else {
            expect_not(&run, "VDI-SNAP-004");
        }
        run_end(&run);
    }
}

static void test_mounted_files(void **state)
{
    static const struct {
        int32_t completion, message;
        bool wrong;
    } rows[] = {
        {ERROR_SUCCESS, 3189, true},
        {ERROR_SUCCESS, 0, false},
        {ERROR_IO_DEVICE, 3189, false}, /* it did not say that they are there */
        {ERROR_SUCCESS, 3101, false},   /* not about the files */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run run;
        uint64_t call;

        run_start(&run, NULL);
        run.is_backup = false;
        run.configuration[0] = VDF_ReadMedia;
        up(&run, 1);
        vdi_serve(&run, 0, VDC_Read, ERROR_SUCCESS);
        call = vdi_serve(&run, 0, VDC_MountSnapshot, rows[i].completion);
        if (rows[i].message) {
            sql_message(&run, rows[i].message, 16);
        }
        vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
        end_restore(&run, 0, 0, rows[i].message ? STATEMENT_FAILED : STATEMENT_SUCCESS);
        client_exits(&run, rows[i].message != 0);
        if (rows[i].wrong) {
            expect_at(&run, "VDI-SNAP-005", call, 0);
        } else {
            expect_not(&run, "VDI-SNAP-005");
        }
        run_end(&run);
    }
}

/* The server may speak before the client's CompleteCommand has returned. */
static void test_mounted_files_told_at_once(void **state)
{
    struct run run;
    uint64_t fetch, call;

    (void)state;
    run_start(&run, NULL);
    run.is_backup = false;
    run.configuration[0] = VDF_ReadMedia;
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 32, VDC_MountSnapshot);
    call = call_begin(&run, WORKER, VDI_FN_COMPLETE_COMMAND, 0,
                      (int64_t[6]){32, ERROR_SUCCESS, 0, 0, (int64_t)fetch, VDC_MountSnapshot}, NULL);
    sql_message(&run, 3189, 16);
    call_end(&run, WORKER, VDI_FN_COMPLETE_COMMAND, 0, call, 0, NULL);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    end_restore(&run, 0, 0, STATEMENT_FAILED);
    client_exits(&run, 1);
    expect_at(&run, "VDI-SNAP-005", call, 0);
    run_end(&run);
}

int test_transfer(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_that_differs),
        cmocka_unit_test(test_stream_that_differs_to_the_verifier),
        cmocka_unit_test(test_streams_that_say_nothing),
        cmocka_unit_test(test_stream_without_its_next_volume),
        cmocka_unit_test(test_success_without_complete),
        cmocka_unit_test(test_read_error_taken_for_the_end),
        cmocka_unit_test(test_read_error_after_the_end),
        cmocka_unit_test(test_snapshot_of_two_devices),
        cmocka_unit_test(test_mounted_files),
        cmocka_unit_test(test_mounted_files_told_at_once),
    };

    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
