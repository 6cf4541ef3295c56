/* calls.h - calls of a client, alone and with the interposer between it and its library. Each is a struct
 * bench_contestant's run; a round is a call. */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include "bench.h"

int64_t calls_direct(const struct bench_load *load);
int64_t calls_disarmed(const struct bench_load *load);  /* loaded; neither plan nor trace */
int64_t calls_armed(const struct bench_load *load);     /* a plan whose fault is at other calls; no trace */
int64_t calls_recording(const struct bench_load *load); /* each with its stack, seen before */
int64_t calls_fiu(const struct bench_load *load);       /* fiu_fail before each, another point enabled */

extern const bool calls_have_fiu; /* libfiu was there when this was built */

#endif
