/* explain.c - `vdifault explain RULE`: all that is known of a rule, with code and commands to copy. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"
#include "examples.h"
#include "near.h"
#include "page.h"
#include "rules.h"

static const char *const severities[] = {
    [RULE_NORMATIVE] = "error: the VDI documentation demands it",
    [RULE_DERIVED] =
        "warning: it follows from the documentation; error when a VDI-OUT rule confirms the harm",
    [RULE_ADVISORY] = "info: advice",
    [RULE_OUTCOME] = "error: it judges what the run came to",
};

/* ---- which rules ---- */

static const char *without_prefix(const char *id)
{
    return strncasecmp(id, "VDI-", 4) == 0 ? id + 4 : id;
}

/* `word` may be a rule, a group, or all; each with or without VDI-. */
static bool is_meant(const struct rule_info *rule, const char *word)
{
    const char *id = without_prefix(rule->id);
    size_t length;

    word = without_prefix(word);
    length = strlen(word);
    return strcasecmp(word, "all") == 0 ||
           (length > 0 && strncasecmp(id, word, length) == 0 && (id[length] == '\0' || id[length] == '-'));
}

static bool is_known(const char *word)
{
    for (size_t i = 0; i < rule_count; i++) {
        if (is_meant(&rule_table[i], word)) {
            return true;
        }
    }
    return false;
}

static void refuse(const char *word)
{
    struct near_word near;
    char hint[96];

    near_start(&near, word, strlen(word));
    for (size_t i = 0; i < rule_count; i++) {
        near_offer(&near, word == without_prefix(word) ? without_prefix(rule_table[i].id) : rule_table[i].id);
    }
    cli_error("explain: unknown rule '%s'%s (vdifault rules lists them)", word,
              near_text(&near, hint, sizeof hint));
}

/* ---- one rule ---- */

static void print_checked(struct page *page, const struct rule_info *rule)
{
    char text[512] = "yes";

    if (rule->unchecked) {
        snprintf(text, sizeof text, "no: %s", rule->unchecked);
    }
    page_labelled(page, "checked", text);
}

/* Each fault as a command to copy. */
static void print_faults(struct page *page, const struct rule_info *rule)
{
    const char *label = "try it";
    const char *fault = rule->faults + strspn(rule->faults, " ");

    if (*fault == '\0' && !rule->unchecked) {
        page_labelled(page, label, "vdifault run -- ./client");
    }
    while (*fault != '\0') {
        int length = (int)strcspn(fault, " ");

        fprintf(page->out, "  %-10svdifault run --fault '%.*s' -- ./client\n", label, length, fault);
        label = "";
        fault += length;
        fault += strspn(fault, " ");
    }
}

static void print_example(struct page *page, const struct rule_info *rule, enum example_kind kind)
{
    struct example example;
    char remark[512];

    if (example_find(rule->id, kind, &example) != 0) {
        return; /* examples_test sees to it that there is one */
    }
    snprintf(remark, sizeof remark, "%.*s", (int)example.remark.length, example.remark.text);
    fputc('\n', page->out);
    page_heading(page, kind == EXAMPLE_WRONG ? PAGE_RED : PAGE_GREEN, example_kind_names[kind], remark);
    page_code(page, example.code.text, example.code.length);
}

static void explain(struct page *page, const struct rule_info *rule)
{
    page_heading(page, PAGE_PLAIN, rule->id, rule->says);
    fputc('\n', page->out);
    page_labelled(page, "why", rule->why);
    page_labelled(page, "fix", rule->fix);
    page_labelled(page, "source", rule->source);
    page_labelled(page, "severity", severities[rule->kind]);
    print_checked(page, rule);
    print_faults(page, rule);
    for (int kind = 0; kind < EXAMPLE_KINDS; kind++) {
        print_example(page, rule, (enum example_kind)kind);
    }
    fputc('\n', page->out);
}

static int run_explain(int argc, char **argv)
{
    struct page page;
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
        if (!is_known(argv[i])) {
            refuse(argv[i]);
            return CLI_USAGE;
        }
    }
    page_start(&page, stdout);
    for (int i = first; i < argc; i++) {
        for (size_t r = 0; r < rule_count; r++) {
            if (is_meant(&rule_table[r], argv[i])) {
                explain(&page, &rule_table[r]);
            }
        }
    }
    page_paragraph(
        &page,
        "The examples are C. In C++, vdi_set_close(set) is set->Close() and "
        "vdi_device_get_command(device, ...) is device->GetCommand(...). Functions without vdi_, such as "
        "write_all or statement_ended, stand for the client's own.");
    return CLI_CLEAN;
}

const struct verb verb_explain = {
    .name = "explain",
    .arguments = "RULE|GROUP|all...",
    .summary = "what a rule says, why, where it is documented, wrong and right code",
    .examples = "  vdifault explain VDI-CLOSE-001\n  vdifault explain CLOSE ABORT      # two groups\n",
    .run = run_explain,
};
