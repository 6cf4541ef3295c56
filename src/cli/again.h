/* again.h - --again: whether a client that cannot be run again after a fault can be after a run without one.
 *
 * A client may refuse a second run for good reasons, such as a file that is there already. So when the second run of a
 * session fails, both are made once more in a scratch folder of their own, without the faults, and what comes of it is
 * recorded in the session (NOTE_AGAIN_CONTROL): the rules then know what --again can tell of this client.
 * Threads: the session's.
 */
#ifndef VDIFAULT_AGAIN_H
#define VDIFAULT_AGAIN_H

#include "session.h"

/* After session_run. Does nothing where the second run went through, or where nothing was to be injected. */
void again_control(struct session *session);
/* What came of the second run, in words; NULL: there was none. */
const char *again_outcome(const struct session *session);

#endif
