/* Sweeps with the fork server have the outcomes of those without: of correct clients, and of one that dies. Where a
 * copy would not be the same it is refused, and said so. */
#include <string.h>

#include "e2e.h"

struct client {
    const char *name, *action, *devices;
};

static void sweep(struct e2e_run *run, struct e2e_args *args, const struct client *client, const char *mode)
{
    *args = (struct e2e_args){0};
    static const char *const options[] = {"sweep", "--size", "1M", "--jobs", "2", "--per-stack", "1"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        e2e_arg(args, "%s", options[i]);
    }
    e2e_arg(args, "--shard");
    e2e_arg(args, "2/18");
    e2e_arg(args, "--fork-server");
    e2e_arg(args, "%s", mode);
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/%s", client->name);
    e2e_arg(args, "%s", client->action);
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
    e2e_arg(args, "--timeout"); /* it gives up soon, for the sake of the test */
    e2e_arg(args, "1000");
    if (client->devices != NULL) {
        e2e_arg(args, "--devices");
        e2e_arg(args, "%s", client->devices);
    }
    e2e_run(run, args->list);
}

static json_t *find(const json_t *runs, const char *key)
{
    size_t index;
    json_t *run;
    json_array_foreach((json_t *)runs, index, run)
    {
        if (strcmp(json_string_value(json_object_get(run, "key")), key) == 0) {
            return run;
        }
    }
    return NULL;
}

static const char *rule_of(const json_t *run)
{
    json_t *finding = json_array_get(json_object_get(run, "findings"), 0);
    const char *rule = json_string_value(json_object_get(finding, "rule"));
    return rule != NULL ? rule : "";
}

/* Which arrivals are tried may differ between two sweeps of a client of several threads: those of both are compared. */
static void expect_same(const struct client *client)
{
    struct e2e_run with, without;
    struct e2e_args args;
    size_t index, common = 0;
    json_t *run;
    sweep(&without, &args, client, "off");
    sweep(&with, &args, client, "on");
    if (with.status != without.status || with.report == NULL || without.report == NULL) {
        e2e_fail(&with, &args, "exit %d, without the fork server %d", with.status, without.status);
    }
    json_array_foreach(json_object_get(with.report, "runs"), index, run)
    {
        const char *key = json_string_value(json_object_get(run, "key"));
        const json_t *other = find(json_object_get(without.report, "runs"), key);
        common += other != NULL;
        if (other != NULL &&
            (!json_equal(json_object_get(run, "outcome"), json_object_get(other, "outcome")) ||
             strcmp(rule_of(run), rule_of(other)) != 0)) {
            e2e_fail(&with, &args, "%s: not as without the fork server", key);
        }
    }
    assert_true(common >= 3);
    e2e_free(&with);
    e2e_free(&without);
}

static void outcomes_are_the_same(void **state)
{
    (void)state;
    static const struct client clients[] = {
        {"correct_c", "backup", "1"},
        {"correct_cpp", "backup", "1"},
        {"multiprocess", "backup", "2"},
        {"async", "backup", "1"},
    };
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        expect_same(&clients[i]);
    }
}

static void a_sanitizer_is_refused(void **state)
{
    (void)state;
    static const struct client client = {"watchdog_tsan", "backup", NULL};
    struct e2e_run run;
    struct e2e_args args;
    sweep(&run, &args, &client, "on");
    if (run.status != 3 || strstr(run.output, "it is built with a sanitizer") == NULL) {
        e2e_fail(&run, &args, "not refused");
    }
    e2e_free(&run);
}

static void another_word_is_refused(void **state)
{
    (void)state;
    static const struct client client = {"correct_c", "backup", NULL};
    struct e2e_run run;
    struct e2e_args args;
    sweep(&run, &args, &client, "maybe");
    if (run.status != 2 || strstr(run.output, "expected auto, on or off") == NULL) {
        e2e_fail(&run, &args, "not refused");
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_are_the_same),
        cmocka_unit_test(a_sanitizer_is_refused),
        cmocka_unit_test(another_word_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
