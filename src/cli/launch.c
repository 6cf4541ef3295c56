/* launch.c - vfork, set up, exec. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool have_terminal(void)
{
    return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* From the background, tcsetpgrp stops its caller with SIGTTOU unless that is blocked. */
static void give_terminal(pid_t group)
{
    sigset_t stop;
    sigset_t old;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTTOU);
    sigprocmask(SIG_BLOCK, &stop, &old);
    (void)tcsetpgrp(STDIN_FILENO, group);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

void launch_take_terminal(void)
{
    if (isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) != getpgrp()) {
        give_terminal(getpgrp());
    }
}

static int redirect(const int standard[3])
{
    for (int i = 0; i < 3; i++) {
        if (standard[i] >= 0 && dup2(standard[i], i) < 0) {
            return errno;
        }
    }
    return 0;
}

static int become(const struct launch *launch, pid_t runner, bool terminal)
{
    sigset_t none;
    sigemptyset(&none);
    if (setpgid(0, 0) != 0) {
        return errno;
    }
    int error = as_user_become(launch->user);
    if (error != 0) {
        return error;
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) { /* another user's process would have lost it */
        return errno;
    }
    if (getppid() != runner) {
        return ESRCH; /* the runner died before the line above */
    }
    if (terminal) {
        give_terminal(getpid());
    }
    error = redirect(launch->standard);
    if (error == 0 && launch->inherited > 0 && fcntl(launch->inherited, F_SETFD, 0) != 0) {
        error = errno;
    }
    if (error != 0) {
        return error;
    }
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(launch->path, launch->argv, launch->environment);
    if (errno == ENOEXEC) { /* a script without "#!": as the shell does */
        enum {
            SCRIPT_ARGUMENTS_MAX = 1024
        };
        char *argv[SCRIPT_ARGUMENTS_MAX + 2] = {(char *)"sh", (char *)launch->path};
        for (int i = 1; launch->argv[i] != NULL; i++) {
            if (i == SCRIPT_ARGUMENTS_MAX) {
                return E2BIG;
            }
            argv[i + 1] = launch->argv[i];
        }
        execve("/bin/sh", argv, launch->environment);
    }
    return errno;
}

/* For the child, which tells of an error through `report`. */
struct start {
    const struct launch *launch;
    pid_t runner;
    bool terminal;
    int report;
};

/* The runner's memory is lent, not copied: what has recorded a run has many pages. Until the child has become another
 * program the runner stands still, and the child changes nothing but itself. Where vfork is fork (ThreadSanitizer), that
 * is as well. */
static pid_t split(const struct start *start)
{
    pid_t pid = vfork();
    if (pid == 0) {
        int error = become(start->launch, start->runner, start->terminal);
        ssize_t written = write(start->report, &error, sizeof error);
        _exit(written == (ssize_t)sizeof error ? 127 : 126);
    }
    return pid;
}

int launch_start(const struct launch *launch, pid_t *pid)
{
    int report[2];
    int error = 0;
    if (pipe2(report, O_CLOEXEC) != 0) {
        return errno;
    }
    const struct start start = {.launch = launch,
                                .runner = getpid(),
                                .terminal = launch->foreground && have_terminal(),
                                .report = report[1]};
    *pid = split(&start);
    if (*pid < 0) {
        error = errno;
    }
    close(report[1]);
    if (*pid > 0) {
        ssize_t got;
        do {
            got = read(report[0], &error, sizeof error);
        } while (got < 0 && errno == EINTR);
        if (got != (ssize_t)sizeof error) {
            error = 0; /* closed by exec */
        } else {
            while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR) {
            }
        }
    }
    close(report[0]);
    return error;
}
