/* word.h - what a client says of how its work went, where that is not an exit status: a file, or a line that it prints
 * (--verdict).
 *
 * Threads: the session's one.
 */
#ifndef VDIFAULT_WORD_H
#define VDIFAULT_WORD_H

#include "session.h"

enum {
    WORD_UNKNOWN_MAX = 64
};

/* What it said before counts no more; a file is removed. False: it cannot be; session->error says so. */
bool word_forget(struct session *session);
/* VERDICT_NOTHING: it has not come yet. `unknown` gets the file's content if that is no word, else "". */
enum verdict_word word_look(const struct session *session, char unknown[WORD_UNKNOWN_MAX]);

#endif
