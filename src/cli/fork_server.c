/* fork_server.c - see fork_server.h. */
#include "fork_server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fork_message.h"

enum {
    ANSWER_MS = 5000 /* for a copy that has only to copy itself */
};

void fork_server_init(struct fork_server *server)
{
    *server = (struct fork_server){.socket = -1};
}

/* Without its socket a copy ends; a client that has not answered yet is not asked any more. */
static void stop(struct fork_server *server)
{
    if (server->socket >= 0) {
        close(server->socket);
        server->socket = -1;
    }
    if (server->pid != 0) {
        kill(server->pid, SIGKILL);
        while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        server->pid = 0;
    }
    server->offered = false;
}

void fork_server_close(struct fork_server *server)
{
    fork_server_listen(server);
    stop(server);
    free(server->key);
    server->key = NULL;
}

/* All that a start is given, a line each. */
static char *make_key(const char *path, char *const *argv, char *const *environment)
{
    char *const *const lists[] = {argv, environment};
    char *key = NULL;
    size_t length = 0;
    FILE *text = open_memstream(&key, &length);
    if (text == NULL) {
        return NULL;
    }
    fprintf(text, "%s%c", path, '\n');
    for (size_t i = 0; i < 2; i++) {
        for (char *const *entry = lists[i]; *entry != NULL; entry++) {
            fprintf(text, "%s%c", *entry, '\n');
        }
        fputc('\n', text);
    }
    if (fclose(text) != 0) {
        free(key);
        return NULL;
    }
    return key;
}

/* What the client writes into its socket is its own: nobody is signalled or waited for who is no child of ours. */
static bool is_child(pid_t pid)
{
    siginfo_t info;
    return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void fork_server_listen(struct fork_server *server)
{
    struct fork_message message;
    if (!server->offered) {
        return;
    }
    ssize_t got = recv(server->socket, &message, sizeof message, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    server->offered = false;
    if (got == (ssize_t)sizeof message && is_child(message.server)) {
        server->pid = message.server;
        return;
    }
    message.why[sizeof message.why - 1] = '\0';
    snprintf(server->why, sizeof server->why, "%s",
             got == (ssize_t)sizeof message ? message.why : "it calls VDI in another program, or not at all");
    stop(server);
}

/* The number of the run's process; 0: no answer. */
static pid_t ask(const struct fork_server *server)
{
    pid_t child = 0;
    struct pollfd wait = {.fd = server->socket, .events = POLLIN};
    if (send(server->socket, "", 1, MSG_NOSIGNAL) != 1 || poll(&wait, 1, ANSWER_MS) != 1 ||
        recv(server->socket, &child, sizeof child, MSG_DONTWAIT) != (ssize_t)sizeof child) {
        return 0;
    }
    return is_child(child) ? child : 0;
}

bool fork_server_continue(struct fork_server *server, const char *path, char *const *argv,
                          char *const *environment, pid_t *pid)
{
    fork_server_listen(server);
    char *key = server->pid != 0 ? make_key(path, argv, environment) : NULL;
    bool same = key != NULL && server->key != NULL && strcmp(key, server->key) == 0;
    free(key);
    *pid = same ? ask(server) : 0;
    if (*pid == 0) {
        stop(server);
    }
    return *pid != 0;
}

int fork_server_offer(struct fork_server *server, const char *path, char *const *argv,
                      char *const *environment, char *variable, size_t size)
{
    int ends[2];
    stop(server);
    if (server->why[0] != '\0' || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return -1;
    }
    free(server->key);
    server->key = make_key(path, argv, environment);
    server->socket = ends[0];
    snprintf(variable, size, FORK_SERVER_VARIABLE "=%d:%d", ends[1], (int)getpid());
    return ends[1];
}

void fork_server_offered(struct fork_server *server, int inherited, bool started)
{
    if (inherited < 0) {
        return;
    }
    close(inherited);
    server->offered = started;
    if (!started) {
        stop(server);
    }
}

bool fork_server_ended(struct fork_server *server, pid_t pid)
{
    if (server == NULL || server->pid != pid || pid == 0) {
        return false;
    }
    server->pid = 0; /* reaped by who tells us */
    stop(server);
    return true;
}
