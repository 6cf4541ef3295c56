/* api.c - see vdifault.h. */
#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "vdifault.h"
#include "world.h"

int vdifault_session(const char *plan_text_given, char *text, size_t size)
{
    static struct plan plan;
    struct fault_error error;
    struct verdict verdict;
    uint32_t line = 0;
    plan_init(&plan);
    plan.size = WORLD_SIZE;
    if (plan_parse(plan_text_given, strlen(plan_text_given), &plan, &error, &line) != 0) {
        snprintf(text, size, "line %u of the plan: %s", (unsigned)line, error.message);
        return -1;
    }
    world_run(&plan, &verdict, NULL, WORLD_REPORT_NOTHING);
    text[0] = '\0';
    if (verdict.rule[0] != '\0') {
        snprintf(text, size, "%s %s: %s", verdict.rule, verdict.function, verdict.text);
    }
    return verdict.rule[0] != '\0';
}
