/* test_call_faults.c - what the faults of calls excuse, and what they do not (design 4.4 and 4.5). */
#include <signal.h>

#include "dsl.h"
#include "tests.h"

/* A call that the fault answers in the library's place. */
static uint64_t faulted(struct run *run, uint32_t thread, uint16_t function, int16_t device, int32_t result)
{
    uint64_t call = call_begin(run, thread, function, device, (int64_t[6]){1000}, NULL);

    fault_fires(run, device, call);
    run->flags = EVENT_FLAG_FAULTED;
    call_end(run, thread, function, device, call, result, NULL);
    run->flags = 0;
    return call;
}

/* Given up for a VD_E_TIMEOUT that nobody had waited for: nobody was kept waiting. */
static void test_timeout_kept_nobody_waiting(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "timeout@GetCommand#2");
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    faulted(&run, WORKER, VDI_FN_GET_COMMAND, 0, VD_E_TIMEOUT);
    vdi_abort(&run, WORKER, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-CMD-001");
    expect_clean(&run);
    run_end(&run);
}

static void test_timeout_taken_for_the_end(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "timeout@GetCommand#2");
    up(&run, 1);
    vdi_serve(&run, 0, VDC_Write, ERROR_SUCCESS);
    faulted(&run, WORKER, VDI_FN_GET_COMMAND, 0, VD_E_TIMEOUT);
    vdi_close(&run, MAIN, VD_E_OPEN);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_among(&run, "VDI-GETCMD-004");
    run_end(&run);
}

static void test_late_close_out_of_patience(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "late-close(ms=60000)");
    up(&run, 1);
    transfer(&run, WORKER, 0);
    faulted(&run, WORKER, VDI_FN_GET_COMMAND, 0, VD_E_TIMEOUT);
    sql_stream(&run, 0, 0, -1);
    sql_message(&run, 3014, 10);
    sql_end(&run, STATEMENT_SUCCESS, 1000, 42);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* A Create that a fault refused says nothing about names. */
static void test_create_refused_beside_a_set_of_that_name(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "error(VD_E_PROTOCOL)@Create/1");
    up(&run, 1);
    run.set = 2;
    run.operation = 1;
    uint64_t call = call_begin(&run, MAIN, VDI_FN_CREATE, -1, (int64_t[6]){1}, "set");
    fault_fires(&run, -1, call);
    run.flags = EVENT_FLAG_FAULTED;
    call_end(&run, MAIN, VDI_FN_CREATE, -1, call, VD_E_PROTOCOL, NULL);
    run.flags = 0;
    run.set = 1;
    run.operation = 0;
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 1);
    expect_not(&run, "VDI-CREATE-003");
    expect_clean(&run);
    run_end(&run);
}

static void test_create_refused_claimed_success(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "error(VD_E_PROTOCOL)@Create");
    uint64_t call = call_begin(&run, MAIN, VDI_FN_CREATE, -1, (int64_t[6]){1}, "set");
    fault_fires(&run, -1, call);
    run.flags = EVENT_FLAG_FAULTED;
    call_end(&run, MAIN, VDI_FN_CREATE, -1, call, VD_E_PROTOCOL, NULL);
    run.flags = 0;
    client_exits(&run, 0);
    expect(&run, "VDI-OUT-001");
    run_end(&run);
}

/* Nothing was fetched, so that nothing is left uncompleted. */
static void test_null_command_holds_nothing(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "null-command@GetCommand");
    up(&run, 1);
    faulted(&run, WORKER, VDI_FN_GET_COMMAND, 0, 0);
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_not(&run, "VDI-CMD-001");
    expect_clean(&run);
    run_end(&run);
}

static void crash(struct run *run)
{
    uint64_t call;

    run_start(run, "client-crash@GetCommand#1:0");
    up(run, 1);
    call = call_begin(run, WORKER, VDI_FN_GET_COMMAND, 0, (int64_t[6]){1000}, NULL);
    fault_fires(run, 0, call);
    process_ends(run, CLIENT, PROCESS_CLIENT, -1, SIGKILL, false);
    sql_end(run, STATEMENT_ABORTED, 0, 0);
}

static void test_crash_is_not_the_clients(void **state)
{
    struct run run;

    (void)state;
    crash(&run);
    leftover(&run, LEFTOVER_MEMORY, "/vdi");
    expect_not(&run, "VDI-OUT-003");
    expect_not(&run, "VDI-OUT-004");
    expect_clean(&run);
    run_end(&run);
}

static void test_crash_leaves_a_child(void **state)
{
    struct run run;

    (void)state;
    crash(&run);
    leftover(&run, LEFTOVER_PROCESS, "worker");
    expect(&run, "VDI-OUT-004");
    run_end(&run);
}

/* A crash before anything fired stays the client's own. */
static void test_crash_of_another_process(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "client-crash@GetCommand#1:0");
    up(&run, 1);
    run.process = 101;
    fault_fires(&run, 0, 0);
    run.process = CLIENT;
    process_ends(&run, CLIENT, PROCESS_CLIENT, -1, SIGSEGV, false);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    expect(&run, "VDI-OUT-003");
    run_end(&run);
}

/* No checksum tells a client that its bytes are not the server's any more. */
static void test_corrupt_transfer_does_not_restore(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "corrupt-transfer@Write#1:0");
    up(&run, 1);
    fault_fires(&run, 0, 0);
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    run.process = VERIFIER;
    process_ends(&run, VERIFIER, PROCESS_VERIFY, 1, 0, false);
    expect_not(&run, "VDI-OUT-001");
    expect_clean(&run);
    run_end(&run);
}

int test_call_faults(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeout_kept_nobody_waiting),
        cmocka_unit_test(test_timeout_taken_for_the_end),
        cmocka_unit_test(test_late_close_out_of_patience),
        cmocka_unit_test(test_create_refused_beside_a_set_of_that_name),
        cmocka_unit_test(test_create_refused_claimed_success),
        cmocka_unit_test(test_null_command_holds_nothing),
        cmocka_unit_test(test_crash_is_not_the_clients),
        cmocka_unit_test(test_crash_leaves_a_child),
        cmocka_unit_test(test_crash_of_another_process),
        cmocka_unit_test(test_corrupt_transfer_does_not_restore),
    };

    return cmocka_run_group_tests_name("call_faults", tests, NULL, NULL);
}
