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

/* ---- as recorded ---- */

uint32_t stripes_fit(uint32_t bytes, uint32_t block_size, uint32_t least, uint32_t max_transfer)
{
    uint64_t blocks = ((uint64_t)bytes + block_size - 1) / block_size;
    uint64_t size = (blocks > least ? blocks : least) * block_size;
    return size < max_transfer ? (uint32_t)size : max_transfer;
}

/* Of the recorded device's steps: the next that is a transfer; NULL: that was all. */
static const struct profile_step *next_transfer(const struct profile *profile, uint32_t device,
                                                struct profile_walk *walk)
{
    const struct profile_step *step = profile_next(profile, PROFILE_BACKUP, device, walk);
    while (step != NULL && step->what != PROFILE_TRANSFERS && step->what != PROFILE_MIX) {
        profile_advance(profile, walk);
        step = profile_next(profile, PROFILE_BACKUP, device, walk);
    }
    return step;
}

/* A size of the mix has no place at an end. */
static uint32_t end_size(const struct stripes_parameters *p, const struct profile_step *step)
{
    bool sized = step != NULL && step->what == PROFILE_TRANSFERS;
    return sized ? stripes_fit(step->value, p->block_size, 1, p->max_transfer) : p->block_size;
}

void stripes_ends(const struct stripes_parameters *p, uint32_t device, uint32_t *header, uint32_t *trailer)
{
    const struct profile_step *first = NULL, *last = NULL;
    if (p->profile != NULL) {
        struct profile_walk walk = {0};
        uint32_t recorded = profile_device(p->profile, PROFILE_BACKUP, device);
        const struct profile_step *step = first = next_transfer(p->profile, recorded, &walk);
        for (; step != NULL; step = next_transfer(p->profile, recorded, &walk)) {
            last = step;
            walk = (struct profile_walk){.step = walk.step + 1};
        }
    }
    bool only = first != NULL && first == last && first->count == 1;
    *header = end_size(p, first);
    *trailer = end_size(p, only ? NULL : last);
}

/* Between the first transfer and the last, which carry header and trailer. */
static void begin_recorded(struct stripes *stripes)
{
    const struct stripes_parameters *p = &stripes->parameters;
    for (uint32_t i = 0; p->profile != NULL && i < p->device_count; i++) {
        uint32_t device = profile_device(p->profile, PROFILE_BACKUP, i);
        uint64_t transfers = profile_transfers(p->profile, PROFILE_BACKUP, device);
        stripes->recorded[i] = transfers > 2 ? transfers - 2 : 0;
        if (next_transfer(p->profile, device, &stripes->walks[i]) != NULL) {
            profile_advance(p->profile, &stripes->walks[i]);
        }
    }
}

/* The device that is furthest behind what it is to get in all. False: each has got what was recorded. */
static bool find_recorded(const struct stripes *stripes, uint32_t *device)
{
    bool found = false;
    for (uint32_t i = 0; i < stripes->parameters.device_count; i++) {
        if (stripes->taken[i] < stripes->recorded[i] &&
            (!found || stripes->taken[i] * stripes->recorded[*device] <
                           stripes->taken[*device] * stripes->recorded[i])) {
            *device = i;
            found = true;
        }
    }
    return found;
}

/* Bytes of the next transfer of the device; 0: the profile does not say. */
static uint32_t recorded_size(struct stripes *stripes, uint32_t device, bool planned)
{
    const struct profile *profile = stripes->parameters.profile;
    const struct profile_step *step = NULL;
    if (profile != NULL && planned) {
        step =
            next_transfer(profile, profile_device(profile, PROFILE_BACKUP, device), &stripes->walks[device]);
        stripes->taken[device]++;
    }
    uint32_t size = step != NULL ? step->value : 0;
    if (profile != NULL && (step == NULL || step->what == PROFILE_MIX)) {
        size = profile_draw(profile, PROFILE_BACKUP, random_next(&stripes->random));
    }
    if (step != NULL) {
        profile_advance(profile, &stripes->walks[device]);
    }
    return size;
}

/* ---- extents ---- */

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
    begin_recorded(stripes);
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
    uint32_t device = 0;
    bool planned = find_recorded(stripes, &device);
    uint32_t size = recorded_size(stripes, device, planned);
    uint32_t transfer = size > 0 ? stripes_fit(size, p->block_size, least, p->max_transfer)
                                 : random_transfer(&stripes->random, p->block_size, least, most);
    uint32_t length = transfer - STREAM_BLOCK;
    if (length >= left) {
        length = (uint32_t)left;
        transfer = stream_padded(STREAM_BLOCK + length, p->block_size);
    }
    *extent = (struct stripes_extent){.offset = stripes->offset,
                                      .length = length,
                                      .transfer = transfer,
                                      .device = planned ? device : draw_device(stripes)};
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
        uint32_t header, trailer;
        stripes_ends(parameters, i, &header, &trailer);
        totals[i] = (struct stripes_total){.stream = (uint64_t)header + trailer};
    }
    struct stripes_extent extent;
    while (stripes_next(&stripes, &extent)) {
        struct stripes_total *total = &totals[extent.device];
        total->extents++;
        total->payload += extent.length;
        total->stream += extent.transfer;
    }
}
