/* value.h - one value of a parameter with its type (MS-TDS 2.2.5.4 to 2.2.5.6), as text.
 *
 * Responsible for: every type that drivers send, as the text T-SQL would show; what a type's lengths allow. Not for
 * tables, XML, CLR types and, of parameters, variants: refused by their names.
 *
 * Pure. Errors: 0, ENOMEM, or EPROTO with *error. The value owns its text until tds_value_free. Any thread.
 */
#ifndef VDIFAULT_TDS_VALUE_H
#define VDIFAULT_TDS_VALUE_H

#include "bytes.h"

enum tds_value_kind {
    TDS_VALUE_NUMBER, /* digits, a sign, a point */
    TDS_VALUE_TEXT,
    TDS_VALUE_BINARY, /* 0x and hexadecimal digits */
};

struct tds_value {
    enum tds_value_kind kind;
    char *text; /* UTF-8; NULL: the SQL value NULL */
};

/* A type as a parameter or a column declares it. */
struct tds_declared {
    const struct tds_type *type;
    uint8_t code;
    uint32_t most; /* bytes of a value */
    uint8_t precision, scale;
};
int tds_type_read(struct tds_reader *reader, struct tds_declared *declared, struct tds_error *error);
int tds_value_read_as(struct tds_reader *reader, const struct tds_declared *declared, struct tds_value *value,
                      struct tds_error *error);
/* All of `bytes`: a sql_variant's, of a row. */
int tds_value_of_variant(struct tds_reader bytes, struct tds_value *value, struct tds_error *error);

/* The type, and then the value. */
int tds_value_read(struct tds_reader *reader, struct tds_value *value, struct tds_error *error);
void tds_value_free(struct tds_value *value);

/* The value as T-SQL writes it: NULL, -1, N'it''s', 0x00ff. */
void tds_value_literal(struct tds_buffer *out, const struct tds_value *value);

#endif
