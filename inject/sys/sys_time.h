/* sys_time.h - what clocks.c, sleeps.c and locks.c share. The wrapped calls themselves are declared by the C library.
 *
 * Every call here goes straight through outside of a run, without libvdifault.so, or where the run's time is real
 * (inject/virtual_time.h).
 */
#ifndef VDIFAULT_SYS_TIME_H
#define VDIFAULT_SYS_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sys.h"
#include "virtual_time.h"

#pragma weak vdifault_clock_ahead
#pragma weak vdifault_wait_begin /* and all that is called after it said yes */
#pragma weak vdifault_wait_descriptor
#pragma weak vdifault_wait_left
#pragma weak vdifault_wait_slice
#pragma weak vdifault_wait_pause
#pragma weak vdifault_wait_end

#define SYS_EXPORT   __attribute__((visibility("default"))) __attribute__((noinline))
#define SYS_NS_PER_S INT64_C(1000000000)
#define SYS_FAR_NS   (RUN_WAIT_FOREVER / 2) /* 146 years: no client's clock gets there */

bool sys_clock_moves(clockid_t clock);  /* it is one that the run's time applies to */
int64_t sys_clock_now(clockid_t clock); /* ns, by the system */
bool sys_is_timespec(const struct timespec *time);
int64_t sys_nanoseconds(const struct timespec *time); /* at most SYS_FAR_NS */
struct timespec sys_timespec(int64_t ns);

/* vdifault_wait_begin, if it is there. */
static inline bool sys_wait_begin(struct timed_wait *wait, const void *caller, enum run_wait_kind kind,
                                  int64_t nanoseconds)
{
    return vdifault_wait_begin != NULL && vdifault_wait_begin(wait, caller, kind, nanoseconds);
}

#endif
