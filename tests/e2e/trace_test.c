/* Traces of whole runs: judged again they give what the run gave; what a killed client left behind is readable up to
 * the call it died in; every form of output of a real run is sound; a record with gaps accuses nobody. */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "e2e.h"
#include "perfetto.h"
#include "rules.h"
#include "trace.h"

extern char **environ;

static char folder[] = "/tmp/vdifault-trace-XXXXXX";

enum {
    KILL_DEADLINE_S = 30
};

/* Output of a shell command, the caller's; *status is its exit status. */
static char *output_of(const char *command, int *status)
{
    char *text = NULL, part[4096];
    size_t size = 0, count;
    FILE *collected = open_memstream(&text, &size);
    FILE *pipe = popen(command, "r");
    assert_true(collected != NULL && pipe != NULL);
    while ((count = fread(part, 1, sizeof part, pipe)) > 0) {
        fwrite(part, 1, count, collected);
    }
    int end = pclose(pipe);
    *status = WIFEXITED(end) ? WEXITSTATUS(end) : -1;
    fclose(collected);
    return text;
}

/* `vdifault trace OPTIONS FILE`, with stderr. */
static char *trace(const char *options, const char *file, int *status)
{
    char command[1024];
    snprintf(command, sizeof command, "'%s' trace %s '%s' 2>&1", E2E_VDIFAULT, options, file);
    return output_of(command, status);
}

static void run_recorded(struct e2e_run *run, struct e2e_args *args, const char *client, const char *bug,
                         const char *fault, const char *file)
{
    *args = (struct e2e_args){0};
    e2e_arg(args, "run");
    e2e_arg(args, "--patience");
    e2e_arg(args, "4");
    e2e_arg(args, "--size");
    e2e_arg(args, "1M");
    e2e_arg(args, "--trace");
    e2e_arg(args, "%s", file);
    if (fault != NULL) {
        e2e_arg(args, "--fault");
        e2e_arg(args, "%s", fault);
    }
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/%s", client);
    static const char *const rest[] = {"backup", "--database", "sales", "--set",     "stored", "--devices",
                                       "2",      "--dir",      "{run}", "--timeout", "2000"};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        e2e_arg(args, "%s", rest[i]);
    }
    if (bug != NULL) {
        e2e_arg(args, "--bug");
        e2e_arg(args, "%s", bug);
    }
    e2e_run(run, args->list);
}

static const struct {
    const char *client, *bug, *fault;
    int status;
} runs[] = {
    {"correct_c", NULL, NULL, 0},
    {"correct_c", NULL, "abort@Write#2:1", 0},
    {"correct_c", NULL, "abort@Write#9999", 3}, /* a fault that never fires */
    {"buggy", "get-after-abort", "abort@Write#3", 1},
    {"buggy", "forget-write", NULL, 1},
    {"buggy", "complete-twice", NULL, 1},
    {"buggy", "close-on-timeout", "lost-close", 1},
    {"buggy", "claim-success", "abort@Write#3", 1},
    {"buggy", "crash-on-abort", "abort@Write#3", 1},
    {"buggy", "wait-for-ever", "lost-close", 1},
    {"buggy", "spin", "lost-close", 1},
    {"buggy", "no-close", NULL, 1},
    {"buggy", "quit-midway", NULL, 1},
};

/* The report of `trace --check` is the run's own, finding by finding, and so is the exit status. */
static void judged_again_alike(void **unused)
{
    (void)unused;
    char file[128];
    snprintf(file, sizeof file, "%s/run.vdt", folder);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        struct e2e_run run;
        struct e2e_args args;
        struct perfetto seen;
        int status;
        run_recorded(&run, &args, runs[i].client, runs[i].bug, runs[i].fault, file);
        if (run.status != runs[i].status) {
            e2e_fail(&run, &args, "exit status %d expected", runs[i].status);
        }
        char *text = trace("--check --format json", file, &status);
        char *json = strchr(text, '{');
        json_t *again = json != NULL ? json_loads(json, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
        if (status != run.status || again == NULL || !json_equal(again, run.report)) {
            e2e_fail(&run, &args, "judged again: exit status %d and\n%s", status, text);
        }
        json_decref(again);
        free(text);
        text = trace("--format perfetto", file, &status);
        assert_int_equal(status, 0);
        perfetto_check(text, &seen);
        assert_true(seen.slices > 5 && seen.commands > 1 && seen.flows > 0);
        free(text);
        text = trace("", file, &status);
        assert_int_equal(status, 0);
        assert_non_null(strstr(text, "-> NOERROR\n"));
        /* A client may die of a fault before it has recorded it. */
        assert_true(runs[i].status != 0 || runs[i].fault == NULL || strstr(text, "FAULT") != NULL);
        free(text);
        e2e_free(&run);
    }
}

static void a_damaged_trace_is_told(void **unused)
{
    (void)unused;
    struct e2e_run run;
    struct e2e_args args;
    char file[128];
    int status;
    snprintf(file, sizeof file, "%s/run.vdt", folder);
    run_recorded(&run, &args, "correct_c", NULL, NULL, file);
    assert_int_equal(truncate(file, 5000), 0);
    char *text = trace("", file, &status);
    assert_int_equal(status, 2);
    assert_non_null(strstr(text, "run.vdt': byte 5000: the file ends here; expected"));
    free(text);
    text = trace("", "/etc/passwd", &status);
    assert_int_equal(status, 2);
    assert_non_null(strstr(text, "no trace file"));
    free(text);
    text = trace("", "/tmp", &status);
    assert_int_equal(status, 2);
    assert_non_null(strstr(text, "expected the folder that VDIFAULT_TRACE named"));
    free(text);
    e2e_free(&run);
}

/* ---- gaps ---- */

enum {
    GAP_EVENTS_MAX = 20000,
    GAP_ROUNDS = 400
};

struct kept {
    struct event event;
    char *text;
};

static size_t read_events(const char *file, struct kept *kept, struct plan *plan)
{
    struct trace_reader *reader = NULL;
    struct fault_error error;
    const char *text;
    uint32_t line;
    size_t count = 0;
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    assert_int_equal(trace_read_start(in, &reader), 0);
    plan_init(plan);
    text = trace_string(reader, "plan", 0);
    assert_int_equal(plan_parse(text, strlen(text), plan, &error, &line), 0);
    while (trace_read_event(reader, &kept[count].event, &text) == TRACE_EVENT) {
        kept[count].text = strdup(text);
        assert_true(++count < GAP_EVENTS_MAX);
    }
    trace_read_end(reader);
    fclose(in);
    return count;
}

/* Errors and warnings found when random events are missing, more or fewer by the seed. */
static size_t errors_with_gaps(const struct kept *kept, size_t count, const struct plan *plan, uint64_t seed,
                               bool told)
{
    struct checker *checker = NULL;
    size_t errors = 0;
    uint64_t random = seed * 0x9e3779b97f4a7c15u;
    uint64_t rarity = 2 + seed % 60;
    assert_int_equal(checker_new(plan, &checker), 0);
    if (told) {
        checker_gap(checker);
    }
    for (size_t i = 0; i < count; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if (random % rarity != 0) {
            assert_int_equal(checker_feed(checker, &kept[i].event, kept[i].text), 0);
        }
    }
    const struct judgement *judgement = checker_finish(checker);
    for (size_t i = 0; i < judgement->finding_count; i++) {
        errors += judgement->findings[i].severity >= SEVERITY_WARNING;
    }
    checker_free(checker);
    return errors;
}

/* A correct client of which random events were lost is not accused; the checker, not told of the gaps, would. */
static void lost_events_accuse_nobody(void **unused)
{
    (void)unused;
    static const char *const faults[] = {NULL, "abort@Write#2:1", "lost-close"};
    char file[128];
    snprintf(file, sizeof file, "%s/run.vdt", folder);
    struct kept *kept = calloc(GAP_EVENTS_MAX, sizeof *kept);
    size_t untold = 0;
    assert_non_null(kept);
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
        struct e2e_run run;
        struct e2e_args args;
        struct plan plan;
        run_recorded(&run, &args, "correct_c", NULL, faults[f], file);
        assert_int_equal(run.status, 0);
        size_t count = read_events(file, kept, &plan);
        for (uint64_t seed = 1; seed <= GAP_ROUNDS; seed++) {
            untold += errors_with_gaps(kept, count, &plan, seed, false);
            if (errors_with_gaps(kept, count, &plan, seed, true) != 0) {
                e2e_fail(&run, &args, "accused with gaps of seed %d", (int)seed);
            }
        }
        for (size_t i = 0; i < count; i++) {
            free(kept[i].text);
        }
        e2e_free(&run);
    }
    assert_true(untold > 0);
    free(kept);
}

/* ---- without the runner ---- */

static pid_t alone; /* the client under way; 0: none */

static void start_alone(const char *seen)
{
    char script[1024];
    snprintf(script, sizeof script,
             "echo 'fault lost-close' > %s.plan; export VDIFAULT_PLAN=%s.plan VDIFAULT_TRACE=%s "
             "PATH='%s':$PATH ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 LD_PRELOAD='%s'; exec "
             "'%s/buggy' backup --database sales --set alone --devices 1 --dir %s --timeout 2000 "
             "--bug wait-for-ever > /dev/null 2>&1",
             seen, seen, seen, E2E_SQLCMD_FOLDER, E2E_INTERPOSER, E2E_CLIENTS, folder);
    char *const argv[] = {(char *)"sh", (char *)"-c", script, NULL};
    assert_int_equal(posix_spawn(&alone, "/bin/sh", NULL, NULL, argv, environ), 0);
}

/* Until the client waits in the GetCommand that nothing comes to any more. */
static void wait_until_stuck(const char *seen)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    char options[256];
    time_t deadline = time(NULL) + KILL_DEADLINE_S;
    for (bool stuck = false; !stuck;) {
        int status;
        snprintf(options, sizeof options, "--plan %s.plan", seen);
        char *text = trace(options, seen, &status);
        stuck = status == 0 && strstr(text, "lost-close fires") != NULL &&
                strstr(text, "(did not return)") != NULL && strstr(text, "statement 1 ends") != NULL;
        if (time(NULL) > deadline) {
            fail_msg("not stuck in GetCommand:\n%s", text);
        }
        free(text);
        nanosleep(&pause, NULL);
    }
}

static void a_killed_client_died_in_its_last_call(void **unused)
{
    (void)unused;
    char seen[128];
    int status;
    snprintf(seen, sizeof seen, "%s/seen", folder);
    start_alone(seen);
    wait_until_stuck(seen);
    kill(alone, SIGKILL);
    assert_int_equal(waitpid(alone, &status, 0), alone);
    alone = 0;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    for (int round = 0; round < 2; round++) { /* reading changes nothing */
        char *text = trace("--thread 2", seen, &status);
        assert_int_equal(status, 0);
        char *last = strstr(text, "(did not return)");
        assert_non_null(last);
        assert_null(strstr(last + 1, "(did not return)"));
        while (last > text && last[-1] != '\n') {
            last--;
        }
        assert_non_null(strstr(last, "GetCommand(timeout -1) -> (did not return)\n"));
        assert_null(strstr(last, "-> NOERROR")); /* no call after it */
        free(text);
    }
    char options[256];
    snprintf(options, sizeof options, "--check --plan %s.plan", seen);
    char *text = trace(options, seen, &status);
    assert_non_null(strstr(text, "lost-close, fired 1"));
    free(text);
}

static int make_folder(void **unused)
{
    (void)unused;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **unused)
{
    char command[64];
    (void)unused;
    if (alone != 0) { /* the test failed before */
        kill(alone, SIGKILL);
        waitpid(alone, NULL, 0);
    }
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judged_again_alike),
        cmocka_unit_test(a_damaged_trace_is_told),
        cmocka_unit_test(lost_events_accuse_nobody),
        cmocka_unit_test(a_killed_client_died_in_its_last_call),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
