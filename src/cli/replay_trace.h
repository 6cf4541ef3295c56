/* replay_trace.h - a replay's events as a trace file, up to the last one, whatever ended the player.
 *
 * The file is the same whenever the scenario, its path and the build are: it holds no time but the simulation's.
 * Errors: an exit status of the command's, after a message. One thread.
 */
#ifndef VDIFAULT_REPLAY_TRACE_H
#define VDIFAULT_REPLAY_TRACE_H

#include <stdio.h>

#include "replay_report.h"

/* Writes to `out`, which was opened as `path`. NULL: nothing was asked for. */
int replay_trace(FILE *out, const char *path, const struct replay_report *report);

#endif
