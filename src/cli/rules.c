/* rules.c - `vdifault rules`: the rule table, as text, markdown or JSON. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli.h"
#include "examples.h"
#include "rules.h"

static const char *const severities[] = {[RULE_NORMATIVE] = "error",
                                         [RULE_DERIVED] = "warning",
                                         [RULE_ADVISORY] = "info",
                                         [RULE_OUTCOME] = "error"};
static const char *const kinds[] = {[RULE_NORMATIVE] = "normative",
                                    [RULE_DERIVED] = "derived",
                                    [RULE_ADVISORY] = "advisory",
                                    [RULE_OUTCOME] = "outcome"};

static int write_text(FILE *out)
{
    for (size_t r = 0; r < rule_count; r++) {
        const struct rule_info *rule = &rule_table[r];

        fprintf(out, "%-16s %-8s %-12s %s\n", rule->id, severities[rule->kind],
                rule->unchecked ? "not checked" : "checked", rule->says);
    }
    return 0;
}

static int write_markdown(FILE *out)
{
    fputs("| rule | severity | what it says | checked |\n|---|---|---|---|\n", out);
    for (size_t r = 0; r < rule_count; r++) {
        const struct rule_info *rule = &rule_table[r];

        fprintf(out, "| %s | %s | %s | %s%s |\n", rule->id, severities[rule->kind], rule->says,
                rule->unchecked ? "no: " : "yes", rule->unchecked ? rule->unchecked : "");
    }
    return 0;
}

static json_t *split(const char *words)
{
    json_t *list = json_array();

    for (words += strspn(words, " "); *words != '\0'; words += strspn(words, " ")) {
        size_t length = strcspn(words, " ");

        json_array_append_new(list, json_stringn(words, length));
        words += length;
    }
    return list;
}

/* null: there is no code. */
static json_t *code_of(const struct rule_info *rule, enum example_kind kind)
{
    struct example example;
    bool is_there = example_find(rule->id, kind, &example) == 0 && example.code.length > 0;

    return is_there ? json_stringn(example.code.text, example.code.length) : json_null();
}

static int write_json(FILE *out)
{
    json_t *list = json_array();
    int error = 0;

    for (size_t r = 0; r < rule_count; r++) {
        const struct rule_info *rule = &rule_table[r];
        json_t *row =
            json_pack("{s:s, s:s, s:s, s:b, s:s?, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "rule", rule->id,
                      "kind", kinds[rule->kind], "severity", severities[rule->kind], "checked",
                      rule->unchecked == NULL, "unchecked", rule->unchecked, "says", rule->says, "why",
                      rule->why, "source", rule->source, "fix", rule->fix, "faults", split(rule->faults),
                      "wrong", code_of(rule, EXAMPLE_WRONG), "right", code_of(rule, EXAMPLE_RIGHT));

        error |= row == NULL || json_array_append_new(list, row) != 0;
    }
    error |= json_dumpf(list, out, JSON_INDENT(1)) != 0 || fputc('\n', out) == EOF;
    json_decref(list);
    return error;
}

static const struct format {
    const char *name;
    int (*write)(FILE *out);
} formats[] = {{"text", write_text}, {"markdown", write_markdown}, {"json", write_json}};

static int set_format(void *context, const char *value)
{
    const struct format **chosen = context;

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(formats[i].name, value) == 0) {
            *chosen = &formats[i];
            return 0;
        }
    }
    cli_error("rules: --format: '%s' is none of text, markdown, json", value);
    return -1;
}

static const struct option_row rules_rows[] = {
    {"format", "FORMAT", "text (default), markdown, or json with everything explain tells", set_format},
    {NULL, NULL, NULL, NULL},
};

static int run_rules(int argc, char **argv)
{
    const struct format *format = &formats[0];
    int first = 0;
    int status = CLI_CLEAN;

    if (cli_verb_start(&verb_rules, argc, argv, &format, &first, &status) != 0) {
        return status;
    }
    if (first < argc) {
        cli_error("rules: takes no argument, got '%s' (vdifault explain %s?)", argv[first], argv[first]);
        return CLI_USAGE;
    }
    if (format->write(stdout) != 0 || fflush(stdout) != 0) {
        cli_error("rules: cannot write the list");
        return CLI_SETUP;
    }
    return CLI_CLEAN;
}

const struct verb verb_rules = {
    .name = "rules",
    .arguments = "[options]",
    .summary = "lists the rules that runs are judged by",
    .options = rules_rows,
    .examples = "  vdifault rules\n  vdifault rules | grep OUT\n  vdifault rules --format json\n",
    .run = run_rules,
};
