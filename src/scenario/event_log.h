/* event_log.h - events of one process, one after the other in a piece of memory: shared with whoever outlives it, if it
 * is to be read after a crash.
 *
 * Responsible for: holding as many as there is room for, and counting the others. The reader trusts nothing: the memory
 * may be that of a process that went wrong. Not responsible for: what events say (event.h), or the file (trace.h).
 *
 * Plain data; all zero is an empty log. An event is there as a whole or not at all, whenever its writer dies.
 * Threads: one writer at a time; the reader comes when it has ended, or is the writer.
 */
#ifndef VDIFAULT_EVENT_LOG_H
#define VDIFAULT_EVENT_LOG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "event.h"

enum {
    EVENT_LOG_BYTES = 512 << 10 /* of the longest scenario more than twice over */
};

struct event_log {
    _Atomic uint32_t used; /* bytes */
    _Atomic uint32_t lost; /* events without room */
    uint8_t bytes[EVENT_LOG_BYTES];
};

void event_log_clear(struct event_log *log);
/* A sink: `log` is a struct event_log. */
void event_log_add(void *log, const struct event *event, const char *text);

/* Gives each event to `take` in order, up to the first that cannot be one. Returns how many are missing. */
uint64_t event_log_read(const struct event_log *log,
                        void (*take)(void *context, const struct event *event, const char *text),
                        void *context);
/* As a trace file; `strings` as in trace.h. 0 or errno. */
int event_log_write(const struct event_log *log, FILE *out, const char *const *strings, size_t string_count);

#endif
