/* driver.h - a connection to SQL Server through ODBC: unixODBC and FreeTDS's driver.
 *
 * Ownership: a driver belongs to who opened it, and must not move. Errors: false, with the driver's words on `out`.
 * Threads: one at a time, but for driver_cancel, which is for any other while driver_run runs.
 */
#ifndef TDS_PEERS_DRIVER_H
#define TDS_PEERS_DRIVER_H

#include <sql.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

struct driver {
    SQLHENV environment;
    SQLHDBC connection;
    _Atomic(SQLHSTMT) statement; /* the one that runs; NULL: none */
    int success; /* the number of a message that a statement must get to be a success; 0: none */
};

/* `server` is HOST or HOST:PORT; `encryption` is FreeTDS's word: off, request, require; NULL: request. After a failure,
 * too, there is to be a driver_close. */
bool driver_open(struct driver *driver, const char *server, const char *encryption, FILE *out);
/* Runs `text` to the end of its last result; rows and messages go to `out`. Whether it succeeded. */
bool driver_run(struct driver *driver, const char *text, FILE *out);
void driver_cancel(struct driver *driver); /* the statement that runs, if any: an attention */
void driver_close(struct driver *driver);

#endif
