/* activity.h - who is connected to the simulated server and what each has under way, for sys.dm_exec_sessions and
 * sys.dm_exec_requests.
 *
 * Each session is in a process of its own, so this is a file of the run's folder beside the catalog: an entry a session,
 * which its process writes and holds a lock on. The system releases the lock when the process dies: what a killed one
 * wrote is not read any more.
 *
 * Errors: 0 or errno; with more sessions than ACTIVITY_MAX the last ones are not seen by others. Threads: one; several
 * processes may share a file.
 */
#ifndef VDIFAULT_SESSION_ACTIVITY_H
#define VDIFAULT_SESSION_ACTIVITY_H

#include <stdint.h>

#include "catalog.h"

enum {
    ACTIVITY_MAX = 512,
    ACTIVITY_COMMAND_MAX = 32
};

struct activity_session {
    int32_t spid;
    uint32_t percent;  /* of the request's data that has been moved */
    int64_t connected; /* seconds since 1970 */
    int64_t started;   /* the request; milliseconds since 1970 */
    char login[CATALOG_NAME_MAX];
    char host[CATALOG_NAME_MAX];
    char application[CATALOG_NAME_MAX];
    char database[CATALOG_NAME_MAX];    /* in use */
    char command[ACTIVITY_COMMAND_MAX]; /* BACKUP DATABASE; "": no request */
    char target[CATALOG_NAME_MAX];      /* the database it is about */
};

struct activity;
int activity_open(const char *path, struct activity **activity);
void activity_close(struct activity *activity); /* NULL is allowed */
/* The entry of this process: what others read from now on. */
int activity_tell(struct activity *activity, const struct activity_session *own);
/* Those who are connected now, in `all` of ACTIVITY_MAX entries; how many. */
uint32_t activity_read(struct activity *activity, struct activity_session *all);

#endif
