/* bytes.c - see bytes.h. */
#include "bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_FIRST = 256,
    REPLACEMENT = 0xfffd,
};

int tds_refuse(struct tds_error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return EPROTO;
}

/* ---- reading ---- */

struct tds_reader tds_reader(const void *bytes, size_t size)
{
    return (struct tds_reader){.at = bytes, .end = size == 0 ? bytes : (const uint8_t *)bytes + size};
}

size_t tds_left(const struct tds_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

const uint8_t *tds_take(struct tds_reader *reader, uint64_t size)
{
    const uint8_t *bytes = reader->at;
    if (reader->cut || size > tds_left(reader)) {
        reader->cut = true;
        return NULL;
    }
    if (size > 0) {
        reader->at += size;
    }
    return bytes;
}

uint64_t tds_uint(struct tds_reader *reader, uint32_t size)
{
    const uint8_t *bytes = tds_take(reader, size);
    uint64_t value = 0;
    for (uint32_t i = 0; bytes != NULL && i < size; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

uint8_t tds_u8(struct tds_reader *reader)
{
    return (uint8_t)tds_uint(reader, 1);
}

uint16_t tds_u16(struct tds_reader *reader)
{
    return (uint16_t)tds_uint(reader, 2);
}

uint32_t tds_u32(struct tds_reader *reader)
{
    return (uint32_t)tds_uint(reader, 4);
}

uint64_t tds_u64(struct tds_reader *reader)
{
    return tds_uint(reader, 8);
}

uint16_t tds_u16_be(struct tds_reader *reader)
{
    return __builtin_bswap16(tds_u16(reader));
}

uint32_t tds_u32_be(struct tds_reader *reader)
{
    return __builtin_bswap32(tds_u32(reader));
}

/* ---- writing ---- */

static bool reserve(struct tds_buffer *buffer, size_t size)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : BUFFER_FIRST;
    if (buffer->failed || size > SIZE_MAX / 4 || buffer->length > SIZE_MAX / 4) {
        buffer->failed = true;
        return false;
    }
    while (capacity < buffer->length + size) {
        capacity *= 2;
    }
    if (capacity != buffer->capacity) {
        uint8_t *bytes = realloc(buffer->bytes, capacity);
        if (bytes == NULL) {
            buffer->failed = true;
            return false;
        }
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    return true;
}

void tds_put(struct tds_buffer *buffer, const void *bytes, size_t size)
{
    if (size > 0 && reserve(buffer, size)) {
        memcpy(buffer->bytes + buffer->length, bytes, size);
        buffer->length += size;
    }
}

void tds_put_uint(struct tds_buffer *buffer, uint64_t value, uint32_t size)
{
    uint8_t bytes[8];
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    tds_put(buffer, bytes, size);
}

void tds_put_u8(struct tds_buffer *buffer, uint8_t value)
{
    tds_put(buffer, &value, 1);
}

void tds_put_u16(struct tds_buffer *buffer, uint16_t value)
{
    tds_put_uint(buffer, value, 2);
}

void tds_put_u32(struct tds_buffer *buffer, uint32_t value)
{
    tds_put_uint(buffer, value, 4);
}

void tds_put_u64(struct tds_buffer *buffer, uint64_t value)
{
    tds_put_uint(buffer, value, 8);
}

void tds_put_u16_be(struct tds_buffer *buffer, uint16_t value)
{
    tds_put_u16(buffer, __builtin_bswap16(value));
}

void tds_put_u32_be(struct tds_buffer *buffer, uint32_t value)
{
    tds_put_u32(buffer, __builtin_bswap32(value));
}

void tds_put_string(struct tds_buffer *buffer, const char *text)
{
    tds_put(buffer, text, strlen(text));
}

void tds_drop(struct tds_buffer *buffer, size_t size)
{
    buffer->length -= size;
    if (size > 0 && buffer->length > 0) {
        memmove(buffer->bytes, buffer->bytes + size, buffer->length);
    }
}

void tds_buffer_free(struct tds_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct tds_buffer){0};
}

/* ---- text ---- */

static char *put_utf8(char *at, uint32_t code)
{
    if (code < 0x80) {
        *at++ = (char)code;
        return at;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t marks[] = {0, 0xc0, 0xe0, 0xf0};
    *at++ = (char)(marks[more] | code >> (6 * more));
    while (more-- > 0) {
        *at++ = (char)(0x80 | (code >> (6 * more) & 0x3f));
    }
    return at;
}

char *tds_text(const uint8_t *bytes, size_t size)
{
    struct tds_reader reader = tds_reader(bytes, size - size % 2);
    char *text = malloc(size / 2 * 3 + 1); /* a unit is at most three bytes, a pair of them four */
    char *at = text;
    while (text != NULL && tds_left(&reader) > 0) {
        uint32_t code = tds_u16(&reader);
        struct tds_reader ahead = reader;
        uint32_t low = tds_u16(&ahead);
        if (code >= 0xd800 && code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            reader = ahead;
        } else if (code == 0 || (code >= 0xd800 && code < 0xe000)) {
            code = REPLACEMENT;
        }
        at = put_utf8(at, code);
    }
    if (text != NULL) {
        *at = '\0';
    }
    return text;
}

size_t tds_character(const uint8_t *at, size_t left, uint32_t *code)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    size_t more = at[0] < 0x80 ? 0 : at[0] >= 0xf0 ? 3 : at[0] >= 0xe0 ? 2 : 1;
    *code = more == 0 ? at[0] : at[0] & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++) {
        if (i >= left || (at[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (at[i] & 0x3f);
    }
    bool is_one = *code >= least[more] && *code <= 0x10ffff && (*code < 0xd800 || *code >= 0xe000) &&
                  (at[0] < 0x80 || at[0] >= 0xc0) && at[0] < 0xf8;
    return is_one ? more + 1 : 0;
}

/* The character at *text, which moves past it; what is no UTF-8 is taken byte by byte. */
static uint32_t next_character(const char **text)
{
    uint32_t code;
    size_t size =
        tds_character((const uint8_t *)*text, SIZE_MAX, &code); /* the text's end is no part of one */
    *text += size > 0 ? size : 1;
    return size > 0 ? code : REPLACEMENT;
}

size_t tds_put_text(struct tds_buffer *buffer, const char *text, size_t most)
{
    size_t units = 0;
    while (*text != '\0') {
        uint32_t code = next_character(&text);
        size_t own = code >= 0x10000 ? 2 : 1;
        if (own > most - units) {
            break;
        }
        if (own == 2) {
            tds_put_u16(buffer, (uint16_t)(0xd800 + ((code - 0x10000) >> 10)));
            tds_put_u16(buffer, (uint16_t)(0xdc00 + ((code - 0x10000) & 0x3ff)));
        } else {
            tds_put_u16(buffer, (uint16_t)code);
        }
        units += own;
    }
    return units;
}
