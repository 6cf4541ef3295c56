/* lifecycle_fuzzer.c - a fuzz target: calls of both sides of a set, in any order, against the reference model.
 *
 * The input is a scenario in either form (scenario.h): binary, as engines make them, or text, as seeds are kept. It
 * happens in the simulation (play.h); what the model does not allow ends the process with a sentence that names the
 * line, the call, what it gave and what is allowed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"
#include "trace_out.h"
#include "transitions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* What is freed is kept from being used again for as long as a scenario lasts, which is not long; more would cost
 * two thirds of the time. Three calls say who has allocated; ASAN_OPTIONS=malloc_context_size=30 shows the others. */
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=3";
}

/* A set, and a call of every actor beside others: stacks and shared memory are there from then on, so that each input
 * goes the same way however often it is run. */
static const char warm_up[] =
    "client Create(set)\n"
    "client GetConfiguration(timeout forever) ...\n"
    "client.2 GetConfiguration(timeout forever) ...\n"
    "client.3 GetConfiguration(timeout forever) ...\n"
    "client.4 GetConfiguration(timeout forever) ...\n"
    "secondary OpenInSecondary(set) ...\n"
    "secondary.2 OpenInSecondary(set) ...\n"
    "secondary.3 OpenInSecondary(set) ...\n"
    "secondary.4 OpenInSecondary(set) ...\n"
    "another OpenInSecondary(set) ...\n"
    "another.2 OpenInSecondary(set) ...\n"
    "another.3 OpenInSecondary(set) ...\n"
    "another.4 OpenInSecondary(set) ...\n"
    "server Open(set)\n"
    "server.2 Open(set)\n"
    "server.3 Open(set)\n"
    "server.4 Open(set)\n";

static void play_or_abort(struct play *play, const struct scenario *scenario)
{
    static struct play_outcome outcome;
    trace_out_begin();
    play_scenario(play, scenario, &outcome);
    if (outcome.deviation[0] != '\0') {
        fprintf(stderr, "lifecycle: broken promise: %s\n", outcome.deviation);
        abort();
    }
}

static struct play *make_play(struct scenario *scenario)
{
    struct fault_error error;
    uint32_t line;
    struct play_host host = play_in_simulation;
    host.transition = transitions_count;
    host.event = trace_out_is_wanted() ? trace_out_add : NULL;
    struct play *play = play_new(&host);
    if (play == NULL || scenario_parse(warm_up, strlen(warm_up), scenario, NULL, &error, &line) != 0) {
        abort();
    }
    play_or_abort(play, scenario);
    return play;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct play *play;
    static struct scenario scenario;
    struct fault_error error;
    uint32_t line;
    play = play != NULL ? play : make_play(&scenario);
    if (size > 1 && data[0] == SCENARIO_MAGIC && data[1] == SCENARIO_VERSION) {
        scenario_decode(data, size, &scenario);
    } else if (scenario_read(data, size, &scenario, NULL, &error, &line) != 0) {
        return 0;
    }
    play_or_abort(play, &scenario);
    return 0;
}
