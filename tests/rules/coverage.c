/* coverage.c - see coverage.h. */
#include "coverage.h"

#include <assert.h>
#include <string.h>

#include "rules.h"

enum {
    RULES_MAX = 256
};

/* Of spec 15 and design 4.5, in their order: how many rules each group has. */
static const struct group {
    const char *name;
    int count;
} groups[] = {{"CREATE", 6}, {"CFG", 10},   {"GETCFG", 5}, {"OPEN", 5}, {"SEC", 4},
              {"THR", 1},    {"GETCMD", 6}, {"CMD", 10},   {"BUF", 9},  {"IO", 7},
              {"DATA", 2},   {"FLUSH", 4},  {"COMP", 2},   {"SNAP", 5}, {"ABORT", 4},
              {"CLOSE", 6},  {"TERM", 2},   {"SQL", 4},    {"LIFE", 2}, {"OUT", 9}};

bool coverage_rule(size_t index, char id[static COVERAGE_ID_MAX])
{
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        if (index < (size_t)groups[g].count) {
            snprintf(id, COVERAGE_ID_MAX, "VDI-%s-%03d", groups[g].name, (int)index + 1);
            return true;
        }
        index -= (size_t)groups[g].count;
    }
    return false;
}

static struct {
    const char *caught, *silent;
} tests[RULES_MAX];

static size_t index_of(const char *rule)
{
    const struct rule_info *info = rule_find(rule);

    assert(info && rule_count <= RULES_MAX);
    return (size_t)(info - rule_table);
}

void coverage_caught(const char *rule, const char *test)
{
    size_t i = index_of(rule);

    tests[i].caught = tests[i].caught ? tests[i].caught : test;
}

void coverage_silent(const char *rule, const char *test)
{
    size_t i = index_of(rule);

    tests[i].silent = tests[i].silent ? tests[i].silent : test;
}

static bool judge_rule(size_t i)
{
    const struct rule_info *rule = &rule_table[i];
    bool good = true;

    if (rule->unchecked) {
        good = !tests[i].caught && strlen(rule->unchecked) > 20;
        if (!good) {
            fprintf(stderr, "%s is not checked, yet caught in %s\n", rule->id,
                    tests[i].caught ? tests[i].caught : "(no reason given)");
        }
        return good;
    }
    if (!tests[i].caught) {
        fprintf(stderr, "%s: no test catches it\n", rule->id);
        good = false;
    }
    if (!tests[i].silent) {
        fprintf(stderr, "%s: no test shows it silent (expect_not)\n", rule->id);
        good = false;
    }
    return good;
}

/* Each rule of the groups has one row. */
static bool judge_list(void)
{
    size_t total = 0;
    bool good = true;
    char id[COVERAGE_ID_MAX];

    for (; coverage_rule(total, id); total++) {
        if (!rule_find(id)) {
            fprintf(stderr, "%s is not in the table\n", id);
            good = false;
        }
    }
    if (rule_count > total) {
        fprintf(stderr, "the table has %zu rules, the documents %zu\n", rule_count, total);
        good = false;
    }
    return good;
}

bool coverage_judge(void)
{
    bool good = judge_list();

    for (size_t i = 0; i < rule_count; i++) {
        good = judge_rule(i) && good;
    }
    return good;
}

static void write_rule(FILE *out, size_t i)
{
    static const char *const kinds[] = {
        [RULE_NORMATIVE] = "N", [RULE_DERIVED] = "D", [RULE_ADVISORY] = "A", [RULE_OUTCOME] = "outcome"};
    const struct rule_info *rule = &rule_table[i];

    if (rule->unchecked) {
        fprintf(out, "| %s | %s | %s | no: %s | | |\n", rule->id, kinds[rule->kind], rule->says,
                rule->unchecked);
    } else {
        fprintf(out, "| %s | %s | %s | yes | %s | %s |\n", rule->id, kinds[rule->kind], rule->says,
                tests[i].caught ? tests[i].caught : "", tests[i].silent ? tests[i].silent : "");
    }
}

void coverage_markdown(FILE *out)
{
    size_t checked = 0;

    for (size_t i = 0; i < rule_count; i++) {
        checked += rule_table[i].unchecked == NULL;
    }
    fprintf(
        out,
        "# The rules\n\n%zu of %zu rules are checked. N normative (error), D derived (warning; error when an "
        "outcome rule confirms the harm), A advisory (info). `vdifault explain RULE` tells the reason, the "
        "source "
        "and the remedy. The last two columns name the tests in tests/rules that show the rule fires and "
        "stays "
        "silent. Written by `cmake --build BUILD --target docs`; a test compares.\n\n"
        "| rule | kind | what it says | checked | caught in | silent in |\n|---|---|---|---|---|---|\n",
        checked, rule_count);
    for (size_t i = 0; i < rule_count; i++) {
        write_rule(out, i);
    }
}
