/* play_sim, play_shm - play the scenario on the board in the world they are linked with (world.h); see board.h. By hand, for
 * a debugger: play_sim FILE. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "plan.h"
#include "runstate.h"
#include "scenario_file.h"
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

/* ---- faults ---- */

static struct run_state *run; /* the interposer's; NULL: none is armed */

static bool fault_has_fired(void)
{
    for (uint32_t i = 0; run != NULL && !board->fired && i < PLAN_FAULTS_MAX; i++) {
        board->fired = atomic_load(&run->faults[i].fired) != 0;
        board->fired_line = board->line;
    }
    return board->fired;
}

/* ---- calls beside others, and lines ---- */

static struct beside {
    bool out;
    uint32_t line; /* 0: both sides leave */
    void (*make)(void *context);
    void *context;
} beside[PLAYER_ACTORS];

static void note_deaths(void)
{
    for (uint32_t who = 0; world_host->being != NULL && who < PLAYER_ACTORS; who++) {
        if (beside[who].out && beside[who].line != 0 &&
            world_host->being(scenario_actor_process((uint8_t)who)) == PLAY_IS_DEAD) {
            board->lines[beside[who].line - 1].killed = true;
        }
    }
}

static void begin_line(uint32_t line)
{
    (void)fault_has_fired();
    note_deaths(); /* before the player ends those that are left */
    board->line = line;
    if (line != 0) {
        board->lines_begun = line;
        board->lines[line - 1].at_ns = world_time() - begin_ns;
    }
}

/* On the actor's thread. */
static void make(void *context)
{
    struct beside *self = context;
    world_begin_call(self->line == 0 ? "Destroy"
                                     : scenario_verb_info(board->scenario.lines[self->line - 1].verb)->name);
    self->make(self->context);
    self->out = false;
    if (self->line != 0) {
        struct player_line *line = &board->lines[self->line - 1];
        line->returned = true;
        line->returned_line = board->line;
    }
}

static void call(uint8_t who, void (*real)(void *context), void *context)
{
    beside[who] = (struct beside){.out = true, .line = board->line, .make = real, .context = context};
    if (board->line != 0) {
        board->lines[board->line - 1].beside = true;
    }
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

/* The command's. NULL: there is none. */
static struct player_board *find_board(void)
{
    struct stat file;
    void *memory = MAP_FAILED;
    if (fstat(PLAYER_BOARD, &file) == 0 && file.st_size == (off_t)sizeof *board) {
        memory = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, PLAYER_BOARD, 0);
    }
    if (memory == MAP_FAILED) {
        fprintf(stderr, "player: expected to be started by vdifault replay, or with a scenario's file\n");
        return NULL;
    }
    return memory;
}

/* One of its own, with the scenario of the file. NULL: there is none. */
static struct player_board *make_board(const char *path)
{
    static struct player_board own;
    struct scenario_file *file = malloc(sizeof *file);
    int error = file != NULL ? scenario_file_read(path, file, NULL) : ENOMEM;
    if (error == 0) {
        own.scenario = file->scenario;
    } else {
        fprintf(stderr, "player: '%s': %s\n", path, file != NULL ? file->error : "no memory");
    }
    free(file);
    return error == 0 ? &own : NULL;
}

static int play_board(void)
{
    struct play_host host = *world_host;
    host.begin = begin;
    host.line = begin_line;
    host.call = call;
    host.kill = kill_process;
    host.transition = note_result;
    host.end = end;
    host.excuses = fault_has_fired;
    if (board->trace) {
        host.event = event_log_add;
        host.event_context = &board->log;
    }
    struct play *play = play_new(&host);
    if (play == NULL) {
        fprintf(stderr, "player: no memory\n");
        return PLAYER_CANNOT;
    }
    unsetenv("VDI_DIALECT"); /* the scenario says which */
    if (board->space[0] != '\0') {
        setenv("VDI_NAMESPACE", board->space, 1);
    }
    if (board->armed && run_state_map(getenv("VDIFAULT_TRACE"), &run) != 0) {
        fprintf(stderr, "player: the interposer has no state\n");
        play_free(play);
        return PLAYER_CANNOT;
    }
    scenario_settle(&board->scenario);
    play_scenario(play, &board->scenario, &board->outcome);
    board->over = true;
    play_free(play);
    return 0;
}

int main(int argc, char **argv)
{
    board = argc == 2 ? make_board(argv[1]) : find_board();
    if (board == NULL) {
        return PLAYER_CANNOT;
    }
    if (argc == 2) {
        int status = play_board();
        printf("%s\n",
               board->outcome.deviation[0] != '\0' ? board->outcome.deviation : "as the model allows");
        return status;
    }
    limit_this_process();
    return play_board();
}
