/* launch.h - starts one process of a run.
 *
 * The process gets a process group of its own, dies with the runner (PR_SET_PDEATHSIG), and has the signal
 * state of a fresh program. A failure of exec itself is reported as such, not as an exit status.
 */
#ifndef VDIFAULT_LAUNCH_H
#define VDIFAULT_LAUNCH_H

#include <sys/types.h>

#include "as_user.h"

struct launch {
    const char *path;
    char *const *argv;
    char *const *environment;
    int standard[3];            /* descriptors to become stdin, stdout, stderr; -1: as the runner's own */
    int inherited;              /* another that stays open, 0: none */
    const struct as_user *user; /* that it runs as; NULL: as the runner */
    int foreground;             /* 1: hand the terminal to the group, if the runner has it */
};

/* 0 with *pid, or errno. */
int launch_start(const struct launch *launch, pid_t *pid);

/* Takes the terminal back after a foreground process ended. */
void launch_take_terminal(void);

#endif
