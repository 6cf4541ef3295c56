/* progress.c - elapsed time, calls, megabytes. */
#include "progress.h"

#include <inttypes.h>

#include "os.h"

#define FIRST_NS INT64_C(2000000000)

void progress_start(struct progress *progress)
{
    *progress = (struct progress){.start_ns = os_now()};
    status_line_start(&progress->line);
}

void progress_show(struct progress *progress, const struct record *record)
{
    int64_t elapsed = os_now() - progress->start_ns;
    if (progress->line.terminal && elapsed >= FIRST_NS) {
        status_line_show(&progress->line, "%.0f s, %" PRIu64 " calls, %.0f MB", (double)elapsed / 1e9,
                         record->calls, (double)record->bytes / 1e6);
    }
}

void progress_end(struct progress *progress)
{
    status_line_end(&progress->line);
}
