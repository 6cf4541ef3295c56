/* Each bug of each buggy client is caught with its own rule, at the function the table names and in the client's
 * own source. The table is the client's own: `buggy --list`. `vdifault rules` names the faults that the bugs need, and
 * no rule is without its bug. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "e2e.h"

enum {
    FIELDS = 8
};
enum {
    NAME,
    RULE,
    FUNCTION,
    FAULT,
    OPERATION,
    DEVICES,
    OPTIONS
};

static void add_options(struct e2e_args *args, const char *options)
{
    char words[512];
    char *rest = words;
    snprintf(words, sizeof words, "%s", options);
    for (char *word; (word = strsep(&rest, "|")) != NULL;) {
        e2e_arg(args, "%s", word);
    }
}

static void build(struct e2e_args *args, const char *client, char *const *bug)
{
    e2e_arg(args, "run");
    e2e_arg(args, "--patience");
    e2e_arg(args, "4");
    e2e_arg(args, "--size");
    e2e_arg(args, "2M");
    if (strcmp(bug[FAULT], "-") != 0) {
        e2e_arg(args, "--fault");
        e2e_arg(args, "%s", bug[FAULT]);
    }
    if (strcmp(bug[OPERATION], "restore") == 0) {
        e2e_arg(args, "--before");
        e2e_arg(args, E2E_CLIENTS "/correct_c backup --database sales --set stored --devices %s --dir {run}",
                bug[DEVICES]);
    }
    if (strcmp(bug[OPTIONS], "-") != 0) {
        add_options(args, bug[OPTIONS]);
    }
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/%s", client);
    e2e_arg(args, "%s", bug[OPERATION]);
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--set");
    e2e_arg(args, "stored");
    e2e_arg(args, "--devices");
    e2e_arg(args, "%s", bug[DEVICES]);
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
    e2e_arg(args, "--timeout");
    e2e_arg(args, "2000");
    e2e_arg(args, "--bug");
    e2e_arg(args, "%s", bug[NAME]);
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
    json_t *finding = e2e_finding(&run, bug[RULE]);
    const char *severity = json_string_value(json_object_get(finding, "severity"));
    const char *function = json_string_value(json_object_get(finding, "function"));
    if (finding == NULL) {
        e2e_fail(&run, &args, "%s is not caught by %s", bug[NAME], bug[RULE]);
    }
    if (run.status != 1 && strcmp(severity, "error") == 0) {
        e2e_fail(&run, &args, "%s: a finding, yet exit status %d", bug[NAME], run.status);
    }
    if (strcmp(bug[FUNCTION], "-") != 0 && (function == NULL || strcmp(function, bug[FUNCTION]) != 0)) {
        e2e_fail(&run, &args, "%s is caught at %s instead of %s", bug[NAME], function, bug[FUNCTION]);
    }
    if (strcmp(bug[FUNCTION], "-") != 0 && !blames(finding, client)) {
        e2e_fail(&run, &args, "%s is not reported at %s.c", bug[NAME], client);
    }
    e2e_free(&run);
}

typedef void take_bug(const char *client, char *const *bug, void *context);

static void each_bug_of(const char *client, take_bug *take, void *context)
{
    char line[1024], command[512];
    snprintf(command, sizeof command, E2E_CLIENTS "/%s --list", client);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    while (fgets(line, sizeof line, list) != NULL) {
        char *fields[FIELDS] = {0};
        char *rest = line;
        for (int i = 0; i < FIELDS; i++) {
            fields[i] = strsep(&rest, "\t\n");
            assert_non_null(fields[i]);
        }
        take(client, fields, context);
    }
    assert_int_equal(pclose(list), 0);
}

static void each_bug(take_bug *take, void *context)
{
    char clients[] = E2E_BUGGY;
    char *rest = clients;
    for (char *client; (client = strsep(&rest, ",")) != NULL;) {
        each_bug_of(client, take, context);
    }
}

static void take_chosen(const char *client, char *const *bug, void *context)
{
    const char *only = getenv("E2E_ONLY");
    int *bugs = context;
    if (only == NULL || strcmp(only, bug[NAME]) == 0) {
        check(client, bug);
        ++*bugs;
    }
}

static void test_every_bug(void **unused)
{
    (void)unused;
    int bugs = 0;
    for (int round = 0; round < e2e_rounds(); round++) {
        each_bug(take_chosen, &bugs);
    }
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
        if (strcmp(json_string_value(json_object_get(rule, "rule")), bug[RULE]) == 0) {
            break;
        }
    }
    if (i == json_array_size(context)) {
        fail_msg("%s: %s breaks %s, which is no rule", client, bug[NAME], bug[RULE]);
    }
    if (strcmp(bug[FAULT], "-") != 0 && !has_fault(rule, bug[FAULT])) {
        fail_msg("%s: %s needs %s, which the row of %s does not name", client, bug[NAME], bug[FAULT],
                 bug[RULE]);
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
    each_bug(take_rule_of, rules);
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
