/* test_configuration.c - the rules about VDConfig: VDI-CFG-001 to 007, 009, 010. */
#include "dsl_bringup.h"
#include "tests.h"

enum {
    OPTIONS = VDF_Discard | VDF_SnapshotPrepare | VDF_RequestComplete,
};

/* VDI-CFG-001 to 006: a field each. */

static const struct {
    const char *rule;
    VDConfig config;
} wrong[] = {
    {"VDI-CFG-001", {.deviceCount = 0}},
    {"VDI-CFG-001", {.deviceCount = 65}},
    {"VDI-CFG-002", {.deviceCount = 1, .features = VDF_RandomAccess | VDF_FileMarks}},
    {"VDI-CFG-002", {.deviceCount = 1, .features = VDF_Rewind}},
    {"VDI-CFG-002", {.deviceCount = 1, .features = VDF_LikeTape & ~VDF_Removable}},
    {"VDI-CFG-002", {.deviceCount = 1, .features = VDF_LikeTape | VDF_LikeDisk}},
    {"VDI-CFG-002", {.deviceCount = 1, .features = 0x4}},
    {"VDI-CFG-003", {.deviceCount = 1, .features = VDF_WriteMedia}},
    {"VDI-CFG-003", {.deviceCount = 1, .features = VDF_LikeDisk | VDF_ReadMedia}},
    {"VDI-CFG-003", {.deviceCount = 1, .features = VDF_RequestComplete | VDF_CompleteEnabled}},
    {"VDI-CFG-004", {.deviceCount = 1, .softFileMarkBlockSize = 512}},
    {"VDI-CFG-004", {.deviceCount = 1, .features = VDF_LikeDisk, .softFileMarkBlockSize = 1}},
    {"VDI-CFG-005", {.deviceCount = 1, .alignment = 1000}},
    {"VDI-CFG-005", {.deviceCount = 1, .alignment = 131072}},
    {"VDI-CFG-005", {.deviceCount = 1, .alignment = 0x80000000}},
    {"VDI-CFG-006", {.deviceCount = 1, .blockSize = 512}},
    {"VDI-CFG-006", {.deviceCount = 1, .maxIODepth = 4}},
    {"VDI-CFG-006", {.deviceCount = 1, .maxTransferSize = 65536}},
    {"VDI-CFG-006", {.deviceCount = 1, .bufferAreaSize = 1}},
};

static void test_wrong_fields(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        run_start(&run, NULL);
        call = vdi_create_with(&run, &wrong[i].config, VD_E_NOTSUPPORTED);
        whole_backup(&run, 1);
        client_exits(&run, 0);
        expect_at(&run, wrong[i].rule, call, -1);
        run_end(&run);
    }
}

static void test_right_fields(void **state)
{
    static const VDConfig right[] = {
        {.deviceCount = 1},
        {.deviceCount = 64, .features = VDF_LikePipe | VDF_Removable | OPTIONS},
        {.deviceCount = 1, .features = VDF_LikeTape | OPTIONS, .softFileMarkBlockSize = 512},
        {.deviceCount = 1, .features = VDF_LikeDisk | VDF_Removable | OPTIONS, .alignment = 65536},
        {.deviceCount = 1, .alignment = 1, .prefixZoneSize = 77, .EOMWarningSize = 1, .serverTimeOut = 1},
        /* in the headers, documented nowhere */
        {.deviceCount = 1, .features = VDF_EnumFrozenFiles | VDF_VSSWriter | (uint32_t)VDF_LatchStats},
    };
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        run_start(&run, NULL);
        vdi_create_with(&run, &right[i], 0);
        finish(&run);
        for (size_t rule = 0; rule < sizeof wrong / sizeof wrong[0]; rule++) {
            expect_not(&run, wrong[rule].rule);
        }
        run_end(&run);
    }
}

/* The Create it belongs to was not seen; or it is what the server settled. */
static void test_fields_of_no_create(void **state)
{
    VDConfig settled = {.deviceCount = 1, .features = VDF_WriteMedia, .blockSize = 512, .maxIODepth = 4};
    struct run run;
    uint64_t call;

    (void)state;
    run_start(&run, NULL);
    sql_begin(&run, "BACKUP");
    vdi_create(&run, 1, 0);
    sql_open(&run, 1);
    vdi_configure(&run, &settled);
    call = vdi_open(&run, 0, 0);
    assert_true(call > 0);
    transfer(&run, WORKER, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_clean(&run);
    run_end(&run);
}

/* VDI-CFG-007 */

static void backup_asking_for_complete(struct run *run, uint32_t granted)
{
    VDConfig asked = {.deviceCount = 1, .features = VDF_RequestComplete};
    VDConfig settled = {.deviceCount = 1, .features = granted, .blockSize = 512, .maxTransferSize = 65536};

    sql_begin(run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    vdi_create_with(run, &asked, 0);
    sql_open(run, 1);
    vdi_configure(run, &settled);
    vdi_open(run, 0, 0);
    transfer(run, WORKER, 0);
    down(run, 1);
}

static void test_relying_on_complete(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    backup_asking_for_complete(&run, VDF_RequestComplete | VDF_WriteMedia);
    client_exits(&run, 1);
    expect_among(&run, "VDI-CFG-007");
    run_end(&run);

    run_start(&run, NULL);
    backup_asking_for_complete(&run, VDF_RequestComplete | VDF_WriteMedia);
    wait_ms(&run, 30000);
    hang(&run, HANG_PATIENCE);
    expect_among(&run, "VDI-CFG-007");
    run_end(&run);
}

/* It does without; or it was promised, and the failure is another one; or a fault has fired. */
static void test_not_relying_on_complete(void **state)
{
    struct run run;

    (void)state;
    for (int i = 0; i < 3; i++) {
        run_start(&run, i == 2 ? "abort@Write#1" : NULL);
        backup_asking_for_complete(&run, VDF_WriteMedia | (i == 1 ? VDF_CompleteEnabled : 0));
        if (i == 2) {
            fault_fires(&run, 0, 1);
        }
        client_exits(&run, i == 0 ? 0 : 1);
        expect_not(&run, "VDI-CFG-007");
        run_end(&run);
    }
}

/* VDI-CFG-009 */

static void one_operation(struct run *run, bool is_backup, uint32_t block_size, int32_t message,
                          uint64_t hash)
{
    VDConfig settled = {
        .deviceCount = 1, .features = is_backup ? VDF_WriteMedia : VDF_ReadMedia, .blockSize = block_size};

    run->is_backup = is_backup;
    sql_begin(run, is_backup ? "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'"
                             : "RESTORE DATABASE pubs FROM VIRTUAL_DEVICE = 'set-1' WITH BLOCKSIZE = 4096");
    vdi_create(run, 1, 0);
    sql_open(run, 1);
    vdi_configure(run, &settled);
    vdi_open(run, 0, 0);
    if (message) {
        sql_message(run, message, 16);
        sql_end(run, STATEMENT_ABORTED, 0, 0);
        vdi_get(run, WORKER, 0, 1000, VD_E_ABORT);
    } else {
        vdi_get(run, WORKER, 0, 1000, VD_E_CLOSE);
        sql_end(run, STATEMENT_SUCCESS, 5000, hash);
    }
    vdi_close(run, MAIN, 0);
    run->operation++;
}

static void test_restore_with_another_block_size(void **state)
{
    static const int32_t messages[] = {3272, 3284, 3285};
    struct run run;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        run_start(&run, NULL);
        one_operation(&run, false, 4096, messages[i], 0);
        client_exits(&run, 1);
        expect(&run, "VDI-CFG-009");
        run_end(&run);
    }
    run_start(&run, NULL);
    one_operation(&run, true, 512, 0, 42);
    one_operation(&run, false, 4096, 0, 42);
    client_exits(&run, 0);
    assert_int_equal(expect(&run, "VDI-CFG-009")->operation, 1);
    run_end(&run);
}

/* The same; another backup, which this run has not seen; a failure of another kind; somebody else's statement. */
static void test_restore_with_its_block_size(void **state)
{
    static const struct {
        uint32_t block_size;
        uint64_t hash;
        int32_t message;
        enum process_role issuer;
    } cases[] = {{512, 42, 0, PROCESS_CLIENT},
                 {4096, 43, 0, PROCESS_CLIENT},
                 {4096, 0, 3241, PROCESS_CLIENT},
                 {4096, 0, 3272, PROCESS_SQL}};
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_start(&run, NULL);
        one_operation(&run, true, 512, 0, 42);
        run.issuer = cases[i].issuer;
        one_operation(&run, false, cases[i].block_size, cases[i].message, cases[i].hash);
        client_exits(&run, cases[i].message ? 1 : 0);
        expect_not(&run, "VDI-CFG-009");
        run_end(&run);
    }
}

/* VDI-CFG-010 */

static void refused_for_its_count(struct run *run, uint32_t devices, uint32_t clauses, uint64_t *call)
{
    sql_begin(run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    *call = vdi_create(run, devices, 0);
    sql_open(run, clauses);
    sql_message(run, 3261, 16);
    sql_end(run, STATEMENT_FAILED, 0, 0);
    vdi_get_configuration(run, devices, VD_E_ABORT);
    vdi_close(run, MAIN, 0);
    client_exits(run, 1);
}

static void test_other_number_of_clauses(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (uint32_t clauses = 1; clauses <= 3; clauses += 2) {
        run_start(&run, NULL);
        refused_for_its_count(&run, 2, clauses, &call);
        assert_int_equal(expect_at(&run, "VDI-CFG-010", call, -1)->severity, SEVERITY_WARNING);
        run_end(&run);
    }
}

/* Refused for another reason; somebody else's statement; Create was not seen. */
static void test_same_number_of_clauses(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    for (int i = 0; i < 3; i++) {
        run_start(&run, NULL);
        run.issuer = i == 1 ? PROCESS_SQL : PROCESS_CLIENT;
        if (i < 2) {
            refused_for_its_count(&run, 2, i == 1 ? 3 : 2, &call);
        } else {
            sql_begin(&run, "BACKUP");
            sql_open(&run, 2);
            finish(&run);
        }
        expect_not(&run, "VDI-CFG-010");
        run_end(&run);
    }
}

int test_configuration(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_fields),
        cmocka_unit_test(test_right_fields),
        cmocka_unit_test(test_fields_of_no_create),
        cmocka_unit_test(test_relying_on_complete),
        cmocka_unit_test(test_not_relying_on_complete),
        cmocka_unit_test(test_restore_with_another_block_size),
        cmocka_unit_test(test_restore_with_its_block_size),
        cmocka_unit_test(test_other_number_of_clauses),
        cmocka_unit_test(test_same_number_of_clauses),
    };

    return cmocka_run_group_tests_name("configuration", tests, NULL, NULL);
}
