/* verdict.c - the rules' judgement of a session, and its report; see world.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "symbols.h"
#include "trace_print.h"
#include "view.h"
#include "world.h"

/* Of a program with a sanitizer: where in its source an address is. */
extern void __sanitizer_symbolize_pc(void *address, const char *format, char *text, size_t size)
    __attribute__((weak));

/* "client.c:42 backup", or "". */
static void place_of(const struct finding *finding, char *text, size_t size)
{
    text[0] = '\0';
    if (finding->stack != NULL && finding->stack->frame_count > 0 && __sanitizer_symbolize_pc != NULL) {
        void *address = (void *)(uintptr_t)(finding->stack->frames[0].address + 1);
        __sanitizer_symbolize_pc(address, "%s:%l %f", text, size);
    }
}

static void describe(const struct finding *finding, struct verdict *verdict)
{
    char place[VERDICT_PLACE_MAX];
    place_of(finding, place, sizeof place);
    snprintf(verdict->rule, sizeof verdict->rule, "%s", finding->rule->id);
    verdict->function = finding->function != VDI_FN_NONE ? vdi_function_names[finding->function] : "";
    snprintf(verdict->text, sizeof verdict->text, "%s%s%s", finding->message, place[0] != '\0' ? " at " : "",
             place);
}

static void print(const struct plan *plan, const struct judgement *judgement, FILE *out)
{
    struct trace_print trace = {
        .input = &(struct report_input){.judgement = judgement,
                                        .plan = plan,
                                        .events = run_events(),
                                        .event_count = run_event_count()},
        .filter = {.device = -1},
    };
    trace_print_text(out, &trace);
    for (size_t i = 0; i < judgement->finding_count; i++) {
        const struct finding *finding = &judgement->findings[i];
        struct verdict line;
        describe(finding, &line);
        fprintf(out, "%s %s %s%s%s\n", severity_name(finding->severity), line.rule, line.function,
                line.function[0] != '\0' ? ": " : "", line.text);
    }
}

void verdict_reach(const struct plan *plan, struct verdict *verdict, FILE *out, enum world_report report)
{
    struct checker *checker = NULL;
    *verdict = (struct verdict){.function = ""};
    if (checker_new(plan, &checker) != 0) {
        return;
    }
    const struct report_event *events = run_events();
    for (size_t i = 0; i < run_event_count(); i++) {
        checker_feed(checker, &events[i].event, events[i].text);
    }
    if (run_is_full()) {
        checker_gap(checker);
    }
    const struct judgement *judgement = checker_finish(checker);
    memcpy(verdict->fired, judgement->fired, sizeof verdict->fired);
    if (judgement->finding_count > 0 && judgement->findings[0].severity == SEVERITY_ERROR) {
        describe(&judgement->findings[0], verdict);
    }
    if (report == WORLD_REPORT_ALL || (report == WORLD_REPORT_ERRORS && verdict->rule[0] != '\0')) {
        print(plan, judgement, out);
    }
    checker_free(checker);
}

/* --- symbols.h, for the trace's printer: places are told above, without reading the program's own file --- */

int symbols_new(struct symbols **symbols)
{
    *symbols = NULL;
    return 0;
}

void symbols_free(struct symbols *symbols)
{
    (void)symbols;
}

const struct symbols_place *symbols_find(struct symbols *symbols, const char *module, uint64_t base,
                                         uint64_t address)
{
    static const struct symbols_place unknown = {.module = "?"};
    (void)symbols, (void)module, (void)base, (void)address;
    return &unknown;
}
