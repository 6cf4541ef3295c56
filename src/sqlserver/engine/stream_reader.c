/* stream_reader.c - taking a stream apart and checking it; see stream.h. */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "catalog.h"
#include "stream.h"
#include "stream_format.h"

const char *const stream_fault_texts[STREAM_FAULT_COUNT] = {
    [STREAM_OK] = "no fault",
    [STREAM_BAD_HEADER] = "the media header is damaged or not one of this server",
    [STREAM_BAD_EXTENT] = "damaged extent header",
    [STREAM_MISPLACED] = "a block of another backup set, device or place",
    [STREAM_BAD_PAYLOAD] = "the data differs from what was backed up",
    [STREAM_BAD_PADDING] = "bytes between extents differ from what was backed up",
    [STREAM_BAD_MARK] = "no filemark where one was written",
    [STREAM_BAD_TRAILER] = "the trailer contradicts the data before it",
    [STREAM_EXCESS] = "bytes follow the end of the backup",
    [STREAM_REFUSED] = "the data was not accepted",
};

void stream_reader_init(struct stream_reader *reader)
{
    memset(reader, 0, sizeof *reader);
    XXH64_reset(&reader->digest, 0);
}

static enum stream_fault fail(struct stream_reader *reader, enum stream_fault fault, uint64_t offset,
                              uint64_t length)
{
    reader->fault = fault;
    reader->fault_offset = offset;
    reader->fault_length = length;
    return fault;
}

static enum stream_fault fail_structure(struct stream_reader *reader, enum stream_fault fault)
{
    return fail(reader, fault, reader->offset - STREAM_BLOCK, STREAM_BLOCK);
}

static bool is_sound(const uint8_t *block, const char *magic)
{
    uint64_t hash;
    memcpy(&hash, block + STREAM_HASHED, sizeof hash);
    return memcmp(block, magic, 8) == 0 && le64toh(hash) == XXH64(block, STREAM_HASHED, 0);
}

static bool has_sane_content(const struct stream_header *h)
{
    if (h->snapshot) {
        return h->kind == STREAM_DATABASE && h->content_bytes == 0;
    }
    return h->kind == STREAM_DIFFERENTIAL ? h->content_bytes <= h->database_size
                                          : h->content_bytes == h->database_size;
}

static bool is_sane_end(const struct stream_header *h, uint32_t bytes)
{
    return bytes % h->block_size == 0 && bytes <= h->max_transfer;
}

/* What a checksum cannot promise: it may have been computed over nonsense, and we divide and index by these.
 */
static bool is_sane(const struct stream_header *h)
{
    return h->device_count >= 1 && h->device_count <= STREAM_DEVICES_MAX && h->device < h->device_count &&
           h->kind >= STREAM_DATABASE && h->kind <= STREAM_DIFFERENTIAL && h->block_size >= STREAM_BLOCK &&
           h->block_size <= 65536 && (h->block_size & (h->block_size - 1)) == 0 &&
           h->max_transfer > STREAM_BLOCK && h->max_transfer <= STREAM_TRANSFER_MAX &&
           h->max_transfer % h->block_size == 0 && h->database_size <= INT64_MAX &&
           h->stream_bytes >= 2 * (uint64_t)h->block_size && h->stream_bytes % h->block_size == 0 &&
           h->stream_bytes <= INT64_MAX && h->soft_mark <= STREAM_TRANSFER_MAX &&
           h->soft_mark % h->block_size == 0 && h->first_lsn <= h->last_lsn && h->base_lsn <= h->last_lsn &&
           h->last_lsn <= CATALOG_LSN_MAX && has_sane_content(h) && is_sane_end(h, h->header_bytes) &&
           is_sane_end(h, h->trailer_bytes);
}

/* After a header or a trailer. */
static void enter_end_padding(struct stream_reader *reader, uint32_t bytes)
{
    reader->state = STREAM_IN_PADDING;
    reader->taken = 0;
    reader->padding = (bytes != 0 ? bytes : reader->header.block_size) - STREAM_BLOCK;
}

static void enter_padding(struct stream_reader *reader, uint32_t used)
{
    reader->state = STREAM_IN_PADDING;
    reader->taken = 0;
    reader->padding = stream_padded(used, reader->header.block_size) - used;
}

static enum stream_fault end_header(struct stream_reader *reader)
{
    struct header_block raw;
    memcpy(&raw, reader->block, sizeof raw);
    uint32_t version = le32toh(raw.version);
    if (!is_sound(reader->block, STREAM_MAGIC_HEADER) ||
        (version != STREAM_VERSION && version != STREAM_VERSION_OLD)) {
        return fail_structure(reader, STREAM_BAD_HEADER);
    }
    struct stream_header *h = &reader->header;
    *h = (struct stream_header){
        .set_id = le64toh(raw.set_id),
        .device = le32toh(raw.device),
        .device_count = le32toh(raw.device_count),
        .kind = le32toh(raw.kind),
        .block_size = le32toh(raw.block_size),
        .max_transfer = le32toh(raw.max_transfer),
        .database_size = le64toh(raw.database_size),
        .generated = le32toh(raw.generated) != 0,
        .content_seed = le64toh(raw.content_seed),
        .stripe_seed = le64toh(raw.stripe_seed),
        .stream_bytes = le64toh(raw.stream_bytes),
        .soft_mark = le32toh(raw.soft_mark),
        .content_bytes = le64toh(raw.content_bytes),
        .snapshot = le32toh(raw.snapshot) != 0,
        .first_lsn = le64toh(raw.first_lsn),
        .last_lsn = le64toh(raw.last_lsn),
        .base_lsn = le64toh(raw.base_lsn),
        .header_bytes = le32toh(raw.header_bytes),
        .trailer_bytes = le32toh(raw.trailer_bytes),
    };
    memcpy(h->database, raw.database, STREAM_NAME_MAX - 1);
    if (!is_sane(h) || h->set_id != stream_set_id(h)) {
        return fail_structure(reader, STREAM_BAD_HEADER);
    }
    enter_end_padding(reader, h->header_bytes);
    return STREAM_OK;
}

static enum stream_fault end_trailer(struct stream_reader *reader)
{
    struct trailer_block raw;
    memcpy(&raw, reader->block, sizeof raw);
    struct stream_trailer *t = &reader->trailer;
    *t = (struct stream_trailer){
        .set_id = le64toh(raw.set_id),
        .device = le32toh(raw.device),
        .extents = le64toh(raw.extents),
        .payload = le64toh(raw.payload),
        .digest = le64toh(raw.digest),
        .frozen_digest = le64toh(raw.frozen_digest),
        .set_digest = le64toh(raw.set_digest),
    };
    if (t->set_id != reader->header.set_id || t->device != reader->header.device) {
        return fail_structure(reader, STREAM_MISPLACED);
    }
    if (t->extents != reader->extents || t->payload != reader->payload ||
        t->digest != reader->digest_before_trailer) {
        return fail_structure(reader, STREAM_BAD_TRAILER);
    }
    reader->closing = true;
    enter_end_padding(reader, reader->header.trailer_bytes);
    return STREAM_OK;
}

static enum stream_fault end_extent(struct stream_reader *reader)
{
    if (is_sound(reader->block, STREAM_MAGIC_TRAILER)) {
        return end_trailer(reader);
    }
    struct extent_block raw;
    memcpy(&raw, reader->block, sizeof raw);
    if (!is_sound(reader->block, STREAM_MAGIC_EXTENT)) {
        return fail_structure(reader, STREAM_BAD_EXTENT);
    }
    const struct stream_header *h = &reader->header;
    struct stream_extent *e = &reader->extent;
    *e = (struct stream_extent){
        .set_id = le64toh(raw.set_id),
        .device = le32toh(raw.device),
        .sequence = le64toh(raw.sequence),
        .database_offset = le64toh(raw.database_offset),
        .length = le32toh(raw.length),
    };
    if (e->set_id != h->set_id || e->device != h->device || e->sequence != reader->extents) {
        return fail_structure(reader, STREAM_MISPLACED);
    }
    reader->part_size = le32toh(raw.part_size);
    if (e->length == 0 || e->length > h->max_transfer - STREAM_BLOCK ||
        e->database_offset > h->database_size || e->length > h->database_size - e->database_offset ||
        reader->part_size == 0 || (e->length - 1) / reader->part_size >= STREAM_PARTS_MAX) {
        return fail_structure(reader, STREAM_BAD_EXTENT);
    }
    for (uint32_t i = 0; i < STREAM_PARTS_MAX; i++) {
        reader->parts[i] = le64toh(raw.parts[i]);
    }
    reader->state = STREAM_IN_PAYLOAD;
    reader->taken = 0;
    XXH64_reset(&reader->part, 0);
    return STREAM_OK;
}

static void count(struct stream_reader *reader, const uint8_t *data, size_t length)
{
    XXH64_update(&reader->digest, data, length);
    reader->offset += length;
    reader->taken += (uint32_t)length;
}

static size_t smaller(size_t length, uint32_t left)
{
    return length < left ? length : left;
}

static size_t take_structure(struct stream_reader *reader, const uint8_t *data, size_t length)
{
    if (reader->taken == 0) {
        reader->digest_before_trailer = XXH64_digest(&reader->digest);
    }
    size_t piece = smaller(length, STREAM_BLOCK - reader->taken);
    memcpy(reader->block + reader->taken, data, piece);
    count(reader, data, piece);
    if (reader->taken == STREAM_BLOCK) {
        if (reader->state == STREAM_IN_HEADER) {
            end_header(reader);
        } else {
            end_extent(reader);
        }
    }
    return piece;
}

/* The part that ends at `taken` is complete: was it as it was sent? */
static enum stream_fault end_part(struct stream_reader *reader)
{
    uint32_t index = (reader->taken - 1) / reader->part_size;
    if (XXH64_digest(&reader->part) != reader->parts[index]) {
        uint32_t begin = index * reader->part_size;
        reader->fault_database_offset = reader->extent.database_offset + begin;
        return fail(reader, STREAM_BAD_PAYLOAD, reader->offset - (reader->taken - begin),
                    reader->taken - begin);
    }
    XXH64_reset(&reader->part, 0);
    return STREAM_OK;
}

static size_t take_payload(struct stream_reader *reader, const uint8_t *data, size_t length,
                           stream_sink *sink, void *context)
{
    uint32_t part_end = (reader->taken / reader->part_size + 1) * reader->part_size;
    if (part_end > reader->extent.length) {
        part_end = reader->extent.length;
    }
    size_t piece = smaller(length, part_end - reader->taken);
    uint64_t place = reader->extent.database_offset + reader->taken;
    XXH64_update(&reader->part, data, piece);
    count(reader, data, piece);
    reader->payload += piece;
    reader->refusal = sink == NULL ? 0 : sink(context, place, data, piece);
    if (reader->refusal != 0) {
        reader->fault_database_offset = place;
        fail(reader, STREAM_REFUSED, reader->offset - piece, piece);
    } else if (reader->taken == part_end && end_part(reader) == STREAM_OK &&
               part_end == reader->extent.length) {
        reader->extents++;
        enter_padding(reader, STREAM_BLOCK + reader->extent.length);
    }
    return piece;
}

static size_t take_padding(struct stream_reader *reader, const uint8_t *data, size_t length)
{
    size_t piece = smaller(length, reader->padding - reader->taken);
    for (size_t i = 0; i < piece; i++) {
        if (data[i] != 0) {
            fail(reader, STREAM_BAD_PADDING, reader->offset + i, 1);
            break;
        }
    }
    count(reader, data, piece);
    return piece;
}

static size_t take_mark(struct stream_reader *reader, const uint8_t *data, size_t length)
{
    static const char magic[8] = STREAM_MAGIC_MARK;
    size_t piece = smaller(length, reader->header.soft_mark - reader->taken);
    for (size_t i = 0; i < piece; i++) {
        size_t at = reader->taken + i;
        if (data[i] != (at < sizeof magic ? (uint8_t)magic[at] : 0)) {
            fail(reader, STREAM_BAD_MARK, reader->offset + i, 1);
            break;
        }
    }
    count(reader, data, piece);
    return piece;
}

/* What follows a piece that is complete. */
static void advance(struct stream_reader *reader)
{
    if (reader->state == STREAM_IN_PADDING && reader->taken == reader->padding) {
        bool mark = reader->header.soft_mark != 0 && (reader->closing || !reader->marked);
        reader->state = mark ? STREAM_IN_MARK : reader->closing ? STREAM_AT_END : STREAM_IN_EXTENT;
        reader->taken = 0;
    } else if (reader->state == STREAM_IN_MARK && reader->taken == reader->header.soft_mark) {
        reader->marked = true;
        reader->state = reader->closing ? STREAM_AT_END : STREAM_IN_EXTENT;
        reader->taken = 0;
    }
}

enum stream_fault stream_reader_take(struct stream_reader *reader, const uint8_t *data, size_t length,
                                     stream_sink *sink, void *context)
{
    while (reader->fault == STREAM_OK) {
        advance(reader);
        if (length == 0) {
            break;
        }
        size_t piece = 0;
        switch (reader->state) {
        case STREAM_IN_HEADER:
        case STREAM_IN_EXTENT:
            piece = take_structure(reader, data, length);
            break;
        case STREAM_IN_PAYLOAD:
            piece = take_payload(reader, data, length, sink, context);
            break;
        case STREAM_IN_PADDING:
            piece = take_padding(reader, data, length);
            break;
        case STREAM_IN_MARK:
            piece = take_mark(reader, data, length);
            break;
        case STREAM_AT_END:
            fail(reader, STREAM_EXCESS, reader->offset, length);
            break;
        }
        data += piece;
        length -= piece;
    }
    return reader->fault;
}
