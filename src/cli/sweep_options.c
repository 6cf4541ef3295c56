/* sweep_options.c - see sweep_options.h. */
#include "sweep_options.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "sweep_pool.h"

enum {
    JOBS_A_PROCESSOR = 2,  /* a run mostly waits */
    PER_STACK_DEFAULT = 2, /* the first and the last */
    NUMBER_MAX = 1000000
};

static uint32_t processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

void sweep_options_init(struct sweep_options *options)
{
    *options = (struct sweep_options){.jobs = JOBS_A_PROCESSOR * processors(),
                                      .per_stack = PER_STACK_DEFAULT,
                                      .fork_server = FORK_SERVER_AUTO};
    run_options_init(&options->run, "sweep");
    options->run.input = STDIN_NULL; /* many clients cannot share one */
}

/* A whole number from `least`; *end is what follows it. -1: it is none. */
static int64_t read_number(const char *text, int64_t least, int64_t most, char **end)
{
    errno = 0;
    long long value = strtoll(text, end, 10);
    return text[0] < '0' || text[0] > '9' || errno != 0 || value < least || value > most ? -1 : value;
}

static int set_number(const char *option, const char *value, int64_t least, int64_t most, uint32_t *number)
{
    char *end = NULL;
    int64_t read = read_number(value, least, most, &end);
    if (read < 0 || *end != '\0') {
        cli_error("sweep: --%s '%s': expected a number from %d to %d", option, value, (int)least, (int)most);
        return -1;
    }
    *number = (uint32_t)read;
    return 0;
}

static int set_jobs(void *context, const char *value)
{
    return set_number("jobs", value, 1, SWEEP_JOBS_MAX, &((struct sweep_options *)context)->jobs);
}

static int set_per_stack(void *context, const char *value)
{
    return set_number("per-stack", value, 1, NUMBER_MAX, &((struct sweep_options *)context)->per_stack);
}

static int set_pairs(void *context, const char *value)
{
    return set_number("pairs", value, 0, NUMBER_MAX, &((struct sweep_options *)context)->pairs);
}

static int set_shard(void *context, const char *value)
{
    struct sweep_shard *shard = &((struct sweep_options *)context)->shard;
    char *end = NULL;
    int64_t index = read_number(value, 1, NUMBER_MAX, &end);
    int64_t count = index > 0 && *end == '/' ? read_number(end + 1, 1, NUMBER_MAX, &end) : -1;
    if (count < 0 || *end != '\0' || index > count) {
        cli_error("sweep: --shard '%s': expected I/N with I from 1 to N, for example 1/4", value);
        return -1;
    }
    *shard = (struct sweep_shard){.index = (uint32_t)index, .count = (uint32_t)count};
    return 0;
}

static int set_only(void *context, const char *value)
{
    struct sweep_options *options = context;
    size_t length = 0;
    for (const char *at = value;; at += length + 1) {
        int kind = 0;
        length = strcspn(at, ",");
        while (kind < FAULT_KIND_COUNT &&
               (strncmp(fault_table[kind].name, at, length) != 0 || fault_table[kind].name[length] != '\0')) {
            kind++;
        }
        if (kind == FAULT_KIND_COUNT) {
            cli_error("sweep: --only '%.*s': expected kinds that vdifault faults lists, by commas",
                      (int)length, at);
            return -1;
        }
        options->kinds |= UINT64_C(1) << kind;
        if (at[length] == '\0') {
            return 0;
        }
    }
}

OPTION_FLAG(set_hostile, struct sweep_options, hostile)
OPTION_FLAG(set_dialects, struct sweep_options, dialects)
OPTION_FLAG(set_shuffle, struct sweep_options, shuffle)
OPTION_FLAG(set_anyway, struct sweep_options, anyway)

static int set_fork_server(void *context, const char *value)
{
    static const char *const words[] = {
        [FORK_SERVER_OFF] = "off", [FORK_SERVER_AUTO] = "auto", [FORK_SERVER_ON] = "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(value, words[i]) == 0) {
            ((struct sweep_options *)context)->fork_server = (enum fork_server_mode)i;
            return 0;
        }
    }
    cli_error("sweep: --fork-server '%s': expected auto, on or off", value);
    return -1;
}

OPTION_FLAG(set_coverage, struct sweep_options, coverage)
OPTION_TEXT(set_journal, struct sweep_options, journal)

static int set_plans(void *context, const char *value)
{
    if (mkdir(value, 0777) != 0 && errno != EEXIST) {
        cli_error("sweep: --plans '%s': cannot make the folder: %s", value, strerror(errno));
        return -1;
    }
    if (access(value, W_OK | X_OK) != 0) {
        cli_error("sweep: --plans '%s': %s; expected a folder to write to", value, strerror(errno));
        return -1;
    }
    ((struct sweep_options *)context)->plans = value;
    return 0;
}

OPTION_FLAG(set_no_minimize, struct sweep_options, no_minimize)

static int refuse_trace(void *context, const char *value)
{
    (void)context;
    (void)value;
    cli_error(
        "sweep: --trace is an option of run: a sweep makes many runs, each with a command that repeats it");
    return -1;
}

static int refuse_fault(void *context, const char *value)
{
    (void)context;
    (void)value;
    cli_error("sweep: --fault is an option of run: a sweep tries every fault itself");
    return -1;
}

const struct option_row sweep_option_rows[] = {
    {"jobs", "N", "worker processes (default: two for each processor)", set_jobs},
    {"per-stack", "N",
     "how many arrivals to try of those that come from one call stack: the first, the last\nand others "
     "evenly "
     "between (default 2); a new stack is always tried",
     set_per_stack},
    {"pairs", "N", "then up to so many runs of two faults, the second where the first leads to", set_pairs},
    {"dialects", NULL,
     "everything also under each other reading of what the documents contradict\n(VDI_DIALECT, "
     "docs/states.md)",
     set_dialects},
    {"only", "KIND[,KIND]...", "faults of these kinds, of those that vdifault faults lists", set_only},
    {"hostile", NULL, "faults of class hostile, too: what only a broken or malicious server does",
     set_hostile},
    {"shard", "I/N", "only the I-th of N parts of the runs, for several machines", set_shard},
    {"shuffle", NULL, "in an order that --seed decides, instead of the likeliest bugs first", set_shuffle},
    {"anyway", NULL, "go on although the client has findings without a fault", set_anyway},
    {"fork-server", "MODE",
     "auto, on or off (default auto): the client is started once up to its first VDI call, and\nruns go on "
     "from copies of it; auto does without where a copy would not be the same",
     set_fork_server},
    {"journal", "FILE",
     "where each finished run is noted: the same command goes on where it was interrupted\n(default: the "
     "file of "
     "--json with .journal, removed at the end)",
     set_journal},
    {"coverage", NULL,
     "which lines of the client ran, and the error paths that no fault reached: for a client built with\n"
     "-fprofile-instr-generate -fcoverage-mapping (clang) or --coverage (gcc)",
     set_coverage},
    {"plans", "DIR", "a folder for the smallest plan of each finding, RULE-FINGERPRINT.plan, for run --plan",
     set_plans},
    {"no-minimize", NULL, "leave findings as they came: not repeated ten times, no smaller plans looked for",
     set_no_minimize},
    OUTPUT_ROWS,
    {"trace", NULL, NULL, refuse_trace},
    {"fault", NULL, NULL, refuse_fault},
    {NULL, NULL, NULL, NULL},
};

int sweep_options_check(const struct sweep_options *options)
{
    if (options->run.input == STDIN_INHERIT) {
        cli_error("sweep: --stdin inherit: expected null or hold: many clients cannot share one stdin");
        return -1;
    }
    if (options->run.plan.fault_count > 0) {
        cli_error(
            "sweep: the plan has faults: expected one with server lines only, as a sweep tries every fault");
        return -1;
    }
    if (options->fork_server == FORK_SERVER_ON && options->coverage) {
        cli_error("sweep: --fork-server on: expected without --coverage, whose counters belong to a start");
        return -1;
    }
    if (options->run.as != NULL && options->coverage) {
        cli_error("sweep: --as: expected without --coverage, whose counters are of this user");
        return -1;
    }
    if (options->run.tds.address.sin_port != 0 && options->jobs > 1) {
        cli_error("sweep: --tds with a port: expected --jobs 1, or port 0: each worker has one of its own");
        return -1;
    }
    if (options->plans != NULL && options->no_minimize) {
        cli_error("sweep: --plans: expected without --no-minimize, which leaves no plans to save");
        return -1;
    }
    if (options->run.prove_durability && options->run.verify == NULL) {
        cli_error(
            "sweep: --prove-durability: expected --verify CMD, too: the command that restores is the proof");
        return -1;
    }
    return run_options_check(&options->run);
}
