/* virtual_time.h - the run's clock, and waits that it can cut short (docs/time.md).
 *
 * Part of what libvdifault.so lends to libvdifault-sys.so, as witness.h is. A wait with a time limit becomes slices of
 * the real one; between two of them the waiter looks at the clock, and while one lasts the run's table tells until
 * when it waits:
 *
 *     if (vdifault_wait_begin(&wait, caller, kind, nanoseconds)) {
 *         while ((slice = vdifault_wait_slice(&wait)) > 0 && nothing has come) {
 *             ... the real wait, `slice` ns long ...
 *             vdifault_wait_pause(&wait);
 *         }
 *         vdifault_wait_end(&wait);
 *     } else { ... the real wait ... }
 *
 * What the VDI library does, and we ourselves, goes by the system's clock. Any thread, also in signal handlers;
 * nothing allocates; errno is preserved.
 */
#ifndef VDIFAULT_VIRTUAL_TIME_H
#define VDIFAULT_VIRTUAL_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "waits.h"

struct timed_wait {
    struct run_wait *slot; /* NULL: nobody is told */
    uint64_t owner;   /* whose it must be: a signal handler that waits takes the slot, and gives it away */
    int64_t deadline; /* by the run's monotonic clock */
};

/* ns that clocks shown to this caller are ahead of the system's. */
int64_t vdifault_clock_ahead(const void *caller);

/* False: the caller's waits are real, and nothing has begun. nanoseconds: RUN_WAIT_FOREVER, or how long from now. */
bool vdifault_wait_begin(struct timed_wait *wait, const void *caller, enum run_wait_kind kind,
                         int64_t nanoseconds);
/* One of the descriptors the thread waits for, before the first slice. */
void vdifault_wait_descriptor(struct timed_wait *wait, int descriptor);
int64_t vdifault_wait_left(const struct timed_wait *wait); /* ns; 0: the time has come */
int64_t vdifault_wait_slice(struct timed_wait *wait);      /* ns to wait now; 0: the time has come */
void vdifault_wait_pause(struct timed_wait *wait);
void vdifault_wait_end(struct timed_wait *wait);

/* ---- for libvdifault.so itself ---- */

int64_t virtual_ahead(void); /* of the clocks that the client is shown */
bool virtual_wait_begin(struct timed_wait *wait, enum run_wait_kind kind, int64_t nanoseconds);

/* A VDI call of so many milliseconds, in slices of those; or of seconds, where these are the library's unit (spec X6,
 * VDI_DIALECT): then a slice is one at least, and that is waited for. */
bool virtual_library_wait_begin(struct timed_wait *wait, time_t timeout);
time_t virtual_library_slice(struct timed_wait *wait);

#endif
