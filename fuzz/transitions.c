/* See transitions.h. */
#include "transitions.h"

#include <assert.h>

enum {
    RESULTS = 16,
    STATES = 8, /* columns of a table */
    TRANSITIONS = 4096,
    DEVICES = TRANSITIONS,
};
_Static_assert(MODEL_DEVICE_SendCommand *STATES *RESULTS <= TRANSITIONS, "a number each");

#ifdef TRANSITIONS_ARE_COUNTERS
enum {
    COUNTERS = TRANSITIONS + DEVICES
};
#else
enum {
    COUNTERS = DEVICES
};
#endif
/* libFuzzer takes what is in this section as counters of its own, and clears it before each input. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static void count(uint32_t number)
{
    counters[number] = (uint8_t)(counters[number] + (counters[number] < UINT8_MAX));
}

static uint32_t result_number(int32_t result)
{
    /* VD_E_* differ in their last four bits; none of them ends in 0, and what ends in 2 is never given. */
    return result == 0 ? 0 : result == 1 || result == MODEL_VOID ? 2 : (uint32_t)result % RESULTS;
}

static uint32_t state_number(enum model_function function, enum model_state state)
{
    size_t count;
    const enum model_state *states = model_states(model_function_table(function), &count);
    uint32_t number = 0;
    while (number < count && states[number] != state) {
        number++;
    }
    assert(number < STATES);
    return number;
}

#ifdef TRANSITIONS_ARE_COUNTERS
static void pass_branch(uint32_t transition)
{
    count(DEVICES + transition);
}
#else
/* A case each, 4,096 of them. The empty statement is another one in every case: else they would be merged, and with
 * them what the engine tells them apart by. */
#define CASE(n)                        \
    case n:                            \
        __asm__ volatile("" ::"i"(n)); \
        break;
#define CASES_4(n)    CASE(n) CASE((n) + 1) CASE((n) + 2) CASE((n) + 3)
#define CASES_16(n)   CASES_4(n) CASES_4((n) + 4) CASES_4((n) + 8) CASES_4((n) + 12)
#define CASES_64(n)   CASES_16(n) CASES_16((n) + 16) CASES_16((n) + 32) CASES_16((n) + 48)
#define CASES_256(n)  CASES_64(n) CASES_64((n) + 64) CASES_64((n) + 128) CASES_64((n) + 192)
#define CASES_1024(n) CASES_256(n) CASES_256((n) + 256) CASES_256((n) + 512) CASES_256((n) + 768)

static void pass_branch(uint32_t transition)
{
    switch (transition) {
        CASES_1024(0)
        CASES_1024(1024)
        CASES_1024(2048)
        CASES_1024(3072)
    default:
        break;
    }
}
#endif

static uint32_t mix(uint32_t value)
{
    value *= UINT32_C(0x9e3779b1);
    return value ^ value >> 15;
}

void transitions_count(const struct play_transition *transition)
{
    uint32_t number =
        (uint32_t)transition->function * STATES + state_number(transition->function, transition->state);
    number = number * RESULTS + result_number(transition->result);
    pass_branch(number);
    if (transition->device != 0) {
        count(mix(number * PLAY_DEVICE_SHAPES + transition->device) % DEVICES);
    }
}
