/* trace_select.c - the filter; see trace_select.h. */
#include "trace_select.h"

const struct view_call *trace_call_of(const struct view *view, const struct event *event)
{
    return view_find_call(view, event->kind == EVENT_CALL_BEGIN ? event->sequence : event->call);
}

/* A line may stand for several calls: its ordinal is the first one's. */
static bool is_in_range(const struct view_call *call, const struct trace_filter *filter)
{
    return call->ordinal != 0 && call->ordinal <= filter->last_call &&
           call->ordinal + call->repeated >= filter->first_call;
}

void trace_select(const struct view *view, const struct trace_filter *filter,
                  struct trace_selection *selection)
{
    *selection = (struct trace_selection){.view = view, .filter = *filter, .first_sequence = UINT64_MAX};
    for (size_t i = 0; i < view->call_count && filter->first_call != 0; i++) {
        const struct view_call *call = &view->calls[i];
        const struct report_event *last = call->end != NULL ? call->end : call->begin;
        if (!is_in_range(call, filter)) {
            continue;
        }
        if (selection->first_sequence == UINT64_MAX) {
            selection->first_sequence = call->begin->event.sequence;
        }
        if (last->event.sequence > selection->last_sequence) {
            selection->last_sequence = last->event.sequence;
        }
    }
}

static bool calls_match(const struct trace_selection *selection, const struct event *event,
                        const struct view_call *call)
{
    if (selection->filter.first_call == 0) {
        return true;
    }
    if (call != NULL && call->ordinal != 0) {
        return is_in_range(call, &selection->filter);
    }
    return event->sequence >= selection->first_sequence && event->sequence <= selection->last_sequence;
}

/* OpenDevice has its device only at its end. */
static bool device_matches(int32_t device, const struct event *event, const struct view_call *call)
{
    return device < 0 || event->device == device ||
           (call != NULL && (call->begin->event.device == device ||
                             (call->end != NULL && call->end->event.device == device)));
}

bool trace_selects(const struct trace_selection *selection, const struct report_event *report_event)
{
    const struct trace_filter *filter = &selection->filter;
    const struct event *event = &report_event->event;
    const struct view_call *call = trace_call_of(selection->view, event);
    if (filter->thread != 0 &&
        view_thread_number(selection->view, event->process, event->thread) != filter->thread) {
        return false;
    }
    if (filter->process != 0 && view_process_number(selection->view, event->process) != filter->process) {
        return false;
    }
    if (filter->function != 0 && (call == NULL || call->begin->event.function != filter->function)) {
        return false;
    }
    return device_matches(filter->device, event, call) && calls_match(selection, event, call);
}
