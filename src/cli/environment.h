/* environment.h - the environments of the processes a run starts.
 *
 * Responsible for: our variables (LD_PRELOAD, VDIFAULT_*, VDI_NAMESPACE, TMPDIR, PATH, LD_LIBRARY_PATH,
 * sanitizer options) on top of the runner's own environment, and {run} in every value.
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
    ENVIRONMENT_SQL,    /* the stand-in for --sql: same run, not wrapped */
    ENVIRONMENT_HELPER  /* --before and --after: the stand-in and a plan without faults, not wrapped */
};

/* A NULL-terminated environment, or NULL: no memory. `add_library` appends our library folder to the search.
 */
char **environment_make(enum environment_kind kind, const struct rundir *dir, const struct parts *parts,
                        bool add_library, char *const *base);
void environment_free(char **environment);

#endif
