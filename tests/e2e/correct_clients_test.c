/* Correct clients give no finding: without a fault they succeed; with one they may fail, but say so
 * (design 4.5). */
#include <stdio.h>
#include <string.h>

#include "e2e.h"

static const char *const clients[] = {"correct_cpp", "correct_c", "complete_c",
                                      "async",       "watchdog",  "compressing"};

/* For the backup (operation 0) and the restore (operation 1) of a `backup-restore` client. */
static const char *const faults[] = {
    NULL,
    "early-close@Write#3",
    "early-close@GetCommand#4:1",
    "early-close@CompleteCommand#2",
    "early-close@Flush#1",
    "early-close@Read#3/1",
    "early-close@CompleteCommand#5/1",
    "lost-close",
    "lost-close@GetCommand:1",
    "lost-close@GetCommand:*",
    "lost-close@GetCommand:0/1",
    "abort@Write#5",
    "abort@Write#2:1",
    "abort(by=client)@Write#4",
    "abort(at=complete)@Write#3",
    "abort(by=client,at=complete)@Write#3:0",
    "abort@Flush#1",
    "abort@Read#3/1",
    "abort(by=client,at=complete)@Read#2:1/1",
    "unknown-command@Write#2",
    "unknown-command(77)@Read#2/1",
};

static void check(const char *client, const char *fault, int devices, int seed)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    e2e_arg(&args, "run");
    e2e_arg(&args, "--seed");
    e2e_arg(&args, "%d", seed);
    e2e_arg(&args, "--size");
    e2e_arg(&args, "%d", 3000000 + seed * 4099);
    if (fault != NULL) {
        e2e_arg(&args, "--fault");
        e2e_arg(&args, "%s", fault);
    }
    e2e_arg(&args, "--");
    e2e_arg(&args, E2E_CLIENTS "/%s", client);
    e2e_arg(&args, "backup-restore");
    e2e_arg(&args, "--devices");
    e2e_arg(&args, "%d", devices);
    e2e_arg(&args, "--database");
    e2e_arg(&args, "sales");
    e2e_arg(&args, "--dir");
    e2e_arg(&args, "{run}");
    e2e_run(&run, args.list);
    if (run.status != 0 || run.report == NULL || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "%s under %s: a finding on a correct client, or no run", client,
                 fault ? fault : "no fault");
    }
    json_t *exit_status = json_object_get(json_object_get(run.report, "client"), "exit");
    if (fault == NULL && json_integer_value(exit_status) != 0) {
        e2e_fail(&run, &args, "%s fails without a fault", client);
    }
    e2e_free(&run);
}

static void test_correct_clients(void **unused)
{
    (void)unused;
    int runs = 0;
    for (int round = 0; round < e2e_rounds(); round++) {
        for (size_t c = 0; c < sizeof clients / sizeof clients[0]; c++) {
            for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++, runs++) {
                check(clients[c], faults[f], 2 + (int)(f % 2) * 2, round * 100 + (int)f + 1);
            }
        }
    }
    print_message("%d runs\n", runs);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_correct_clients),
        cmocka_unit_test(test_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
