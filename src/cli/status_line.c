/* status_line.c - see status_line.h. */
#include "status_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os.h"

#define REDRAW_NS INT64_C(200000000)
#define PLAIN_NS  INT64_C(5000000000)
#define WIPE      "\r\033[K"

void status_line_start(struct status_line *line)
{
    const char *kind = getenv("TERM");
    bool terminal = isatty(STDERR_FILENO) != 0 && kind != NULL && strcmp(kind, "dumb") != 0;
    *line = (struct status_line){.terminal = terminal, .last_ns = os_now()};
}

void status_line_show(struct status_line *line, const char *format, ...)
{
    va_list values;
    int64_t now = os_now();
    if (now - line->last_ns < (line->terminal ? REDRAW_NS : PLAIN_NS)) {
        return;
    }
    line->last_ns = now;
    line->shown = line->terminal;
    fputs(line->terminal ? WIPE : "", stderr);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputs(line->terminal ? "" : "\n", stderr);
    fflush(stderr);
}

void status_line_end(struct status_line *line)
{
    if (line->shown) {
        fputs(WIPE, stderr);
        fflush(stderr);
        line->shown = false;
    }
}
