/* proof.c - see proof.h. */
#include "proof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aside.h"
#include "image.h"

static void complain(const char *path, const char *why)
{
    fprintf(stderr, "vdifault: --prove-durability: cannot rebuild '%s' as it was on disk: %s\n", path, why);
}

/* The real file goes aside, an empty one takes its place: its descriptor, or -1 with errno. */
static int replace(struct proof *proof, const char *path, const struct stat *info, const struct rundir *dir)
{
    char *aside = NULL;
    char *copy = strdup(path);
    int to = -1;
    if (copy == NULL || asprintf(&aside, "%s." RUN_PREFIX "%s", path, dir->token) < 0) {
        free(copy);
        errno = ENOMEM;
        return -1;
    }
    if (access(aside, F_OK) == 0) {
        errno = EEXIST;
    } else if ((errno = aside_note(dir, path, aside)) == 0 && rename(path, aside) == 0) {
        proof->files[proof->count].path = copy;
        proof->files[proof->count].aside = aside;
        proof->count++;
        to = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, info->st_mode & 07777);
        if (to >= 0 && ((fchown(to, info->st_uid, info->st_gid) != 0 && errno != EPERM) ||
                        fchmod(to, info->st_mode & 07777) != 0)) {
            close(to);
            to = -1;
        }
        return to;
    }
    free(copy);
    free(aside);
    return -1;
}

/* 0: the file is as it was on disk. 1: it had been all along. -1: it cannot be made so. */
static int prove_file(struct proof *proof, const struct session *session, const struct sink *sink,
                      uint64_t moment)
{
    const struct record *record = &session->record;
    char why[160] = "";
    struct stat info;
    enum image_result made = IMAGE_UNKNOWN;
    int to = -1;
    int from = open(sink->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (from < 0 || fstat(from, &info) != 0) {
        snprintf(why, sizeof why, "%s", strerror(errno));
    } else if (proof->count == PROOF_FILES_MAX) {
        snprintf(why, sizeof why, "the backup has more than %d files", PROOF_FILES_MAX);
    } else if ((to = replace(proof, sink->path, &info, &session->dir)) < 0) {
        snprintf(why, sizeof why, "%s", strerror(errno));
    } else {
        made = image_make(record->events, record->count, sink->identity, moment, from, to, why, sizeof why);
    }
    if (from >= 0) {
        close(from);
    }
    if (to >= 0) {
        close(to);
    }
    if (made == IMAGE_UNKNOWN) {
        complain(sink->path, why);
    }
    return made == IMAGE_MADE ? 0 : made == IMAGE_SAME ? 1 : -1;
}

static void put_back(struct proof *proof)
{
    proof->count--;
    char *path = proof->files[proof->count].path;
    char *aside = proof->files[proof->count].aside;
    if (rename(aside, path) != 0) {
        fprintf(stderr, "vdifault: --prove-durability: cannot put '%s' back as '%s': %s\n", aside, path,
                strerror(errno));
    }
    free(path);
    free(aside);
}

void proof_end(struct proof *proof)
{
    while (proof->count > 0) {
        put_back(proof);
    }
}

/* The newest backup that was not durable: --verify restores the newest. */
static const struct operation *choose(const struct judgement *judgement)
{
    const struct operation *chosen = NULL;
    for (size_t i = 0; i < judgement->operation_count; i++) {
        const struct operation *operation = &judgement->operations[i];
        if (operation->is_backup && operation->outcome == OUTCOME_SUCCESS &&
            operation->issued_by != PROCESS_VERIFY) {
            chosen = operation->sink_count > 0 ? operation : NULL;
        }
    }
    return chosen;
}

static void prove_operation(struct proof *proof, struct session *session, const struct operation *operation)
{
    bool differs = false;
    for (uint32_t i = 0; i < operation->sink_count; i++) {
        int result = prove_file(proof, session, &operation->sinks[i], operation->acknowledged);
        if (result < 0) {
            proof_end(proof);
            return;
        }
        if (result > 0) {
            put_back(proof); /* it is the real one that counts */
        }
        differs = differs || result == 0;
    }
    if (differs) {
        struct event event = {.kind = EVENT_NOTE, .arg = {NOTE_PROOF, operation->id}};
        session_event(session, event, "the files are as they were on disk at the last acknowledgement");
    }
}

void proof_begin(struct proof *proof, struct session *session)
{
    struct checker *checker = NULL;
    struct record *record = &session->record;
    *proof = (struct proof){0};
    record_finish(record);
    int error = checker_new(&session->plan, &checker);
    for (size_t i = 0; i < record->count && error == 0; i++) {
        error = checker_feed(checker, &record->events[i].event, record->events[i].text);
    }
    const struct operation *operation = error == 0 ? choose(checker_finish(checker)) : NULL;
    if (error != 0) {
        fprintf(stderr, "vdifault: --prove-durability: cannot judge the run: %s\n", strerror(error));
    } else if (operation != NULL) {
        prove_operation(proof, session, operation);
    }
    checker_free(checker);
}
