#include "bench.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- two processes --- */

int64_t bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void pin(int cpu)
{
    cpu_set_t set;
    if (cpu != BENCH_CPU_ANY) {
        CPU_ZERO(&set);
        CPU_SET((unsigned)cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
}

void bench_processors(int cpus[2])
{
    cpu_set_t set;
    int found = 0;
    cpus[0] = cpus[1] = BENCH_CPU_ANY;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return;
    }
    for (int i = 0; i < CPU_SETSIZE && found < 2; i++) {
        if (CPU_ISSET((unsigned)i, &set)) {
            cpus[found++] = i;
        }
    }
    if (found == 1) {
        cpus[1] = cpus[0];
    }
}

uint32_t bench_warm_up(const struct bench_load *load)
{
    return load->rounds / 8 + BENCH_DEPTH; /* every buffer is touched at least once */
}

uint8_t *bench_source(size_t size)
{
    uint8_t *source = malloc(size + 1);
    if (source != NULL) {
        memset(source, 0xa5, size + 1);
    }
    return source;
}

pid_t bench_fork(int (*body)(void *), void *argument, int cpu)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(cpu);
        _exit(body(argument));
    }
    return child;
}

bool bench_join(pid_t child)
{
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void bench_kill(pid_t child)
{
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
}

void *bench_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void bench_unshare(void *memory, size_t size)
{
    if (memory != NULL) {
        munmap(memory, size);
    }
}

/* --- statistics --- */

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Sorts `values`. */
static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct figures {
    double best, middle, ratio; /* ratio: ours to this one; of a cost: what ours is more */
};

/* How the figures of a group are compared and printed. */
struct kind {
    const char *heading, *best, *unit; /* unit: in the JSON */
    int digits;
    bool is_rate; /* more is better */
    bool is_cost;
};

static const struct kind kinds[] = {
    [BENCH_ROUND_TIME] = {"ns a round trip", "min", "ns", 0, false, false},
    [BENCH_CALL_COST] = {"ns a call", "min", "ns", 1, false, true},
    [BENCH_BYTE_RATE] = {"MB/s", "max", "MB/s", 0, true, false},
    [BENCH_RUN_RATE] = {"runs/s", "max", "runs/s", 1, true, false},
};

/* What is printed of one run. */
static double figure(const struct bench_group *group, int64_t elapsed)
{
    const struct bench_load *load = &group->load;
    double rounds = load->rounds;
    switch (group->figure) {
    case BENCH_BYTE_RATE:
        return rounds * load->devices * load->size * 1000.0 / (double)elapsed;
    case BENCH_RUN_RATE:
        return rounds * 1e9 / (double)elapsed;
    default:
        return (double)elapsed / rounds;
    }
}

static struct figures summarise(const struct bench_group *group, double (*runs)[BENCH_CONTESTANTS_MAX],
                                uint32_t contestant, uint32_t turns)
{
    const struct kind *kind = &kinds[group->figure];
    double values[BENCH_TURNS_MAX];
    double ratios[BENCH_TURNS_MAX];
    for (uint32_t i = 0; i < turns; i++) {
        values[i] = runs[i][contestant];
        ratios[i] = kind->is_cost ? runs[i][0] - runs[i][contestant] : runs[i][0] / runs[i][contestant];
    }
    struct figures result = {.middle = median(values, turns), .ratio = median(ratios, turns)};
    result.best = kind->is_rate ? values[turns - 1] : values[0]; /* sorted by now */
    return result;
}

/* --- printing --- */

static void print_row(const struct bench_group *group, const struct bench_contestant *contestant,
                      const struct figures *figures)
{
    const struct kind *kind = &kinds[group->figure];
    const char *unit = kind->is_cost ? "ns" : "x";
    printf("  %-36s %12.*f %12.*f", contestant->name, kind->digits, figures->best, kind->digits,
           figures->middle);
    if (contestant != group->contestants) {
        printf(kind->is_cost ? " %+7.1f%s" : " %8.2f%s", figures->ratio, unit);
    }
    if (contestant->aim > 0) {
        bool reached = kind->is_rate ? figures->ratio >= contestant->aim : figures->ratio <= contestant->aim;
        printf(kind->is_cost ? "   %s %+.0f%s  %s" : "   %s %.2f%s  %s",
               kind->is_rate ? ">=" : "<=", contestant->aim, unit, reached ? "reached" : "NOT REACHED");
    }
    printf("\n");
}

static void print_json(FILE *json, const struct bench_group *group, const struct bench_contestant *contestant,
                       const struct figures *figures)
{
    fprintf(json,
            "%s\n  {\"group\": \"%s\", \"unit\": \"%s\", \"name\": \"%s\", \"best\": %.1f, \"median\": %.1f",
            ftell(json) > 1 ? "," : "", group->title, kinds[group->figure].unit, contestant->name,
            figures->best, figures->middle);
    if (contestant != group->contestants) {
        fprintf(json, ", \"%s\": %.3f", kinds[group->figure].is_cost ? "added" : "ratio", figures->ratio);
    }
    if (contestant->aim > 0) {
        fprintf(json, ", \"aim\": %.2f", contestant->aim);
    }
    fprintf(json, "}");
}

/* --- groups --- */

static int burn(void *unused)
{
    _Atomic bool forever = true;
    (void)unused;
    while (forever) {
    }
    return 0;
}

struct run {
    const struct bench_load *load;
    const struct bench_contestant *contestant;
    int64_t *elapsed; /* shared */
};

static int run_here(void *argument)
{
    struct run *run = argument;
    *run->elapsed = run->contestant->run(run->load);
    return 0;
}

/* In a process of its own: pinned where the load says, and with nothing learnt from earlier runs. */
static int64_t run_apart(const struct bench_load *load, const struct bench_contestant *contestant)
{
    int64_t elapsed = 0;
    int64_t *shared = bench_share(sizeof *shared);
    struct run run = {.load = load, .contestant = contestant, .elapsed = shared};
    if (shared != NULL && bench_join(bench_fork(run_here, &run, load->cpus[0]))) {
        elapsed = *shared;
    }
    bench_unshare(shared, sizeof *shared);
    return elapsed;
}

static bool run_turns(const struct bench_group *group, double (*runs)[BENCH_CONTESTANTS_MAX], uint32_t turns)
{
    for (uint32_t i = 0; i < turns; i++) {
        for (uint32_t j = 0; j < BENCH_CONTESTANTS_MAX && group->contestants[j].run != NULL; j++) {
            int64_t elapsed = run_apart(&group->load, &group->contestants[j]);
            if (elapsed <= 0) {
                fprintf(stderr, "bench: %s: %s did not run\n", group->title, group->contestants[j].name);
                return false;
            }
            runs[i][j] = figure(group, elapsed);
        }
    }
    return true;
}

bool bench_run(const struct bench_group *group, uint32_t turns, FILE *json)
{
    double runs[BENCH_TURNS_MAX][BENCH_CONTESTANTS_MAX];
    pid_t burners[8] = {0};
    uint32_t burner_count = group->load.burners < 8 ? group->load.burners : 8;
    turns = turns < BENCH_TURNS_MAX ? turns : BENCH_TURNS_MAX;
    for (uint32_t i = 0; i < burner_count; i++) {
        burners[i] = bench_fork(burn, NULL, BENCH_CPU_ANY);
    }
    bool done = run_turns(group, runs, turns);
    for (uint32_t i = 0; i < burner_count; i++) {
        bench_kill(burners[i]);
    }
    if (!done) {
        return false;
    }
    const struct kind *kind = &kinds[group->figure];
    printf("\n%s\n  %-36s %12s %12s %9s   %s\n", group->title, kind->heading, kind->best, "median",
           kind->is_cost ? "ours-this" : "ours/this", "aim");
    for (uint32_t j = 0; j < BENCH_CONTESTANTS_MAX && group->contestants[j].run != NULL; j++) {
        struct figures figures = summarise(group, runs, j, turns);
        print_row(group, &group->contestants[j], &figures);
        if (json != NULL) {
            print_json(json, group, &group->contestants[j], &figures);
        }
    }
    fflush(stdout);
    return true;
}
