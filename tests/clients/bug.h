/* bug.h - what the buggy clients share: a bug a row, chosen with --bug NAME; `--list` prints the table.
 *
 * Each bug breaks just its own rule and the client is otherwise correct, so that a test of the checker can expect
 * exactly that rule. A buggy client is one source file with its table; tests/e2e/buggy_clients_test runs every row
 * of every one.
 */
#ifndef CLIENT_BUG_H
#define CLIENT_BUG_H

#include <stddef.h>

#include "client_common.h"

struct bug {
    const char *name;
    const char *rule;     /* that it breaks, and no other if it can be helped */
    const char *function; /* at which the rule is broken; "-": the run as a whole */
    const char *fault;    /* that makes it show, as --fault takes it; "-": none */
    const char
        *operation; /* "restore" needs a backup made before with the same --set and --dir; "backup-restore" */
    int devices;
    const char *what;
};

/* What some bugs need beside. */
struct bug_need {
    int row;
    const char *run_options; /* further options of `vdifault run`, separated by '|'; NULL: none */
    const char *with;        /* further WITH options of the statement; NULL: none */
};

/* A client's bugs; the first row has index 0. */
struct bug_table {
    const char *program;
    const struct bug *bugs;
    size_t count;
};

/* Before bug_main, if there are any; the list must stay. */
void bug_set_needs(const struct bug_need *needs, size_t count);

/* Takes --bug NAME out of the arguments, runs the client and returns its exit status; with `--list` prints the
 * table: a bug a line, the fields of struct bug separated by tabs. */
int bug_main(int argc, char **argv, const struct bug_table *table, client_work *work);

/* Whether the bug of this row was chosen. */
bool bug_is(int row);

#endif
