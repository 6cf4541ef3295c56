/* fork_server.h - the runner's side of a client that is started once for many runs (inject/fork_server.h).
 *
 * The first run starts the client as ever and offers it a socket; the interposer answers at the first VDI call: a copy
 * waits there, or why none does. Later runs with the same program, arguments and environment, the run folder's path
 * included, are continued from the copy. Whatever else comes is started as ever.
 *
 * Ownership: the socket and the copy are the server's until fork_server_close. Errors: a copy that does not answer is
 * ended, and the client started anew. Threads: one.
 */
#ifndef VDIFAULT_CLI_FORK_SERVER_H
#define VDIFAULT_CLI_FORK_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum fork_server_mode {
    FORK_SERVER_OFF,
    FORK_SERVER_AUTO, /* where it cannot be, the client is started for each run */
    FORK_SERVER_ON
};

struct fork_server {
    int socket;    /* ours; -1: none */
    pid_t pid;     /* of the copy; 0: none, or not yet known */
    char *key;     /* what it was started with */
    bool offered;  /* the client has been asked: an answer may come */
    char why[124]; /* why there is none and none is to be asked for; "" nothing is known against it */
};

void fork_server_init(struct fork_server *server);
void fork_server_close(struct fork_server *server);

/* Continues a run from the copy: *pid is a child of ours, in a process group of its own. False: it cannot be. */
bool fork_server_continue(struct fork_server *server, const char *path, char *const *argv,
                          char *const *environment, pid_t *pid);

/* A start with these is about to be made: the socket that it is to inherit, -1: it is not to be asked. `variable` gets
 * the entry for its environment. Once it has been started, or not: fork_server_offered. */
int fork_server_offer(struct fork_server *server, const char *path, char *const *argv,
                      char *const *environment, char *variable, size_t size);
void fork_server_offered(struct fork_server *server, int inherited, bool started);

/* Takes the answer if it has come. */
void fork_server_listen(struct fork_server *server);
/* A child has ended: true if it was the copy. */
bool fork_server_ended(struct fork_server *server, pid_t pid);

#endif
