/* properties.c - what the functions of T-SQL say that ask for the server, its databases, or the connection. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "functions.h"
#include "tables.h"

struct property {
    const char *name;
    const char *value; /* NULL is SQL's NULL */
    bool number;
};

/* SERVERPROPERTY; ServerName and MachineName are the session's. */
static const struct property server_properties[] = {
    {"BuildClrVersion", "v4.0.30319", false},
    {"Collation", "SQL_Latin1_General_CP1_CI_AS", false},
    {"Edition", "Developer Edition (64-bit)", false},
    {"EditionID", "-2117995310", true},
    {"EngineEdition", "3", true},
    {"FilestreamEffectiveLevel", "0", true},
    {"HadrManagerStatus", "2", true},
    {"InstanceDefaultBackupPath", "/var/opt/mssql/data", false},
    {"InstanceDefaultDataPath", "/var/opt/mssql/data/", false},
    {"InstanceDefaultLogPath", "/var/opt/mssql/data/", false},
    {"InstanceName", NULL, false},
    {"IsAdvancedAnalyticsInstalled", "0", true},
    {"IsClustered", "0", true},
    {"IsFullTextInstalled", "0", true},
    {"IsHadrEnabled", "0", true},
    {"IsIntegratedSecurityOnly", "0", true},
    {"IsLocalDB", "0", true},
    {"IsPolyBaseInstalled", "0", true},
    {"IsSingleUser", "0", true},
    {"IsXTPSupported", "1", true},
    {"LicenseType", "DISABLED", false},
    {"PathSeparator", "/", false},
    {"ProductBuild", "1000", false},
    {"ProductLevel", "RTM", false},
    {"ProductMajorVersion", "16", false},
    {"ProductMinorVersion", "0", false},
    {"ProductUpdateLevel", NULL, false},
    {"ProductVersion", "16.0.1000.6", false},
    {"ResourceVersion", "16.00.1000", false},
};

static const struct property connection_properties[] = {
    {"auth_scheme", "SQL", false},
    {"client_net_address", "127.0.0.1", false},
    {"local_net_address", "127.0.0.1", false},
    {"local_tcp_port", "1433", true},
    {"net_transport", "TCP", false},
    {"physical_net_transport", "TCP", false},
    {"protocol_type", "TSQL", false},
};

static const struct property session_properties[] = {
    {"ANSI_NULLS", "1", true},
    {"ANSI_PADDING", "1", true},
    {"ANSI_WARNINGS", "1", true},
    {"ARITHABORT", "1", true},
    {"CONCAT_NULL_YIELDS_NULL", "1", true},
    {"NUMERIC_ROUNDABORT", "0", true},
    {"QUOTED_IDENTIFIER", "1", true},
};

/* DATABASEPROPERTYEX; Recovery and Status are the database's. */
static const struct property database_properties[] = {
    {"Collation", "SQL_Latin1_General_CP1_CI_AS", false},
    {"IsAutoClose", "0", true},
    {"IsInStandBy", "0", true},
    {"Updateability", "READ_WRITE", false},
    {"UserAccess", "MULTI_USER", false},
    {"Version", "957", true},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int give(struct tsql_value *value, const char *text, bool number)
{
    value->text = text != NULL ? strdup(text) : NULL;
    value->number = number;
    return text != NULL && value->text == NULL ? ENOMEM : 0;
}

/* NULL for one that is not in the table, as of a real server. */
static int give_property(struct tsql_value *value, const struct property *table, size_t count,
                         const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(table[i].name, name) == 0)
            return give(value, table[i].value, table[i].number);
    }
    return 0;
}

static int server_property(const struct session *session, const char *name, struct tsql_value *value)
{
    static const char *const names[] = {"ServerName", "MachineName", "ComputerNamePhysicalNetBIOS"};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strcasecmp(names[i], name) == 0)
            return give(value, session->settings.server, false);
    }
    if (strcasecmp(name, "ProcessID") == 0)
        return give(value, session->spid, true);
    return give_property(value, server_properties, COUNT(server_properties), name);
}

static int now(bool utc, struct tsql_value *value)
{
    time_t seconds = time(NULL);
    struct tm parts;
    char text[32];
    if ((utc ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts)) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S.000", &parts) == 0)
        return 0;
    value->type = TSQL_TYPE_DATETIME;
    return give(value, text, false);
}

static int database_property(const struct session *session, const char *database, const char *name,
                             struct tsql_value *value)
{
    struct databases *databases = malloc(sizeof(*databases));
    if (databases == NULL)
        return ENOMEM;
    databases_list(session, &database, 1, databases);
    const struct database_row *row = databases_find(databases, database);
    int rc = 0;
    if (row != NULL && strcasecmp(name, "Recovery") == 0)
        rc = give(value, databases_model(row->model), false);
    else if (row != NULL && strcasecmp(name, "Status") == 0)
        rc = give(value, row->state == CATALOG_RESTORING ? "RESTORING" : "ONLINE", false);
    else if (row != NULL)
        rc = give_property(value, database_properties, COUNT(database_properties), name);
    free(databases);
    return rc;
}

/* DB_ID(name), HAS_DBACCESS(name) */
static int database_id(struct session *session, const char *name, bool access, struct tsql_value *value)
{
    char text[16];
    struct databases *databases = malloc(sizeof(*databases));
    if (databases == NULL)
        return ENOMEM;
    databases_list(session, &name, 1, databases);
    const struct database_row *row = databases_find(databases, name);
    int rc = row != NULL && !access ? databases_mention(session, name) : 0;
    if (rc == 0 && row != NULL) {
        databases_list(session, NULL, 0, databases);
        row = access ? row : databases_find(databases, name);
        snprintf(text, sizeof(text), "%u", access ? 1 : row->id);
        rc = give(value, text, true);
    }
    value->number = true;
    value->type = access ? TSQL_TYPE_INT : TSQL_TYPE_SMALLINT;
    free(databases);
    return rc;
}

static int database_name(const struct session *session, const struct tsql_value *id, struct tsql_value *value,
                         struct tsql_error *error)
{
    int64_t wanted;
    int rc = tsql_integer(id, &wanted, error);
    if (rc != 0)
        return rc;
    struct databases *databases = malloc(sizeof(*databases));
    if (databases == NULL)
        return ENOMEM;
    databases_list(session, NULL, 0, databases);
    for (uint32_t i = 0; i < databases->count && rc == 0 && value->text == NULL; i++) {
        if (databases->rows[i].id == wanted)
            rc = give(value, databases->rows[i].name, false);
    }
    free(databases);
    return rc;
}

/* The functions that say nothing about NULL have had none in their arguments. */
static int say(struct session *session, enum tsql_function_id id, const struct tsql_value *arguments,
               uint32_t count, struct tsql_value *value, struct tsql_error *error)
{
    const struct session_settings *settings = &session->settings;
    const char *first = count > 0 ? arguments[0].text : NULL;
    switch (id) {
    case TSQL_FUNCTION_APP_NAME:
        return give(value, settings->application, false);
    case TSQL_FUNCTION_HOST_NAME:
        return give(value, settings->host, false);
    case TSQL_FUNCTION_SUSER_SNAME:
        return give(value, settings->login != NULL ? settings->login : "sa", false);
    case TSQL_FUNCTION_USER_NAME:
    case TSQL_FUNCTION_SCHEMA_NAME:
        return give(value, settings->restricted ? "guest" : "dbo", false);
    case TSQL_FUNCTION_IS_SRVROLEMEMBER:
        return give(value, settings->restricted && strcasecmp(first, "public") != 0 ? "0" : "1", true);
    case TSQL_FUNCTION_GETDATE:
        return now(false, value);
    case TSQL_FUNCTION_GETUTCDATE:
        return now(true, value);
    case TSQL_FUNCTION_DB_ID:
        return database_id(session, count > 0 ? first : session->database, false, value);
    case TSQL_FUNCTION_DB_NAME:
        return count > 0 ? database_name(session, &arguments[0], value, error)
                         : give(value, session->database, false);
    case TSQL_FUNCTION_SERVERPROPERTY:
        return server_property(session, first, value);
    case TSQL_FUNCTION_CONNECTIONPROPERTY:
        return give_property(value, connection_properties, COUNT(connection_properties), first);
    case TSQL_FUNCTION_SESSIONPROPERTY:
        return give_property(value, session_properties, COUNT(session_properties), first);
    case TSQL_FUNCTION_DATABASEPROPERTYEX:
        return database_property(session, first, arguments[1].text, value);
    default: /* OBJECT_ID: there are no objects but the tables of the system */
        return 0;
    }
}

int session_property(void *context, uint32_t function, const struct tsql_value *arguments, uint32_t count,
                     struct tsql_value *value, struct tsql_error *error)
{
    struct session *session = context;
    *value = (struct tsql_value){0};
    if (function == TSQL_FUNCTION_HAS_PERMISSION) {
        if (count == 1 && arguments[0].text != NULL)
            return database_id(session, arguments[0].text, true, value);
        return give(value, session->settings.restricted ? "0" : "1", true);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (arguments[i].text == NULL)
            return 0;
    }
    return say(session, function, arguments, count, value, error);
}
