/* children.h - the processes of a server of TDS, one a connection.
 *
 * Responsible for: letting those go on who asked a connection's process for a fault that takes it (request.h): it cannot
 * answer any more; closing the connection of a process that is gone, and ending one that was stopped and whose peer has
 * gone; ending all of them.
 * The server's process holds each socket, too: a connection is closed when both have let it go.
 *
 * Errors: 0 or errno. One thread; SIGCHLD's handler is the caller's.
 */
#ifndef VDIFAULT_TDS_CHILDREN_H
#define VDIFAULT_TDS_CHILDREN_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan.h"

enum {
    TDS_CHILDREN_MOST = 256
};

struct tds_child {
    pid_t process;
    int socket;
    bool stopped;
};

struct tds_children {
    const struct plan *plan;
    struct tds_child all[TDS_CHILDREN_MOST];
    uint32_t count;
};

void tds_children_add(struct tds_children *children, pid_t process, int socket); /* room: count < MOST */
/* Looks at those that have ended or stopped since the last time. */
void tds_children_reap(struct tds_children *children);
/* What poll is to watch: the connections of the stopped ones. The number of entries. */
uint32_t tds_children_watch(const struct tds_children *children, struct pollfd *polls);
void tds_children_lost(struct tds_children *children, int socket); /* its peer has closed it */
/* Asks all to end, and sees to it. */
void tds_children_end(struct tds_children *children);
/* In a child: none of the sockets is its business. */
void tds_children_forget(struct tds_children *children);

#endif
