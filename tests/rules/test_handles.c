/* test_handles.c - buffers that other processes work on: VDI-BUF-006, VDI-BUF-007, VDI-BUF-008. */
#include "dsl.h"
#include "tests.h"

enum {
    HANDLE = 3
};

static uint64_t get_handle(struct run *run, uint64_t fetch, int32_t handle, int32_t result)
{
    uint64_t call =
        call_begin(run, WORKER, VDI_FN_GET_BUFFER_HANDLE, -1, (int64_t[6]){0x7000, (int64_t)fetch}, NULL);

    call_end(run, WORKER, VDI_FN_GET_BUFFER_HANDLE, -1, call, result, (int64_t[6]){handle});
    return call;
}

static uint64_t map_handle(struct run *run, int32_t handle, int32_t result)
{
    uint64_t call = call_begin(run, WORKER2, VDI_FN_MAP_BUFFER_HANDLE, -1, (int64_t[6]){handle}, NULL);

    call_end(run, WORKER2, VDI_FN_MAP_BUFFER_HANDLE, -1, call, result, (int64_t[6]){0x8000});
    return call;
}

static void finish_backup(struct run *run)
{
    down(run, 1);
    client_exits(run, 0);
}

/* ---- VDI-BUF-006 ---- */

static void test_handle_of_no_buffer(void **state)
{
    struct run run;
    uint64_t fetch, call;

    (void)state;
    for (int flush = 0; flush <= 1; flush++) {
        run_start(&run, NULL);
        up(&run, 1);
        fetch = vdi_fetch(&run, WORKER, 0, 1, flush ? VDC_Flush : VDC_Write);
        if (!flush) {
            vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
        }
        call = get_handle(&run, flush ? fetch : 0, 0, VD_E_INVALID);
        if (flush) {
            vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
        }
        finish_backup(&run);
        expect_at(&run, "VDI-BUF-006", call, flush ? 0 : -1);
        run_end(&run);
    }
}

/* Of a command in hand; and on a set that an abort or a fault has ended, which nobody could know. */
static void test_handle_of_a_buffer(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    get_handle(&run, fetch, HANDLE, 0);
    vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    vdi_abort(&run, MAIN, 0);
    get_handle(&run, 0, 0, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-BUF-006");
    assert_int_equal(run.judgement->finding_count, 0);
    run_end(&run);
}

/* ---- VDI-BUF-007 ---- */

/* One handle got in operation 0, then an operation 1 on another set. */
static void two_sets(struct run *run)
{
    uint64_t fetch;

    run_start(run, NULL);
    up(run, 1);
    fetch = vdi_fetch(run, WORKER, 0, 1, VDC_Write);
    get_handle(run, fetch, HANDLE, 0);
    vdi_complete(run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    down(run, 1);
    run->set = 2;
    run->operation = 1;
    up(run, 1);
}

static void test_handle_of_another_set(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    two_sets(&run);
    call = map_handle(&run, HANDLE, VD_E_INVALID);
    finish_backup(&run);
    expect_at(&run, "VDI-BUF-007", call, -1);
    run_end(&run);
}

/* The same number may be a handle of both sets, and one that nobody gave is no other set's. */
static void test_handle_of_its_own_set(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    two_sets(&run);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    get_handle(&run, fetch, HANDLE, 0);
    run.set = 3; /* the object of a secondary process */
    run.process = CLIENT + 1;
    fetch = call_begin(&run, MAIN, VDI_FN_OPEN_IN_SECONDARY, -1, NULL, "set-1");
    call_end(&run, MAIN, VDI_FN_OPEN_IN_SECONDARY, -1, fetch, 0, NULL);
    map_handle(&run, HANDLE, 0);
    map_handle(&run, HANDLE + 1, VD_E_INVALID);
    expect_not(&run, "VDI-BUF-007");
    run_end(&run);
}

/* ---- VDI-BUF-008 ---- */

static void test_completed_by_another_process(void **state)
{
    struct run run;
    uint64_t fetch, call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    get_handle(&run, fetch, HANDLE, 0);
    run.process = CLIENT + 1; /* a forked child */
    call = vdi_complete(&run, WORKER2, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    run.process = CLIENT;
    finish_backup(&run);
    expect_at(&run, "VDI-BUF-008", call, 0);
    run_end(&run);
}

static void test_completed_by_the_same_process(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    get_handle(&run, fetch, HANDLE, 0);
    vdi_complete(&run, WORKER2, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0); /* of any thread */
    finish_backup(&run);
    expect_not(&run, "VDI-BUF-008");
    assert_int_equal(run.judgement->finding_count, 0);
    run_end(&run);
}

int test_handles(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handle_of_no_buffer),
        cmocka_unit_test(test_handle_of_a_buffer),
        cmocka_unit_test(test_handle_of_another_set),
        cmocka_unit_test(test_handle_of_its_own_set),
        cmocka_unit_test(test_completed_by_another_process),
        cmocka_unit_test(test_completed_by_the_same_process),
    };

    return cmocka_run_group_tests_name("handles", tests, NULL, NULL);
}
