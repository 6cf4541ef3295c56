/* test_peer_faults.c - what the faults of the statement, the server and the connection excuse, and what they do not
 * (design 4.4 and 4.5). */
#include "dsl.h"
#include "tests.h"

/* One after which the set is aborted, at the second Write. */
static void abort_by(struct run *run, const char *fault)
{
    run_start(run, fault);
    up(run, 1);
    vdi_serve(run, 0, VDC_Write, ERROR_SUCCESS);
    fault_fires(run, 0, vdi_get(run, WORKER, 0, 1000, VD_E_ABORT));
}

static const char *const aborting[] = {
    "statement-fails@Write#2", "server-crash@Write#2", "kill-session@Write#2",
    "attention@Write#2",       "shutdown@Write#2",     "failover@Write#2",
};

static void test_abort_is_nobodys_violation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof aborting / sizeof aborting[0]; i++) {
        struct run run;

        abort_by(&run, aborting[i]);
        vdi_close(&run, MAIN, 0);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        client_exits(&run, 1);
        expect_clean(&run);
        run_end(&run);
    }
}

static void test_abort_taken_for_success(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof aborting / sizeof aborting[0]; i++) {
        struct run run;

        abort_by(&run, aborting[i]);
        vdi_close(&run, MAIN, 0);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        client_exits(&run, 0);
        expect_among(&run, "VDI-OUT-001");
        run_end(&run);
    }
}

/* Everything closed, and then an error: the statement's word counts. */
static void late_failure(struct run *run, int exit)
{
    run_start(run, "late-failure");
    up(run, 1);
    transfer(run, WORKER, 0);
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    fault_fires(run, -1, 0);
    sql_stream(run, 0, 0, -1);
    sql_message(run, 845, 17);
    sql_message(run, 3013, 16);
    sql_end(run, STATEMENT_FAILED, 0, 0);
    vdi_close(run, MAIN, 0);
    client_exits(run, exit);
}

static void test_late_failure(void **state)
{
    struct run run;

    (void)state;
    late_failure(&run, 1);
    expect_clean(&run);
    run_end(&run);
    late_failure(&run, 0);
    expect_among(&run, "VDI-TERM-001");
    run_end(&run);
    late_failure(&run, 0);
    expect_among(&run, "VDI-OUT-001");
    run_end(&run);
}

/* Patience that ends before a slow server's command comes is no violation; what the client gives up it has to abort. */
static void test_patience_with_a_slow_server(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "server-slow(ms=5000)@Write#2");
    up(&run, 1);
    vdi_serve(&run, 0, VDC_Write, ERROR_SUCCESS);
    fault_fires(&run, 0, 0);
    vdi_get(&run, WORKER, 0, 1000, VD_E_TIMEOUT);
    vdi_abort(&run, MAIN, 0);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

int test_peer_faults(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abort_is_nobodys_violation),
        cmocka_unit_test(test_abort_taken_for_success),
        cmocka_unit_test(test_late_failure),
        cmocka_unit_test(test_patience_with_a_slow_server),
    };

    return cmocka_run_group_tests_name("peer_faults", tests, NULL, NULL);
}
