/* spare.c - see spare.h. */
#include "spare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runstate.h"

/* What stays, folder by folder; all of it must be there. */
struct kept {
    const char *folder; /* "." the folder itself */
    const char *name;
    mode_t type;
};

static const struct kept kept[] = {
    {".", "namespace", S_IFREG},
    {".", "plan", S_IFREG},
    {".", "plan-verify", S_IFREG},
    {".", RUN_CLIENT_FOLDER, S_IFDIR},
    {".", "tmp", S_IFDIR},
    {".", "trace", S_IFDIR},
    {".", "bin", S_IFDIR},
    {".", "sanitizer", S_IFDIR},
    {"bin", "sqlcmd", S_IFLNK},
    {"bin", "osql", S_IFLNK},
    {"trace", "state", S_IFREG},
    {"bin", "libvdifault.so", S_IFLNK},
    {"bin", "libvdifault-sys.so", S_IFLNK},
};
static const char *const folders[] = {".", RUN_CLIENT_FOLDER, "tmp", "trace", "bin", "sanitizer"};

enum {
    KEPT = sizeof kept / sizeof kept[0],
    FOLDERS = sizeof folders / sizeof folders[0]
};

static bool is_type(int folder, const char *name, mode_t type)
{
    struct stat info;
    return fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && (info.st_mode & S_IFMT) == type &&
           info.st_uid == geteuid() && (type == S_IFLNK || (info.st_mode & S_IRWXU) >= (S_IRUSR | S_IWUSR));
}

/* Rings are as many as the run made of them; each is looked at when it is wiped. */
static bool stays(const char *place, int folder, const char *name, uint32_t *found)
{
    if (strcmp(place, "trace") == 0 && strncmp(name, "ring.", 5) == 0) {
        return is_type(folder, name, S_IFREG);
    }
    for (size_t i = 0; i < KEPT; i++) {
        if (strcmp(kept[i].folder, place) == 0 && strcmp(kept[i].name, name) == 0 &&
            is_type(folder, name, kept[i].type)) {
            (*found)++;
            return true;
        }
    }
    return false;
}

/* All that does not stay is removed. */
static int empty(int at, const char *place, uint32_t *found)
{
    int error = 0;
    int file = openat(at, place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = file >= 0 ? fdopendir(file) : NULL;
    if (folder == NULL) {
        error = errno;
        if (file >= 0) {
            close(file);
        }
        return error;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && error == 0;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !stays(place, file, entry->d_name, found)) {
            error = folder_remove_at(file, entry->d_name);
        }
    }
    closedir(folder);
    return error;
}

static int renew(const struct rundir *dir)
{
    uint32_t found = 0;
    int error = 0;
    char *trace = rundir_file(dir, "trace");
    int at = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0 || trace == NULL) {
        error = at < 0 ? errno : ENOMEM;
        goto out;
    }
    (void)mkdirat(at, RUN_CLIENT_FOLDER, 0700); /* the one part that the client may have removed */
    for (size_t i = 0; i < FOLDERS && error == 0; i++) {
        error = empty(at, folders[i], &found);
    }
    if (error == 0) {
        error = found == KEPT ? run_state_renew(trace) : ENOENT;
    }
out:
    if (at >= 0) {
        close(at);
    }
    free(trace);
    return error;
}

int spare_take(struct spare *spare, const char *base, const struct parts *parts, struct rundir *dir,
               bool *renewed)
{
    *renewed = spare != NULL && spare->there;
    if (!*renewed) {
        return rundir_create(base, parts, dir);
    }
    *dir = spare->dir;
    spare->there = false;
    return 0;
}

void spare_give(struct spare *spare, const struct rundir *dir)
{
    if (spare == NULL || spare->there || renew(dir) != 0) {
        (void)folder_remove(dir->path);
        return;
    }
    spare->dir = *dir;
    spare->there = true;
}

void spare_drop(struct spare *spare)
{
    if (spare->there) {
        (void)folder_remove(spare->dir.path);
    }
    spare->there = false;
}
