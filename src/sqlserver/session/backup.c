/* backup.c - BACKUP and RESTORE: from the statement to an engine request, and the engine's run. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "os.h"
#include "rows.h"
#include "runstate.h"
#include "session_internal.h"

enum {
    NS_PER_MS = 1000000,
    OPEN_PATIENCE_MS = 3000, /* clients may issue the statement just before they create the set */
    /* How soon an interrupt or a client that is gone is noticed: while data moves, a small backup must not be over
     * before its cancel is seen; while nothing does, there is time. */
    LOOK_BUSY_MS = 5,
    LOOK_IDLE_MS = 100,
};

/* A request being made, and what it points to. */
struct job {
    struct session *session;
    const struct tsql_statement *statement;
    const struct tsql_values *values;
    const char *name; /* "BACKUP DATABASE": what 3013 and 3014 say */
    struct engine_request request;
    char *database;
    char **devices;
    uint32_t device_count;
    bool refused; /* told why */
};

static const char *job_name(const struct tsql_statement *statement)
{
    switch (statement->kind) {
    case TSQL_VERIFYONLY:
        return "VERIFY DATABASE";
    case TSQL_HEADERONLY:
        return "RESTORE HEADERONLY";
    case TSQL_LABELONLY:
        return "RESTORE LABELONLY";
    case TSQL_FILELISTONLY:
        return "RESTORE FILELIST";
    case TSQL_BACKUP:
        return statement->log ? "BACKUP LOG" : "BACKUP DATABASE";
    default:
        return statement->log ? "RESTORE LOG" : "RESTORE DATABASE";
    }
}

/* The forms of RESTORE that name no database. */
static bool is_headers(const struct tsql_statement *statement)
{
    return statement->kind == TSQL_HEADERONLY || statement->kind == TSQL_LABELONLY ||
           statement->kind == TSQL_FILELISTONLY;
}

/* ---- making the request: functions return 0 or ENOMEM; a refusal sets job->refused ---- */

static int evaluate(struct job *job, const struct tsql_term *expression, struct tsql_value *value)
{
    struct tsql_error error;
    int rc = tsql_evaluate(job->values, expression, value, &error);
    if (rc == EINVAL) {
        session_error(job->session, &error);
        job->refused = true;
        rc = 0;
    }
    return rc;
}

static int take_database(struct job *job)
{
    struct tsql_value value;
    int rc = evaluate(job, job->statement->subject, &value);
    if (rc != 0 || job->refused)
        return rc;
    job->database = value.text != NULL ? value.text : strdup("");
    if (job->database == NULL)
        return ENOMEM;
    if (job->statement->kind == TSQL_VERIFYONLY || is_headers(job->statement))
        return 0;
    if (!session_check_database(job->session, job->database, 11)) {
        job->refused = true;
    } else if (strcasecmp(job->database, "tempdb") == 0) {
        session_say(job->session, 3147, 16, 3,
                    "Backup and restore operations are not allowed on database tempdb.");
        job->refused = true;
    }
    return 0;
}

static int take_devices(struct job *job)
{
    uint32_t count = job->statement->item_count;
    if (count > SERVER_DEVICES_MAX) {
        session_say(job->session, 3205, 16, 2,
                    "Too many backup devices specified for backup or restore; only %d are allowed.",
                    SERVER_DEVICES_MAX);
        job->refused = true;
        return 0;
    }
    job->devices = calloc(count > 0 ? count : 1, sizeof(*job->devices));
    if (job->devices == NULL)
        return ENOMEM;
    for (const struct tsql_item *item = job->statement->items; item != NULL; item = item->next) {
        struct tsql_value value;
        int rc = evaluate(job, item->value, &value);
        if (rc != 0 || job->refused)
            return rc;
        job->devices[job->device_count++] = value.text;
        if (value.text == NULL || value.text[0] == '\0') {
            session_say(
                job->session, 3044, 16, 2,
                "Invalid zero-length device name. Reissue the BACKUP statement with a valid device name.");
            job->refused = true;
            return 0;
        }
    }
    return 0;
}

/* For the judge: the names a client may open, whatever becomes of the statement. */
static void record_devices(const struct job *job)
{
    for (uint32_t i = 0; i < job->device_count; i++) {
        struct event event = {.kind = EVENT_STATEMENT_DEVICE,
                              .side = EVENT_SIDE_SERVER,
                              .operation = -1,
                              .device = -1,
                              .arg = {job->session->statement, i, job->device_count}};
        event_record(&event, job->devices[i]);
    }
}

static int take_number(struct job *job, const struct tsql_item *option, uint32_t *number)
{
    struct tsql_value value;
    struct tsql_error error;
    int64_t wide = 0;
    int rc = evaluate(job, option->value, &value);
    if (rc != 0 || job->refused)
        return rc;
    rc = tsql_integer(&value, &wide, &error);
    free(value.text);
    if (rc == 0)
        rc = tsql_option_check(option->option, wide, &error);
    if (rc != 0) {
        session_error(job->session, &error);
        job->refused = true;
        return 0;
    }
    *number = (uint32_t)wide;
    return 0;
}

static int take_option(struct job *job, const struct tsql_item *option)
{
    struct engine_request *request = &job->request;
    switch (option->option->id) {
    case TSQL_BLOCKSIZE:
        return take_number(job, option, &request->block_size);
    case TSQL_BUFFERCOUNT:
        return take_number(job, option, &request->buffer_count);
    case TSQL_MAXTRANSFERSIZE:
        return take_number(job, option, &request->max_transfer_size);
    case TSQL_STATS:
        request->stats = 10;
        return option->value != NULL ? take_number(job, option, &request->stats) : 0;
    case TSQL_REPLACE:
        request->replace = true;
        return 0;
    case TSQL_SNAPSHOT:
        request->snapshot = true;
        return 0;
    case TSQL_DIFFERENTIAL:
        request->differential = true;
        return 0;
    case TSQL_COPY_ONLY:
        request->copy_only = true;
        return 0;
    case TSQL_NO_RECOVERY:
        request->no_recovery = true;
        return 0;
    case TSQL_INIT:
        request->overwrite = true;
        return 0;
    case TSQL_FILE:
        return take_number(job, option, &request->file);
    case TSQL_OPTION_OTHER:
        return 0;
    }
    return 0;
}

/* A snapshot is of the database as a whole (spec 11), and a log has no differential. */
static void check_options(struct job *job)
{
    const struct engine_request *request = &job->request;
    if (job->statement->log && (request->differential || request->snapshot)) {
        session_say(job->session, 3032, 16, 2,
                    "One or more of the options (%s) are not supported for this statement. Review the "
                    "documentation for supported options.",
                    request->differential ? "differential" : "snapshot");
        job->refused = true;
    } else if (request->differential && request->snapshot) {
        session_say(
            job->session, 3031, 16, 1,
            "Option 'SNAPSHOT' conflicts with option(s) 'DIFFERENTIAL'. Remove the conflicting option "
            "and reissue the statement.");
        job->refused = true;
    }
}

/* With implicit transactions the statement would begin one. */
static void check_transaction(struct job *job)
{
    if (job->session->transactions > 0 || job->session->implicit_transactions) {
        session_say(job->session, 3021, 16, 0,
                    "Cannot perform a backup or restore operation within a transaction.");
        job->refused = true;
    }
}

/* Spec 13, VDI-SQL-004. */
static void check_login(struct job *job)
{
    if (job->session->settings.restricted && job->device_count > 0) {
        session_say(
            job->session, 3265, 16, 1,
            "The login has insufficient authority. Membership of the sysadmin role is required to use "
            "VIRTUAL_DEVICE with BACKUP or RESTORE.");
        job->refused = true;
    }
}

static int make_request(struct job *job)
{
    const struct tsql_statement *statement = job->statement;
    int rc = take_database(job);
    if (rc == 0 && !job->refused)
        rc = take_devices(job);
    if (rc == 0 && !job->refused)
        record_devices(job);
    if (rc == 0 && !job->refused)
        check_login(job);
    if (rc == 0 && !job->refused)
        check_transaction(job);
    for (const struct tsql_item *o = statement->options; o != NULL && rc == 0 && !job->refused; o = o->next)
        rc = take_option(job, o);
    if (rc == 0 && !job->refused)
        check_options(job);
    job->request.operation = statement->kind == TSQL_BACKUP ? ENGINE_BACKUP : ENGINE_RESTORE;
    job->request.log = statement->log;
    job->request.headers = is_headers(statement);
    job->request.store = statement->kind == TSQL_RESTORE && job->session->settings.role != PROCESS_VERIFY;
    job->request.verify_only = statement->kind == TSQL_VERIFYONLY;
    job->request.database = job->database;
    job->request.device_count = job->device_count;
    job->request.devices = (const char *const *)job->devices;
    job->request.statement = job->session->statement;
    return rc;
}

/* ---- running ---- */

/* The engine knows two operations; the other forms of RESTORE have words of their own for how they end. */
static void report(void *context, const struct sql_message *message)
{
    struct job *job = context;
    struct sql_message own = *message;
    char text[64];
    if (job->statement->kind == TSQL_VERIFYONLY) {
        if (message->number == 4035)
            return;
        if (message->number == 3014) {
            own.number = 3262;
            snprintf(text, sizeof(text), "The backup set on file %u is valid.",
                     job->request.file > 1 ? job->request.file : 1);
            own.text = text;
        }
    }
    if (message->number == 3013) {
        snprintf(text, sizeof(text), "%s is terminating abnormally.", job->name);
        own.text = text;
    }
    session_report(job->session, &own);
}

static void describe(void *context, const struct engine_backup_set *set)
{
    const struct job *job = context;
    rows_tell(job->session, job->statement->kind, set);
}

/* What others see of the statement. */
static void show(struct job *job, uint32_t percent)
{
    struct activity_session *own = &job->session->own;
    if (own->command[0] != '\0' && own->percent == percent)
        return;
    own->percent = percent;
    if (own->command[0] == '\0') {
        const char *name = job->statement->kind == TSQL_VERIFYONLY ? "RESTORE VERIFYONLY" : job->name;
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        own->started = (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
        /* The server cuts the names of commands so. */
        snprintf(own->command, sizeof(own->command), "%.16s", name);
        snprintf(own->target, sizeof(own->target), "%s", job->database);
    }
    session_show(job->session);
}

static void hide(struct session *session)
{
    session->own.command[0] = '\0';
    session_show(session);
}

static void drive(struct job *job, struct engine *engine)
{
    struct session *session = job->session;
    int64_t timeout = session->settings.query_timeout;
    int64_t deadline = timeout > 0 ? os_now() + timeout * 1000 * NS_PER_MS : OS_FOREVER;
    int64_t look = os_now() + LOOK_BUSY_MS * NS_PER_MS;
    bool cancelled = false;
    while (engine_step(engine) == ENGINE_RUNNING) {
        int64_t now = os_now();
        if (!cancelled && now >= look) {
            look = now + LOOK_BUSY_MS * NS_PER_MS;
            show(job, engine_percent(engine));
            session->result->timed_out = now >= deadline;
            /* `gone` may be what sees the attention, and so comes first. */
            bool gone = session->settings.results->gone(session->settings.results);
            cancelled = gone || session->result->timed_out || atomic_load(session->settings.interrupted);
            if (cancelled) {
                engine_cancel(engine);
                continue;
            }
        }
        engine_wait(engine, now + LOOK_IDLE_MS * NS_PER_MS);
    }
}

static int run_engine(struct job *job)
{
    struct engine_options options = {
        .plan = job->session->settings.plan,
        .catalog = job->session->settings.catalog,
        .verification = job->session->settings.role == PROCESS_VERIFY,
        .open_patience_ms = OPEN_PATIENCE_MS,
        .report = report,
        .describe = describe,
        .report_context = job,
    };
    struct engine *engine = NULL;
    int rc = engine_new(&job->request, &options, &engine);
    if (rc != 0)
        return rc;
    job->session->engine_ran = true;
    show(job, 0);
    drive(job, engine);
    hide(job->session);
    struct session_result *result = job->session->result;
    result->leaving = engine_leaving(engine);
    result->timed_out = result->timed_out || result->leaving == ENGINE_CANCELLED;
    job->session->stop = job->session->stop || result->leaving != ENGINE_STAYS;
    engine_free(engine);
    return 0;
}

int session_backup(struct session *session, const struct tsql_statement *statement,
                   const struct tsql_values *values)
{
    struct job job = {
        .session = session, .statement = statement, .values = values, .name = job_name(statement)};
    session_begin(session);
    int rc = make_request(&job);
    if (rc == 0 && !job.refused && job.device_count > 0)
        rc = run_engine(&job);
    else if (rc == 0 && !job.refused && !session_recover(session, job.database, !job.request.no_recovery))
        job.refused = true;
    else if (rc == 0 && !job.refused) /* RESTORE DATABASE x WITH RECOVERY: nothing left to restore */
        session_say(session, 3014, 10, 1,
                    "%s successfully processed 0 pages in 0.001 seconds (0.000 MB/sec).", job.name);
    if (rc == ENOMEM) {
        session_say(session, 701, 17, 123,
                    "There is insufficient system memory in resource pool 'default' to run this query.");
        rc = 0;
    }
    if (job.refused || (session->error == 701 && !session->engine_ran))
        session_say(session, 3013, 16, 1, "%s is terminating abnormally.", job.name);
    for (uint32_t i = 0; i < job.device_count; i++)
        free(job.devices[i]);
    free(job.devices);
    free(job.database);
    return rc;
}
