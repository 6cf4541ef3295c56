/* trace_select.h - which events a filter lets through, and the words for them. Internal to src/report. */
#ifndef VDIFAULT_TRACE_SELECT_H
#define VDIFAULT_TRACE_SELECT_H

#include "trace_print.h"
#include "view.h"

enum {
    TRACE_LINE_MAX = EVENT_TEXT_MAX + 256
};

struct trace_selection {
    const struct view *view;
    struct trace_filter filter;
    uint64_t first_sequence, last_sequence; /* of the calls that the filter names */
};

void trace_select(const struct view *view, const struct trace_filter *filter,
                  struct trace_selection *selection);
bool trace_selects(const struct trace_selection *selection, const struct report_event *event);

/* The call an event begins, ends or belongs to; NULL: none. */
const struct view_call *trace_call_of(const struct view *view, const struct event *event);

const char *trace_kind_name(uint8_t kind); /* "call-begin", ...: the JSON lines' words */
const char *trace_side_name(uint8_t side);
/* An event that is neither begin nor end of a call, as words for its line; `mark` stands in the call column.
 * False: it is bookkeeping, not for a person. */
bool trace_describe(const struct view *view, const struct report_event *event, const char **mark,
                    char text[TRACE_LINE_MAX]);

#endif
