/* hash.c - see hash.h. */
#define XXH_IMPLEMENTATION
#include "hash.h"

#include <assert.h>
#include <endian.h>

uint64_t hash_digests(const uint64_t *digests, uint32_t count)
{
    uint64_t little[HASH_DIGESTS_MAX];
    assert(count >= 1 && count <= HASH_DIGESTS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        little[i] = htole64(digests[i]);
    }
    return XXH64(little, count * sizeof little[0], 0);
}
