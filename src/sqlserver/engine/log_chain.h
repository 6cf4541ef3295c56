/* log_chain.h - what a backup needs before it, and what it leaves behind: the catalog as BACKUP and RESTORE use it.
 *
 * Responsible for: log sequence numbers; which statements a database's state allows (927, 3035, 3117, 4208, 4214); one
 * statement at a time (3023, 3101); whether a backup set continues what is restored (3136, 4305, 4326); truncating the
 * log. The moment of that (spec 10): with VDC_Complete when each device has completed it, without when each has
 * answered its last Flush, whatever becomes of the backup afterwards. That is what makes a log backup that is then
 * lost expensive.
 *
 * A full backup of the log [a, b) holds the database as of b; a differential the same, on top of the full backup whose
 * checkpoint is its base; a log backup the log from where the last one ended. A log can be restored where the database
 * stands in [first, last). Streams of a server without a catalog, or of version 1, have no numbers: they go anywhere.
 * Ours, where SQL Server is stricter:
 *   - a database that nothing is known of takes any log or differential;
 *   - so does one that --verify has recovered, so that the same command can be run again;
 *   - a restore over one that is online goes on at the backup's numbers; there are no recovery forks.
 *
 * Threads: the engine's one. Errors: said as messages. A catalog that cannot be read or written costs the memory, not
 * the statement.
 */
#ifndef VDIFAULT_ENGINE_LOG_CHAIN_H
#define VDIFAULT_ENGINE_LOG_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

struct engine;

/* Of the statement that runs. */
struct log_chain {
    uint64_t first, last; /* BACKUP: the log it holds */
    uint64_t base;        /* BACKUP: the checkpoint of the full backup it is or builds on */
    uint64_t missing;     /* RESTORE LOG, refused with 4305: a log backup that holds this is needed before */
    int64_t deadline;     /* waiting: until then; 0: has not begun */
    bool claimed;
    bool acknowledged;
    bool restoring; /* the database is a restored one in the making */
};

enum log_chain_answer {
    LOG_CHAIN_GO,
    LOG_CHAIN_WAIT,   /* for another statement of the same database */
    LOG_CHAIN_REFUSED /* said */
};

/* Before Open: takes the database; of a BACKUP fixes the numbers in engine->chain. */
enum log_chain_answer log_chain_begin(struct engine *engine);
/* RESTORE, headers read: does the set go here? The database is RESTORING from then on. False: said. */
bool log_chain_check_set(struct engine *engine);
/* RESTORE over a file that is there: nothing of it would be lost that cannot be. */
bool log_chain_allows_overwrite(struct engine *engine);
/* BACKUP: every device has acknowledged all of it. Only the first call counts. */
void log_chain_acknowledge(struct engine *engine);
/* The statement is over. */
void log_chain_end(struct engine *engine);

#endif
