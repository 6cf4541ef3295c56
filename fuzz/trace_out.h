/* trace_out.h - an input's events as a trace file, where the environment asks for it: VDIFAULT_TRACE=FILE.
 *
 * The file is whole after each event, so that it tells how far an input came, whatever that ended in. Where nobody asks
 * for it nothing is done. A file that cannot be written ends the process. One thread at a time.
 */
#ifndef VDIFAULT_FUZZ_TRACE_OUT_H
#define VDIFAULT_FUZZ_TRACE_OUT_H

#include <stdbool.h>

#include "event.h"

bool trace_out_is_wanted(void);
void trace_out_begin(void); /* an input: the last one's events are gone */
void trace_out_add(void *unused, const struct event *event, const char *text);

#endif
