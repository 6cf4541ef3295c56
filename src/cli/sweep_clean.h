/* sweep_clean.h - the passes without a fault that a sweep starts with: what the client reaches, and whether its runs
 * can be made side by side.
 *
 * Two passes: sites that only one of them reached are a matter of luck and left out, and a file outside {run} that both
 * wrote is one that runs would write into each other's. Ownership: the caller's, until sweep_clean_free. Threads: one.
 */
#ifndef VDIFAULT_SWEEP_CLEAN_H
#define VDIFAULT_SWEEP_CLEAN_H

#include <jansson.h>

#include "sweep_sites.h"
#include "sweep_work.h"

struct sweep_clean {
    struct sweep_sites sites;
    json_t *report; /* of the first pass that shows something wrong, else of the last: a run's object */
    int status;     /* as `run` would end with that */
    int interrupted;
    char *shared; /* a file that both passes wrote; malloc'd, NULL: none */
};

/* Under a dialect or SWEEP_USUAL. 0, or ENOMEM; what is wrong with the client is in `status`. */
int sweep_clean_make(struct sweep_clean *clean, struct sweep_work *work, int32_t dialect);
void sweep_clean_free(struct sweep_clean *clean);

#endif
