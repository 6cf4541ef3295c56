/* What is on disk when Flush is answered, in whole runs: every correct way to store a stream is silent, and what can be
 * told of it is told (`sinks --list`). The wrong ways are bugs of the client `careless` (buggy_clients_test). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_sink)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
