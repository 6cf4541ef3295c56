/* proof.h - --prove-durability: the files of a backup that was acknowledged too early, as they would be on disk, in the
 * place of the real ones while --verify runs.
 *
 * The real file is renamed to "<path>.vdifault-<token>" for that time: nothing of it is copied or changed, and
 * should the runner itself be killed, the next run puts it back (aside.h). Threads: the session's.
 */
#ifndef VDIFAULT_PROOF_H
#define VDIFAULT_PROOF_H

#include "session.h"

enum {
    PROOF_FILES_MAX = 64
};

struct proof {
    size_t count;
    struct {
        char *path;
        char *aside; /* the real file's name meanwhile */
    } files[PROOF_FILES_MAX];
};

/* Judges what was recorded so far; puts the images in place and records a NOTE_PROOF, or does nothing: all was
 * durable, or it cannot be rebuilt, which is then said on stderr. */
void proof_begin(struct proof *proof, struct session *session);
/* Everything is as it was. */
void proof_end(struct proof *proof);

#endif
