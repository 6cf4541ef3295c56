/* lifecycle_fuzzer.c - a fuzz target: calls of both sides of a set, in any order, against the reference model.
 *
 * The input is a scenario in its binary form (scenario.h). It happens in the simulation (play.h); what the model does
 * not allow ends the process with a sentence that names the line, the call, what it gave and what is allowed. */
#include <stdio.h>
#include <stdlib.h>

#include "mutate.h"
#include "play.h"
#include "transitions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_out_size, unsigned int seed);
const char *__asan_default_options(void);

enum {
    SCOPE = 0 /* of mutations: calls only; nobody dies, nobody lies, and there is one schedule */
};

/* What is freed is kept from being used again for as long as a scenario lasts, which is not long; more would cost
 * two thirds of the time. */
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1:malloc_context_size=6";
}

static struct play *make_play(void)
{
    struct play_host host = play_in_simulation;
    host.transition = transitions_count;
    struct play *play = play_new(&host);
    if (play == NULL) {
        abort();
    }
    return play;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct play *play;
    static struct scenario scenario;
    static struct play_outcome outcome;
    play = play != NULL ? play : make_play();
    scenario_decode(data, size, &scenario);
    play_scenario(play, &scenario, &outcome);
    if (outcome.deviation[0] != '\0') {
        fprintf(stderr, "lifecycle: %s\n", outcome.deviation);
        abort();
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return scenario_mutate_bytes(data, size, max_size, seed, SCOPE);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_out_size, unsigned int seed)
{
    return scenario_cross_bytes(a, a_size, b, b_size, out, max_out_size, seed, SCOPE);
}
