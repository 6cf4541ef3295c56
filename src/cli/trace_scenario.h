/* trace_scenario.h - a scenario out of the trace of a run: what its client called, in the order of the returns, and a
 * server that makes those results come out.
 *
 * The client's lines are its own and expect what it got, but for results that a fault has made. The server's follow from
 * them: it configures the set as the client was told, sends what was fetched before it is fetched, closes what was told
 * to be closed, and aborts before the first result that says so. Data is not in a trace: the player makes its own.
 * Calls that overlapped come one after another.
 *
 * Errors: 0, or EINVAL with `error`: the file is no whole trace, or tells what one scenario cannot (several client
 * processes, two sets at a time, more devices or commands in hand than it has room for). One thread.
 */
#ifndef VDIFAULT_TRACE_SCENARIO_H
#define VDIFAULT_TRACE_SCENARIO_H

#include <stdio.h>

#include "scenario.h"

/* *calls: how many of them the trace has; those that the scenario has no lines for are left out at its end. */
int trace_scenario(FILE *in, struct scenario *scenario, uint32_t *calls, uint32_t *left_out, char *error,
                   size_t size);

#endif
