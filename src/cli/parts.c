/* parts.c - where the installed parts are. */
#include "parts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int resolve(const char *prefix, const char *below, int mode, char *path)
{
    char resolved[PATH_MAX];
    if (snprintf(path, RUN_PATH_MAX, "%s/%s", prefix, below) >= RUN_PATH_MAX) {
        return ENAMETOOLONG;
    }
    if (access(path, mode) != 0 || realpath(path, resolved) == NULL) {
        return errno;
    }
    snprintf(path, RUN_PATH_MAX, "%s", resolved);
    return 0;
}

/* The command's own, without "/bin/vdifault". */
static int find_prefix(char prefix[RUN_PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", prefix, RUN_PATH_MAX - 1);
    if (length < 0) {
        return errno;
    }
    prefix[length] = '\0';
    for (int up = 0; up < 2; up++) { /* the name, then "bin" */
        char *slash = strrchr(prefix, '/');
        if (slash == NULL) {
            return ENOENT;
        }
        *slash = '\0';
    }
    return 0;
}

int parts_find_player(const char *world, char path[RUN_PATH_MAX])
{
    char prefix[RUN_PATH_MAX], below[64];
    path[0] = '\0';
    int error = find_prefix(prefix);
    snprintf(below, sizeof below, "libexec/vdifault/play_%s", world);
    return error != 0 ? error : resolve(prefix, below, X_OK, path);
}

int parts_find(struct parts *parts, const char **missing)
{
    char prefix[RUN_PATH_MAX];
    *parts = (struct parts){0};
    *missing = "/proc/self/exe";
    int found = find_prefix(prefix);
    if (found != 0) {
        return found;
    }
    const struct {
        const char *below;
        int mode;
        char *path;
    } rows[] = {
        {"lib", X_OK, parts->library_folder},
        {"lib/libvdifault.so", R_OK, parts->interposer},
        {"lib/libvdifault-sys.so", R_OK, parts->files},
        {"lib/libsqlvdi.so", R_OK, parts->vdi_library},
        {"libexec/vdifault/sqlcmd", X_OK, parts->stand_in},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int error = resolve(prefix, rows[i].below, rows[i].mode, rows[i].path);
        if (error != 0) {
            *missing = rows[i].path;
            return error;
        }
    }
    if (resolve(prefix, "libexec/vdifault/sqlserver", X_OK, parts->sql_server) != 0) {
        parts->sql_server[0] = '\0';
    }
    if (resolve(prefix, "libexec/vdifault/tds-proxy", X_OK, parts->tds_proxy) != 0) {
        parts->tds_proxy[0] = '\0';
    }
    return 0;
}
