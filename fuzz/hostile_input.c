#include "hostile_input.h"

#include <stddef.h>

#include "layout.h"

/* --- reading the program --- */

uint64_t take(struct input *input, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes && input->at < input->end; i++) {
        value |= (uint64_t)*input->at++ << (8 * i);
    }
    return value;
}

uint8_t take8(struct input *input)
{
    return (uint8_t)take(input, 1);
}

/* --- the stranger --- */

static uint64_t take_value(struct input *input, uint32_t *width)
{
    /* Counts and states; sizes and the places where areas end; signs. */
    static const uint64_t values[] = {0,
                                      1,
                                      2,
                                      3,
                                      4,
                                      5,
                                      15,
                                      16,
                                      17,
                                      63,
                                      64,
                                      65,
                                      512,
                                      1024,
                                      3072,
                                      3073,
                                      4095,
                                      4096,
                                      65535,
                                      65536,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      0xfffffffffffffe00,
                                      0x7fffffffffffffff,
                                      0xffffffffffffffff};
    enum {
        COUNT = sizeof values / sizeof values[0]
    };
    uint8_t which = take8(input);
    *width = (which & 0x80) != 0 ? 8 : 4;
    which &= 0x7f;
    return which < COUNT ? values[which] : take(input, *width);
}

/* The words of a device that are not its name, and the name's first. */
static uint32_t take_device_word(struct input *input)
{
    static const size_t words[] = {
        offsetof(struct shared_device, server_state),
        offsetof(struct shared_device, client_state),
        offsetof(struct shared_device, name),
        offsetof(struct shared_device, commands.sequence),
        offsetof(struct shared_device, commands.waiters),
        offsetof(struct shared_device, ring[0].turn),
        offsetof(struct shared_device, ring[0].slot),
        offsetof(struct shared_device, ring[1].turn),
        offsetof(struct shared_device, ring[1].slot),
    };
    return (uint32_t)words[take8(input) % (sizeof words / sizeof words[0])];
}

/* The words of a device's first four commands and completions. */
static uint32_t take_line_word(struct input *input)
{
    static const size_t words[] = {
        offsetof(struct shared_device, ring[0].turn),
        offsetof(struct shared_device, ring[0].code),
        offsetof(struct shared_device, ring[0].size),
        offsetof(struct shared_device, ring[0].buffer_area),
        offsetof(struct shared_device, ring[0].buffer_offset),
        offsetof(struct shared_device, ring[0].buffer_offset) + 4,
        offsetof(struct shared_device, ring[0].position),
        offsetof(struct shared_device, ring[0].position) + 4,
        offsetof(struct shared_device, slots[0].code),
        offsetof(struct shared_device, ring[0].slot),
        offsetof(struct shared_device, slots[0].bytes_transferred),
        offsetof(struct shared_device, slots[0].bytes_transferred) + 4,
        offsetof(struct shared_device, slots[0].position),
        offsetof(struct shared_device, slots[0].position) + 4,
        offsetof(struct shared_device, slots[0].uses),
    };
    _Static_assert(sizeof(struct shared_command) == sizeof(struct shared_completion), "one stride");
    uint8_t word = take8(input);
    return (uint32_t)(words[word % 16 % (sizeof words / sizeof words[0])] +
                      (word >> 4) % 4 * sizeof(struct shared_command));
}

static uint32_t take_offset(struct input *input)
{
    uint8_t region = take8(input);
    uint32_t device =
        (uint32_t)(sizeof(struct shared_header) + (region >> 4) % ALL_DEVICES * sizeof(struct shared_device));
    switch (region % 4) {
    case 0:
        return take8(input) * 4u % (uint32_t)sizeof(struct shared_header);
    case 1:
        return device + take_device_word(input);
    case 2:
        return device + take_line_word(input);
    default:
        return (uint32_t)take(input, 2);
    }
}

struct sim_write take_write(struct input *input)
{
    struct sim_write write = {0};
    uint8_t kind = take8(input);
    write.object = (kind & 0x70) == 0x70 ? take8(input) : 0; /* mostly the control object */
    write.how = (enum sim_how)(kind % SIM_HOW_COUNT);
    write.offset = take_offset(input);
    write.value = take_value(input, &write.width);
    if ((kind & 0x80) != 0) {
        write.width = 1;
    }
    return write;
}
