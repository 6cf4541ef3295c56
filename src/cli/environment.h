/* environment.h - the environments of the processes a run starts.
 *
 * Responsible for: our variables (LD_PRELOAD, VDIFAULT_*, VDI_NAMESPACE, TMPDIR, PATH, LD_LIBRARY_PATH,
 * sanitizer options) on top of the runner's own environment, and {run} in every value of that.
 *
 * What the interposer reads of it:
 *   VDIFAULT_TRACE       the folder of the run's state and rings
 *   VDIFAULT_PLAN        the plan
 *   VDIFAULT_SQLCMD      the stand-in
 *   VDIFAULT_LIBRARY     the libsqlvdi.so of the run, for a client that loads one from where there is none
 *   VDIFAULT_TDS         ADDRESS:PORT of the simulated server, for connections to SQL Server
 *   VDIFAULT_SERVER      the names and addresses that are SQL Server's (inject/servers.h)
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
#define JOB_VARIABLE    "VDIFAULT_JOB" /* the number of the job that a --trigger starts */

enum environment_kind {
    ENVIRONMENT_CLIENT,   /* wrapped; the run's plan */
    ENVIRONMENT_RECORDED, /* as the user's own, and the interposer, which only records */
    ENVIRONMENT_VERIFY,   /* wrapped; a plan without faults */
    ENVIRONMENT_AGAIN,    /* as the client's; a plan without faults */
    ENVIRONMENT_SQL,      /* the stand-in for --sql: same run, not wrapped */
    ENVIRONMENT_SQL_AGAIN,
    ENVIRONMENT_JOB, /* --trigger and --verdict cmd: the stand-in in this run, with its faults; not wrapped */
    ENVIRONMENT_SERVER, /* the server of --tds, beside the client; not wrapped */
    ENVIRONMENT_SERVER_VERIFY,
    ENVIRONMENT_SERVER_AGAIN,
    ENVIRONMENT_HELPER /* --before and --after: the stand-in and a plan without faults, not wrapped */
};

/* What depends on the run's options. */
struct environment_choice {
    const char *library; /* the client's own libsqlvdi.so; NULL: our folder is appended to its search */
    const char *guard;   /* NULL: as in the runner's own environment, as is the next */
    const char *on_finding;
    const char *servers; /* of --server; "" or NULL: none, as the next one */
    const char *answers; /* the file of --answers */
    bool coverage;       /* an instrumented client leaves its counters in the scratch folder */
    bool continuous;     /* ... as it runs */
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
