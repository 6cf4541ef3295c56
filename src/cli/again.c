/* again.c - see again.h. */
#include "again.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void control(struct session *session, struct session *other, struct plan *plan)
{
    *plan = session->plan;
    plan->fault_count = 0;
    fprintf(stderr, "vdifault: --again: the second run failed; both once more, without the fault\n");
    if (session_open(other, &session->setup, plan) == 0) {
        session_run(other);
    }
    if (other->interrupted != 0) {
        session->interrupted = other->interrupted;
    } else if (other->error[0] != '\0') {
        fprintf(stderr, "vdifault: --again: the run without the fault: %s\n", other->error);
    }
    if (!other->succeeded || !other->again_succeeded) {
        struct event event = {.kind = EVENT_NOTE, .arg = {NOTE_AGAIN_CONTROL}};
        session_event(session, event,
                      other->succeeded ? "the client cannot be run twice, with or without a fault"
                                       : "the client does not run without the fault any more");
        record_finish(&session->record);
    }
    session_close(other);
}

void again_control(struct session *session)
{
    if (!session->ran_again || session->again_succeeded || session->plan.fault_count == 0 ||
        session->interrupted != 0) {
        return;
    }
    struct session *other = calloc(1, sizeof *other);
    struct plan *plan = malloc(sizeof *plan);
    if (other != NULL && plan != NULL) {
        control(session, other, plan);
    } else {
        snprintf(session->error, sizeof session->error, "--again: %s", strerror(ENOMEM));
    }
    free(other);
    free(plan);
}

const char *again_outcome(const struct session *session)
{
    const struct record *record = &session->record;
    bool never = false;
    for (size_t i = 0; i < record->count; i++) {
        const struct event *event = &record->events[i].event;
        never = never || (event->kind == EVENT_NOTE && event->arg[0] == NOTE_AGAIN_CONTROL);
    }
    return !session->ran_again        ? NULL
           : session->again_succeeded ? "success"
           : never                    ? "failed, as it does without a fault"
                                      : "failed";
}
