/* session_internal.h - shared by the parts of session/. */
#ifndef VDIFAULT_SESSION_INTERNAL_H
#define VDIFAULT_SESSION_INTERNAL_H

#include "activity.h"
#include "session.h"
#include "tsql.h"

struct answer;
struct table;

enum {
    SESSION_MENTIONED_MAX = 64
};

struct session {
    struct session_settings settings;
    struct session_result *result;
    const char *globals[TSQL_GLOBAL_COUNT];
    struct tsql_source source;              /* of what expressions ask for */
    struct table *table;                    /* of the query that runs; NULL: none */
    uint32_t row;                           /* of it: the one at hand */
    const struct tsql_item *aggregates;     /* of that query, ... */
    struct tsql_value *totals;              /* ... and what each has come to */
    char *database;                         /* in use; its name is a valid one */
    char *first_database;                   /* in use from the start: what a reset goes back to */
    char *mentioned[SESSION_MENTIONED_MAX]; /* databases that DB_ID has given an id of; in turn */
    uint32_t mentioned_count;
    char spid[16];
    struct activity_session own; /* what others see of this one */
    char last_error[16];         /* @@ERROR: of the statement before */
    char last_rows[24];          /* @@ROWCOUNT: the same */
    char open_transactions[16];  /* @@TRANCOUNT */
    int32_t error;               /* number of the last error of the statement that runs */
    uint32_t transactions;       /* begun and not ended: @@TRANCOUNT */
    bool no_count;
    bool implicit_transactions;
    bool no_execution;
    int64_t rows; /* of the last result set */
    bool stop;    /* what runs now ends the batch */
    /* the statement that runs: its event is written when it first has something to tell */
    uint32_t statement; /* from 1 */
    bool begun;
    bool engine_ran; /* and so wrote the end event */
    bool untold_end; /* it has told something, or nothing yet, and no `done` */
    enum tsql_statement_kind kind;
    uint32_t line;
    const char *text; /* not terminated */
    size_t text_length;
};

/* Records and prints one message of the statement that runs. */
void session_report(struct session *session, const struct sql_message *message);
void session_error(struct session *session, const struct tsql_error *error);
void session_say(struct session *session, int32_t number, int32_t severity, int32_t state, const char *format,
                 ...) __attribute__((format(printf, 5, 6)));
/* Writes EVENT_STATEMENT_BEGIN, once. */
void session_begin(struct session *session);
/* Lets other sessions see what `own` says, and the database in use. */
void session_show(struct session *session);
/* 911 for names that no database can have. */
bool session_check_database(struct session *session, const char *name, int32_t state);

/* Tell of one result set of the statement that runs (session_results.h). */
void session_columns(struct session *session, const struct results_column *columns, uint32_t count);
void session_row(struct session *session, const char *const *values, uint32_t count);
void session_rows_end(struct session *session);

/* An error in an expression ends the batch, as a conversion error does on a real server. Takes and gives the result of
 * tsql_evaluate and the like: EINVAL becomes 0. */
int session_expression_failed(struct session *session, int rc, const struct tsql_error *error);

/* Where messages come from: a statement that has told nothing yet. */
void session_statement_at(struct session *session, const struct tsql_statement *statement);
void session_statement_start(struct session *session, const struct tsql_statement *statement);
void session_statement_end(struct session *session);
/* Any statement but EXEC. 0 or ENOMEM. */
int session_statement(struct session *session, const struct tsql_statement *statement,
                      struct tsql_values *values);

/* select.c: SELECT, and SELECT @v = ... FROM. 0 or ENOMEM. */
int session_select(struct session *session, const struct tsql_statement *statement,
                   struct tsql_values *values);
/* IF. Said why, if the condition cannot be answered. */
int session_test(struct session *session, const struct tsql_statement *statement,
                 const struct tsql_values *values, bool *holds);
void session_tell_answer(struct session *session, const struct answer *answer);

/* What expressions ask for (tsql.h, struct tsql_source); context: the session. */
int session_column(void *context, const char *name, struct tsql_value *value, struct tsql_error *error);
int session_aggregate(void *context, const struct tsql_call *call, struct tsql_value *value);
int session_exists(void *context, const struct tsql_values *values, const struct tsql_query *query,
                   int *truth, struct tsql_error *error);
int session_property(void *context, uint32_t function, const struct tsql_value *arguments, uint32_t count,
                     struct tsql_value *value, struct tsql_error *error); /* properties.c */

/* states.c: what statements about a database's state and about transactions do. */
void session_set_model(struct session *session, const char *database, const char *model);
/* RESTORE ... WITH RECOVERY that names no device. False: refused, and said. */
bool session_recover(struct session *session, const char *database, bool recover);
void session_begin_transaction(struct session *session);
void session_end_transaction(struct session *session, bool roll_back);

/* backup.c: BACKUP and every form of RESTORE. 0 or ENOMEM. */
int session_backup(struct session *session, const struct tsql_statement *statement,
                   const struct tsql_values *values);

#endif
