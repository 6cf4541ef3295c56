/* rows.h - the result sets of RESTORE HEADERONLY, LABELONLY and FILELISTONLY.
 *
 * SQL Server's columns in SQL Server's order. What a stream of ours does not know (dates, collations) is NULL, or what
 * an ordinary backup has there. One thread; no errors.
 */
#ifndef VDIFAULT_SESSION_ROWS_H
#define VDIFAULT_SESSION_ROWS_H

#include "engine.h"
#include "session_internal.h"

void rows_tell(struct session *session, enum tsql_statement_kind kind, const struct engine_backup_set *set);

#endif
