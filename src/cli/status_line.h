/* status_line.h - how far something long is, on stderr: one line redrawn on a terminal that can do that, a plain line
 * every few seconds elsewhere. Threads: one. */
#ifndef VDIFAULT_STATUS_LINE_H
#define VDIFAULT_STATUS_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct status_line {
    bool terminal; /* one that can redraw a line */
    bool shown;    /* a line that is to be wiped */
    int64_t last_ns;
};

void status_line_start(struct status_line *line);
/* Does nothing as long as the last one is new. */
void status_line_show(struct status_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Wipes the line; more can be shown after. */
void status_line_end(struct status_line *line);

#endif
