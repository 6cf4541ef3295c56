/* schedule.h - every interleaving of a few threads, up to a number of forced switches.
 *
 * Threads are fibers of one thread. Code built with VDIFAULT_STEPS calls shared_step before each access to shared
 * memory, to a lock or to a gate: there the scheduler may switch. os_wait and os_wake are the scheduler's. A
 * depth-first search replays the program with each possible set of choices: which of the others goes on at a
 * forced switch (a pre-emption, at most `preemptions` in one run), and who goes on when one sleeps or ends (free).
 *
 * Nobody runnable while somebody sleeps is a lost wake-up: deadlines never pass here.
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
    void (*check)(void); /* after each run, likewise */
};

/* Runs the program under every schedule; fails the test on a lost wake-up. Returns the number of schedules. */
uint32_t schedule_explore(const struct schedule_program *program, uint32_t preemptions);

#endif
