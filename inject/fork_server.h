/* fork_server.h - a client that is started once for many runs: the copy of it that waits at its first call of VDI.
 *
 * The runner names a socket in VDIFAULT_FORK_SERVER (scenario/fork_message.h). At the process's first call that a
 * run sees, of VDI or, mostly earlier, on a file or of a clock (inject/sys), before the call has any effect and before anything of
 * the run has been read or recorded, the process leaves a copy of itself behind as a child of the runner and goes on as
 * if nothing had been. The copy waits: for each byte that the runner sends it makes a child of the runner's
 * (CLONE_PARENT) that goes on from the same call, and answers with its number. Run folder, plan and variables are those
 * of the first run; the runner renews their contents.
 *
 * It is refused where a copy would not be what a start of its own gives: with threads, children, descriptors that are
 * shared with the copies, shared memory, timers, locked memory, a sanitizer, or when the run has recorded something.
 * The runner is told why. Nothing is allocated; all of it happens once, on the process's only thread.
 */
#ifndef VDIFAULT_FORK_SERVER_H
#define VDIFAULT_FORK_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>

extern _Atomic int fork_server_socket; /* -1: nobody asked, or it is done */
void fork_server_first_call(void);

/* Where a call is seen to be the client's own: gives that back. */
static inline bool fork_server_passes(bool sees)
{
    if (sees && atomic_load_explicit(&fork_server_socket, memory_order_relaxed) >= 0) {
        fork_server_first_call();
    }
    return sees;
}

#endif
