/* time_waits.h - the ways to wait that time_client knows, and what ends each. */
#ifndef TEST_INJECT_TIME_WAITS_H
#define TEST_INJECT_TIME_WAITS_H

#include <pthread.h>
#include <stdatomic.h>

struct time_wait {
    const char *name;  /* NULL: the end of the table */
    int (*wait)(void); /* LATE_MS; 0, ETIMEDOUT or another errno */
    int late;          /* what it gives when its time has come */
    int early;         /* ... and when it is ended before */
    void (*end)(void); /* NULL: what is waited for is the end, or an unlocking, of the other thread */
};
extern const struct time_wait time_waits[];

extern pthread_t time_other;  /* the thread that ends the wait, or is waited for */
extern atomic_bool time_over; /* the wait is */

void time_prepare(void); /* by the thread that waits */
void time_lock_conditions(void);
/* By the other one: what locks are waited for. */
void time_hold(void);
void time_let_go(void);

#endif
