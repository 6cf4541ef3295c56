/* sweep_progress.c - see sweep_progress.h. */
#include "sweep_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "os.h"

#define REDRAW_NS INT64_C(200000000)
#define LINE_NS   INT64_C(5000000000)

void sweep_progress_start(struct sweep_progress *progress, size_t before)
{
    int64_t now = os_now();
    *progress = (struct sweep_progress){
        .terminal = isatty(STDERR_FILENO) != 0, .start_ns = now, .last_ns = now, .before = before};
}

void sweep_progress_show(struct sweep_progress *progress, size_t done, size_t all, size_t findings)
{
    int64_t now = os_now();
    if (now - progress->last_ns < (progress->terminal ? REDRAW_NS : LINE_NS)) {
        return;
    }
    double seconds = (double)(now - progress->start_ns) / 1e9;
    double rate = (double)(done - progress->before) / seconds;
    char left[32] = "?";
    if (rate > 0) {
        snprintf(left, sizeof left, "%.0f s", (double)(all - done) / rate);
    }
    progress->last_ns = now;
    progress->shown = progress->terminal;
    fprintf(stderr, "%s%zu of %zu runs, %.1f/s, %zu findings, %s left%s",
            progress->terminal ? "\r\033[K" : "", done, all, rate, findings, left,
            progress->terminal ? "" : "\n");
    fflush(stderr);
}

void sweep_progress_end(struct sweep_progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->shown = false;
    }
}
