/* session_internal.h - shared by session.c, states.c and backup.c. */
#ifndef VDIFAULT_SQLCMD_SESSION_INTERNAL_H
#define VDIFAULT_SQLCMD_SESSION_INTERNAL_H

#include "session.h"
#include "tsql.h"

struct session {
    struct session_settings settings;
    struct session_result *result;
    const char *globals[TSQL_GLOBAL_COUNT];
    char spid[16];
    char last_error[16];   /* @@ERROR: of the statement before */
    int32_t error;         /* number of the last error of the statement that runs */
    uint32_t transactions; /* begun and not ended: @@TRANCOUNT */
    bool no_count;
    bool stop; /* what runs now ends the batch */
    /* the statement that runs: its event is written when it first has something to tell */
    uint32_t statement; /* from 1 */
    bool begun;
    bool engine_ran; /* and so wrote the end event */
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
/* 911 for names that no database can have. */
bool session_check_database(struct session *session, const char *name, int32_t state);

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
