/* sweep_progress.h - how far a sweep is: one line redrawn on a terminal, a plain line every few seconds elsewhere.
 * Threads: one. */
#ifndef VDIFAULT_SWEEP_PROGRESS_H
#define VDIFAULT_SWEEP_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sweep_progress {
    bool terminal;
    bool shown; /* a line that is to be wiped */
    int64_t start_ns;
    int64_t last_ns;
    size_t before; /* runs that a journal had */
};

void sweep_progress_start(struct sweep_progress *progress, size_t before);
void sweep_progress_show(struct sweep_progress *progress, size_t done, size_t all, size_t findings);
void sweep_progress_end(struct sweep_progress *progress);

#endif
