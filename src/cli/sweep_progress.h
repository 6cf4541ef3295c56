/* sweep_progress.h - how far a sweep is, as a status line. Colour only on a terminal and without NO_COLOR. Threads:
 * one. */
#ifndef VDIFAULT_SWEEP_PROGRESS_H
#define VDIFAULT_SWEEP_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status_line.h"

enum {
    SWEEP_PROGRESS_MAX = 160
};

struct sweep_progress {
    struct status_line line;
    bool color;
    int64_t start_ns;
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
