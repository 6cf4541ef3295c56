/* See replay_trace.h. */
#include "replay_trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "event_log.h"

/* What `vdifault trace` shows as the program that ran, and how to have it again. */
static int write_log(FILE *out, const struct replay_report *report)
{
    char *strings[2] = {NULL};
    int error = ENOMEM;
    if (asprintf(&strings[0], "argument=%s", report->path) < 0) {
        strings[0] = NULL;
    }
    if (asprintf(&strings[1], "repeat=vdifault replay %s", report->path) < 0) {
        strings[1] = NULL;
    }
    if (strings[0] != NULL && strings[1] != NULL) {
        error = event_log_write(&report->player->board->log, out, (const char *const *)strings, 2);
    }
    free(strings[0]);
    free(strings[1]);
    return error;
}

int replay_trace(FILE *out, const char *path, const struct replay_report *report)
{
    int error = out != NULL ? write_log(out, report) : 0;
    if (error != 0) {
        cli_error("replay: --trace: cannot write '%s': %s", path, strerror(error));
    }
    return error != 0 ? CLI_SETUP : CLI_CLEAN;
}
