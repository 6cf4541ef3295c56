/* Each kind of call fault brings out bugs that only it, or it as well as others, makes show: those of the buggy
 * clients, by the rule that the kind's row names. */
#include <stdlib.h>
#include <string.h>

#include "e2e.h"

struct bug_under_fault {
    const char *fault;
    const char *client;
    const char *bug;
    const char *rule;
    int devices;
    const char *severity;
};

static const struct bug_under_fault bugs[] = {
    {"abort@CompleteCommand#3", "buggy", "get-after-abort", "VDI-GETCMD-003", 1, "error"},
    {"abort(by=client)@GetCommand#3", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"late-close(ms=30000)", "buggy", "close-on-timeout", "VDI-CLOSE-001", 1, "error"},
    {"late-close(ms=30000)", "buggy_answers", "timeout-is-end", "VDI-GETCMD-004", 1, NULL},
    {"repeat-close", "buggy", "get-after-close", "VDI-GETCMD-002", 1, "error"},
    {"stale-config", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"stale-config", "buggy", "no-close", "VDI-OUT-004", 1, "error"},
    {"bufferarea-missing@OpenDevice", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"bufferarea-missing@GetCommand#2", "buggy", "get-after-abort", "VDI-GETCMD-003", 1, "error"},
    {"error(VD_E_MEMORY)@Create", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"error(VD_E_PROTOCOL)@Create", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"error(VD_E_MEMORY)@OpenDevice#2", "buggy_bringup", "use-null", "VDI-OPEN-004", 2, "error"},
    {"error@CompleteCommand#2", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"error-after@CompleteCommand#3", "buggy", "get-after-abort", "VDI-GETCMD-003", 1, "error"},
    {"error-after@GetCommand#last", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"timeout@GetCommand#3+", "buggy", "close-on-timeout", "VDI-CLOSE-001", 1, "error"},
    {"timeout@GetCommand#3+", "buggy_answers", "timeout-is-end", "VDI-GETCMD-004", 1, NULL},
    {"null-command@GetCommand#3", "careless", "no-sync", "VDI-OUT-003", 1, "error"},
    {"bad-size(how=negative)@Write#2", "careless", "no-sync", "VDI-BUF-003", 1, "info"},
    {"bad-buffer@Write#2", "careless", "no-sync", "VDI-OUT-003", 1, "error"},
    {"secondary-crash@OpenDevice", "buggy_bringup", "forget-secondary", "VDI-SEC-003", 1, "error"},
    {"delay(ms=1500)@GetCommand#3", "buggy_ends", "two-readers", "VDI-THR-001", 1, "error"},
    {"jitter", "buggy_ends", "two-readers", "VDI-THR-001", 1, "error"},
    {"preempt", "buggy_ends", "two-readers", "VDI-THR-001", 1, "error"},
};

static void build(struct e2e_args *args, const struct bug_under_fault *bug)
{
    e2e_arg(args, "run");
    e2e_arg(args, "--patience");
    e2e_arg(args, "4");
    e2e_arg(args, "--size");
    e2e_arg(args, "2M");
    e2e_arg(args, "--fault");
    e2e_arg(args, "%s", bug->fault);
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/%s", bug->client);
    e2e_arg(args, "backup");
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--devices");
    e2e_arg(args, "%d", bug->devices);
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
    e2e_arg(args, "--timeout");
    e2e_arg(args, "2000");
    e2e_arg(args, "--bug");
    e2e_arg(args, "%s", bug->bug);
}

static void test_bugs_show(void **unused)
{
    (void)unused;
    const char *only = getenv("E2E_ONLY");
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        if (only != NULL && strncmp(bugs[i].fault, only, strlen(only)) != 0) {
            continue;
        }
        build(&args, &bugs[i]);
        e2e_run(&run, args.list);
        json_t *fault = json_array_get(json_object_get(run.report, "faults"), 0);
        json_t *finding = e2e_finding(&run, bugs[i].rule);
        const char *severity = json_string_value(json_object_get(finding, "severity"));
        if (json_integer_value(json_object_get(fault, "fired")) < 1) {
            e2e_fail(&run, &args, "%s has not fired", bugs[i].fault);
        }
        if (finding == NULL || (bugs[i].severity != NULL && strcmp(severity, bugs[i].severity) != 0)) {
            e2e_fail(&run, &args, "%s under %s: expected %s, %s", bugs[i].bug, bugs[i].fault, bugs[i].rule,
                     bugs[i].severity != NULL ? bugs[i].severity : "of any severity");
        }
        e2e_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bugs_show)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
