/* sweep_journal.c - see sweep_journal.h. */
#include "sweep_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define JOURNAL_FORMAT (JSON_COMPACT | JSON_SORT_KEYS)

static int add_line(int file, const json_t *object)
{
    char *text = json_dumps(object, JOURNAL_FORMAT);
    if (text == NULL) {
        return ENOMEM;
    }
    size_t length = strlen(text), done = 0;
    int error = 0;
    text[length++] = '\n'; /* in place of its end: the length is known */
    while (done < length && error == 0) {
        ssize_t written = write(file, text + done, length - done);
        error = written < 0 && errno != EINTR ? errno : 0;
        done += written > 0 ? (size_t)written : 0;
    }
    free(text);
    return error;
}

/* The beginning of the first line, which is all that a crash has left of it. */
static bool begins_line(const json_t *object, const char *text, size_t length)
{
    char *whole = json_dumps(object, JOURNAL_FORMAT);
    bool begins = whole != NULL && length <= strlen(whole) && memcmp(whole, text, length) == 0;
    free(whole);
    return begins;
}

/* The lines that are whole; *whole is where they end. 0, or EEXIST. */
static int read_lines(FILE *in, const json_t *identity, sweep_journal_take *take, void *context, off_t *whole)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    int error = 0;
    *whole = 0;
    for (ssize_t length; error == 0 && (length = getline(&line, &room, in)) > 0;) {
        json_t *object = line[length - 1] == '\n' ? json_loadb(line, (size_t)length, 0, NULL) : NULL;
        if (object == NULL) {
            error = *whole == 0 && !begins_line(identity, line, (size_t)length) ? EEXIST : 0;
            break;
        }
        number++;
        if (*whole == 0) {
            error = json_equal(object, identity) ? 0 : EEXIST;
            json_decref(object);
        } else {
            take(context, number, object);
        }
        *whole += length;
    }
    free(line);
    return error;
}

/* A lock of this process alone: those it starts have copies of the descriptor, and may live longer than a sweep that is
 * killed. Where the file system has no locks there is none. */
static int lock(int file)
{
    const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int error = fcntl(file, F_SETLK, &whole) != 0 ? errno : 0;
    return error == EACCES || error == EAGAIN ? EBUSY : 0;
}

/* The file, locked. *gone: its sweep was through with it meanwhile, and removed it. */
static int open_locked(struct sweep_journal *journal, bool *gone)
{
    struct stat info;
    int error = 0;
    journal->file = open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    if (journal->file < 0) {
        return errno;
    }
    if (fstat(journal->file, &info) != 0 || !S_ISREG(info.st_mode)) {
        return EINVAL; /* no file that can be read again and cut */
    }
    error = lock(journal->file);
    *gone = error == 0 && fstat(journal->file, &info) == 0 && info.st_nlink == 0;
    if (error == 0) {
        journal->stream = fdopen(journal->file, "r");
        error = journal->stream == NULL ? errno : 0;
    }
    return error;
}

int sweep_journal_open(struct sweep_journal *journal, const char *path, json_t *identity,
                       sweep_journal_take *take, void *context)
{
    int error = 0;
    off_t whole = 0;
    bool gone = false;
    *journal = (struct sweep_journal){.path = path, .file = -1};
    if (path == NULL) {
        goto out;
    }
    do {
        sweep_journal_close(journal, false);
        error = open_locked(journal, &gone);
    } while (error == 0 && gone);
    if (error == 0) {
        error = read_lines(journal->stream, identity, take, context, &whole);
    }
    if (error == 0 && ftruncate(journal->file, whole) != 0) {
        error = errno;
    }
    if (error == 0 && whole == 0) {
        error = add_line(journal->file, identity);
    }
out:
    json_decref(identity);
    return error;
}

int sweep_journal_add(struct sweep_journal *journal, const json_t *object)
{
    return journal->file >= 0 ? add_line(journal->file, object) : 0;
}

void sweep_journal_close(struct sweep_journal *journal, int done)
{
    if (done && journal->path != NULL) {
        (void)unlink(journal->path);
        journal->path = NULL;
    }
    if (journal->stream != NULL) {
        fclose(journal->stream);
    } else if (journal->file >= 0) {
        close(journal->file);
    }
    journal->stream = NULL;
    journal->file = -1;
}
