/* client_family.h - the processes of a client that uses a set from several of them (spec 8).
 *
 * The primary creates the set, and starts members: its own executable with the role of number 1, 2... It watches
 * them, for VDI does not, and calls SignalAbort when one ends abnormally (VDI-SEC-003). A socket joins it with each;
 * its end tells the member that the primary expects nothing more, or is gone.
 *
 * Ownership: the family is the primary's, which must not move once started; family_end leaves no process and no
 * thread. A member owns its end of the socket. Errors: noted with operation_fail; false. Threads: start and end by
 * the main thread; a member's socket by one thread at a time.
 */
#ifndef CLIENT_FAMILY_H
#define CLIENT_FAMILY_H

#include <sys/types.h>

#include "client_session.h"

struct family_member {
    struct session *session;
    pid_t process;
    pthread_t watcher;
    int number; /* from 1 */
    int socket;
};

struct family {
    int count;
    struct family_member members[CLIENT_DEVICES_MAX];
};

/* ---- the primary ---- */

/* Starts `count` members. The set must be configured (VDI-SEC-001). */
bool family_start(struct family *family, struct session *session, int count);
/* Tells the members that it is over, and waits for them. Before the set is closed. */
void family_end(struct family *family);

/* ---- a member ---- */

/* This process as a member. */
struct family_role {
    int number; /* 0: it is the primary */
    int count;  /* of the members */
    int socket;
};

/* Takes the role out of the arguments, before client_parse. */
struct family_role family_take_role(int *argc, char **argv);
/* client_run for a member; returns its exit status. The end of the socket counts as the end of the statement for
 * operation_may_wait if `follow`; then nobody else may read it. */
int family_run_member(const struct client_options *options, const struct family_role *role, bool follow,
                      client_work *work);

/* ---- both: a message over a socket ---- */

bool family_send(int socket, const void *message, size_t size);
bool family_receive(int socket, void *message, size_t size); /* false also at the end */

#endif
