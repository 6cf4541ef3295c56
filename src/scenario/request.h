/* request.h - what a fault at the client's site asks of a server, and the server's answer.
 *
 * The asker stands in the client, at the exact place, and goes on once the deed is done: the steps are those of
 * enum run_request. A server that dies of the deed, or stops, cannot answer; whoever watches it does so for it.
 * libc only, no allocation; everything may be called from any thread, run_ask from a signal handler, too.
 */
#ifndef VDIFAULT_REQUEST_H
#define VDIFAULT_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"
#include "runstate.h"

/* The asker's: true when the server has done it. False: there is no run, the operation's server has gone, it refused,
 * somebody else has asked, or nobody answered within `patience_ms`. A server that is at it when the patience ends
 * counts as having done it. */
bool run_ask(uint32_t fault, const struct fault *asked, int64_t patience_ms);

/* The server's: an operation has one from its Open to its end. */
void run_server_came(int32_t operation);
void run_server_left(int32_t operation);
bool run_server_is_known(int32_t operation); /* it came, and may have left */
/* It has been asked for: from here on it has fired. `process`: who does it. */
bool run_take(struct run_fault *fault, uint32_t process);
void run_answer(struct run_fault *fault); /* it has happened */
/* Nobody will do it: lets every asker of this operation's go. After run_server_left. */
void run_refuse(const struct plan *plan, int32_t operation);
void run_ring(void); /* wakes servers that wait on run_state.bell */

/* For a server process that has died or stopped: its operations have none any more, what it took is done. */
void run_answer_for(const struct plan *plan, uint32_t process);

#endif
