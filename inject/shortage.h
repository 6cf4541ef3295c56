/* shortage.h - memory, descriptors and shared memory that run out: what the client's own code asks for between two
 * calls of a thread, and what the VDI library allocates inside of one.
 *
 * A fault at a call is armed when that has returned, one at a command when it has been delivered; the thread's next VDI
 * call ends it. libvdifault-sys.so asks about each allocation (witness.h). It has fired when something was really
 * denied. All state is the thread's own; no allocation, no lock, also in signal handlers.
 */
#ifndef VDIFAULT_SHORTAGE_H
#define VDIFAULT_SHORTAGE_H

#include "inject.h"

struct call;

/* The plan is there: what of it needs to be asked about. Once. */
void shortage_watch(void);

void shortage_call_began(const struct call *call);
void shortage_call_ended(const struct call *call);

#endif
