/* witness.c - see witness.h. */
#include "witness.h"

#include <string.h>

#include "inject.h"
#include "next.h"
#include "runstate.h"
#include "runstate_internal.h"

/* Whose call it is comes first: attaching to the run is itself file I/O of ours, and must not wait for itself. */
INJECT_EXPORT bool vdifault_sees(const void *caller)
{
    const void *other = inject_thread.passed_on_for;
    return fork_server_passes(run_own_work == 0 && !next_is_library(other != NULL ? other : caller) &&
                              inject_is_active() && run_state_is_recorded());
}

INJECT_EXPORT uint64_t vdifault_record(struct event *event, const char *text)
{
    return event_record(event, text);
}

INJECT_EXPORT bool vdifault_is_scratch(const char *path)
{
    const struct run_state *state = run_state_attach();
    if (atomic_load_explicit(&state->clock, memory_order_acquire) == RUN_CLOCK_REAL) {
        return false;
    }
    size_t length = strnlen(state->scratch, sizeof state->scratch);
    return length > 0 && length < sizeof state->scratch && strncmp(path, state->scratch, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}
