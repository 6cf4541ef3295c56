/* session_watch.h - a session looks on while its client works: is it stuck, and may the run's clock be moved on?
 *
 * Errors: a client that is stuck is ended, and that is recorded. Threads: the session's one.
 */
#ifndef VDIFAULT_SESSION_WATCH_H
#define VDIFAULT_SESSION_WATCH_H

#include "session.h"

/* Whether there is still something to look on at; asked at every tick. */
typedef bool session_goes_on(void *context);

/* Until the client has ended, it does not go on (NULL: it does as long as the client lives), the run is interrupted, or
 * the client hangs: then it is killed, but its servers may still tell. --timeout and --patience begin anew. An enum
 * hang_reason, or 0. */
int session_watch(struct session *session, session_goes_on *goes_on, void *context);

/* Records that it hangs, by the text of session->watch, and kills it. */
void session_end_hung(struct session *session, int reason);

#endif
