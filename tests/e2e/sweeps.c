/* sweeps.c - see sweeps.h. */
#include "sweeps.h"

#include <string.h>

json_int_t sweeps_summary(const struct e2e_run *run, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(run->report, "summary"), key));
}

json_t *sweeps_runs(const struct e2e_run *run)
{
    return json_object_get(run->report, "runs");
}

void sweeps_build(struct e2e_args *args, const char *const *options, const char *action, int devices)
{
    e2e_arg(args, "sweep");
    e2e_arg(args, "--size");
    e2e_arg(args, "1M");
    for (int i = 0; options[i] != NULL; i++) {
        e2e_arg(args, "%s", options[i]);
    }
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/correct_c");
    e2e_arg(args, "%s", action);
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--devices");
    e2e_arg(args, "%d", devices);
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
    e2e_arg(args, "--timeout");
    e2e_arg(args, "10000");
    e2e_arg(args, "--patience");
    e2e_arg(args, "300");
}

void sweeps_make(struct e2e_run *run, struct e2e_args *args, const char *const *options)
{
    *args = (struct e2e_args){0};
    sweeps_build(args, options, "backup", 1);
    e2e_run(run, args->list);
}

void sweeps_expect_survived(const struct e2e_run *run, const struct e2e_args *args)
{
    if (run->status != 0 || run->report == NULL || sweeps_summary(run, "runs") == 0 ||
        e2e_finding_count(run) != 0 || sweeps_summary(run, "vacuous") != 0 ||
        sweeps_summary(run, "clean") != sweeps_summary(run, "runs")) {
        e2e_fail(run, args, "a correct client does not survive the sweep");
    }
}

static void expect_same_findings(const struct e2e_run *run, const struct e2e_args *args,
                                 const struct e2e_run *as)
{
    static const char *const keys[] = {"rule", "fingerprint", "severity", "runs"};
    json_t *mine = json_object_get(run->report, "findings"),
           *theirs = json_object_get(as->report, "findings");
    for (size_t i = 0; i < json_array_size(mine) || i < json_array_size(theirs); i++) {
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            if (!json_equal(json_object_get(json_array_get(mine, i), keys[k]),
                            json_object_get(json_array_get(theirs, i), keys[k]))) {
                e2e_fail(run, args, "finding %zu differs in its %s", i, keys[k]);
            }
        }
    }
}

/* The same faults, and each fired in both or in neither. How often a persistent one did is no outcome: the server sends
 * ahead of the client, so where another fault ends the run it has met a command more or less. */
static bool same_faults(json_t *mine, json_t *theirs)
{
    bool same = json_array_size(mine) == json_array_size(theirs);
    for (size_t i = 0; same && i < json_array_size(mine); i++) {
        json_t *a = json_array_get(mine, i), *b = json_array_get(theirs, i);
        json_int_t fired = json_integer_value(json_object_get(a, "fired")),
                   also = json_integer_value(json_object_get(b, "fired"));
        same =
            json_equal(json_object_get(a, "fault"), json_object_get(b, "fault")) && (fired > 0) == (also > 0);
    }
    return same;
}

void sweeps_expect_same(const struct e2e_run *run, const struct e2e_args *args, const struct e2e_run *as)
{
    static const char *const keys[] = {"id",    "key",        "outcome", "vacuous", "fault", "site",
                                       "class", "persistent", "dialect", "again",   "repeat"};
    json_t *mine = sweeps_runs(run), *theirs = sweeps_runs(as);
    if (json_array_size(mine) != json_array_size(theirs)) {
        e2e_fail(run, args, "%zu runs instead of %zu", json_array_size(mine), json_array_size(theirs));
    }
    for (size_t i = 0; i < json_array_size(mine); i++) {
        json_t *a = json_array_get(mine, i), *b = json_array_get(theirs, i);
        const char *key = json_string_value(json_object_get(b, "key"));
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            if (!json_equal(json_object_get(a, keys[k]), json_object_get(b, keys[k]))) {
                e2e_fail(run, args, "run %zu (%s) differs in its %s", i, key != NULL ? key : "", keys[k]);
            }
        }
        if (!same_faults(json_object_get(a, "faults"), json_object_get(b, "faults"))) {
            e2e_fail(run, args, "run %zu (%s) differs in its faults", i, key != NULL ? key : "");
        }
    }
    expect_same_findings(run, args, as);
}
