/* trial.h - one session in a child process: a client that crashes takes nobody with it.
 *
 * A finding is told by its signature: rule and function; what a sanitizer reported, and where in the client,
 * "heap-use-after-free in store_block client.c:42"; or else how the process died. Errors: errno.
 */
#ifndef VDIFAULT_CLIENT_TRIAL_H
#define VDIFAULT_CLIENT_TRIAL_H

#include "plan.h"
#include "world.h"

enum {
    TRIAL_SIGNATURE_MAX = 192,
    TRIAL_SECONDS = 20
};

struct trial {
    char signature[TRIAL_SIGNATURE_MAX]; /* "": no finding */
    char text[VERDICT_TEXT_MAX];         /* the finding's sentence; "" of a crash */
    char refusal[WORLD_REFUSAL_MAX];     /* the client asked for what a session has not; "": it did not */
    bool judged;                         /* the session came to its end, and the rules to their verdict */
};

/* What the client prints to stdout goes nowhere; what to stderr, as a sanitizer's report does, goes there when the
 * session has ended, or, `quiet`, nowhere. */
int trial_run(const struct plan *plan, bool quiet, struct trial *trial);

#endif
