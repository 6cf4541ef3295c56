#include "bugs.h"

#include <stdlib.h>
#include <string.h>

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

void bugs_show(const struct bug_under_fault *bugs, size_t count)
{
    const char *only = getenv("E2E_ONLY");
    for (size_t i = 0; i < count; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        if ((only != NULL && strncmp(bugs[i].fault, only, strlen(only)) != 0) || !e2e_case()) {
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
        e2e_case_end();
    }
    e2e_cases_end();
}
