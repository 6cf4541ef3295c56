/* text_findings.c - findings as a person reads them: what, where, in which calls, and what to do. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "recorded.h"
#include "text_print.h"

enum {
    FRAMES_SHOWN = 5,
    EXCERPTS_SHOWN = 3, /* findings with the calls around them */
    LINE_BYTES = 1024
};

static const char *severity_color(enum severity severity)
{
    return severity == SEVERITY_ERROR ? TEXT_RED : severity == SEVERITY_WARNING ? TEXT_YELLOW : "";
}

/* ---- marks ---- */

static void mark(struct calls_excerpts *excerpts, struct calls_mark *marks, uint64_t sequence,
                 const char *format, const char *text)
{
    const struct view_call *call = view_find_call(excerpts->view, sequence);

    if (call) {
        struct calls_mark *added = &marks[excerpts->mark_count++];

        added->call = call;
        snprintf(added->text, sizeof added->text, format, text);
    }
}

/* Every fault that fired, every finding. */
static bool excerpts_start(struct calls_excerpts *excerpts, const struct view *view)
{
    const struct report_input *input = view->input;
    size_t room = input->judgement->finding_count + 1;
    struct calls_mark *marks;
    char text[FAULT_TEXT_MAX];

    for (size_t i = 0; i < input->event_count; i++) {
        room += input->events[i].event.kind == EVENT_FAULT;
    }
    marks = calloc(room, sizeof *marks);
    *excerpts = (struct calls_excerpts){
        .view = view, .marks = marks, .shown = calloc(view->call_count + 1, sizeof(bool))};
    if (!marks || !excerpts->shown) {
        return false;
    }
    for (size_t i = 0; i < input->event_count; i++) {
        const struct event *event = &input->events[i].event;

        if (event->kind == EVENT_FAULT && event->arg[0] >= 0 && event->arg[0] < input->plan->fault_count) {
            fault_format(&input->plan->faults[event->arg[0]], text, sizeof text);
            mark(excerpts, marks, event->call, "%s fired here", text);
        }
    }
    for (size_t i = 0; i < input->judgement->finding_count; i++) {
        mark(excerpts, marks, input->judgement->findings[i].call, "%s",
             input->judgement->findings[i].rule->id);
    }
    return true;
}

/* ---- a finding ---- */

static void print_frames(FILE *out, const struct view *view, const char *label, const struct stack *stack)
{
    struct frames frames;
    char line[LINE_BYTES];
    size_t shown;

    view_frames(view, stack, &frames);
    shown = view->input->verbose || frames.count <= FRAMES_SHOWN + 1 ? frames.count : FRAMES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        symbols_format(frames.at[i], line, sizeof line);
        text_labelled(out, i ? "" : label, line);
    }
    if (shown < frames.count) {
        snprintf(line, sizeof line, "(%zu more with --verbose)", frames.count - shown);
        text_labelled(out, "", line);
    }
}

static void print_call(FILE *out, const struct view *view, const char *label, const struct view_call *call)
{
    const struct event *begin = &call->begin->event;
    char described[256], device[32] = "", line[LINE_BYTES];

    calls_describe(call, described, sizeof described);
    if (begin->device >= 0) {
        snprintf(device, sizeof device, ", device %d", begin->device);
    }
    snprintf(line, sizeof line, "%" PRIu64 ": %s%s, thread %u of process %u", call->ordinal, described,
             device, view_thread_number(view, begin->process, begin->thread),
             view_process_number(view, begin->process));
    text_labelled(out, label, line);
}

/* Quoted where a shell would take it apart. */
static void print_ignore(FILE *out, const struct view *view, const struct finding *finding)
{
    char entry[SUPPRESSION_MAX];

    suppression_for(view->symbols, finding, entry, sizeof entry);
    const char *quote = strpbrk(entry, " <>()&*[]~,$'\"") ? "'" : "";
    fprintf(out, "  %-*s--ignore %s%s%s\n", WRAP_INDENT - 2, "ignore", quote, entry, quote);
}

static void print_finding(FILE *out, const struct view *view, const struct finding *finding,
                          const struct calls_excerpts *excerpts, bool with_calls)
{
    const struct report_input *input = view->input;
    const struct view_call *call = view_find_call(view, finding->call);
    const struct view_call *other = view_find_call(view, finding->other.call);
    char line[64];

    fprintf(out, "%s%s%s %s%s", text_color(input, TEXT_BOLD),
            text_color(input, severity_color(finding->severity)), finding->rule->id,
            severity_name(finding->severity), text_color(input, TEXT_PLAIN));
    fprintf(out, finding->count > 1 ? ", %u times\n" : "\n", finding->count);
    text_labelled(out, "what", finding->message);
    if (call) {
        print_call(out, view, finding->count > 1 ? "first" : "call", call);
    }
    print_frames(out, view, "where", finding->stack);
    if (other) {
        print_call(out, view, "other", other);
        print_frames(out, view, "", finding->other.stack);
    }
    if (recorded_applies(finding->rule->id, input->recorded)) {
        text_labelled(out, "recorded",
                      "the open point it rests on was seen with a real server (server recorded)");
    }
    text_labelled(out, "fix", finding->rule->fix);
    snprintf(line, sizeof line, "vdifault explain %s", finding->rule->id);
    text_labelled(out, "more", line);
    print_ignore(out, view, finding);
    if (call && with_calls && !excerpts->shown[call - view->calls]) {
        fputc('\n', out);
        calls_print_around(out, excerpts, call);
    }
}

static void print_faults(FILE *out, const struct calls_excerpts *excerpts)
{
    const struct view *view = excerpts->view;
    const struct report_input *input = view->input;
    bool done[PLAN_FAULTS_MAX] = {false};

    for (size_t i = 0; i < input->event_count; i++) {
        const struct event *event = &input->events[i].event;
        const struct view_call *call = event->kind == EVENT_FAULT ? view_find_call(view, event->call) : NULL;

        if (!call || event->arg[0] < 0 || event->arg[0] >= PLAN_FAULTS_MAX || done[event->arg[0]]) {
            continue;
        }
        done[event->arg[0]] = true; /* the first time tells enough */
        if (!excerpts->shown[call - view->calls]) {
            text_heading(out, input, "Calls around the fault");
            calls_print_around(out, excerpts, call);
        }
    }
}

void text_findings(FILE *out, const struct view *view)
{
    const struct judgement *judgement = view->input->judgement;
    struct calls_excerpts excerpts;

    if (excerpts_start(&excerpts, view)) {
        for (size_t i = 0; i < judgement->finding_count; i++) {
            if (i == 0) {
                text_heading(out, view->input, "Findings");
            } else {
                fputc('\n', out);
            }
            print_finding(out, view, &judgement->findings[i], &excerpts,
                          view->input->verbose || i < EXCERPTS_SHOWN);
        }
        print_faults(out, &excerpts);
    }
    free((void *)excerpts.marks);
    free(excerpts.shown);
}
