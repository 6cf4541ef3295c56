/* harness.h - runs a client under libvdifault.so in a run folder of its own and reads back what was recorded.
 */
#ifndef TEST_INJECT_HARNESS_H
#define TEST_INJECT_HARNESS_H

#include <stdbool.h>

#include "runstate.h"

enum {
    HARNESS_EVENTS_MAX = 20000
};

struct harness_event {
    struct event event;
    char text[128];
};

struct harness {
    char folder[64];
    struct run_state *state;
    int exit_status; /* of the client; 128 + signal */
    size_t count;
    struct harness_event *events; /* in the order of their sequence */
    char log[8192];               /* see harness_log */
};

/* faults: plan text, or NULL for no plan at all. verbs: the client's arguments in one string, blanks between.
 */
void harness_run(struct harness *harness, const char *client, const char *faults, const char *verbs);
void harness_start(struct harness *harness, const char *faults);
void harness_client(struct harness *harness, const char *client, const char *verbs); /* leaves the events */
void harness_finish(struct harness *harness, const char *client, const char *verbs);
void harness_end(struct harness *harness);

/* All ends of calls and faults as words: "Create=NOERROR", "GetCommand:0=VD_E_CLOSE", "fault0". A result that
 * is a fault's doing ends in '!', a call that a fault made begins with '*', a call that waited for one ends
 * in '~'. */

struct scenario {
    const char *faults;
    const char *verbs;
    const char *log;
    uint32_t fired; /* fault 0 */
    int exit_status;
};
/* Each of them must give just that log, with a library that is asked nothing after its Close. */
void harness_play(const char *client, const struct scenario *scenarios, size_t count);

/* Threads of the test, with the run's state: a server that does what fault 0 asks for, and one that dies of it. */
void *harness_answer(void *state);
void *harness_take(void *state);

const struct event *harness_find(const struct harness *harness, enum event_kind kind,
                                 enum vdi_function function, int nth);

#endif
