/* event_time.c - see event_time.h. */
#include "event_time.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The C library's clock_gettime may be a sanitizer's in the client, or ours, which shows the run's time. */
static uint64_t clock_ns(void)
{
    struct timespec now = {0};
    (void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <x86intrin.h>

enum {
    WINDOW_NS = 100000, /* between two looks at the kernel's clock; what the rate is measured in */
    TRIES = 8,
    DOUBT = 32 /* a look that took longer than this part of the window was interrupted */
};

/* ns a tick, in units of 2^-32; published last. 0: ticks are of no use. */
static _Atomic uint64_t rate;
static uint64_t window; /* in ticks */

/* What a thread knows: valid each by itself, so that a signal handler may come between any two of them. */
static _Thread_local struct {
    uint64_t looked; /* at the kernel's clock: ticks then */
    uint64_t offset; /* what the kernel's clock is more than scaled ticks */
    uint64_t last;   /* the time given out last */
} self __attribute__((tls_model("initial-exec")));

struct look {
    uint64_t ticks, ns, took;
};

static uint64_t scaled(uint64_t ticks, uint64_t by)
{
    return (uint64_t)((unsigned __int128)ticks * by >> 32);
}

static struct look look(void)
{
    uint64_t before = __rdtsc();
    uint64_t ns = clock_ns();
    uint64_t took = __rdtsc() - before;
    return (struct look){.ticks = before + took / 2, .ns = ns, .took = took};
}

static struct look best_look(void)
{
    struct look best = look();
    for (int i = 1; i < TRIES; i++) {
        struct look other = look();
        best = other.took < best.took ? other : best;
    }
    return best;
}

/* They have one rate, whatever the processor's does. */
static bool ticks_are_even(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d >> 8 & 1) != 0;
}

static uint64_t measure(void)
{
    if (!ticks_are_even()) {
        return 0;
    }
    struct look first = best_look();
    while (clock_ns() - first.ns < WINDOW_NS) {
    }
    struct look last = best_look();
    uint64_t ticks = last.ticks - first.ticks;
    uint64_t ns = last.ns - first.ns;
    if (first.took > ticks / DOUBT || last.took > ticks / DOUBT || ns > 1000u * WINDOW_NS) {
        return 0; /* a counter that is itself emulated, or a machine too busy to tell */
    }
    return (ns << 32) / ticks;
}

void event_time_prepare(uint64_t measured)
{
    uint64_t by = measured == EVENT_TIME_NO_TICKS ? 0 : measured != 0 ? measured : measure();
    window = by != 0 ? ((uint64_t)WINDOW_NS << 32) / by : 0;
    atomic_store_explicit(&rate, by, memory_order_release);
}

uint64_t event_time_rate(void)
{
    return atomic_load_explicit(&rate, memory_order_acquire);
}

/* The kernel's time, from which to count on. */
static uint64_t look_again(uint64_t by)
{
    struct look now = look();
    if (now.took <= window / DOUBT) {
        self.offset = now.ns - scaled(now.ticks, by);
        atomic_signal_fence(memory_order_seq_cst);
        self.looked = now.ticks;
    }
    return now.ns;
}

uint64_t event_time_ns(void)
{
    uint64_t by = atomic_load_explicit(&rate, memory_order_acquire);
    if (by == 0) {
        return clock_ns();
    }
    uint64_t ticks = __rdtsc();
    uint64_t now = ticks - self.looked < window ? scaled(ticks, by) + self.offset : look_again(by);
    self.last = now > self.last ? now : self.last;
    return self.last;
}

#else

void event_time_prepare(uint64_t measured)
{
    (void)measured;
}

uint64_t event_time_rate(void)
{
    return 0;
}

uint64_t event_time_ns(void)
{
    return clock_ns();
}

#endif
