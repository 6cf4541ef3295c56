/* time_watch.h - moves the run's clock on when all that is waited for is the time (docs/time.md).
 *
 * Responsible for: deciding that nobody in the run can act before the earliest time limit we know, and then setting
 * the run's clock there; saying once why it cannot. Not responsible for: hangs (hang.h), and --timeout, which is real.
 * Belongs to the session. Errors: what cannot be read counts as able to act, and then time is real.
 */
#ifndef VDIFAULT_TIME_WATCH_H
#define VDIFAULT_TIME_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "waits.h"

struct session;

struct time_watch {
    struct run_waits *waits; /* NULL: the run's time is real */
    int cut;                 /* cut_watch of it */
    uint64_t sequence;       /* of the last event, a step ago */
    int64_t next_ns;         /* no look before that */
    int64_t obstacle_ns;     /* since when there has been an obstacle and nothing else; 0 */
    bool told;
};

/* Arms the run's clock, unless --real-time was given or the plan has no fault. */
void time_watch_init(struct time_watch *watch, struct session *session, const char *folder);
void time_watch_free(struct time_watch *watch);

/* How long the session may wait before the next step, ms; at most `otherwise`. */
int time_watch_wait_ms(const struct session *session, int otherwise);
/* After events were collected. */
void time_watch_step(struct session *session);
/* The client has ended: its clock keeps what it is ahead, but moves no more. */
void time_watch_end(struct session *session);

#endif
