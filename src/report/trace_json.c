/* trace_json.c - a trace as JSON lines; see trace_print.h. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "json_text.h"
#include "trace_select.h"

/* A number, or null where 0 stands for "none". */
static json_t *number(uint64_t value)
{
    return value != 0 ? json_integer((json_int_t)value) : json_null();
}

static json_t *index_value(int32_t value)
{
    return value >= 0 ? json_integer(value) : json_null();
}

static json_t *arguments(const struct event *event)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < sizeof event->arg / sizeof event->arg[0]; i++) {
        json_array_append_new(array, json_integer(event->arg[i]));
    }
    return array;
}

/* What the numbers of a call mean; null for other events. */
static json_t *function_name(const struct event *event)
{
    bool known = event->function > VDI_FN_NONE && event->function < VDI_FN_COUNT;
    return json_text(known ? vdi_function_names[event->function] : NULL);
}

static json_t *result_name(const struct event *event)
{
    return json_text(event->kind == EVENT_CALL_END ? vdi_result_name(event->result) : NULL);
}

static json_t *command_name(const struct event *event)
{
    int64_t code =
        event->function == VDI_FN_GET_COMMAND && event->kind == EVENT_CALL_END && event->result == 0
            ? event->arg[1]
        : event->function == VDI_FN_COMPLETE_COMMAND && event->kind == EVENT_CALL_BEGIN ? event->arg[5]
                                                                                        : 0;
    return json_text(code > 0 && code <= INT32_MAX ? vdi_command_name((int32_t)code) : NULL);
}

static json_t *event_object(const struct view *view, const struct report_event *report_event)
{
    const struct event *event = &report_event->event;
    const struct view_call *call = trace_call_of(view, event);
    bool is_end = event->kind == EVENT_CALL_END;
    return json_pack(
        "{s:I, s:I, s:s, s:s, s:o, s:o, s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, "
        "s:o, s:I, s:o, s:o}",
        "sequence", (json_int_t)event->sequence, "ns", (json_int_t)(event->time_ns - view->start_ns), "kind",
        trace_kind_name(event->kind), "side", trace_side_name(event->side), "call",
        number(call != NULL ? call->ordinal : 0), "process",
        number(view_process_number(view, event->process)), "pid", (json_int_t)event->process, "thread",
        number(view_thread_number(view, event->process, event->thread)), "tid", (json_int_t)event->thread,
        "operation", index_value(event->operation), "set", number(event->set), "device",
        index_value(event->device), "function", function_name(event), "result",
        is_end ? json_integer(event->result) : json_null(), "result_name", result_name(event), "command",
        command_name(event), "begin", number(event->call), "repeat",
        is_end ? json_integer(event->repeat) : json_null(), "flags", (json_int_t)event->flags, "stack",
        number(event->stack), "version", (json_int_t)event->version, "args", arguments(event), "text",
        json_text(report_event->text != NULL ? report_event->text : ""));
}

int trace_print_json(FILE *out, const struct trace_print *print)
{
    struct view *view = NULL;
    struct trace_selection selection;
    int error = view_new(print->input, &view);
    if (error != 0) {
        return error;
    }
    trace_select(view, &print->filter, &selection);
    for (size_t i = 0; i < print->input->event_count && error == 0; i++) {
        const struct report_event *event = &print->input->events[i];
        if (!trace_selects(&selection, event)) {
            continue;
        }
        json_t *object = event_object(view, event);
        errno = 0;
        if (object == NULL) {
            error = ENOMEM;
        } else if (json_dumpf(object, out, JSON_COMPACT) != 0 || fputc('\n', out) == EOF) {
            error = errno != 0 ? errno : EIO;
        }
        json_decref(object);
    }
    errno = 0;
    if (error == 0 && fflush(out) != 0) {
        error = errno != 0 ? errno : EIO;
    }
    view_free(view);
    return error;
}
