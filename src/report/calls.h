/* calls.h - calls as a person reads them: one line each, and the ones around a moment. Internal to
 * src/report. */
#ifndef VDIFAULT_REPORT_CALLS_H
#define VDIFAULT_REPORT_CALLS_H

#include "view.h"

/* "GetCommand(timeout 1000) -> Write #3, 65536 bytes". */
void calls_describe(const struct view_call *call, char *text, size_t size);

/* Its two halves: "GetCommand(timeout 1000)" and "Write #3, 65536 bytes". */
void calls_describe_begin(const struct report_event *begin, char *text, size_t size);
void calls_describe_result(const struct view_call *call, char *text, size_t size);

/* A word under a call. */
struct calls_mark {
    const struct view_call *call;
    char text[FAULT_TEXT_MAX + 32];
};

/* What excerpts of a report share. */
struct calls_excerpts {
    const struct view *view;
    const struct calls_mark *marks;
    size_t mark_count;
    bool *shown; /* by index of the call: an excerpt has it */
};

/* The calls on the same set around `center`, a line for each, with its marks after each. */
void calls_print_around(FILE *out, const struct calls_excerpts *excerpts, const struct view_call *center);

#endif
