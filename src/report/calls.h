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

/* The calls on the same set around `center`, a line for each, with `mark` after the line of the center. */
void calls_print_around(FILE *out, const struct view *view, const struct view_call *center, const char *mark);

#endif
