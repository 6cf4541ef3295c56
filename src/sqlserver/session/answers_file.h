/* answers_file.h - answers from a file (--answers), and to one (--record-answers).
 *
 * JSON, an array of objects; `query` is a batch, or one SELECT of a batch:
 *
 *     [{"query": "select name from dbo.jobs where id = *",
 *       "columns": [{"name": "name", "type": "nvarchar", "length": 128}],
 *       "rows": [["nightly"], [null]]},
 *      {"query": "exec dbo.check_license", "messages": [{"number": 50001, "severity": 16, "state": 1, "text": "no"}]}]
 *
 * In place of columns and rows, `results` is an array of such pairs: several result sets. Types: bit, tinyint, smallint,
 * int, bigint, numeric (precision, scale), nvarchar and varbinary (length; without it: max), datetime,
 * uniqueidentifier. A value is null, text, a number, or true and false for 1 and 0.
 *
 * Errors: 0, EINVAL for what is no such file, or errno; each with a message that names file, line and what was
 * expected. One thread.
 */
#ifndef VDIFAULT_SESSION_ANSWERS_FILE_H
#define VDIFAULT_SESSION_ANSWERS_FILE_H

#include "answers.h"

enum {
    ANSWERS_MESSAGE_MAX = 4608 /* a path and why */
};

/* The file that VDIFAULT_ANSWERS names; *answers is NULL without one. */
int answers_from_environment(struct answers **answers, char message[ANSWERS_MESSAGE_MAX]);
int answers_load(const char *path, struct answers **answers, char message[ANSWERS_MESSAGE_MAX]);
/* As one column's "type". NULL: no such type. */
const char *answers_type_name(enum results_type type);

#endif
