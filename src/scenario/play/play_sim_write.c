/* A stranger's writes into the words of shared memory that words.def names. */
#include "layout.h"
#include "play_sim.h"

/* Where a word is: of the header, of each device, or of each entry of an array in each device; an array's are as wide as
 * `size` says together. */
struct place {
    uint32_t device; /* bytes from one device to the next; 0: of the header */
    uint32_t entry;  /* bytes from one entry to the next; 0: there are none */
    uint32_t at;
    uint32_t size;
};

/* Arrays are of words or of bytes, and nothing else is longer than a word. */
static uint32_t width_of(const struct place *place)
{
    bool words = place->size == sizeof(uint32_t) * SHARED_CONFIG_WORDS;
    bool longs = place->size == sizeof(uint64_t) * SHARED_AREAS_MAX;
    return place->size == SHARED_NAME_MAX ? 1 : words ? 4 : longs ? 8 : place->size;
}

#define MEMBER(type, field) offsetof(type, field), sizeof(((type *)0)->field)
#define HEADER(field)       {0, 0, MEMBER(struct shared_header, field)},
#define DEVICE(field)       {sizeof(struct shared_device), 0, MEMBER(struct shared_device, field)},
#define RING(field)                                               \
    {sizeof(struct shared_device), sizeof(struct shared_command), \
     offsetof(struct shared_device, ring) + MEMBER(struct shared_command, field)},
#define SLOT(field)                                                  \
    {sizeof(struct shared_device), sizeof(struct shared_completion), \
     offsetof(struct shared_device, slots) + MEMBER(struct shared_completion, field)},
#define CONTROL(field)            {0},
#define AREA(field)               {0},
#define WORD(region, name, field) region(field)
static const struct place places[SCENARIO_WORD_COUNT] = {
#include "words.def"
};

/* The control object of the first set is the first object that got a name. */
static uint32_t offset_of(const struct place *place, uint32_t device, uint64_t at)
{
    uint32_t width = width_of(place);
    uint64_t elements = place->entry != 0 ? SHARED_SLOTS : place->size / width;
    uint64_t offset = place->at + at % elements * (place->entry != 0 ? place->entry : width);
    if (place->device != 0) {
        offset += offsetof(struct shared_header, devices) + (uint64_t)device * place->device;
    }
    return (uint32_t)offset;
}

void play_sim_write(const struct scenario_line *line, uint32_t device_count)
{
    static const enum sim_how hows[SCENARIO_VERB_COUNT] = {
        [SCENARIO_WORLD_SET] = SIM_SET, [SCENARIO_WORLD_ADD] = SIM_ADD, [SCENARIO_WORLD_FLIP] = SIM_FLIP};
    const struct place *place = &places[line->arg[0]];
    uint32_t of = (uint32_t)line->arg[1];
    uint32_t device = of % (device_count != 0 ? device_count : 1);
    uint64_t at = (uint64_t)line->wide[1];
    struct sim_write write = {.how = hows[line->verb], .value = (uint64_t)line->wide[0], .width = 4};
    if (place->size != 0) {
        write.width = width_of(place);
        write.offset = offset_of(place, device, at);
    } else {
        /* Buffer areas get their names after the control object. */
        write.object = line->arg[0] == SCENARIO_WORD_AREA_byte ? 1 + of : 0;
        write.offset = (uint32_t)at;
    }
    sim_write_now(&write);
}
