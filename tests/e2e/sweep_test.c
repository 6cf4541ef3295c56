/* `vdifault sweep` over whole clients: a correct one survives everything, in any order and number of workers; a bug is
 * found and its finding repeats; what was interrupted goes on; shards are the whole. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "e2e.h"

enum {
    DEADLINE_MS = 120000,
    WORKERS_MAX = 16
};

static json_int_t summary(const struct e2e_run *run, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(run->report, "summary"), key));
}

static json_t *runs_of(const struct e2e_run *run)
{
    return json_object_get(run->report, "runs");
}

/* sweep OPTIONS... -- correct_c ACTION */
static void build(struct e2e_args *args, const char *const *options, const char *action, int devices)
{
    e2e_arg(args, "sweep");
    e2e_arg(args, "--size");
    e2e_arg(args, "1M");
    for (int i = 0; options[i] != NULL; i++) {
        e2e_arg(args, "%s", options[i]);
    }
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/correct_c");
    e2e_arg(args, "%s", action);
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--devices");
    e2e_arg(args, "%d", devices);
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
    e2e_arg(args, "--timeout"); /* it gives up soon, for the sake of the test */
    e2e_arg(args, "1000");
}

static void sweep(struct e2e_run *run, struct e2e_args *args, const char *const *options)
{
    *args = (struct e2e_args){0};
    build(args, options, "backup", 1);
    e2e_run(run, args->list);
}

static void expect_survived(const struct e2e_run *run, const struct e2e_args *args)
{
    if (run->status != 0 || run->report == NULL || summary(run, "runs") == 0 || e2e_finding_count(run) != 0 ||
        summary(run, "vacuous") != 0 || summary(run, "clean") != summary(run, "runs")) {
        e2e_fail(run, args, "a correct client does not survive the sweep");
    }
}

/* The same runs with the same outcomes. */
static void expect_same(const struct e2e_run *run, const struct e2e_args *args, const struct e2e_run *as)
{
    json_t *mine = runs_of(run), *theirs = runs_of(as);
    if (json_array_size(mine) != json_array_size(theirs)) {
        e2e_fail(run, args, "%zu runs instead of %zu", json_array_size(mine), json_array_size(theirs));
    }
    for (size_t i = 0; i < json_array_size(mine); i++) {
        static const char *const keys[] = {"id", "key", "outcome", "vacuous", "fault", "site", "faults"};
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            if (!json_equal(json_object_get(json_array_get(mine, i), keys[k]),
                            json_object_get(json_array_get(theirs, i), keys[k]))) {
                e2e_fail(run, args, "run %zu differs in its %s", i, keys[k]);
            }
        }
    }
}

static void a_correct_client_survives_alike(void **state)
{
    (void)state;
    static const char *const ways[][5] = {
        {"--jobs", "1", NULL}, {"--jobs", "4", NULL}, {"--jobs", "4", "--shuffle", NULL}};
    struct e2e_run first, run;
    struct e2e_args args;
    sweep(&first, &args, ways[0]);
    expect_survived(&first, &args);
    for (size_t i = 1; i < sizeof ways / sizeof ways[0]; i++) {
        sweep(&run, &args, ways[i]);
        expect_survived(&run, &args);
        expect_same(&run, &args, &first);
        e2e_free(&run);
    }
    e2e_free(&first);
}

static void backup_and_restore_on_four_devices(void **state)
{
    (void)state;
    static const char *const options[] = {"--jobs", "4", "--per-stack", "1", NULL};
    struct e2e_args args = {0};
    struct e2e_run run;
    build(&args, options, "backup-restore", 4);
    e2e_run(&run, args.list);
    expect_survived(&run, &args);
    e2e_free(&run);
}

static void pairs_and_dialects_are_survived(void **state)
{
    (void)state;
    static const char *const options[] = {"--jobs",  "4",  "--per-stack", "1",
                                          "--pairs", "60", "--dialects",  NULL};
    struct e2e_args args;
    struct e2e_run run;
    size_t i, pairs = 0, dialects = 0;
    json_t *one;
    sweep(&run, &args, options);
    expect_survived(&run, &args);
    json_array_foreach(runs_of(&run), i, one)
    {
        pairs += json_array_size(json_object_get(one, "faults")) == 2;
        dialects += json_is_string(json_object_get(one, "dialect"));
    }
    if (pairs < 10 || dialects < 100) {
        e2e_fail(&run, &args, "%zu pairs and %zu runs under dialects", pairs, dialects);
    }
    e2e_free(&run);
}

static void shards_are_the_whole(void **state)
{
    (void)state;
    static const char *const ways[][5] = {{"--per-stack", "1", NULL},
                                          {"--per-stack", "1", "--shard", "1/2", NULL},
                                          {"--per-stack", "1", "--shard", "2/2", NULL}};
    struct e2e_run run[3];
    struct e2e_args args;
    for (int i = 0; i < 3; i++) {
        sweep(&run[i], &args, ways[i]);
        expect_survived(&run[i], &args);
    }
    json_t *whole = runs_of(&run[0]);
    size_t at[3] = {0};
    for (size_t i = 0; i < json_array_size(whole); i++) {
        json_int_t id = json_integer_value(json_object_get(json_array_get(whole, i), "id"));
        int shard = 1 + (int)(id % 2);
        json_t *part = json_array_get(runs_of(&run[shard]), at[shard]++);
        assert_true(
            json_equal(json_object_get(part, "key"), json_object_get(json_array_get(whole, i), "key")));
    }
    assert_int_equal(at[1] + at[2], json_array_size(runs_of(&run[1])) + json_array_size(runs_of(&run[2])));
    for (int i = 0; i < 3; i++) {
        e2e_free(&run[i]);
    }
}

/* ---- a bug ---- */

#define CLAIMS_SUCCESS                                                                                  \
    E2E_CLIENTS "/buggy", "backup", "--database", "sales", "--devices", "1", "--dir", "{run}", "--set", \
        "stored", "--timeout", "1000", "--bug", "claim-success"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* The plan's file is the plan of the report, and gives the finding again. */
static void expect_plan(const struct e2e_run *of, const struct e2e_args *args, const json_t *finding)
{
    static const char *const client[] = {CLAIMS_SUCCESS};
    struct e2e_args again = {0};
    struct e2e_run run;
    size_t i;
    json_t *one;
    bool found = false;
    e2e_arg(&again, "run");
    e2e_arg(&again, "--plan");
    e2e_arg(&again, "%s", text_of(finding, "plan"));
    e2e_arg(&again, "--");
    for (size_t word = 0; word < sizeof client / sizeof client[0]; word++) {
        e2e_arg(&again, "%s", client[word]);
    }
    e2e_run(&run, again.list);
    json_array_foreach(json_object_get(run.report, "findings"), i, one)
    {
        found = found || strcmp(text_of(one, "fingerprint"), text_of(finding, "fingerprint")) == 0;
    }
    if (run.status != 1 || !found) {
        e2e_fail(of, args, "'%s' does not give %s again", text_of(finding, "plan"),
                 text_of(finding, "fingerprint"));
    }
    e2e_free(&run);
}

static void expect_smallest(const struct e2e_run *run, const struct e2e_args *args, json_t *finding)
{
    unsigned seen = 0, of = 0;
    const json_t *lines = json_object_get(finding, "minimised");
    const char *size = json_string_value(json_array_get(lines, json_array_size(lines) - 1));
    if (sscanf(text_of(finding, "grade"), "%u/%u", &seen, &of) != 2 || seen == 0 || seen > of ||
        json_array_size(lines) != 3 || size == NULL || strcmp(size, "server size 65536") != 0) {
        char *text = json_dumps(finding, JSON_INDENT(1));
        e2e_fail(run, args, "expected a grade and one fault on a small database:\n%s", text);
    }
}

static void a_bug_is_found_and_repeats(void **state)
{
    (void)state;
    struct e2e_args args = {0};
    struct e2e_run run;
    char plans[] = "/tmp/vdifault-e2e-plans-XXXXXX";
    assert_non_null(mkdtemp(plans));
    const char *const words[] = {"sweep", "--size",  "1M",  "--jobs", "2",           "--per-stack",
                                 "1",     "--plans", plans, "--",     CLAIMS_SUCCESS};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_run(&run, args.list);
    json_t *finding = e2e_finding(&run, "VDI-OUT-001");
    if (run.status != 1 || finding == NULL || summary(&run, "vacuous") != 0) {
        e2e_fail(&run, &args, "false success is not found");
    }
    size_t in = json_array_size(json_object_get(finding, "runs"));
    const char *repeat = text_of(finding, "repeat");
    if (in < 2 || strstr(repeat, " run ") == NULL || strstr(repeat, "--jobs") != NULL) {
        e2e_fail(&run, &args, "a finding in %zu runs, repeated by '%s'", in, repeat);
    }
    expect_smallest(&run, &args, finding);
    expect_plan(&run, &args, finding);
    char command[2048];
    snprintf(command, sizeof command, "%s >/dev/null 2>&1", repeat);
    int status = system(command);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) {
        e2e_fail(&run, &args, "'%s' does not repeat it", repeat);
    }
    e2e_free(&run);
    snprintf(command, sizeof command, "rm -r '%s'", plans);
    assert_int_equal(system(command), 0);
}

static void findings_can_be_left_as_they_came(void **state)
{
    (void)state;
    struct e2e_args args = {0};
    struct e2e_run run;
    static const char *const words[] = {"sweep", "--size",        "1M", "--jobs",      "2", "--per-stack",
                                        "1",     "--no-minimize", "--", CLAIMS_SUCCESS};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_run(&run, args.list);
    const json_t *finding = e2e_finding(&run, "VDI-OUT-001");
    if (run.status != 1 || strstr(text_of(finding, "repeat"), "--size 1M --fault") == NULL ||
        !json_is_null(json_object_get(finding, "grade")) ||
        !json_is_null(json_object_get(finding, "minimised"))) {
        e2e_fail(&run, &args, "expected a finding without grade");
    }
    e2e_free(&run);
}

static void a_client_that_fails_by_itself_is_not_swept(void **state)
{
    (void)state;
    struct e2e_args args = {0};
    struct e2e_run run;
    static const char *const words[] = {"sweep",  "--size",     "1M",    "--",          E2E_CLIENTS "/buggy",
                                        "backup", "--database", "sales", "--devices",   "1",
                                        "--dir",  "{run}",      "--bug", "forget-write"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_run(&run, args.list);
    if (run.status != 1 || e2e_finding(&run, "VDI-CMD-001") == NULL || json_array_size(runs_of(&run)) != 1) {
        e2e_fail(&run, &args, "expected the findings of the clean run alone");
    }
    e2e_free(&run);
}

static void runs_that_share_a_file_are_made_one_at_a_time(void **state)
{
    (void)state;
    struct e2e_args args = {0};
    struct e2e_run run;
    char folder[] = "/tmp/vdifault-e2e-shared-XXXXXX";
    char file[64];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/out", folder);
    e2e_arg(&args, "sweep");
    e2e_arg(&args, "--jobs=2");
    e2e_arg(&args, "--per-stack=1");
    e2e_arg(&args, "--size=1M");
    e2e_arg(&args, "--");
    e2e_arg(&args, E2E_CLIENTS "/demo_client");
    e2e_arg(&args, "sales");
    e2e_arg(&args, "%s", file);
    e2e_run(&run, args.list);
    if (run.status != 1 || strstr(run.output, "one at a time") == NULL || strstr(run.output, file) == NULL) {
        e2e_fail(&run, &args, "nothing is said of a file that all runs write");
    }
    e2e_free(&run);
    unlink(file);
    rmdir(folder);
}

/* ---- the next one ---- */

static void check_again(const struct e2e_run *run, const struct e2e_args *args)
{
    size_t i;
    json_t *one;
    json_array_foreach(runs_of(run), i, one)
    {
        const char *again = json_string_value(json_object_get(one, "again"));
        const char *repeat = json_string_value(json_object_get(one, "repeat"));
        if (again == NULL || repeat == NULL || strstr(repeat, "--again") == NULL) {
            e2e_fail(run, args, "run %zu: again '%s', repeated by '%s'", i, again != NULL ? again : "",
                     repeat != NULL ? repeat : "");
        }
    }
}

/* After every fault the client is run once more, without one. */
static void the_next_run_is_tried(void **state)
{
    (void)state;
    struct e2e_args args;
    struct e2e_run run;
    sweep(&run, &args, (const char *const[]){"--again", "--shard", "1/4", NULL});
    expect_survived(&run, &args);
    check_again(&run, &args);
    e2e_free(&run);
}

static void a_lock_left_behind_is_found(void **state)
{
    (void)state;
    struct e2e_args args = {0};
    struct e2e_run run;
    static const char *const words[] = {"sweep", "--size", "1M", "--again", "--shard=1/8", "--", "sh", "-c"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_arg(&args,
            "test -e {run}/lock && exit 3; touch {run}/lock; " E2E_CLIENTS
            "/correct_c backup --database sales --devices 1 --dir {run} --timeout 700 && rm {run}/lock");
    e2e_run(&run, args.list);
    check_again(&run, &args);
    const char *severity = json_string_value(json_object_get(e2e_finding(&run, "VDI-OUT-009"), "severity"));
    if (run.status != 1 || severity == NULL || strcmp(severity, "error") != 0) {
        e2e_fail(&run, &args, "a client that blocks its own next run is not found");
    }
    e2e_free(&run);
}

/* ---- interrupted ---- */

static size_t lines_of(const char *path)
{
    size_t lines = 0;
    FILE *file = fopen(path, "re");
    for (int c; file != NULL && (c = fgetc(file)) != EOF;) {
        lines += c == '\n';
    }
    if (file != NULL) {
        fclose(file);
    }
    return lines;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int workers_of(pid_t sweep, pid_t workers[WORKERS_MAX])
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)sweep, (int)sweep);
    FILE *file = fopen(path, "re");
    for (int pid; file != NULL && count < WORKERS_MAX && fscanf(file, "%d", &pid) == 1;) {
        workers[count++] = pid;
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

/* Starts the sweep, ends it by the signal once the journal has some runs; its wait status. */
static int interrupt(const struct e2e_args *args, const char *journal, int signal, pid_t workers[WORKERS_MAX],
                     int *count)
{
    int output, status;
    char sink[4096];
    int64_t deadline = now_ms() + DEADLINE_MS;
    pid_t child = e2e_start(args->list, "/dev/null", &output);
    while (lines_of(journal) < 6) {
        assert_true(now_ms() < deadline);
        assert_int_equal(waitpid(child, &status, WNOHANG), 0); /* or it was over too soon */
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    *count = workers_of(child, workers);
    assert_int_equal(kill(child, signal), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    while (read(output, sink, sizeof sink) > 0) { /* until nobody has it any more */
    }
    close(output);
    if (signal != SIGKILL) {
        assert_int_equal(e2e_leftovers(child), 0);
    }
    return status;
}

static void interrupted_goes_on(int signal)
{
    struct e2e_args args = {0};
    struct e2e_run whole, rest;
    pid_t workers[WORKERS_MAX];
    int count = 0;
    char journal[] = "/tmp/vdifault-e2e-journal-XXXXXX";
    const char *const options[] = {"--jobs", "2", "--journal", journal, NULL};
    int fd = mkstemp(journal);
    assert_true(fd >= 0);
    close(fd);
    sweep(&whole, &args, (const char *const[]){"--jobs", "2", NULL});
    expect_survived(&whole, &args);
    args = (struct e2e_args){0};
    build(&args, options, "backup", 1);
    int status = interrupt(&args, journal, signal, workers, &count);
    assert_true(signal == SIGKILL ? WIFSIGNALED(status)
                                  : WIFEXITED(status) && WEXITSTATUS(status) == 128 + signal);
    size_t done = lines_of(journal);
    assert_true(count > 0 && done >= 6 && done - 1 < (size_t)summary(&whole, "runs"));
    e2e_run(&rest, args.list);
    expect_survived(&rest, &args);
    expect_same(&rest, &args, &whole);
    assert_int_equal(lines_of(journal), 1 + (size_t)summary(&whole, "runs")); /* none was made twice */
    for (int i = 0; i < count; i++) {
        assert_int_equal(e2e_leftovers(workers[i]), 0);
    }
    unlink(journal);
    e2e_free(&whole);
    e2e_free(&rest);
}

static void an_interrupted_sweep_goes_on(void **state)
{
    (void)state;
    interrupted_goes_on(SIGINT);
}

static void a_killed_sweep_goes_on(void **state)
{
    (void)state;
    interrupted_goes_on(SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_correct_client_survives_alike),
        cmocka_unit_test(backup_and_restore_on_four_devices),
        cmocka_unit_test(pairs_and_dialects_are_survived),
        cmocka_unit_test(shards_are_the_whole),
        cmocka_unit_test(a_bug_is_found_and_repeats),
        cmocka_unit_test(findings_can_be_left_as_they_came),
        cmocka_unit_test(a_client_that_fails_by_itself_is_not_swept),
        cmocka_unit_test(runs_that_share_a_file_are_made_one_at_a_time),
        cmocka_unit_test(the_next_run_is_tried),
        cmocka_unit_test(a_lock_left_behind_is_found),
        cmocka_unit_test(an_interrupted_sweep_goes_on),
        cmocka_unit_test(a_killed_sweep_goes_on),
    };
    cmocka_set_test_filter(getenv("E2E_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
