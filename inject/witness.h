/* witness.h - what libvdifault.so lends to libvdifault-sys.so, which binds to it weakly.
 *
 * One recorder, one ring a thread, one notion of whose calls count: two preloaded libraries with a copy each
 * would double what every thread of the client costs. Any thread, also in signal handlers; nothing allocates;
 * errno is preserved.
 */
#ifndef VDIFAULT_WITNESS_H
#define VDIFAULT_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;

/* A call that comes from `caller` is the client's, and what it does is to be recorded: there is a run, and the
 * caller is neither the VDI library nor ourselves. */
bool vdifault_sees(const void *caller);

/* event_record (scenario/runstate.h). */
uint64_t vdifault_record(struct event *event, const char *text);

#endif
