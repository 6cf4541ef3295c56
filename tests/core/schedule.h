/* schedule.h - every interleaving of a few threads, up to a number of forced switches.
 *
 * Threads are fibers of the simulation (os/sim.h), all of one process; the code under test is built with
 * VDIFAULT_STEPS. A depth-first search replays the program with each possible set of choices: which of the others goes
 * on at a forced switch (a pre-emption, at most `preemptions` in one run), and who goes on when one sleeps or ends
 * (free).
 *
 * Nobody runnable while somebody sleeps, or sleeps for slices that never end, is a lost wake-up: deadlines never pass
 * here.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    SCHEDULE_FIBERS_MAX = 4
};

struct schedule_program {
    void (*prepare)(void); /* before each run, without switches; must not sleep */
    void (*bodies[SCHEDULE_FIBERS_MAX])(void);
    void (*check)(void); /* after each run, likewise; nothing of the world may be left then */
};

/* Runs the program under every schedule; fails the test on a lost wake-up, and on objects and watches that are left.
 * Returns the number of schedules. */
uint32_t schedule_explore(const struct schedule_program *program, uint32_t preemptions);

#endif
