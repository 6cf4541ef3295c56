/* session_results.h - whom a session answers: what reads the messages and result sets of one connection.
 *
 * A front end puts a `struct results` first in a struct of its own: sqlcmd's prints text (sqlcmd/output.h), that of TDS
 * writes tokens. What a statement tells comes in this order, as it happens:
 *
 *     { message | database | transaction | columns row... done }... [done] [parameter...]
 *
 * Each result set ends with `done`. So does a statement, unless all that it told ended with a result set: every
 * statement is followed by at least one `done`, the last of which says how it ended. Statements within EXEC(...) have
 * theirs, and EXEC none besides. A connection that the plan takes away (session.h, leaving) gets none either.
 *
 * Ownership: whatever a call is given is valid during the call only; columns until their `done`. All text is UTF-8.
 * Errors: what cannot be written sets `broken`, and the batch ends. Threads: all calls come from the thread that is in
 * session_run.
 */
#ifndef VDIFAULT_SESSION_RESULTS_H
#define VDIFAULT_SESSION_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "tsql.h"

enum results_type {
    RESULTS_BIT = 1, /* "0" or "1" */
    RESULTS_TINYINT,
    RESULTS_SMALLINT,
    RESULTS_INT,
    RESULTS_BIGINT,
    RESULTS_NUMERIC, /* precision and scale below: decimal digits, maybe with a sign and a point */
    RESULTS_NVARCHAR,
    RESULTS_VARBINARY,        /* "0x" and hexadecimal digits */
    RESULTS_DATETIME,         /* "YYYY-MM-DD hh:mm:ss" and maybe ".mmm" */
    RESULTS_UNIQUEIDENTIFIER, /* "XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX" */
    RESULTS_TYPE_COUNT
};

static inline bool results_is_number(enum results_type type)
{
    return type <= RESULTS_NUMERIC;
}

struct results_column {
    const char *name; /* "" without an alias */
    enum results_type type;
    uint16_t length; /* of NVARCHAR in units of UTF-16, of VARBINARY in bytes; 0: max */
    uint8_t precision, scale;
};

/* How a statement, or one result set of it, ended. */
struct results_done {
    enum tsql_statement_kind kind; /* 0: the batch does not parse */
    bool failed;                   /* an error was among its messages */
    bool counted;                  /* rows means something: a result set, without SET NOCOUNT ON */
    int64_t rows;
};

/* What became of the outermost transaction. */
enum results_transaction {
    RESULTS_BEGUN,
    RESULTS_COMMITTED,
    RESULTS_ROLLED_BACK
};

struct results {
    /* state: 0 to 255, or ENGINE_CHAT (engine.h). line: of the batch, from 1 */
    void (*message)(struct results *results, const struct sql_message *message, uint32_t line);
    void (*columns)(struct results *results, const struct results_column *columns, uint32_t count);
    /* one value a column; NULL is SQL's NULL */
    void (*row)(struct results *results, const char *const *values, uint32_t count);
    void (*done)(struct results *results, const struct results_done *done);
    /* USE: before its message 5701. NULL: not to be told */
    void (*database)(struct results *results, const char *name);
    /* NULL: not to be told */
    void (*transaction)(struct results *results, enum results_transaction what);
    /* Of a session_call, after all else: the value of its output parameter `index`. NULL: not to be told */
    void (*parameter)(struct results *results, uint32_t index, const char *value);
    /* Looks whether nobody reads any more; asked again and again while the engine runs. A front end without a thread
     * of its own for it also looks for an attention here, and sets *interrupted (session.h). */
    bool (*gone)(struct results *results);
    bool broken; /* set by the front end: what it wrote did not arrive */
};

#endif
