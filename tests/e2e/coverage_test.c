/* `vdifault sweep --coverage`: the error path that no fault reaches is named, those that faults reach are not; with the
 * counters of both compilers, in shards, and for a client that is killed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "e2e.h"

#define BUILDS E2E_CLIENTS "/builds/"

/* What demo_client does in every run, only under a fault, and never in a sweep, by the start of the line. */
static const char clean_line[] = "receive(device, file);";
static const char fault_line[] = "vdi_set_signal_abort(set);";
static const char missed_line[] = "fprintf(stderr, \"usage: demo_client";

/* sweep --coverage --shard I/N ... -- CLIENT ...; four workers. */
static void sweep(struct e2e_run *run, struct e2e_args *args, const char *client, const char *shard)
{
    *args = (struct e2e_args){0};
    if (access(client, X_OK) != 0) {
        print_message("%s is not built here\n", client);
        skip();
    }
    e2e_arg(args, "sweep");
    e2e_arg(args, "--coverage");
    e2e_arg(args, "--size");
    e2e_arg(args, "256K");
    e2e_arg(args, "--jobs");
    e2e_arg(args, "4");
    e2e_arg(args, "--only"); /* one that is answered, one that kills */
    e2e_arg(args, "error,client-crash");
    e2e_arg(args, "--shard");
    e2e_arg(args, "%s", shard);
    e2e_arg(args, "--");
    e2e_arg(args, "%s", client);
    e2e_arg(args, "sales");
    e2e_arg(args, "{run}/sales.bak");
    e2e_run(run, args->list);
}

/* The number of the source's first line that starts so. */
static unsigned line_of(const char *start)
{
    char text[512];
    unsigned line = 0;
    FILE *in = fopen(E2E_SOURCE, "r");
    assert_non_null(in);
    do {
        assert_non_null(fgets(text, sizeof text, in));
        line++;
    } while (strncmp(text + strspn(text, " "), start, strlen(start)) != 0);
    fclose(in);
    return line;
}

/* "3-7,12" */
static bool lists(const char *list, unsigned line)
{
    for (const char *at = list; at != NULL && *at != '\0'; at = strchr(at, ',')) {
        unsigned first = 0, last = 0;
        at += *at == ',';
        if (sscanf(at, "%u-%u", &first, &last) < 2) {
            last = first;
        }
        if (first <= line && line <= last) {
            return true;
        }
    }
    return false;
}

static const json_t *coverage_of(const struct e2e_run *run)
{
    return json_object_get(run->report, "coverage");
}

static bool file_lists(const struct e2e_run *run, const char *key, const char *line)
{
    const json_t *file = json_array_get(json_object_get(coverage_of(run), "files"), 0);
    const char *list = json_string_value(json_object_get(file, key));
    return list != NULL && lists(list, line_of(line));
}

/* What was not reached at this line; NULL: nothing. */
static const json_t *unreached(const struct e2e_run *run, const char *start)
{
    const json_t *item, *found = NULL;
    json_int_t line = line_of(start);
    size_t i;
    json_array_foreach(json_object_get(coverage_of(run), "unreached"), i, item)
    {
        if (json_integer_value(json_object_get(item, "first")) <= line &&
            json_integer_value(json_object_get(item, "last")) >= line) {
            found = item;
        }
    }
    return found;
}

static void expect_paths(const struct e2e_run *run, const struct e2e_args *args)
{
    const json_t *missed = unreached(run, missed_line);
    const char *text = missed != NULL ? json_string_value(json_object_get(missed, "text")) : "";
    if (!file_lists(run, "clean", clean_line) || !file_lists(run, "faults", fault_line)) {
        e2e_fail(run, args, "'%s' runs without a fault, '%s' with one", clean_line, fault_line);
    }
    if (missed == NULL || strncmp(text, missed_line, strlen(missed_line)) != 0 ||
        strcmp(json_string_value(json_object_get(missed, "function")), "main") != 0 ||
        unreached(run, fault_line) != NULL || unreached(run, clean_line) != NULL) {
        e2e_fail(run, args, "'%s' is the path of main that no fault reached", missed_line);
    }
}

/* Runs whose client was killed. */
static size_t killed(const struct e2e_run *run)
{
    const json_t *one;
    size_t count = 0, i;
    json_array_foreach(json_object_get(run->report, "runs"), i, one)
    {
        count += json_is_integer(json_object_get(json_object_get(one, "client"), "signal"));
    }
    return count;
}

static void expect_lost(const struct e2e_run *run, const struct e2e_args *args)
{
    size_t lost = json_array_size(json_object_get(coverage_of(run), "lost"));
    if (lost == 0 || lost != killed(run) || strstr(run->output, "lost counters") == NULL) {
        e2e_fail(run, args, "%zu clients were killed, and their counters are said to be lost", killed(run));
    }
}

static void test_paths_of_gcc(void **unused)
{
    (void)unused;
    struct e2e_args args;
    struct e2e_run run;
    sweep(&run, &args, BUILDS "counted_gcc", "1/1");
    expect_paths(&run, &args);
    assert_string_equal(json_string_value(json_object_get(coverage_of(&run), "tool")), "gcov");
    expect_lost(&run, &args);
    if (strstr(run.output, missed_line) == NULL) {
        e2e_fail(&run, &args, "the text names the path, too");
    }
    e2e_free(&run);
}

/* Of two shards merged. */
static void test_paths_of_clang_in_shards(void **unused)
{
    (void)unused;
    char shard[2][64];
    struct e2e_args args;
    struct e2e_run run;
    for (int i = 0; i < 2; i++) {
        sweep(&run, &args, BUILDS "counted_clang", i == 0 ? "1/2" : "2/2");
        snprintf(shard[i], sizeof shard[i], "/tmp/vdifault-coverage-%d-%d.json", (int)getpid(), i);
        assert_int_equal(json_dump_file(run.report, shard[i], 0), 0);
        e2e_free(&run);
    }
    const char *const report[] = {"report", shard[0], shard[1], NULL};
    e2e_run(&run, report);
    expect_paths(&run, &args);
    assert_int_equal(json_array_size(json_object_get(coverage_of(&run), "lost")), killed(&run));
    assert_int_equal(json_integer_value(json_object_get(coverage_of(&run), "runs")),
                     json_array_size(json_object_get(run.report, "runs")));
    for (int i = 0; i < 2; i++) {
        unlink(shard[i]);
    }
    e2e_free(&run);
}

static void test_counters_that_outlive_a_kill(void **unused)
{
    (void)unused;
    struct e2e_args args;
    struct e2e_run run;
    sweep(&run, &args, BUILDS "counted_as_it_runs", "1/1");
    expect_paths(&run, &args);
    if (killed(&run) == 0 || json_array_size(json_object_get(coverage_of(&run), "lost")) != 0) {
        e2e_fail(&run, &args, "a client that writes counters as it runs loses none when it is killed");
    }
    e2e_free(&run);
}

/* Said before the first run is made. */
static void expect_refused(const char *client, const char *why)
{
    struct e2e_args args;
    struct e2e_run run;
    sweep(&run, &args, client, "1/1");
    if (run.status != 3 || strstr(run.output, why) == NULL || strstr(run.output, " runs") != NULL) {
        e2e_fail(&run, &args, "'%s' is said, and nothing is swept", why);
    }
    e2e_free(&run);
}

static void test_what_cannot_be_counted(void **unused)
{
    (void)unused;
    expect_refused(E2E_CLIENTS "/demo_client",
                   "the client left no counters: expected one that is built with");
    setenv("GCOV", "gcov-of-nowhere", 1);
    setenv("LLVM_COV", "llvm-cov-of-nowhere", 1);
    expect_refused(BUILDS "counted_gcc",
                   "gcov-of-nowhere is not installed: expected it on PATH (package gcc)");
    expect_refused(BUILDS "counted_clang",
                   "llvm-cov-of-nowhere is not installed: expected it on PATH (package llvm)");
    unsetenv("GCOV");
    unsetenv("LLVM_COV");
}

/* A sweep without --coverage: counters that nobody asked for are in nobody's way, unless the user says where. */
static bool is_made_one_at_a_time(const char *client)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    const char *const words[] = {"sweep",    "--size", "256K", "--only=error", "--shard=1/9",
                                 "--jobs=2", "--",     client, "sales",        "{run}/sales.bak"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_run(&run, args.list);
    bool one = strstr(run.output, "they are made one at a time") != NULL;
    if (run.report == NULL || json_array_size(json_object_get(run.report, "runs")) == 0) {
        e2e_fail(&run, &args, "nothing was swept");
    }
    e2e_free(&run);
    return one;
}

static void test_counters_nobody_asked_for(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/vdifault-counters-XXXXXX", command[64];
    if (access(BUILDS "counted_gcc", X_OK) != 0 || access(BUILDS "counted_clang", X_OK) != 0) {
        skip();
    }
    assert_false(is_made_one_at_a_time(BUILDS "counted_gcc"));
    assert_false(is_made_one_at_a_time(BUILDS "counted_clang"));
    assert_non_null(mkdtemp(folder));
    setenv("GCOV_PREFIX", folder, 1);
    assert_true(is_made_one_at_a_time(BUILDS "counted_gcc"));
    unsetenv("GCOV_PREFIX");
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_of_gcc),
        cmocka_unit_test(test_paths_of_clang_in_shards),
        cmocka_unit_test(test_counters_that_outlive_a_kill),
        cmocka_unit_test(test_what_cannot_be_counted),
        cmocka_unit_test(test_counters_nobody_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
