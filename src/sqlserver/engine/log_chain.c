/* log_chain.c - see log_chain.h. */
#include "log_chain.h"

#include <errno.h>

#include "catalog.h"
#include "engine_state.h"

enum {
    NS_PER_MS = 1000000,
    BUSY_PATIENCE_MS = 10000, /* a statement of a client that is about to end, or one that never will */
};

/* The catalog's entry, made if need be, between begin and end. NULL: the server remembers nothing. */
static struct catalog_database *open_entry(const struct engine *engine)
{
    struct catalog *catalog = engine->options.catalog;
    if (catalog == NULL || catalog_begin(catalog) != 0) {
        return NULL;
    }
    struct catalog_key key = {.name = engine->request.database,
                              .verification = engine->options.verification,
                              .never_backed_up = engine->options.plan->backed_up == PLAN_NO};
    struct catalog_database *database = catalog_entry(catalog, &key);
    if (database == NULL) {
        catalog_end(catalog, false);
    }
    return database;
}

static void close_entry(const struct engine *engine)
{
    catalog_end(engine->options.catalog, true);
}

static bool is_tracked(const struct engine *engine)
{
    return engine->options.catalog != NULL && !engine->request.headers && !engine->request.verify_only;
}

/* --- before Open --- */

static bool allows_backup(struct engine *engine, const struct catalog_database *database)
{
    const struct engine_request *request = &engine->request;
    if (database->state == CATALOG_RESTORING) {
        engine_say(engine, SQL_BEING_RESTORED, request->database);
    } else if (request->log && database->model == CATALOG_SIMPLE) {
        engine_say(engine, SQL_NO_LOG_BACKUPS);
    } else if (request->log && !database->backed_up) {
        engine_say(engine, SQL_NO_CURRENT_BACKUP);
    } else if (request->differential && database->base == 0) {
        engine_say(engine, SQL_NO_DIFFERENTIAL_BASE, request->database);
    } else {
        return true;
    }
    return false;
}

/* A log needs a database that is being restored; of a differential only its header tells. */
static bool allows_restore(struct engine *engine, const struct catalog_database *database)
{
    if (!engine->request.log || database->state != CATALOG_ONLINE) {
        return true;
    }
    engine_say(engine, SQL_NOTHING_TO_ROLL_FORWARD);
    return false;
}

static void number_backup(struct engine *engine, struct catalog_database *database)
{
    struct log_chain *chain = &engine->chain;
    uint64_t now = database->log_end;
    database->log_end += CATALOG_LSN_STEP;
    chain->first = engine->request.log ? database->log_start : now;
    chain->last = database->log_end;
    chain->base = engine->request.log || engine->request.differential ? database->base : now;
    if (database->state == CATALOG_UNKNOWN) {
        database->state = CATALOG_ONLINE;
    }
}

static enum log_chain_answer begin(struct engine *engine, struct catalog_database *database)
{
    bool backup = engine->request.operation == ENGINE_BACKUP;
    struct log_chain *chain = &engine->chain;
    enum catalog_use use = !backup ? CATALOG_ALL : engine->request.log ? CATALOG_LOG : CATALOG_DATA;
    int64_t now = os_now();
    if (catalog_claim(engine->options.catalog, database, use) == EWOULDBLOCK) {
        chain->deadline =
            chain->deadline == 0 ? now + BUSY_PATIENCE_MS * (int64_t)NS_PER_MS : chain->deadline;
        if (now < chain->deadline) {
            return LOG_CHAIN_WAIT;
        }
        if (backup) {
            engine_say(engine, SQL_SERIALIZED);
        } else {
            engine_say(engine, SQL_IN_USE);
        }
        return LOG_CHAIN_REFUSED;
    }
    chain->claimed = true;
    if (!(backup ? allows_backup(engine, database) : allows_restore(engine, database))) {
        return LOG_CHAIN_REFUSED;
    }
    if (backup) {
        number_backup(engine, database);
    }
    return LOG_CHAIN_GO;
}

enum log_chain_answer log_chain_begin(struct engine *engine)
{
    struct catalog_database *database = is_tracked(engine) ? open_entry(engine) : NULL;
    if (database == NULL) {
        return LOG_CHAIN_GO;
    }
    enum log_chain_answer answer = begin(engine, database);
    close_entry(engine);
    return answer;
}

/* --- a backup --- */

void log_chain_acknowledge(struct engine *engine)
{
    struct log_chain *chain = &engine->chain;
    const struct engine_request *request = &engine->request;
    struct catalog_database *database = chain->last != 0 && !chain->acknowledged ? open_entry(engine) : NULL;
    if (database == NULL) {
        return;
    }
    chain->acknowledged = true;
    if (request->log) {
        database->log_start = request->copy_only ? database->log_start : chain->last;
        if (request->no_recovery) { /* of the tail: nothing more comes into this log */
            database->state = CATALOG_RESTORING;
            database->restored_to = chain->last;
        }
    } else if (!request->differential && !request->copy_only) {
        database->base = chain->base;
        database->log_start = database->backed_up ? database->log_start : chain->first;
        database->backed_up = database->model != CATALOG_SIMPLE;
    }
    close_entry(engine);
}

/* --- a restore --- */

bool log_chain_allows_overwrite(struct engine *engine)
{
    struct catalog_database *database = is_tracked(engine) ? open_entry(engine) : NULL;
    bool allowed =
        database != NULL && (database->state == CATALOG_RESTORING || database->model == CATALOG_SIMPLE);
    if (database != NULL) {
        close_entry(engine);
    }
    return allowed;
}

/* A log or a differential onto what has been restored so far. */
static bool continues(struct engine *engine, const struct catalog_database *database)
{
    const struct stream_header *header = &engine->header;
    uint64_t position = database->restored_to;
    if (database->state == CATALOG_ONLINE || position == 0) {
        engine_say(engine, SQL_NOTHING_TO_ROLL_FORWARD);
    } else if (header->kind == STREAM_DIFFERENTIAL && header->base_lsn != database->base) {
        engine_say(engine, SQL_OTHER_STATE);
    } else if (header->kind == STREAM_LOG && header->first_lsn > position) {
        engine->chain.missing = position;
        engine_say(engine, SQL_LOG_TOO_RECENT, (unsigned long long)header->first_lsn,
                   (unsigned long long)position);
    } else if (header->kind == STREAM_LOG && header->last_lsn <= position) {
        engine_say(engine, SQL_LOG_TOO_EARLY, (unsigned long long)header->last_lsn,
                   (unsigned long long)position);
    } else {
        return true;
    }
    return false;
}

bool log_chain_check_set(struct engine *engine)
{
    struct catalog_database *database = is_tracked(engine) ? open_entry(engine) : NULL;
    bool good = true;
    if (database == NULL) {
        return true;
    }
    if (engine->header.kind == STREAM_DATABASE) {
        database->state = CATALOG_RESTORING;
        database->restored_to = 0;
        engine->chain.restoring = true;
    } else if (database->state != CATALOG_UNKNOWN && engine->header.last_lsn != 0) {
        good = continues(engine, database);
        engine->chain.restoring = good;
    }
    close_entry(engine);
    return good;
}

static void end_restore(const struct engine *engine, struct catalog_database *database)
{
    const struct stream_header *header = &engine->header;
    database->base = header->kind == STREAM_DATABASE ? header->base_lsn : database->base;
    database->restored_to = header->last_lsn;
    database->log_end =
        header->last_lsn > database->log_end ? header->last_lsn : database->log_end; /* never used twice */
    if (header->last_lsn == 0 || (engine->options.verification && !engine->request.no_recovery)) {
        database->state = CATALOG_UNKNOWN;
    } else if (!engine->request.no_recovery) {
        catalog_recover(database);
    }
}

/* --- the end --- */

void log_chain_end(struct engine *engine)
{
    struct log_chain *chain = &engine->chain;
    bool backup = engine->request.operation == ENGINE_BACKUP;
    if (!engine->failed && backup) {
        log_chain_acknowledge(engine);
    }
    struct catalog_database *database =
        !engine->failed && chain->restoring && !backup ? open_entry(engine) : NULL;
    if (database != NULL) {
        end_restore(engine, database);
        close_entry(engine);
    }
    if (chain->claimed) {
        catalog_release(engine->options.catalog);
        chain->claimed = false;
    }
}
