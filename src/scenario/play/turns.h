/* turns.h - real threads over the real os.h (posix.c) that take turns, and a clock that moves only when all of them sleep.
 *
 * Responsible for: one actor's thread at a time going on until it sleeps on a futex or has made its call, the others by
 * number, as in the simulation's order (sim.h); and for time, so that nobody waits for it. Not responsible for: what a
 * call does.
 *
 * How: this file has the process's `syscall` and `clock_gettime`, which posix.c calls, also where it is part of a shared
 * library that the process has loaded. Sleepers sleep in the kernel, on the real word, and whoever wakes them does so by
 * the real FUTEX_WAKE: how many it has woken, it says, and so many must arrive before anybody goes on. That a sleeper is
 * asleep, before the next one goes on, is the kernel's word, too (/proc/self/task/TID/syscall). So nothing here guesses:
 * what the core loses sleeps on. A limit is no concern of the kernel's: when nobody can go on, the clock jumps to the
 * earliest one, and who has it is woken.
 *
 * The clock is CLOCK_MONOTONIC for all that ask through those two functions; each look takes a microsecond.
 *
 * Threads: turns_* are for one thread, the host, which goes on itself when no actor does. Where it would sleep, nobody
 * else goes on: its limit has passed at once, and without one the process ends by SIGABRT. Threads of others are left
 * alone. Threads live as long as the process: an actor that never returns is left where it sleeps.
 * Errors: what the system refuses (a thread, /proc) ends the process by SIGABRT with a sentence on stderr.
 */
#ifndef VDIFAULT_TURNS_H
#define VDIFAULT_TURNS_H

#include <stddef.h>
#include <stdint.h>

enum {
    TURNS_ACTORS_MAX = 32
};

/* The caller is the host from now on, and the clock stands still. No actor has made a call yet, or all rest. */
void turns_begin(void);
/* The actor makes the call when it gets its turn. It rests, or it is new. */
void turns_call(uint32_t actor, void (*make)(void *context), void *context);
/* Until nobody can go on within so much time; at least so much has passed then. */
void turns_go_on(int64_t ns);
int64_t turns_time(void); /* the clock, without a look at it */
/* What the actor does: "waits while a word of its is 3, without a limit". As snprintf. */
int turns_explain(uint32_t actor, char *text, size_t size);

#endif
