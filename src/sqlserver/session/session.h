/* session.h - one connection to the simulated server: carries out batches.
 *
 * Responsible for: variables, USE, PRINT, SELECT of values, and handing BACKUP and RESTORE to the engine; the
 * events of statements (scenario/event.h). What comes of it goes to whoever asks, as messages and result sets
 * (session_results.h).
 * EXEC of a procedure by name is a batch as any other ("EXEC sp_helpdb @dbname = N'db'"); RPC of sp_executesql is
 * session_call.
 * Not responsible for: GO, scripting variables, commands (sqlcmd/run.c); bytes of a protocol (tds/).
 *
 * Ending a batch from outside: *interrupted is looked at before each statement and again and again while the engine
 * runs, which then aborts its set. A signal handler may set it, another thread, or the front end itself in
 * results->gone: that is how a single thread sees an attention on its connection. session_run returns, and only the
 * front end clears *interrupted again.
 *
 * Ownership: the settings, and what they point to, are the caller's and outlive the session.
 * Errors: SQL errors go to the results and into the session_result; the functions' own errors are 0 or ENOMEM.
 * Threads: one; *interrupted from anywhere.
 */
#ifndef VDIFAULT_SESSION_H
#define VDIFAULT_SESSION_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine.h"
#include "event.h"
#include "plan.h"
#include "session_results.h"

struct activity;
struct answers;

struct session_settings {
    const struct plan *plan;
    struct catalog *catalog;   /* what the server remembers; NULL: nothing */
    struct activity *activity; /* where sessions see each other (activity.h); NULL: nowhere */
    struct results *results;
    const struct answers *answers; /* from outside (answers.h); NULL: none */
    const atomic_bool *interrupted;
    enum process_role role;  /* on whose behalf statements run; PROCESS_VERIFY stores nothing */
    const char *server;      /* @@SERVERNAME */
    const char *login;       /* who has logged in; NULL: sa */
    const char *application; /* and says that its name is, and its machine's; NULL: none */
    const char *host;
    int32_t spid;          /* @@SPID; 0: the process's id */
    bool restricted;       /* the login is no sysadmin: it may not use virtual devices */
    int32_t query_timeout; /* seconds, 0 = for ever */
};

/* A batch with parameters: that of sp_executesql, and of what is prepared like it. */
struct session_parameter {
    const char *name;  /* with its @; NULL or "": the declared one at this place */
    const char *value; /* UTF-8, numbers in decimal; NULL is SQL's NULL */
    bool output;       /* results->parameter is told its value afterwards */
};
struct session_call {
    const char *text;
    size_t length;
    const char *declarations; /* "@a int, @b nvarchar(10) OUTPUT"; NULL: no parameters */
    const struct session_parameter *parameters;
    uint32_t count;
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
void session_free(struct session *session); /* NULL is allowed */
int session_run(struct session *session, const char *batch, size_t length, struct session_result *result);
int session_call(struct session *session, const struct session_call *call, struct session_result *result);
/* The database that a connection asks for: as USE, without saying so but if it fails (911). */
int session_use(struct session *session, const char *database, struct session_result *result);
/* The database in use, DB_NAME(); until the next call. */
const char *session_database(const struct session *session);
/* As new, and in the database that the connection has asked for, but for the number of statements:
 * sp_reset_connection. */
int session_reset(struct session *session, bool keep_transaction);

#endif
