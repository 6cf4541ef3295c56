/* answers.h - what a server answers to queries that ours cannot carry out: queries and result sets, given from outside.
 *
 * Responsible for: which answer a text has. Both are compared normalised: comments and whitespace between tokens are
 * one blank, in any case, without a ; at the end; `*` in an answer's query is any text. The first that fits is taken.
 * Not responsible for: the file of --answers (answers_file.h).
 *
 * Ownership: answers_free releases all that hangs on them. Errors: 0 or ENOMEM. Threads: read-only once made.
 */
#ifndef VDIFAULT_SESSION_ANSWERS_H
#define VDIFAULT_SESSION_ANSWERS_H

#include <stddef.h>

#include "session_results.h"

struct answer_set {
    struct results_column *columns; /* with names of their own */
    uint32_t column_count;
    char **cells; /* row by row; NULL is SQL's NULL */
    uint32_t row_count;
};

struct answer {
    char *query; /* normalised */
    struct answer_set *sets;
    uint32_t set_count;
    struct sql_message *messages; /* after the result sets; with texts of their own */
    uint32_t message_count;
};

struct answers {
    struct answer *items;
    uint32_t count;
};

/* NULL: none. */
const struct answer *answers_find(const struct answers *answers, const char *text, size_t length);
/* malloc'd; NULL: no memory. */
char *answers_normalise(const char *text, size_t length);
/* Takes over *answer, which is empty then. EEXIST: its query is there already. It comes before the first whose query fits
 * its own, so that `select *` does not answer `select a`; *place is where. */
int answers_add(struct answers *answers, struct answer *answer, uint32_t *place);
void answer_free(struct answer *answer);    /* what it holds */
void answers_free(struct answers *answers); /* NULL is allowed */

#endif
