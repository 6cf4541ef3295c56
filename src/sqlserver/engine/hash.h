/* hash.h - XXH64 under a name of our own, compiled once (hash.c). Defined byte by byte, so the same on every
 * machine. */
#ifndef VDIFAULT_ENGINE_HASH_H
#define VDIFAULT_ENGINE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_NAMESPACE           vdifault_
#define XXH_STATIC_LINKING_ONLY /* states as members of our structs */
#include <xxhash.h>

enum {
    HASH_DIGESTS_MAX = 64
};

/* The digest of a set of devices: XXH64 over theirs, in device order, 8 bytes each, little-endian. */
uint64_t hash_digests(const uint64_t *digests, uint32_t count);

#endif
