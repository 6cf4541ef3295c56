/* player.h - plays a scenario in a process of its own, and says what came of it (player/board.h).
 *
 * Responsible for: starting the player, waiting for its end, and telling how it ended. A player that crashes is no
 * error, but something to tell. Not responsible for: what is a finding (replay_findings.h).
 *
 * Ownership: a player belongs to the caller, and its board lives until player_close. Errors: 0 or errno. One thread.
 */
#ifndef VDIFAULT_PLAYER_H
#define VDIFAULT_PLAYER_H

#include "board.h"
#include "rundir.h"

enum player_end {
    PLAYER_OVER,    /* the board tells the whole outcome */
    PLAYER_CRASHED, /* in the line at work: `signal`, or `status` where a sanitizer ended it */
    PLAYER_ENDLESS, /* its time was over */
};

struct player {
    char path[RUN_PATH_MAX]; /* of play_sim */
    bool silent;             /* what a sanitizer says is not shown */
    bool trace;              /* the board's log gets the events */
    struct player_board *board;
    int memory; /* the board's */
    enum player_end end;
    int signal;
    int status;
};

/* Finds play_sim beside the command; the path it was looked for at is in `path`, also where it is missing. */
int player_open(struct player *player);
void player_close(struct player *player);

/* Plays it; at most so many seconds of the processor's time. */
int player_play(struct player *player, const struct scenario *scenario, uint32_t seconds);

#endif
