/* stale_set.h - stale-set: what a process that was killed leaves of a set, under the name that the client is about to
 * use.
 *
 * A process of the runner's own makes the set, as any client's would, and is killed with it: the object is real, and so
 * is the death of its maker. The client stands at Create until then (request.h). Errors: what cannot be made is not
 * answered, and the fault does not fire. Threads: the session's.
 */
#ifndef VDIFAULT_STALE_SET_H
#define VDIFAULT_STALE_SET_H

#include "plan.h"
#include "runstate.h"

/* Those that are asked for by now. `token` is the namespace of the run's sets. */
void stale_sets_make(const struct plan *plan, struct run_state *state, const char *token);

#endif
