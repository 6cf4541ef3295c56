/* procedure.h - calls of procedures as calls of a session: sp_executesql and prepared statements; any other as EXECUTE in a
 * batch.
 *
 * Responsible for: which of a call's parameters are what; statements that were prepared, to a bound.
 *
 * Pure. Errors: 0, ENOMEM, or EINVAL with a message of SQL Server's (struct tsql_error). One thread.
 */
#ifndef VDIFAULT_TDS_PROCEDURE_H
#define VDIFAULT_TDS_PROCEDURE_H

#include "rpc.h"
#include "session.h"
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

/* What a call comes to. It borrows from the RPC, and from what was prepared. */
struct tds_call {
    struct session_call run; /* text NULL: nothing is */
    uint32_t first;          /* of the RPC's parameters, that which is the first of `run` */
    bool gives_handle;       /* in its first parameter */
    int32_t handle;
    char *batch; /* own, and so until tds_call_free: the text of EXECUTE, ... */
    struct session_parameter *parameters;
};
int tds_procedure_call(struct tds_procedures *procedures, const struct tds_rpc *rpc, struct tds_call *call,
                       struct tsql_error *error);
void tds_call_free(struct tds_call *call);

#endif
