/* session_start.h - how a session starts the processes of a pass: with which environment, input and output.
 *
 * Errors: errno, with session->error filled and the child marked as ended. Threads: the session's one.
 */
#ifndef VDIFAULT_SESSION_START_H
#define VDIFAULT_SESSION_START_H

#include "launch.h"
#include "session.h"

/* The client, or with ENVIRONMENT_AGAIN once more: session->child. */
int session_start_client(struct session *session, enum environment_kind kind, int role);

/* `sh -c command`, {run} in it expanded; its stdout goes to `output`. `variable` is one more entry of its environment, or
 * NULL. */
int session_start_shell(struct session *session, enum environment_kind kind, const char *command,
                        char *variable, int output, struct session_child *child);

#endif
