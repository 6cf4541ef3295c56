/* session_loop.h - how a session waits, and how it ends what is left of its processes.
 *
 * One loop: poll on the signal descriptor and the output of --sql, with a tick for the event rings. Everything that
 * ends is reaped here, because the runner is the subreaper of all it started: its end is recorded, after the events it
 * recorded itself. Errors: a process that cannot be ended is told in session->error. Threads: the session's one.
 */
#ifndef VDIFAULT_SESSION_LOOP_H
#define VDIFAULT_SESSION_LOOP_H

#include "cleanup.h"
#include "session.h"

enum {
    SESSION_TICK_MS = 20,
    SESSION_NS_PER_MS = 1000000,
};

/* Waits for output, signals or the timeout, collects events and reaps what has ended. */
void session_tick(struct session *session, int timeout_ms);

/* What is left of the client's tree, its servers above all, may end by itself. */
void session_linger(struct session *session);

/* Calls `visit` for each process of the run. With a fork server among our children only the table of all processes
 * tells that there is none; that is looked up once, until the session starts another (session->deserted). */
void session_each_process(struct session *session, cleanup_process *visit, void *context);

/* Kills all of these members of the run (cleanup.h) and waits for their end. */
void session_kill(struct session *session, unsigned members);

#endif
