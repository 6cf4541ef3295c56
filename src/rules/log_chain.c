/* log_chain.c - a log backup that a restore of the chain lacks: SQL Server says with 4305 which part of the log it
 * needs, and each backup what it holds (spec 10, 5). The backup that is refused is not the one that was lost.
 */
#include <string.h>
#include <strings.h>

#include "state.h"

static bool is_log(const struct statement *statement)
{
    static const char *const verbs[] = {"BACKUP LOG", "RESTORE LOG"};

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (statement->text && strncasecmp(statement->text, verbs[i], strlen(verbs[i])) == 0) {
            return true;
        }
    }
    return false;
}

bool log_chain_same_kind(const struct operation_state *a, const struct operation_state *b)
{
    return !a->statement || !b->statement || is_log(a->statement) == is_log(b->statement);
}

uint64_t log_chain_missing(const struct operation_state *operation)
{
    const struct statement *statement = operation->statement;

    return statement && !statement->backup && statement->last_lsn == 0 ? statement->first_lsn : 0;
}

bool log_chain_is_lost(const struct checker *checker, const struct operation_state *backup)
{
    const struct statement *statement = backup->statement;

    if (!statement || !statement->backup || !is_log(statement)) {
        return false;
    }
    for (const struct operation_state *other = checker->operations; other; other = other->next) {
        uint64_t missing = log_chain_missing(other);

        if (missing && missing >= statement->first_lsn && missing < statement->last_lsn &&
            operation_is_verify(checker, other) && same_database(&backup->shown, &other->shown)) {
            return true;
        }
    }
    return false;
}
