/* watchdog.c - a correct client that waits without limit, beside a watchdog thread.
 *
 * GetConfiguration and GetCommand wait for ever. That is no hang: when the statement has ended, or nothing has come of
 * it for too long, and the devices have not been closed shortly after, the watchdog calls SignalAbort, which ends every
 * wait with VD_E_ABORT (spec 9.2).
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "client_session.h"

struct watchdog {
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;
    pthread_cond_t done_changed;
    bool done; /* guarded by lock: every device thread has ended */
};

/* The time `ms` from now, for pthread_cond_clockwait. */
static struct timespec after_ms(int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Ends the infinite waits when nothing can end them any more: the statement is over or the server
 * gives no sign, but a device is not. */
static void *watch(void *context)
{
    struct session *session = context;
    struct watchdog *watchdog = session->own;
    struct timespec limit;
    int error = 0;

    operation_wait_statement(session->operation);
    limit = after_ms(operation_options(session->operation)->patience_ms);
    pthread_mutex_lock(&watchdog->lock);
    while (!watchdog->done && error != ETIMEDOUT) {
        error = pthread_cond_clockwait(&watchdog->done_changed, &watchdog->lock, CLOCK_MONOTONIC, &limit);
    }
    if (!watchdog->done) { /* under the lock: the main thread cannot have come to Close */
        operation_fail(session->operation, "the devices were not closed in time");
        vdi_set_signal_abort(&session->set);
    }
    pthread_mutex_unlock(&watchdog->lock);
    return NULL;
}

static void set_done(struct watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->lock);
    watchdog->done = true;
    pthread_cond_signal(&watchdog->done_changed);
    pthread_mutex_unlock(&watchdog->lock);
}

/* Everything that may wait for ever, with the watchdog beside it. */
static bool transfer_watched(struct session *session)
{
    struct watchdog *watchdog = session->own;
    int error = pthread_create(&watchdog->thread, NULL, watch, session);
    bool served;

    if (error) {
        operation_fail(session->operation, "cannot start a thread: %s", strerror(error));
        vdi_set_signal_abort(&session->set);
        return false;
    }
    watchdog->runs = true;
    served = session_transfer(session);
    set_done(watchdog);
    return served;
}

static const struct session_kind watched = {
    .suffix = ".bak",
    .features = VDF_LikePipe,
    .waits_for_ever = true,
    .transfer = transfer_watched,
};

static void work(struct operation *operation)
{
    struct watchdog watchdog = {.lock = PTHREAD_MUTEX_INITIALIZER, .done_changed = PTHREAD_COND_INITIALIZER};
    struct session session;

    session_init(&session, operation, &watched, &watchdog);
    session_run(&session);
    if (watchdog.runs) {                          /* since set_done it leaves the set alone */
        operation_statement_succeeded(operation); /* ends what the watchdog waits for */
        pthread_join(watchdog.thread, NULL);
    }
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status = client_parse(argc, argv, &options);

    if (!status && options.no_sql) {
        fprintf(stderr, "%s: --no-sql: the watchdog needs a statement of its own to watch\n",
                options.program);
        return CLIENT_USAGE;
    }
    return status ? status : client_run(&options, work);
}
