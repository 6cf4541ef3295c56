/* lifecycle_fuzzer.c - a fuzz target: calls of both sides of a set, in any order, against the reference model.
 *
 * The input is a scenario in its binary form (scenario.h). It happens in the simulation (play.h); what the model does
 * not allow ends the process with a sentence that names the line, the call, what it gave and what is allowed. */
#include <stdio.h>
#include <stdlib.h>

#include "play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct play *play;
    static struct scenario scenario;
    static struct play_outcome outcome;
    if (play == NULL && (play = play_new(&play_in_simulation)) == NULL) {
        abort();
    }
    scenario_decode(data, size, &scenario);
    play_scenario(play, &scenario, &outcome);
    if (outcome.deviation[0] != '\0') {
        fprintf(stderr, "lifecycle: %s\n", outcome.deviation);
        abort();
    }
    return 0;
}
