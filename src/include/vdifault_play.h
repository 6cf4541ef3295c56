/* vdifault_play.h - the calls of both sides of a virtual device set, one after another, from a test in C.
 *
 * `vdifault minimize --to-c` writes such tests; they can be written by hand as well. A line is one of a scenario's text:
 *
 *     struct vdifault_play *play = vdifault_play_new();
 *     const char *wrong = vdifault_play_lines(play, "devices 1");
 *     wrong = vdifault_play_lines(play, "client Create(set)                   -> NOERROR");
 *     wrong = vdifault_play_lines(play, "server Open(set)                     -> NOERROR");
 *     wrong = vdifault_play_lines(play, "client.2 GetConfiguration(timeout forever) ...");
 *     wrong = vdifault_play_lines(play, "client SignalAbort()");
 *     wrong = vdifault_play_lines(play, "client.2 ... GetConfiguration        -> VD_E_ABORT");
 *     wrong = vdifault_play_end(play);
 *     vdifault_play_free(play);
 *
 * client.2 is a thread of the client's; its call (...) waits while others are made, and has returned two lines later.
 *
 * Each call is made on the core of the library linked, and judged: by the reference model of the documented state tables
 * in lockstep, with the data and the states of both sides, and by the result after "->", where the line has one. A call
 * of which nothing is expected may give whatever the model allows there.
 *
 * The core is libvdifault-play's own, the same sources as in libsqlvdi.so, and runs in a simulation: both sides in this
 * process, virtual time, shared memory that is this process's alone. That is why calls can wait for one another without
 * threads and sleeps, and why a test gives the same each time, on every machine: what failed once fails again. The price
 * is that libsqlvdi.so's own exports, the kernel's shared memory and its futexes have no part in it.
 *
 * A core that crashes takes the test's process along, and one that loops never returns: alarm() before the first line
 * makes that an end.
 *
 * Ownership: a play is the caller's. Text that is returned is valid until the next call on the play. Threads: one, and
 * one play at a time in a process. The environment's VDI_DIALECT does not count, and is gone afterwards: a line
 * `dialect close-open:noerror` says which reading is meant.
 */
#ifndef VDIFAULT_PLAY_LIBRARY_H
#define VDIFAULT_PLAY_LIBRARY_H

#ifdef __cplusplus
extern "C" {
#endif

struct vdifault_play;

/* NULL: no memory. */
struct vdifault_play *vdifault_play_new(void);
/* Also in the middle of a scenario, then without a look at what is left. NULL is none. */
void vdifault_play_free(struct vdifault_play *play);

/* Plays the lines of `text`: settings, which come before the first call, calls and comments. NULL: all came as it may;
 * or one sentence, "line 2, client Close(): it gave NOERROR; ...". Lines are counted from the first call on, settings and
 * comments left out. Nothing is played after something wrong; it is told again. */
const char *vdifault_play_lines(struct vdifault_play *play, const char *text);

/* Both sides leave, and whatever is on its way comes to its end. NULL: nothing is left, and nobody waits. */
const char *vdifault_play_end(struct vdifault_play *play);

#ifdef __cplusplus
}
#endif

#endif
