/* tokens.c - see tokens.h. */
#include "tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tds_version.h"
#include "token_numbers.h"
#include "value_text.h"

enum {
    TYPE_INT = 0x26,
    INTERFACE_TSQL = 1,
    SEVERITY_INFORMATION = 10,
    NAME_MOST = 255,  /* characters of a B_VARCHAR */
    TEXT_MOST = 2048, /* of a message: what SQL Server's own have at most */
    COLUMN_TEXT_MOST = 4000,
    COLUMN_BYTES_MOST = 8000,
    PIECES = 0xffff, /* a length that means PLP */
    FLAG_NULLABLE = 0x01,
    DATETIME_SIZE = 8,
    GUID_SIZE = 16,
    MAGNITUDE_SIZE = 16,
};

static const uint8_t collation[] = {0x09, 0x04, 0xd0, 0x00, 0x34}; /* SQL_Latin1_General_CP1_CI_AS */

static const uint8_t transaction[] = {8, 1, 0, 0, 0, 0, 0, 0, 0}, nothing[] = {0}; /* behind their lengths */

/* ---- parts ---- */

/* Text behind its length in characters, of `size` bytes. */
static void put_counted(struct tds_tokens *tokens, const char *text, uint32_t size, size_t most)
{
    struct tds_buffer wide = {0};
    size_t units = tds_put_text(&wide, text, most);
    tokens->out->failed |= wide.failed;
    tds_put_uint(tokens->out, units, size);
    tds_put(tokens->out, wide.bytes, wide.length);
    tds_buffer_free(&wide);
}

static void put_name(struct tds_tokens *tokens, const char *text)
{
    put_counted(tokens, text, 1, NAME_MOST);
}

/* A token that begins with its length: 0 where that comes, until end_length. */
static size_t begin_length(struct tds_tokens *tokens, uint8_t token)
{
    tds_put_u8(tokens->out, token);
    tds_put_u16(tokens->out, 0);
    return tokens->out->length;
}

static void end_length(struct tds_tokens *tokens, size_t begin)
{
    if (!tokens->out->failed) {
        size_t length = tokens->out->length - begin;
        tokens->out->bytes[begin - 2] = (uint8_t)length;
        tokens->out->bytes[begin - 1] = (uint8_t)(length >> 8);
    }
}

static void put_user_type(struct tds_tokens *tokens)
{
    tds_put_uint(tokens->out, 0, tokens->version >= TDS_VERSION_72 ? 4 : 2);
}

/* ---- the login ---- */

void tds_put_loginack(struct tds_tokens *tokens)
{
    /* TDSVersion goes the other way round here, and 7.1 by another name. */
    uint32_t version = tokens->version == TDS_VERSION_71 ? UINT32_C(0x71000001) : tokens->version;
    size_t begin = begin_length(tokens, TOKEN_LOGINACK);
    tds_put_u8(tokens->out, INTERFACE_TSQL);
    tds_put_u32_be(tokens->out, version);
    put_name(tokens, "Microsoft SQL Server");
    tds_put_u8(tokens->out, TDS_SERVER_MAJOR);
    tds_put_u8(tokens->out, TDS_SERVER_MINOR);
    tds_put_u16_be(tokens->out, TDS_SERVER_BUILD);
    end_length(tokens, begin);
}

void tds_put_environment(struct tds_tokens *tokens, enum tds_environment kind, const char *now,
                         const char *before)
{
    size_t begin = begin_length(tokens, TOKEN_ENVIRONMENT);
    tds_put_u8(tokens->out, (uint8_t)kind);
    if (kind == TDS_ENVIRONMENT_COLLATION) {
        tds_put_u8(tokens->out, sizeof collation);
        tds_put(tokens->out, collation, sizeof collation);
        tds_put_u8(tokens->out, 0);
    } else if (kind == TDS_ENVIRONMENT_RESET) {
        tds_put_u16(tokens->out, 0);
    } else if (kind >= TDS_ENVIRONMENT_BEGIN && kind <= TDS_ENVIRONMENT_ROLLBACK) {
        bool begins = kind == TDS_ENVIRONMENT_BEGIN;
        tds_put(tokens->out, begins ? transaction : nothing, begins ? sizeof transaction : 1);
        tds_put(tokens->out, begins ? nothing : transaction, begins ? 1 : sizeof transaction);
    } else {
        put_name(tokens, now);
        put_name(tokens, before);
    }
    end_length(tokens, begin);
}

void tds_put_features(struct tds_tokens *tokens, const struct tds_feature *features, uint32_t count)
{
    tds_put_u8(tokens->out, TOKEN_FEATURES);
    for (uint32_t i = 0; i < count; i++) {
        tds_put_u8(tokens->out, features[i].id);
        tds_put_u32(tokens->out, features[i].length);
        tds_put(tokens->out, features[i].data, features[i].length);
    }
    tds_put_u8(tokens->out, FEATURES_END);
}

/* ---- messages ---- */

void tds_put_message(struct tds_tokens *tokens, const struct sql_message *message, const char *procedure,
                     uint32_t line)
{
    bool information = message->severity <= SEVERITY_INFORMATION;
    size_t begin = begin_length(tokens, information ? TOKEN_INFO : TOKEN_ERROR);
    tds_put_u32(tokens->out, (uint32_t)message->number);
    tds_put_u8(tokens->out, message->state > 0 ? (uint8_t)message->state : 0);
    tds_put_u8(tokens->out, (uint8_t)message->severity);
    put_counted(tokens, message->text, 2, TEXT_MOST);
    put_name(tokens, tokens->server);
    put_name(tokens, procedure);
    tds_put_uint(tokens->out, line, tokens->version >= TDS_VERSION_72 ? 4 : 2);
    end_length(tokens, begin);
}

/* ---- result sets ---- */

static void put_int(struct tds_tokens *tokens, const struct results_column *column, const char *text);
static void put_numeric(struct tds_tokens *tokens, const struct results_column *column, const char *text);
static void put_nvarchar(struct tds_tokens *tokens, const struct results_column *column, const char *text);
static void put_varbinary(struct tds_tokens *tokens, const struct results_column *column, const char *text);
static void put_datetime(struct tds_tokens *tokens, const struct results_column *column, const char *text);
static void put_guid(struct tds_tokens *tokens, const struct results_column *column, const char *text);

/* Each type as the wire has it; put: a value, or NULL where `text` is NULL or no such value. */
static const struct wire_type {
    uint8_t code;
    uint8_t size; /* 0: by the column */
    void (*put)(struct tds_tokens *tokens, const struct results_column *column, const char *text);
} wire_types[RESULTS_TYPE_COUNT] = {
    [RESULTS_BIT] = {0x68, 1, put_int},
    [RESULTS_TINYINT] = {TYPE_INT, 1, put_int},
    [RESULTS_SMALLINT] = {TYPE_INT, 2, put_int},
    [RESULTS_INT] = {TYPE_INT, 4, put_int},
    [RESULTS_BIGINT] = {TYPE_INT, 8, put_int},
    [RESULTS_NUMERIC] = {0x6c, 1 + MAGNITUDE_SIZE, put_numeric},
    [RESULTS_NVARCHAR] = {0xe7, 0, put_nvarchar},
    [RESULTS_VARBINARY] = {0xa5, 0, put_varbinary},
    [RESULTS_DATETIME] = {0x6f, DATETIME_SIZE, put_datetime},
    [RESULTS_UNIQUEIDENTIFIER] = {0x24, GUID_SIZE, put_guid},
};

/* Bytes of the column's type, or PIECES, which are of 7.2. */
static uint32_t bytes_of(const struct tds_tokens *tokens, const struct results_column *column)
{
    bool text = column->type == RESULTS_NVARCHAR;
    uint32_t most = text ? COLUMN_TEXT_MOST : COLUMN_BYTES_MOST;
    uint32_t bytes =
        (column->length == 0 || column->length > most ? most : column->length) * (text ? 2u : 1u);
    return (column->length == 0 || column->length > most) && tokens->version >= TDS_VERSION_72 ? PIECES
                                                                                               : bytes;
}

static void put_type(struct tds_tokens *tokens, const struct results_column *column)
{
    const struct wire_type *type = &wire_types[column->type];
    tds_put_u8(tokens->out, type->code);
    if (type->size > 0) {
        tds_put_u8(tokens->out, type->size);
    } else {
        tds_put_u16(tokens->out, (uint16_t)bytes_of(tokens, column));
    }
    if (column->type == RESULTS_NUMERIC) {
        tds_put_u8(tokens->out, column->precision);
        tds_put_u8(tokens->out, column->scale);
    } else if (column->type == RESULTS_NVARCHAR) {
        tds_put(tokens->out, collation, sizeof collation);
    }
}

void tds_put_columns(struct tds_tokens *tokens, const struct results_column *columns, uint32_t count)
{
    tds_put_u8(tokens->out, TOKEN_COLUMNS);
    tds_put_u16(tokens->out, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) {
        put_user_type(tokens);
        tds_put_u16(tokens->out, FLAG_NULLABLE);
        put_type(tokens, &columns[i]);
        put_name(tokens, columns[i].name);
    }
}

static void put_int(struct tds_tokens *tokens, const struct results_column *column, const char *text)
{
    uint8_t size = wire_types[column->type].size;
    char *end = NULL;
    int64_t value = text != NULL ? strtoll(text, &end, 10) : 0;
    bool valid = text != NULL && end != text && *end == '\0';
    tds_put_u8(tokens->out, valid ? size : 0);
    tds_put_uint(tokens->out, (uint64_t)value, valid ? size : 0);
}

static void put_numeric(struct tds_tokens *tokens, const struct results_column *column, const char *text)
{
    uint8_t magnitude[MAGNITUDE_SIZE];
    bool negative;
    bool valid = text != NULL && tds_decimal_from_text(text, column->scale, &negative, magnitude);
    tds_put_u8(tokens->out, valid ? 1 + MAGNITUDE_SIZE : 0);
    if (valid) {
        tds_put_u8(tokens->out, negative ? 0 : 1);
        tds_put(tokens->out, magnitude, sizeof magnitude);
    }
}

/* Bytes, as a column of that length has them. */
static void put_bytes(struct tds_tokens *tokens, const struct results_column *column,
                      const struct tds_buffer *value)
{
    uint32_t most = bytes_of(tokens, column);
    tokens->out->failed |= value->failed;
    if (most == PIECES) {
        tds_put_u64(tokens->out, value->length);
        if (value->length > 0) {
            tds_put_u32(tokens->out, (uint32_t)value->length);
            tds_put(tokens->out, value->bytes, value->length);
        }
        tds_put_u32(tokens->out, 0);
    } else {
        tds_put_u16(tokens->out, (uint16_t)(value->length < most ? value->length : most));
        tds_put(tokens->out, value->bytes, value->length < most ? value->length : most);
    }
}

static void put_null(struct tds_tokens *tokens, const struct results_column *column)
{
    tds_put_uint(tokens->out, UINT64_MAX, bytes_of(tokens, column) == PIECES ? 8 : 2);
}

static void put_nvarchar(struct tds_tokens *tokens, const struct results_column *column, const char *text)
{
    struct tds_buffer value = {0};
    if (text == NULL) {
        put_null(tokens, column);
        return;
    }
    uint32_t bytes = bytes_of(tokens, column);
    tds_put_text(&value, text, bytes == PIECES ? SIZE_MAX : bytes / 2);
    put_bytes(tokens, column, &value);
    tds_buffer_free(&value);
}

static void put_varbinary(struct tds_tokens *tokens, const struct results_column *column, const char *text)
{
    struct tds_buffer value = {0};
    unsigned byte;
    if (text == NULL || strncmp(text, "0x", 2) != 0) {
        put_null(tokens, column);
        return;
    }
    for (text += 2; sscanf(text, "%2x", &byte) == 1 && text[1] != '\0'; text += 2) {
        tds_put_u8(&value, (uint8_t)byte);
    }
    put_bytes(tokens, column, &value);
    tds_buffer_free(&value);
}

static void put_datetime(struct tds_tokens *tokens, const struct results_column *column, const char *text)
{
    (void)column;
    int32_t days;
    uint32_t ticks;
    bool valid = text != NULL && tds_datetime_from_text(text, &days, &ticks);
    tds_put_u8(tokens->out, valid ? DATETIME_SIZE : 0);
    if (valid) {
        tds_put_u32(tokens->out, (uint32_t)days);
        tds_put_u32(tokens->out, ticks);
    }
}

static void put_guid(struct tds_tokens *tokens, const struct results_column *column, const char *text)
{
    (void)column;
    uint8_t guid[GUID_SIZE];
    bool valid = text != NULL && tds_guid_from_text(text, guid);
    tds_put_u8(tokens->out, valid ? GUID_SIZE : 0);
    tds_put(tokens->out, guid, valid ? GUID_SIZE : 0);
}

/* Where a version has it and a value is NULL, as a real server: a bit for each column, and no value for a NULL. */
static bool put_null_bits(struct tds_tokens *tokens, const char *const *values, uint32_t count)
{
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        any = any || values[i] == NULL;
    }
    if (!any || tokens->version < TDS_VERSION_73B) {
        return false;
    }
    tds_put_u8(tokens->out, TOKEN_ROW_WITH_NULLS);
    for (uint32_t i = 0; i < count; i += 8) {
        uint8_t bits = 0;
        for (uint32_t bit = 0; bit < 8 && i + bit < count; bit++) {
            bits |= (uint8_t)((values[i + bit] == NULL) << bit);
        }
        tds_put_u8(tokens->out, bits);
    }
    return true;
}

void tds_put_row(struct tds_tokens *tokens, const struct results_column *columns, const char *const *values,
                 uint32_t count)
{
    bool without_nulls = put_null_bits(tokens, values, count);
    if (!without_nulls) {
        tds_put_u8(tokens->out, TOKEN_ROW);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] != NULL || !without_nulls) {
            wire_types[columns[i].type].put(tokens, &columns[i], values[i]);
        }
    }
}

/* ---- ends ---- */

void tds_put_done(struct tds_tokens *tokens, enum tds_done kind, uint16_t status, uint16_t command,
                  uint64_t rows)
{
    tds_put_u8(tokens->out, (uint8_t)kind);
    tds_put_u16(tokens->out, status);
    tds_put_u16(tokens->out, command);
    tds_put_uint(tokens->out, rows, tokens->version >= TDS_VERSION_72 ? 8 : 4);
}

void tds_put_return_status(struct tds_tokens *tokens, int32_t status)
{
    tds_put_u8(tokens->out, TOKEN_RETURN_STATUS);
    tds_put_u32(tokens->out, (uint32_t)status);
}

void tds_put_return_value(struct tds_tokens *tokens, uint16_t ordinal, const struct results_column *parameter,
                          const char *value)
{
    tds_put_u8(tokens->out, TOKEN_RETURN_VALUE);
    tds_put_u16(tokens->out, ordinal);
    put_name(tokens, parameter->name);
    tds_put_u8(tokens->out, 1); /* of a parameter that was declared OUTPUT */
    put_user_type(tokens);
    tds_put_u16(tokens->out, 0);
    put_type(tokens, parameter);
    wire_types[parameter->type].put(tokens, parameter, value);
}
