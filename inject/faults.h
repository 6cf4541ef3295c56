/* faults.h - making the plan's faults happen (design 4.4). */
#ifndef VDIFAULT_FAULTS_H
#define VDIFAULT_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"

/* A function was entered: faults placed at it. */
void faults_at_entry(struct call *call);
/* GetCommand is about to deliver a command: faults placed at its code. Returns those that happen at its
 * completion, a bit each. */
uint64_t faults_at_delivery(struct call *call, int32_t code);
/* CompleteCommand was entered for a command with such faults. */
void faults_at_completion(struct call *call, uint64_t faults);
/* VD_E_CLOSE came for the device: is it to be lost? Then it is marked so. */
bool faults_lose_close(struct call *call);

/* The set was closed by a fault, and the client has not created it anew: the library is asked no more. */
bool faults_cut_off(const struct call *call);

#endif
