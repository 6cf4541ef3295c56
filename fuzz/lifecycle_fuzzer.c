/* lifecycle_fuzzer.c - a fuzz target: calls of both sides of a set, in any order, against the reference model.
 *
 * The input is a scenario in either form (scenario.h): binary, as engines make them, or text, as seeds are kept. It
 * happens in the simulation (play.h); what the model does
 * not allow ends the process with a sentence that names the line, the call, what it gave and what is allowed. */
#include <stdio.h>
#include <stdlib.h>

#include "play.h"
#include "transitions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

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
    struct fault_error error;
    uint32_t line;
    play = play != NULL ? play : make_play();
    if (size > 1 && data[0] == SCENARIO_MAGIC && data[1] == SCENARIO_VERSION) {
        scenario_decode(data, size, &scenario);
    } else if (scenario_read(data, size, &scenario, NULL, &error, &line) != 0) {
        return 0;
    }
    play_scenario(play, &scenario, &outcome);
    if (outcome.deviation[0] != '\0') {
        fprintf(stderr, "lifecycle: %s\n", outcome.deviation);
        abort();
    }
    return 0;
}
