/* stream.h - the format of a backup stream: how it is written, read and checked. Version 2.
 *
 *   header   one block: what was backed up, how the set is striped, this device's place in it, how long this
 * is extents  each starts on a block: 512 bytes of struct extent_block, payload, zeros up to the next block
 *   trailer  one block: extent count, bytes, digest of all before it; the digests of the set's other devices
 * With soft filemarks (spec 5.1) a mark, one block of the size the header gives, follows the header and the trailer.
 *
 * Each device carries such a stream. Numbers are little-endian at fixed offsets. Every byte is covered by a
 * checksum or must be zero, so that RESTORE can tell exactly whether what came back is what was sent, and
 * where it differs (VDI-DATA-001).
 *
 * Pure functions over memory: no I/O, no allocation. A reader belongs to one thread and owns nothing.
 */
#ifndef VDIFAULT_ENGINE_STREAM_H
#define VDIFAULT_ENGINE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"

enum {
    STREAM_VERSION = 2,
    STREAM_VERSION_OLD = 1, /* is read, too: it has no log sequence numbers */
    STREAM_BLOCK = 512,     /* bytes of each structure; no block size is below it (spec 7) */
    STREAM_NAME_MAX = 129,
    STREAM_PARTS_MAX = 48,
    STREAM_DEVICES_MAX = 64,
    STREAM_TRANSFER_MAX = 4 << 20,
};

enum stream_kind {
    STREAM_DATABASE = 1,
    STREAM_LOG,
    STREAM_DIFFERENTIAL, /* the part of a database that has changed (stripes.h) */
};

/* What a device's header says. */
struct stream_header {
    uint64_t set_id; /* the same on all devices of a set: a hash of the fields that are */
    uint32_t device;
    uint32_t device_count;
    enum stream_kind kind;
    uint32_t block_size;
    uint32_t max_transfer;
    uint64_t database_size;
    uint64_t content_bytes; /* of the database, on all devices */
    bool snapshot;          /* no content: the client has copied the database itself (snapshot.h) */
    bool generated;         /* the content is database_generate(content_seed, ...) */
    uint64_t content_seed;  /* 0 unless generated */
    uint64_t stripe_seed;
    uint64_t stream_bytes; /* of this device, header and trailer included */
    uint32_t soft_mark;    /* bytes of a soft filemark; 0: none */
    uint32_t header_bytes; /* of the header with its padding, and of the trailer; 0: a block */
    uint32_t trailer_bytes;
    uint64_t first_lsn; /* the log it holds, from here ... */
    uint64_t last_lsn;  /* ... up to here; 0: not known */
    uint64_t base_lsn;  /* checkpoint of the full backup that it is, or builds on */
    char database[STREAM_NAME_MAX];
};

struct stream_extent {
    uint64_t set_id;
    uint32_t device;
    uint64_t sequence; /* from 0, per device */
    uint64_t database_offset;
    uint32_t length;
};

struct stream_trailer {
    uint64_t set_id;
    uint32_t device;
    uint64_t extents;
    uint64_t payload;       /* bytes of the database on this device */
    uint64_t digest;        /* XXH64 of this device's bytes before the trailer */
    uint64_t frozen_digest; /* of a snapshot: XXH64 of the database; 0 if it is generated */
    uint64_t set_digest; /* hash_digests() of those of all devices: tells a stale stripe from a fresh one */
};

uint64_t stream_set_id(const struct stream_header *header);

/* Each writes the structure to `block`, with zeros up to `size`. The payload already stands behind its
 * header: stream_write_extent seals block[0, size), size >= STREAM_BLOCK + length. */
void stream_write_header(uint8_t *block, uint32_t size, const struct stream_header *header);
void stream_write_extent(uint8_t *block, uint32_t size, const struct stream_extent *extent);
void stream_write_trailer(uint8_t *block, uint32_t size, const struct stream_trailer *trailer);

void stream_write_mark(uint8_t *block, uint32_t size);
/* Makes a header one of a backup that was never finished. */
void stream_spoil_header(uint8_t *block, uint32_t size);

static inline uint32_t stream_padded(uint32_t size, uint32_t block_size)
{
    return (size + block_size - 1) & ~(block_size - 1);
}

enum stream_fault {
    STREAM_OK,
    STREAM_BAD_HEADER,  /* not one of our headers, or a damaged one */
    STREAM_BAD_EXTENT,  /* neither an extent's header nor a trailer, or a damaged one */
    STREAM_MISPLACED,   /* a sound structure that does not belong here: other set, device or number */
    STREAM_BAD_PAYLOAD, /* data of the database differs */
    STREAM_BAD_PADDING, /* bytes that must be zero are not */
    STREAM_BAD_MARK,    /* no filemark where one was written */
    STREAM_BAD_TRAILER, /* its totals or its digest contradict what came before */
    STREAM_EXCESS,      /* bytes after the trailer's block */
    STREAM_REFUSED,     /* the sink did not take the data; `refusal` says why */
    STREAM_FAULT_COUNT
};
extern const char *const stream_fault_texts[STREAM_FAULT_COUNT];

/* Takes payload as it comes, before its checksum could be checked. 0, or why not. */
typedef int stream_sink(void *context, uint64_t database_offset, const uint8_t *data, size_t length);

enum stream_state {
    STREAM_IN_HEADER,
    STREAM_IN_EXTENT,
    STREAM_IN_PAYLOAD,
    STREAM_IN_PADDING,
    STREAM_IN_MARK,
    STREAM_AT_END
};

/* Takes a stream apart, in pieces of any length. On a fault: fault, fault_offset, and the extent it is in. */
struct stream_reader {
    enum stream_state state;
    enum stream_fault fault;
    int refusal;
    uint64_t fault_offset;          /* in the stream: first byte of the smallest piece known to be wrong */
    uint64_t fault_length;          /* bytes of that piece */
    uint64_t fault_database_offset; /* ... and where that belongs in the database, if it is payload */
    uint64_t offset;                /* bytes of the stream taken so far */
    struct stream_header header;    /* valid once state has left STREAM_IN_HEADER */
    struct stream_extent extent;    /* the latest */
    struct stream_trailer trailer;
    uint64_t extents;
    uint64_t payload;
    bool closing;   /* the padding is the trailer's */
    bool marked;    /* the soft filemark behind the header was taken */
    uint32_t taken; /* bytes of the present structure, payload or padding */
    uint32_t padding;
    uint32_t part_size;
    uint64_t parts[STREAM_PARTS_MAX];
    XXH64_state_t part;   /* checksum of the present part of the payload */
    XXH64_state_t digest; /* of the whole stream */
    uint64_t digest_before_trailer;
    uint8_t block[STREAM_BLOCK];
};

void stream_reader_init(struct stream_reader *reader);
/* Takes `length` more bytes. STREAM_OK, or the fault, which stays. */
enum stream_fault stream_reader_take(struct stream_reader *reader, const uint8_t *data, size_t length,
                                     stream_sink *sink, void *context);
/* All of the stream was there. */
static inline bool stream_reader_is_done(const struct stream_reader *reader)
{
    return reader->state == STREAM_AT_END && reader->fault == STREAM_OK;
}

#endif
