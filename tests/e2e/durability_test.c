/* What is on disk when Flush is answered, in whole runs: every correct way to store a stream is silent, and what can be
 * told of it is told (`sinks --list`). The wrong ways are bugs of the client `careless` (buggy_clients_test). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "e2e.h"

static const char *durable_of(const struct e2e_run *run)
{
    json_t *operation = json_array_get(json_object_get(run->report, "operations"), 0);
    const char *durable = json_string_value(json_object_get(operation, "durable"));
    return durable != NULL ? durable : "(none)";
}

static void check_sink(const char *name, const char *durable)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    e2e_arg(&args, "run");
    e2e_arg(&args, "--size");
    e2e_arg(&args, "4M");
    e2e_arg(&args, "--");
    e2e_arg(&args, E2E_CLIENTS "/sinks");
    e2e_arg(&args, "backup");
    e2e_arg(&args, "--database");
    e2e_arg(&args, "sales");
    e2e_arg(&args, "--dir");
    e2e_arg(&args, "{run}");
    e2e_arg(&args, "--sink");
    e2e_arg(&args, "%s", name);
    e2e_run(&run, args.list);
    if (run.status != 0 || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "%s: a correct client, yet a finding or status %d", name, run.status);
    }
    if (strcmp(durable_of(&run), durable) != 0) {
        e2e_fail(&run, &args, "%s: durable is %s instead of %s", name, durable_of(&run), durable);
    }
    e2e_free(&run);
}

static void test_every_sink(void **unused)
{
    char line[128];
    int count = 0;
    const char *only = getenv("E2E_ONLY");
    FILE *list = popen(E2E_CLIENTS "/sinks --list", "r");
    (void)unused;
    assert_non_null(list);
    while (fgets(line, sizeof line, list) != NULL) {
        char *rest = line;
        const char *name = strsep(&rest, "\t\n");
        const char *durable = strsep(&rest, "\t\n");
        assert_non_null(durable);
        if (only == NULL || strcmp(only, name) == 0) {
            check_sink(name, durable);
            count++;
        }
    }
    assert_int_equal(pclose(list), 0);
    assert_true(count > 0 || only != NULL);
}

/* ---- --prove-durability ---- */

enum {
    DEADLINE_S = 60
};

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/vdifault-proof-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void build_proof(struct e2e_args *args, const char *bug, const char *verify)
{
    e2e_arg(args, "run");
    e2e_arg(args, "--size");
    e2e_arg(args, "2M");
    e2e_arg(args, "--prove-durability");
    if (verify != NULL) {
        e2e_arg(args, "--verify");
        e2e_arg(args, "%s", verify);
    }
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/careless");
    e2e_arg(args, "backup");
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--set");
    e2e_arg(args, "stored");
    e2e_arg(args, "--dir");
    e2e_arg(args, "%s", folder);
    e2e_arg(args, "--bug");
    e2e_arg(args, "%s", bug);
}

static off_t size_of_backup(void)
{
    char path[96];
    struct stat info;
    snprintf(path, sizeof path, "%s/stored.0.bak", folder);
    return stat(path, &info) == 0 ? info.st_size : -1;
}

static void check_proof(const char *bug, const char *expected, bool lost)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    char restore[768];
    make_folder();
    /* A restore that knows of the trailer that careless writes. */
    snprintf(restore, sizeof restore,
             "mkdir -p %s/copy && cp %s/stored.0.bak %s/copy && cd %s/copy && "
             "at=$(grep -abo 'the end' stored.0.bak | tail -n 1 | cut -d : -f 1) && "
             "truncate -s ${at:-+0} stored.0.bak && " E2E_CLIENTS
             "/correct_c restore --database sales --set stored --dir .",
             folder, folder, folder, folder);
    build_proof(&args, bug, restore);
    e2e_run(&run, args.list);
    const char *message = json_string_value(json_object_get(e2e_finding(&run, "VDI-FLUSH-001"), "message"));
    if (message == NULL || strstr(message, expected) == NULL) {
        e2e_fail(&run, &args, "%s: no finding that says '%s'", bug, expected);
    }
    if ((e2e_finding(&run, "VDI-OUT-007") != NULL) != lost || e2e_finding(&run, "VDI-OUT-001") != NULL) {
        e2e_fail(&run, &args, "%s: wrong outcome rules", bug);
    }
    if (e2e_finding(&run, "VDI-DATA-001") != NULL) {
        e2e_fail(&run, &args, "%s: what comes back from our files is no other stream", bug);
    }
    assert_true(size_of_backup() > 2 << 20); /* the real one is back */
    e2e_free(&run);
    remove_folder();
}

static void test_proofs(void **unused)
{
    (void)unused;
    check_proof("no-sync", "; proved: ", true);
    check_proof("no-flush", "; proved: ", true);
    check_proof("sync-too-early", "; not proved: ", false); /* the stream is whole without the trailer */
}

static void test_proof_without_verify(void **unused)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    (void)unused;
    make_folder();
    build_proof(&args, "no-sync", NULL);
    e2e_run(&run, args.list);
    assert_int_equal(run.status, 2);
    assert_non_null(strstr(run.output, "expected --verify CMD"));
    e2e_free(&run);
    remove_folder();
}

/* A --verify that fails with the files as they are proves nothing about how they were. */
static void test_verify_that_always_fails(void **unused)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    (void)unused;
    make_folder();
    build_proof(&args, "no-sync", "false");
    e2e_run(&run, args.list);
    const char *message = json_string_value(json_object_get(e2e_finding(&run, "VDI-FLUSH-001"), "message"));
    if (message == NULL || strstr(message, "proved") != NULL || strstr(message, "on disk then") != NULL) {
        e2e_fail(&run, &args, "a proof, though nothing was put in the files' place");
    }
    assert_non_null(e2e_finding(&run, "VDI-OUT-001"));
    e2e_free(&run);
    remove_folder();
}

/* The real file comes back also when the run is ended while its image stands in its place; when it is killed, the
 * next one does it. */
static void end_within_proof(int signal)
{
    struct e2e_args args = {0};
    char marker[96], verify[256], json[96];
    const struct timespec pause = {.tv_nsec = 5000000};
    time_t deadline = time(NULL) + DEADLINE_S;
    int output, status = 0;
    make_folder();
    snprintf(marker, sizeof marker, "%s/marker", folder);
    snprintf(json, sizeof json, "%s/report.json", folder);
    snprintf(verify, sizeof verify,
             "[ -e %s.first ] || { touch %s.first; exit 0; }; touch %s; exec sleep 1000", marker, marker,
             marker);
    build_proof(&args, "no-sync", verify);
    pid_t runner = e2e_start(args.list, json, &output);
    while (access(marker, F_OK) != 0 && time(NULL) < deadline) {
        nanosleep(&pause, NULL);
    }
    assert_int_equal(size_of_backup(), 0); /* nothing of it was on disk */
    kill(runner, signal);
    close(output);
    assert_int_equal(waitpid(runner, &status, 0), runner);
    if (signal == SIGKILL) {
        struct e2e_args next_args = {0};
        struct e2e_run next;
        e2e_arg(&next_args, "run");
        e2e_arg(&next_args, "--");
        e2e_arg(&next_args, "/bin/true");
        e2e_run(&next, next_args.list);
        e2e_free(&next);
    }
    assert_true(size_of_backup() > 2 << 20);
    assert_int_equal(e2e_leftovers(runner), 0);
    remove_folder();
}

static void test_interrupted_proof(void **unused)
{
    (void)unused;
    end_within_proof(SIGTERM);
    end_within_proof(SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sink),           cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_proof_without_verify), cmocka_unit_test(test_verify_that_always_fails),
        cmocka_unit_test(test_interrupted_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
