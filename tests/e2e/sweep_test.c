/* `vdifault sweep` over whole clients: a correct one survives everything, in any order and number of workers; a bug is
 * found and its finding repeats; shards are the whole. What ends or disturbs a sweep: sweep_disturbed_test.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sweeps.h"

/* Of the runs that a whole sweep makes, which the sweeps of the reference clients are for. */
#define FEW  "--per-stack=1", "--only=abort,early-close,error,extra-flush,unknown-command", "--pairs=40"
#define PART "--per-stack=1", "--shard=1/8"

static void a_correct_client_survives_alike(void **state)
{
    (void)state;
    static const char *const ways[][8] = {
        {PART, "--pairs=80", "--jobs=1", NULL},
        {PART, "--pairs=80", "--jobs=8", NULL},
        {PART, "--pairs=80", "--jobs=8", "--shuffle", NULL},
        {PART, "--pairs=80", "--jobs=8", "--shuffle", NULL}, /* again, from the same seed */
    };
    struct e2e_run first, run;
    struct e2e_args args;
    sweeps_make(&first, &args, ways[0]);
    sweeps_expect_survived(&first, &args);
    for (size_t i = 1; i < sizeof ways / sizeof ways[0]; i++) {
        sweeps_make(&run, &args, ways[i]);
        sweeps_expect_survived(&run, &args);
        sweeps_expect_same(&run, &args, &first);
        e2e_free(&run);
    }
    e2e_free(&first);
}

static void backup_and_restore_on_four_devices(void **state)
{
    (void)state;
    static const char *const options[] = {"--jobs", "4", "--per-stack=1", "--shard=3/24", NULL};
    struct e2e_args args = {0};
    struct e2e_run run;
    sweeps_build(&args, options, "backup-restore", 4);
    e2e_run(&run, args.list);
    sweeps_expect_survived(&run, &args);
    e2e_free(&run);
}

static void pairs_and_dialects_are_survived(void **state)
{
    (void)state;
    static const char *const options[] = {"--jobs=8", FEW, "--shard=1/4", "--dialects", NULL};
    struct e2e_args args;
    struct e2e_run run;
    size_t i, pairs = 0, dialects = 0;
    json_t *one;
    sweeps_make(&run, &args, options);
    sweeps_expect_survived(&run, &args);
    json_array_foreach(sweeps_runs(&run), i, one)
    {
        pairs += json_array_size(json_object_get(one, "faults")) == 2;
        dialects += json_is_string(json_object_get(one, "dialect"));
    }
    if (pairs < 2 || dialects < 50) {
        e2e_fail(&run, &args, "%zu pairs and %zu runs under dialects", pairs, dialects);
    }
    e2e_free(&run);
}

/* Merged, they are what a sweep that was not sharded reports. */
static void shards_are_the_whole(void **state)
{
    (void)state;
    static const char *const whole[] = {"--jobs=8", FEW, NULL};
    static const char *const shards[][6] = {{"--jobs=4", FEW, "--shard=1/2", NULL},
                                            {"--jobs=4", FEW, "--shard=2/2", NULL}};
    char paths[2][32] = {"/tmp/vdifault-e2e-shard-XXXXXX", "/tmp/vdifault-e2e-shard-XXXXXX"};
    struct e2e_args args, merge = {0};
    struct e2e_run run, merged;
    e2e_arg(&merge, "report");
    for (int i = 0; i < 2; i++) {
        int file = mkstemp(paths[i]);
        assert_true(file >= 0);
        close(file);
        sweeps_make(&run, &args, shards[i]);
        sweeps_expect_survived(&run, &args);
        assert_int_equal(json_dump_file(run.report, paths[i], 0), 0);
        e2e_arg(&merge, "%s", paths[i]);
        e2e_free(&run);
    }
    e2e_run(&merged, merge.list);
    sweeps_make(&run, &args, whole);
    sweeps_expect_survived(&run, &args);
    sweeps_expect_same(&merged, &merge, &run);
    if (!json_equal(json_object_get(merged.report, "summary"), json_object_get(run.report, "summary")) ||
        !json_equal(json_object_get(merged.report, "sites"), json_object_get(run.report, "sites"))) {
        e2e_fail(&merged, &merge, "the summary or the sites of the merged report differ");
    }
    for (int i = 0; i < 2; i++) {
        unlink(paths[i]);
    }
    e2e_free(&merged);
    e2e_free(&run);
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
    const char *const words[] = {"sweep", "--size",  "1M",  "--jobs", "2",           "--only",
                                 "abort", "--plans", plans, "--",     CLAIMS_SUCCESS};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_run(&run, args.list);
    json_t *finding = e2e_finding(&run, "VDI-OUT-001");
    if (run.status != 1 || finding == NULL || sweeps_summary(&run, "vacuous") != 0) {
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
    static const char *const words[] = {"sweep", "--size",        "1M", "--jobs",      "2", "--only",
                                        "abort", "--no-minimize", "--", CLAIMS_SUCCESS};
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
    static const char *const words[] = {"sweep",  "--size",     "1M",    "--",           E2E_CLIENTS "/buggy",
                                        "backup", "--database", "sales", "--devices",    "1",
                                        "--dir",  "{run}",      "--bug", "forget-write", "--timeout",
                                        "500"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_run(&run, args.list);
    if (run.status != 1 || e2e_finding(&run, "VDI-CMD-001") == NULL ||
        json_array_size(sweeps_runs(&run)) != 1) {
        e2e_fail(&run, &args, "expected the findings of the clean run alone");
    }
    const char *grade = text_of(e2e_finding(&run, "VDI-CMD-001"), "grade");
    if (strcmp(grade, "10/10") != 0) {
        e2e_fail(&run, &args, "it shows in every run, but is graded '%s'", grade);
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
    e2e_arg(&args, "--no-minimize");
    e2e_arg(&args, "--per-stack=1");
    e2e_arg(&args, "--only=abort,early-close");
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
    json_array_foreach(sweeps_runs(run), i, one)
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
    sweeps_make(&run, &args, (const char *const[]){"--again", "--shard", "1/4", NULL});
    sweeps_expect_survived(&run, &args);
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

/* What watches the client is not in its folder. */
static void a_client_may_remove_its_folder(void **state)
{
    (void)state;
    struct e2e_args args = {0};
    struct e2e_run run;
    static const char *const words[] = {"sweep",        "--size", "1M", "--jobs=2",
                                        "--shard=1/12", "--",     "sh", "-c"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_arg(&args, E2E_CLIENTS
            "/correct_c backup-restore --database sales --devices 1 --dir {run} --timeout 1000; "
            "status=$?; rm -rf {run}; exit $status");
    e2e_run(&run, args.list);
    sweeps_expect_survived(&run, &args);
    e2e_free(&run);
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
        cmocka_unit_test(a_client_may_remove_its_folder),
        cmocka_unit_test(a_lock_left_behind_is_found),
    };
    cmocka_set_test_filter(getenv("E2E_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
