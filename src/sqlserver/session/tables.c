/* tables.c - see tables.h. */
#include "tables.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "columns.h"

/* What a table has rows of. */
enum rows {
    NO_ROWS,
    ONE_ROW,
    DATABASES, /* one each */
    FILES,     /* of each database, the data and the log */
    BACKUPS,   /* the last full one of each database that has one */
    SESSIONS,  /* each that is connected */
    REQUESTS   /* each BACKUP and RESTORE that runs */
};

/* Where a column's value comes from. */
enum source {
    ALWAYS, /* the text in the table; NULL: the SQL value NULL */
    NAME,
    ID,
    STATE,
    STATE_WORD,
    MODEL,
    MODEL_WORD,
    LOG, /* 1: of the log */
    FILE_NUMBER,
    FILE_WORD, /* ROWS, LOG */
    FILE_NAME,
    FILE_PATH,
    FILE_PAGES,
    SERVER,
    LOGIN,
    HOST,
    APPLICATION,
    SPID,
    STATUS, /* running, sleeping */
    CONNECTED,
    DATABASE_IN_USE,
    DATABASE_IN_USE_ID,
    COMMAND,
    TARGET_ID, /* of the database that the command is about */
    STARTED,
    ELAPSED,  /* milliseconds */
    ESTIMATE, /* of those still to come */
    PERCENT,
    BASE,
    SIZE,
    NOW
};

struct column {
    struct results_column column;
    enum source source;
    const char *text;
};

static const struct column database_columns[] = {
    {TEXT("name", 128), NAME, NULL},
    {OTHER("database_id", INT), ID, NULL},
    {OTHER("source_database_id", INT), ALWAYS, NULL},
    {OTHER("create_date", DATETIME), ALWAYS, "2022-11-08 12:00:00.000"},
    {OTHER("compatibility_level", TINYINT), ALWAYS, "160"},
    {TEXT("collation_name", 128), ALWAYS, "SQL_Latin1_General_CP1_CI_AS"},
    {OTHER("user_access", TINYINT), ALWAYS, "0"},
    {TEXT("user_access_desc", 60), ALWAYS, "MULTI_USER"},
    {OTHER("is_read_only", BIT), ALWAYS, "0"},
    {OTHER("is_auto_close_on", BIT), ALWAYS, "0"},
    {OTHER("state", TINYINT), STATE, NULL},
    {TEXT("state_desc", 60), STATE_WORD, NULL},
    {OTHER("is_in_standby", BIT), ALWAYS, "0"},
    {OTHER("is_cleanly_shutdown", BIT), ALWAYS, "0"},
    {OTHER("snapshot_isolation_state", TINYINT), ALWAYS, "0"},
    {OTHER("recovery_model", TINYINT), MODEL, NULL},
    {TEXT("recovery_model_desc", 60), MODEL_WORD, NULL},
    {OTHER("page_verify_option", TINYINT), ALWAYS, "2"},
    {TEXT("page_verify_option_desc", 60), ALWAYS, "CHECKSUM"},
    {OTHER("is_published", BIT), ALWAYS, "0"},
    {OTHER("is_distributor", BIT), ALWAYS, "0"},
    {OTHER("is_encrypted", BIT), ALWAYS, "0"},
    {OTHER("replica_id", UNIQUEIDENTIFIER), ALWAYS, NULL},
    {OTHER("group_database_id", UNIQUEIDENTIFIER), ALWAYS, NULL},
    {OTHER("containment", TINYINT), ALWAYS, "0"},
    {TEXT("containment_desc", 60), ALWAYS, "NONE"},
};

static const struct column old_database_columns[] = {
    {TEXT("name", 128), NAME, NULL},
    {OTHER("dbid", SMALLINT), ID, NULL},
    {OTHER("mode", SMALLINT), ALWAYS, "0"},
    {OTHER("status", INT), ALWAYS, "65536"},
    {OTHER("crdate", DATETIME), ALWAYS, "2022-11-08 12:00:00.000"},
    {OTHER("cmptlevel", TINYINT), ALWAYS, "160"},
    {TEXT("filename", 260), FILE_PATH, NULL},
};

static const struct column file_columns[] = {
    {OTHER("database_id", INT), ID, NULL},         {OTHER("file_id", INT), FILE_NUMBER, NULL},
    {OTHER("type", TINYINT), LOG, NULL},           {TEXT("type_desc", 60), FILE_WORD, NULL},
    {OTHER("data_space_id", INT), ALWAYS, "1"},    {TEXT("name", 128), FILE_NAME, NULL},
    {TEXT("physical_name", 260), FILE_PATH, NULL}, {OTHER("state", TINYINT), ALWAYS, "0"},
    {TEXT("state_desc", 60), ALWAYS, "ONLINE"},    {OTHER("size", INT), FILE_PAGES, NULL},
    {OTHER("max_size", INT), ALWAYS, "-1"},        {OTHER("growth", INT), ALWAYS, "8192"},
    {OTHER("is_read_only", BIT), ALWAYS, "0"},
};

static const struct column backup_columns[] = {
    {OTHER("backup_set_id", INT), ID, NULL},
    {OTHER("media_set_id", INT), ID, NULL},
    {TEXT("name", 128), ALWAYS, NULL},
    {TEXT("user_name", 128), LOGIN, NULL},
    {TEXT("database_name", 128), NAME, NULL},
    {TEXT("server_name", 128), SERVER, NULL},
    {TEXT("machine_name", 128), SERVER, NULL},
    {TEXT("type", 1), ALWAYS, "D"},
    {TEXT("recovery_model", 60), MODEL_WORD, NULL},
    {OTHER("position", INT), ALWAYS, "1"},
    {DIGITS("first_lsn", 25), BASE, NULL},
    {DIGITS("last_lsn", 25), BASE, NULL},
    {DIGITS("checkpoint_lsn", 25), BASE, NULL},
    {DIGITS("database_backup_lsn", 25), BASE, NULL},
    {DIGITS("backup_size", 20), SIZE, NULL},
    {DIGITS("compressed_backup_size", 20), SIZE, NULL},
    {OTHER("backup_start_date", DATETIME), NOW, NULL},
    {OTHER("backup_finish_date", DATETIME), NOW, NULL},
    {OTHER("is_copy_only", BIT), ALWAYS, "0"},
    {OTHER("is_snapshot", BIT), ALWAYS, "0"},
    {OTHER("is_damaged", BIT), ALWAYS, "0"},
};

static const struct column media_columns[] = {
    {OTHER("media_set_id", INT), ID, NULL},           {OTHER("family_sequence_number", TINYINT), ALWAYS, "1"},
    {TEXT("logical_device_name", 128), ALWAYS, NULL}, {TEXT("physical_device_name", 260), NAME, NULL},
    {OTHER("device_type", TINYINT), ALWAYS, "7"},
};

static const struct column connection_columns[] = {
    {OTHER("session_id", SMALLINT), SPID, NULL},
    {TEXT("net_transport", 40), ALWAYS, "TCP"},
    {TEXT("protocol_type", 40), ALWAYS, "TSQL"},
    {TEXT("encrypt_option", 40), ALWAYS, "FALSE"},
    {TEXT("auth_scheme", 40), ALWAYS, "SQL"},
    {TEXT("login_name", 128), LOGIN, NULL},
    {TEXT("original_login_name", 128), LOGIN, NULL},
    {TEXT("host_name", 128), HOST, NULL},
    {TEXT("program_name", 128), APPLICATION, NULL},
    {TEXT("database_name", 128), DATABASE_IN_USE, NULL},
    {TEXT("status", 30), STATUS, NULL},
    {OTHER("is_user_process", BIT), ALWAYS, "1"},
    {OTHER("login_time", DATETIME), CONNECTED, NULL},
    {OTHER("database_id", SMALLINT), DATABASE_IN_USE_ID, NULL},
};

/* The query that asks is not among them: it is none of what clients look for. */
static const struct column request_columns[] = {
    {OTHER("session_id", SMALLINT), SPID, NULL},
    {OTHER("request_id", INT), ALWAYS, "0"},
    {TEXT("command", 32), COMMAND, NULL},
    {TEXT("status", 30), STATUS, NULL},
    {OTHER("database_id", SMALLINT), TARGET_ID, NULL},
    {OTHER("percent_complete", INT), PERCENT, NULL},
    {OTHER("start_time", DATETIME), STARTED, NULL},
    {OTHER("total_elapsed_time", INT), ELAPSED, NULL},
    {OTHER("estimated_completion_time", BIGINT), ESTIMATE, NULL},
    {OTHER("blocking_session_id", SMALLINT), ALWAYS, "0"},
    {TEXT("wait_type", 60), ALWAYS, NULL},
};

static const struct column host_columns[] = {
    {TEXT("host_platform", 256), ALWAYS, "Linux"},
    {TEXT("host_distribution", 256), ALWAYS, "Debian GNU/Linux"},
    {TEXT("host_release", 256), ALWAYS, "12"},
    {TEXT("host_service_pack_level", 256), ALWAYS, ""},
    {OTHER("os_language_version", INT), ALWAYS, "0"},
};

static const struct column group_columns[] = {
    {OTHER("group_id", UNIQUEIDENTIFIER), ALWAYS, NULL},
    {OTHER("replica_id", UNIQUEIDENTIFIER), ALWAYS, NULL},
    {OTHER("database_id", INT), ALWAYS, NULL},
    {TEXT("name", 128), ALWAYS, NULL},
    {OTHER("is_local", BIT), ALWAYS, NULL},
    {OTHER("role", TINYINT), ALWAYS, NULL},
    {TEXT("role_desc", 60), ALWAYS, NULL},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
static const struct description {
    const char *name; /* of whatever schema */
    enum rows rows;
    const struct column *columns;
    uint32_t count;
} descriptions[] = {
    {"databases", DATABASES, database_columns, COUNT(database_columns)},
    {"sysdatabases", DATABASES, old_database_columns, COUNT(old_database_columns)},
    {"master_files", FILES, file_columns, COUNT(file_columns)},
    {"backupset", BACKUPS, backup_columns, COUNT(backup_columns)},
    {"backupmediafamily", BACKUPS, media_columns, COUNT(media_columns)},
    {"dm_exec_connections", SESSIONS, connection_columns, COUNT(connection_columns)},
    {"dm_exec_sessions", SESSIONS, connection_columns, COUNT(connection_columns)},
    {"dm_exec_requests", REQUESTS, request_columns, COUNT(request_columns)},
    {"dm_os_host_info", ONE_ROW, host_columns, COUNT(host_columns)},
    {"availability_groups", NO_ROWS, group_columns, COUNT(group_columns)},
    {"availability_replicas", NO_ROWS, group_columns, COUNT(group_columns)},
    {"dm_hadr_availability_replica_states", NO_ROWS, group_columns, COUNT(group_columns)},
    {"dm_hadr_database_replica_states", NO_ROWS, group_columns, COUNT(group_columns)},
};

struct table {
    const struct description *description;
    uint32_t row_count;
    char **cells;
};

/* ---- cells ---- */

enum {
    CELL_MAX = CATALOG_NAME_MAX + 64,
    PAGE_BYTES = 8192
};

/* What a row is about. */
struct subject {
    const struct database_row *database; /* and the number of its file, from 1 */
    uint32_t file;
    const struct activity_session *other; /* a session; NULL: the one that asks */
    const struct databases *databases;    /* all there are */
};

static const char *format_time(char *text, int64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&time, &parts) == NULL || strftime(text, CELL_MAX, "%Y-%m-%d %H:%M:%S.000", &parts) == 0)
        text[0] = '\0';
    return text;
}

static const char *number(char *text, uint64_t value)
{
    snprintf(text, CELL_MAX, "%" PRIu64, value);
    return text;
}

static int64_t milliseconds_since(int64_t then)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t since = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - then;
    return since > 0 ? since : 0;
}

static const char *id_of(const struct databases *databases, const char *name, char *text)
{
    const struct database_row *database = databases_find(databases, name);
    return database != NULL ? number(text, database->id) : NULL;
}

static const char *cell_of_request(enum source source, const struct subject *subject, char *text)
{
    const struct activity_session *other = subject->other;
    uint64_t elapsed = (uint64_t)milliseconds_since(other->started);
    switch (source) {
    case COMMAND:
        return other->command;
    case TARGET_ID:
        return id_of(subject->databases, other->target, text);
    case STARTED:
        return format_time(text, other->started / 1000);
    case ELAPSED:
        return number(text, elapsed);
    case ESTIMATE:
        return number(text, other->percent > 0 ? elapsed * (100 - other->percent) / other->percent : 0);
    default:
        assert(source == PERCENT);
        return number(text, other->percent);
    }
}

static const char *cell_of_session(enum source source, const struct session *session,
                                   const struct subject *subject, char *text)
{
    const struct activity_session *other = subject->other != NULL ? subject->other : &session->own;
    switch (source) {
    case LOGIN:
        return other->login;
    case HOST:
        return other->host;
    case APPLICATION:
        return other->application;
    case SPID:
        return number(text, (uint64_t)other->spid);
    case STATUS: /* who asks is running, too */
        return other->command[0] != '\0' || other->spid == session->own.spid ? "running" : "sleeping";
    case CONNECTED:
        return format_time(text, other->connected);
    case DATABASE_IN_USE:
        return other->database;
    case DATABASE_IN_USE_ID:
        return id_of(subject->databases, other->database, text);
    default:
        return cell_of_request(source, subject, text);
    }
}

static const char *cell_of_file(enum source source, const struct subject *subject, char *text)
{
    bool log = subject->file == 2;
    const char *name = subject->database->name;
    if (source == FILE_WORD)
        return log ? "LOG" : "ROWS";
    if (source == LOG)
        return log ? "1" : "0";
    if (source == FILE_NUMBER)
        return number(text, subject->file);
    if (source == FILE_NAME)
        snprintf(text, CELL_MAX, "%s%s", name, log ? "_log" : "");
    else
        snprintf(text, CELL_MAX, "/var/opt/mssql/data/%s%s", name, log ? "_log.ldf" : ".mdf");
    return text;
}

static const char *cell_of(const struct column *column, const struct session *session,
                           const struct subject *subject, char *text)
{
    const struct database_row *database = subject->database;
    uint64_t size = session->settings.plan->size;
    switch (column->source) {
    case ALWAYS:
        return column->text;
    case NAME:
        return database->name;
    case ID:
        return number(text, database->id);
    case STATE: /* as in sys.databases */
        return database->state == CATALOG_RESTORING ? "1" : "0";
    case STATE_WORD:
        return database->state == CATALOG_RESTORING ? "RESTORING" : "ONLINE";
    case MODEL: /* FULL, BULK_LOGGED, SIMPLE: as in the catalog */
        return number(text, database->model);
    case MODEL_WORD:
        return databases_model(database->model);
    case LOG:
    case FILE_NUMBER:
    case FILE_WORD:
    case FILE_NAME:
    case FILE_PATH:
        return cell_of_file(column->source, subject, text);
    case FILE_PAGES:
        return number(text, subject->file == 2 ? 1024 : size / PAGE_BYTES);
    case BASE:
        return number(text, database->base);
    case SIZE:
        return number(text, size);
    case NOW:
        return format_time(text, time(NULL));
    case SERVER:
        return session->settings.server;
    default:
        return cell_of_session(column->source, session, subject, text);
    }
}

/* ---- tables ---- */

static int add_row(struct table *table, const struct session *session, const struct subject *subject)
{
    const struct description *description = table->description;
    size_t used = (size_t)table->row_count * description->count;
    char **grown = realloc(table->cells, (used + description->count) * sizeof(*grown));
    if (grown == NULL)
        return ENOMEM;
    table->cells = grown;
    memset(grown + used, 0, description->count * sizeof(*grown));
    table->row_count++;
    for (uint32_t i = 0; i < description->count; i++) {
        char text[CELL_MAX];
        const char *value = cell_of(&description->columns[i], session, subject, text);
        grown[used + i] = value != NULL ? strdup(value) : NULL;
        if (value != NULL && grown[used + i] == NULL)
            return ENOMEM;
    }
    return 0;
}

static int add_sessions(struct table *table, const struct session *session, const struct databases *databases)
{
    struct activity *activity = session->settings.activity;
    struct activity_session *all = calloc(activity != NULL ? ACTIVITY_MAX : 1, sizeof(*all));
    int rc = 0;
    if (all == NULL)
        return ENOMEM;
    uint32_t count = activity != NULL ? activity_read(activity, all) : 0;
    if (count == 0) /* nobody is seen, but who asks is there */
        all[count++] = session->own;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        if (table->description->rows == SESSIONS || all[i].command[0] != '\0')
            rc = add_row(table, session, &(struct subject){.other = &all[i], .databases = databases});
    }
    free(all);
    return rc;
}

static int add_rows(struct table *table, const struct session *session, const struct databases *databases)
{
    enum rows rows = table->description->rows;
    int rc = 0;
    if (rows == ONE_ROW)
        return add_row(table, session, &(struct subject){.file = 1});
    if (rows == SESSIONS || rows == REQUESTS)
        return add_sessions(table, session, databases);
    for (uint32_t i = 0; i < databases->count && rc == 0 && rows != NO_ROWS; i++) {
        const struct database_row *database = &databases->rows[i];
        if (rows == BACKUPS && database->base == 0)
            continue;
        for (uint32_t file = 1; file <= (rows == FILES ? 2 : 1) && rc == 0; file++)
            rc = add_row(table, session, &(struct subject){.database = database, .file = file});
    }
    return rc;
}

int table_open(const struct session *session, const char *name, const char *const *named,
               uint32_t named_count, struct table **out)
{
    const struct description *found = NULL;
    *out = NULL;
    for (size_t i = 0; i < COUNT(descriptions); i++) {
        if (strcasecmp(descriptions[i].name, name) == 0)
            found = &descriptions[i];
    }
    if (found == NULL)
        return 0;
    struct table *table = calloc(1, sizeof(*table));
    struct databases *databases = malloc(sizeof(*databases));
    int rc = table == NULL || databases == NULL ? ENOMEM : 0;
    if (rc == 0) {
        table->description = found;
        databases_list(session, named, named_count, databases);
        rc = add_rows(table, session, databases);
    }
    free(databases);
    if (rc != 0) {
        table_free(table);
        table = NULL;
    }
    *out = table;
    return rc;
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; table->description != NULL && i < (size_t)table->row_count * table->description->count;
         i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
}

uint32_t table_column_count(const struct table *table)
{
    return table->description->count;
}

const struct results_column *table_column(const struct table *table, uint32_t column)
{
    return &table->description->columns[column].column;
}

bool table_find_column(const struct table *table, const char *name, uint32_t *column)
{
    for (*column = 0; *column < table->description->count; ++*column) {
        if (strcasecmp(table->description->columns[*column].column.name, name) == 0)
            return true;
    }
    return false;
}

uint32_t table_row_count(const struct table *table)
{
    return table->row_count;
}

const char *table_cell(const struct table *table, uint32_t row, uint32_t column)
{
    assert(row < table->row_count && column < table->description->count);
    return table->cells[(size_t)row * table->description->count + column];
}
