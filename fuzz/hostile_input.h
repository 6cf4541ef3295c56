/* hostile_input.h - the fuzzer's bytes as numbers, and as what a stranger writes where. */
#ifndef HOSTILE_INPUT_H
#define HOSTILE_INPUT_H

#include <stdint.h>

#include "sim.h"

enum {
    ALL_DEVICES = 3 /* whose names the world knows; a set may have more */
};

struct input {
    const uint8_t *at;
    const uint8_t *end;
};

uint64_t take(struct input *input, uint32_t bytes); /* little end first; zeros behind the end */
uint8_t take8(struct input *input);
/* Mostly a word that means something, and a value that might. */
struct sim_write take_write(struct input *input);

#endif
