/* as_user.c - see as_user.h. */
#include "as_user.h"

#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    GROUPS_FIRST = 32,
    FOLDERS_OPEN = 16,
    CHILD_CANNOT = 255
};

static const struct passwd *look_up(const char *name)
{
    char *end = NULL;
    const struct passwd *entry = getpwnam(name);
    unsigned long number = strtoul(name, &end, 10);
    return entry != NULL || end == name || *end != '\0' ? entry : getpwuid((uid_t)number);
}

static int take_groups(struct as_user *user)
{
    int count = GROUPS_FIRST;
    for (;;) {
        gid_t *groups = realloc(user->groups, (size_t)count * sizeof *groups);
        if (groups == NULL) {
            return ENOMEM;
        }
        user->groups = groups;
        if (getgrouplist(user->name, user->gid, groups, &count) >= 0) {
            user->group_count = count;
            return 0;
        }
    }
}

int as_user_find(const char *name, struct as_user *user, char *why, size_t size)
{
    *user = (struct as_user){0};
    const struct passwd *entry = look_up(name);
    if (entry == NULL) {
        snprintf(why, size, "--as '%s': there is no such user", name);
        return -1;
    }
    if (entry->pw_uid == geteuid()) {
        return 0; /* as it is */
    }
    if (geteuid() != 0) {
        snprintf(why, size, "--as '%s': only root can start a client as another user, and this is user %d",
                 name, (int)geteuid());
        return -1;
    }
    *user = (struct as_user){.name = strdup(entry->pw_name), .uid = entry->pw_uid, .gid = entry->pw_gid};
    int error = user->name == NULL ? ENOMEM : take_groups(user);
    if (error != 0) {
        snprintf(why, size, "--as '%s': %s", name, strerror(error));
    }
    return error != 0 ? -1 : 0;
}

void as_user_free(struct as_user *user)
{
    free((char *)user->name);
    free(user->groups);
    *user = (struct as_user){0};
}

/* The system calls themselves: the C library's functions would have all threads of the process follow, and between vfork
 * and exec that process is the parent. */
int as_user_become(const struct as_user *user)
{
    if (user == NULL || user->name == NULL) {
        return 0;
    }
    return syscall(SYS_setgroups, user->group_count, user->groups) != 0 ||
                   syscall(SYS_setresgid, user->gid, user->gid, user->gid) != 0 ||
                   syscall(SYS_setresuid, user->uid, user->uid, user->uid) != 0
               ? errno
               : 0;
}

int as_user_check(const struct as_user *user, const struct as_user_path *paths, size_t count, char *why,
                  size_t size)
{
    int status = 0;
    if (user->name == NULL) {
        return 0;
    }
    pid_t child = fork();
    if (child == 0) {
        size_t good = 0;
        if (as_user_become(user) != 0) {
            _exit(CHILD_CANNOT);
        }
        while (good < count &&
               (paths[good].path == NULL || access(paths[good].path, paths[good].mode) == 0)) {
            good++;
        }
        _exit((int)good);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    size_t good = child > 0 && WIFEXITED(status) ? (size_t)WEXITSTATUS(status) : CHILD_CANNOT;
    if (good == count) {
        return 0;
    }
    if (good > count) {
        snprintf(why, size, "--as '%s': no process can become that user here", user->name);
    } else {
        snprintf(
            why, size,
            "--as '%s': that user cannot %s '%.300s'; expected all of the client, of vdifault and of its "
            "folders above where it can reach them",
            user->name,
            paths[good].mode & X_OK   ? "run or enter"
            : paths[good].mode & W_OK ? "write to"
                                      : "read",
            paths[good].path);
    }
    return -1;
}

/* nftw has no context. */
static const struct as_user *giving_to;

static int give_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    return place->level == 0 ? chmod(path, 0711) : lchown(path, giving_to->uid, giving_to->gid);
}

int as_user_give(const struct as_user *user, const char *folder)
{
    if (user == NULL || user->name == NULL) {
        return 0;
    }
    giving_to = user;
    errno = 0;
    int result = nftw(folder, give_one, FOLDERS_OPEN, FTW_PHYS);
    return result == 0 ? 0 : errno != 0 ? errno : EIO;
}
