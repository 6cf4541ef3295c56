/* aside.c - see aside.h. The note is a file of strings, each with its NUL: a name may hold anything else. */
#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE_NAME "aside"

int aside_note(const struct rundir *dir, const char *path, const char *aside)
{
    char *name = rundir_file(dir, NOTE_NAME);
    FILE *note = name != NULL ? fopen(name, "ae") : NULL;
    int error = note == NULL ? (name != NULL ? errno : ENOMEM) : 0;
    if (note != NULL) {
        bool written =
            fwrite(path, strlen(path) + 1, 1, note) == 1 && fwrite(aside, strlen(aside) + 1, 1, note) == 1;
        error = fclose(note) == 0 && written ? 0 : EIO;
    }
    free(name);
    return error;
}

int aside_restore(const char *folder, bool restore, aside_file *visit, void *context)
{
    char name[RUN_PATH_MAX];
    char *path = NULL, *aside = NULL;
    size_t path_room = 0, aside_room = 0;
    int error = 0;
    int fd = -1;
    FILE *note = NULL;
    if (snprintf(name, sizeof name, "%s/" NOTE_NAME, folder) < (int)sizeof name) {
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    }
    if (fd >= 0 && (note = fdopen(fd, "r")) == NULL) {
        close(fd);
    }
    /* A half-written note is of a file that was not renamed yet. */
    while (note != NULL && getdelim(&path, &path_room, '\0', note) > 0 &&
           getdelim(&aside, &aside_room, '\0', note) > 0) {
        if (path[0] != '/' || aside[0] != '/' || faccessat(AT_FDCWD, aside, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        visit(context, path, aside);
        if (restore && rename(aside, path) != 0) {
            error = errno;
        }
    }
    if (note != NULL) {
        fclose(note);
    }
    free(path);
    free(aside);
    return error;
}
