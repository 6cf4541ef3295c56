/* trial.h - one session in a child process: a client that crashes takes nobody with it.
 *
 * A finding is told by its signature: rule and function, or how the process died. Errors: errno.
 */
#ifndef VDIFAULT_CLIENT_TRIAL_H
#define VDIFAULT_CLIENT_TRIAL_H

#include "plan.h"
#include "world.h"

enum {
    TRIAL_SIGNATURE_MAX = 96,
    TRIAL_SECONDS = 20
};

struct trial {
    char signature[TRIAL_SIGNATURE_MAX]; /* "": no finding */
    char text[VERDICT_TEXT_MAX];         /* the finding's sentence; "" of a crash */
    bool judged;                         /* the session came to its end, and the rules to their verdict */
};

/* What the client prints to stdout goes nowhere; `quiet`: its stderr, and so a sanitizer's report, too. */
int trial_run(const struct plan *plan, bool quiet, struct trial *trial);

#endif
