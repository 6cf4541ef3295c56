/* correct.h - runs correct clients under each kind of fault. Fixture of the end-to-end tests. */
#ifndef E2E_CORRECT_H
#define E2E_CORRECT_H

#include "e2e.h"

enum {
    CORRECT_OPTIONS_MAX = 8
};

struct correct_client {
    const char *name;
    const char *options[CORRECT_OPTIONS_MAX]; /* ends with NULL */
    int devices;                              /* 0: 2 and 4 by turns */
    const char *before;                       /* a command for --before, or NULL */
};

/* Faults for the backup (operation 0) and the restore (operation 1) of any client with two devices; ends with NULL.
 */
extern const char *const correct_faults[];

/* Each client, backup and restore, without a fault and under each of `faults`: no finding, and success where
 * nothing was injected. E2E_ONLY in the environment names the one client to run. */
void correct_under_faults(const struct correct_client *clients, size_t count, const char *const *faults);

/* The arguments of one run; what follows the client's own options is the caller's to add. */
void correct_build(struct e2e_args *args, const struct correct_client *client, const char *action,
                   const char *fault, int seed);

#endif
