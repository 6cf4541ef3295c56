/* The client table (spec 2.3) on the core, through the ABI: each cell, situation by situation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dialect.h"
#include "local_server.h"

enum {
    CASES_MAX = 512
};

static const struct vdi_library linked = {
    .set_init = vdi_set_init,
    .set_destroy = vdi_set_destroy,
    .create = vdi_set_create,
    .get_configuration = vdi_set_get_configuration,
    .open_device = vdi_set_open_device,
    .close = vdi_set_close,
    .signal_abort = vdi_set_signal_abort,
    .open_in_secondary = vdi_set_open_in_secondary,
    .get_buffer_handle = vdi_set_get_buffer_handle,
    .map_buffer_handle = vdi_set_map_buffer_handle,
    .register_device_closed = vdi_set_register_device_closed,
    .get_command = vdi_device_get_command,
    .complete_command = vdi_device_complete_command,
};

static struct client_case cases[CASES_MAX];
static size_t case_count;

static int list_cases(void **unused)
{
    (void)unused;
    struct client_case missing;
    char space[32];
    snprintf(space, sizeof space, "modeltest-%d", (int)getpid());
    setenv("VDI_NAMESPACE", space, 1);
    return client_cases(cases, CASES_MAX, &case_count, &missing);
}

/* X6: a timeout of 1 takes a millisecond or a second. */
static bool waits_in_unit(const struct client_case *one, const struct case_observation *seen,
                          uint32_t dialects)
{
    bool seconds = (dialects >> MODEL_DIALECT_TIMEOUT_UNIT & 1) != 0;
    return one->outcome->situation != MODEL_NOT_CONFIGURED || (seen->elapsed_ms >= CASE_SECOND_MS) == seconds;
}

/* Whether the case went as it should; says what is wrong, if not. */
static bool check(const struct client_case *one, uint32_t dialects)
{
    struct local_server server;
    struct case_observation seen;
    char got[MODEL_RESULT_TEXT], wanted[MODEL_RESULT_TEXT];
    uint32_t probe = 0;
    local_server_init(&server);
    client_case_run(one, &linked, &server.base, "model", &seen);
    if (seen.reached && client_case_judge(one, &seen, dialects, 0, &probe) == CASE_OK &&
        waits_in_unit(one, &seen, dialects)) {
        return true;
    }
    print_error("%s in %s (%s): ", model_function_name(one->function), model_state_name(one->state),
                model_situation_text(one->outcome->situation));
    if (!seen.reached) {
        print_error("not reached: %s\n", seen.why);
    } else {
        print_error("%s, expected %s; ", model_result_name(seen.result, got),
                    model_result_name(model_result(one->outcome, dialects), wanted));
        for (uint32_t i = 0; i < seen.probe_count; i++) {
            print_error("%s%s %s", i == 0 ? "then " : ", ", model_function_name(seen.probes[i].function),
                        model_result_name(seen.probes[i].result, got));
        }
        print_error("\n");
    }
    return false;
}

static void check_all(uint32_t dialects)
{
    size_t wrong = 0;
    for (size_t i = 0; i < case_count; i++) {
        wrong += !check(&cases[i], dialects);
    }
    assert_int_equal(wrong, 0);
}

static void test_every_cell(void **unused)
{
    (void)unused;
    assert_true(case_count > 66);
    check_all(MODEL_DEFAULTS);
}

/* Exactly the cases that the dialect changes are wrong by the default reading: each can fail. */
static void check_by_defaults(enum model_dialect dialect)
{
    for (size_t i = 0; i < case_count; i++) {
        const struct model_outcome *outcome = cases[i].outcome;
        if (outcome->dialect == dialect && outcome->other_result != outcome->result) {
            print_message("to be refused: ");
            assert_false(check(&cases[i], MODEL_DEFAULTS));
        }
    }
}

/* A dialect changes what it says, and nothing else. */
static void test_every_cell_in_each_dialect(void **unused)
{
    (void)unused;
    for (enum model_dialect dialect = MODEL_NO_DIALECT + 1; dialect < MODEL_DIALECT_UNOFFERED; dialect++) {
        print_message("%s\n", model_dialect_word(dialect));
        setenv("VDI_DIALECT", model_dialect_word(dialect), 1);
        check_all(1u << dialect);
        check_by_defaults(dialect);
        unsetenv("VDI_DIALECT");
    }
}

/* The core and the model speak of the same dialects. */
static void test_the_words_are_the_cores(void **unused)
{
    (void)unused;
    assert_int_equal(DIALECT_CHOICES, MODEL_DIALECT_UNOFFERED - 1);
    for (enum model_dialect dialect = MODEL_NO_DIALECT + 1; dialect < MODEL_DIALECT_UNOFFERED; dialect++) {
        struct dialect usual, other;
        const char *error;
        assert_int_equal(dialect_parse(model_dialect_usual(dialect), &usual, &error), 0);
        assert_int_equal(dialect_parse(model_dialect_word(dialect), &other, &error), 0);
        for (int i = 0; i < DIALECT_CHOICES; i++) {
            assert_false(usual.other[i]);
            assert_int_equal(other.other[i], i == (int)dialect - 1);
            assert_true(i != (int)dialect - 1 ||
                        strncmp(dialect_table[i].contradiction, model_dialect_label(dialect), 7) == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_words_are_the_cores),
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_every_cell_in_each_dialect),
    };
    return cmocka_run_group_tests(tests, list_cases, NULL);
}
