/* test_positions.c - where a device stands: VDI-CMD-007, VDI-IO-004, VDI-IO-007. */
#include "codes.h"
#include "dsl.h"
#include "tests.h"

enum {
    BLOCK = 4096,
    PLACE = 65536,
};

static void start(struct run *run, int64_t features, bool backup)
{
    run_start(run, NULL);
    run->is_backup = backup;
    run->configuration[0] = features | (backup ? VDF_WriteMedia : VDF_ReadMedia);
    up(run, 1);
}

static void end(struct run *run)
{
    down(run, 1);
    client_exits(run, 0);
}

/* A command that carries a position, and a completion that does. */
static uint64_t serve_at(struct run *run, int32_t code, int64_t operand, int64_t position, int64_t answer)
{
    uint64_t call;

    run->asked.operand = operand;
    run->asked.position = position;
    run->answered.position = answer;
    call = vdi_serve(run, 0, code, ERROR_SUCCESS);
    run->asked.operand = run->asked.position = run->answered.position = 0;
    return call;
}

/* ---- with RandomAccess ---- */

static void test_position_of_a_disk(void **state)
{
    static const struct {
        int64_t answer;
        const char *rule;
    } rows[] = {{0, "VDI-CMD-007"}, {PLACE, "VDI-IO-007"}, {2 * PLACE, NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run run;
        uint64_t call;

        start(&run, VDF_LikeDisk, true);
        serve_at(&run, VDC_Write, 0, PLACE, 0);
        call = serve_at(&run, VDC_GetPosition, 0, 0, rows[i].answer);
        end(&run);
        if (rows[i].rule) {
            expect_at(&run, rows[i].rule, call, 0);
        } else {
            expect_not(&run, "VDI-CMD-007");
            expect_not(&run, "VDI-IO-007");
        }
        run_end(&run);
    }
}

static void test_set_position_of_a_disk(void **state)
{
    static const struct {
        int64_t whence, operand, answer;
        const char *rule;
    } rows[] = {
        {VDC_Current, BLOCK, BLOCK, "VDI-IO-007"}, /* took Current for Beginning */
        {VDC_Beginning, BLOCK, PLACE + BLOCK, "VDI-IO-007"},
        {VDC_Beginning, BLOCK, 0, "VDI-CMD-007"},
        {VDC_Current, -BLOCK, PLACE - BLOCK, NULL},
        {VDC_Beginning, 0, 0, NULL},
        {VDC_End, 0, 12345, NULL}, /* where that is only the client knows */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run run;
        uint64_t call;

        start(&run, VDF_LikeDisk, false);
        serve_at(&run, VDC_Read, 0, 0, 0);
        call = serve_at(&run, VDC_SetPosition, rows[i].whence, rows[i].operand, rows[i].answer);
        end(&run);
        if (rows[i].rule) {
            expect_at(&run, rows[i].rule, call, 0);
        } else {
            expect_not(&run, "VDI-IO-007");
        }
        run_end(&run);
    }
}

/* Two transfers under way, a short one that failed, another volume: nobody knows where it stands. */
static void test_doubtful_positions(void **state)
{
    struct run run;

    (void)state;
    start(&run, VDF_LikeDisk | VDF_Removable, true);
    run.asked.position = PLACE;
    vdi_fetch(&run, WORKER, 0, 1, VDC_Write);
    run.asked.position = 0;
    vdi_fetch(&run, WORKER, 0, 2, VDC_Write);
    vdi_complete(&run, WORKER, 0, 1, 0, ERROR_SUCCESS, 0);
    vdi_complete(&run, WORKER, 0, 2, 0, ERROR_SUCCESS, 0);
    serve_at(&run, VDC_GetPosition, 0, 0, 2 * PLACE);
    vdi_serve(&run, 0, VDC_Load, ERROR_SUCCESS);
    serve_at(&run, VDC_GetPosition, 0, 0, 0);
    vdi_serve(&run, 0, VDC_Write, ERROR_END_OF_MEDIA);
    serve_at(&run, VDC_GetPosition, 0, 0, 77);
    end(&run);
    expect_not(&run, "VDI-IO-007");
    expect_not(&run, "VDI-CMD-007");
    run_end(&run);
}

/* ---- a tape's own numbers ---- */

static void test_position_of_a_tape(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    start(&run, VDF_LikeTape, true);
    serve_at(&run, VDC_GetPosition, 0, 0, 0);
    serve_at(&run, VDC_GetPosition, 0, 0, 0); /* nothing moved */
    vdi_serve(&run, 0, VDC_Write, ERROR_SUCCESS);
    call = serve_at(&run, VDC_GetPosition, 0, 0, 0);
    end(&run);
    expect_at(&run, "VDI-CMD-007", call, 0);
    run_end(&run);

    start(&run, VDF_LikeTape, false);
    serve_at(&run, VDC_GetPosition, 0, 0, 7);
    vdi_serve(&run, 0, VDC_Read, ERROR_SUCCESS);
    call = serve_at(&run, VDC_SetPosition, 0, 7, 0);
    end(&run);
    assert_int_equal(expect_at(&run, "VDI-CMD-007", call, 0)->severity, SEVERITY_WARNING);
    run_end(&run);
}

static void test_tape_that_comes_back(void **state)
{
    static const int32_t ways[] = {VDC_Rewind, VDC_SkipBlocks, VDC_SkipMarks, VDC_Load};

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct run run;

        start(&run, VDF_LikeTape, false);
        serve_at(&run, VDC_GetPosition, 0, 0, 7);
        vdi_serve(&run, 0, VDC_Read, ERROR_SUCCESS);
        vdi_serve(&run, 0, ways[i], ERROR_SUCCESS);
        serve_at(&run, VDC_GetPosition, 0, 0, 7);
        vdi_serve(&run, 0, VDC_Read, ERROR_SUCCESS);
        serve_at(&run, VDC_SetPosition, 0, 7, 7);
        end(&run);
        expect_not(&run, "VDI-CMD-007");
        run_end(&run);
    }
}

/* ---- filemarks ---- */

/* Header, mark, two transfers, mark. */
static void write_tape(struct run *run)
{
    start(run, VDF_LikeTape, true);
    vdi_serve(run, 0, VDC_Rewind, ERROR_SUCCESS);
    run->asked.size = BLOCK;
    vdi_serve(run, 0, VDC_Write, ERROR_SUCCESS);
    vdi_serve(run, 0, VDC_WriteMark, ERROR_SUCCESS);
    run->asked.size = PLACE;
    vdi_serve(run, 0, VDC_Write, ERROR_SUCCESS);
    vdi_serve(run, 0, VDC_Write, ERROR_SUCCESS);
    vdi_serve(run, 0, VDC_WriteMark, ERROR_SUCCESS);
    down(run, 1);
    run->operation = 1;
    run->is_backup = false;
    run->configuration[0] = VDF_LikeTape | VDF_ReadMedia;
    up(run, 1);
    vdi_serve(run, 0, VDC_Rewind, ERROR_SUCCESS);
    run->asked.size = BLOCK;
    vdi_serve(run, 0, VDC_Read, ERROR_SUCCESS);
    run->asked.operand = 1;
    vdi_serve(run, 0, VDC_SkipMarks, ERROR_SUCCESS);
    run->asked.operand = 0;
    run->asked.size = PLACE;
    vdi_serve(run, 0, VDC_Read, ERROR_SUCCESS);
    vdi_serve(run, 0, VDC_Read, ERROR_SUCCESS);
}

/* The Read after the last block. */
static uint64_t read_over_mark(struct run *run, int32_t completion, int64_t bytes)
{
    uint64_t call;

    run->answered.bytes = bytes;
    call = vdi_serve(run, 0, VDC_Read, completion);
    run->answered.bytes = -1;
    return call;
}

static void test_read_over_a_filemark(void **state)
{
    struct run run;
    uint64_t call;

    (void)state;
    write_tape(&run);
    call = read_over_mark(&run, ERROR_HANDLE_EOF, 0); /* the same stream, whole */
    down(&run, 1);
    client_exits(&run, 0);
    expect_at(&run, "VDI-IO-004", call, 0);
    run_end(&run);

    write_tape(&run);
    call = read_over_mark(&run, ERROR_SUCCESS, PLACE); /* into what is behind it */
    vdi_get(&run, WORKER, 0, 1000, VD_E_CLOSE);
    run.stream_hash = 1;
    sql_message(&run, 3189, 16);
    sql_stream(&run, 0, -1, -1);
    sql_end(&run, STATEMENT_FAILED, 0, 0);
    vdi_close(&run, MAIN, 0);
    client_exits(&run, 1);
    assert_int_equal(expect_among(&run, "VDI-IO-004")->call, call);
    expect_among(&run, "VDI-DATA-001");
    run_end(&run);
}

static void test_filemark_told(void **state)
{
    struct run run;

    (void)state;
    write_tape(&run);
    read_over_mark(&run, ERROR_FILEMARK_DETECTED, 0);
    down(&run, 1);
    client_exits(&run, 0);
    expect_not(&run, "VDI-IO-004");
    run_end(&run);
}

/* Another tape than the one written in this run: an older one, say. It restores. */
static void test_filemark_of_another_tape(void **state)
{
    struct run run;

    (void)state;
    write_tape(&run);
    read_over_mark(&run, ERROR_SUCCESS, PLACE);
    run.stream_hash = 1;
    down(&run, 1);
    client_exits(&run, 0);
    expect_not(&run, "VDI-IO-004");
    run_end(&run);
}

/* Forth to look at a block, and back by SetPosition. */
static void test_filemark_after_a_probe(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        struct run run;
        uint64_t call;

        write_tape(&run);
        serve_at(&run, VDC_GetPosition, 0, 0, 5);
        serve_at(&run, VDC_SkipBlocks, -3, 0, 0);
        vdi_serve(&run, 0, VDC_Read, ERROR_SUCCESS);
        serve_at(&run, VDC_SetPosition, 0, 5, 5);
        call = read_over_mark(&run, wrong ? ERROR_HANDLE_EOF : ERROR_FILEMARK_DETECTED, 0);
        down(&run, 1);
        client_exits(&run, 0);
        if (wrong) {
            expect_at(&run, "VDI-IO-004", call, 0);
        } else {
            expect_clean(&run);
        }
        run_end(&run);
    }
}

int test_positions(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_position_of_a_disk),     cmocka_unit_test(test_set_position_of_a_disk),
        cmocka_unit_test(test_doubtful_positions),     cmocka_unit_test(test_position_of_a_tape),
        cmocka_unit_test(test_tape_that_comes_back),   cmocka_unit_test(test_read_over_a_filemark),
        cmocka_unit_test(test_filemark_told),          cmocka_unit_test(test_filemark_of_another_tape),
        cmocka_unit_test(test_filemark_after_a_probe),
    };

    return cmocka_run_group_tests_name("positions", tests, NULL, NULL);
}
