/* stream.c - writing the structures of a stream; see stream.h. */
#include "stream.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "stream_format.h"

uint64_t stream_set_id(const struct stream_header *header)
{
    struct {
        uint64_t database_size, content_seed, stripe_seed;
        uint32_t device_count, kind, block_size, max_transfer, generated, snapshot;
    } identity = {
        htole64(header->database_size), htole64(header->content_seed), htole64(header->stripe_seed),
        htole32(header->device_count),  htole32(header->kind),         htole32(header->block_size),
        htole32(header->max_transfer),  htole32(header->generated),    htole32(header->snapshot),
    };
    _Static_assert(sizeof identity == 48, "no padding: the bytes are hashed");
    const uint64_t lsns[] = {htole64(header->first_lsn), htole64(header->last_lsn),
                             htole64(header->base_lsn)};
    uint64_t hash = XXH64(&identity, sizeof identity, 0);
    if (header->last_lsn != 0) {
        hash = XXH64(lsns, sizeof lsns, hash);
    }
    return XXH64(header->database, strnlen(header->database, STREAM_NAME_MAX), hash);
}

/* Ends a structure: its checksum, and zeros up to the block's end. */
static void seal(uint8_t *block, uint32_t size, const void *structure, uint32_t used)
{
    memcpy(block, structure, STREAM_BLOCK);
    uint64_t hash = htole64(XXH64(block, STREAM_HASHED, 0));
    memcpy(block + STREAM_HASHED, &hash, sizeof hash);
    memset(block + used, 0, size - used);
}

void stream_write_header(uint8_t *block, uint32_t size, const struct stream_header *header)
{
    assert(size >= STREAM_BLOCK);
    struct header_block raw = {
        .version = htole32(STREAM_VERSION),
        .device = htole32(header->device),
        .device_count = htole32(header->device_count),
        .kind = htole32(header->kind),
        .block_size = htole32(header->block_size),
        .max_transfer = htole32(header->max_transfer),
        .set_id = htole64(header->set_id),
        .database_size = htole64(header->database_size),
        .content_seed = htole64(header->content_seed),
        .stripe_seed = htole64(header->stripe_seed),
        .stream_bytes = htole64(header->stream_bytes),
        .generated = htole32(header->generated),
        .soft_mark = htole32(header->soft_mark),
        .content_bytes = htole64(header->content_bytes),
        .snapshot = htole32(header->snapshot),
        .first_lsn = htole64(header->first_lsn),
        .last_lsn = htole64(header->last_lsn),
        .base_lsn = htole64(header->base_lsn),
        .header_bytes = htole32(header->header_bytes),
        .trailer_bytes = htole32(header->trailer_bytes),
    };
    memcpy(raw.magic, STREAM_MAGIC_HEADER, sizeof raw.magic);
    memcpy(raw.database, header->database, strnlen(header->database, STREAM_NAME_MAX - 1));
    seal(block, size, &raw, STREAM_BLOCK);
}

static void write_word(uint8_t *block, uint32_t size, const char *magic)
{
    memset(block, 0, size);
    memcpy(block, magic, 8);
}

void stream_write_mark(uint8_t *block, uint32_t size)
{
    write_word(block, size, STREAM_MAGIC_MARK);
}

void stream_spoil_header(uint8_t *block, uint32_t size)
{
    write_word(block, size, STREAM_MAGIC_SPOILT);
}

/* Pieces as small as the header has room for checksums: the smaller, the closer RESTORE can point. */
static uint32_t part_size_for(uint32_t length)
{
    uint32_t size = (length + STREAM_PARTS_MAX - 1) / STREAM_PARTS_MAX;
    return size == 0 ? STREAM_BLOCK : stream_padded(size, STREAM_BLOCK);
}

void stream_write_extent(uint8_t *block, uint32_t size, const struct stream_extent *extent)
{
    assert(extent->length >= 1 && size >= STREAM_BLOCK + extent->length);
    uint32_t part_size = part_size_for(extent->length);
    struct extent_block raw = {
        .set_id = htole64(extent->set_id),
        .sequence = htole64(extent->sequence),
        .database_offset = htole64(extent->database_offset),
        .device = htole32(extent->device),
        .length = htole32(extent->length),
        .part_size = htole32(part_size),
    };
    memcpy(raw.magic, STREAM_MAGIC_EXTENT, sizeof raw.magic);
    const uint8_t *payload = block + STREAM_BLOCK;
    for (uint32_t at = 0, i = 0; at < extent->length; at += part_size, i++) {
        uint32_t left = extent->length - at;
        raw.parts[i] = htole64(XXH64(payload + at, left < part_size ? left : part_size, 0));
    }
    seal(block, size, &raw, STREAM_BLOCK + extent->length);
}

void stream_write_trailer(uint8_t *block, uint32_t size, const struct stream_trailer *trailer)
{
    assert(size >= STREAM_BLOCK);
    struct trailer_block raw = {
        .set_id = htole64(trailer->set_id),
        .extents = htole64(trailer->extents),
        .payload = htole64(trailer->payload),
        .digest = htole64(trailer->digest),
        .frozen_digest = htole64(trailer->frozen_digest),
        .set_digest = htole64(trailer->set_digest),
        .device = htole32(trailer->device),
    };
    memcpy(raw.magic, STREAM_MAGIC_TRAILER, sizeof raw.magic);
    seal(block, size, &raw, STREAM_BLOCK);
}
