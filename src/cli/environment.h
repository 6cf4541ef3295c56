/* environment.h - the environments of the processes a run starts.
 *
 * Responsible for: our variables (LD_PRELOAD, VDIFAULT_*, VDI_NAMESPACE, TMPDIR, PATH, LD_LIBRARY_PATH,
 * sanitizer options) on top of the runner's own environment, and {run} in every value of that.
 *
 * What the interposer reads of it:
 *   VDIFAULT_TRACE       the folder of the run's state and rings
 *   VDIFAULT_PLAN        the plan
 *   VDIFAULT_SQLCMD      the stand-in
 *   VDIFAULT_GUARD       off, auto, pages or copy: as --guard; auto if there is neither (inject/guard.h)
 *   VDIFAULT_ON_FINDING  continue, stop or abort: as --on-finding, likewise
 */
#ifndef VDIFAULT_ENVIRONMENT_H
#define VDIFAULT_ENVIRONMENT_H

#include <stdbool.h>

#include "parts.h"
#include "rundir.h"

/* Marks helpers (--before, --after): theirs to clean up, but never the client's leftovers. */
#define HELPER_VARIABLE "VDIFAULT_HELPER"
#define TOKEN_VARIABLE  "VDI_NAMESPACE"

enum environment_kind {
    ENVIRONMENT_CLIENT, /* wrapped; the run's plan */
    ENVIRONMENT_VERIFY, /* wrapped; a plan without faults */
    ENVIRONMENT_AGAIN,  /* as the client's; a plan without faults */
    ENVIRONMENT_SQL,    /* the stand-in for --sql: same run, not wrapped */
    ENVIRONMENT_SQL_AGAIN,
    ENVIRONMENT_HELPER /* --before and --after: the stand-in and a plan without faults, not wrapped */
};

/* What depends on the run's options. */
struct environment_choice {
    bool add_library;  /* append our library folder to the search */
    const char *guard; /* NULL: as in the runner's own environment, as is the next */
    const char *on_finding;
    bool coverage;   /* an instrumented client leaves its counters in the scratch folder */
    bool continuous; /* ... as it runs */
    /* Without coverage: it leaves them there all the same, unless its user says where. */
    bool discard_counters;
    bool
        is_profiled; /* by clang: told of LLVM_PROFILE_FILE, which others have no use for (inject/fork_server.h) */
};

/* A NULL-terminated environment, or NULL: no memory. */
char **environment_make(enum environment_kind kind, const struct rundir *dir, const struct parts *parts,
                        const struct environment_choice *choice, char *const *base);
void environment_free(char **environment);

/* A list of the same entries and one more, for free(). NULL: no memory. */
char **environment_with(char *const *environment, char *entry);

#endif
