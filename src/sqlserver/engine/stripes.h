/* stripes.h - how a database is cut into extents, and which device carries each.
 *
 * Responsible for: one deterministic sequence of extents per backup. Extent k (database offset, payload
 * length, device) is a function of the parameters alone, so the bytes of each device never depend on timing:
 * each device walks a copy of the sequence of its own and skips what is others'. Sizes vary in multiples of
 * the block size up to the maximal transfer, and devices get uneven shares (design 5). Pure functions; no
 * errors. Parameters have been checked (spec 7): block_size is a power of two from 512 to 65536, max_transfer
 * a multiple of it, device_count 1 to 64.
 *
 * A differential backup has the extents of what "has changed": chunks of the database that a rule of the seed
 * picks, about one of four. Nothing is compared, so a database file that others have changed elsewhere since its
 * full backup does not come back as it was.
 */
#ifndef VDIFAULT_ENGINE_STRIPES_H
#define VDIFAULT_ENGINE_STRIPES_H

#include <stdbool.h>
#include <stdint.h>

#include "profile.h"
#include "random.h"

enum {
    STRIPES_DEVICES_MAX = 64,
    STRIPES_CHUNK = 65536, /* of a differential: eight pages, as SQL Server counts changes */
};

struct stripes_parameters {
    uint64_t seed;
    uint64_t database_size;
    uint32_t device_count;
    uint32_t block_size;
    uint32_t max_transfer;
    bool differential;
    const struct profile
        *profile; /* sizes and shares as recorded (follow.h); NULL: none. Must outlive the walk */
};

struct stripes_extent {
    uint64_t offset;   /* in the database; a multiple of 512 */
    uint32_t length;   /* bytes of the database, at least 1 */
    uint32_t transfer; /* bytes of the Write that carries it */
    uint32_t device;
};

struct stripes {
    struct stripes_parameters parameters;
    uint64_t random;
    uint64_t offset;
    uint32_t shares[STRIPES_DEVICES_MAX]; /* running totals: device d gets draws below shares[d] */
    /* With a profile: how many extents it has for each device, how many of them came, and where it stands. */
    uint64_t recorded[STRIPES_DEVICES_MAX];
    uint64_t taken[STRIPES_DEVICES_MAX];
    struct profile_walk walks[STRIPES_DEVICES_MAX];
};

/* What one device carries in all. */
struct stripes_total {
    uint64_t extents;
    uint64_t payload; /* bytes of the database */
    uint64_t stream;  /* bytes of its stream, header and trailer included */
};

void stripes_init(struct stripes *stripes, const struct stripes_parameters *parameters);
bool stripes_next(struct stripes *stripes, struct stripes_extent *extent); /* false: that was all */
/* The next extent of this device. */
bool stripes_next_of(struct stripes *stripes, uint32_t device, struct stripes_extent *extent);
/* Bytes of the Writes that carry the header and the trailer of a device: a block each, or as recorded. */
void stripes_ends(const struct stripes_parameters *parameters, uint32_t device, uint32_t *header,
                  uint32_t *trailer);
/* The nearest size of so many bytes or more that the statement allows: of whole blocks, `least` or more. */
uint32_t stripes_fit(uint32_t bytes, uint32_t block_size, uint32_t least, uint32_t max_transfer);
void stripes_totals(const struct stripes_parameters *parameters, struct stripes_total *totals);

/* What is drawn for one purpose does not depend on what is for another. */
uint64_t random_seed(uint64_t seed, uint64_t purpose, uint64_t number);
/* Bytes of the next transfer: `least` to `most` blocks, most often the maximum, as a server in a hurry does.
 */
uint32_t random_transfer(uint64_t *state, uint32_t block_size, uint32_t least, uint32_t most);

#endif
