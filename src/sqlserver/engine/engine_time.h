/* engine_time.h - the run's clock for a server that does nothing but let time pass (docs/time.md).
 *
 * Responsible for: waits of the simulated server that end at a time (for a set that may never come, a lock of somebody
 * else's, the fault server-slow). They go by the run's clock, and the run's table of waits tells of them (waits.h):
 * where nobody else acts either the runner moves the clock on, and nobody waits for real.
 * Not responsible for: anything else of the server's, which keeps the system's time.
 *
 * A signal that ends the statement is noticed later, at the next look around: until then the process waits only in
 * appearance, and says so.
 *
 * Outside of a run both clocks are the same. Any thread; nothing fails.
 */
#ifndef VDIFAULT_ENGINE_TIME_H
#define VDIFAULT_ENGINE_TIME_H

#include <stdint.h>

int64_t engine_time_now(void); /* ns, monotonic */

/* Until `until` by the run's clock, `look` by the system's, or until `watch` (os_memory_watch; -1: none) has seen
 * something, whichever is first. */
void engine_time_sleep(int64_t until, int64_t look, int watch);

/* The process has been told to end: no clock moves before it has. For a signal handler; engine_time_prepare comes first. */
void engine_time_leave(void);
void engine_time_prepare(void);

#endif
