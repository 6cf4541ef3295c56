/* Comparing what a client case saw with the model. */
#include <assert.h>

#include "client_cases.h"

/* The situations a probe can be in: it asks for a device nobody has, it polls. What else a cell allows is
 * no sign of its state. */
static bool is_probe_situation(enum model_function function, enum model_situation situation)
{
    switch (function) {
    case MODEL_CLIENT_OpenDevice:
        return situation == MODEL_ALWAYS || situation == MODEL_UNKNOWN_NAME || situation == MODEL_ALL_OPEN;
    case MODEL_CLIENT_GetConfiguration:
        return situation == MODEL_ALWAYS || situation == MODEL_NOT_CONFIGURED;
    default:
        return situation != MODEL_ABORTED_MEANWHILE;
    }
}

/* Whether a probe result fits a state under some of these dialects. */
static bool probe_fits(enum model_function function, enum model_state state, int32_t result,
                       uint32_t dialects)
{
    const struct model_cell *cell = model_cell(function, state);
    size_t count = model_outcome_count(cell);
    for (size_t i = 0; i < count; i++) {
        const struct model_outcome *outcome = &cell->outcomes[i];
        if (is_probe_situation(function, outcome->situation) && model_result(outcome, dialects) == result) {
            return true;
        }
    }
    return false;
}

enum case_verdict client_case_judge(const struct client_case *one, const struct case_observation *seen,
                                    uint32_t dialects, uint32_t untrusted, uint32_t *probe)
{
    enum model_state next = model_next(one->outcome, dialects);
    assert(seen->phase == CASE_DONE && seen->reached);
    if (seen->result != model_result(one->outcome, dialects)) {
        return CASE_WRONG_RESULT;
    }
    if (seen->pointer_left) {
        return CASE_WRONG_POINTER;
    }
    next = next == MODEL_STAY ? one->state : next;
    for (uint32_t i = 0; i < seen->probe_count; i++) {
        const struct case_probe *one_probe = &seen->probes[i];
        if ((untrusted >> i & 1) == 0 &&
            !probe_fits(one_probe->function, next, one_probe->result, dialects)) {
            if (probe != NULL) {
                *probe = i;
            }
            return CASE_WRONG_STATE;
        }
    }
    return CASE_OK;
}
