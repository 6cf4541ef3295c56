/* jobs.h - a client that runs on: a daemon or service, given one job after another (--trigger), then stopped (--stop);
 * and what a client says of its work (--verdict).
 *
 * A job begins with its trigger and is over when that has ended, no statement runs, the sets that the client has made
 * since are closed, and the client has said how it went. Its operations are those it began meanwhile. The trigger is the
 * user's own: it lives in the run, so that a sqlcmd of its is the run's, but is not wrapped and never the client's mistake.
 *
 * A set that stays open when nothing else goes on, and a client that says nothing for --patience, end the job, too: what
 * that means is for src/rules to say.
 *
 * Ownership: session->jobs. Errors: what makes the run worthless is told in session->error, what only makes it show
 * nothing in session->doubt. Threads: the session's one.
 */
#ifndef VDIFAULT_JOBS_H
#define VDIFAULT_JOBS_H

#include "session.h"

/* Before the client starts. */
void jobs_prepare(struct session *session);
/* All of them, in a client that has been started; it has ended when this returns, unless it hangs or the run was
 * interrupted. */
void jobs_run(struct session *session);
/* Without jobs: what the client says by other means than its exit status, once it has ended. */
void jobs_take_word(struct session *session);
void jobs_end(struct session *session);

#endif
