/* failures.h - the client's own calls on files that are to fail: which commands a fault of files is armed for, and
 * which files hold bytes of which device. libvdifault-sys.so asks (witness.h) and does it.
 *
 * A fault at a command is armed when the command is delivered. It has fired when a call was really made to fail: until
 * then nothing is counted, and nothing is if the command is completed before. Without a fault of files in the plan all
 * of this is one look at a flag. No allocation, no lock; any thread, also in signal handlers. Where more commands are
 * in the client's hands at once, or more files hold bytes, than there is room for, the others suffer nothing.
 */
#ifndef VDIFAULT_FAILURES_H
#define VDIFAULT_FAILURES_H

#include <stdint.h>

#include "deeds.h"
#include "event.h"

/* The command that this call fetched is in the hands of the client, by this thread. Before its faults are looked
 * for. */
void failures_handed_out(const struct call *call, int32_t command);
static inline void failures_command(const struct call *call, int32_t command)
{
    if (inject_plan()->fails_files) {
        failures_handed_out(call, command);
    }
}

/* It is being completed. */
void failures_take_back(uint64_t fetch);
static inline void failures_completed(uint64_t fetch)
{
    if (fetch != 0 && inject_plan()->fails_files) {
        failures_take_back(fetch);
    }
}

/* Of a plan that probes: what a fault needs has happened. */
void failures_reached(enum event_reach reach, uint64_t call, int32_t operation, int32_t device,
                      uint64_t how_far);

#endif
