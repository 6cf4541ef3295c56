/* wrap_signals.c - handlers that are set before a session: an engine's, for its time limit and for crashes.
 *
 * They run wherever the process is, in a fiber of a session, too, and are none of the client's: the clock they look at,
 * the locks they take and the exit they make are the system's. By the simulation's clock an engine would take any client
 * that its alarm meets for one without end.
 */
#include <signal.h>
#include <stddef.h>

#include "world.h"

int __real_sigaction(int signal, const struct sigaction *action, struct sigaction *old);
__attribute__((visibility("default"))) int __wrap_sigaction(int signal, const struct sigaction *action,
                                                            struct sigaction *old);

static struct sigaction set[NSIG]; /* by whom it is no session */

static void run_outside(int signal, siginfo_t *info, void *context)
{
    world_step_out();
    if ((set[signal].sa_flags & SA_SIGINFO) != 0) {
        set[signal].sa_sigaction(signal, info, context);
    } else {
        set[signal].sa_handler(signal);
    }
    world_step_in();
}

static bool is_function(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

int __wrap_sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
    bool is_ours = signal > 0 && signal < NSIG && action != NULL && !world_is_inside() && is_function(action);
    if (!is_ours) {
        return __real_sigaction(signal, action, old);
    }
    struct sigaction before, outside = *action;
    int rc = __real_sigaction(signal, NULL, &before);
    if (rc != 0) {
        return rc;
    }
    if (old != NULL) {
        bool again = (before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction == run_outside;
        *old = again ? set[signal] : before;
    }
    set[signal] = *action;
    outside.sa_sigaction = run_outside;
    outside.sa_flags |= SA_SIGINFO;
    return __real_sigaction(signal, &outside, NULL);
}
