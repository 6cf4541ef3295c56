/* job_notes.h - what the record of a run is told of its jobs: that one begins, and what the client says of it.
 *
 * Errors: none; without memory a command's text is left out. Threads: the session's one.
 */
#ifndef VDIFAULT_JOB_NOTES_H
#define VDIFAULT_JOB_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"
#include "word.h"

/* `too_late`: the client had ended, nothing was started. */
void job_note_start(struct session *session, uint32_t number, bool too_late);
void job_note_word(struct session *session, uint32_t number, enum verdict_word word);

#endif
