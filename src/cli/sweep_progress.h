/* sweep_progress.h - how far a sweep is: one line redrawn on a terminal, a plain line every few seconds elsewhere.
 * Colour only on a terminal and without NO_COLOR. Threads: one. */
#ifndef VDIFAULT_SWEEP_PROGRESS_H
#define VDIFAULT_SWEEP_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SWEEP_PROGRESS_MAX = 160
};

struct sweep_progress {
    bool terminal; /* one that can redraw a line */
    bool color;
    bool shown; /* a line that is to be wiped */
    int64_t start_ns;
    int64_t last_ns;
    size_t before; /* runs that a journal had */
};

/* How far it is. */
struct sweep_extent {
    size_t done;
    size_t all;
    size_t findings; /* different ones */
};

void sweep_progress_start(struct sweep_progress *progress, size_t before);
void sweep_progress_show(struct sweep_progress *progress, const struct sweep_extent *extent);
void sweep_progress_end(struct sweep_progress *progress);

/* The line itself, after so much time. Returns as snprintf. */
int sweep_progress_text(const struct sweep_progress *progress, const struct sweep_extent *extent,
                        double seconds, char text[SWEEP_PROGRESS_MAX]);

#endif
