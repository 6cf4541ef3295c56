/* Each fault fires at the site asked for, as often as asked; a site that never comes makes the run vacuous.
 */
#include <stdio.h>
#include <string.h>

#include "e2e.h"

static void run_client(struct e2e_run *run, struct e2e_args *args, const char *fault, int devices)
{
    e2e_arg(args, "run");
    e2e_arg(args, "--size");
    e2e_arg(args, "3M");
    e2e_arg(args, "--fault");
    e2e_arg(args, "%s", fault);
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/correct_c");
    e2e_arg(args, "backup-restore");
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--devices");
    e2e_arg(args, "%d", devices);
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
    e2e_run(run, args->list);
}

static void test_fires_as_often_as_asked(void **unused)
{
    (void)unused;
    static const struct {
        const char *fault;
        int devices, fired;
        const char *outcome; /* of operation `op` */
        size_t op;
    } cases[] = {
        {"early-close@Write#3:0", 1, 1, "aborted", 0},
        {"early-close@Write#3:1", 2, 1, "aborted", 0},
        {"early-close@Read#2:1/1", 2, 1, "aborted", 1},
        {"early-close@GetCommand#3:2", 4, 1, "aborted", 0},
        {"lost-close", 1, 1, "success", 0},
        {"lost-close@GetCommand:1", 2, 1, "success", 0},
        {"lost-close@GetCommand:*", 4, 4, "success", 0},
        {"lost-close@GetCommand:1/1", 2, 1, "success", 1},
        {"abort@Write#4:1", 2, 1, "aborted", 0},
        {"abort(by=client)@Write#4:1", 2, 1, "aborted", 0},
        {"abort(by=client,at=complete)@Write#4:3", 4, 1, "aborted", 0},
        {"abort(at=complete)@Read#3:0/1", 1, 1, "aborted", 1},
        {"abort@Write#last:0", 2, 1, "aborted", 0},
        {"unknown-command@Write#2+:0", 1, -1, "success", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        run_client(&run, &args, cases[i].fault, cases[i].devices);
        json_t *fault = json_array_get(json_object_get(run.report, "faults"), 0);
        json_t *operation = json_array_get(json_object_get(run.report, "operations"), cases[i].op);
        const char *outcome = json_string_value(json_object_get(operation, "outcome"));
        json_int_t fired = json_integer_value(json_object_get(fault, "fired"));
        if (run.status != 0 || (cases[i].fired >= 0 ? fired != cases[i].fired : fired < 2)) {
            e2e_fail(&run, &args, "%s fired %d times", cases[i].fault, (int)fired);
        }
        if (outcome == NULL || strcmp(outcome, cases[i].outcome) != 0) {
            e2e_fail(&run, &args, "%s: operation %zu ended in %s, expected %s", cases[i].fault, cases[i].op,
                     outcome ? outcome : "nothing", cases[i].outcome);
        }
        e2e_free(&run);
    }
}

static void test_a_site_that_never_comes(void **unused)
{
    (void)unused;
    static const char *const faults[] = {"abort@Write#100000", "early-close@Write#1:9", "abort@Read#1/7"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        run_client(&run, &args, faults[i], 2);
        if (run.status != 3 || strstr(run.output, "never fired") == NULL) {
            e2e_fail(&run, &args, "%s: exit status 3 and a reason expected", faults[i]);
        }
        e2e_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires_as_often_as_asked),
        cmocka_unit_test(test_a_site_that_never_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
