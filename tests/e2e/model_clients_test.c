/* The clients of the other device models, of several processes and of mapped buffers under the same faults:
 * still no finding. And their own I/O errors: they complete everything, wait for the end, and say that they failed
 * (spec 2.2). */
#include <stdio.h>
#include <string.h>

#include "correct.h"

static const struct correct_client clients[] = {
    {"disk", {NULL}},         {"disk", {"--removable", "--volume-size", "400000", NULL}},
    {"tape", {NULL}},         {"tape", {"--volume-size", "400000", NULL}},
    {"multiprocess", {NULL}}, {"mapped", {NULL}},
};

static void test_under_faults(void **unused)
{
    (void)unused;
    correct_under_faults(clients, sizeof clients / sizeof clients[0]);
}

static void check_failure(const struct correct_client *client)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    e2e_arg(&args, "run");
    e2e_arg(&args, "--size");
    e2e_arg(&args, "3M");
    e2e_arg(&args, "--");
    e2e_arg(&args, E2E_CLIENTS "/%s", client->name);
    e2e_arg(&args, "backup");
    for (int i = 0; client->options[i] != NULL; i++) {
        e2e_arg(&args, "%s", client->options[i]);
    }
    e2e_arg(&args, "--database");
    e2e_arg(&args, "sales");
    e2e_arg(&args, "--dir");
    e2e_arg(&args, "{run}");
    e2e_run(&run, args.list);
    json_t *exit_status = json_object_get(json_object_get(run.report, "client"), "exit");
    json_t *operation = json_array_get(json_object_get(run.report, "operations"), 0);
    const char *outcome = json_string_value(json_object_get(operation, "outcome"));
    if (run.status != 0 || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "%s: a finding on a client that only met an error", client->name);
    }
    if (json_integer_value(exit_status) != 1 || outcome == NULL || strcmp(outcome, "success") == 0) {
        e2e_fail(&run, &args, "%s: expected that the backup fails", client->name);
    }
    e2e_free(&run);
}

static void test_own_errors(void **unused)
{
    (void)unused;
    static const struct correct_client failing[] = {
        {"correct_c", {"--devices", "2", "--fail-write", "4", NULL}},
        {"correct_cpp", {"--fail-write", "4", NULL}},
        {"async", {"--fail-write", "4", NULL}}, /* with others in hand */
        {"complete_c", {"--fail-write", "1", NULL}},
        {"watchdog", {"--fail-write", "4", NULL}},
        {"multiprocess", {"--devices", "3", "--fail-write", "4", NULL}},
        {"mapped", {"--fail-write", "4", NULL}},
        {"tape", {"--fail-write", "4", NULL}},
        {"tape", {"--volume-size", "700000", "--volumes", "2", NULL}}, /* ERROR_EOM_OVERFLOW */
        {"disk", {"--volume-size", "1000000", NULL}},                  /* ERROR_DISK_FULL */
    };
    for (size_t i = 0; i < sizeof failing / sizeof failing[0]; i++) {
        check_failure(&failing[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_under_faults),
        cmocka_unit_test(test_own_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
