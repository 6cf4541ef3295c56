/* test_command_faults.c - what a correct client may do after the faults in what the server sends (commands.def),
 * without finding, and what none of them excuses. */
#include <string.h>

#include "codes.h"
#include "dsl.h"
#include "tests.h"

static void begin_restore(struct run *run, int32_t operation, uint32_t devices)
{
    run->operation = operation;
    run->is_backup = false;
    run->configuration[0] = VDF_ReadMedia;
    up(run, devices);
}

static void end(struct run *run, int32_t message, enum statement_outcome outcome)
{
    if (message) {
        sql_message(run, message, 16);
    }
    sql_end(run, outcome, 1000, run->stream_hash);
    vdi_close(run, MAIN, 0);
}

/* ---- corrupt ---- */

/* The stream that came back is another than was stored, and that is no work of the client's. */
static void restore_damaged(struct run *run, const char *fault, int32_t exit_status)
{
    run_start(run, fault);
    whole_backup(run, 1);
    begin_restore(run, 1, 1);
    vdi_serve(run, 0, VDC_Read, ERROR_SUCCESS);
    if (fault) {
        fault_fires(run, 0, 0);
    }
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    run->stream_hash = 7;
    sql_stream(run, 0, -1, -1);
    end(run, 3241, STATEMENT_FAILED);
    client_exits(run, exit_status);
}

static void test_corrupt_is_nobodys_work(void **state)
{
    struct run run;

    (void)state;
    restore_damaged(&run, "corrupt@Read/1", 1);
    expect_not(&run, "VDI-DATA-001");
    expect_clean(&run);
    run_end(&run);
    restore_damaged(&run, NULL, 1); /* the same without it is the client's */
    expect_among(&run, "VDI-DATA-001");
    run_end(&run);
}

static void test_corrupt_excuses_no_false_success(void **state)
{
    struct run run;

    (void)state;
    restore_damaged(&run, "corrupt@Read/1", 0);
    expect_among(&run, "VDI-OUT-001");
    expect_among(&run, "VDI-TERM-001");
    expect_not(&run, "VDI-DATA-001");
    run_end(&run);
}

/* ---- premature-close ---- */

static void close_prematurely(struct run *run, int32_t exit_status)
{
    run_start(run, "premature-close@Write#2:0");
    up(run, 2);
    vdi_serve(run, 0, VDC_Write, ERROR_SUCCESS);
    vdi_serve(run, 1, VDC_Write, ERROR_SUCCESS);
    fault_fires(run, 0, 0);
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    vdi_get(run, WORKER2, 1, 1000, VD_E_CLOSE);
    end(run, 3271, STATEMENT_FAILED);
    client_exits(run, exit_status);
}

static void test_premature_close(void **state)
{
    struct run run;

    (void)state;
    close_prematurely(&run, 1);
    expect_clean(&run);
    run_end(&run);
    close_prematurely(&run, 0);
    expect_among(&run, "VDI-OUT-001");
    expect_among(&run, "VDI-TERM-001");
    run_end(&run);
}

/* ---- satisfied-early ---- */

/* VD_E_CLOSE before the end of the data: success, and whoever takes it for a failure is excused by the fault. */
static void test_satisfied_early(void **state)
{
    (void)state;
    for (int32_t status = 0; status < 2; status++) {
        struct run run;

        run_start(&run, "satisfied-early@Read#2:0");
        begin_restore(&run, 0, 1);
        vdi_serve(&run, 0, VDC_Read, ERROR_SUCCESS);
        fault_fires(&run, 0, 0);
        vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
        sql_message(&run, 3014, 10);
        end(&run, 0, STATEMENT_SUCCESS);
        client_exits(&run, status);
        expect_clean(&run);
        run_end(&run);
    }
}

/* ---- extra-flush, reordered ---- */

static void test_extra_flush(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "extra-flush@Write#2");
    up(&run, 1);
    vdi_serve(&run, 0, VDC_Write, ERROR_SUCCESS);
    fault_fires(&run, 0, 0);
    vdi_serve(&run, 0, VDC_Flush, ERROR_SUCCESS);
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

static void test_extra_flush_taken_for_the_end(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "extra-flush@Write#2");
    up(&run, 1);
    vdi_serve(&run, 0, VDC_Write, ERROR_SUCCESS);
    fault_fires(&run, 0, 0);
    vdi_serve(&run, 0, VDC_Flush, ERROR_SUCCESS);
    vdi_close(&run, MAIN, VD_E_OPEN);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_among(&run, "VDI-FLUSH-003");
    expect_among(&run, "VDI-CLOSE-001");
    run_end(&run);
}

/* One device is through, and closed, before the other has begun. */
static void test_reordered(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "reordered@Read#1:1");
    begin_restore(&run, 0, 2);
    fault_fires(&run, 1, 0);
    vdi_serve(&run, 0, VDC_Read, ERROR_SUCCESS);
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    wait_ms(&run, 60000);
    vdi_serve(&run, 1, VDC_Read, ERROR_SUCCESS);
    vdi_get(&run, WORKER2, 1, 1000, VD_E_CLOSE);
    sql_message(&run, 3014, 10);
    end(&run, 0, STATEMENT_SUCCESS);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* ---- io-error ---- */

/* The device has an error that the client never gave: ClearError, and then VD_E_CLOSE. */
static void meet_io_error(struct run *run, int32_t answer, int32_t exit_status)
{
    run_start(run, "io-error@Write");
    up(run, 1);
    vdi_fetch(run, WORKER, 0, 1, VDC_Write);
    fault_fires(run, 0, 0);
    vdi_complete(run, WORKER, 0, 1, 0, ERROR_SUCCESS, 0);
    vdi_serve(run, 0, VDC_ClearError, answer);
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    end(run, 18210, STATEMENT_FAILED);
    client_exits(run, exit_status);
}

static void test_io_error(void **state)
{
    struct run run;

    (void)state;
    meet_io_error(&run, ERROR_SUCCESS, 1);
    expect_clean(&run);
    run_end(&run);
    meet_io_error(&run, ERROR_SUCCESS, 0);
    expect_among(&run, "VDI-OUT-001");
    run_end(&run);
    meet_io_error(&run, ERROR_IO_DEVICE, 1);
    expect_among(&run, "VDI-IO-002");
    run_end(&run);
}

int test_command_faults(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corrupt_is_nobodys_work),
        cmocka_unit_test(test_corrupt_excuses_no_false_success),
        cmocka_unit_test(test_premature_close),
        cmocka_unit_test(test_satisfied_early),
        cmocka_unit_test(test_extra_flush),
        cmocka_unit_test(test_extra_flush_taken_for_the_end),
        cmocka_unit_test(test_reordered),
        cmocka_unit_test(test_io_error),
    };

    return cmocka_run_group_tests_name("command faults", tests, NULL, NULL);
}
