/* player.c - see player.h. */
#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "parts.h"
#include "player_surroundings.h"

int player_open(struct player *player, enum player_world world)
{
    *player = (struct player){.world = world, .memory = -1};
    int error = parts_find_player(player_world_words[world], player->path);
    if (error != 0) {
        return error;
    }
    player->memory = memfd_create("scenario", MFD_CLOEXEC);
    if (player->memory < 0 || ftruncate(player->memory, sizeof *player->board) != 0) {
        return errno;
    }
    void *board = mmap(NULL, sizeof *player->board, PROT_READ | PROT_WRITE, MAP_SHARED, player->memory, 0);
    if (board == MAP_FAILED) {
        return errno;
    }
    player->board = board;
    return 0;
}

void player_close(struct player *player)
{
    if (player->board != NULL) {
        munmap(player->board, sizeof *player->board);
    }
    if (player->memory >= 0) {
        close(player->memory);
    }
}

static int start(struct player *player, char **environment, const sigset_t *signals, pid_t *pid)
{
    char *argv[] = {player->path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        goto no_attributes;
    }
    error = posix_spawnattr_setsigmask(&attributes, signals);
    error = error == 0 ? posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK) : error;
    error = error == 0 ? posix_spawn_file_actions_adddup2(&actions, player->memory, PLAYER_BOARD) : error;
    if (error == 0 && player->silent) {
        error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    error = error == 0 ? posix_spawn(pid, player->path, &actions, &attributes, argv, environment) : error;
    posix_spawnattr_destroy(&attributes);
no_attributes:
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void note_end(struct player *player, int status)
{
    player->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    player->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    player->end = player->signal == SIGXCPU || player->signal == SIGALRM ? PLAYER_ENDLESS
                  : status == 0 && player->board->over                   ? PLAYER_OVER
                                                                         : PLAYER_CRASHED;
}

/* Until it has ended, which it does at once when one of the other signals comes. Returns that signal, or 0. */
static int wait_for_end(pid_t pid, const sigset_t *signals, int *status)
{
    int ending = 0;
    while (waitpid(pid, status, WNOHANG) == 0) {
        int signal = sigwaitinfo(signals, NULL);
        if (signal > 0 && signal != SIGCHLD) {
            ending = signal;
            kill(pid, SIGKILL);
        }
    }
    return ending;
}

/* The end of the player, and the signals that are to end the command unless it ignores them. */
static void choose_signals(sigset_t *signals)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action;
    sigemptyset(signals);
    sigaddset(signals, SIGCHLD);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (sigaction(ends[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(signals, ends[i]);
        }
    }
}

/* What it has in shared memory goes with it. `before`: the player's signals; *ending: as wait_for_end. */
static int run(struct player *player, char **environment, const sigset_t *signals, const sigset_t *before,
               int *ending)
{
    int status = 0;
    pid_t pid;
    int error = start(player, environment, before, &pid);
    if (error == 0) {
        *ending = wait_for_end(pid, signals, &status);
        cleanup_objects(player->board->space, NULL, NULL);
        note_end(player, status);
    }
    return error;
}

int player_play(struct player *player, const struct scenario *scenario, uint32_t seconds)
{
    memset(player->board, 0, offsetof(struct player_board, log));
    event_log_clear(&player->board->log);
    player->board->trace = player->trace;
    player->board->scenario = *scenario;
    player->board->seconds = seconds;
    player->board->armed = player->plan != NULL;
    run_token(player->board->space);
    struct player_surroundings around;
    sigset_t signals, before;
    int ending = 0;
    choose_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    int error = player_surround(&around, player);
    if (error == 0) {
        error = run(player, around.environment, &signals, &before, &ending);
    }
    if (error == 0 && !player->board->fired && player_fault_has_fired(&around)) {
        player->board->fired = true; /* it has ended the player */
        player->board->fired_line = player->board->line;
    }
    player_leave(&around);
    if (ending != 0) {
        raise(ending);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL); /* what has come since then ends the command here */
    return error == 0 && player->status == PLAYER_CANNOT ? ENOMEM : error;
}
