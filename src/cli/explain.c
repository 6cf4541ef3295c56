/* explain.c - `vdifault explain RULE` and `vdifault rules`: the rule table, printed. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "near.h"
#include "rules.h"

static const char *const kind_names[] = {
    [RULE_NORMATIVE] = "normative (error)",
    [RULE_DERIVED] = "derived (warning)",
    [RULE_ADVISORY] = "advisory (info)",
    [RULE_OUTCOME] = "outcome (error)",
};

static void explain(const struct rule_info *rule)
{
    printf("%s  %s\n\n", rule->id, kind_names[rule->kind]);
    printf("  rule:   %s\n  why:    %s\n  source: %s\n  fix:    %s\n", rule->says, rule->why, rule->source,
           rule->fix);
}

static int run_explain(int argc, char **argv)
{
    int first = 0;
    int status = CLI_CLEAN;
    if (cli_verb_start(&verb_explain, argc, argv, NULL, &first, &status) != 0) {
        return status;
    }
    if (first >= argc) {
        cli_error("explain: no rule given, for example VDI-OUT-001 (vdifault rules lists them)");
        return CLI_USAGE;
    }
    for (int i = first; i < argc; i++) {
        const struct rule_info *rule = rule_find(argv[i]);
        if (rule == NULL) {
            struct near_word near;
            char hint[96];
            near_start(&near, argv[i], strlen(argv[i]));
            for (size_t r = 0; r < rule_count; r++) {
                near_offer(&near, rule_table[r].id);
            }
            cli_error("explain: unknown rule '%s'%s (vdifault rules lists them)", argv[i],
                      near_text(&near, hint, sizeof hint));
            return CLI_USAGE;
        }
        printf("%s", i > first ? "\n" : "");
        explain(rule);
    }
    return CLI_CLEAN;
}

static int run_rules(int argc, char **argv)
{
    int first = 0;
    int status = CLI_CLEAN;
    if (cli_verb_start(&verb_rules, argc, argv, NULL, &first, &status) != 0) {
        return status;
    }
    if (first < argc) {
        cli_error("rules: takes no argument, got '%s' (vdifault explain %s?)", argv[first], argv[first]);
        return CLI_USAGE;
    }
    for (size_t r = 0; r < rule_count; r++) {
        printf("%-16s %-18s %s\n", rule_table[r].id, kind_names[rule_table[r].kind], rule_table[r].says);
    }
    return CLI_CLEAN;
}

const struct verb verb_explain = {
    .name = "explain",
    .arguments = "RULE...",
    .summary = "what a rule says, why, where it is documented, how to fix a violation",
    .examples = "  vdifault explain VDI-CLOSE-001\n",
    .run = run_explain,
};

const struct verb verb_rules = {
    .name = "rules",
    .arguments = "",
    .summary = "lists the rules that runs are judged by",
    .examples = "  vdifault rules\n  vdifault rules | grep OUT\n",
    .run = run_rules,
};
