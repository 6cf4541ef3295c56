/* witness.c - see witness.h. */
#include "witness.h"

#include "inject.h"
#include "next.h"
#include "runstate.h"
#include "runstate_internal.h"

/* Whose call it is comes first: attaching to the run is itself file I/O of ours, and must not wait for itself. */
INJECT_EXPORT bool vdifault_sees(const void *caller)
{
    return fork_server_passes(run_own_work == 0 && !next_is_library(caller) && inject_is_active() &&
                              run_state_is_recorded());
}

INJECT_EXPORT uint64_t vdifault_record(struct event *event, const char *text)
{
    return event_record(event, text);
}
