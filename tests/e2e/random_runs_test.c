/* Correct clients under random faults, dialects, servers, schedules, transfer sizes and ways to watch them: no finding,
 * no hang (design 4.5).
 *
 * A round is RUNS_A_ROUND runs (E2E_ROUNDS rounds). What a run is made of depends on its seed alone: E2E_SEED in the
 * environment makes just that run, E2E_ONLY names the one client. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "correct.h"

enum {
    RUNS_A_ROUND = 60,
    FAULTS_MAX = 3,
    VACUOUS = 3, /* exit status: a fault whose place the run never reached */
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct correct_client clients[] = {
    {.name = "correct_c"},
    {.name = "correct_cpp"},
    {.name = "complete_c"},
    {.name = "async"},
    {.name = "watchdog"},
    {.name = "compressing"},
    {.name = "prefixed"},
    {.name = "multiprocess"},
    {.name = "mapped"},
    {.name = "disk"},
    {.name = "disk", .options = {"--removable", "--volume-size", "400000"}},
    {.name = "tape"},
    {.name = "tape", .options = {"--volume-size", "400000"}},
    {.name = "snapshot",
     .options = {"--data-file", "{run}/database"},
     .devices = 1,
     .before = "head -c 100000 /dev/zero > {run}/database"},
};

static const char *const commands[] = {"Write",     "Write",           "Write",        "Read",
                                       "Read",      "Flush",           "Rewind",       "WriteMark",
                                       "SkipMarks", "GetPosition",     "Load",         "Complete",
                                       "Snapshot",  "PrepareToFreeze", "MountSnapshot"};
static const char *const calls[] = {"GetCommand", "GetCommand",  "CompleteCommand",
                                    "OpenDevice", "SignalAbort", "Close"};
enum {
    DEVICE_CALLS = 3 /* of them, the first ones */
};
static const char *const aborts[] = {"", "(by=client)", "(at=complete)", "(by=client,at=complete)"};
static const char *const dialects[] = {"open-active:protocol", "get-after-close:protocol",
                                       "close-open:noerror", "timeout-unit:s", "getcfg-aborted:noerror"};
static const char *const servers[] = {"", "server clear-error always\n", "server clear-error never\n",
                                      "server late-buffers yes\n"};

static const char *const guards[] = {"auto", "auto", "auto", "pages", "copy", "off"};
/* At least one buffer a device, or the statement fails. */
static const char *const statement_options[] = {NULL,
                                                NULL,
                                                "BUFFERCOUNT = 12",
                                                "MAXTRANSFERSIZE = 65536",
                                                "MAXTRANSFERSIZE = 131072, BUFFERCOUNT = 40",
                                                "MAXTRANSFERSIZE = 4194304, BUFFERCOUNT = 13"};

/* xorshift64*: the same everywhere. */
static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

static unsigned below(uint64_t *state, unsigned limit)
{
    return (unsigned)((next(state) >> 33) % limit);
}

#define ONE_OF(state, list) ((list)[below(state, COUNT_OF(list))])

/* "#nth[:device][/operation]", mostly early in a run; nth from `first` on. */
static void write_place(FILE *plan, uint64_t *state, bool of_device, unsigned first)
{
    fprintf(plan, "#%u%s", first + below(state, below(state, 4) == 0 ? 40 : 6),
            below(state, 8) == 0 ? "+" : "");
    if (of_device && below(state, 3) == 0) {
        fprintf(plan, ":%u", below(state, 3));
    }
    fprintf(plan, "%s\n", below(state, 3) == 0 ? "/1" : "");
}

static void write_fault(FILE *plan, uint64_t *state)
{
    bool of_device = true;
    unsigned call, first = 1;
    switch (below(state, 5)) {
    case 0:
        fprintf(plan, "fault early-close@%s", ONE_OF(state, commands));
        break;
    case 1:
        call = below(state, COUNT_OF(calls));
        of_device = call < DEVICE_CALLS;
        first = strcmp(calls[call], "OpenDevice") == 0 ? 2 : 1; /* at the first one no device is open yet */
        fprintf(plan, "fault early-close@%s", calls[call]);
        break;
    case 2:
        fprintf(plan, "fault lost-close@GetCommand:%u\n", below(state, 3));
        return;
    case 3:
        fprintf(plan, "fault unknown-command(%u)@%s", 20 + below(state, 80), ONE_OF(state, commands));
        break;
    default:
        fprintf(plan, "fault abort%s@%s", ONE_OF(state, aborts), ONE_OF(state, commands));
        break;
    }
    write_place(plan, state, of_device, first);
}

static unsigned write_plan(const char *path, uint64_t *state)
{
    FILE *plan = fopen(path, "we");
    unsigned faults = below(state, FAULTS_MAX + 1);
    assert_non_null(plan);
    fputs(ONE_OF(state, servers), plan);
    for (unsigned i = 0; i < faults; i++) {
        write_fault(plan, state);
    }
    assert_int_equal(fclose(plan), 0);
    return faults;
}

static void choose_dialect(uint64_t *state)
{
    char list[256] = "";
    for (size_t i = 0; i < COUNT_OF(dialects); i++) {
        if (below(state, 4) == 0) {
            size_t length = strlen(list);
            snprintf(list + length, sizeof list - length, "%s%s", length != 0 ? "," : "", dialects[i]);
        }
    }
    assert_int_equal(setenv("VDI_DIALECT", list, 1), 0);
}

/* All of the run on one processor makes other interleavings than on two. */
static void choose_processors(uint64_t *state, const cpu_set_t *all)
{
    cpu_set_t chosen = *all;
    if (below(state, 3) == 0) {
        for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&chosen) > 1; cpu++) {
            CPU_CLR(cpu, &chosen);
        }
    }
    assert_int_equal(sched_setaffinity(0, sizeof chosen, &chosen), 0);
}

static bool has_fired(const struct e2e_run *run)
{
    size_t i;
    json_t *fault;
    json_array_foreach(json_object_get(run->report, "faults"), i, fault)
    {
        if (json_integer_value(json_object_get(fault, "fired")) > 0) {
            return true;
        }
    }
    return false;
}

/* The runner's options come before the client. */
static void insert(struct e2e_args *args, const char *option, const char *value)
{
    for (int i = args->count; i > 1; i--) {
        args->list[i + 1] = args->list[i - 1];
    }
    args->list[1] = option;
    args->list[2] = value;
    args->count += 2;
    args->list[args->count] = NULL;
}

/* The client's own command line, as a restore. */
static void write_verification(const struct e2e_args *args, char *command, size_t size)
{
    int client = 0;
    size_t length = 0;
    while (strcmp(args->list[client], "--") != 0) {
        client++;
    }
    for (int i = client + 1; i < args->count && length < size; i++) {
        length += (size_t)snprintf(command + length, size - length, "'%s' ",
                                   i == client + 2 ? "restore" : args->list[i]);
    }
    assert_true(length < size);
}

static void choose_client_options(struct e2e_args *args, const struct correct_client *client, uint64_t *state)
{
    unsigned devices = 1 + below(state, below(state, 6) == 0 ? 12 : 5);
    const char *with = ONE_OF(state, statement_options);
    e2e_arg(args, "--devices");
    e2e_arg(args, "%u", client->devices != 0 ? (unsigned)client->devices : devices);
    e2e_arg(args,
            "--patience"); /* of the client: who waits in vain gives up soon, for the sake of the test */
    e2e_arg(args, "500");
    if (with != NULL) {
        e2e_arg(args, "--with");
        e2e_arg(args, "%s", with);
    }
}

/* True: a fault fired. */
static bool check(uint64_t seed, const cpu_set_t *all)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    const struct correct_client *client = &ONE_OF(&state, clients);
    const char *only = getenv("E2E_ONLY");
    struct e2e_args args = {0};
    struct e2e_run run;
    char plan[64], verification[1024];
    if (only != NULL && strcmp(only, client->name) != 0) {
        return false;
    }
    snprintf(plan, sizeof plan, "/tmp/vdifault-random-%d", (int)getpid());
    unsigned faults = write_plan(plan, &state);
    choose_dialect(&state);
    choose_processors(&state, all);
    correct_build(&args, client, below(&state, 3) == 0 ? "backup" : "backup-restore", NULL,
                  1 + (int)below(&state, 1000));
    choose_client_options(&args, client, &state);
    if (below(&state, 4) == 0) {
        e2e_arg(&args, "--set"); /* files are named after it */
        e2e_arg(&args, "random-%d", (int)getpid());
        write_verification(&args, verification, sizeof verification);
        insert(&args, "--verify", verification);
    }
    insert(&args, "--guard", ONE_OF(&state, guards));
    insert(&args, "--plan", plan);
    e2e_run(&run, args.list);
    bool ended = run.status == 0 || (run.status == VACUOUS && faults != 0);
    if (!ended || run.report == NULL || e2e_finding_count(&run) != 0) {
        (void)rename(plan, "random-run.plan");
        e2e_fail(&run, &args, "E2E_SEED=%llu VDI_DIALECT=%s: a finding on a correct client, or no run",
                 (unsigned long long)seed, getenv("VDI_DIALECT"));
    }
    bool fired = has_fired(&run);
    e2e_free(&run);
    unlink(plan);
    return fired;
}

static void test_random_runs(void **unused)
{
    (void)unused;
    const char *one = getenv("E2E_SEED");
    cpu_set_t all;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    if (one != NULL) {
        check(strtoull(one, NULL, 10), &all);
        return;
    }
    int runs = RUNS_A_ROUND * e2e_rounds(), fired = 0;
    for (int i = 0; i < runs; i++) {
        fired += check((uint64_t)i + 1, &all);
    }
    print_message("%d runs, a fault fired in %d\n", runs, fired);
    assert_true(getenv("E2E_ONLY") != NULL || fired > runs / 4); /* else the random places are badly chosen */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
