/* `vdifault minimize` over whole clients: of a plan what matters for the finding stays, and the plan that comes of it
 * repeats it; a bug that shows only at times is graded as what it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "e2e.h"

static struct {
    char folder[32];
    char plan[64];     /* given */
    char smallest[64]; /* comes of it */
} files;

static int setup(void **state)
{
    (void)state;
    strcpy(files.folder, "/tmp/vdifault-e2e-min-XXXXXX");
    assert_non_null(mkdtemp(files.folder));
    snprintf(files.plan, sizeof files.plan, "%s/given.plan", files.folder);
    snprintf(files.smallest, sizeof files.smallest, "%s/smallest.plan", files.folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", files.folder);
    return system(command);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* The client's arguments: a backup that gives up soon. */
static void add_operation(struct e2e_args *args, int devices)
{
    static const char *const words[] = {"backup", "--database", "sales",     "--dir", "{run}",
                                        "--set",  "stored",     "--timeout", "1000",  "--devices"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(args, "%s", words[i]);
    }
    e2e_arg(args, "%d", devices);
}

/* minimize OPTION... PLAN -- buggy ... --bug BUG */
static void minimize(struct e2e_run *run, struct e2e_args *args, const char *const *options, const char *plan,
                     const char *bug, int devices)
{
    *args = (struct e2e_args){0};
    write_file(files.plan, plan);
    e2e_arg(args, "minimize");
    e2e_arg(args, "--output");
    e2e_arg(args, "%s", files.smallest);
    for (int i = 0; options[i] != NULL; i++) {
        e2e_arg(args, "%s", options[i]);
    }
    e2e_arg(args, "%s", files.plan);
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/buggy");
    add_operation(args, devices);
    e2e_arg(args, "--bug");
    e2e_arg(args, "%s", bug);
    e2e_run(run, args->list);
}

/* The one finding of the report, with this grade and this plan, which its file holds and its command repeats. */
static void expect(struct e2e_run *run, const struct e2e_args *args, const char *rule, const char *grade,
                   const char *plan)
{
    char lines[1024] = "", file[8192], command[4096];
    size_t i;
    json_t *line, *finding = e2e_finding(run, rule);
    if (run->status != 0 || e2e_finding_count(run) != 1 || finding == NULL) {
        e2e_fail(run, args, "expected one finding, %s", rule);
    }
    json_array_foreach(json_object_get(finding, "minimised"), i, line)
    {
        size_t used = strlen(lines);
        snprintf(lines + used, sizeof lines - used, "%s\n", json_string_value(line));
    }
    if (strcmp(lines, plan) != 0 || strcmp(text_of(finding, "grade"), grade) != 0) {
        e2e_fail(run, args, "expected grade %s of the plan\n%sgot %s of\n%s", grade, plan,
                 text_of(finding, "grade"), lines);
    }
    assert_string_equal(text_of(finding, "plan"), files.smallest);
    read_text(files.smallest, file, sizeof file);
    const char *repeat = text_of(finding, "repeat");
    if (strstr(file, rule) == NULL || strstr(file, grade) == NULL || strstr(file, repeat) == NULL ||
        strcmp(file + strlen(file) - strlen(plan), plan) != 0) {
        e2e_fail(run, args, "the plan file lacks something:\n%s", file);
    }
    snprintf(command, sizeof command, "%s >/dev/null 2>&1", repeat);
    int status = system(command);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) {
        e2e_fail(run, args, "'%s' does not repeat it", repeat);
    }
    e2e_free(run);
}

static const char *const no_options[] = {NULL};

#define FIVE_FAULTS                                                                            \
    "fault delay(ms=20)@GetCommand#2\nfault repeat-close\nfault abort(by=client)@Write#7+:0\n" \
    "fault unknown-command@Write#2\nfault jitter\nserver seed 3\nserver size 4M\nserver complete yes\n"

static void of_five_faults_one_matters(void **state)
{
    (void)state;
    struct e2e_args args;
    struct e2e_run run;
    minimize(&run, &args, no_options, FIVE_FAULTS, "claim-success", 1);
    expect(&run, &args, "VDI-OUT-001", "10/10", "fault abort@Write\nserver seed 1\nserver size 65536\n");
}

static void the_device_does_not_matter(void **state)
{
    (void)state;
    struct e2e_args args;
    struct e2e_run run;
    minimize(&run, &args, no_options, "fault unknown-command@Write#last:1\nserver size 2M\n",
             "accept-unknown", 2);
    expect(&run, &args, "VDI-CMD-008", "10/10",
           "fault unknown-command@Write\nserver seed 1\nserver size 65536\n");
}

static void a_bug_that_needs_no_fault_is_left_without(void **state)
{
    (void)state;
    static const char *const options[] = {"--rule", "VDI-CMD-001", NULL};
    struct e2e_args args;
    struct e2e_run run;
    minimize(&run, &args, options, "fault delay@GetCommand\nfault delay@CompleteCommand#3\n", "forget-write",
             1);
    expect(&run, &args, "VDI-CMD-001", "10/10", "server seed 1\nserver size 65536\n");
}

/* minimize OPTION... PLAN, to be written over PLAN. */
static void minimize_in_place(struct e2e_run *run, struct e2e_args *args, const char *option,
                              const char *value)
{
    *args = (struct e2e_args){0};
    write_file(files.plan, FIVE_FAULTS);
    e2e_arg(args, "minimize");
    e2e_arg(args, "%s", option);
    e2e_arg(args, "%s", value);
    e2e_arg(args, "--output");
    e2e_arg(args, "%s", files.plan);
    e2e_arg(args, "%s", files.plan);
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/buggy");
    add_operation(args, 1);
    e2e_arg(args, "--bug");
    e2e_arg(args, "claim-success");
    e2e_run(run, args->list);
}

static void a_plan_without_the_finding_stays_what_it_is(void **state)
{
    (void)state;
    struct e2e_args args;
    struct e2e_run run;
    char text[4096];
    minimize_in_place(&run, &args, "--rule", "VDI-CMD-001");
    if (run.status != 3 || strstr(run.output, "no finding of VDI-CMD-001 in 10 runs") == NULL) {
        e2e_fail(&run, &args, "expected that there is nothing to keep");
    }
    read_text(files.plan, text, sizeof text);
    assert_string_equal(text, FIVE_FAULTS);
    e2e_free(&run);
}

/* One run is made, then the time is over: it says so, and gives the plan as it was. */
static void there_is_a_plan_when_the_time_is_over(void **state)
{
    (void)state;
    struct e2e_args args;
    struct e2e_run run;
    char text[8192];
    minimize_in_place(&run, &args, "--within", "0.001");
    read_text(files.plan, text, sizeof text);
    if (run.status != 0 || strstr(text, "repeats 1/1\n") == NULL ||
        strstr(text, "# there may be a smaller plan\n") == NULL ||
        strstr(text, "\nfault abort(by=client)@Write#7+:0\n") == NULL) {
        e2e_fail(&run, &args, "expected the whole plan, not:\n%s", text);
    }
    e2e_free(&run);
}

/* ---- a bug that shows only at times ---- */

/* A client that draws by its seed and the number of the run, which it keeps beside itself, whether it has the bug. */
static const char moody[] =
    "#!/bin/sh\n"
    "run=$(cat \"$1/count\" 2>/dev/null || echo 0)\n"
    "echo $((run + 1)) >\"$1/count\"\n"
    "drawn=$(( (run * 7919 + 104729) % 101 % 10 ))\n"
    "shift\n"
    "if [ $drawn -lt 6 ]; then exec \"$BUGGY\" \"$@\" --bug claim-success; fi\n"
    "exec \"$CORRECT\" \"$@\"\n";

/* In how many of the first runs it has the bug, as the script draws. */
static int moody_count(int runs)
{
    int count = 0;
    for (int run = 0; run < runs; run++) {
        count += (run * 7919 + 104729) % 101 % 10 < 6;
    }
    return count;
}

static void a_bug_that_shows_at_times_is_graded_so(void **state)
{
    (void)state;
    struct e2e_args args = {0};
    struct e2e_run run;
    char script[64], grade[16];
    snprintf(script, sizeof script, "%s/moody.sh", files.folder);
    write_file(script, moody);
    write_file(files.plan,
               "fault abort@Write\nserver size 64K\n"); /* but for its fault the smallest already */
    assert_int_equal(setenv("BUGGY", E2E_CLIENTS "/buggy", 1), 0);
    assert_int_equal(setenv("CORRECT", E2E_CLIENTS "/correct_c", 1), 0);
    static const char *const words[] = {"minimize", "--rule", "VDI-OUT-001", "--output"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_arg(&args, "%s", files.smallest);
    e2e_arg(&args, "%s", files.plan);
    e2e_arg(&args, "--");
    e2e_arg(&args, "/bin/sh");
    e2e_arg(&args, "%s", script);
    e2e_arg(&args, "%s", files.folder);
    add_operation(&args, 1);
    e2e_run(&run, args.list);
    snprintf(grade, sizeof grade, "%d/10", moody_count(10));
    json_t *finding = e2e_finding(&run, "VDI-OUT-001");
    if (run.status != 0 || finding == NULL || strcmp(text_of(finding, "grade"), grade) != 0 ||
        strcmp(grade, "10/10") == 0 || strcmp(grade, "0/10") == 0) {
        e2e_fail(&run, &args, "expected grade %s, got '%s'", grade, text_of(finding, "grade"));
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_five_faults_one_matters, setup, teardown),
        cmocka_unit_test_setup_teardown(the_device_does_not_matter, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bug_that_needs_no_fault_is_left_without, setup, teardown),
        cmocka_unit_test_setup_teardown(a_plan_without_the_finding_stays_what_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(there_is_a_plan_when_the_time_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bug_that_shows_at_times_is_graded_so, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
