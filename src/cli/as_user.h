/* as_user.h - the client as another user (--as): a service seldom runs as the one who tests it.
 *
 * That user starts the client, its statements (--sql) and --verify; --before, --after and the triggers stay the runner's.
 * The run's folder is given to that user but for its own name, which the runner removes.
 *
 * Ownership: `groups` from find to free. Errors: 0 or errno, words where they are for the user. Threads: one; become is
 * for a child between fork and exec.
 */
#ifndef VDIFAULT_AS_USER_H
#define VDIFAULT_AS_USER_H

#include <stddef.h>
#include <sys/types.h>

struct as_user {
    const char
        *name; /* NULL: nobody was asked for; then, as where there is no user at all, nothing is done */
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    int group_count;
};

/* By name or number. 0, or -1 with the reason: there is none, or only root can. */
int as_user_find(const char *name, struct as_user *user, char *why, size_t size);
void as_user_free(struct as_user *user);

/* What that user must be able to open in this way (as access(2) has it). */
struct as_user_path {
    const char *path;
    int mode;
};
/* 0, or -1 with the first that it cannot. */
int as_user_check(const struct as_user *user, const struct as_user_path *paths, size_t count, char *why,
                  size_t size);

int as_user_become(const struct as_user *user);
/* All in the folder, which itself everybody may pass. */
int as_user_give(const struct as_user *user, const char *folder);

#endif
