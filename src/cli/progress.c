/* progress.c - elapsed time, calls, megabytes. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "os.h"

#define FIRST_NS  2000000000
#define REDRAW_NS 250000000

void progress_start(struct progress *progress)
{
    int64_t now = os_now();
    *progress = (struct progress){.terminal = isatty(STDERR_FILENO) != 0, .start_ns = now, .last_ns = now};
}

void progress_show(struct progress *progress, const struct record *record)
{
    int64_t now = os_now();
    if (!progress->terminal || now - progress->start_ns < FIRST_NS || now - progress->last_ns < REDRAW_NS) {
        return;
    }
    progress->last_ns = now;
    progress->shown = true;
    fprintf(stderr, "\r\033[K%.0f s, %" PRIu64 " calls, %.0f MB", (double)(now - progress->start_ns) / 1e9,
            record->calls, (double)record->bytes / 1e6);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->shown = false;
    }
}
