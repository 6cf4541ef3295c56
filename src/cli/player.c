/* player.c - see player.h. */
#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parts.h"

int player_open(struct player *player)
{
    *player = (struct player){.memory = -1};
    int error = parts_find_player(player->path);
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

static int start(struct player *player, pid_t *pid)
{
    char *argv[] = {player->path, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawn_file_actions_adddup2(&actions, player->memory, PLAYER_BOARD);
    if (error == 0 && player->silent) {
        error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    error = error == 0 ? posix_spawn(pid, player->path, &actions, NULL, argv, environ) : error;
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void note_end(struct player *player, int status)
{
    player->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    player->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    player->end = player->signal == SIGXCPU            ? PLAYER_ENDLESS
                  : status == 0 && player->board->over ? PLAYER_OVER
                                                       : PLAYER_CRASHED;
}

int player_play(struct player *player, const struct scenario *scenario, uint32_t seconds)
{
    pid_t pid;
    int status = 0;
    memset(player->board, 0, offsetof(struct player_board, log));
    event_log_clear(&player->board->log);
    player->board->trace = player->trace;
    player->board->scenario = *scenario;
    player->board->seconds = seconds;
    int error = start(player, &pid);
    if (error != 0) {
        return error;
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    note_end(player, status);
    return player->status == PLAYER_CANNOT ? ENOMEM : 0;
}
