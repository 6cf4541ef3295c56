/* fake_engine.h - stands in for the engine and the event recorder: says what a test tells it to, and
 * remembers. */
#ifndef VDIFAULT_TESTS_FAKE_ENGINE_H
#define VDIFAULT_TESTS_FAKE_ENGINE_H

#include <stdatomic.h>

#include "engine.h"
#include "event.h"

enum {
    FAKE_DEVICES_MAX = 64,
    FAKE_EVENTS_MAX = 64,
    FAKE_MESSAGES_MAX = 8
};

struct fake_event {
    enum event_kind kind;
    int64_t arg[4];
    char text[512];
};

extern struct fake {
    enum engine_leaving leaving; /* with every statement */
    /* told by the test */
    struct sql_message messages[FAKE_MESSAGES_MAX]; /* reported in the last step; number 0 ends them */
    bool until_cancelled;                           /* runs until engine_cancel */
    uint32_t moves;                      /* waits of a millisecond that it takes, unless cancelled */
    atomic_bool *interrupt;              /* set in the first wait, as a signal handler would */
    const struct engine_backup_set *set; /* described in the last step */
    int new_error;                       /* what engine_new returns */
    /* remembered */
    uint32_t engines;
    uint32_t cancels;
    struct engine_request request; /* of the last engine; strings are the copies below */
    char database[256];
    char devices[FAKE_DEVICES_MAX][64];
    uint32_t event_count;
    struct fake_event events[FAKE_EVENTS_MAX];
} fake;

void fake_reset(void);

#endif
