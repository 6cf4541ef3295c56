/* trace_read.c - the trace file's reader; see trace.h. Every number of the file is checked before it is used. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runstate.h"
#include "trace_internal.h"

struct trace_reader {
    FILE *in;
    uint64_t offset; /* of the next byte of the file */
    enum trace_result state;
    struct trace_numbers numbers;
    char *strings; /* "KEY=VALUE", NUL-terminated, one after another */
    size_t strings_length;
    uint64_t events; /* read so far */
    uint64_t last_sequence;
    uint64_t block_offset; /* of the block's first byte after its head */
    uint32_t length;       /* of the block in memory */
    uint32_t at;           /* the next event in it */
    char error[TRACE_ERROR_MAX];
    char text[EVENT_TEXT_MAX + 1];
    _Alignas(struct event) uint8_t block[TRACE_BLOCK_MAX];
};

const char *event_defect(const struct event *event)
{
    bool is_call = event->kind == EVENT_CALL_BEGIN || event->kind == EVENT_CALL_END;
    if (event->kind <= EVENT_TEXT || event->kind >= EVENT_KIND_COUNT) {
        return "kind";
    }
    if (event->function >= VDI_FN_COUNT || (is_call && event->function == VDI_FN_NONE)) {
        return "function";
    }
    if (event->device < -1 || event->device >= RUN_DEVICES_MAX) {
        return "device";
    }
    if (event->operation < -1 || event->operation >= RUN_OPERATIONS_MAX) {
        return "operation";
    }
    if (event->kind == EVENT_FAULT && (event->arg[0] < 0 || event->arg[0] >= PLAN_FAULTS_MAX)) {
        return "fault";
    }
    return NULL;
}

/* Every later read says the same. */
static enum trace_result bad(struct trace_reader *reader, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum trace_result bad(struct trace_reader *reader, uint64_t offset, const char *format, ...)
{
    va_list arguments;
    int used = snprintf(reader->error, sizeof reader->error, "byte %" PRIu64 ": ", offset);
    va_start(arguments, format);
    vsnprintf(reader->error + used, sizeof reader->error - (size_t)used, format, arguments);
    va_end(arguments);
    return reader->state = TRACE_BAD;
}

/* Exactly `size` bytes, or the reader is bad. */
static bool read_bytes(struct trace_reader *reader, void *bytes, size_t size, const char *what)
{
    errno = 0;
    size_t got = fread(bytes, 1, size, reader->in);
    if (got < size && ferror(reader->in)) {
        bad(reader, reader->offset + got, "cannot read %s: %s", what, strerror(errno != 0 ? errno : EIO));
    } else if (got < size) {
        bad(reader, reader->offset + got, "the file ends here; expected %zu more bytes of %s", size - got,
            what);
    }
    reader->offset += got;
    return got == size;
}

bool trace_recognize(FILE *in)
{
    char magic[sizeof TRACE_MAGIC - 1];
    return fread(magic, sizeof magic, 1, in) == 1 && memcmp(magic, TRACE_MAGIC, sizeof magic) == 0;
}

static bool read_prologue(struct trace_reader *reader)
{
    struct trace_prologue prologue;
    if (!read_bytes(reader, &prologue, sizeof prologue, "the prologue")) {
        return false;
    }
    const struct {
        uint64_t offset;
        const char *what;
        uint32_t found, expected;
    } checks[] = {
        {offsetof(struct trace_prologue, byte_order), "byte order", prologue.byte_order, TRACE_BYTE_ORDER},
        {offsetof(struct trace_prologue, version), "version of the file", prologue.version, TRACE_VERSION},
        {offsetof(struct trace_prologue, event_size), "size of an event", prologue.event_size,
         sizeof(struct event)},
        {offsetof(struct trace_prologue, event_version), "version of an event", prologue.event_version,
         EVENT_VERSION},
    };
    if (memcmp(prologue.magic, TRACE_MAGIC, sizeof prologue.magic) != 0) {
        bad(reader, 0, "no trace file: expected it to begin with %s", TRACE_MAGIC);
        return false;
    }
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].found != checks[i].expected) {
            bad(reader, checks[i].offset, "%s: expected 0x%" PRIx32 ", found 0x%" PRIx32, checks[i].what,
                checks[i].expected, checks[i].found);
            return false;
        }
    }
    return true;
}

/* The head of a block; its bytes come next. */
static bool read_head(struct trace_reader *reader, struct trace_block *block)
{
    static const uint32_t most[] = {
        [TRACE_START] = TRACE_START_MAX, [TRACE_EVENTS] = TRACE_BLOCK_MAX, [TRACE_END] = 0};
    uint64_t offset = reader->offset;
    if (!read_bytes(reader, block, sizeof *block, "the head of a block")) {
        return false;
    }
    if (block->kind < TRACE_START || block->kind > TRACE_END) {
        bad(reader, offset, "expected the kind of a block, %d to %d, found %" PRIu32, TRACE_START, TRACE_END,
            block->kind);
        return false;
    }
    if (block->length > most[block->kind] || block->length % TRACE_ALIGN != 0) {
        bad(reader, offset + offsetof(struct trace_block, length),
            "expected the length of a block, at most %" PRIu32 " and a multiple of %d, found %" PRIu32,
            most[block->kind], TRACE_ALIGN, block->length);
        return false;
    }
    return true;
}

static bool read_body(struct trace_reader *reader, const struct trace_block *block, void *bytes)
{
    uint64_t offset = reader->offset;
    if (!read_bytes(reader, bytes, block->length, "a block")) {
        return false;
    }
    uint64_t hash = trace_hash(block->kind, block->length, bytes);
    if (hash != block->hash) {
        bad(reader, offset,
            "damaged: expected bytes to byte %" PRIu64 " with hash %016" PRIx64 ", found %016" PRIx64,
            reader->offset, block->hash, hash);
        return false;
    }
    return true;
}

static bool read_start(struct trace_reader *reader)
{
    struct trace_block block;
    uint64_t offset = reader->offset;
    if (!read_head(reader, &block)) {
        return false;
    }
    if (block.kind != TRACE_START || block.length < sizeof reader->numbers) {
        bad(reader, offset,
            "expected a START block (kind %d) of at least %zu bytes, found kind %" PRIu32 " with %" PRIu32,
            TRACE_START, sizeof reader->numbers, block.kind, block.length);
        return false;
    }
    reader->strings = malloc(block.length + 1u);
    if (reader->strings == NULL) {
        bad(reader, offset, "no memory for the START block of %" PRIu32 " bytes", block.length);
        return false;
    }
    if (!read_body(reader, &block, reader->strings)) {
        return false;
    }
    memcpy(&reader->numbers, reader->strings, sizeof reader->numbers);
    reader->strings_length = block.length - sizeof reader->numbers;
    memmove(reader->strings, reader->strings + sizeof reader->numbers, reader->strings_length);
    reader->strings[reader->strings_length] = '\0';
    return true;
}

int trace_read_start(FILE *in, struct trace_reader **result)
{
    struct trace_reader *reader = calloc(1, sizeof *reader);
    *result = reader;
    if (reader == NULL) {
        return ENOMEM;
    }
    reader->in = in;
    return read_prologue(reader) && read_start(reader) ? 0 : EINVAL;
}

const struct trace_numbers *trace_numbers(const struct trace_reader *reader)
{
    return &reader->numbers;
}

const char *trace_string(const struct trace_reader *reader, const char *key, size_t index)
{
    size_t length = strlen(key);
    for (size_t at = 0; at < reader->strings_length;) {
        const char *string = reader->strings + at;
        if (strncmp(string, key, length) == 0 && string[length] == '=' && index-- == 0) {
            return string + length + 1;
        }
        at += strlen(string) + 1;
    }
    return NULL;
}

/* What follows the last block is no trace of ours. */
static enum trace_result read_end(struct trace_reader *reader, uint64_t offset)
{
    if (reader->events != reader->numbers.events) {
        return bad(reader, offset, "expected %" PRIu64 " events before the end, found %" PRIu64,
                   reader->numbers.events, reader->events);
    }
    if (fgetc(reader->in) != EOF) {
        return bad(reader, reader->offset, "expected the end of the file");
    }
    return reader->state = TRACE_DONE;
}

/* The next block with events; the reader is good as long as it says TRACE_EVENT. */
static enum trace_result read_block(struct trace_reader *reader)
{
    struct trace_block block;
    uint64_t offset = reader->offset;
    if (!read_head(reader, &block)) {
        return TRACE_BAD;
    }
    reader->block_offset = reader->offset;
    if (!read_body(reader, &block, reader->block)) {
        return TRACE_BAD;
    }
    reader->at = 0;
    reader->length = block.length;
    if (block.kind == TRACE_END) {
        return read_end(reader, offset);
    }
    if (block.kind != TRACE_EVENTS || block.length == 0) {
        return bad(reader, offset,
                   "expected a block of events (kind %d) or the end (kind %d), found kind %" PRIu32
                   " with %" PRIu32 " bytes",
                   TRACE_EVENTS, TRACE_END, block.kind, block.length);
    }
    return TRACE_EVENT;
}

/* The event at `at`, checked; its text. */
static enum trace_result take_event(struct trace_reader *reader, struct event *event)
{
    uint64_t offset = reader->block_offset + reader->at;
    uint32_t left = reader->length - reader->at;
    if (left < sizeof *event) {
        return bad(reader, offset, "expected an event of %zu bytes, found %" PRIu32 " in its block",
                   sizeof *event, left);
    }
    memcpy(event, reader->block + reader->at, sizeof *event);
    left -= (uint32_t)sizeof *event;
    const char *defect = event_defect(event);
    if (defect != NULL) {
        return bad(reader, offset, "event %" PRIu64 ": its %s lies outside the table of those there are",
                   event->sequence, defect);
    }
    if (event->text_records > TRACE_TEXT_RECORDS_MAX || event->text_records * TRACE_TEXT_BYTES > left) {
        return bad(reader, offset + offsetof(struct event, text_records),
                   "event %" PRIu64 ": expected at most %" PRIu32 " bytes of text, found %" PRIu64,
                   event->sequence, left, (uint64_t)event->text_records * TRACE_TEXT_BYTES);
    }
    if (event->sequence < reader->last_sequence) {
        return bad(reader, offset, "event %" PRIu64 ": expected none before event %" PRIu64, event->sequence,
                   reader->last_sequence);
    }
    uint32_t length = event->text_records * TRACE_TEXT_BYTES;
    memcpy(reader->text, reader->block + reader->at + sizeof *event, length);
    reader->text[length] = '\0';
    reader->at += (uint32_t)sizeof *event + length;
    reader->last_sequence = event->sequence;
    reader->events++;
    return TRACE_EVENT;
}

enum trace_result trace_read_event(struct trace_reader *reader, struct event *event, const char **text)
{
    enum trace_result result = reader->state;
    *text = reader->text;
    if (result == TRACE_EVENT && reader->at == reader->length) {
        result = read_block(reader);
    }
    return result == TRACE_EVENT ? take_event(reader, event) : result;
}

const char *trace_error(const struct trace_reader *reader)
{
    return reader->error;
}

void trace_read_end(struct trace_reader *reader)
{
    if (reader != NULL) {
        free(reader->strings);
        free(reader);
    }
}
