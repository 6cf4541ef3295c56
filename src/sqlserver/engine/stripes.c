/* stripes.c - see stripes.h. */
#include "stripes.h"

#include <assert.h>
#include <string.h>

#include "stream.h"

enum {
    PURPOSE_EXTENTS = 1,
    PURPOSE_SHARES = 2,
    PURPOSE_CHANGES = 4,
    CHANGED_OF_FOUR = 1,
    SHARE_MAX = 4, /* the busiest device gets up to four times the data of the idlest */
    FULL_OF_FOUR = 3,
};

uint64_t random_seed(uint64_t seed, uint64_t purpose, uint64_t number)
{
    uint64_t state = seed;
    state = random_next(&state) ^ purpose;
    state = random_next(&state) ^ number;
    return random_next(&state);
}

uint32_t random_transfer(uint64_t *state, uint32_t block_size, uint32_t least, uint32_t most)
{
    assert(least >= 1 && least <= most);
    uint64_t draw = random_next(state);
    if (draw % 4 < FULL_OF_FOUR) {
        return most * block_size;
    }
    return (least + (uint32_t)((draw >> 8) % (most - least + 1))) * block_size;
}

void stripes_init(struct stripes *stripes, const struct stripes_parameters *parameters)
{
    assert(parameters->device_count >= 1 && parameters->device_count <= STRIPES_DEVICES_MAX);
    assert(parameters->block_size >= STREAM_BLOCK && parameters->max_transfer > STREAM_BLOCK);
    memset(stripes, 0, sizeof *stripes);
    stripes->parameters = *parameters;
    stripes->random = random_seed(parameters->seed, PURPOSE_EXTENTS, parameters->device_count);

    uint64_t random = random_seed(parameters->seed, PURPOSE_SHARES, parameters->device_count);
    uint32_t total = 0;
    for (uint32_t i = 0; i < parameters->device_count; i++) {
        total += 1 + (uint32_t)(random_next(&random) % SHARE_MAX);
        stripes->shares[i] = total;
    }
}

static uint32_t draw_device(struct stripes *stripes)
{
    uint32_t last = stripes->parameters.device_count - 1;
    uint32_t draw = (uint32_t)(random_next(&stripes->random) % stripes->shares[last]);
    uint32_t device = 0;
    while (draw >= stripes->shares[device]) {
        device++;
    }
    return device;
}

static bool is_changed(const struct stripes_parameters *p, uint64_t offset)
{
    return random_seed(p->seed, PURPOSE_CHANGES, offset / STRIPES_CHUNK) % 4 < CHANGED_OF_FOUR;
}

/* Bytes that follow each other from the offset, which moves up to the next that count. */
static uint64_t find_run(struct stripes *stripes)
{
    const struct stripes_parameters *p = &stripes->parameters;
    if (!p->differential) {
        return p->database_size - stripes->offset;
    }
    while (stripes->offset < p->database_size && !is_changed(p, stripes->offset)) {
        stripes->offset += STRIPES_CHUNK - stripes->offset % STRIPES_CHUNK;
    }
    uint64_t end = stripes->offset;
    while (end < p->database_size && is_changed(p, end)) {
        end += STRIPES_CHUNK - end % STRIPES_CHUNK;
    }
    end = end < p->database_size ? end : p->database_size;
    return end > stripes->offset ? end - stripes->offset : 0;
}

bool stripes_next(struct stripes *stripes, struct stripes_extent *extent)
{
    const struct stripes_parameters *p = &stripes->parameters;
    uint64_t left = find_run(stripes);
    if (left == 0) {
        return false;
    }
    /* The extent's own header needs room beside at least some data. */
    uint32_t least = p->block_size == STREAM_BLOCK ? 2 : 1;
    uint32_t most = p->max_transfer / p->block_size;
    uint32_t transfer = random_transfer(&stripes->random, p->block_size, least, most);
    uint32_t length = transfer - STREAM_BLOCK;
    if (length >= left) {
        length = (uint32_t)left;
        transfer = stream_padded(STREAM_BLOCK + length, p->block_size);
    }
    *extent = (struct stripes_extent){
        .offset = stripes->offset, .length = length, .transfer = transfer, .device = draw_device(stripes)};
    stripes->offset += length;
    return true;
}

bool stripes_next_of(struct stripes *stripes, uint32_t device, struct stripes_extent *extent)
{
    while (stripes_next(stripes, extent)) {
        if (extent->device == device) {
            return true;
        }
    }
    return false;
}

void stripes_totals(const struct stripes_parameters *parameters, struct stripes_total *totals)
{
    struct stripes stripes;
    stripes_init(&stripes, parameters);
    for (uint32_t i = 0; i < parameters->device_count; i++) {
        /* A header and a trailer, a block each. */
        totals[i] = (struct stripes_total){.stream = 2 * (uint64_t)parameters->block_size};
    }
    struct stripes_extent extent;
    while (stripes_next(&stripes, &extent)) {
        struct stripes_total *total = &totals[extent.device];
        total->extents++;
        total->payload += extent.length;
        total->stream += extent.transfer;
    }
}
