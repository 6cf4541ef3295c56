/* event_time.h - the time of an event: CLOCK_MONOTONIC, read without asking for it each time.
 *
 * Reading the kernel's clock takes several times as long as reading the processor's counter of ticks, and an event has
 * little else to do. So a thread asks the kernel's clock every tenth of a millisecond and in between counts ticks,
 * whose rate the process or its runner has measured. What that may be wrong by is what the rate is wrong by in so short a time, some
 * tens of nanoseconds, and the same between threads and between processes; nothing adds up. In one thread time never
 * goes back. Where the ticks are not of one rate, or not to be had (other processors than x86-64), each time is the
 * kernel's. Any thread, signal handlers too; errno is preserved.
 */
#ifndef VDIFAULT_EVENT_TIME_H
#define VDIFAULT_EVENT_TIME_H

#include <stdint.h>

#define EVENT_TIME_NO_TICKS UINT64_MAX /* a rate: each time is the kernel's */

/* Takes the rate that another process of this machine has measured (event_time_rate), or with 0 measures it, a tenth of
 * a millisecond long. Once, before event_time_ns of any thread that is to profit. */
void event_time_prepare(uint64_t measured);

/* 0: none was measured, or ticks are of no use. */
uint64_t event_time_rate(void);

uint64_t event_time_ns(void);

#endif
