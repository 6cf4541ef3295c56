/* sequence.c - the calls of a run around what matters, as JSON: what a diagram of client, library and server is drawn
 * from. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "json_text.h"
#include "trace_select.h"

enum {
    SEQUENCE_MAX = 60 /* steps that are shown of a run */
};

/* Steps of the run, a line each: calls, faults, what the server and the supervisor tell. */
struct steps {
    const struct view *view;
    const struct report_event **list;
    bool *shown;
    size_t count;
};

static bool is_step(const struct view *view, const struct report_event *event)
{
    const char *mark;
    char text[TRACE_LINE_MAX];

    switch (event->event.kind) {
    case EVENT_CALL_BEGIN:
        return view_find_call(view, event->event.sequence) != NULL;
    case EVENT_FAULT:
    case EVENT_STATEMENT_BEGIN:
    case EVENT_STATEMENT_OPEN:
    case EVENT_STATEMENT_END:
    case EVENT_MESSAGE:
    case EVENT_ACCESS:
    case EVENT_PROCESS_EXIT:
    case EVENT_HANG:
        return trace_describe(view, event, &mark, text);
    default:
        return false;
    }
}

static void show_around(struct steps *steps, size_t center, size_t most)
{
    size_t first = center > most / 2 ? center - most / 2 : 0;

    first = first + most > steps->count ? (steps->count > most ? steps->count - most : 0) : first;
    for (size_t i = first; i < steps->count && i < first + most; i++) {
        steps->shown[i] = true;
    }
}

/* The first finding that was made at a call, in run order; 0: none was. */
static uint64_t first_finding(const struct judgement *judgement)
{
    uint64_t first = 0;

    for (size_t i = 0; i < judgement->finding_count; i++) {
        uint64_t call = judgement->findings[i].call;

        first = call && (!first || call < first) ? call : first;
    }
    return first;
}

static void choose(struct steps *steps)
{
    uint64_t found = first_finding(steps->view->input->judgement);
    size_t fault = SIZE_MAX, finding = SIZE_MAX;

    for (size_t i = 0; i < steps->count; i++) {
        const struct event *event = &steps->list[i]->event;

        fault = fault == SIZE_MAX && event->kind == EVENT_FAULT ? i : fault;
        finding = found && event->sequence == found ? i : finding;
    }
    if (fault != SIZE_MAX && finding != SIZE_MAX) {
        show_around(steps, fault, SEQUENCE_MAX / 2);
        show_around(steps, finding, SEQUENCE_MAX / 2);
    } else {
        size_t center = fault != SIZE_MAX ? fault : finding != SIZE_MAX ? finding : 0;

        show_around(steps, center, SEQUENCE_MAX);
    }
}

static json_t *rules_value(const struct judgement *judgement, uint64_t call)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < judgement->finding_count && call; i++) {
        if (judgement->findings[i].call == call) {
            json_array_append_new(rules, json_string(judgement->findings[i].rule->id));
        }
    }
    return rules;
}

static const char *side_of(const struct event *event)
{
    return event->kind == EVENT_FAULT || event->flags & EVENT_FLAG_BY_FAULT ? "fault"
           : event->side == EVENT_SIDE_SERVER                               ? "server"
                                                                            : "client";
}

static json_t *step_value(const struct view *view, const struct report_event *step)
{
    const struct event *event = &step->event;
    const struct view_call *call =
        event->kind == EVENT_CALL_BEGIN ? view_find_call(view, event->sequence) : NULL;
    const struct event *end = call && call->end ? &call->end->event : NULL;
    char text[TRACE_LINE_MAX];
    char result[256] = "";
    const char *mark;
    bool faulted = event->kind == EVENT_FAULT || (end && end->flags & EVENT_FLAG_FAULTED);
    int32_t device = event->device < 0 && end ? end->device : event->device;
    uint32_t thread =
        event->side == EVENT_SIDE_CLIENT ? view_thread_number(view, event->process, event->thread) : 0;

    if (call) {
        calls_describe_begin(call->begin, text, sizeof text);
        calls_describe_result(call, result, sizeof result);
    } else {
        trace_describe(view, step, &mark, text);
    }
    return json_pack("{s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:b, s:o}", "n",
                     call && call->ordinal ? json_integer((json_int_t)call->ordinal) : json_null(), "t_us",
                     (json_int_t)((event->time_ns - view->start_ns) / 1000), "side", side_of(event), "thread",
                     thread ? json_integer(thread) : json_null(), "device",
                     device >= 0 ? json_integer(device) : json_null(), "text", json_text(text), "result",
                     result[0] ? json_text(result) : json_null(), "fault", faulted, "rules",
                     rules_value(view->input->judgement, call ? event->sequence : 0));
}

int report_sequence(const struct report_input *input, json_t **value)
{
    struct steps steps = {0};
    struct view *view = NULL;
    int result = view_new(input, &view);

    *value = NULL;
    if (result) {
        return result;
    }
    steps.view = view;
    steps.list = calloc(input->event_count + 1, sizeof(struct report_event *));
    steps.shown = calloc(input->event_count + 1, sizeof *steps.shown);
    *value = json_array();
    if (!steps.list || !steps.shown || !*value) {
        json_decref(*value);
        *value = NULL;
        result = ENOMEM;
        goto out;
    }
    for (size_t i = 0; i < input->event_count; i++) {
        if (is_step(view, &input->events[i])) {
            steps.list[steps.count++] = &input->events[i];
        }
    }
    choose(&steps);
    for (size_t i = 0; i < steps.count; i++) {
        if (steps.shown[i]) {
            json_array_append_new(*value, step_value(view, steps.list[i]));
        }
    }
out:
    free(steps.list);
    free(steps.shown);
    view_free(view);
    return result;
}
