/* trace_write.c - the trace file's writer; see trace.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file holds the numbers as the machine does");
_Static_assert(sizeof(struct trace_prologue) == 32 && sizeof(struct trace_block) == 16 &&
                   sizeof(struct trace_numbers) == 40,
               "the layout of the file");

struct trace_writer {
    FILE *out;
    int error; /* the first */
    uint32_t used;
    uint8_t block[TRACE_BLOCK_MAX];
};

static void write_bytes(struct trace_writer *writer, const void *bytes, size_t size)
{
    errno = 0;
    if (writer->error == 0 && size > 0 && fwrite(bytes, size, 1, writer->out) != 1) {
        writer->error = errno != 0 ? errno : EIO;
    }
}

static void write_block(struct trace_writer *writer, uint32_t kind, const void *bytes, uint32_t length)
{
    struct trace_block block = {.kind = kind, .length = length, .hash = trace_hash(kind, length, bytes)};
    write_bytes(writer, &block, sizeof block);
    write_bytes(writer, bytes, length);
}

static int write_start(struct trace_writer *writer, const struct trace_numbers *numbers,
                       const char *const *strings, size_t string_count)
{
    size_t length = sizeof *numbers;
    for (size_t i = 0; i < string_count && length <= TRACE_START_MAX; i++) {
        length += strlen(strings[i]) + 1;
    }
    length = (length + TRACE_ALIGN - 1) / TRACE_ALIGN * TRACE_ALIGN;
    if (length > TRACE_START_MAX) {
        return E2BIG;
    }
    uint8_t *start = calloc(1, length);
    if (start == NULL) {
        return ENOMEM;
    }
    memcpy(start, numbers, sizeof *numbers);
    size_t at = sizeof *numbers;
    for (size_t i = 0; i < string_count; i++) {
        size_t size = strlen(strings[i]) + 1;
        memcpy(start + at, strings[i], size);
        at += size;
    }
    write_block(writer, TRACE_START, start, (uint32_t)length);
    free(start);
    return writer->error;
}

int trace_write_start(FILE *out, const struct trace_numbers *numbers, const char *const *strings,
                      size_t string_count, struct trace_writer **result)
{
    struct trace_prologue prologue = {.version = TRACE_VERSION,
                                      .byte_order = TRACE_BYTE_ORDER,
                                      .event_size = sizeof(struct event),
                                      .event_version = EVENT_VERSION};
    struct trace_writer *writer = malloc(sizeof *writer);
    *result = NULL;
    if (writer == NULL) {
        return ENOMEM;
    }
    writer->out = out;
    writer->error = 0;
    writer->used = 0;
    memcpy(prologue.magic, TRACE_MAGIC, sizeof prologue.magic);
    write_bytes(writer, &prologue, sizeof prologue);
    int error = write_start(writer, numbers, strings, string_count);
    if (error != 0) {
        free(writer);
        return error;
    }
    *result = writer;
    return 0;
}

static void flush_block(struct trace_writer *writer)
{
    if (writer->used > 0) {
        write_block(writer, TRACE_EVENTS, writer->block, writer->used);
        writer->used = 0;
    }
}

int trace_write_event(struct trace_writer *writer, const struct event *event, const char *text)
{
    size_t length = strnlen(text, EVENT_TEXT_MAX);
    uint32_t records = (uint32_t)((length + TRACE_TEXT_BYTES - 1) / TRACE_TEXT_BYTES);
    uint32_t size = (uint32_t)sizeof *event + records * TRACE_TEXT_BYTES;
    assert(event_defect(event) == NULL);
    if (size > sizeof writer->block - writer->used) {
        flush_block(writer);
    }
    struct event copy = *event;
    copy.text_records = records;
    uint8_t *place = writer->block + writer->used;
    memcpy(place, &copy, sizeof copy);
    memset(place + sizeof copy, 0, size - sizeof copy);
    memcpy(place + sizeof copy, text, length);
    writer->used += size;
    return writer->error;
}

int trace_write_end(struct trace_writer *writer)
{
    flush_block(writer);
    write_block(writer, TRACE_END, "", 0);
    errno = 0;
    if (writer->error == 0 && fflush(writer->out) != 0) {
        writer->error = errno != 0 ? errno : EIO;
    }
    int error = writer->error;
    free(writer);
    return error;
}
