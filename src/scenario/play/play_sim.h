/* play_sim.h - what the files of play_sim share.
 *
 *   play_sim.c        the host: processes and fibers
 *   play_sim_write.c  writes into shared memory, by the words' names
 */
#ifndef VDIFAULT_PLAY_SIM_H
#define VDIFAULT_PLAY_SIM_H

#include "play.h"
#include "sim.h"

/* Set, Add and Flip, now, in a set of so many devices. */
void play_sim_write(const struct scenario_line *line, uint32_t device_count);

#endif
