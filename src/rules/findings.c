/* findings.c - collects findings: merging, severity, where in the client, order. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"
#include "vdierror.h"

static const enum severity kind_severity[] = {
    [RULE_NORMATIVE] = SEVERITY_ERROR,
    [RULE_DERIVED] = SEVERITY_WARNING,
    [RULE_ADVISORY] = SEVERITY_INFO,
    [RULE_OUTCOME] = SEVERITY_ERROR,
};
static const enum assumption kind_assumption[] = {
    [RULE_NORMATIVE] = ASSUMPTION_DOCUMENTED,
    [RULE_DERIVED] = ASSUMPTION_DERIVED,
    [RULE_ADVISORY] = ASSUMPTION_DOCUMENTED,
    [RULE_OUTCOME] = ASSUMPTION_DERIVED,
};

const char *result_text(int32_t result, char buffer[16])
{
    const char *name = vdi_result_name(result);

    if (name) {
        return name;
    }
    snprintf(buffer, 16, "0x%08x", (unsigned)result);
    return buffer;
}

const char *command_text(int32_t code, char buffer[32])
{
    const char *name = vdi_command_name(code);

    if (name) {
        return name;
    }
    snprintf(buffer, 32, "command %d", (int)code);
    return buffer;
}

void finding_set_other(struct checker *checker, const struct call *other)
{
    struct finding *finding = checker->last_finding;

    if (finding && other->sequence) {
        finding->other.call = other->sequence;
        finding->other.thread = other->thread;
        finding->other.stack = stacks_find(checker, other->stack);
    }
}

void finding_set_assumption(struct checker *checker, enum assumption assumption)
{
    if (checker->last_finding) {
        checker->last_finding->assumption = assumption;
    }
}

bool finding_exists(const struct checker *checker, const char *rule)
{
    for (uint32_t i = 0; i < checker->finding_count; i++) {
        if (strcmp(checker->findings[i].rule->id, rule) == 0) {
            return true;
        }
    }
    return false;
}

/* The finding of the same rule, function and stack: one bug is told once (design 4.5). */
static struct finding *find_same(struct checker *checker, const struct rule_info *rule, uint16_t function,
                                 const struct stack *stack)
{
    for (uint32_t i = 0; i < checker->finding_count; i++) {
        struct finding *finding = &checker->findings[i];

        if (finding->rule == rule && finding->function == function &&
            (stack && finding->stack ? finding->stack->place == stack->place : finding->stack == stack)) {
            return finding;
        }
    }
    return NULL;
}

/* Once, and as often as the call was repeated; as many as there are numbers for. */
static void count_more(struct finding *finding, uint32_t repeat)
{
    uint64_t count = (uint64_t)finding->count + 1 + repeat;

    finding->count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

static void add(struct checker *checker, enum severity cap, const char *id, const struct call *call,
                int32_t operation, int16_t device, const char *format, va_list arguments)
{
    static const struct call no_call = {.device = -1, .operation = -1};
    const struct rule_info *rule = rule_find(id);
    const struct call *at = call ? call : &no_call;
    const struct stack *stack = stacks_find(checker, at->stack);
    struct finding *finding;
    enum severity severity;

    assert(rule);
    severity = kind_severity[rule->kind] < cap ? kind_severity[rule->kind] : cap;
    checker->last_finding = NULL;
    finding = find_same(checker, rule, at->function, stack);
    if (finding) {
        count_more(finding, at->repeat);
        finding->severity = severity > finding->severity ? severity : finding->severity;
        return;
    }
    if (checker->finding_count == FINDINGS_MAX) {
        return;
    }
    finding = &checker->findings[checker->finding_count++];
    *finding = (struct finding){.rule = rule,
                                .severity = severity,
                                .assumption = kind_assumption[rule->kind],
                                .operation = operation,
                                .device = device,
                                .call = at->sequence,
                                .function = at->function,
                                .process = at->process,
                                .thread = at->thread,
                                .stack = stack};
    count_more(finding, at->repeat);
    checker->last_finding = finding;
    vsnprintf(finding->message, sizeof finding->message, format, arguments);
}

void finding_add(struct checker *checker, const char *rule, const struct call *call, int32_t operation,
                 int16_t device, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(checker, SEVERITY_ERROR, rule, call, operation, device, format, arguments);
    va_end(arguments);
}

void finding_add_capped(struct checker *checker, enum severity cap, const char *rule, const struct call *call,
                        int32_t operation, int16_t device, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(checker, cap, rule, call, operation, device, format, arguments);
    va_end(arguments);
}

/* A derived rule's warning becomes an error when an outcome rule shows the harm in the same operation. */
static bool harm_confirmed(const struct checker *checker, const struct finding *finding)
{
    for (uint32_t i = 0; i < checker->finding_count; i++) {
        const struct finding *other = &checker->findings[i];

        if (other->rule->kind == RULE_OUTCOME && other->severity == SEVERITY_ERROR &&
            (other->operation == finding->operation || other->operation < 0)) {
            return true;
        }
    }
    return false;
}

/* What only a hostile server could provoke is worth knowing, but no error, short of corruption or a lie. */
static bool stays_error_under_hostility(const struct finding *finding)
{
    return strcmp(finding->rule->id, "VDI-OUT-001") == 0 || strcmp(finding->rule->id, "VDI-OUT-003") == 0;
}

/* What a record with gaps still proves: hangs and deaths are seen by the supervisor itself. */
static bool stands_in_a_gap(const struct finding *finding)
{
    return strcmp(finding->rule->id, "VDI-OUT-002") == 0 || strcmp(finding->rule->id, "VDI-OUT-003") == 0;
}

static int by_severity_then_call(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;

    if (a->severity != b->severity) {
        return a->severity > b->severity ? -1 : 1;
    }
    if (a->call != b->call) {
        return a->call < b->call ? -1 : 1;
    }
    return strcmp(a->rule->id, b->rule->id);
}

void findings_settle(struct checker *checker)
{
    for (uint32_t i = 0; i < checker->finding_count; i++) {
        struct finding *finding = &checker->findings[i];

        if (finding->rule->kind == RULE_DERIVED && harm_confirmed(checker, finding)) {
            finding->severity = SEVERITY_ERROR;
        }
    }
    for (uint32_t i = 0; checker->hostile_fired && i < checker->finding_count; i++) {
        if (!stays_error_under_hostility(&checker->findings[i])) {
            checker->findings[i].severity = SEVERITY_INFO;
        }
    }
    for (uint32_t i = 0; checker->incomplete && i < checker->finding_count; i++) {
        if (!stands_in_a_gap(&checker->findings[i])) {
            checker->findings[i].severity = SEVERITY_INFO;
        }
    }
    qsort(checker->findings, checker->finding_count, sizeof checker->findings[0], by_severity_then_call);
}
