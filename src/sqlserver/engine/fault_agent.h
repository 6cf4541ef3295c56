/* fault_agent.h - what the simulated server does at the moment the client's side asks for it.
 *
 * Responsible for: a thread that sleeps on the run's bell and does the deeds of this operation's faults that are
 * asked for (request.h). A thread of its own, because the engine's may be busy or asleep, and the interposer holds
 * the client at the exact place until it has happened. What is left for the engine to say is its tale. The
 * interposer records the fault's event; this does not.
 *
 * Errors: 0 or errno. Start and stop from the engine's thread; stop before the set is closed.
 */
#ifndef VDIFAULT_ENGINE_FAULT_AGENT_H
#define VDIFAULT_ENGINE_FAULT_AGENT_H

#include "plan.h"
#include "server.h"

struct fault_agent;

/* *agent is NULL, with success, when the plan holds no such fault for this operation. */
int fault_agent_start(const struct plan *plan, int32_t operation, struct server_set *set,
                      struct fault_agent **agent);
/* Before the devices are closed: waits, for a second at most, for a GetCommand that such a fault is to meet and that is
 * the client's next one. Afterwards it would be too late for it, and which of us is faster is nobody's choice. NULL is
 * allowed. */
void fault_agent_await(struct fault_agent *agent);
void fault_agent_stop(struct fault_agent *agent); /* joins the thread; NULL is allowed */

/* The fault for which the set is aborted; NULL: another reason. Lives as long as the plan. NULL is allowed. */
const struct fault *fault_agent_tale(struct fault_agent *agent);

#endif
