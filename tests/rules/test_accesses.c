/* test_accesses.c - what the guard saw: VDI-BUF-001 to 005, VDI-CMD-003, VDI-GETCMD-005, VDI-ABORT-002, and what
 * touches buffers after Close. */
#include <string.h>

#include "dsl.h"
#include "tests.h"

enum {
    SIZE = 65536
};

/* An access by `thread` to what `fetch` brought on device 0, a Write; `taken` is the call that took it away. */
static void touch(struct run *run, uint32_t thread, uint64_t fetch, enum access_what what,
                  enum access_how how, enum access_when when, uint64_t taken)
{
    vdi_access(run, thread, 0, fetch, (int64_t[7]){what, how, when, 16, VDC_Write, SIZE, (int64_t)taken}, "");
}

static uint64_t fetch_and_complete(struct run *run, int64_t block, uint64_t *completion)
{
    uint64_t fetch = vdi_fetch(run, WORKER, 0, block, VDC_Write);

    *completion = vdi_complete(run, WORKER, 0, block, (int64_t)fetch, ERROR_SUCCESS, 0);
    return fetch;
}

static void finish_backup(struct run *run)
{
    down(run, 1);
    client_exits(run, 0);
}

/* ---- while the command is held ---- */

static void test_wrong_while_held(void **state)
{
    static const struct {
        enum access_what what;
        enum access_how how;
        const char *rule;
    } cases[] = {{ACCESS_BUFFER, ACCESS_WRITE, "VDI-BUF-005"},
                 {ACCESS_BEFORE_BUFFER, ACCESS_WRITE, "VDI-BUF-004"},
                 {ACCESS_BEYOND_BUFFER, ACCESS_READ, "VDI-BUF-003"},
                 {ACCESS_COMMAND, ACCESS_WRITE, "VDI-GETCMD-005"}};
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct finding *finding;
        uint64_t fetch;

        run_start(&run, NULL);
        up(&run, 1);
        fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
        touch(&run, WORKER, fetch, cases[i].what, cases[i].how, ACCESS_WHILE_HELD, 0);
        vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
        finish_backup(&run);
        finding = expect_at(&run, cases[i].rule, fetch, 0);
        assert_int_equal(finding->thread, WORKER);
        assert_non_null(finding->stack);
        run_end(&run);
    }
}

static void test_right_while_held(void **state)
{
    struct run run;
    uint64_t fetch;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    touch(&run, WORKER, fetch, ACCESS_BUFFER, ACCESS_READ, ACCESS_WHILE_HELD, 0);
    touch(&run, WORKER, fetch, ACCESS_COMMAND, ACCESS_READ, ACCESS_WHILE_HELD, 0);
    vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    fetch = vdi_fetch(&run, WORKER, 0, 2, VDC_Read); /* a Read's buffer is there to be filled */
    vdi_access(&run, WORKER, 0, fetch,
               (int64_t[7]){ACCESS_BUFFER, ACCESS_WRITE, ACCESS_WHILE_HELD, 0, VDC_Read, SIZE}, "read");
    vdi_complete(&run, WORKER, 0, 2, (int64_t)fetch, ERROR_SUCCESS, 0);
    finish_backup(&run);
    expect_not(&run, "VDI-BUF-003");
    expect_not(&run, "VDI-BUF-004");
    expect_not(&run, "VDI-BUF-005");
    expect_not(&run, "VDI-GETCMD-005");
    assert_int_equal(run.judgement->finding_count, 0);
    run_end(&run);
}

/* With a prefix zone what lies before it is out of bounds, for a secondary as well. */
static void test_before_the_prefix_zone(void **state)
{
    struct run run;
    uint64_t call, fetch;

    (void)state;
    for (int secondary = 0; secondary <= 1; secondary++) {
        run_start(&run, NULL);
        sql_begin(&run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
        call = call_begin(&run, MAIN, VDI_FN_CREATE, -1, (int64_t[6]){1, 0, 0, 512}, "set-1");
        call_end(&run, MAIN, VDI_FN_CREATE, -1, call, 0, NULL);
        sql_open(&run, 1);
        vdi_get_configuration(&run, 1, 0);
        if (secondary) {
            run.set = 2;
            call = call_begin(&run, MAIN, VDI_FN_OPEN_IN_SECONDARY, -1, NULL, "set-1");
            call_end(&run, MAIN, VDI_FN_OPEN_IN_SECONDARY, -1, call, 0, NULL);
        }
        vdi_open(&run, 0, 0);
        fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
        touch(&run, WORKER, fetch, ACCESS_BEFORE_BUFFER, ACCESS_WRITE, ACCESS_WHILE_HELD, 0);
        expect_among(&run, "VDI-BUF-003");
        run_end(&run);
    }
}

/* ---- after completion ---- */

static void test_touched_after_completion(void **state)
{
    static const struct {
        enum access_what what;
        const char *rule;
    } cases[] = {{ACCESS_BUFFER, "VDI-BUF-001"}, {ACCESS_COMMAND, "VDI-CMD-003"}};
    struct run run;
    uint64_t fetch, completion;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_start(&run, NULL);
        up(&run, 1);
        fetch = fetch_and_complete(&run, 1, &completion);
        touch(&run, WORKER, fetch, cases[i].what, ACCESS_READ, ACCESS_AFTER_COMPLETION, completion);
        finish_backup(&run);
        expect_at(&run, cases[i].rule, fetch, 0);
        run_end(&run);
    }
}

/* The device's next command has come: whoever still uses the buffer has kept its address. */
static void test_address_kept(void **state)
{
    struct run run;
    uint64_t fetch, completion, next;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = fetch_and_complete(&run, 1, &completion);
    next = vdi_fetch(&run, WORKER, 0, 2, VDC_Write);
    vdi_access(&run, WORKER2, 0, fetch,
               (int64_t[7]){ACCESS_BUFFER, ACCESS_READ, ACCESS_AFTER_COMPLETION, 0, VDC_Write, SIZE,
                            (int64_t)completion},
               "pwrite");
    vdi_complete(&run, WORKER, 0, 2, (int64_t)next, ERROR_SUCCESS, 0);
    finish_backup(&run);
    assert_non_null(strstr(expect_at(&run, "VDI-BUF-002", fetch, 0)->message, "read by pwrite"));
    expect_not(&run, "VDI-BUF-001");
    run_end(&run);
}

/* Just after its completion the address need not have been kept; a later poll that brings nothing changes nothing. */
static void test_touched_before_the_next_command(void **state)
{
    struct run run;
    uint64_t fetch, completion;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = fetch_and_complete(&run, 1, &completion);
    vdi_get(&run, WORKER, 0, 0, VD_E_TIMEOUT);
    touch(&run, WORKER, fetch, ACCESS_BUFFER, ACCESS_READ, ACCESS_AFTER_COMPLETION, completion);
    finish_backup(&run);
    expect_not(&run, "VDI-BUF-002");
    run_end(&run);
}

/* A completion that the library refused gives nothing back (VD_E_INVALID): the command is the client's still. */
static void test_refused_completion(void **state)
{
    struct run run;
    uint64_t fetch, refused;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    refused = vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, VD_E_INVALID);
    touch(&run, WORKER, fetch, ACCESS_BUFFER, ACCESS_READ, ACCESS_AFTER_COMPLETION, refused);
    touch(&run, WORKER, fetch, ACCESS_COMMAND, ACCESS_READ, ACCESS_AFTER_COMPLETION, refused);
    vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    finish_backup(&run);
    expect_not(&run, "VDI-BUF-001");
    expect_not(&run, "VDI-CMD-003");
    run_end(&run);
}

/* ---- after an abort ---- */

static void test_touched_by_a_thread_that_knows_of_the_abort(void **state)
{
    struct run run;
    uint64_t fetch, abort;

    (void)state;
    for (int own = 0; own <= 1; own++) {
        const struct finding *finding;

        run_start(&run, own ? NULL : "abort@Write#1");
        up(&run, 1);
        fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
        if (own) {
            abort = vdi_abort(&run, WORKER, 0);
        } else {
            fault_fires(&run, 0, fetch);
            abort = vdi_get(&run, WORKER, 0, 0, VD_E_ABORT);
        }
        touch(&run, WORKER, fetch, ACCESS_BUFFER, ACCESS_READ, ACCESS_AFTER_ABORT, abort);
        vdi_close(&run, MAIN, 0);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        client_exits(&run, 1);
        finding = expect_at(&run, "VDI-ABORT-002", fetch, 0);
        assert_int_equal(finding->severity, SEVERITY_WARNING);
        run_end(&run);
    }
}

/* Another thread's abort is not known before a call tells of it; the command block may be read until Close. */
static void test_touched_unknowing(void **state)
{
    struct run run;
    uint64_t fetch, abort;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    abort = vdi_abort(&run, MAIN, 0);
    touch(&run, WORKER, fetch, ACCESS_BUFFER, ACCESS_READ, ACCESS_AFTER_ABORT, abort);
    vdi_get(&run, WORKER, 0, 0, VD_E_ABORT);
    touch(&run, WORKER, fetch, ACCESS_COMMAND, ACCESS_READ, ACCESS_AFTER_ABORT, abort);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-ABORT-002");
    assert_int_equal(run.judgement->finding_count, 0);
    run_end(&run);
}

/* ---- after Close ---- */

/* Held by one thread when another closed: Close came too early. Touched by the thread that closed: used after Close. */
static void test_touched_after_close(void **state)
{
    struct run run;
    uint64_t fetch, close;

    (void)state;
    for (int other = 0; other <= 1; other++) {
        const struct finding *finding;
        uint32_t thread = other ? WORKER : MAIN;

        run_start(&run, NULL);
        up(&run, 1);
        fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
        vdi_abort(&run, MAIN, 0);
        close = vdi_close(&run, MAIN, 0);
        touch(&run, thread, fetch, ACCESS_BUFFER, ACCESS_READ, ACCESS_AFTER_CLOSE, close);
        sql_end(&run, STATEMENT_ABORTED, 0, 0);
        client_exits(&run, 1);
        finding = expect_at(&run, other ? "VDI-CLOSE-002" : "VDI-CLOSE-003", other ? close : fetch, 0);
        assert_int_equal(finding->other.call, other ? fetch : 0);
        run_end(&run);
    }
}

/* Buffers held when a fault closes the set stay readable until their holder's next call (design 4.4). */
static void test_touched_after_close_by_a_fault(void **state)
{
    struct run run;
    uint64_t fetch, call;

    (void)state;
    for (int knows = 0; knows <= 1; knows++) {
        run_start(&run, "early-close@GetCommand#2:0");
        up(&run, 1);
        fetch = vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
        call = call_begin(&run, WORKER2, VDI_FN_GET_COMMAND, 0, (int64_t[6]){0}, NULL);
        fault_fires(&run, 0, call);
        run.flags = EVENT_FLAG_FAULTED;
        call_end(&run, WORKER2, VDI_FN_GET_COMMAND, 0, call, VD_E_PROTOCOL, NULL);
        if (knows) {
            vdi_complete(&run, WORKER, 0, 1, (int64_t)fetch, ERROR_SUCCESS, VD_E_PROTOCOL);
        }
        run.flags = 0;
        touch(&run, WORKER, fetch, ACCESS_BUFFER, ACCESS_READ, ACCESS_AFTER_CLOSE, call);
        sql_end(&run, STATEMENT_FAILED, 0, 0);
        client_exits(&run, 1);
        if (knows) {
            expect_at(&run, "VDI-CLOSE-003", fetch, 0);
        } else {
            expect_not(&run, "VDI-CLOSE-003");
        }
        run_end(&run);
    }
}

/* What the guard cannot have meant, of any kind. */
static void test_senseless_accesses(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    for (int64_t what = -1; what <= 5; what++) {
        for (int64_t when = -1; when <= 5; when++) {
            vdi_access(&run, WORKER, 0, 0, (int64_t[7]){what, ACCESS_READ, when, -1, -1, -1, 0}, "");
            vdi_access(&run, WORKER, -1, 77, (int64_t[7]){what, 99, when, -1, -1, -1, 0}, "");
        }
    }
    transfer(&run, WORKER, 0);
    finish_backup(&run);
    expect_not(&run, "VDI-BUF-001");
    run_end(&run);
}

int test_accesses(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_while_held),
        cmocka_unit_test(test_right_while_held),
        cmocka_unit_test(test_before_the_prefix_zone),
        cmocka_unit_test(test_touched_after_completion),
        cmocka_unit_test(test_address_kept),
        cmocka_unit_test(test_touched_before_the_next_command),
        cmocka_unit_test(test_refused_completion),
        cmocka_unit_test(test_touched_by_a_thread_that_knows_of_the_abort),
        cmocka_unit_test(test_touched_unknowing),
        cmocka_unit_test(test_touched_after_close),
        cmocka_unit_test(test_touched_after_close_by_a_fault),
        cmocka_unit_test(test_senseless_accesses),
    };

    return cmocka_run_group_tests_name("accesses", tests, NULL, NULL);
}
