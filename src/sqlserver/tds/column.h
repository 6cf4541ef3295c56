/* column.h - a column as a server describes it (COLMETADATA, MS-TDS 2.2.7.4), and its values in rows.
 *
 * Responsible for: all types; where a row has a value otherwise than a parameter (text, ntext, image, sql_variant, xml,
 * CLR types). Pure. Errors: 0, ENOMEM, or EPROTO with *error. Any thread.
 */
#ifndef VDIFAULT_TDS_COLUMN_H
#define VDIFAULT_TDS_COLUMN_H

#include "session_results.h"
#include "value.h"

enum tds_column_form {
    TDS_COLUMN_PLAIN, /* as a parameter */
    TDS_COLUMN_LONG,  /* behind a pointer */
    TDS_COLUMN_VARIANT,
};

struct tds_column {
    struct tds_declared declared;
    enum tds_column_form form;
};

/* As answers describe it: with a name of its own, malloc'd. */
int tds_column_read(struct tds_reader *reader, uint32_t version, struct tds_column *column,
                    struct results_column *described, struct tds_error *error);
/* Without a name, as an output parameter has it. */
int tds_column_read_type(struct tds_reader *reader, uint32_t version, struct tds_column *column,
                         struct results_column *described, struct tds_error *error);
/* The nearest type that answers have. */
void tds_column_describe(uint8_t code, const struct tds_declared *declared, struct results_column *described);
/* malloc'd, in the form that the described type has; NULL: the SQL value NULL. */
int tds_column_value(struct tds_reader *reader, const struct tds_column *column, char **text,
                     struct tds_error *error);

#endif
