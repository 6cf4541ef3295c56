/* faults.h - making the plan's faults happen (design 4.4). */
#ifndef VDIFAULT_FAULTS_H
#define VDIFAULT_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "inject.h"
#include "record.h"

/* A function was entered: faults placed at it. */
void faults_found_at_entry(struct call *call);

static inline void faults_at_entry(struct call *call)
{
    if ((inject_plan()->functions >> call->function & 1) != 0) {
        faults_found_at_entry(call);
    }
}

/* GetCommand is about to deliver a command: faults placed at its code. Returns those that happen at its
 * completion, a bit each. */
uint64_t faults_at_delivery(struct call *call, int32_t code);
/* CompleteCommand was entered for a command with such faults. */
void faults_at_completion(struct call *call, uint64_t faults);
/* VD_E_CLOSE came for the device: is it to be lost? Then it is marked so. */
bool faults_lose_close(struct call *call);

/* The set was closed by a fault, and the client has not created it anew: the library is asked no more. */
static inline bool faults_cut_off(const struct call *call)
{
    return call->set != NULL && atomic_load(&call->set->state) == SHADOW_CLOSED_BY_FAULT &&
           (call->device == NULL || shadow_device_is_current(call->device));
}

#endif
