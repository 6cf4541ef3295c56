/* The device table (spec 2.2) on the core: device 0 of a set of two, so that its close does not end the set.
 */
#include <stdio.h>

#include "server_fixture.h"

/* IO-ERROR is reached with a second command still in the client's hands. */
static void bring_device(struct server_fixture *f, enum model_state state)
{
    fixture_new(f, 2);
    fixture_bring(f, MODEL_ACTIVE, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fixture_send(f, VDC_Flush), 0);
        fixture_fetch(f);
    }
    if (state == MODEL_DEVICE_IO_ERROR) {
        assert_int_equal(fixture_complete(f, 0, ERROR_DISK_FULL), 0);
        assert_true(server_device_has_io_error(f->device[0]));
    }
}

/* Brought about late, so that a closed device's client can hold what it was sent before. */
static void close_device(struct server_fixture *f, enum model_state state)
{
    if (state == MODEL_DEVICE_CLOSED) {
        assert_int_equal(server_device_close(f->device[0]), 0);
    }
}

static int32_t send_command(struct server_fixture *f, enum model_state state, enum model_situation situation)
{
    close_device(f, state);
    if (situation == MODEL_QUEUE_IS_FULL) {
        while (f->sent < SERVER_COMMANDS_PER_DEVICE) {
            assert_int_equal(fixture_send(f, VDC_Flush), 0);
        }
    }
    return fixture_send(f, VDC_Flush);
}

static int32_t send_clear_error(struct server_fixture *f, enum model_state state,
                                enum model_situation situation)
{
    (void)situation;
    close_device(f, state);
    return fixture_send(f, VDC_ClearError);
}

static int32_t complete_with_error(struct server_fixture *f, enum model_state state,
                                   enum model_situation situation)
{
    (void)situation;
    close_device(f, state);
    return fixture_complete(f, 1, ERROR_DISK_FULL);
}

static int32_t complete_clear_error(struct server_fixture *f, enum model_state state,
                                    enum model_situation situation)
{
    (void)situation;
    assert_int_equal(fixture_complete(f, 1, ERROR_SUCCESS),
                     0); /* nothing else may be in the client's hands */
    assert_int_equal(fixture_send(f, VDC_ClearError), 0);
    fixture_fetch(f);
    assert_int_equal(f->held[2]->commandCode, VDC_ClearError);
    close_device(f, state);
    return fixture_complete(f, 2, ERROR_SUCCESS);
}

static int32_t close_this_device(struct server_fixture *f, enum model_state state,
                                 enum model_situation situation)
{
    (void)situation;
    close_device(f, state);
    return server_device_close(f->device[0]);
}

static int32_t signal_abort(struct server_fixture *f, enum model_state state, enum model_situation situation)
{
    (void)situation;
    close_device(f, state);
    return server_set_signal_abort(f->set);
}

typedef int32_t make_call(struct server_fixture *f, enum model_state state, enum model_situation situation);

static make_call *const calls[MODEL_FUNCTION_COUNT] = {
    [MODEL_DEVICE_SendCommand] = send_command,
    [MODEL_DEVICE_SendClearError] = send_clear_error,
    [MODEL_DEVICE_CompleteWithError] = complete_with_error,
    [MODEL_DEVICE_CompleteClearError] = complete_clear_error,
    [MODEL_DEVICE_CloseDevice] = close_this_device,
    [MODEL_DEVICE_SignalAbort] = signal_abort,
};

/* What SendCommand gives tells the state: each has its own result. */
static int32_t probe_result(enum model_state state)
{
    return state == MODEL_ABORTED ? VD_E_ABORT
                                  : model_cell(MODEL_DEVICE_SendCommand, state)->outcomes[0].result;
}

/* With a full queue, the state is told by what is not QUEUE_FULL: it comes after the state. */
static bool fits(const struct model_outcome *outcome, enum model_state next, int32_t result, int32_t probe)
{
    bool full = outcome->situation == MODEL_QUEUE_IS_FULL && probe == VD_E_QUEUE_FULL;
    return result == outcome->result &&
           (probe == probe_result(next) || (full && next == MODEL_DEVICE_ACTIVE));
}

static bool run_case(enum model_function function, enum model_state state,
                     const struct model_outcome *outcome)
{
    struct server_fixture f;
    char text[MODEL_RESULT_TEXT], then[MODEL_RESULT_TEXT], wanted[MODEL_RESULT_TEXT];
    enum model_state next = outcome->next == MODEL_STAY ? state : outcome->next;
    bring_device(&f, state);
    int32_t result = calls[function](&f, state, outcome->situation);
    int32_t probe = fixture_send(&f, VDC_Flush);
    bool right = fits(outcome, next, result, probe);
    if (!right) {
        print_error("%s in %s (%s): %s, expected %s; then SendCommand %s\n", model_function_name(function),
                    model_state_name(state), model_situation_text(outcome->situation),
                    model_result_name(result, text), model_result_name(outcome->result, wanted),
                    model_result_name(probe, then));
    }
    fixture_free(&f);
    return right;
}

/* Calls `visit` for each outcome of the device table; returns how many are refused. */
static size_t each_outcome(bool (*visit)(enum model_function, enum model_state, const struct model_outcome *))
{
    size_t columns, wrong = 0;
    const enum model_state *states = model_states(MODEL_DEVICE, &columns);
    for (enum model_function f = MODEL_DEVICE_SendCommand; f < MODEL_FUNCTION_COUNT; f++) {
        assert_non_null(calls[f]); /* no cell without a case */
        for (size_t s = 0; s < columns; s++) {
            const struct model_cell *cell = model_cell(f, states[s]);
            for (size_t i = 0; i < model_outcome_count(cell); i++) {
                wrong += !visit(f, states[s], &cell->outcomes[i]);
            }
        }
    }
    return wrong;
}

static void test_every_cell(void **unused)
{
    (void)unused;
    assert_int_equal(each_outcome(run_case), 0);
}

/* What was sent before CloseDevice comes before VD_E_CLOSE, also a ClearError that waits for its turn. */
static void test_clear_error_comes_before_close(void **unused)
{
    (void)unused;
    struct server_fixture f;
    struct VDC_Command *command;
    bring_device(&f, MODEL_DEVICE_IO_ERROR);
    assert_int_equal(fixture_send(&f, VDC_ClearError), 0);
    assert_int_equal(server_device_close(f.device[0]), 0);
    assert_int_equal(client_device_get_command(f.client_device[0], 0, &command), VD_E_TIMEOUT);
    assert_int_equal(fixture_complete(&f, 1, ERROR_SUCCESS), 0);
    fixture_fetch(&f);
    assert_int_equal(f.held[2]->commandCode, VDC_ClearError);
    assert_int_equal(client_device_get_command(f.client_device[0], 0, &command), VD_E_CLOSE);
    fixture_free(&f);
}

static bool can_fail(enum model_function function, enum model_state state,
                     const struct model_outcome *outcome)
{
    static const int32_t results[] = {0,          VD_E_PROTOCOL, VD_E_IO_ERROR, VD_E_QUEUE_FULL,
                                      VD_E_CLOSE, VD_E_ABORT};
    static const enum model_state states[] = {MODEL_DEVICE_ACTIVE, MODEL_DEVICE_IO_ERROR, MODEL_DEVICE_CLOSED,
                                              MODEL_ABORTED};
    enum model_state next = outcome->next == MODEL_STAY ? state : outcome->next;
    bool can = true;
    (void)function;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        can = can && fits(outcome, next, results[i], probe_result(next)) == (results[i] == outcome->result);
    }
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        can = can && fits(outcome, next, outcome->result, probe_result(states[i])) == (states[i] == next);
    }
    return can;
}

static void test_the_comparer_refuses_what_is_wrong(void **unused)
{
    (void)unused;
    assert_int_equal(each_outcome(can_fail), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_clear_error_comes_before_close),
        cmocka_unit_test(test_the_comparer_refuses_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
