/* player_surroundings.h - what a player's process finds around it: its environment, and for the interposer a run's folder
 * (rundir.h).
 *
 * Ownership: the caller's, from player_surround, failed or not, to player_leave, which removes the folder. What a killed
 * command leaves is found by the next run, as of any run. Errors: 0 or errno. One thread.
 */
#ifndef VDIFAULT_PLAYER_SURROUNDINGS_H
#define VDIFAULT_PLAYER_SURROUNDINGS_H

#include "player.h"

struct player_surroundings {
    struct rundir dir;  /* path "": none */
    char **environment; /* NULL-terminated */
    char **made;        /* the same, if it is ours */
};

int player_surround(struct player_surroundings *around, enum player_world world);
void player_leave(struct player_surroundings *around);

#endif
