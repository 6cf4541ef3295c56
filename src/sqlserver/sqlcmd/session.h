/* session.h - one connection to the simulated server: carries out batches.
 *
 * Responsible for: variables, USE, PRINT, SELECT of values, and handing BACKUP and RESTORE to the engine; the
 * events of statements (scenario/event.h) and the text of messages (output.h).
 * Not responsible for: GO, scripting variables, commands (run.c).
 *
 * Errors: SQL errors go to the output and into the result; the functions' own errors are 0 or ENOMEM.
 * Threads: one; *interrupted may be set by a signal handler.
 */
#ifndef VDIFAULT_SQLCMD_SESSION_H
#define VDIFAULT_SQLCMD_SESSION_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine.h"
#include "event.h"
#include "output.h"
#include "plan.h"

struct session_settings {
    const struct plan *plan;
    struct catalog *catalog; /* what the server remembers; NULL: nothing */
    struct output *output;
    const atomic_bool *interrupted; /* SIGINT, SIGTERM */
    enum process_role role;         /* on whose behalf statements run; PROCESS_VERIFY stores nothing */
    bool restricted;                /* the login is no sysadmin: it may not use virtual devices */
    int32_t query_timeout;          /* seconds, 0 = for ever */
};

/* What a batch came to. */
struct session_result {
    int32_t severity; /* of its worst message */
    bool timed_out;   /* a statement ran into query_timeout */
    enum engine_leaving leaving;
    int64_t value; /* first column of its last row, for EXIT(query) */
};

struct session;
int session_new(const struct session_settings *settings, struct session **session);
void session_free(struct session *session);
int session_run(struct session *session, const char *batch, size_t length, struct session_result *result);
/* The database of -d: as USE, without saying so. */
int session_use(struct session *session, const char *database, struct session_result *result);

#endif
