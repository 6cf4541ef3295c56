/* selection.h - the rows that a SELECT comes to, before they are told.
 *
 * A row has one value a column, and behind them those that it is ordered by. Ownership: selection_free releases the
 * values; names and types are the statement's and the table's. Errors: 0 or ENOMEM. One thread.
 */
#ifndef VDIFAULT_SESSION_SELECTION_H
#define VDIFAULT_SESSION_SELECTION_H

#include "session_internal.h"

struct selection_column {
    const char *name;
    const struct results_column *type; /* NULL: what its values are */
    const struct tsql_term *value;     /* NULL: number `column` of the table */
    uint32_t column;
    bool row;        /* instead: the number of the table's row */
    bool descending; /* of one that rows are ordered by */
};

struct selection {
    uint32_t width, keys; /* columns: told, ordered by */
    uint32_t count;       /* rows */
    struct selection_column *columns;
    struct tsql_value *cells; /* row by row */
};

int selection_new(uint32_t width, uint32_t keys, struct selection *selection);
/* Another row, of NULLs. */
int selection_add(struct selection *selection, struct tsql_value **cells);
const struct tsql_value *selection_row(const struct selection *selection, uint32_t row);
void selection_order(struct selection *selection);
void selection_distinct(struct selection *selection);
void selection_cut(struct selection *selection, uint32_t count); /* to so many rows at most */
enum tsql_type selection_type(enum results_type type);           /* of a value that such a column has */
int selection_tell(struct session *session, const struct selection *selection);
void selection_free(struct selection *selection);

#endif
