/* coverage.h - which test shows that a rule fires, and which that it stays silent.
 *
 * The words of dsl.h tell: `expect...` of a rule makes the test one that catches it, `expect_not` one in which a
 * correct client comes near and nothing is said. Every rule that is checked must have both (coverage_judge), and
 * docs/rules.md is the table of it.
 */
#ifndef VDIFAULT_TESTS_RULES_COVERAGE_H
#define VDIFAULT_TESTS_RULES_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
    COVERAGE_ID_MAX = 32
};

/* The id of the rule at `index` in the list of spec 15 and design 4.5; false behind the last. */
bool coverage_rule(size_t index, char id[static COVERAGE_ID_MAX]);

void coverage_caught(const char *rule, const char *test);
void coverage_silent(const char *rule, const char *test);

/* False, with the reasons on stderr: a rule lacks a test, or has one although it is not checked, or the table is
 * not the list of spec 15 and design 4.5. */
bool coverage_judge(void);
void coverage_markdown(FILE *out);

#endif
