/* tables.h - the system tables that clients ask before they back up: sys.databases, msdb.dbo.backupset, and the like.
 *
 * Responsible for: which tables there are, their columns and rows, from the plan, the catalog and the connection; and
 * which databases there are. Any name is a database of the simulated server (engine/database.h): a query that names one
 * finds it. The four of the system are always there.
 *
 * Ownership: a table is a snapshot, released by table_free. Errors: 0 or ENOMEM. One thread.
 */
#ifndef VDIFAULT_SESSION_TABLES_H
#define VDIFAULT_SESSION_TABLES_H

#include "session_internal.h"

enum {
    DATABASES_MAX = 128
};

struct database_row {
    char name[CATALOG_NAME_MAX];
    uint32_t id; /* DB_ID */
    enum catalog_model model;
    enum catalog_state state;
    uint64_t base; /* LSN of its last full backup; 0: none is known */
};

struct databases {
    uint32_t count;
    struct database_row rows[DATABASES_MAX];
};

/* `named`: one more that is asked for, or NULL. */
void databases_list(const struct session *session, const char *const *named, uint32_t named_count,
                    struct databases *databases);
/* Its id is known from now on: that of no other database, and DB_NAME and the tables have it. 0 or ENOMEM. */
int databases_mention(struct session *session, const char *name);
/* NULL: there is none of the name. */
const struct database_row *databases_find(const struct databases *databases, const char *name);
const char *databases_model(enum catalog_model model); /* FULL */

struct table;
/* *out is NULL if there is no such table. */
int table_open(const struct session *session, const char *name, const char *const *named,
               uint32_t named_count, struct table **out);
void table_free(struct table *table);
uint32_t table_column_count(const struct table *table);
const struct results_column *table_column(const struct table *table, uint32_t column);
bool table_find_column(const struct table *table, const char *name, uint32_t *column);
uint32_t table_row_count(const struct table *table);
/* NULL is SQL's NULL. Of the table, as long as it lives. */
const char *table_cell(const struct table *table, uint32_t row, uint32_t column);

#endif
