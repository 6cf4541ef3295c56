/* The clients of the other device models, of several processes and of mapped buffers under the same faults:
 * still no finding. And their own I/O errors: they complete everything, wait for the end, and say that they failed
 * (spec 2.2). */
#include <stdio.h>
#include <string.h>

#include "correct.h"

#define SMALL_VOLUMES             \
    {                             \
        "--volume-size", "400000" \
    }
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void test_under_faults(void **unused)
{
    (void)unused;
    static const struct correct_client clients[] = {
        {.name = "disk"},         {.name = "disk", .options = {"--removable", "--volume-size", "400000"}},
        {.name = "tape"},         {.name = "tape", .options = SMALL_VOLUMES},
        {.name = "multiprocess"}, {.name = "mapped"},
    };
    correct_under_faults(clients, COUNT_OF(clients), correct_faults);
}

/* At the commands that only these clients get. */
static void test_tape_commands(void **unused)
{
    (void)unused;
    static const struct correct_client tape[] = {{.name = "tape", .options = SMALL_VOLUMES}};
    static const char *const faults[] = {
        "early-close@Rewind#1",     "abort@WriteMark#1",        "early-close@Load#1",
        "abort(by=client)@Load#1",  "abort@GetPosition#1",      "abort@SkipMarks#1/1",
        "early-close@Load#1/1",     "early-close@Rewind#1/1",   "unknown-command@Load#1",
        "unknown-command@Load#1/1", "unknown-command@Rewind#1", NULL,
    };
    correct_under_faults(tape, COUNT_OF(tape), faults);
}

static void test_snapshot(void **unused)
{
    (void)unused;
    static const struct correct_client snapshot[] = {{
        .name = "snapshot",
        .options = {"--data-file", "{run}/database"},
        .devices = 1,
        .before = "head -c 100000 /dev/zero > {run}/database",
    }};
    static const char *const faults[] = {
        "early-close@Write#1",
        "early-close@PrepareToFreeze#1",
        "early-close@Snapshot#1",
        "abort@PrepareToFreeze#1",
        "abort@Snapshot#1",
        "abort(by=client)@Snapshot#1",
        "abort(at=complete)@Snapshot#1",
        "lost-close",
        "early-close@MountSnapshot#1/1",
        "abort@MountSnapshot#1/1",
        "abort(by=client,at=complete)@MountSnapshot#1/1",
        "unknown-command@Snapshot#1",
        "unknown-command(77)@MountSnapshot#1/1",
        NULL,
    };
    correct_under_faults(snapshot, COUNT_OF(snapshot), faults);
}

static void check_failure(const struct correct_client *client)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    correct_build(&args, client, "backup", NULL, 1);
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
        {.name = "correct_c", .options = {"--devices", "2", "--fail-write", "4"}},
        {.name = "correct_cpp", .options = {"--fail-write", "4"}},
        {.name = "async", .options = {"--fail-write", "4"}}, /* with others in hand */
        {.name = "complete_c", .options = {"--fail-write", "1"}},
        {.name = "watchdog", .options = {"--fail-write", "4"}},
        {.name = "multiprocess", .options = {"--devices", "3", "--fail-write", "4"}},
        {.name = "mapped", .options = {"--fail-write", "4"}},
        {.name = "tape", .options = {"--fail-write", "4"}},
        {.name = "tape", .options = {"--volume-size", "700000", "--volumes", "2"}}, /* ERROR_EOM_OVERFLOW */
        {.name = "disk", .options = {"--volume-size", "1000000"}},                  /* ERROR_DISK_FULL */
        {.name = "snapshot",
         .options = {"--data-file", "{run}/database", "--refuse"},
         .before = "head -c 100000 /dev/zero > {run}/database"},
        {.name = "snapshot", .options = {"--data-file", "{run}/missing"}},
    };
    for (size_t i = 0; i < COUNT_OF(failing); i++) {
        check_failure(&failing[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_under_faults),
        cmocka_unit_test(test_tape_commands),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_own_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
