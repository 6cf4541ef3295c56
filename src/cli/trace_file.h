/* trace_file.h - a run saved as a trace, and brought back to be shown or judged again.
 *
 * Responsible for: what of a session and its options a trace holds (scenario/trace.h has the format), and reading
 * either a trace or the folder that a client without the runner left behind (VDIFAULT_TRACE).
 * Ownership: a loaded run owns all it points to, until trace_unload. Errors: in words, in loaded->error.
 */
#ifndef VDIFAULT_TRACE_FILE_H
#define VDIFAULT_TRACE_FILE_H

#include <stdio.h>

#include "session.h"

enum {
    TRACE_WHY_MAX = 512
};

/* What `run --trace` writes. */
struct trace_save {
    const struct run_options *options;
    const struct session *session;
    const struct plan *plan; /* as run: "#last" resolved */
    const char *repeat;
    uint64_t started; /* microseconds since 1970 */
};
int trace_save(FILE *out, const struct trace_save *save); /* 0 or errno */

/* A run as far as it can be brought back: enough of options and session for verdict.h. */
struct trace_loaded {
    struct run_options options;
    struct session session;
    struct plan plan;
    char **argv;
    char *repeat;  /* NULL: unknown */
    char *dialect; /* likewise */
    uint64_t started;
    bool is_folder;
    char error[TRACE_WHY_MAX]; /* "": all was read; what could be read before is there in any case */
};

/* `path` is a trace, or a folder. 0, or -1 with loaded->error filled; unload in either case. */
int trace_load(const char *path, struct trace_loaded *loaded);
void trace_unload(struct trace_loaded *loaded);

#endif
