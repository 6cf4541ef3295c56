/* Each bug of each buggy client is caught with its own rule, at the function the table names and in the client's
 * own source. The table is the client's own: `buggy --list`. `vdifault rules` names the faults that the bugs need, and
 * no rule is without its bug. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bug_list.h"

static void build(struct e2e_args *args, const char *client, char *const *bug)
{
    e2e_arg(args, "run");
    e2e_arg(args, "--patience");
    e2e_arg(args, "4");
    e2e_arg(args, "--size");
    e2e_arg(args, "2M");
    if (strcmp(bug[BUG_FAULT], "-") != 0) {
        e2e_arg(args, "--fault");
        e2e_arg(args, "%s", bug[BUG_FAULT]);
    }
    bugs_add_client(args, client, bug);
}

/* Whether the finding points into the file that holds the bug. */
static bool blames(json_t *finding, const char *client)
{
    char file[64];
    snprintf(file, sizeof file, "%s.c:", client);
    const char *frame = json_string_value(json_array_get(json_object_get(finding, "backtrace"), 0));
    return frame != NULL && strstr(frame, file) != NULL;
}

static void check(const char *client, char *const *bug)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    build(&args, client, bug);
    e2e_run(&run, args.list);
    json_t *finding = e2e_finding(&run, bug[BUG_RULE]);
    const char *severity = json_string_value(json_object_get(finding, "severity"));
    const char *function = json_string_value(json_object_get(finding, "function"));
    if (finding == NULL) {
        e2e_fail(&run, &args, "%s is not caught by %s", bug[BUG_NAME], bug[BUG_RULE]);
    }
    if (run.status != 1 && strcmp(severity, "error") == 0) {
        e2e_fail(&run, &args, "%s: a finding, yet exit status %d", bug[BUG_NAME], run.status);
    }
    if (strcmp(bug[BUG_FUNCTION], "-") != 0 &&
        (function == NULL || strcmp(function, bug[BUG_FUNCTION]) != 0)) {
        e2e_fail(&run, &args, "%s is caught at %s instead of %s", bug[BUG_NAME], function, bug[BUG_FUNCTION]);
    }
    if (strcmp(bug[BUG_FUNCTION], "-") != 0 && !blames(finding, client)) {
        e2e_fail(&run, &args, "%s is not reported at %s.c", bug[BUG_NAME], client);
    }
    e2e_free(&run);
}

static void take_chosen(const char *client, char *const *bug, void *context)
{
    const char *only = getenv("E2E_ONLY");
    int *bugs = context;
    if (only == NULL || strcmp(only, bug[BUG_NAME]) == 0) {
        ++*bugs;
        if (e2e_case()) {
            check(client, bug);
            e2e_case_end();
        }
    }
}

static void test_every_bug(void **unused)
{
    (void)unused;
    int bugs = 0;
    for (int round = 0; round < e2e_rounds(); round++) {
        bugs_each(take_chosen, &bugs);
    }
    e2e_cases_end();
    print_message("%d runs\n", bugs);
    assert_true(bugs > 0);
}

/* ---- the table of rules and that of bugs ---- */

static json_t *read_rules(void)
{
    FILE *list = popen(E2E_VDIFAULT " rules --format json", "r");
    assert_non_null(list);
    json_t *rules = json_loadf(list, 0, NULL);
    assert_int_equal(pclose(list), 0);
    assert_true(json_array_size(rules) > 0);
    return rules;
}

static bool has_fault(const json_t *rule, const char *fault)
{
    size_t i;
    json_t *text;
    json_array_foreach(json_object_get(rule, "faults"), i, text)
    {
        if (strcmp(json_string_value(text), fault) == 0) {
            return true;
        }
    }
    return false;
}

/* Marks the bug's rule as one that has a bug. */
static void take_rule_of(const char *client, char *const *bug, void *context)
{
    json_t *rule = NULL;
    size_t i;
    json_array_foreach(context, i, rule)
    {
        if (strcmp(json_string_value(json_object_get(rule, "rule")), bug[BUG_RULE]) == 0) {
            break;
        }
    }
    if (i == json_array_size(context)) {
        fail_msg("%s: %s breaks %s, which is no rule", client, bug[BUG_NAME], bug[BUG_RULE]);
    }
    if (strcmp(bug[BUG_FAULT], "-") != 0 && !has_fault(rule, bug[BUG_FAULT])) {
        fail_msg("%s: %s needs %s, which the row of %s does not name", client, bug[BUG_NAME], bug[BUG_FAULT],
                 bug[BUG_RULE]);
    }
    json_object_set_new(rule, "bug", json_true());
}

static void test_every_rule_has_its_bug(void **unused)
{
    static const char *const without = "VDI-SNAP-001"; /* it takes a minute to break */
    json_t *rules = read_rules(), *rule;
    int missing = 0;
    size_t i;
    (void)unused;
    bugs_each(take_rule_of, rules);
    json_array_foreach(rules, i, rule)
    {
        const char *id = json_string_value(json_object_get(rule, "rule"));
        bool bug = json_object_get(rule, "bug") != NULL;
        if (bug != (json_is_true(json_object_get(rule, "checked")) && strcmp(id, without) != 0)) {
            print_error("%s: %s\n", id, bug ? "a bug that was not expected" : "no client has this bug");
            missing++;
        }
    }
    assert_int_equal(missing, 0);
    json_decref(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_rule_has_its_bug),
                                       cmocka_unit_test(test_every_bug)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
