/* value.c - see value.h. */
#include "value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value_text.h"

enum {
    COLLATION_SIZE = 5,
    LENGTH_MAX = 0xffff, /* of a type: (max), its values come in pieces (PLP) */
    PRECISION_MOST = 38,
    SCALE_OF_TIME_MOST = 7,
};

/* How the length of a value is told. */
enum length_kind {
    FIXED,      /* by the type */
    BYTE_DATE,  /* in a byte; the type has no more to say */
    BYTE_SCALE, /* in a byte; the type has a scale */
    BYTE,       /* in a byte, and so the type's own */
    WORD,       /* in two bytes, or in pieces; so the type's own */
    LONG,       /* in four bytes; so the type's own */
    NOT_TAKEN,
};

static const struct tds_type {
    uint8_t code;
    const char *name;
    enum length_kind length;
    uint8_t fixed;
    tds_to_text *to_text;
    bool collation;
    bool precise; /* a precision and a scale */
} types[] = {
    {0x1f, "null", FIXED, .to_text = NULL},
    {0x22, "image", LONG, .to_text = tds_binary_to_text},
    {0x23, "text", LONG, .to_text = tds_narrow_to_text, .collation = true},
    {0x24, "uniqueidentifier", BYTE, .to_text = tds_guid_to_text},
    {0x25, "varbinary", BYTE, .to_text = tds_binary_to_text},
    {0x26, "int", BYTE, .to_text = tds_int_to_text},
    {0x27, "varchar", BYTE, .to_text = tds_narrow_to_text, .collation = true},
    {0x28, "date", BYTE_DATE, .to_text = tds_date_to_text},
    {0x29, "time", BYTE_SCALE, .to_text = tds_time_to_text},
    {0x2a, "datetime2", BYTE_SCALE, .to_text = tds_datetime2_to_text},
    {0x2b, "datetimeoffset", BYTE_SCALE, .to_text = tds_offset_to_text},
    {0x2d, "binary", BYTE, .to_text = tds_binary_to_text},
    {0x2f, "char", BYTE, .to_text = tds_narrow_to_text, .collation = true},
    {0x30, "tinyint", FIXED, .fixed = 1, .to_text = tds_int_to_text},
    {0x32, "bit", FIXED, .fixed = 1, .to_text = tds_bit_to_text},
    {0x34, "smallint", FIXED, .fixed = 2, .to_text = tds_int_to_text},
    {0x38, "int", FIXED, .fixed = 4, .to_text = tds_int_to_text},
    {0x3a, "smalldatetime", FIXED, .fixed = 4, .to_text = tds_datetime_to_text},
    {0x3b, "real", FIXED, .fixed = 4, .to_text = tds_float_to_text},
    {0x3c, "money", FIXED, .fixed = 8, .to_text = tds_money_to_text},
    {0x3d, "datetime", FIXED, .fixed = 8, .to_text = tds_datetime_to_text},
    {0x3e, "float", FIXED, .fixed = 8, .to_text = tds_float_to_text},
    {0x62, "sql_variant", NOT_TAKEN, .fixed = 0},
    {0x63, "ntext", LONG, .to_text = tds_wide_to_text, .collation = true},
    {0x68, "bit", BYTE, .to_text = tds_bit_to_text},
    {0x6a, "decimal", BYTE, .to_text = tds_decimal_to_text, .precise = true},
    {0x6c, "numeric", BYTE, .to_text = tds_decimal_to_text, .precise = true},
    {0x6d, "float", BYTE, .to_text = tds_float_to_text},
    {0x6e, "money", BYTE, .to_text = tds_money_to_text},
    {0x6f, "datetime", BYTE, .to_text = tds_datetime_to_text},
    {0x7a, "smallmoney", FIXED, .fixed = 4, .to_text = tds_money_to_text},
    {0x7f, "bigint", FIXED, .fixed = 8, .to_text = tds_int_to_text},
    {0xa5, "varbinary", WORD, .to_text = tds_binary_to_text},
    {0xa7, "varchar", WORD, .to_text = tds_narrow_to_text, .collation = true},
    {0xad, "binary", WORD, .to_text = tds_binary_to_text},
    {0xaf, "char", WORD, .to_text = tds_narrow_to_text, .collation = true},
    {0xe7, "nvarchar", WORD, .to_text = tds_wide_to_text, .collation = true},
    {0xef, "nchar", WORD, .to_text = tds_wide_to_text, .collation = true},
    {0xf0, "CLR type", NOT_TAKEN, .fixed = 0},
    {0xf1, "xml", NOT_TAKEN, .fixed = 0},
    {0xf3, "table", NOT_TAKEN, .fixed = 0},
};

static const struct tds_type *find_type(uint8_t code)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].code == code) {
            return &types[i];
        }
    }
    return NULL;
}

int tds_type_read(struct tds_reader *reader, struct tds_declared *declared, struct tds_error *error)
{
    static const uint8_t length_sizes[] = {[BYTE] = 1, [WORD] = 2, [LONG] = 4, [NOT_TAKEN] = 0};
    uint8_t code = tds_u8(reader);
    const struct tds_type *type = find_type(code);
    if (type == NULL || type->length == NOT_TAKEN) {
        return tds_refuse(error, "a value of type 0x%02x (%s), which is not taken", code,
                          type != NULL ? type->name : "unknown");
    }
    *declared = (struct tds_declared){.type = type, .code = code, .most = type->fixed};
    if (type->length == BYTE_SCALE) {
        declared->scale = tds_u8(reader);
    } else if (length_sizes[type->length] > 0) {
        declared->most = (uint32_t)tds_uint(reader, length_sizes[type->length]);
    }
    if (type->precise) {
        declared->precision = tds_u8(reader);
        declared->scale = tds_u8(reader);
        if (declared->precision > PRECISION_MOST || declared->scale > declared->precision) {
            return tds_refuse(error, "a %s(%u, %u); expected a precision to %d and a scale to that",
                              type->name, declared->precision, declared->scale, PRECISION_MOST);
        }
    } else if (declared->scale > SCALE_OF_TIME_MOST) {
        return tds_refuse(error, "a %s(%u); expected 0 to %d", type->name, declared->scale,
                          SCALE_OF_TIME_MOST);
    }
    if (type->collation) {
        tds_take(reader, COLLATION_SIZE);
    }
    return 0;
}

/* PLP: a length that may be unknown, then pieces until an empty one. *null: the value is NULL. */
static int read_pieces(struct tds_reader *reader, struct tds_buffer *value, bool *null)
{
    uint64_t total = tds_u64(reader);
    *null = total == UINT64_MAX;
    for (uint32_t length = 1; !*null && length > 0 && !reader->cut;) {
        length = tds_u32(reader);
        const uint8_t *piece = tds_take(reader, length);
        if (piece != NULL) {
            tds_put(value, piece, length);
        }
    }
    return value->failed ? ENOMEM : 0;
}

/* Bytes of a value that stands there in one; *null as above. */
static uint32_t read_length(struct tds_reader *reader, const struct tds_declared *declared, bool *null)
{
    uint32_t length = declared->most;
    *null = false;
    switch (declared->type->length) {
    case FIXED:
        *null = declared->type->fixed == 0;
        break;
    case WORD:
        length = tds_u16(reader);
        *null = length == LENGTH_MAX;
        break;
    case LONG:
        length = tds_u32(reader);
        *null = length == UINT32_MAX;
        break;
    default: {
        length = tds_u8(reader);
        bool may_be_empty = declared->type->collation || declared->type->to_text == tds_binary_to_text;
        *null = may_be_empty ? length == UINT8_MAX : length == 0;
    }
    }
    return *null ? 0 : length;
}

static bool length_fits(const struct tds_declared *declared, uint32_t length)
{
    bool told_by_type =
        declared->type->length == BYTE || declared->type->length == WORD || declared->type->length == LONG;
    return !told_by_type || length <= declared->most;
}

static int to_text(const struct tds_declared *declared, struct tds_reader bytes, struct tds_value *value,
                   struct tds_error *error)
{
    int rc = declared->type->to_text(bytes, declared->scale, value);
    return rc != EPROTO
               ? rc
               : tds_refuse(error, "%zu bytes that are no %s", tds_left(&bytes), declared->type->name);
}

int tds_value_read_as(struct tds_reader *reader, const struct tds_declared *declared, struct tds_value *value,
                      struct tds_error *error)
{
    struct tds_buffer joined = {0};
    bool null = false;
    struct tds_reader bytes = {0};
    int rc = 0;
    *value = (struct tds_value){0};
    if (declared->type->length == WORD && declared->most == LENGTH_MAX) {
        rc = read_pieces(reader, &joined, &null);
        bytes = tds_reader(joined.bytes, joined.length);
    } else {
        uint32_t length = read_length(reader, declared, &null);
        if (!length_fits(declared, length)) {
            rc = tds_refuse(error, "a %s of %u bytes in a parameter for %u", declared->type->name, length,
                            declared->most);
        }
        const uint8_t *at = rc == 0 ? tds_take(reader, length) : NULL;
        bytes = tds_reader(at, at != NULL ? length : 0);
    }
    if (rc == 0 && reader->cut) {
        rc = tds_refuse(error, "a %s that ends after its parameter's message", declared->type->name);
    }
    if (rc == 0 && !null) {
        rc = to_text(declared, bytes, value, error);
    }
    tds_buffer_free(&joined);
    return rc;
}

int tds_value_read(struct tds_reader *reader, struct tds_value *value, struct tds_error *error)
{
    struct tds_declared declared = {0};
    *value = (struct tds_value){0};
    int rc = tds_type_read(reader, &declared, error);
    return rc == 0 ? tds_value_read_as(reader, &declared, value, error) : rc;
}

/* Base type, bytes of properties, properties, value. */
int tds_value_of_variant(struct tds_reader bytes, struct tds_value *value, struct tds_error *error)
{
    uint8_t code = tds_u8(&bytes), size = tds_u8(&bytes);
    const uint8_t *properties = tds_take(&bytes, size);
    struct tds_declared declared = {.type = find_type(code), .code = code};
    *value = (struct tds_value){0};
    if (bytes.cut || declared.type == NULL || declared.type->to_text == NULL) {
        return tds_refuse(error, "a sql_variant with a value of type 0x%02x", code);
    }
    if (declared.type->precise && size == 2) {
        declared.scale = properties[1];
    } else if (declared.type->length == BYTE_SCALE && size == 1) {
        declared.scale = properties[0];
    }
    if (declared.scale > (declared.type->precise ? PRECISION_MOST : SCALE_OF_TIME_MOST)) {
        return tds_refuse(error, "a sql_variant with a scale of %u", declared.scale);
    }
    return to_text(&declared, bytes, value, error);
}

void tds_value_free(struct tds_value *value)
{
    free(value->text);
    value->text = NULL;
}

void tds_value_literal(struct tds_buffer *out, const struct tds_value *value)
{
    if (value->text == NULL || value->kind != TDS_VALUE_TEXT) {
        tds_put_string(out, value->text != NULL ? value->text : "NULL");
        return;
    }
    tds_put_string(out, "N'");
    for (const char *at = value->text; *at != '\0';) {
        size_t length = strcspn(at, "'");
        tds_put(out, at, length);
        at += length;
        if (*at == '\'') {
            tds_put_string(out, "''");
            at++;
        }
    }
    tds_put_string(out, "'");
}
