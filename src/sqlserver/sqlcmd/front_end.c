/* front_end.c - see front_end.h. */
#include "front_end.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "request.h"

enum {
    EXIT_ERROR = 1,
    GOODBYE_SECONDS = 2, /* for a server that lives, from the signal on */
};

bool front_end_is_wanted(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (plan->faults[i].kind == FAULT_SERVER_CRASH || plan->faults[i].kind == FAULT_SERVER_HANG) {
            return true;
        }
    }
    return false;
}

/* The child goes with the front end, however that ends. */
static void become_server(pid_t front_end, const sigset_t *mask, int (*serve)(void *), void *context)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != front_end) {
        _exit(EXIT_ERROR);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    exit(serve(context));
}

/* One of the signals waited for, or 0 when `limit` (NULL: none) has passed. */
static int next_signal(const sigset_t *signals, const struct timespec *limit)
{
    int number;
    do {
        number = sigtimedwait(signals, NULL, limit);
    } while (number < 0 && errno == EINTR);
    return number < 0 ? 0 : number;
}

struct server {
    pid_t process;
    const struct sqlcmd_environment *environment;
    bool stopped;
    bool leaving; /* sqlcmd is to end */
};

/* True: it has ended, with that exit status of sqlcmd's. */
static bool look_at(struct server *server, int *status)
{
    int how;
    while (waitpid(server->process, &how, WNOHANG | WUNTRACED) == server->process) {
        if (WIFEXITED(how)) {
            *status = WEXITSTATUS(how);
            return true;
        }
        run_answer_for(server->environment->plan, (uint32_t)server->process);
        if (WIFSIGNALED(how)) {
            link_report(server->environment->err, ENGINE_LOST);
            *status = EXIT_ERROR;
            return true;
        }
        server->stopped = true;
    }
    return false;
}

static void end_server(const struct server *server)
{
    kill(server->process, SIGKILL);
    while (waitpid(server->process, NULL, 0) < 0 && errno == EINTR) {
    }
}

static int watch(struct server *server, const sigset_t *signals, int32_t query_timeout)
{
    const struct timespec goodbye = {.tv_sec = GOODBYE_SECONDS};
    const struct timespec timeout = {.tv_sec = query_timeout};
    int status = EXIT_ERROR;
    while (!look_at(server, &status)) {
        const struct timespec *limit = server->leaving                        ? &goodbye
                                       : server->stopped && query_timeout > 0 ? &timeout
                                                                              : NULL;
        int number = server->leaving && server->stopped ? 0 : next_signal(signals, limit);
        if (number == 0) {
            if (!server->leaving) {
                fputs("Timeout expired\n", server->environment->err);
            }
            end_server(server);
            break;
        }
        if (number != SIGCHLD) {
            server->leaving = true;
            kill(server->process, number);
        }
    }
    return status;
}

int front_end_run(const struct sqlcmd_environment *environment, int32_t query_timeout, int (*serve)(void *),
                  void *context)
{
    sigset_t signals, mask;
    pid_t self = getpid();
    struct server server = {.environment = environment};
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL},
              NULL); /* whoever started us may have ignored it */
    sigprocmask(SIG_BLOCK, &signals, &mask);
    server.process = fork();
    if (server.process == 0) {
        become_server(self, &mask, serve, context);
    }
    if (server.process < 0) {
        fprintf(environment->err, "Sqlcmd: Error: %s.\n", strerror(errno));
        return EXIT_ERROR;
    }
    return watch(&server, &signals, query_timeout);
}
