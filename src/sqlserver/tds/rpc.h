/* rpc.h - requests: the text of a SQL batch, and remote procedure calls (MS-TDS 2.2.6.6, 2.2.6.7).
 *
 * Pure. Errors: 0, ENOMEM, or EPROTO with *error. Any thread.
 */
#ifndef VDIFAULT_TDS_RPC_H
#define VDIFAULT_TDS_RPC_H

#include "value.h"

enum {
    TDS_PARAMETERS_MOST = 2100, /* SQL Server's */
};

/* Skips ALL_HEADERS, with which requests begin since 7.2. */
int tds_headers_skip(struct tds_reader *reader, uint32_t version, struct tds_error *error);

/* The rest of the message as UTF-8, malloc'd. */
int tds_batch_read(struct tds_reader *reader, char **text, struct tds_error *error);

struct tds_parameter {
    char *name; /* with its @, or "" */
    bool output;
    struct tds_declared declared;
    struct tds_value value;
};

/* Procedures that have a number instead of a name. */
enum tds_procedure {
    TDS_NAMED = 0,
    TDS_SP_EXECUTESQL = 10,
    TDS_SP_PREPARE = 11,
    TDS_SP_EXECUTE = 12,
    TDS_SP_PREPEXEC = 13,
    TDS_SP_UNPREPARE = 15,
    TDS_SP_MOST = 15, /* the others are of cursors */
};

struct tds_rpc {
    uint16_t procedure; /* enum tds_procedure, also of those called by their names */
    char *name;
    struct tds_parameter *parameters;
    uint32_t count;
};

/* One call of the message; there is another when something is left of it. */
int tds_rpc_read(struct tds_reader *reader, uint32_t version, struct tds_rpc *rpc, struct tds_error *error);
void tds_rpc_free(struct tds_rpc *rpc);

#endif
