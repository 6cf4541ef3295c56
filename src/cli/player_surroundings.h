/* player_surroundings.h - what a player's process finds around it: its environment, and for the interposer a run's folder
 * (rundir.h).
 *
 * Ownership: the caller's, from player_surround, failed or not, to player_leave, which removes the folder. What a killed
 * command leaves is found by the next run, as of any run. Errors: 0 or errno. One thread.
 */
#ifndef VDIFAULT_PLAYER_SURROUNDINGS_H
#define VDIFAULT_PLAYER_SURROUNDINGS_H

#include "player.h"
#include "runstate.h"

struct player_surroundings {
    struct rundir dir;       /* path "": none */
    struct run_state *state; /* of its trace; NULL: none */
    char **environment;      /* NULL-terminated */
    char **made;             /* the same, if it is ours */
};

int player_surround(struct player_surroundings *around, const struct player *player);
/* Whether a fault of the plan has, also where it has ended the player. */
bool player_fault_has_fired(const struct player_surroundings *around);
void player_leave(struct player_surroundings *around);

#endif
