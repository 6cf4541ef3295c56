/* progress.h - one redrawn line on a terminal for runs that take longer; nothing elsewhere. */
#ifndef VDIFAULT_PROGRESS_H
#define VDIFAULT_PROGRESS_H

#include <stdint.h>

#include "record.h"
#include "status_line.h"

struct progress {
    struct status_line line;
    int64_t start_ns;
};

void progress_start(struct progress *progress);
void progress_show(struct progress *progress, const struct record *record);
void progress_end(struct progress *progress); /* wipes the line */

#endif
