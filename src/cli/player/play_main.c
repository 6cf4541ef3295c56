/* play_sim, play_shm - play the scenario on the board in the world they are linked with (world.h); see board.h. Started by
 * the command only. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "world.h"

enum {
    WAITING = 6 /* times the seconds of processor time is what a player may take on a busy machine */
};

static struct player_board *board;
static int64_t begin_ns;

static void begin(const struct scenario *scenario)
{
    world_host->begin(scenario);
    begin_ns = world_time();
}

static void begin_line(uint32_t line)
{
    board->line = line;
    if (line != 0) {
        board->lines_begun = line;
        board->lines[line - 1].at_ns = world_time() - begin_ns;
    }
}

/* ---- calls beside others ---- */

static struct beside {
    bool out;
    uint32_t line;
    void (*make)(void *context);
    void *context;
} beside[PLAYER_ACTORS];

/* On the actor's thread. */
static void make(void *context)
{
    struct beside *self = context;
    struct player_line *line = &board->lines[self->line - 1];
    world_begin_call(scenario_verb_info(board->scenario.lines[self->line - 1].verb)->name);
    self->make(self->context);
    self->out = false;
    line->returned = true;
    line->returned_line = board->line;
}

static void call(uint8_t who, void (*real)(void *context), void *context)
{
    beside[who] = (struct beside){.out = true, .line = board->line, .make = real, .context = context};
    board->lines[board->line - 1].beside = true;
    world_host->call(who, make, &beside[who]);
}

/* Nobody is left afterwards who could say what it waits for. */
static void kill_process(enum scenario_process process)
{
    for (uint32_t who = 0; who < PLAYER_ACTORS; who++) {
        if (beside[who].out && scenario_actor_process((uint8_t)who) == process) {
            world_host->explain((uint8_t)who, board->waits[who], sizeof board->waits[who]);
        }
    }
    world_host->kill(process);
}

/* ---- */

static void note_result(const struct play_transition *transition)
{
    world_note((uint64_t)transition->result);
}

static bool end(char *text, size_t size)
{
    board->end_ns = world_time() - begin_ns;
    board->hash = world_hash();
    return world_host->end(text, size);
}

static void limit_this_process(void)
{
    const struct rlimit no_core = {0, 0};
    const struct rlimit processor = {board->seconds, RLIM_INFINITY};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_CPU, &processor);
    alarm(board->seconds * WAITING); /* who waits uses no processor */
}

int main(void)
{
    struct stat file;
    struct play_host host = *world_host;
    host.begin = begin;
    host.line = begin_line;
    host.call = call;
    host.kill = kill_process;
    host.transition = note_result;
    host.end = end;
    board = MAP_FAILED;
    if (fstat(PLAYER_BOARD, &file) == 0 && file.st_size == (off_t)sizeof *board) {
        board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, PLAYER_BOARD, 0);
    }
    if (board != MAP_FAILED && board->trace) {
        host.event = event_log_add;
        host.event_context = &board->log;
    }
    struct play *play = play_new(&host);
    if (board == MAP_FAILED || play == NULL) {
        fprintf(stderr, "player: it is a part of vdifault: expected to be started by vdifault replay\n");
        play_free(play);
        return PLAYER_CANNOT;
    }
    limit_this_process();
    unsetenv("VDI_DIALECT"); /* the scenario says which */
    setenv("VDI_NAMESPACE", board->space, 1);
    scenario_settle(&board->scenario);
    play_scenario(play, &board->scenario, &board->outcome);
    board->over = true;
    play_free(play);
    return 0;
}
