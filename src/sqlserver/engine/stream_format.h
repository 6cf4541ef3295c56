/* stream_format.h - the bytes of a stream's structures, version 2 (see stream.h). Little-endian throughout.
 */
#ifndef VDIFAULT_ENGINE_STREAM_FORMAT_H
#define VDIFAULT_ENGINE_STREAM_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "stream.h"

#define STREAM_MAGIC_HEADER  "VDIFHDR1"
#define STREAM_MAGIC_EXTENT  "VDIFEXT1"
#define STREAM_MAGIC_TRAILER "VDIFTRL1"
#define STREAM_MAGIC_MARK    "VDIFMRK1" /* and zeros */
#define STREAM_MAGIC_SPOILT  "VDIFHDR0" /* and zeros */

struct header_block {
    char magic[8];
    uint32_t version;
    uint32_t device;
    uint32_t device_count;
    uint32_t kind;
    uint32_t block_size;
    uint32_t max_transfer;
    uint64_t set_id;
    uint64_t database_size;
    uint64_t content_seed;
    uint64_t stripe_seed;
    uint64_t stream_bytes;
    uint32_t generated;
    uint32_t soft_mark;
    char database[136];
    uint64_t content_bytes;
    uint32_t snapshot;
    uint32_t reserved;
    uint64_t first_lsn; /* from version 2 on; zero in version 1 */
    uint64_t last_lsn;
    uint64_t base_lsn;
    uint32_t header_bytes; /* 0: a block */
    uint32_t trailer_bytes;
    uint8_t zero[240];
    uint64_t hash; /* XXH64 of all before it; in each structure */
};

struct extent_block {
    char magic[8];
    uint64_t set_id;
    uint64_t sequence;
    uint64_t database_offset;
    uint32_t device;
    uint32_t length;
    uint32_t part_size; /* the payload's checksums, one for each piece of this size */
    uint32_t reserved;
    uint64_t parts[STREAM_PARTS_MAX];
    uint8_t zero[72];
    uint64_t hash;
};

struct trailer_block {
    char magic[8];
    uint64_t set_id;
    uint64_t extents;
    uint64_t payload;
    uint64_t digest;
    uint64_t set_digest;
    uint32_t device;
    uint32_t reserved;
    uint64_t frozen_digest;
    uint8_t zero[440];
    uint64_t hash;
};

_Static_assert(sizeof(struct header_block) == STREAM_BLOCK, "as published");
_Static_assert(sizeof(struct extent_block) == STREAM_BLOCK, "as published");
_Static_assert(sizeof(struct trailer_block) == STREAM_BLOCK, "as published");
_Static_assert(offsetof(struct header_block, set_id) == 32 && offsetof(struct header_block, database) == 80,
               "as published");
_Static_assert(offsetof(struct extent_block, device) == 32 && offsetof(struct extent_block, parts) == 48,
               "as published");
_Static_assert(offsetof(struct trailer_block, device) == 48, "as published");
_Static_assert(offsetof(struct header_block, hash) == 504 && offsetof(struct extent_block, hash) == 504 &&
                   offsetof(struct trailer_block, hash) == 504,
               "every structure ends in its checksum");

enum {
    STREAM_HASHED = STREAM_BLOCK - 8
};

#endif
