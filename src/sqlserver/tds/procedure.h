/* procedure.h - calls of procedures as the batches that do the same: sp_executesql and prepared statements.
 *
 * Responsible for: variables of parameters: DECLARE @p nvarchar(9) = N'x' in front of the statement, in its first line, so
 * that messages keep their lines; statements that were prepared, to a bound.
 *
 * Pure. Errors: 0, ENOMEM, or EINVAL with a message of SQL Server's (struct tsql_error). One thread.
 */
#ifndef VDIFAULT_TDS_PROCEDURE_H
#define VDIFAULT_TDS_PROCEDURE_H

#include "rpc.h"
#include "tsql.h"

enum {
    TDS_PREPARED_MOST = 1024,
    TDS_PREPARED_BYTES_MOST = 16 << 20,
};

struct tds_prepared;
struct tds_procedures {
    struct tds_prepared *first;
    uint32_t count;
    size_t bytes;
    int32_t last_handle;
};
void tds_procedures_forget(struct tds_procedures *procedures); /* all that was prepared */

/* What a call comes to. */
struct tds_call {
    char *batch;       /* to run; NULL: nothing */
    bool gives_handle; /* in its first parameter */
    int32_t handle;
};
int tds_procedure_call(struct tds_procedures *procedures, const struct tds_rpc *rpc, struct tds_call *call,
                       struct tsql_error *error);

#endif
