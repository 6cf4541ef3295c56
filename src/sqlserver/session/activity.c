/* activity.c - see activity.h. */
#include "activity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LOCK_ALL = ACTIVITY_MAX, /* behind those of the entries: of who reads or writes */
    NO_ENTRY = -1
};

struct activity {
    int file;
    int own; /* index of this process's entry */
};

/* Of the open file, so that they end with the process. */
static int lock(const struct activity *activity, int command, short type, int at, bool *held)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    int result;
    do {
        result = fcntl(activity->file, command, &range);
    } while (result != 0 && errno == EINTR);
    if (held != NULL) {
        *held = result == 0 && range.l_type != F_UNLCK;
    }
    return result == 0 ? 0 : errno;
}

int activity_open(const char *path, struct activity **out)
{
    struct activity *activity = calloc(1, sizeof *activity);
    *out = NULL;
    if (activity == NULL) {
        return ENOMEM;
    }
    activity->own = NO_ENTRY;
    activity->file = catalog_open_beside(path);
    if (activity->file < 0) {
        int error = errno;
        free(activity);
        return error;
    }
    *out = activity;
    return 0;
}

void activity_close(struct activity *activity)
{
    if (activity != NULL) {
        close(activity->file);
        free(activity);
    }
}

static void take_entry(struct activity *activity)
{
    for (int i = 0; i < ACTIVITY_MAX && activity->own == NO_ENTRY; i++) {
        if (lock(activity, F_OFD_SETLK, F_WRLCK, i, NULL) == 0) {
            activity->own = i;
        }
    }
}

int activity_tell(struct activity *activity, const struct activity_session *own)
{
    int error = lock(activity, F_OFD_SETLKW, F_WRLCK, LOCK_ALL, NULL);
    if (error != 0) {
        return error;
    }
    take_entry(activity);
    if (activity->own == NO_ENTRY) {
        error = ENOSPC;
    } else {
        ssize_t size = pwrite(activity->file, own, sizeof *own, (off_t)(activity->own * sizeof *own));
        error = size == sizeof *own ? 0 : size < 0 ? errno : ENOSPC;
    }
    lock(activity, F_OFD_SETLK, F_UNLCK, LOCK_ALL, NULL);
    return error;
}

/* Nobody is trusted to have ended what it wrote. */
static void end_texts(struct activity_session *session)
{
    char *const texts[] = {session->login, session->host, session->application, session->database,
                           session->target};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        texts[i][CATALOG_NAME_MAX - 1] = '\0';
    }
    session->command[ACTIVITY_COMMAND_MAX - 1] = '\0';
}

uint32_t activity_read(struct activity *activity, struct activity_session *all)
{
    uint32_t count = 0;
    if (lock(activity, F_OFD_SETLKW, F_WRLCK, LOCK_ALL, NULL) != 0) {
        return 0;
    }
    for (int i = 0; i < ACTIVITY_MAX; i++) {
        bool held = false; /* by somebody else: a lock of one's own is in nobody's way */
        struct activity_session *session = &all[count];
        if (lock(activity, F_OFD_GETLK, F_WRLCK, i, &held) == 0 && (held || i == activity->own) &&
            pread(activity->file, session, sizeof *session, (off_t)(i * sizeof *session)) ==
                sizeof *session) {
            end_texts(session);
            count++;
        }
    }
    lock(activity, F_OFD_SETLK, F_UNLCK, LOCK_ALL, NULL);
    return count;
}
