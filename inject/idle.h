/* idle.h - a GetCommand whose VD_E_CLOSE was withheld waits like one that has nothing to deliver
 * (lost-close).
 *
 * An infinite wait is one futex wait, not sliced: it shows as what it is to whoever looks at the process from
 * outside. Finite ones go by the run's clock (virtual_time.h).
 */
#ifndef VDIFAULT_IDLE_H
#define VDIFAULT_IDLE_H

#include <stdint.h>
#include <time.h>

#include "shadow.h"

/* The time at which a GetCommand called now ends, ns of the run's clock; milliseconds as VDI counts them: negative is
 * for ever.
 */
int64_t idle_deadline(time_t timeout_ms);

/* VD_E_TIMEOUT, VD_E_ABORT once the set is aborted, VD_E_PROTOCOL once it is closed. Preserves errno. */
int idle_wait(struct shadow_set *set, int64_t deadline);
void idle_wake(struct shadow_set *set);
/* The same on a device whose VD_E_CLOSE is withheld: that, once it is due. */
int idle_wait_for_close(struct shadow_device *device, int64_t deadline);
/* By the run's clock: over once nobody else can act, too. */
void idle_delay(int64_t ns);
void idle_sleep(int64_t ns); /* by the system's */

#endif
