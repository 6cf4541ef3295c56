/* faults.h - making the plan's faults happen (design 4.4). */
#ifndef VDIFAULT_FAULTS_H
#define VDIFAULT_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "inject.h"
#include "record.h"

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

/* Faults that happen later, a bit each. */
struct fault_moments {
    uint64_t at_touch; /* of the command's buffer */
    uint64_t at_complete;
};
/* GetCommand is about to deliver a command: faults placed at its code. */
struct fault_moments faults_found_at_delivery(struct call *call, int32_t code);
static inline bool faults_are_at_command(int32_t code)
{
    return code > 0 && code < SHADOW_CODES && (inject_plan()->commands >> code & 1) != 0;
}
static inline struct fault_moments faults_at_delivery(struct call *call, int32_t code)
{
    return faults_are_at_command(code) ? faults_found_at_delivery(call, code) : (struct fault_moments){0};
}
/* Their moment has come. Of at_touch that is a signal handler's, which interrupted the client's own code. */
void faults_when_due(struct call *call, uint64_t faults);
/* VD_E_CLOSE came for the device: is it to be lost? Then it is marked so. */
bool faults_lose_close(struct call *call);

/* The set was closed by a fault, and the client has not created it anew: the library is asked no more. */
static inline bool faults_cut_off(const struct call *call)
{
    return call->set != NULL && atomic_load(&call->set->state) == SHADOW_CLOSED_BY_FAULT &&
           (call->device == NULL || shadow_device_is_current(call->device));
}

#endif
