/* world.h - where a player plays: what play_main.c is linked with, one of the world_*.c.
 *
 * The hash is of all that happened; 0: the world has none. Times are the world's own clock, in nanoseconds.
 */
#ifndef VDIFAULT_PLAYER_WORLD_H
#define VDIFAULT_PLAYER_WORLD_H

#include "play.h"

extern const struct play_host *const world_host;

void world_begin_call(const char *function); /* on the thread that makes it */
void world_note(uint64_t value);             /* becomes a part of the hash */
uint64_t world_hash(void);
int64_t world_time(void);

#endif
