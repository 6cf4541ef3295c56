/* The server table (spec 2.4) on the core: each cell, situation by situation. */
#include <stdio.h>
#include <string.h>

#include "server_calls.h"

/* --- comparing --- */

enum {
    PROBES = 5
};

struct observation {
    int32_t result;
    int32_t probes[PROBES];
};

/* Calls with bad values change nothing but tell the state; Close comes last. */
static const enum model_function probes[PROBES] = {
    MODEL_SERVER_GetConfiguration, MODEL_SERVER_BeginConfiguration, MODEL_SERVER_RequestBuffers,
    MODEL_SERVER_AllocateBuffer, MODEL_SERVER_Close};

static bool probe_fits(enum model_function function, enum model_state state, int32_t result)
{
    const struct model_cell *cell = model_cell(function, state);
    for (size_t i = 0; i < model_outcome_count(cell); i++) {
        enum model_situation situation = cell->outcomes[i].situation;
        if ((situation == MODEL_ALWAYS || situation == MODEL_BAD_VALUES ||
             situation == MODEL_SERVER_DEVICES_OPEN) &&
            cell->outcomes[i].result == result) {
            return true;
        }
    }
    return false;
}

/* Whether the core did what the cell says; without_device: Active, but no device of the server's is open. */
static bool fits(const struct server_case *one, const struct observation *seen, enum model_state next,
                 bool without_device)
{
    bool right = seen->result == one->outcome->result;
    for (int i = 0; i < PROBES; i++) {
        right = right && (probe_fits(probes[i], next, seen->probes[i]) ||
                          (i == PROBES - 1 && without_device && seen->probes[i] == 0));
    }
    return right;
}

static enum model_state expected_next(const struct server_case *one)
{
    return one->outcome->next == MODEL_STAY ? one->state : one->outcome->next;
}

/* --- cases --- */

enum {
    CASES_MAX = 512
};
static struct server_case cases[CASES_MAX];
static size_t case_count;

static int list_cases(void **unused)
{
    (void)unused;
    size_t columns;
    const enum model_state *states = model_states(MODEL_SERVER, &columns);
    for (enum model_function f = MODEL_SERVER_Open; f < MODEL_DEVICE_SendCommand; f++) {
        for (size_t s = 0; s < columns; s++) {
            const struct model_cell *cell = model_cell(f, states[s]);
            for (size_t i = 0; i < model_outcome_count(cell); i++) {
                struct server_case one = {f, states[s], &cell->outcomes[i]};
                if (server_situations[one.outcome->situation].prepare == NULL || server_calls[f] == NULL) {
                    print_error("no case for %s in %s (%s)\n", model_function_name(f),
                                model_state_name(states[s]), model_situation_text(one.outcome->situation));
                    return -1;
                }
                assert_true(case_count < CASES_MAX);
                cases[case_count++] = one;
            }
        }
    }
    return 0;
}

static bool needs_device(const struct server_case *one)
{
    return one->function == MODEL_SERVER_SendCommand || one->function == MODEL_SERVER_CloseDevice;
}

static void observe(struct call *call, struct observation *seen)
{
    seen->result = server_choose_call(call->one)(call);
    call->value = 0;
    for (int i = 0; i < PROBES; i++) {
        seen->probes[i] = server_calls[probes[i]](call);
    }
}

static bool run_case(const struct server_case *one)
{
    const struct server_situation *situation = &server_situations[one->outcome->situation];
    struct server_fixture fixture;
    struct observation seen;
    bool earlier = needs_device(one) && one->state < MODEL_ACTIVE;
    fixture_new(&fixture, situation->devices);
    if (earlier) {
        fixture_live_once(&fixture);
    }
    fixture_bring(&fixture, one->state, situation->opened);
    struct call call = {.f = &fixture,
                        .one = one,
                        .name = "model",
                        .value = 4096,
                        .count = 1,
                        .buffer = fixture.buffer,
                        .next = expected_next(one)};
    situation->prepare(&call);
    observe(&call, &seen);
    /* OpenDevice alone makes the server's Close a mistake (X5). */
    bool right = fits(one, &seen, call.next, one->outcome->situation == MODEL_NO_SERVER_DEVICE_OPEN);
    if (!right) {
        char text[MODEL_RESULT_TEXT], wanted[MODEL_RESULT_TEXT];
        print_error("%s in %s (%s): %s, expected %s; then", model_function_name(one->function),
                    model_state_name(one->state), model_situation_text(one->outcome->situation),
                    model_result_name(seen.result, text), model_result_name(one->outcome->result, wanted));
        for (int i = 0; i < PROBES; i++) {
            print_error(" %s %s", model_function_name(probes[i]), model_result_name(seen.probes[i], text));
        }
        print_error("\n");
    }
    fixture_free(&fixture);
    return right;
}

static void test_every_cell(void **unused)
{
    (void)unused;
    size_t wrong = 0;
    for (size_t i = 0; i < case_count; i++) {
        wrong += !run_case(&cases[i]);
    }
    assert_true(case_count > 15 * 7);
    assert_int_equal(wrong, 0);
}

/* All devices closed is a normal end, but not for a client that has not even mapped the buffers. */
static void test_a_server_that_leaves_too_early_aborts(void **unused)
{
    (void)unused;
    struct server_fixture f;
    struct VDConfig config;
    fixture_new(&f, 1);
    fixture_bring(&f, MODEL_INITIALIZING, 0);
    assert_int_equal(server_set_open_device(f.set, &f.device[0]), 0);
    assert_int_equal(server_device_close(f.device[0]), 0);
    assert_int_equal(server_set_close(f.set), 0);
    assert_int_equal(client_set_get_configuration(f.client, 0, &config), VD_E_ABORT);
    fixture_free(&f);
}

/* --- each case can fail --- */

#define P VD_E_PROTOCOL
#define I VD_E_INVALID
#define A VD_E_ABORT
static const struct {
    enum model_state state;
    int32_t results[PROBES];
} signatures[] = {
    {MODEL_DOES_NOT_EXIST, {P, P, P, P, P}}, {MODEL_CONNECTED, {0, I, P, P, 0}},
    {MODEL_CONFIGURABLE, {0, P, I, P, 0}},   {MODEL_INITIALIZING, {0, P, I, I, 0}},
    {MODEL_ACTIVE, {0, P, I, I, P}},         {MODEL_TERMINATED, {0, P, P, P, 0}},
    {MODEL_ABORTED, {A, A, A, A, 0}},
};

static void test_the_comparer_refuses_what_is_wrong(void **unused)
{
    (void)unused;
    static const int32_t results[] = {
        0, 1, A, I, P, VD_E_MEMORY, VD_E_OPEN, VD_E_CLOSE, VD_E_BUSY, VD_E_IO_ERROR, VD_E_QUEUE_FULL};
    for (size_t i = 0; i < case_count; i++) {
        enum model_state next = expected_next(&cases[i]);
        for (size_t s = 0; s < sizeof signatures / sizeof signatures[0]; s++) {
            struct observation seen = {.result = cases[i].outcome->result};
            memcpy(seen.probes, signatures[s].results, sizeof seen.probes);
            assert_int_equal(fits(&cases[i], &seen, next, false), signatures[s].state == next);
            for (size_t r = 0; signatures[s].state == next && r < sizeof results / sizeof results[0]; r++) {
                seen.result = results[r];
                assert_int_equal(fits(&cases[i], &seen, next, false), results[r] == cases[i].outcome->result);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_a_server_that_leaves_too_early_aborts),
        cmocka_unit_test(test_the_comparer_refuses_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, list_cases, NULL);
}
