/* job_notes.c - see job_notes.h. */
#include "job_notes.h"

#include <stdlib.h>

#include "event.h"
#include "redact.h"

void job_note_start(struct session *session, uint32_t number, bool too_late)
{
    const char *trigger = session->setup.options->jobs.triggers[number];
    struct event event = {.kind = EVENT_NOTE, .arg = {NOTE_JOB, number, too_late}};
    char *text = redact_text(trigger);
    session_event(session, event, text != NULL ? text : "");
    free(text);
}

void job_note_word(struct session *session, uint32_t number, enum verdict_word word)
{
    struct event event = {.kind = EVENT_NOTE, .arg = {NOTE_VERDICT, number, word}};
    static const char *const texts[] = {[VERDICT_NOTHING] = "the client says nothing that is known",
                                        [VERDICT_FAILURE] = "the client says failure",
                                        [VERDICT_SUCCESS] = "the client says success"};
    session_event(session, event, texts[word]);
}
