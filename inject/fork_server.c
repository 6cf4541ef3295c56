/* fork_server.c - the copy of the client that waits for runs; see fork_server.h. */
#include "fork_server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fork_message.h"
#include "fork_server_checks.h"
#include "runstate_internal.h"

_Atomic int fork_server_socket = -1;

static pid_t asked; /* the process that was started, and its runner */
static pid_t runner;
static struct stat given; /* the socket */

/* Before the client sees its environment: what it starts itself is not meant. Own work: what we call here may make a
 * sanitizer's allocator ask for the time, under its lock, and the run's time is no thing to be looked up there. */
__attribute__((constructor)) static void take_socket(void)
{
    const char *value = getenv(FORK_SERVER_VARIABLE);
    int socket = -1;
    int process = 0;
    if (value == NULL) {
        return;
    }
    run_own_work++;
    if (sscanf(value, "%d:%d", &socket, &process) == 2 && socket > STDERR_FILENO &&
        fcntl(socket, F_SETFD, FD_CLOEXEC) == 0 && syscall(SYS_fstat, socket, &given) == 0) {
        fork_server_note_open();
        asked = getpid();
        runner = process;
        atomic_store(&fork_server_socket, socket);
    }
    unsetenv(FORK_SERVER_VARIABLE);
    run_own_work--;
}

/* As fork, but the child is our parent's. The C library keeps the thread's number at the address that the kernel clears
 * when the thread ends, and a list of robust locks that the kernel forgets: both are put right, as its own fork
 * does. */
static pid_t copy_self(void)
{
    int *number = NULL;
    void *locks = NULL;
    size_t size = 0;
    unsigned long flags = CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
    if (prctl(PR_GET_TID_ADDRESS, &number) != 0 || syscall(SYS_get_robust_list, 0, &locks, &size) != 0) {
        return -1;
    }
#if defined(__aarch64__)
    long child = syscall(SYS_clone, flags, NULL, NULL, NULL, number);
#else
    long child = syscall(SYS_clone, flags, NULL, NULL, number, NULL);
#endif
    if (child == 0) {
        syscall(SYS_set_robust_list, locks, size);
    }
    return (pid_t)child;
}

/* A process group of its own, and an end with the runner's. */
static void belong_to_runner(void)
{
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != runner) {
        _exit(127);
    }
}

/* Returns in a run's process only. */
static void serve(int socket)
{
    belong_to_runner();
    for (;;) {
        char byte;
        ssize_t got = recv(socket, &byte, sizeof(byte), 0);
        if (got != (ssize_t)sizeof(byte)) {
            _exit(0); /* the runner is gone, or needs us no more; no signal comes in between */
        }
        pid_t child = copy_self();
        if (child == 0) {
            belong_to_runner();
            return;
        }
        if (send(socket, &child, sizeof(child), MSG_NOSIGNAL) != (ssize_t)sizeof(child)) {
            _exit(0);
        }
    }
}

static void offer(int socket)
{
    struct fork_message message = {0};
    if (getpid() != asked || getppid() != runner) {
        snprintf(message.why, sizeof(message.why), "it calls VDI in a process that it has started itself");
    } else if (fork_server_may(socket, message.why, sizeof(message.why))) {
        pid_t copy = copy_self();
        if (copy == 0) {
            serve(socket);
            return;
        }
        message.server = copy > 0 ? copy : 0;
        snprintf(message.why, sizeof(message.why), copy > 0 ? "" : "the kernel does not copy it so");
    }
    (void)!send(socket, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A client that closes all descriptors it does not know closes this one, too; its number may be another file's by now.
 * By the system call: a sanitizer that is only about to begin has the C library's. */
static bool is_still_there(int socket)
{
    struct stat now;
    return syscall(SYS_fstat, socket, &now) == 0 && now.st_dev == given.st_dev && now.st_ino == given.st_ino;
}

void fork_server_first_call(void)
{
    int socket = atomic_exchange(&fork_server_socket, -1);
    int saved = errno;
    sigset_t all, before;
    if (socket < 0) {
        return;
    }
    if (!is_still_there(socket)) {
        errno = saved;
        return;
    }
    sigfillset(&all);
    /* By the system call: in a client its own name is interposed. */
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, (size_t)(_NSIG / 8));
    offer(socket);
    close(socket);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, (size_t)(_NSIG / 8));
    errno = saved;
}
