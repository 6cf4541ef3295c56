/* calls.c - see calls.h. */
#include "calls.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "vdi.h"
#include "vdierror.h"

enum {
    CALLS_BEFORE = 4,
    CALLS_AFTER = 6,
    LOOK_BACK = 200, /* for calls that differ from each other */
    LINE_MAX_BYTES = 256,
};

/* A text that grows within a fixed size. */
struct line {
    char *text;
    size_t size, used;
};

static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct line *line, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);
    va_end(arguments);
    if (length > 0) {
        size_t room = line->size - line->used - 1;

        line->used += (size_t)length < room ? (size_t)length : room;
    }
}

static void put_command(struct line *line, int32_t code)
{
    const char *name = vdi_command_name(code);

    if (name) {
        put(line, "%s", name);
    } else {
        put(line, "command %d", (int)code);
    }
}

static void put_completion(struct line *line, int32_t code)
{
    const char *name = vdi_completion_name(code);

    if (name) {
        put(line, "%s", name);
    } else {
        put(line, "error %d", (int)code);
    }
}

static void put_complete_command(struct line *line, const struct event *begin)
{
    if (begin->arg[5]) {
        put_command(line, (int32_t)begin->arg[5]);
    } else {
        put(line, "0x%" PRIx64, (uint64_t)begin->arg[0]);
    }
    put(line, ", ");
    put_completion(line, (int32_t)begin->arg[1]);
    if (begin->arg[5] == VDC_Read || begin->arg[5] == VDC_Write || begin->arg[2]) {
        put(line, ", %" PRId64 " bytes", begin->arg[2]);
    }
}

static void put_arguments(struct line *line, const struct report_event *begin)
{
    const struct event *event = &begin->event;

    if (event->flags & EVENT_FLAG_BY_FAULT) {
        return; /* made by a fault: nothing was passed */
    }
    switch (event->function) {
    case VDI_FN_CREATE:
        put(line, "\"%s\", %" PRId64 " devices", begin->text ? begin->text : "", event->arg[0]);
        break;
    case VDI_FN_OPEN_DEVICE:
    case VDI_FN_OPEN_IN_SECONDARY:
        put(line, "\"%s\"", begin->text ? begin->text : "");
        break;
    case VDI_FN_GET_CONFIGURATION:
    case VDI_FN_GET_COMMAND:
        put(line, "timeout %" PRId64, event->arg[0]);
        break;
    case VDI_FN_COMPLETE_COMMAND:
        put_complete_command(line, event);
        break;
    default:
        break;
    }
}

static void put_result(struct line *line, const struct view_call *call)
{
    const struct event *end = call->end ? &call->end->event : NULL;
    const char *name = end ? vdi_result_name(end->result) : NULL;

    if (!end) {
        put(line, "(did not return)");
    } else if (end->function == VDI_FN_GET_COMMAND && end->result == 0) {
        put_command(line, (int32_t)end->arg[1]);
        if (end->arg[5] > 0) {
            put(line, " #%" PRId64, end->arg[5]);
        }
        if (end->arg[1] == VDC_Read || end->arg[1] == VDC_Write) {
            put(line, ", %" PRId64 " bytes", end->arg[2]);
        }
    } else if (name) {
        put(line, "%s", name);
    } else {
        put(line, "0x%08x", (unsigned)end->result);
    }
}

void calls_describe_begin(const struct report_event *begin, char *text, size_t size)
{
    struct line line = {.text = text, .size = size};

    text[0] = '\0';
    put(&line, "%s(", vdi_function_names[begin->event.function]);
    put_arguments(&line, begin);
    put(&line, ")");
}

void calls_describe_result(const struct view_call *call, char *text, size_t size)
{
    struct line line = {.text = text, .size = size};

    text[0] = '\0';
    put_result(&line, call);
}

void calls_describe(const struct view_call *call, char *text, size_t size)
{
    struct line line = {.text = text, .size = size};

    calls_describe_begin(call->begin, text, size);
    line.used = strlen(text);
    put(&line, " -> ");
    put_result(&line, call);
}

/* Consecutive lines that say the same are one line. */
struct printer {
    FILE *out;
    const struct view *view;
    const struct view_call *pending;
    uint64_t times;
    char text[LINE_MAX_BYTES];
};

static void flush_line(struct printer *printer)
{
    const struct view_call *call = printer->pending;
    const struct event *begin = call ? &call->begin->event : NULL;
    char times[32] = "", device[16] = "-", ordinal[24] = "fault";

    if (!call) {
        return;
    }
    if (printer->times > 1) {
        snprintf(times, sizeof times, "  (%" PRIu64 " times)", printer->times);
    }
    if (begin->device >= 0) {
        snprintf(device, sizeof device, "%d", begin->device);
    }
    if (call->ordinal) {
        snprintf(ordinal, sizeof ordinal, "%" PRIu64, call->ordinal);
    }
    fprintf(printer->out, "  %10.3f  %8s  %6u  %6s  %s%s\n",
            (double)(int64_t)(begin->time_ns - printer->view->start_ns) / 1e6, ordinal,
            view_thread_number(printer->view, begin->process, begin->thread), device, printer->text, times);
    printer->pending = NULL;
}

static void print_call(struct printer *printer, const struct view_call *call)
{
    char text[LINE_MAX_BYTES];
    const struct event *last = printer->pending ? &printer->pending->begin->event : NULL;
    const struct event *begin = &call->begin->event;

    calls_describe(call, text, sizeof text);
    if (last && last->thread == begin->thread && last->process == begin->process &&
        last->device == begin->device && strcmp(text, printer->text) == 0) {
        printer->times += 1 + call->repeated;
        return;
    }
    flush_line(printer);
    printer->pending = call;
    printer->times = 1 + call->repeated;
    memcpy(printer->text, text, sizeof text);
}

/* Of the same set; on other devices only calls of the same thread, so that busy neighbours do not fill the
 * page. */
static bool is_related(const struct view_call *call, const struct view_call *center)
{
    const struct event *a = &call->begin->event, *b = &center->begin->event;

    return a->set == b->set && (a->device == b->device || a->device < 0 || b->device < 0 ||
                                (a->thread == b->thread && a->process == b->process));
}

/* So many lines back: calls that say the same are one. */
static const struct view_call *first_before(const struct view *view, const struct view_call *center)
{
    const struct view_call *call = center, *first = center;
    char text[LINE_MAX_BYTES], last[LINE_MAX_BYTES] = "";
    int lines = 0;

    for (int steps = 0; steps < LOOK_BACK && call > view->calls; steps++) {
        call--;
        if (!is_related(call, center)) {
            continue;
        }
        calls_describe(call, text, sizeof text);
        lines += strcmp(text, last) != 0;
        if (lines > CALLS_BEFORE) {
            break;
        }
        memcpy(last, text, sizeof last);
        first = call;
    }
    return first;
}

/* Marks are the same only once: a fault that fired twice in a call is one. */
static void print_marks(FILE *out, const struct calls_excerpts *excerpts, const struct view_call *call)
{
    for (size_t i = 0; i < excerpts->mark_count; i++) {
        const struct calls_mark *mark = &excerpts->marks[i];
        bool said = false;

        for (size_t k = 0; k < i && !said; k++) {
            said = excerpts->marks[k].call == call && strcmp(excerpts->marks[k].text, mark->text) == 0;
        }
        if (mark->call == call && !said) {
            fprintf(out, "  %10s  %8s  %6s  %6s  ^ %s\n", "", "", "", "", mark->text);
        }
    }
}

static bool is_marked(const struct calls_excerpts *excerpts, const struct view_call *call)
{
    for (size_t i = 0; i < excerpts->mark_count; i++) {
        if (excerpts->marks[i].call == call) {
            return true;
        }
    }
    return false;
}

void calls_print_around(FILE *out, const struct calls_excerpts *excerpts, const struct view_call *center)
{
    const struct view *view = excerpts->view;
    struct printer printer = {.out = out, .view = view};
    const struct view_call *end = view->calls + view->call_count;
    int left = CALLS_AFTER;

    fprintf(out, "  %10s  %8s  %6s  %6s\n", "ms", "call", "thread", "device");
    for (const struct view_call *call = first_before(view, center); call < end && left > 0; call++) {
        bool new_line;

        if (!is_related(call, center)) {
            continue;
        }
        print_call(&printer, call);
        excerpts->shown[call - view->calls] = true;
        new_line = printer.pending == call;
        left -= call > center && new_line;
        if (is_marked(excerpts, call)) {
            flush_line(&printer);
            print_marks(out, excerpts, call);
        }
    }
    flush_line(&printer);
}
