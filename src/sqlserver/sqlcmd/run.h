/* run.h - sqlcmd without its main: input to batches to exit status.
 *
 * Responsible for: -Q, -q, -i and standard input; GO, scripting variables and sqlcmd's commands; exit
 * statuses. Errors: the result is the exit status; messages went to the streams. One thread.
 */
#ifndef VDIFAULT_SQLCMD_RUN_H
#define VDIFAULT_SQLCMD_RUN_H

#include <stdatomic.h>
#include <stdio.h>

#include "event.h"
#include "options.h"
#include "plan.h"

struct answers;

struct sqlcmd_environment {
    const struct plan *plan;
    struct catalog *catalog;       /* NULL: the server remembers nothing */
    struct activity *activity;     /* NULL: nobody sees this session */
    const struct answers *answers; /* --answers (answers.h); NULL: none */
    enum process_role role;
    const atomic_bool *interrupted;
    FILE *in, *out, *err;
};

/* Options may gain scripting variables on the way (:setvar). */
int sqlcmd_run(struct sqlcmd_options *options, const struct sqlcmd_environment *environment);

#endif
