/* gate.h - how the threads of one process share a set: a lock, and a gate that lets calls in until it closes.
 *
 * Responsible for: mutual exclusion and orderly shutdown over os_wait and os_wake alone, so that a simulated
 * operating system or a scheduler of a test's sees every point where a thread may stop. The words are private
 * memory; they go through the helpers of shared.h for the same reason.
 *
 * Zero is the state of a free lock and of an open gate.
 */
#ifndef VDIFAULT_CORE_GATE_H
#define VDIFAULT_CORE_GATE_H

#include "shared.h"

struct lock {
    _Atomic uint32_t word; /* 0 free, 1 held, 2 held and perhaps waited for */
};

void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

/* Calls inside an object, and whether it is closing: Close refuses new calls, then waits for the old ones. */
struct gate {
    _Atomic uint32_t inside; /* bit 31: closed */
};

bool gate_enter(struct gate *gate); /* false: closed; pairs with gate_leave */
void gate_leave(struct gate *gate);
void gate_open(struct gate *gate);
void gate_close(struct gate *gate); /* refuses new calls */
bool gate_is_closed(const struct gate *gate);
void gate_drain(struct gate *gate); /* after gate_close: waits until nobody is inside */

#endif
