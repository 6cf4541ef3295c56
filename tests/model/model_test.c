/* The tables as such: complete, readable by the comparer, and compared by something that can say no. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "client_cases.h"

enum {
    CASES_MAX = 512
};

static struct client_case cases[CASES_MAX];
static size_t case_count;

static int list_cases(void **unused)
{
    (void)unused;
    struct client_case missing;
    if (client_cases(cases, CASES_MAX, &case_count, &missing) != 0) {
        print_error("no case for %s in %s (%s)\n", model_function_name(missing.function),
                    model_state_name(missing.state), model_situation_text(missing.outcome->situation));
        return -1;
    }
    return 0;
}

static void test_every_function_has_a_cell_for_every_state(void **unused)
{
    (void)unused;
    for (enum model_function f = 0; f < MODEL_FUNCTION_COUNT; f++) {
        size_t columns;
        const enum model_state *states = model_states(model_function_table(f), &columns);
        for (size_t i = 0; i < columns; i++) {
            const struct model_cell *cell = model_cell(f, states[i]);
            assert_int_not_equal(cell->basis, MODEL_NO_CELL);
            assert_true(model_outcome_count(cell) > 0);
            assert_int_equal(cell->basis == MODEL_CONTRADICTED, cell->contradiction != 0);
            for (size_t o = 0; o < model_outcome_count(cell); o++) {
                for (size_t other = 0; other < o; other++) {
                    assert_int_not_equal(cell->outcomes[o].situation, cell->outcomes[other].situation);
                }
                assert_true(model_allows(f, states[i], cell->outcomes[o].result, MODEL_DEFAULTS));
            }
        }
    }
    assert_int_equal(model_cell(MODEL_CLIENT_Create, MODEL_CONNECTED)->basis, MODEL_NO_CELL);
    assert_int_equal(model_cell(MODEL_SERVER_Open, MODEL_DEVICE_CLOSED)->basis, MODEL_NO_CELL);
}

static void test_dialects_change_their_function_alone(void **unused)
{
    (void)unused;
    static const struct {
        enum model_dialect dialect;
        enum model_function function;
        enum model_state state;
        int32_t usual, other;
    } rows[] = {
        {MODEL_DIALECT_OPEN_ACTIVE, MODEL_CLIENT_OpenDevice, MODEL_ACTIVE, VD_E_OPEN, VD_E_PROTOCOL},
        {MODEL_DIALECT_GET_AFTER_CLOSE, MODEL_CLIENT_GetCommand, MODEL_ACTIVE, VD_E_CLOSE, VD_E_PROTOCOL},
        {MODEL_DIALECT_CLOSE_OPEN, MODEL_CLIENT_Close, MODEL_ACTIVE, VD_E_OPEN, 0},
        {MODEL_DIALECT_GETCFG_ABORTED, MODEL_CLIENT_GetConfiguration, MODEL_ABORTED, VD_E_ABORT, 0},
        {MODEL_DIALECT_TIMEOUT_UNIT, MODEL_CLIENT_GetConfiguration, MODEL_CONFIGURABLE, VD_E_TIMEOUT,
         VD_E_TIMEOUT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t dialects = 1u << rows[i].dialect;
        assert_true(model_allows(rows[i].function, rows[i].state, rows[i].usual, MODEL_DEFAULTS));
        assert_true(model_allows(rows[i].function, rows[i].state, rows[i].other, dialects));
        for (enum model_function f = 0; f < MODEL_FUNCTION_COUNT; f++) {
            for (enum model_state s = 0; s < MODEL_STATE_COUNT; s++) {
                const struct model_cell *cell = model_cell(f, s);
                for (size_t o = 0; o < model_outcome_count(cell); o++) {
                    bool changed = model_result(&cell->outcomes[o], dialects) != cell->outcomes[o].result;
                    assert_true(!changed || f == rows[i].function);
                }
            }
        }
    }
}

/* Every case fails with any other result than the expected one. */
static void test_the_comparer_refuses_wrong_results(void **unused)
{
    (void)unused;
    static const int32_t results[] = {0,           VD_E_TIMEOUT,  VD_E_ABORT, VD_E_INVALID, VD_E_NOTSUPPORTED,
                                      VD_E_MEMORY, VD_E_PROTOCOL, VD_E_OPEN,  VD_E_CLOSE,   MODEL_VOID};
    for (size_t i = 0; i < case_count; i++) {
        for (size_t r = 0; r < sizeof results / sizeof results[0]; r++) {
            struct case_observation seen = {.phase = CASE_DONE, .reached = true, .result = results[r]};
            enum case_verdict expected = results[r] == cases[i].outcome->result ? CASE_OK : CASE_WRONG_RESULT;
            assert_int_equal(client_case_judge(&cases[i], &seen, MODEL_DEFAULTS, 0, NULL), expected);
        }
    }
}

/* What the probes of client_cases.c see in each state by the default readings. GetCommand is one of them
 * where the expected next state is one with a device. */
static const struct {
    enum model_state state;
    int32_t results[CASE_PROBES_MAX];
} signatures[] = {
    {MODEL_DOES_NOT_EXIST, {VD_E_PROTOCOL, VD_E_PROTOCOL, VD_E_PROTOCOL}},
    {MODEL_CONFIGURABLE, {VD_E_PROTOCOL, VD_E_TIMEOUT, VD_E_PROTOCOL}},
    {MODEL_INITIALIZING, {VD_E_INVALID, 0, VD_E_PROTOCOL}},
    {MODEL_ACTIVE, {VD_E_OPEN, 0, VD_E_TIMEOUT}},
    {MODEL_TERMINATED, {VD_E_PROTOCOL, 0, VD_E_PROTOCOL}},
    {MODEL_ABORTED, {VD_E_ABORT, VD_E_ABORT, VD_E_ABORT}},
};

static void put_probes(struct case_observation *seen, size_t signature, enum model_state next)
{
    static const enum model_function functions[] = {MODEL_CLIENT_OpenDevice, MODEL_CLIENT_GetConfiguration,
                                                    MODEL_CLIENT_GetCommand};
    seen->probe_count = next >= MODEL_ACTIVE ? 3 : 2;
    for (uint32_t i = 0; i < seen->probe_count; i++) {
        seen->probes[i] = (struct case_probe){functions[i], signatures[signature].results[i]};
    }
}

/* Every case fails when its set is in any other state afterwards. */
static void test_the_comparer_refuses_wrong_states(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < case_count; i++) {
        enum model_state next = model_next(cases[i].outcome, MODEL_DEFAULTS);
        next = next == MODEL_STAY ? cases[i].state : next;
        for (size_t s = 0; s < sizeof signatures / sizeof signatures[0]; s++) {
            struct case_observation seen = {
                .phase = CASE_DONE, .reached = true, .result = cases[i].outcome->result};
            put_probes(&seen, s, next);
            enum case_verdict expected = signatures[s].state == next ? CASE_OK : CASE_WRONG_STATE;
            if (client_case_judge(&cases[i], &seen, MODEL_DEFAULTS, 0, NULL) != expected) {
                fail_msg("%s in %s: the signature of %s", model_function_name(cases[i].function),
                         model_state_name(cases[i].state), model_state_name(signatures[s].state));
            }
        }
    }
}

static void test_the_comparer_ignores_untrusted_probes(void **unused)
{
    (void)unused;
    struct case_observation seen = {.phase = CASE_DONE, .reached = true, .result = cases[0].outcome->result};
    uint32_t probe = 9;
    put_probes(&seen, 1, MODEL_CONFIGURABLE); /* Create's next */
    seen.probes[1].result = VD_E_BUSY;
    assert_int_equal(client_case_judge(&cases[0], &seen, MODEL_DEFAULTS, 0, &probe), CASE_WRONG_STATE);
    assert_int_equal(probe, 1);
    assert_int_equal(client_case_judge(&cases[0], &seen, MODEL_DEFAULTS, 1u << 1, NULL), CASE_OK);
    seen.pointer_left = true;
    assert_int_equal(client_case_judge(&cases[0], &seen, MODEL_DEFAULTS, 1u << 1, NULL), CASE_WRONG_POINTER);
}

/* An outcome without a case is told, not passed over. */
static void test_the_first_outcome_without_a_case_is_named(void **unused)
{
    (void)unused;
    static struct client_case some[CASES_MAX];
    struct client_case missing;
    size_t count = 0;
    assert_int_equal(client_cases(some, case_count - 1, &count, &missing), ENOENT);
    assert_int_equal(count, case_count - 1);
    assert_int_equal(missing.function, cases[case_count - 1].function);
    assert_int_equal(missing.state, cases[case_count - 1].state);
    assert_ptr_equal(missing.outcome, cases[case_count - 1].outcome);
}

static void test_every_result_has_a_text(void **unused)
{
    (void)unused;
    char text[MODEL_RESULT_TEXT];
    assert_string_equal(model_result_name(VD_E_BUSY, text), "VD_E_BUSY");
    assert_string_equal(model_result_name(MODEL_VOID, text), "(void)");
    assert_string_equal(model_result_name(VD_ERROR(0x7777), text), "0x80777777");
}

static void test_both_readings_of_a_dialect_have_a_text(void **unused)
{
    (void)unused;
    for (enum model_dialect d = MODEL_NO_DIALECT + 1; d < MODEL_DIALECT_UNOFFERED; d++) {
        assert_true(strlen(model_dialect_text(d, true)) > 0 && strlen(model_dialect_text(d, false)) > 0);
        assert_string_not_equal(model_dialect_text(d, true), model_dialect_text(d, false));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_function_has_a_cell_for_every_state),
        cmocka_unit_test(test_dialects_change_their_function_alone),
        cmocka_unit_test(test_the_comparer_refuses_wrong_results),
        cmocka_unit_test(test_the_comparer_refuses_wrong_states),
        cmocka_unit_test(test_the_comparer_ignores_untrusted_probes),
        cmocka_unit_test(test_the_first_outcome_without_a_case_is_named),
        cmocka_unit_test(test_every_result_has_a_text),
        cmocka_unit_test(test_both_readings_of_a_dialect_have_a_text),
    };
    return cmocka_run_group_tests(tests, list_cases, NULL);
}
