/* bench - how long the core, the interposer and whole runs take, beside the least that the same machine can do in the
 * same run (design 6).
 *
 *     vdifault_bench [--quick | --smoke] [--only WORDS] [--json FILE]
 *
 * Exits 0 if everything ran, whatever the times; 1 if something did not; 2 on wrong usage.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "calls.h"
#include "floors.h"
#include "guard_cost.h"
#include "ours.h"
#include "runs.h"

struct effort {
    const char *option;
    uint32_t turns;
    uint32_t rounds;         /* of a round trip that spins; a twentieth where the processes sleep */
    uint64_t transfer_bytes; /* of one throughput run, on all devices together */
    uint32_t runs;           /* of a client */
};

static const struct effort efforts[] = {
    {"", 15, 100000, UINT64_C(128) << 20, 20},
    {"--quick", 5, 30000, UINT64_C(64) << 20, 10},
    {"--smoke", 1, 50, UINT64_C(1) << 20, 1}, /* only to see that everything runs */
};

struct bench {
    const struct effort *effort;
    const char *only; /* groups whose title holds this */
    int cpus[2];
    FILE *json; /* or NULL */
};

static bool run_group(const struct bench *bench, const struct bench_group *group)
{
    return strstr(group->title, bench->only) == NULL || bench_run(group, bench->effort->turns, bench->json);
}

static bool run_round_trips(const struct bench *bench)
{
    const struct effort *effort = bench->effort;
    const int *cpus = bench->cpus;
    struct bench_load two = {.rounds = effort->rounds, .devices = 1, .cpus = {cpus[0], cpus[1]}};
    struct bench_load one = {.rounds = effort->rounds / 20, .devices = 1, .cpus = {cpus[0], cpus[0]}};
    struct bench_load busy = {
        .rounds = effort->rounds / 20, .devices = 1, .cpus = {BENCH_CPU_ANY, BENCH_CPU_ANY}, .burners = 2};
    struct bench_load two_blocking = two;
    two_blocking.rounds = effort->rounds / 20;
    const struct bench_group groups[] = {
        {.title = "command round trip, a processor each, spin then futex",
         .load = two,
         .contestants = {{"vdifault", ours_spin, 0},
                         {"bare spin then futex", floor_spin_round_trips, 1.4},
                         {"vdifault, a server that steps", ours_stepping, 0}}},
        {.title = "command round trip, a processor each, blocking only",
         .load = two_blocking,
         .contestants = {{"vdifault", ours_blocking, 0}, {"bare futex", floor_futex_round_trips, 1.15}}},
        {.title = "command round trip, both on one processor",
         .load = one,
         .contestants = {{"vdifault, spin then futex", ours_spin, 0},
                         {"vdifault, blocking only", ours_blocking, 1.1},
                         {"bare futex", floor_futex_round_trips, 0},
                         {"bare spin then futex", floor_spin_round_trips, 0}}},
        {.title = "command round trip, any processor, two other processes busy",
         .load = busy,
         .contestants = {{"vdifault, spin then futex", ours_spin, 0},
                         {"vdifault, blocking only", ours_blocking, 1.1},
                         {"bare futex", floor_futex_round_trips, 0},
                         {"bare spin then futex", floor_spin_round_trips, 0}}},
    };
    bool good = true;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        good = run_group(bench, &groups[i]) && good;
    }
    return good;
}

/* In one process; the rounds of a round trip would be too many of these. */
static bool run_guard(const struct bench *bench)
{
    const struct bench_group group = {
        .title = "guard: a 64 KiB buffer given and taken away, each page touched",
        .load = {.rounds = bench->effort->rounds / 10 + 1,
                 .size = 64 << 10,
                 .devices = 1,
                 .cpus = {bench->cpus[0], bench->cpus[1]}},
        .contestants = {{"Write, an alias", guard_of_write, 0},
                        {"Read, an alias", guard_of_read, 0},
                        {"Read, a copy", guard_of_read_by_copy, 0},
                        {"unguarded, the touches alone", guard_of_nothing, 0}},
    };
    return run_group(bench, &group);
}

static void size_text(uint32_t size, char *out, size_t room)
{
    if (size < 1u << 20) {
        snprintf(out, room, "%u KiB", size >> 10);
    } else {
        snprintf(out, room, "%u MiB", size >> 20);
    }
}

static bool run_transfers(const struct bench *bench)
{
    static const uint32_t sizes[] = {4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20};
    bool good = true;
    for (uint32_t devices = 1; devices <= BENCH_DEVICES_MAX; devices *= 2) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            uint32_t rounds = (uint32_t)(bench->effort->transfer_bytes / devices / sizes[i]);
            double aim = sizes[i] == 64 << 10 ? 0.9 : 0;
            char text[16];
            struct bench_group group = {
                .figure = BENCH_BYTE_RATE,
                .load = {.rounds = rounds != 0 ? rounds : 1,
                         .size = sizes[i],
                         .devices = devices,
                         .cpus = {bench->cpus[0], bench->cpus[1]}},
                .contestants = {{"vdifault", ours_spin, 0},
                                {"bare spin ring", floor_spin_ring, aim},
                                {"POSIX semaphores", floor_semaphore_ring, 0},
                                {"pipe", floor_pipe, 0},
                                {"memcpy, one copy in one process", floor_memcpy, 0}},
            };
            size_text(sizes[i], text, sizeof text);
            snprintf(group.title, sizeof group.title, "backup, %s transfers, %u device%s, %d outstanding",
                     text, devices, devices == 1 ? "" : "s", BENCH_DEPTH);
            good = run_group(bench, &group) && good;
        }
    }
    return good;
}

/* What the interposer adds to a call that its library answers at once. */
static bool run_calls(const struct bench *bench)
{
    struct bench_load load = {.rounds = bench->effort->rounds * 10, .cpus = {bench->cpus[0], bench->cpus[0]}};
    const struct bench_group groups[] = {
        {.title = "interposer, disarmed",
         .contestants = {{"vdifault", calls_disarmed, 0}, {"direct call", calls_direct, 2}}},
        {.title = "interposer, armed, not matching",
         .contestants = {{"vdifault", calls_armed, 0}, {"direct call", calls_direct, 10}}},
        {.title = "interposer, recording a stack seen before",
         .contestants = {{"vdifault", calls_recording, 0}, {"direct call", calls_direct, 100}}},
    };
    bool good = true;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        struct bench_group group = groups[i];
        group.load = load;
        group.figure = BENCH_CALL_COST;
        if (calls_have_fiu) {
            group.contestants[2] = (struct bench_contestant){"libfiu, fiu_fail, not matching", calls_fiu, 0};
        }
        good = run_group(bench, &group) && good;
    }
    return good;
}

/* What a sweep makes of the client and its server. */
static bool run_runs(const struct bench *bench)
{
    const struct bench_load load = {.rounds = bench->effort->runs, .cpus = {BENCH_CPU_ANY, BENCH_CPU_ANY}};
    const struct bench_group groups[] = {
        {.title = "whole runs of a client, one fault each, judged",
         .contestants = {{"vdifault, as a sweep", runs_faulted, 0},
                         {"the client and the server alone", runs_bare, 0.7}}},
        {.title = "whole runs of a client, one fault each, judged, with the fork server",
         .contestants = {{"vdifault, as a sweep", runs_forked, 0},
                         {"the client and the server alone", runs_bare, 1.0}}},
    };
    bool good = true;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        struct bench_group group = groups[i];
        group.load = load;
        group.figure = BENCH_RUN_RATE;
        good = run_group(bench, &group) && good;
    }
    return good;
}

static bool parse_options(int argc, char **argv, struct bench *bench, const char **json_path)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            *json_path = argv[++i];
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            bench->only = argv[++i];
        } else if (strcmp(argv[i], "--quick") == 0) {
            bench->effort = &efforts[1];
        } else if (strcmp(argv[i], "--smoke") == 0) {
            bench->effort = &efforts[2];
        } else {
            fprintf(stderr, "vdifault_bench: %s: expected [--quick | --smoke] [--only WORDS] [--json FILE]\n",
                    argv[i]);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct bench bench = {.effort = &efforts[0], .only = ""};
    const char *json_path = NULL;
    char space[32];
    if (!parse_options(argc, argv, &bench, &json_path)) {
        return 2;
    }
    if (json_path != NULL) {
        bench.json = fopen(json_path, "w");
        if (bench.json == NULL) {
            perror(json_path);
            return 2;
        }
        fputs("[", bench.json);
    }
    snprintf(space, sizeof space, "bench-%d", (int)getpid()); /* others may run, too */
    setenv("VDI_NAMESPACE", space, 1);
    bench_processors(bench.cpus);
    bool good = run_round_trips(&bench);
    good = run_guard(&bench) && good;
    good = run_transfers(&bench) && good;
    good = run_calls(&bench) && good;
    good = run_runs(&bench) && good;
    if (bench.json != NULL) {
        fputs("\n]\n", bench.json);
        good = fclose(bench.json) == 0 && good;
    }
    return good ? 0 : 1;
}
