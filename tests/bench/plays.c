/* plays.c - inputs of a lifecycle fuzzer: how many a second are mutated, decoded and played, core and oracle both,
 * beside the same with the calls as no-ops (design 6). A program of its own, because the core in it is the simulated one.
 *
 *     vdifault_bench_plays [--smoke]
 */
#include "play.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "mutate.h"

/* Sixteen calls, and what one mutation makes of them. */
static const char base[] =
    "devices 1\n"
    "client Create(set)\n"
    "server Open(set)\n"
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"
    "server NameDevice(0, as 0)\n"
    "server RequestBuffers(size 512, count 2)\n"
    "server EndConfiguration()\n"
    "client GetConfiguration(timeout 1000)\n"
    "client OpenDevice(0)\n"
    "server OpenDevice()\n"
    "server AllocateBuffer(size 512)\n"
    "server SendCommand(0, Write, buffer 1, size 512)\n"
    "client GetCommand(0, timeout 1000)\n"
    "client CompleteCommand(0, SUCCESS, bytes 512)\n"
    "server RunCompletions()\n"
    "server CloseDevice(0)\n"
    "client GetCommand(0)\n";

struct bench_play {
    struct play *play; /* NULL: the calls are no-ops */
    uint8_t input[SCENARIO_BYTES_MAX];
    size_t length;
    struct scenario scenario;
    struct play_outcome outcome;
};

const char *__asan_default_options(void);

/* As lifecycle_fuzzer has it. */
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1:malloc_context_size=6";
}

static void no_call(struct bench_play *bench, const struct scenario_line *line)
{
    bench->outcome.calls += line->verb < SCENARIO_VERB_COUNT;
}

/* Through a pointer that the compiler does not see through, as a table's function. */
static void (*volatile call)(struct bench_play *bench, const struct scenario_line *line) = no_call;

static bool one_input(struct bench_play *bench, uint64_t seed)
{
    uint8_t mutated[SCENARIO_BYTES_MAX];
    memcpy(mutated, bench->input, bench->length);
    size_t length = scenario_mutate_bytes(mutated, bench->length, sizeof mutated, seed, 0);
    scenario_decode(mutated, length, &bench->scenario);
    if (bench->play != NULL) {
        play_scenario(bench->play, &bench->scenario, &bench->outcome);
        return bench->outcome.deviation[0] == '\0';
    }
    for (uint32_t i = 0; i < bench->scenario.line_count; i++) {
        call(bench, &bench->scenario.lines[i]);
    }
    return true;
}

static int64_t run(const struct bench_load *load, bool plays)
{
    static struct bench_play bench;
    struct fault_error error;
    uint32_t line;
    bool good = scenario_parse(base, strlen(base), &bench.scenario, NULL, &error, &line) == 0;
    bench.length = scenario_encode(&bench.scenario, bench.input, sizeof bench.input);
    bench.play = plays ? play_new(&play_in_simulation) : NULL;
    good = good && (bench.play != NULL || !plays);
    int64_t start = bench_now();
    for (uint32_t i = 0; good && i < load->rounds; i++) {
        good = one_input(&bench, i);
    }
    int64_t time = bench_now() - start;
    if (!good) {
        fprintf(stderr, "vdifault_bench_plays: %s\n", bench.outcome.deviation);
    }
    play_free(bench.play);
    return good ? time : 0;
}

static int64_t plays(const struct bench_load *load)
{
    return run(load, true);
}

static int64_t no_ops(const struct bench_load *load)
{
    return run(load, false);
}

int main(int argc, char **argv)
{
    bool smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    const struct bench_group group = {
        .title = "lifecycle fuzzing, inputs of about 16 calls, mutated, played and judged",
        .figure = BENCH_RUN_RATE,
        .load = {.rounds = smoke ? 100 : 20000, .cpus = {BENCH_CPU_ANY, BENCH_CPU_ANY}},
        .contestants = {{"vdifault", plays, 0}, {"the calls as no-ops", no_ops, 0.15}},
    };
    if (argc > 1 && !smoke) {
        fprintf(stderr, "vdifault_bench_plays: %s: expected [--smoke]\n", argv[1]);
        return 2;
    }
    return bench_run(&group, smoke ? 1 : 15, NULL) ? 0 : 1;
}
