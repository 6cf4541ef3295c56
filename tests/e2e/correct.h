/* correct.h - runs correct clients under each kind of fault. Fixture of the end-to-end tests. */
#ifndef E2E_CORRECT_H
#define E2E_CORRECT_H

#include "e2e.h"

enum {
    CORRECT_OPTIONS_MAX = 6
};

struct correct_client {
    const char *name;
    const char *options[CORRECT_OPTIONS_MAX]; /* ends with NULL */
};

/* Each client, backup and restore, without a fault and under each: no finding, and success where nothing was
 * injected. E2E_ONLY in the environment names the one client to run. */
void correct_under_faults(const struct correct_client *clients, size_t count);

#endif
