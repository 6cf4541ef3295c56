/* board.h - what `vdifault replay` and the process that plays a scenario share: a board in shared memory.
 *
 * A scenario is played in a process of its own: its world (world.h) takes the place of the operating system's functions
 * that the command itself needs, and a core that crashes takes nothing but its player along. The board is filled while
 * the scenario is played, so that it tells how far that came, whatever ended it.
 *
 * The player is started with the board as descriptor PLAYER_BOARD, plays `scenario` and ends with status 0. Threads: one
 * on each side; the command reads when the player has ended.
 */
#ifndef VDIFAULT_PLAYER_BOARD_H
#define VDIFAULT_PLAYER_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "event_log.h"
#include "play.h"
#include "scenario.h"

enum {
    PLAYER_BOARD = 3,
    PLAYER_CANNOT = 2, /* its status where it has no board or no memory; sanitizers have 1 */
    PLAYER_ACTORS = SCENARIO_PROCESS_COUNT * SCENARIO_THREADS_MAX,
    PLAYER_WAIT_MAX = 200,
    PLAYER_SPACE_MAX = 48
};

/* A line, from when it is begun. */
struct player_line {
    int64_t at_ns;          /* the world's time, from the scenario's beginning */
    bool beside;            /* its call is made on a thread of its actor's, beside the lines that follow */
    bool killed;            /* ... and its process died before it returned */
    bool returned;          /* ... and has returned, while that line was at work (0: at the end) */
    uint32_t returned_line; /* as `line` below */
};

struct player_board {
    /* the command's */
    struct scenario scenario;
    uint32_t seconds;             /* of the processor's time: more is a loop without an end, and SIGXCPU */
    bool trace;                   /* events are wanted, in `log` */
    bool armed;                   /* faults are, by libvdifault.so */
    char space[PLAYER_SPACE_MAX]; /* VDI_NAMESPACE of its sets: theirs alone, until the player has ended */
    /* the player's */
    bool over;            /* the outcome is whole */
    uint32_t line;        /* the one at work, from 1; 0: none yet, or both sides leave */
    uint32_t lines_begun; /* the first ones, played or passed over */
    struct player_line lines[SCENARIO_LINES_MAX];
    char waits[PLAYER_ACTORS]
              [PLAYER_WAIT_MAX]; /* by actor, for what it waited when the scenario ended; "": nothing */
    bool fired; /* a fault has, while this line was at work: from there on no result deviates */
    uint32_t fired_line;
    uint64_t hash; /* of all that happened in the simulation, and of every result; 0 elsewhere */
    int64_t end_ns;
    struct play_outcome outcome;
    struct event_log log; /* last, since it is long and mostly not touched */
};

#endif
