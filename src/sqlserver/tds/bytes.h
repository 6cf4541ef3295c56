/* bytes.h - TDS as bytes: reading what a peer sent, writing what it is sent, and text in both directions.
 *
 * Responsible for: bounds. A reader never reads past its end: what is not there reads as zero, and `cut` stays set, so
 * that a decoder reads a whole structure and looks once. A buffer grows as it is written to; without memory `failed`
 * stays set, and what was written is lost.
 * Text on the wire is UTF-16LE, in the server UTF-8. What is no UTF-16, and U+0000, which ends a C string, become U+FFFD.
 *
 * Ownership: a reader borrows its bytes; a buffer owns its own until tds_buffer_free. Any thread, one at a time.
 */
#ifndef VDIFAULT_TDS_BYTES_H
#define VDIFAULT_TDS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with a peer's bytes, as one line for a person. */
struct tds_error {
    char text[200];
};
/* Fills it, and is EPROTO. */
int tds_refuse(struct tds_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct tds_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool cut; /* more was asked for than there is */
};

struct tds_reader tds_reader(const void *bytes, size_t size);
size_t tds_left(const struct tds_reader *reader);
const uint8_t *tds_take(struct tds_reader *reader, uint64_t size); /* NULL: cut */
uint8_t tds_u8(struct tds_reader *reader);
uint16_t tds_u16(struct tds_reader *reader); /* little-endian, as most of TDS */
uint32_t tds_u32(struct tds_reader *reader);
uint64_t tds_u64(struct tds_reader *reader);
uint64_t tds_uint(struct tds_reader *reader, uint32_t size); /* of 1 to 8 bytes */
uint16_t tds_u16_be(struct tds_reader *reader);
uint32_t tds_u32_be(struct tds_reader *reader);

struct tds_buffer {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    bool failed;
};

void tds_put(struct tds_buffer *buffer, const void *bytes, size_t size);
void tds_put_uint(struct tds_buffer *buffer, uint64_t value, uint32_t size); /* little-endian */
void tds_put_u8(struct tds_buffer *buffer, uint8_t value);
void tds_put_u16(struct tds_buffer *buffer, uint16_t value);
void tds_put_u32(struct tds_buffer *buffer, uint32_t value);
void tds_put_u64(struct tds_buffer *buffer, uint64_t value);
void tds_put_u16_be(struct tds_buffer *buffer, uint16_t value);
void tds_put_u32_be(struct tds_buffer *buffer, uint32_t value);
void tds_put_string(struct tds_buffer *buffer, const char *text); /* its bytes, without the 0 */
void tds_drop(struct tds_buffer *buffer, size_t size);            /* its first bytes */
void tds_buffer_free(struct tds_buffer *buffer);                  /* leaves an empty one */

/* Bytes of the character of UTF-8 that is at `at`, where at least one byte is left, and which one it is; 0: none. */
size_t tds_character(const uint8_t *at, size_t left, uint32_t *code);
/* UTF-16LE as UTF-8, malloc'd and ended by 0: NULL without memory. An odd last byte is ignored. */
char *tds_text(const uint8_t *bytes, size_t size);
/* UTF-8 as UTF-16LE, of at most `most` units; the number of units written. */
size_t tds_put_text(struct tds_buffer *buffer, const char *text, size_t most);

#endif
