/* bugs.h - runs buggy clients under faults that bring their bugs out. Fixture of the end-to-end tests. */
#ifndef E2E_BUGS_H
#define E2E_BUGS_H

#include "e2e.h"

struct bug_under_fault {
    const char *fault;
    const char *client;
    const char *bug;
    const char *rule; /* that finds it */
    int devices;
    const char *severity; /* NULL: any */
};

/* Each client's backup with its bug, under its fault: the fault fires, and the rule's finding is there. E2E_ONLY in the
 * environment names the first letters of the faults to run. */
void bugs_show(const struct bug_under_fault *bugs, size_t count);

#endif
