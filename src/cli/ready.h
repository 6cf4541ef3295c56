/* ready.h - whether a client that runs on waits for jobs yet (--ready).
 *
 * Looks only: nobody connects to the client's port, which might take that for a job. A port counts when a process of the
 * run listens on it, so that runs beside this one are not mistaken for it.
 *
 * Errors: what cannot be read counts as not ready. Threads: the session's one.
 */
#ifndef VDIFAULT_READY_H
#define VDIFAULT_READY_H

#include <sys/stat.h>

#include "session.h"

struct ready_watch {
    char *path; /* READY_FILE: expanded; malloc'd */
    bool was_there;
    struct stat before;
};

/* Before the client starts. 0 or errno. */
int ready_begin(struct ready_watch *watch, const struct session *session);
void ready_end(struct ready_watch *watch);
bool ready_look(const struct ready_watch *watch, struct session *session);
/* Of a client that has ended: it went well, and left a process that goes on for it; session->error says so. Whoever gives
 * it jobs could not stop it. */
bool ready_has_forked_away(struct session *session);

#endif
