/* sweep_progress.c - see sweep_progress.h. */
#include "sweep_progress.h"

#include <stdio.h>
#include <stdlib.h>

#include "os.h"

#define RED   "\033[31m"
#define PLAIN "\033[0m"

void sweep_progress_start(struct sweep_progress *progress, size_t before)
{
    *progress = (struct sweep_progress){.start_ns = os_now(), .before = before};
    status_line_start(&progress->line);
    progress->color = progress->line.terminal && getenv("NO_COLOR") == NULL;
}

/* "45 s", "3:07 min", "1:02 h" */
static void duration_text(double seconds, char *text, size_t size)
{
    unsigned long whole = (unsigned long)(seconds + 0.5);
    if (whole < 60) {
        snprintf(text, size, "%lu s", whole);
    } else if (whole < 3600) {
        snprintf(text, size, "%lu:%02lu min", whole / 60, whole % 60);
    } else {
        snprintf(text, size, "%lu:%02lu h", whole / 3600, whole / 60 % 60);
    }
}

int sweep_progress_text(const struct sweep_progress *progress, const struct sweep_extent *extent,
                        double seconds, char text[SWEEP_PROGRESS_MAX])
{
    size_t made = extent->done - progress->before; /* what the journal had cost no time */
    double rate = seconds > 0 ? (double)made / seconds : 0;
    bool red = progress->color && extent->findings > 0;
    char left[32] = "?";
    if (rate > 0) {
        duration_text((double)(extent->all - extent->done) / rate, left, sizeof left);
    }
    return snprintf(text, SWEEP_PROGRESS_MAX, "%zu of %zu runs, %.1f/s, %s%zu finding%s%s, %s left",
                    extent->done, extent->all, rate, red ? RED : "", extent->findings,
                    extent->findings == 1 ? "" : "s", red ? PLAIN : "", left);
}

void sweep_progress_show(struct sweep_progress *progress, const struct sweep_extent *extent)
{
    char text[SWEEP_PROGRESS_MAX];
    sweep_progress_text(progress, extent, (double)(os_now() - progress->start_ns) / 1e9, text);
    status_line_show(&progress->line, "%s", text);
}

void sweep_progress_end(struct sweep_progress *progress)
{
    status_line_end(&progress->line);
}
