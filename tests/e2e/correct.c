#include "correct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const correct_faults[] = {
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
    "abort(at=touch)@Write#3",
    "abort(by=client,at=touch)@Write#2:1",
    "abort(at=touch)@Read#2/1",
    "abort(by=client,at=touch)@Read#3:0/1",
    "abort@Flush#1",
    "abort@Read#3/1",
    "abort(by=client,at=complete)@Read#2:1/1",
    "unknown-command@Write#2",
    "unknown-command(77)@Read#2/1",
    NULL,
};

void correct_build(struct e2e_args *args, const struct correct_client *client, const char *action,
                   const char *fault, int seed)
{
    e2e_arg(args, "run");
    e2e_arg(args, "--seed");
    e2e_arg(args, "%d", seed);
    e2e_arg(args, "--size");
    e2e_arg(args, "%d", 3000000 + seed * 4099);
    if (fault != NULL) {
        e2e_arg(args, "--fault");
        e2e_arg(args, "%s", fault);
    }
    if (client->before != NULL) {
        e2e_arg(args, "--before");
        e2e_arg(args, "%s", client->before);
    }
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/%s", client->name);
    e2e_arg(args, "%s", action);
    for (int i = 0; client->options[i] != NULL; i++) {
        e2e_arg(args, "%s", client->options[i]);
    }
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
}

static void check(const struct correct_client *client, const char *fault, int devices, int seed)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    correct_build(&args, client, "backup-restore", fault, seed);
    e2e_arg(&args, "--devices");
    e2e_arg(&args, "%d", client->devices != 0 ? client->devices : devices);
    if (fault != NULL && strncmp(fault, "lost-close", strlen("lost-close")) == 0) {
        e2e_arg(&args, "--patience"); /* it ends by giving up: soon, for the sake of the test */
        e2e_arg(&args, "500");
    }
    e2e_run(&run, args.list);
    if (run.status != 0 || run.report == NULL || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "%s under %s: a finding on a correct client, or no run", client->name,
                 fault ? fault : "no fault");
    }
    json_t *exit_status = json_object_get(json_object_get(run.report, "client"), "exit");
    if (fault == NULL && json_integer_value(exit_status) != 0) {
        e2e_fail(&run, &args, "%s fails without a fault", client->name);
    }
    e2e_free(&run);
}

static void begin(const struct correct_client *client, const char *fault, int devices, int seed)
{
    if (e2e_case()) {
        check(client, fault, devices, seed);
        e2e_case_end();
    }
}

static int check_all(const struct correct_client *client, const char *const *faults, int seed)
{
    int runs = 0;
    begin(client, NULL, 2, seed + 1);
    for (; faults[runs] != NULL; runs++) {
        begin(client, faults[runs], runs % 2 == 0 ? 4 : 2, seed + 2 + runs);
    }
    return runs + 1;
}

void correct_under_faults(const struct correct_client *clients, size_t count, const char *const *faults)
{
    const char *only = getenv("E2E_ONLY");
    int runs = 0;
    for (int round = 0; round < e2e_rounds(); round++) {
        for (size_t c = 0; c < count; c++) {
            if (only == NULL || strcmp(only, clients[c].name) == 0) {
                runs += check_all(&clients[c], faults, round * 100);
            }
        }
    }
    e2e_cases_end();
    print_message("%d runs\n", runs);
}
