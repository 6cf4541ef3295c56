/* player.h - plays a scenario in a process of its own, and says what came of it (player/board.h).
 *
 * Responsible for: starting the player, waiting for its end, telling how it ended, and removing what it has left in
 * shared memory. A player that crashes is no error, but something to tell. A signal that is to end the command while it
 * waits ends the player first, and then does. Not responsible for: what is a finding (replay_findings.h).
 *
 * Ownership: a player belongs to the caller, and its board lives until player_close. Errors: 0 or errno. One thread.
 */
#ifndef VDIFAULT_PLAYER_H
#define VDIFAULT_PLAYER_H

#include "board.h"
#include "plan.h"
#include "rundir.h"

/* Where a scenario happens; words are those of --in. */
enum player_world {
    PLAYER_SIM,     /* the simulation: it can play them all, and gives the same each time */
    PLAYER_SHM,     /* shared memory and threads of this machine */
    PLAYER_PRELOAD, /* the same, the client's calls through libsqlvdi.so with libvdifault.so in front */
    PLAYER_WORLD_COUNT
};
extern const char *const player_world_words[PLAYER_WORLD_COUNT];
extern const char *const player_world_texts[PLAYER_WORLD_COUNT]; /* "in shared memory" */
/* Whether the scenario cannot be played there; `text` says why. */
bool player_refuses(enum player_world world, const struct scenario *scenario, char *text, size_t size);

enum player_end {
    PLAYER_OVER,    /* the board tells the whole outcome */
    PLAYER_CRASHED, /* in the line at work: `signal`, or `status` where a sanitizer ended it */
    PLAYER_ENDLESS, /* its time was over: SIGXCPU, or SIGALRM where it waited */
};

struct player {
    enum player_world world;
    char path[RUN_PATH_MAX]; /* of its program */
    const struct plan *plan; /* its faults are armed, in PLAYER_PRELOAD; NULL: none */
    bool silent;             /* what a sanitizer says is not shown */
    bool trace;              /* the board's log gets the events */
    struct player_board *board;
    int memory; /* the board's */
    enum player_end end;
    int signal;
    int status;
};

/* Finds the world's player beside the command; the path it was looked for at is in `path`, also where it is missing. */
int player_open(struct player *player, enum player_world world);
void player_close(struct player *player);

/* Plays it; at most so many seconds of the processor's time. */
int player_play(struct player *player, const struct scenario *scenario, uint32_t seconds);

#endif
