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
};

/* `quiet`: what the client and a sanitizer print goes nowhere. */
int trial_run(const struct plan *plan, bool quiet, struct trial *trial);

#endif
