/* databases.c - which databases there are: see tables.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tables.h"

static const struct database_row system_databases[] = {
    {"master", 1, CATALOG_SIMPLE, CATALOG_ONLINE, 0},
    {"tempdb", 2, CATALOG_SIMPLE, CATALOG_ONLINE, 0},
    {"model", 3, CATALOG_FULL, CATALOG_ONLINE, 0},
    {"msdb", 4, CATALOG_SIMPLE, CATALOG_ONLINE, 0},
};

const char *databases_model(enum catalog_model model)
{
    return model == CATALOG_SIMPLE ? "SIMPLE" : model == CATALOG_FULL ? "FULL" : "BULK_LOGGED";
}

const struct database_row *databases_find(const struct databases *databases, const char *name)
{
    for (uint32_t i = 0; i < databases->count; i++) {
        if (strcasecmp(databases->rows[i].name, name) == 0)
            return &databases->rows[i];
    }
    return NULL;
}

static struct database_row *add(struct databases *databases, const char *name)
{
    size_t characters = tsql_characters(name, strlen(name));
    struct database_row *row = (struct database_row *)databases_find(databases, name);
    if (row != NULL || databases->count == DATABASES_MAX || characters == 0 ||
        characters > TSQL_IDENTIFIER_MAX || strlen(name) >= sizeof(row->name))
        return row;
    row = &databases->rows[databases->count++];
    *row = (struct database_row){.id = databases->count, .model = CATALOG_FULL, .state = CATALOG_ONLINE};
    snprintf(row->name, sizeof(row->name), "%s", name);
    return row;
}

/* One of the plan whose file is yet to be restored is none. */
static bool is_missing(const struct plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->database_count; i++) {
        if (strcasecmp(plan->databases[i].name, name) == 0)
            return access(plan->databases[i].path, F_OK) != 0;
    }
    return false;
}

static void add_remembered(const struct session *session, struct databases *databases)
{
    struct catalog *catalog = session->settings.catalog;
    const struct catalog_database *entry;
    if (catalog == NULL || catalog_begin(catalog) != 0)
        return;
    for (uint32_t i = 0; (entry = catalog_at(catalog, i)) != NULL; i++) {
        bool own = (entry->verification == 1) == (session->settings.role == PROCESS_VERIFY);
        struct database_row *row = own ? add(databases, entry->name) : NULL;
        if (row == NULL)
            continue;
        row->model = entry->model;
        row->state = entry->state == CATALOG_RESTORING ? CATALOG_RESTORING : CATALOG_ONLINE;
        row->base = entry->base;
    }
    catalog_end(catalog, false);
}

static void add_named(const struct plan *plan, const char *const *names, uint32_t count,
                      struct databases *databases)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!is_missing(plan, names[i]))
            add(databases, names[i]);
    }
}

void databases_list(const struct session *session, const char *const *named, uint32_t named_count,
                    struct databases *databases)
{
    const struct plan *plan = session->settings.plan;
    memcpy(databases->rows, system_databases, sizeof(system_databases));
    databases->count = sizeof(system_databases) / sizeof(system_databases[0]);
    for (uint32_t i = 0; i < plan->database_count; i++) {
        if (!is_missing(plan, plan->databases[i].name))
            add(databases, plan->databases[i].name);
    }
    add_named(plan, (const char *const *)session->mentioned, session->mentioned_count, databases);
    add_remembered(session, databases);
    add(databases, session->database);
    add_named(plan, named, named_count, databases);
}

int databases_mention(struct session *session, const char *name)
{
    for (uint32_t i = 0; i < session->mentioned_count; i++) {
        if (strcasecmp(session->mentioned[i], name) == 0)
            return 0;
    }
    if (session->mentioned_count == SESSION_MENTIONED_MAX)
        return 0;
    char *copy = strdup(name);
    if (copy != NULL)
        session->mentioned[session->mentioned_count++] = copy;
    return copy == NULL ? ENOMEM : 0;
}
