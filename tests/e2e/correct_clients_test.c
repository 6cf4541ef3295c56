/* Correct clients give no finding: without a fault they succeed; with one they may fail, but say so
 * (design 4.5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "correct.h"

static void test_correct_clients(void **unused)
{
    (void)unused;
    static const struct correct_client clients[] = {
        {.name = "correct_cpp"}, {.name = "correct_c"},   {.name = "complete_c"}, {.name = "async"},
        {.name = "watchdog"},    {.name = "compressing"}, {.name = "prefixed"},   {.name = "split"},
    };
    correct_under_faults(clients, sizeof clients / sizeof clients[0], correct_faults);
}

/* The worker leaves the statement to --sql and hears of its outcome through --sql-result. */
static void check_worker(const char *fault, int devices)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    e2e_arg(&args, "run");
    e2e_arg(&args, "--sql");
    e2e_arg(&args, "BACKUP DATABASE [sales] TO %%DEVICES:%%s-%%d%% WITH FORMAT");
    e2e_arg(&args, "--sql-result");
    e2e_arg(&args, "{run}/result");
    if (fault != NULL) {
        e2e_arg(&args, "--fault");
        e2e_arg(&args, "%s", fault);
    }
    e2e_arg(&args, "--");
    e2e_arg(&args, E2E_CLIENTS "/worker");
    e2e_arg(&args, "backup");
    e2e_arg(&args, "--devices");
    e2e_arg(&args, "%d", devices);
    e2e_arg(&args, "--dir");
    e2e_arg(&args, "{run}");
    e2e_arg(&args, "--database");
    e2e_arg(&args, "sales");
    e2e_arg(&args, "--sql-result");
    e2e_arg(&args, "{run}/result");
    e2e_run(&run, args.list);
    if (run.status != 0 || run.report == NULL || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "worker under %s", fault ? fault : "no fault");
    }
    e2e_free(&run);
}

static void test_worker(void **unused)
{
    (void)unused;
    static const char *const worker_faults[] = {NULL, "early-close@Write#3", "lost-close", "abort@Write#5"};
    for (int round = 0; round < e2e_rounds(); round++) {
        for (size_t f = 0; f < sizeof worker_faults / sizeof worker_faults[0]; f++) {
            check_worker(worker_faults[f], 1 + (int)f % 3);
        }
    }
}

/* {run} is the client's: also when it has removed it, it hears of the outcome there. */
static void test_worker_without_its_folder(void **unused)
{
    (void)unused;
    static const char *const list[] = {"run",
                                       "--sql",
                                       "BACKUP DATABASE [sales] TO %DEVICES:%s-%d% WITH FORMAT",
                                       "--sql-result",
                                       "{run}/result",
                                       "--",
                                       "/bin/sh",
                                       "-c",
                                       "rmdir \"$0\" && exec \"$@\" --dir \"$TMPDIR\"",
                                       "{run}",
                                       E2E_CLIENTS "/worker",
                                       "backup",
                                       "--database",
                                       "sales",
                                       "--sql-result",
                                       "{run}/result",
                                       NULL};
    struct e2e_args args = {0};
    struct e2e_run run;
    for (size_t i = 0; list[i] != NULL; i++) {
        e2e_arg(&args, "%s", list[i]);
    }
    e2e_run(&run, args.list);
    if (run.status != 0 || run.report == NULL || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "worker that has removed its folder");
    }
    e2e_free(&run);
}

/* What a client's own ThreadSanitizer cannot see, a buffer's way from one device over the server to another, is no
 * race of the client's. */
static void test_thread_sanitizer(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    if (access(E2E_CLIENTS "/watchdog_tsan", X_OK) != 0 ||
        system(E2E_CLIENTS "/watchdog_tsan 2>&1 | grep -q usage:") != 0) {
        print_message("no ThreadSanitizer here\n");
        skip();
    }
    static const char *const list[] = {"run",
                                       "--",
                                       E2E_CLIENTS "/watchdog_tsan",
                                       "backup-restore",
                                       "--database",
                                       "sales",
                                       "--devices",
                                       "4",
                                       "--dir",
                                       "{run}"};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        e2e_arg(&args, "%s", list[i]);
    }
    e2e_run(&run, args.list);
    if (run.status != 0 || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "a correct client with ThreadSanitizer");
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_correct_clients),
        cmocka_unit_test(test_worker),
        cmocka_unit_test(test_worker_without_its_folder),
        cmocka_unit_test(test_thread_sanitizer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
