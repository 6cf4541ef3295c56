/* trace_text.c - a trace as text: a scenario with `-> result` on each line; see trace_print.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calls.h"
#include "redact.h"
#include "trace_select.h"

enum {
    INNER_MAX = 32
};

/* A call whose end was not met yet waits for it with the events of its own thread; whatever else comes first
 * parts it into two lines. */
struct printer {
    FILE *out;
    const struct view *view;
    const struct view_call *pending; /* NULL: none */
    const struct report_event *inner[INNER_MAX];
    size_t inner_count;
};

/* Texts come from the client: no byte of them may steer a terminal or break a line. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        *text = byte < 0x20 || byte == 0x7f ? '?' : *text;
    }
}

static void print_line(struct printer *printer, const struct event *event, int number, const char *call,
                       char *text, uint64_t times)
{
    uint32_t thread = view_thread_number(printer->view, event->process, event->thread);
    char thread_text[16] = "-", device[16] = "-", times_text[40] = "";
    if (event->side == EVENT_SIDE_CLIENT && thread != 0) {
        snprintf(thread_text, sizeof thread_text, "%" PRIu32, thread);
    }
    if (number >= 0) {
        snprintf(device, sizeof device, "%d", number);
    }
    if (times > 1) {
        snprintf(times_text, sizeof times_text, "  (%" PRIu64 " times)", times);
    }
    make_printable(text);
    fprintf(printer->out, "%12.3f  %9s  %6s  %6s  %s%s\n",
            (double)(int64_t)(event->time_ns - printer->view->start_ns) / 1e6, call, thread_text, device,
            text, times_text);
}

static void print_other(struct printer *printer, const struct report_event *event)
{
    char text[TRACE_LINE_MAX];
    const char *mark;
    if (trace_describe(printer->view, event, &mark, text)) {
        print_line(printer, &event->event, event->event.device, mark, text, 1);
    }
}

static const char *ordinal_text(const struct view_call *call, char text[24])
{
    snprintf(text, 24, call->ordinal != 0 ? "%" PRIu64 : "by fault", call->ordinal);
    return text;
}

/* OpenDevice tells its device only at its end. */
static int device_of(const struct view_call *call)
{
    int begin = call->begin->event.device;
    return begin < 0 && call->end != NULL ? call->end->event.device : begin;
}

static void print_inner(struct printer *printer)
{
    for (size_t i = 0; i < printer->inner_count; i++) {
        print_other(printer, printer->inner[i]);
    }
    printer->inner_count = 0;
}

static void print_whole(struct printer *printer, const struct view_call *call)
{
    char text[TRACE_LINE_MAX], ordinal[24];
    calls_describe(call, text, sizeof text);
    print_line(printer, &call->begin->event, device_of(call), ordinal_text(call, ordinal), text,
               1 + call->repeated);
}

static void print_begin(struct printer *printer, const struct view_call *call)
{
    char text[TRACE_LINE_MAX], ordinal[24];
    calls_describe_begin(call->begin, text, sizeof text - 4);
    strcat(text, " ...");
    print_line(printer, &call->begin->event, device_of(call), ordinal_text(call, ordinal), text, 1);
}

static void print_end(struct printer *printer, const struct view_call *call)
{
    char text[TRACE_LINE_MAX], result[TRACE_LINE_MAX / 2], ordinal[24];
    calls_describe_result(call, result, sizeof result);
    snprintf(text, sizeof text, "... %s -> %s", vdi_function_names[call->begin->event.function], result);
    print_line(printer, &call->end->event, device_of(call), ordinal_text(call, ordinal), text,
               1 + call->repeated);
}

/* The begin was lost; the end tells what it can. */
static void print_orphan(struct printer *printer, const struct report_event *end)
{
    struct view_call call = {.begin = end, .end = end};
    char text[TRACE_LINE_MAX], result[TRACE_LINE_MAX / 2];
    calls_describe_result(&call, result, sizeof result);
    snprintf(text, sizeof text, "... %s -> %s", vdi_function_names[end->event.function], result);
    print_line(printer, &end->event, end->event.device, "?", text, 1 + end->event.repeat);
}

static void part_pending(struct printer *printer)
{
    if (printer->pending != NULL) {
        print_begin(printer, printer->pending);
        printer->pending = NULL;
        print_inner(printer);
    }
}

static void take_begin(struct printer *printer, const struct report_event *event)
{
    const struct view_call *call = trace_call_of(printer->view, &event->event);
    part_pending(printer);
    if (call != NULL && call->end == NULL) {
        print_whole(printer, call);
        return;
    }
    printer->pending = call;
}

static void take_end(struct printer *printer, const struct report_event *event)
{
    const struct view_call *call = trace_call_of(printer->view, &event->event);
    if (call != NULL && call == printer->pending && call->end == event) {
        print_whole(printer, call);
        printer->pending = NULL;
        print_inner(printer);
        return;
    }
    part_pending(printer);
    if (call != NULL && call->end == event) {
        print_end(printer, call);
    } else {
        print_orphan(printer, event);
    }
}

static void take_other(struct printer *printer, const struct report_event *event)
{
    const struct event *begin = printer->pending != NULL ? &printer->pending->begin->event : NULL;
    bool inside = begin != NULL && begin->process == event->event.process &&
                  begin->thread == event->event.thread && printer->inner_count < INNER_MAX;
    if (event->event.kind == EVENT_MODULE || event->event.kind == EVENT_STACK) {
        return;
    }
    if (inside) {
        printer->inner[printer->inner_count++] = event;
        return;
    }
    part_pending(printer);
    print_other(printer, event);
}

/* A word after a blank; `argument` is changed, NULL: there was no memory for it. */
static void print_argument(FILE *out, const char *label, char *argument)
{
    if (argument != NULL) {
        make_printable(argument);
    }
    fprintf(out, "%s %s", label, argument != NULL ? argument : "?");
}

static void print_client(FILE *out, const struct report_input *input)
{
    fputs("# client:", out);
    for (int i = 0; i < input->client_argc; i++) {
        char *argument = redact_argument(input->client_argc, input->client_argv, i);
        print_argument(out, "", argument);
        free(argument);
    }
    fputc('\n', out);
}

static void print_plan(FILE *out, const struct plan *plan)
{
    char *text = plan_text(plan);
    fputs(text != NULL ? text : "", out);
    free(text);
}

/* Comments, and the plan: what a scenario begins with. */
static void print_head(FILE *out, const struct view *view, const struct trace_print *print)
{
    const struct report_input *input = view->input;
    time_t seconds = (time_t)(print->started / 1000000);
    struct tm calendar;
    char date[40];
    if (input->client_argc > 0) {
        print_client(out, input);
    }
    if (print->started != 0 && gmtime_r(&seconds, &calendar) != NULL &&
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", &calendar) > 0) {
        fprintf(out, "# started: %s, %" PRId64 " ms\n", date, input->wall_ms);
    }
    fprintf(out, "# events: %zu, lost: %" PRIu64 "\n", input->event_count, input->events_dropped);
    if (print->dialect != NULL) {
        char *dialect = strdup(print->dialect);
        print_argument(out, "# dialect:", dialect);
        fputc('\n', out);
        free(dialect);
    }
    for (size_t i = 0; i < view->process_count; i++) {
        fprintf(out, "# process %zu (pid %" PRIu32 "): threads", i + 1, view->processes[i]);
        for (size_t k = 0; k < view->thread_count; k++) {
            if (view->threads[k].process == view->processes[i]) {
                fprintf(out, " %zu", k + 1);
            }
        }
        fputc('\n', out);
    }
    print_plan(out, input->plan);
    fprintf(out, "#%11s  %9s  %6s  %6s\n", "ms", "call", "thread", "device");
}

int trace_print_text(FILE *out, const struct trace_print *print)
{
    struct view *view = NULL;
    struct trace_selection selection;
    int error = view_new(print->input, &view);
    if (error != 0) {
        return error;
    }
    struct printer printer = {.out = out, .view = view};
    trace_select(view, &print->filter, &selection);
    print_head(out, view, print);
    for (size_t i = 0; i < print->input->event_count; i++) {
        const struct report_event *event = &print->input->events[i];
        if (!trace_selects(&selection, event)) {
            continue;
        }
        if (event->event.kind == EVENT_CALL_BEGIN) {
            take_begin(&printer, event);
        } else if (event->event.kind == EVENT_CALL_END) {
            take_end(&printer, event);
        } else {
            take_other(&printer, event);
        }
    }
    part_pending(&printer);
    error = fflush(out) != 0 || ferror(out) ? (errno != 0 ? errno : EIO) : 0;
    view_free(view);
    return error;
}
