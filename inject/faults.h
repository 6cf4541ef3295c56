/* faults.h - making the plan's faults happen (design 4.4). */
#ifndef VDIFAULT_FAULTS_H
#define VDIFAULT_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "inject.h"
#include "record.h"
#include "vdierror.h"

/* Calls that no more than their result tells whether they concern us, a bit per function: nobody records, nothing is
 * guarded, no fault is at the function's entry, none is pending. The bit of VDI_FN_NONE: it has been decided. */
extern _Atomic uint32_t faults_passing;
uint32_t faults_decide_passing(void);
static inline bool faults_let_pass(enum vdi_function function)
{
    uint32_t passing = atomic_load_explicit(&faults_passing, memory_order_acquire);
    return ((passing != 0 ? passing : faults_decide_passing()) >> function & 1) != 0;
}

/* A function was entered: faults placed at it. */
void faults_found_at_entry(struct call *call);

static inline void faults_at_entry(struct call *call)
{
    if ((inject_plan()->functions >> call->function & 1) != 0) {
        faults_found_at_entry(call);
    }
}

/* The library has answered: what the client is told. */
int faults_found_at_end(struct call *call, int result);

static inline int faults_at_end(struct call *call, int result)
{
    return call->at_end == 0 ? result : faults_found_at_end(call, result);
}

/* Faults that happen later, a bit each. */
struct fault_moments {
    uint64_t at_touch; /* of the command's buffer */
    uint64_t at_complete;
};
static inline bool faults_are_at_command(int32_t code)
{
    return code > 0 && code < SHADOW_CODES && (inject_plan()->commands >> code & 1) != 0;
}
/* GetCommand is about to deliver a command, `given`, which holds what *command says: faults placed at its code. */
struct fault_moments faults_found_at_delivery(struct call *call, VDC_Command *given, VDC_Command *command);
static inline struct fault_moments faults_at_delivery(struct call *call, VDC_Command *given,
                                                      VDC_Command *command)
{
    return faults_are_at_command(command->commandCode) ? faults_found_at_delivery(call, given, command)
                                                       : (struct fault_moments){0};
}
/* Their moment has come. Of at_touch that is a signal handler's, which interrupted the client's own code. */
void faults_when_due(struct call *call, uint64_t faults);
/* The code that the library is to have of a command that the client completes with `code`. */
int faults_answer(struct call *call, uint64_t faults, int code);

/* VD_E_CLOSE came for the device. True: the client is not told yet, or never. */
void faults_found_at_close(struct call *call);
static inline bool faults_withhold_close(struct call *call)
{
    if (inject_plan()->loses_close) {
        faults_found_at_close(call);
    }
    return atomic_load(&call->device->close) == SHADOW_CLOSE_WITHHELD;
}

/* The set was closed by a fault, and the client has not created it anew: the library is asked no more. */
static inline bool faults_cut_off(const struct call *call)
{
    return call->set != NULL && atomic_load(&call->set->state) == SHADOW_CLOSED_BY_FAULT &&
           (call->device == NULL || shadow_device_is_current(call->device));
}

/* A fault has answered at the call's entry, with call->answer. */
static inline bool faults_answered_entry(const struct call *call)
{
    return (call->flags & EVENT_FLAG_FAULTED) != 0;
}

/* The same; once a fault closed the set the answer is that of a set that does not exist (spec 2.3, DNE). */
static inline bool faults_answered(struct call *call)
{
    if (faults_cut_off(call)) {
        call->flags |= EVENT_FLAG_FAULTED;
        call->answer = VD_E_PROTOCOL;
    }
    return faults_answered_entry(call);
}

#endif
