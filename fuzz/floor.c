/* floor.c - what fuzzing is measured beside (fuzz/bench.sh): the engine with next to nothing to run.
 *
 * FLOOR_DECODES 1: lifecycle_fuzzer's inputs are mutated and decoded, and its calls are no-ops. 0: nothing at all. */
#include "scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t calls;

static void no_call(const struct scenario_line *line)
{
    calls += line->verb < SCENARIO_VERB_COUNT;
}

/* Through a pointer that the compiler does not see through, as a table's function. */
static void (*volatile call)(const struct scenario_line *line) = no_call;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scenario scenario;
    struct fault_error error;
    uint32_t line;
    if (FLOOR_DECODES == 0 || scenario_read(data, size, &scenario, NULL, &error, &line) != 0) {
        return 0;
    }
    for (uint32_t i = 0; i < scenario.line_count; i++) {
        call(&scenario.lines[i]);
    }
    return 0;
}
