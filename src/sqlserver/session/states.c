/* states.c - recovery models, recovery by itself, transactions: see session_internal.h. */
#include <strings.h>

#include "session_internal.h"

/* The catalog's entry, between begin and end; NULL: the server remembers nothing. */
static struct catalog_database *open_entry(const struct session *session, const char *name)
{
    struct catalog *catalog = session->settings.catalog;
    if (catalog == NULL || catalog_begin(catalog) != 0)
        return NULL;
    struct catalog_key key = {.name = name,
                              .verification = session->settings.role == PROCESS_VERIFY,
                              .never_backed_up = session->settings.plan->backed_up == PLAN_NO};
    struct catalog_database *database = catalog_entry(catalog, &key);
    if (database == NULL)
        catalog_end(catalog, false);
    return database;
}

void session_set_model(struct session *session, const char *name, const char *model)
{
    static const struct {
        const char *word;
        enum catalog_model model;
    } models[] = {{"FULL", CATALOG_FULL}, {"BULK_LOGGED", CATALOG_BULK_LOGGED}, {"SIMPLE", CATALOG_SIMPLE}};
    uint32_t chosen = 0;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        chosen = strcasecmp(models[i].word, model) == 0 ? models[i].model : chosen;
    if (chosen == 0) {
        session_say(session, 102, 15, 6, "Incorrect syntax near '%.*s'.", tsql_near_length(model), model);
        return;
    }
    struct catalog_database *database = open_entry(session, name);
    if (database == NULL)
        return;
    bool restoring = database->state == CATALOG_RESTORING;
    if (!restoring) {
        database->state = CATALOG_ONLINE;
        /* Without log backups there is no chain: the next one needs a full backup before it. */
        database->backed_up = database->backed_up && chosen != CATALOG_SIMPLE;
        database->model = chosen;
    }
    catalog_end(session->settings.catalog, true);
    if (restoring) {
        session_say(session, 5052, 16, 1,
                    "ALTER DATABASE is not permitted while a database is in the Restoring state.");
        session_say(session, 5069, 16, 1, "ALTER DATABASE statement failed.");
    }
}

bool session_recover(struct session *session, const char *name, bool recover)
{
    struct catalog_database *database = open_entry(session, name);
    if (database == NULL)
        return true;
    bool online = database->state == CATALOG_ONLINE;
    bool unrestored = database->state == CATALOG_RESTORING && database->restored_to == 0;
    if (recover && !unrestored && database->state == CATALOG_RESTORING)
        catalog_recover(database);
    catalog_end(session->settings.catalog, true);
    if (online)
        session_say(session, 3153, 16, 2, "The database is already fully recovered.");
    else if (unrestored)
        session_say(session, 4333, 16, 1,
                    "The database cannot be recovered because the log was not restored.");
    return !online && !unrestored;
}

static void tell_transaction(struct session *session, enum results_transaction what)
{
    struct results *results = session->settings.results;
    if (results->transaction != NULL)
        results->transaction(results, what);
}

void session_begin_transaction(struct session *session)
{
    if (session->transactions++ == 0)
        tell_transaction(session, RESULTS_BEGUN);
}

void session_end_transaction(struct session *session, bool roll_back)
{
    if (session->transactions == 0 && roll_back)
        session_say(session, 3903, 16, 1,
                    "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.");
    else if (session->transactions == 0)
        session_say(session, 3902, 16, 1,
                    "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.");
    else if (roll_back || --session->transactions == 0) {
        session->transactions = 0;
        tell_transaction(session, roll_back ? RESULTS_ROLLED_BACK : RESULTS_COMMITTED);
    }
}
