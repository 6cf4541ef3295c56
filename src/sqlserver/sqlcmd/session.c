/* session.c - see session.h. */
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "redact.h"
#include "runstate.h"
#include "session_internal.h"

enum {
    SESSION_NESTING_MAX = 32,
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

void session_report(struct session *session, const struct sql_message *message)
{
    session_begin(session);
    if (message->state == ENGINE_CHAT) {
        output_message(session->settings.output, message, session->line);
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
    output_message(session->settings.output, message, session->line);
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

static void statement_start(struct session *session, const char *text, size_t length, uint32_t line)
{
    snprintf(session->last_error, sizeof(session->last_error), "%d", session->error);
    session->error = 0;
    session->begun = false;
    session->engine_ran = false;
    session->text = text;
    session->text_length = length;
    session->line = line;
}

static void statement_end(struct session *session)
{
    if (!session->begun || session->engine_ran)
        return;
    struct event event = server_event(EVENT_STATEMENT_END, session->statement);
    event.arg[1] = session->error == 0 ? STATEMENT_SUCCESS : STATEMENT_FAILED;
    event_record(&event, NULL);
}

/* ---- statements ---- */

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

/* An error in an expression ends the batch, as a conversion error does on a real server. */
static int expression_failed(struct session *session, int rc, const struct tsql_error *error)
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
    return expression_failed(session, tsql_assign(values, statement, &error), &error);
}

static int run_use(struct session *session, const struct tsql_statement *statement,
                   struct tsql_values *values)
{
    (void)values;
    const char *name = statement->subject->text;
    if (session_check_database(session, name, 1))
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
        return expression_failed(session, rc, &error);
    struct sql_message message = {0, 0, 1, value.text != NULL ? value.text : " "};
    session_report(session, &message);
    free(value.text);
    return 0;
}

static int run_select(struct session *session, const struct tsql_statement *statement,
                      struct tsql_values *values)
{
    struct tsql_error error;
    int rc = 0;
    uint32_t count = 0;
    struct output_column *columns = calloc(statement->item_count, sizeof(*columns));
    if (columns == NULL)
        return ENOMEM;
    for (const struct tsql_item *item = statement->items; item != NULL; item = item->next) {
        struct tsql_value value;
        rc = tsql_evaluate(values, item->value, &value, &error);
        if (rc != 0) {
            rc = expression_failed(session, rc, &error);
            goto done;
        }
        columns[count].name = item->name != NULL ? item->name : "";
        columns[count].value = value.text;
        columns[count++].number = value.number;
    }
    output_row(session->settings.output, columns, count, !session->no_count);
    struct tsql_value first = {(char *)columns[0].value, false};
    if (tsql_integer(&first, &session->result->value, &error) != 0)
        session->result->value = 0;
done:
    for (uint32_t i = 0; i < count; i++)
        free((char *)columns[i].value);
    free(columns);
    return rc;
}

static int run_nocount(struct session *session, const struct tsql_statement *statement,
                       struct tsql_values *values)
{
    (void)values;
    session->no_count = statement->on;
    return 0;
}

static int run_nothing(struct session *session, const struct tsql_statement *statement,
                       struct tsql_values *values)
{
    (void)session, (void)statement, (void)values;
    return 0;
}

static int run_backup(struct session *session, const struct tsql_statement *statement,
                      struct tsql_values *values)
{
    return session_backup(session, statement, values);
}

static int run_model(struct session *session, const struct tsql_statement *statement,
                     struct tsql_values *values)
{
    struct tsql_error error;
    struct tsql_value name;
    int rc = tsql_evaluate(values, statement->subject, &name, &error);
    if (rc != 0)
        return expression_failed(session, rc, &error);
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

typedef int run_statement(struct session *session, const struct tsql_statement *statement,
                          struct tsql_values *values);
static run_statement *const runners[] = {
    [TSQL_BACKUP] = run_backup,     [TSQL_RESTORE] = run_backup,   [TSQL_VERIFYONLY] = run_backup,
    [TSQL_HEADERONLY] = run_backup, [TSQL_LABELONLY] = run_backup, [TSQL_FILELISTONLY] = run_backup,
    [TSQL_ASSIGN] = run_assign,     [TSQL_SELECT] = run_select,    [TSQL_PRINT] = run_print,
    [TSQL_USE] = run_use,           [TSQL_NOCOUNT] = run_nocount,  [TSQL_IGNORED] = run_nothing,
    [TSQL_REGISTER] = run_register, [TSQL_MODEL] = run_model,      [TSQL_BEGIN] = run_begin,
    [TSQL_END] = run_end,
};

/* ---- batches ---- */

static int run_batch(struct session *session, const char *text, size_t length, uint32_t depth);

/* EXEC: a batch of its own, which sees none of our variables. Recursion is bounded as SQL Server's. */
static int run_execute(struct session *session, const struct tsql_statement *statement,
                       const struct tsql_values *values, uint32_t depth)
{
    struct tsql_error error;
    struct tsql_value value;
    int rc = tsql_evaluate(values, statement->subject, &value, &error);
    if (rc != 0)
        return expression_failed(session, rc, &error);
    if (depth >= SESSION_NESTING_MAX) {
        session_say(session, 217, 16, 1,
                    "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit %d).",
                    SESSION_NESTING_MAX);
        session->stop = true;
    } else if (value.text != NULL) {
        rc = run_batch(session, value.text, strlen(value.text), depth + 1);
        session->begun = false; /* its statements have ended; EXEC itself has nothing to tell */
    }
    free(value.text);
    return rc;
}

static bool must_stop(const struct session *session)
{
    return session->stop || atomic_load(session->settings.interrupted) || session->settings.output->gone;
}

static int run_batch(struct session *session, const char *text, size_t length, uint32_t depth)
{
    struct tsql_batch *batch = NULL;
    struct tsql_values *values = NULL;
    struct tsql_error error;
    int rc = tsql_parse(text, length, &batch, &error);
    if (rc == EINVAL) {
        statement_start(session, text, length, error.line);
        session_error(session, &error);
        statement_end(session);
        return 0;
    }
    if (rc == 0)
        rc = tsql_values_new(batch, session->globals, &values);
    for (const struct tsql_statement *s = rc == 0 ? tsql_first(batch) : NULL;
         s != NULL && !must_stop(session); s = s->next) {
        statement_start(session, s->text, s->length, s->line);
        rc = s->kind == TSQL_EXECUTE ? run_execute(session, s, values, depth)
                                     : runners[s->kind](session, s, values);
        statement_end(session);
        if (rc != 0)
            break;
    }
    tsql_values_free(values);
    tsql_batch_free(batch);
    return rc;
}

int session_run(struct session *session, const char *batch, size_t length, struct session_result *result)
{
    *result = (struct session_result){0};
    session->result = result;
    session->stop = false;
    int rc = run_batch(session, batch, length, 1);
    session->result = NULL;
    return rc;
}

int session_use(struct session *session, const char *database, struct session_result *result)
{
    *result = (struct session_result){0};
    session->result = result;
    statement_start(session, database, strlen(database), 1);
    session_check_database(session, database, 1);
    statement_end(session);
    session->result = NULL;
    return 0;
}

int session_new(const struct session_settings *settings, struct session **out)
{
    assert(settings->plan != NULL && settings->output != NULL && settings->interrupted != NULL);
    struct session *session = calloc(1, sizeof(*session));
    *out = session;
    if (session == NULL)
        return ENOMEM;
    session->settings = *settings;
    snprintf(session->spid, sizeof(session->spid), "%d", (int)getpid());
    snprintf(session->last_error, sizeof(session->last_error), "0");
    session->globals[TSQL_VERSION] = version_text;
    session->globals[TSQL_SERVERNAME] = settings->output->server;
    session->globals[TSQL_SERVICENAME] = "MSSQLSERVER";
    session->globals[TSQL_SPID] = session->spid;
    session->globals[TSQL_ERROR] = session->last_error;
    return 0;
}

void session_free(struct session *session)
{
    free(session);
}
