/* start.h - what a program that serves sessions takes from its environment.
 *
 * VDIFAULT_ROLE: on whose behalf statements run. VDIFAULT_PLAN: the plan. VDIFAULT_CATALOG, or a file in the folder of
 * VDIFAULT_TRACE: what the server remembers.
 *
 * Errors: 0 or errno, with a message, without a newline, of what cannot be used and what was expected. One thread.
 */
#ifndef VDIFAULT_SESSION_START_H
#define VDIFAULT_SESSION_START_H

#include "activity.h"
#include "catalog.h"
#include "event.h"
#include "plan.h"

enum {
    START_MESSAGE_MAX = 4608 /* a path and why */
};

enum process_role start_role(void);
int start_plan(struct plan *plan, char message[START_MESSAGE_MAX]);
/* The locks in it are to end with the server: to be called in the process that runs sessions. */
int start_catalog(struct catalog **catalog, char message[START_MESSAGE_MAX]);
/* The same, for where sessions see each other: beside the catalog, and NULL where that is in memory. */
int start_activity(struct activity **activity, char message[START_MESSAGE_MAX]);

#endif
