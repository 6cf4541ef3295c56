/* A client that answers anything to anything: every statement ends, and a RESTORE that succeeds has the data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model_fixture.h"
#include "stripes.h"

enum {
    RUNS = 150,
    STEPS_MAX = 100000,
    ODDS_MAX = 200 /* answers that are right, for one that is not */
};

static uint64_t random_state;
static uint32_t odds;

static void answer_anything(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                            struct fake_answer *answer)
{
    static const int32_t codes[] = {ERROR_SUCCESS,           ERROR_HANDLE_EOF,        ERROR_NOT_SUPPORTED,
                                    ERROR_DISK_FULL,         ERROR_OPERATION_ABORTED, ERROR_END_OF_MEDIA,
                                    ERROR_FILEMARK_DETECTED, ERROR_NO_DATA_DETECTED,  ERROR_IO_DEVICE,
                                    ERROR_EOM_OVERFLOW};
    uint64_t draw = random_next(&random_state);
    (void)device, (void)nth;
    if (draw % odds != 0) {
        return;
    }
    answer->code = codes[(draw >> 16) % (sizeof codes / sizeof codes[0])];
    answer->position = (int64_t)random_next(&random_state) >> (draw >> 32) % 64;
    if (command->commandCode == VDC_Read || command->commandCode == VDC_Write) {
        uint32_t bytes = (uint32_t)(draw >> 24) % ((uint32_t)command->size + 1);
        answer->bytes = (int32_t)((draw >> 56) % 2 == 0 ? bytes : bytes & ~511u);
    }
}

static enum engine_status run(struct statement *statement)
{
    enum engine_status status = ENGINE_RUNNING;
    statement_begin(statement);
    for (uint32_t i = 0; i < STEPS_MAX && status == ENGINE_RUNNING; i++) {
        status = engine_step(statement->engine);
    }
    if (status == ENGINE_RUNNING) {
        fail_msg("a statement without end");
    }
    engine_free(statement->engine);
    return status;
}

static const struct model models[] = {
    {"pipe", 0, 0, 0, 0},
    {"pipes", VDF_Removable, 0, 100 * 512, 20 * 512},
    {"disk", VDF_LikeDisk, 0, 0, 0},
    {"disks", VDF_LikeDisk | VDF_Removable, 0, 100 * 512, 0},
    {"tape", VDF_LikeTape, 0, 0, 0},
    {"tapes", VDF_LikeTape, 0, 100 * 512, 20 * 512},
    {"soft tape", VDF_LikeTape, 2048, 0, 0},
};

static void whatever_is_answered_a_statement_ends(void **state)
{
    (void)state;
    uint32_t succeeded = 0, failed = 0;
    for (uint32_t i = 0; i < RUNS; i++) {
        const struct model *model = &models[i % (sizeof models / sizeof models[0])];
        random_state = i;
        odds = 2 + (uint32_t)(random_next(&random_state) % ODDS_MAX);
        backup.plan.seed = restore.plan.seed = i;
        restore.request.headers = i % 5 == 0;
        model_prepare(model, false);
        fake.script = answer_anything;
        run(&backup);
        model_back_up(model);
        model_prepare(model, true);
        fake.script = answer_anything;
        bool good = run(&restore) == ENGINE_SUCCEEDED; /* generated: each byte has been compared */
        succeeded += good;
        failed += !good;
    }
    assert_true(succeeded > 0 && failed > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, model_setup, model_teardown)
    const struct CMUnitTest tests[] = {
        TEST(whatever_is_answered_a_statement_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
