/* test_answers.c - what commands are completed with: VDI-CMD-004 to 007, 009, 010, VDI-IO-002, 003, 006, 007,
 * VDI-SNAP-001 to 003, VDI-DATA-002. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "dsl.h"
#include "tests.h"

enum {
    SIZE = 65536,
    WRITES = VDF_WriteMedia,
    READS = VDF_ReadMedia,
    REMOVABLE_DISK = VDF_LikeDisk | VDF_Removable,
};

/* One answer to one command, and the rule it breaks; NULL: a right one, near to that of the row before. */
struct row {
    int64_t features;
    int32_t command;
    int32_t completion;
    int64_t bytes;
    const char *rule;
};

static void check_row(const struct row *row, const char *near, const char *fault, const char *test)
{
    struct run run;
    uint64_t call;

    run_start(&run, fault);
    run.configuration[0] = row->features;
    run.is_backup = (row->features & VDF_WriteMedia) != 0;
    up(&run, 1);
    if (fault) {
        fault_fires(&run, 0, 0);
    }
    run.answered.bytes = row->bytes;
    call = vdi_serve(&run, 0, row->command, row->completion);
    run.answered.bytes = -1;
    down(&run, 1);
    client_exits(&run, 1);
    finish(&run);
    if (row->rule) {
        const struct finding *finding = expect_among_in(&run, row->rule, test);

        assert_int_equal(finding->call, call);
        assert_int_equal(finding->device, 0);
    } else {
        expect_not_in(&run, near, test);
    }
    run_end(&run);
}

static void check_rows(const struct row *rows, size_t count, const char *test)
{
    const char *near = NULL;

    for (size_t i = 0; i < count; i++) {
        near = rows[i].rule ? rows[i].rule : near;
        check_row(&rows[i], near, NULL, test);
    }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]), __func__)

static void test_bytes(void **state)
{
    static const struct row rows[] = {
        {WRITES, VDC_Flush, ERROR_SUCCESS, 512, "VDI-CMD-004"},
        {WRITES, VDC_Write, ERROR_SUCCESS, 0, "VDI-CMD-004"},
        {WRITES, VDC_Flush, ERROR_SUCCESS, 0, NULL},
        {WRITES, VDC_Write, ERROR_DISK_FULL, 0, NULL},
        {WRITES, VDC_Write, ERROR_SUCCESS, SIZE + 1, "VDI-CMD-005"},
        {READS, VDC_Read, ERROR_SUCCESS, INT64_MAX, "VDI-CMD-005"},
        {WRITES, VDC_Write, ERROR_SUCCESS, SIZE, NULL},
        {WRITES, VDC_Write, ERROR_SUCCESS, SIZE - 1, "VDI-CMD-006"},
        {READS, VDC_Read, ERROR_SUCCESS, 512, "VDI-CMD-006"},
        {READS, VDC_Read, ERROR_HANDLE_EOF, 512, NULL},
        {WRITES | REMOVABLE_DISK, VDC_Write, ERROR_END_OF_MEDIA, 4096, NULL},
        {WRITES, VDC_Write, ERROR_DISK_FULL, 4096, NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_support(void **state)
{
    static const struct row rows[] = {
        {WRITES, VDC_Rewind, ERROR_SUCCESS, 0, "VDI-CMD-009"},
        {WRITES | VDF_LikeDisk, VDC_WriteMark, ERROR_SUCCESS, 0, "VDI-CMD-009"},
        {READS | VDF_LikeDisk, VDC_Load, ERROR_SUCCESS, 0, "VDI-CMD-009"},
        {WRITES | VDF_LikeTape, VDC_Rewind, ERROR_SUCCESS, 0, NULL},
        {WRITES, VDC_Rewind, ERROR_NOT_SUPPORTED, 0, NULL},
        {WRITES, VDC_Complete, ERROR_SUCCESS, 0, NULL}, /* it may perform that unasked */
        {WRITES, VDC_PrepareToFreeze, ERROR_SUCCESS, 0, NULL},
        {WRITES, VDC_ClearError, ERROR_NOT_SUPPORTED, 0, "VDI-CMD-010"},
        {WRITES, VDC_Flush, ERROR_NOT_SUPPORTED, 0, "VDI-CMD-010"},
        {WRITES, VDC_Write, ERROR_NOT_SUPPORTED, 0, "VDI-CMD-010"},
        {READS, VDC_Read, ERROR_NOT_SUPPORTED, 0, "VDI-CMD-010"},
        {WRITES, VDC_Read, ERROR_NOT_SUPPORTED, 0, NULL}, /* a backup reads nothing */
        {READS, VDC_Flush, ERROR_NOT_SUPPORTED, 0, NULL},
        {READS, VDC_Rewind, ERROR_NOT_SUPPORTED, 0, NULL},
        {WRITES | VDF_SnapshotPrepare, VDC_PrepareToFreeze, ERROR_NOT_SUPPORTED, 0, "VDI-SNAP-003"},
        {WRITES | VDF_SnapshotPrepare, VDC_PrepareToFreeze, ERROR_SUCCESS, 0, NULL},
        {WRITES, VDC_PrepareToFreeze, ERROR_NOT_SUPPORTED, 0, NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void test_ends_of_data(void **state)
{
    static const struct row rows[] = {
        {READS, VDC_Read, ERROR_SUCCESS, 0, "VDI-IO-003"},
        {READS, VDC_Read, 259, 0, "VDI-IO-003"},
        {READS, VDC_Read, ERROR_END_OF_MEDIA, 512, "VDI-IO-003"},
        {READS, VDC_Read, ERROR_HANDLE_EOF, 0, NULL},
        {READS, VDC_Read, ERROR_NO_DATA_DETECTED, 512, NULL},
        {READS | VDF_LikeTape, VDC_Read, ERROR_END_OF_MEDIA, 512, NULL},
        {READS, VDC_Read, ERROR_IO_DEVICE, 0, NULL}, /* an error, and it fails */
        {WRITES | VDF_LikeDisk, VDC_Write, ERROR_END_OF_MEDIA, 512, "VDI-IO-006"},
        {WRITES, VDC_Write, ERROR_END_OF_MEDIA, SIZE, "VDI-IO-006"},
        {WRITES | REMOVABLE_DISK, VDC_Write, ERROR_END_OF_MEDIA, SIZE, NULL},
        {WRITES, VDC_Write, ERROR_DISK_FULL, 512, NULL},
        {WRITES, VDC_Write, ERROR_EOM_OVERFLOW, 512, NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* What a fault sent is answered by the same rules, if it is a command of the documents at all. */
static void test_under_a_fault(void **state)
{
    static const struct row unknown = {WRITES, 99, ERROR_NOT_SUPPORTED, 512, NULL};
    static const struct row rewind = {WRITES, VDC_Rewind, ERROR_SUCCESS, 0, "VDI-CMD-009"};

    (void)state;
    check_row(&unknown, "VDI-CMD-004", "unknown-command@Write#1", __func__);
    check_row(&rewind, NULL, "unknown-command@Write#1", __func__);
}

/* Nobody looks at the completions of an aborted set, and its buffers may be gone. */
static void test_in_an_aborted_set(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, "abort@Write#1");
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    fault_fires(&run, 0, 0);
    run.answered.bytes = SIZE + 1;
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, VD_E_ABORT);
    vdi_close(&run, MAIN, 0);
    sql_end(&run, STATEMENT_ABORTED, 0, 0);
    client_exits(&run, 1);
    expect_clean(&run);
    run_end(&run);
}

/* Features that nobody told of, as in a run whose first events are missing. */
static void test_unknown_configuration(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    vdi_create(&run, 1, 0);
    vdi_serve(&run, 0, VDC_Rewind, ERROR_SUCCESS);
    vdi_serve(&run, 0, VDC_Write, ERROR_END_OF_MEDIA);
    vdi_serve(&run, 0, VDC_Flush, ERROR_NOT_SUPPORTED);
    vdi_serve(&run, 0, VDC_GetPosition, ERROR_SUCCESS);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    expect_not(&run, "VDI-CMD-009");
    expect_not(&run, "VDI-CMD-010");
    expect_not(&run, "VDI-IO-006");
    expect_not(&run, "VDI-CMD-007");
    run_end(&run);
}

/* A count that was refused leaves the command with the client, who completes it right. */
static void test_refused_count(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    up(&run, 1);
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    run.answered.bytes = SIZE + 1;
    call = vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, VD_E_INVALID);
    run.answered.bytes = SIZE;
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, 0);
    run.answered.bytes = -1;
    down(&run, 1);
    client_exits(&run, 0);
    expect_at(&run, "VDI-CMD-005", call, 0);
    run_end(&run);
}

/* ---- answers that an abort excuses ---- */

static void check_held(int32_t command, int32_t completion, bool abort, const char *rule, const char *near,
                       const char *test)
{
    struct run run;
    uint64_t call;

    run_start(&run, NULL);
    up(&run, 1);
    call = vdi_serve(&run, 0, command, completion);
    if (abort) {
        vdi_abort(&run, WORKER, 0);
    } else {
        vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    }
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    if (rule) {
        assert_int_equal(expect_at_in(&run, rule, call, 0, test)->function, VDI_FN_COMPLETE_COMMAND);
    } else {
        expect_not_in(&run, near, test);
    }
    run_end(&run);
}

static void test_clear_error(void **state)
{
    (void)state;
    check_held(VDC_ClearError, ERROR_IO_DEVICE, false, "VDI-IO-002", NULL, __func__);
    check_held(VDC_ClearError, ERROR_IO_DEVICE, true, NULL, "VDI-IO-002", __func__);
    check_held(VDC_ClearError, ERROR_SUCCESS, false, NULL, "VDI-IO-002", __func__);
}

static void test_refused_snapshot(void **state)
{
    (void)state;
    check_held(VDC_Snapshot, 1223, false, "VDI-SNAP-002", NULL, __func__);
    check_held(VDC_Snapshot, 1223, true, NULL, "VDI-SNAP-002", __func__);
    check_held(VDC_Snapshot, ERROR_OPERATION_ABORTED, false, NULL, "VDI-SNAP-002", __func__);
    check_held(VDC_Snapshot, ERROR_IO_DEVICE, false, NULL, "VDI-SNAP-002", __func__);
    check_held(VDC_Snapshot, ERROR_NOT_SUPPORTED, false, NULL, "VDI-SNAP-002", __func__);
}

static void test_slow_snapshot(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        struct run run;
        uint64_t call;

        run_start(&run, NULL);
        up(&run, 1);
        vdi_fetch(&run, WORKER, 0, 1, VDC_Snapshot);
        wait_ms(&run, slow ? 61000 : 30000);
        call = vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, 0);
        down(&run, 1);
        client_exits(&run, 0);
        if (slow) {
            expect_at(&run, "VDI-SNAP-001", call, 0);
        } else {
            expect_not(&run, "VDI-SNAP-001");
        }
        run_end(&run);
    }
}

/* ---- sizes ---- */

/* The completion of a Read of `size`, after one of a whole transfer that was served. */
static uint64_t read_of_size(struct run *run, int64_t size, int32_t completion)
{
    uint64_t call;

    run_start(run, NULL);
    run->configuration[0] = READS;
    run->is_backup = false;
    up(run, 1);
    vdi_serve(run, 0, VDC_Read, ERROR_SUCCESS);
    run->asked.size = size;
    run->answered.bytes = 0;
    call = vdi_serve(run, 0, VDC_Read, completion);
    run->answered.bytes = -1;
    vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
    sql_end(run, STATEMENT_FAILED, 0, 0);
    vdi_close(run, MAIN, 0);
    client_exits(run, 1);
    return call;
}

static void test_read_sizes(void **state)
{
    enum {
        INVALID_PARAMETER = 87,
        BAD_LENGTH = 24
    };
    static const struct {
        int64_t size;
        int32_t completion;
    } fair[] = {
        {SIZE, INVALID_PARAMETER},     /* a size it has served: it is something else */
        {8192, ERROR_IO_DEVICE},       /* an error of its own */
        {8000, INVALID_PARAMETER},     /* no whole blocks */
        {2 * SIZE, INVALID_PARAMETER}, /* more than MAXTRANSFERSIZE */
    };
    struct run run;
    uint64_t call;

    (void)state;
    call = read_of_size(&run, 8192, BAD_LENGTH);
    expect_at(&run, "VDI-DATA-002", call, 0);
    run_end(&run);
    for (size_t i = 0; i < sizeof fair / sizeof fair[0]; i++) {
        read_of_size(&run, fair[i].size, fair[i].completion);
        expect_not(&run, "VDI-DATA-002");
        run_end(&run);
    }
}

int test_answers(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_support),
        cmocka_unit_test(test_ends_of_data),
        cmocka_unit_test(test_under_a_fault),
        cmocka_unit_test(test_in_an_aborted_set),
        cmocka_unit_test(test_unknown_configuration),
        cmocka_unit_test(test_refused_count),
        cmocka_unit_test(test_clear_error),
        cmocka_unit_test(test_refused_snapshot),
        cmocka_unit_test(test_slow_snapshot),
        cmocka_unit_test(test_read_sizes),
    };

    return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
