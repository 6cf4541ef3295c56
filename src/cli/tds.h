/* tds.h - the simulated server at a TCP port (--tds): the port, and the process that answers there.
 *
 * The runner binds the port and listens, so that it is there before the client asks for it and no two runs share one;
 * the program `sqlserver` inherits the socket. It is started anew for each phase of a run (the client, --verify, the
 * client again), with that phase's plan and role, and ends with the phase like all processes of the run. Runs that a
 * process makes one after another have the same port; what knocked for an earlier one is turned away.
 *
 * Ownership: the socket is the struct's until tds_close. Errors: in words. Threads: one.
 */
#ifndef VDIFAULT_TDS_H
#define VDIFAULT_TDS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "rundir.h"

enum {
    TDS_SERVERS_MAX = 1024
};

/* --tds, --server, --answers. */
struct tds_options {
    bool wanted;
    struct sockaddr_in address;    /* port 0: a free one */
    char servers[TDS_SERVERS_MAX]; /* as VDIFAULT_SERVER has them (inject/servers.h) */
    char answers[RUN_PATH_MAX];    /* absolute; "": none */
    char record
        [RUN_PATH_MAX]; /* --record-answers, absolute: behind the port is the one of `servers`; "": not */
};

/* One of the options' values; NULL for a --tds without one. NULL, or what was expected. */
const char *tds_take_address(struct tds_options *options, const char *value);
const char *tds_take_server(struct tds_options *options, const char *value);

struct tds {
    int socket;              /* 0: none */
    int questions;           /* UDP, the same port: for clients that ask for a named instance's; 0: none */
    char place[RUN_TDS_MAX]; /* ADDRESS:PORT */
};

/* Binds and listens, if a port is wanted. 0, or -1 with *why filled. */
int tds_listen(struct tds *tds, const struct tds_options *options, char *why, size_t size);
/* The same in a forked copy of who listens: a free port is one's own, a given one stays shared. */
int tds_renew(struct tds *tds, const struct tds_options *options, char *why, size_t size);
void tds_close(struct tds *tds);

/* Answers what has come to `questions`: each named instance is at a port that leads here. */
void tds_answer(const struct tds *tds, const struct tds_options *options);

/* ---- the process ---- */

struct session;

/* Starts it for the phase whose client has this environment (enum environment_kind), if the run has one. 0, or errno
 * with session->error filled. */
int tds_start(struct session *session, int kind);
/* Tells of a client that connects past us, unless it is told where to. */
void tds_note_client(struct session *session);
/* A child has ended: true if it was the server. An end that was not by our hand is told in session->error. */
bool tds_ended(struct session *session, pid_t pid, int status, bool killed);

#endif
