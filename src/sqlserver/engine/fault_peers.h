/* fault_peers.h - what becomes of the statement, the server and the connection (scenario/faults/peers.def).
 *
 * Responsible for: faults at a statement's start and end, and SQL Server's words for each end that a fault gives a
 * statement. What the client's side asks for in mid-transfer is done by fault_agent.h and told here. The engine's
 * thread alone.
 */
#ifndef VDIFAULT_ENGINE_FAULT_PEERS_H
#define VDIFAULT_ENGINE_FAULT_PEERS_H

#include <stdbool.h>

struct engine;

enum fault_start {
    FAULT_START_GO,   /* nothing in the way (any more) */
    FAULT_START_WAIT, /* until engine.held_until */
    FAULT_START_END,  /* the statement has failed, and that is said */
};
/* Once the set exists, before the server opens it: only a set seen before this call may be opened after it. */
enum fault_start fault_peers_start(struct engine *engine);
/* The reason of an abort by the server. False: no fault's. */
bool fault_peers_say_abort(struct engine *engine);
/* All devices are closed, and all went well. True: the statement fails all the same, and that is said. */
bool fault_peers_fail_late(struct engine *engine);
void fault_peers_before_success(struct engine *engine);

#endif
