/* rows.h - the result sets of RESTORE HEADERONLY, LABELONLY and FILELISTONLY.
 *
 * SQL Server's columns in SQL Server's order. What a stream of ours does not know (dates, collations) is NULL, or what
 * an ordinary backup has there. One thread; no errors but the output's own.
 */
#ifndef VDIFAULT_SQLCMD_ROWS_H
#define VDIFAULT_SQLCMD_ROWS_H

#include <stdbool.h>

#include "engine.h"
#include "output.h"
#include "tsql.h"

void rows_print(struct output *output, enum tsql_statement_kind kind, const struct engine_backup_set *set,
                bool rows_affected);

#endif
