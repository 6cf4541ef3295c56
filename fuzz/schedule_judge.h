/* schedule_judge.h - may these calls, which overlap, have given this?
 *
 * The model takes calls one after the other, in the order of their returns. A call may have seen the effect of another
 * one that has not returned yet: then the model takes that one's step first, and it has to succeed in the end. An abort
 * is seen by some calls before others, too. What cannot be explained so ends the process.
 *
 * Each return counts for the engine as a transition (transitions.h), told apart by who else is inside a call.
 */
#ifndef VDIFAULT_FUZZ_SCHEDULE_JUDGE_H
#define VDIFAULT_FUZZ_SCHEDULE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"

/* One call, in its caller's memory from enter to return. */
struct judge_call {
    struct model_call model;
    struct judge_call *next; /* others that have not returned */
    bool assumed;            /* the model has taken its step, with success */
    bool found_nothing;      /* GetCommand: there was none when it began */
    uint32_t life;           /* Creates that had succeeded when it began */
    bool crosses_end;        /* an abort was out when it was, or a Close that need not wait for its return */
};

void judge_begin(uint32_t devices);
void judge_enter(struct judge_call *call, enum model_function function, uint32_t device);
/* GetCommand: call->model.order is which command the model gives; what came instead is an order, too. */
void judge_return(struct judge_call *call, int32_t result, uint32_t order);
/* The server is called back for a command that succeeded. False: the client has not completed it. */
bool judge_call_back(uint32_t device, uint32_t order);
void judge_print(void);       /* on stderr: the last calls that returned, and those that have not */
uint32_t judge_returns(void); /* since judge_begin */

#endif
