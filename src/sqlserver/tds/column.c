/* column.c - see column.h. */
#include "column.h"

#include <errno.h>
#include <stdlib.h>

#include "tds_version.h"

enum {
    TYPE_IMAGE = 0x22,
    TYPE_TEXT = 0x23,
    TYPE_VARIANT = 0x62,
    TYPE_NTEXT = 0x63,
    TYPE_VARBINARY = 0xa5,
    TYPE_NVARCHAR = 0xe7,
    TYPE_CLR = 0xf0,
    TYPE_XML = 0xf1,
    LENGTH_MAX = 0xffff,
    POINTER_STAMP_SIZE = 8,
    MONEY_SCALE = 4,
};

/* Each type as answers have it; by bytes where `sized`. */
static const struct kept {
    uint8_t code;
    enum results_type type;
    uint8_t unit; /* bytes of one of its length; 0: it has none */
    uint8_t precision;
} kept[] = {
    {0x24, RESULTS_UNIQUEIDENTIFIER, 0, 0},
    {0x25, RESULTS_VARBINARY, 1, 0},
    {0x27, RESULTS_NVARCHAR, 1, 0},
    {0x2d, RESULTS_VARBINARY, 1, 0},
    {0x2f, RESULTS_NVARCHAR, 1, 0},
    {0x30, RESULTS_TINYINT, 0, 0},
    {0x32, RESULTS_BIT, 0, 0},
    {0x34, RESULTS_SMALLINT, 0, 0},
    {0x38, RESULTS_INT, 0, 0},
    {0x3a, RESULTS_DATETIME, 0, 0},
    {0x3c, RESULTS_NUMERIC, 0, 19},
    {0x3d, RESULTS_DATETIME, 0, 0},
    {0x68, RESULTS_BIT, 0, 0},
    {0x6a, RESULTS_NUMERIC, 0, 0},
    {0x6c, RESULTS_NUMERIC, 0, 0},
    {0x6e, RESULTS_NUMERIC, 0, 19},
    {0x6f, RESULTS_DATETIME, 0, 0},
    {0x7a, RESULTS_NUMERIC, 0, 10},
    {0x7f, RESULTS_BIGINT, 0, 0},
    {TYPE_VARBINARY, RESULTS_VARBINARY, 1, 0},
    {0xa7, RESULTS_NVARCHAR, 1, 0},
    {0xad, RESULTS_VARBINARY, 1, 0},
    {0xaf, RESULTS_NVARCHAR, 1, 0},
    {TYPE_NVARCHAR, RESULTS_NVARCHAR, 2, 0},
    {0xef, RESULTS_NVARCHAR, 2, 0},
    {TYPE_IMAGE, RESULTS_VARBINARY, 0, 0},
    {TYPE_CLR, RESULTS_VARBINARY, 0, 0},
};

void tds_column_describe(uint8_t code, const struct tds_declared *declared, struct results_column *described)
{
    static const enum results_type ints[] = {
        [1] = RESULTS_TINYINT, [2] = RESULTS_SMALLINT, [4] = RESULTS_INT, [8] = RESULTS_BIGINT};
    *described = (struct results_column){.type = RESULTS_NVARCHAR};
    if (code == 0x26) { /* of any size */
        bool known = declared->most < sizeof ints / sizeof ints[0] && ints[declared->most] != 0;
        described->type = known ? ints[declared->most] : RESULTS_BIGINT;
        return;
    }
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        const struct kept *row = &kept[i];
        if (row->code != code) {
            continue;
        }
        described->type = row->type;
        if (row->unit > 0 && declared->most != LENGTH_MAX) {
            described->length = (uint16_t)(declared->most / row->unit);
        }
        if (row->type == RESULTS_NUMERIC) {
            bool money = row->precision > 0;
            described->precision = money ? row->precision : declared->precision;
            described->scale = money ? MONEY_SCALE : declared->scale;
        }
    }
}

static void skip_name(struct tds_reader *reader, bool wide)
{
    tds_take(reader, 2 * (uint64_t)(wide ? tds_u16(reader) : tds_u8(reader)));
}

/* As a type of known form has it: of (max). */
static void declare(struct tds_column *column, uint8_t code, struct tds_error *error)
{
    const uint8_t type[] = {code, LENGTH_MAX & 0xff, LENGTH_MAX >> 8, 0, 0, 0, 0, 0};
    struct tds_reader reader = tds_reader(type, sizeof type);
    (void)tds_type_read(&reader, &column->declared, error); /* complete, and of a type that there is */
}

static int read_xml(struct tds_reader *reader, struct tds_column *column, struct tds_error *error)
{
    if (tds_u8(reader) != 0) { /* a schema */
        skip_name(reader, false);
        skip_name(reader, false);
        skip_name(reader, true);
    }
    declare(column, TYPE_NVARCHAR, error);
    return 0;
}

static int read_clr(struct tds_reader *reader, struct tds_column *column, struct tds_error *error)
{
    tds_u16(reader); /* the longest value */
    for (int i = 0; i < 3; i++) {
        skip_name(reader, false);
    }
    skip_name(reader, true);
    declare(column, TYPE_VARBINARY, error);
    return 0;
}

static int read_type(struct tds_reader *reader, struct tds_column *column, uint8_t *code,
                     struct tds_error *error)
{
    *code = tds_left(reader) > 0 ? *reader->at : 0;
    column->form = TDS_COLUMN_PLAIN;
    switch (*code) {
    case TYPE_XML:
        tds_u8(reader);
        return read_xml(reader, column, error);
    case TYPE_CLR:
        tds_u8(reader);
        return read_clr(reader, column, error);
    case TYPE_VARIANT:
        tds_u8(reader);
        tds_u32(reader); /* the longest value */
        column->form = TDS_COLUMN_VARIANT;
        return 0;
    case TYPE_TEXT:
    case TYPE_NTEXT:
    case TYPE_IMAGE:
        column->form = TDS_COLUMN_LONG;
        break;
    default:
        break;
    }
    return tds_type_read(reader, &column->declared, error);
}

int tds_column_read_type(struct tds_reader *reader, uint32_t version, struct tds_column *column,
                         struct results_column *described, struct tds_error *error)
{
    uint8_t code;
    *column = (struct tds_column){0};
    *described = (struct results_column){0};
    tds_take(reader, version >= TDS_VERSION_72 ? 4 : 2); /* the user's type */
    tds_u16(reader);                                     /* flags */
    int rc = read_type(reader, column, &code, error);
    if (rc == 0 && reader->cut) {
        rc = tds_refuse(error, "a column that ends within its type");
    }
    if (rc == 0) {
        tds_column_describe(code, &column->declared, described);
    }
    return rc;
}

int tds_column_read(struct tds_reader *reader, uint32_t version, struct tds_column *column,
                    struct results_column *described, struct tds_error *error)
{
    int rc = tds_column_read_type(reader, version, column, described, error);
    if (rc == 0 && column->form == TDS_COLUMN_LONG) { /* the parts of its table's name */
        uint32_t parts = version >= TDS_VERSION_72 ? tds_u8(reader) : 1;
        for (uint32_t i = 0; i < parts; i++) {
            skip_name(reader, true);
        }
    }
    size_t size = rc == 0 ? 2 * (size_t)tds_u8(reader) : 0;
    const uint8_t *name = tds_take(reader, size);
    if (rc == 0 && reader->cut) {
        rc = tds_refuse(error, "a column that ends within its name");
    }
    if (rc == 0) {
        described->name = tds_text(name, size);
        rc = described->name != NULL ? 0 : ENOMEM;
    }
    return rc;
}

/* A text pointer, a time stamp, and then as a parameter has it. */
static int read_long(struct tds_reader *reader, const struct tds_column *column, struct tds_value *value,
                     struct tds_error *error)
{
    uint8_t pointer = tds_u8(reader);
    *value = (struct tds_value){0};
    if (pointer == 0) {
        return 0;
    }
    tds_take(reader, (uint64_t)pointer + POINTER_STAMP_SIZE);
    return tds_value_read_as(reader, &column->declared, value, error);
}

static int read_variant(struct tds_reader *reader, struct tds_value *value, struct tds_error *error)
{
    uint32_t size = tds_u32(reader);
    const uint8_t *at = tds_take(reader, size);
    *value = (struct tds_value){0};
    if (at == NULL) {
        return tds_refuse(error, "a sql_variant of %u bytes, beyond its row", size);
    }
    return size > 0 ? tds_value_of_variant(tds_reader(at, size), value, error) : 0;
}

int tds_column_value(struct tds_reader *reader, const struct tds_column *column, char **text,
                     struct tds_error *error)
{
    struct tds_value value = {0};
    int rc = column->form == TDS_COLUMN_LONG ? read_long(reader, column, &value, error)
             : column->form == TDS_COLUMN_VARIANT
                 ? read_variant(reader, &value, error)
                 : tds_value_read_as(reader, &column->declared, &value, error);
    if (rc != 0) {
        tds_value_free(&value);
        value.text = NULL;
    }
    *text = value.text;
    return rc;
}
