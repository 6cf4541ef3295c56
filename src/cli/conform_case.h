/* conform_case.h - one client case on somebody's libsqlvdi.so, in a process of its own, with a server behind
 * it.
 *
 * The child loads the library and runs the case; its server is a BACKUP statement that it issues through a
 * sqlcmd, as any client would. What it sees goes to memory shared with us, so that a library that crashes or
 * hangs takes nothing down but its own case.
 *
 * Errors: what keeps a case from being run at all is an errno; everything else is part of the run.
 * Threads: one case at a time.
 */
#ifndef VDIFAULT_CONFORM_CASE_H
#define VDIFAULT_CONFORM_CASE_H

#include "client_cases.h"

enum {
    CONFORM_TEXT_MAX = 1024
};

struct conform_setup {
    const char *library;  /* absolute path */
    const char *stand_in; /* our sqlcmd; NULL: `sqlcmd` is used */
    const char *sqlcmd;   /* a command line for the shell; the statement's options are appended */
    const char *token;    /* marks our shared-memory objects, see rundir.h */
    int64_t timeout_ms;   /* of one case */
};

enum conform_end {
    CONFORM_FINISHED,
    CONFORM_UNLOADABLE, /* `text` says why */
    CONFORM_CRASHED,    /* by `signal`, or exited by itself (0) */
    CONFORM_HUNG,       /* the time was over */
};

struct conform_run {
    enum conform_end end;
    int signal;
    struct case_observation seen;
    char text[CONFORM_TEXT_MAX]; /* what the sqlcmd said, or the loader */
};

/* 0 or errno. */
int conform_case_run(const struct conform_setup *setup, const struct client_case *one,
                     struct conform_run *run);

#endif
