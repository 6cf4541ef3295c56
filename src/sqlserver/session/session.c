/* session.c - see session.h. */
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "redact.h"
#include "runstate.h"
#include "session_internal.h"

enum {
    SEVERITY_ERROR = 11
};

static const char version_text[] = "Microsoft SQL Server 2022 - 16.0.1000.6 (X64), simulated by vdifault";

/* ---- messages and events ---- */

static struct event server_event(enum event_kind kind, uint32_t statement)
{
    struct event event = {.kind = (uint8_t)kind, .side = EVENT_SIDE_SERVER, .device = -1, .operation = -1};
    event.arg[0] = statement;
    return event;
}

void session_begin(struct session *session)
{
    if (session->begun)
        return;
    session->begun = true;
    session->statement++;
    struct event event = server_event(EVENT_STATEMENT_BEGIN, session->statement);
    event.arg[1] = session->settings.role;
    char *text = strndup(session->text, session->text_length);
    char *redacted = text != NULL ? redact_text(text) : NULL;
    event_record(&event, redacted); /* without memory: no text rather than a password */
    free(redacted);
    free(text);
}

static void tell_message(struct session *session, const struct sql_message *message)
{
    struct results *results = session->settings.results;
    session->untold_end = true;
    results->message(results, message, session->line);
}

void session_report(struct session *session, const struct sql_message *message)
{
    session_begin(session);
    if (message->state == ENGINE_CHAT) {
        tell_message(session, message);
        return;
    }
    struct event event = server_event(EVENT_MESSAGE, session->statement);
    event.arg[1] = message->number;
    event.arg[2] = message->severity;
    event.arg[3] = message->state;
    /* Recorded before it is printed: the client's reaction must come later in the trace. */
    event_record(&event, message->text);
    if (message->severity >= SEVERITY_ERROR)
        session->error = message->number;
    if (message->severity > session->result->severity)
        session->result->severity = message->severity;
    tell_message(session, message);
}

void session_error(struct session *session, const struct tsql_error *error)
{
    struct sql_message message = {error->number, error->severity, error->state, error->text};
    session_report(session, &message);
}

void session_say(struct session *session, int32_t number, int32_t severity, int32_t state, const char *format,
                 ...)
{
    char text[TSQL_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct sql_message message = {number, severity, state, text};
    session_report(session, &message);
}

/* ---- result sets, and how statements end ---- */

static void tell_done(struct session *session, bool counted)
{
    struct results *results = session->settings.results;
    struct results_done done = {session->kind, session->error != 0, counted && !session->no_count,
                                counted ? session->rows : 0};
    session->untold_end = false;
    results->done(results, &done);
}

void session_columns(struct session *session, const struct results_column *columns, uint32_t count)
{
    struct results *results = session->settings.results;
    session->untold_end = true;
    session->rows = 0;
    results->columns(results, columns, count);
}

void session_row(struct session *session, const char *const *values, uint32_t count)
{
    struct results *results = session->settings.results;
    const struct tsql_value first = {.text = (char *)values[0]};
    struct tsql_error ignored;
    if (tsql_integer(&first, &session->result->value, &ignored) != 0)
        session->result->value = 0;
    session->rows++;
    results->row(results, values, count);
}

void session_rows_end(struct session *session)
{
    tell_done(session, true);
}

/* ---- statements ---- */

void session_statement_at(struct session *session, const struct tsql_statement *statement)
{
    session->begun = false;
    session->kind = statement->kind;
    session->text = statement->text;
    session->text_length = statement->length;
    session->line = statement->line;
}

void session_statement_start(struct session *session, const struct tsql_statement *statement)
{
    snprintf(session->last_error, sizeof(session->last_error), "%d", session->error);
    snprintf(session->last_rows, sizeof(session->last_rows), "%" PRId64, session->rows);
    snprintf(session->open_transactions, sizeof(session->open_transactions), "%u", session->transactions);
    session->rows = 0;
    session->error = 0;
    session->engine_ran = false;
    session->untold_end = true;
    session_statement_at(session, statement);
}

void session_statement_end(struct session *session)
{
    if (session->begun && !session->engine_ran) {
        struct event event = server_event(EVENT_STATEMENT_END, session->statement);
        event.arg[1] = session->error == 0 ? STATEMENT_SUCCESS : STATEMENT_FAILED;
        event_record(&event, NULL);
    }
    if (session->untold_end && session->result->leaving < ENGINE_LOST)
        tell_done(session, false);
}

bool session_check_database(struct session *session, const char *name, int32_t state)
{
    size_t characters = tsql_characters(name, strlen(name));
    if (characters >= 1 && characters <= TSQL_IDENTIFIER_MAX)
        return true;
    session_say(session, 911, 16, state,
                "Database '%.*s' does not exist. Make sure that the name is entered correctly.",
                tsql_near_length(name), name);
    return false;
}

int session_expression_failed(struct session *session, int rc, const struct tsql_error *error)
{
    if (rc == EINVAL) {
        session_error(session, error);
        session->stop = true;
        rc = 0;
    }
    return rc;
}

static int run_assign(struct session *session, const struct tsql_statement *statement,
                      struct tsql_values *values)
{
    struct tsql_error error;
    if (statement->query != NULL)
        return session_select(session, statement, values);
    session->rows = statement->items->value != NULL; /* @@ROWCOUNT; a mere declaration has none */
    return session_expression_failed(session, tsql_assign(values, statement, &error), &error);
}

static void copy_name(char *to, const char *from)
{
    snprintf(to, CATALOG_NAME_MAX, "%s", from != NULL ? from : "");
}

void session_show(struct session *session)
{
    copy_name(session->own.database, session->database);
    if (session->settings.activity != NULL)
        activity_tell(session->settings.activity, &session->own); /* who is not seen is served all the same */
}

static void introduce(struct session *session, int32_t spid)
{
    const struct session_settings *settings = &session->settings;
    session->own = (struct activity_session){.spid = spid, .connected = time(NULL)};
    copy_name(session->own.login, settings->login != NULL ? settings->login : "sa");
    copy_name(session->own.host, settings->host);
    copy_name(session->own.application, settings->application);
    session_show(session);
}

static int change_database(struct session *session, const char *name)
{
    char *copy = strdup(name);
    if (copy == NULL)
        return ENOMEM;
    free(session->database);
    session->database = copy;
    session_show(session);
    return 0;
}

static int run_use(struct session *session, const struct tsql_statement *statement,
                   struct tsql_values *values)
{
    (void)values;
    struct results *results = session->settings.results;
    const char *name = statement->subject->text;
    if (!session_check_database(session, name, 1))
        return 0;
    int rc = change_database(session, name);
    if (rc != 0)
        return rc;
    session->untold_end = true;
    if (results->database != NULL)
        results->database(results, name);
    session_say(session, 5701, 10, 1, "Changed database context to '%s'.", name);
    return 0;
}

static int run_print(struct session *session, const struct tsql_statement *statement,
                     struct tsql_values *values)
{
    struct tsql_error error;
    struct tsql_value value;
    int rc = tsql_evaluate(values, statement->subject, &value, &error);
    if (rc != 0)
        return session_expression_failed(session, rc, &error);
    struct sql_message message = {0, 0, 1, value.text != NULL ? value.text : " "};
    session_report(session, &message);
    free(value.text);
    return 0;
}

static int run_select(struct session *session, const struct tsql_statement *statement,
                      struct tsql_values *values)
{
    return session_select(session, statement, values);
}

static int run_nocount(struct session *session, const struct tsql_statement *statement,
                       struct tsql_values *values)
{
    (void)values;
    session->no_count = statement->on;
    return 0;
}

static int run_implicit(struct session *session, const struct tsql_statement *statement,
                        struct tsql_values *values)
{
    (void)values;
    session->implicit_transactions = statement->on;
    return 0;
}

static int run_noexec(struct session *session, const struct tsql_statement *statement,
                      struct tsql_values *values)
{
    (void)values;
    session->no_execution = statement->on;
    return 0;
}

static int run_nothing(struct session *session, const struct tsql_statement *statement,
                       struct tsql_values *values)
{
    (void)session, (void)statement, (void)values;
    return 0;
}

/* A driver that wants to know the columns of its statement alone does not want it carried out. */
static int run_backup(struct session *session, const struct tsql_statement *statement,
                      struct tsql_values *values)
{
    return session->no_execution ? 0 : session_backup(session, statement, values);
}

static int run_model(struct session *session, const struct tsql_statement *statement,
                     struct tsql_values *values)
{
    struct tsql_error error;
    struct tsql_value name;
    int rc = tsql_evaluate(values, statement->subject, &name, &error);
    if (rc != 0)
        return session_expression_failed(session, rc, &error);
    if (session_check_database(session, name.text != NULL ? name.text : "", 5))
        session_set_model(session, name.text, statement->items->name);
    free(name.text);
    return 0;
}

static int run_begin(struct session *session, const struct tsql_statement *statement,
                     struct tsql_values *values)
{
    (void)statement, (void)values;
    session_begin_transaction(session);
    return 0;
}

static int run_end(struct session *session, const struct tsql_statement *statement,
                   struct tsql_values *values)
{
    (void)values;
    session_end_transaction(session, statement->on);
    return 0;
}

/* Only a record that it was asked for. */
static int run_register(struct session *session, const struct tsql_statement *statement,
                        struct tsql_values *values)
{
    (void)statement, (void)values;
    session_begin(session);
    return 0;
}

static int (*const runners[])(struct session *session, const struct tsql_statement *statement,
                              struct tsql_values *values) = {
    [TSQL_BACKUP] = run_backup,     [TSQL_RESTORE] = run_backup,    [TSQL_VERIFYONLY] = run_backup,
    [TSQL_HEADERONLY] = run_backup, [TSQL_LABELONLY] = run_backup,  [TSQL_FILELISTONLY] = run_backup,
    [TSQL_ASSIGN] = run_assign,     [TSQL_SELECT] = run_select,     [TSQL_QUERY] = run_select,
    [TSQL_PRINT] = run_print,       [TSQL_USE] = run_use,           [TSQL_NOCOUNT] = run_nocount,
    [TSQL_IGNORED] = run_nothing,   [TSQL_REGISTER] = run_register, [TSQL_MODEL] = run_model,
    [TSQL_IMPLICIT] = run_implicit, [TSQL_NOEXEC] = run_noexec,     [TSQL_BEGIN] = run_begin,
    [TSQL_END] = run_end,
};

int session_statement(struct session *session, const struct tsql_statement *statement,
                      struct tsql_values *values)
{
    return runners[statement->kind](session, statement, values);
}

/* ---- sessions ---- */

int session_use(struct session *session, const char *database, struct session_result *result)
{
    const struct tsql_statement use = {
        .kind = TSQL_USE, .line = 1, .text = database, .length = strlen(database)};
    int rc = 0;
    *result = (struct session_result){0};
    session->result = result;
    session_statement_start(session, &use);
    session->untold_end = false; /* who connects has asked for no statement */
    if (session_check_database(session, database, 1)) {
        char *copy = strdup(database);
        rc = copy != NULL ? change_database(session, database) : ENOMEM;
        free(rc == 0 ? session->first_database : copy);
        session->first_database = rc == 0 ? copy : session->first_database;
    }
    session_statement_end(session);
    session->result = NULL;
    return rc;
}

const char *session_database(const struct session *session)
{
    return session->database;
}

int session_reset(struct session *session, bool keep_transaction)
{
    session->transactions = keep_transaction ? session->transactions : 0;
    session->no_count = session->implicit_transactions = session->no_execution = false;
    session->error = 0;
    return change_database(session, session->first_database != NULL ? session->first_database : "master");
}

int session_new(const struct session_settings *settings, struct session **out)
{
    assert(settings->plan != NULL && settings->results != NULL && settings->interrupted != NULL);
    assert(settings->server != NULL);
    struct session *session = calloc(1, sizeof(*session));
    *out = session;
    if (session == NULL)
        return ENOMEM;
    int32_t spid = settings->spid != 0 ? settings->spid : (int32_t)getpid();
    session->settings = *settings;
    if (session_reset(session, false) != 0) {
        session_free(session);
        *out = NULL;
        return ENOMEM;
    }
    introduce(session, spid);
    snprintf(session->spid, sizeof(session->spid), "%d", spid);
    snprintf(session->last_error, sizeof(session->last_error), "0");
    session->globals[TSQL_VERSION] = version_text;
    session->globals[TSQL_SERVERNAME] = settings->server;
    session->globals[TSQL_SERVICENAME] = "MSSQLSERVER";
    session->globals[TSQL_SPID] = session->spid;
    session->globals[TSQL_ERROR] = session->last_error;
    session->globals[TSQL_ROWCOUNT] = session->last_rows;
    session->globals[TSQL_TRANCOUNT] = session->open_transactions;
    session->globals[TSQL_MICROSOFTVERSION] = "268436456"; /* 0x100003E8: 16.0.1000 */
    session->globals[TSQL_LANGUAGE] = "us_english";
    session->globals[TSQL_LANGID] = session->globals[TSQL_NESTLEVEL] = "0";
    session->globals[TSQL_OPTIONS] = "5496"; /* what drivers set when they connect */
    session->globals[TSQL_DATEFIRST] = "7";
    session->globals[TSQL_LOCK_TIMEOUT] = "-1";
    session->globals[TSQL_MAX_PRECISION] = "38";
    session->globals[TSQL_TEXTSIZE] = "2147483647";
    session->source =
        (struct tsql_source){session_property, session_column, session_aggregate, session_exists, session};
    return 0;
}

void session_free(struct session *session)
{
    if (session != NULL) {
        for (uint32_t i = 0; i < session->mentioned_count; i++)
            free(session->mentioned[i]);
        free(session->database);
        free(session->first_database);
    }
    free(session);
}
