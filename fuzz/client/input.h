/* input.h - a plan as the bytes of a fuzzing engine.
 *
 * Two forms are read. Text, as in a plan's file, where the bytes begin like one ("fault ", "server ", "# "): seeds, and
 * what a person has changed. Otherwise records of fixed size, without parsing: a header for the server's settings, then
 * INPUT_FAULTS_MAX faults at most. Any bytes are a plan: what lies outside of a table is taken modulo, and a fault that
 * does not fit together is left out. Writing is records only; what is read back is the same plan.
 *
 * Faults that a session in the simulation has not are never read from records: input_has.
 * Errors: EINVAL with *error for a text that is no plan. No state, no allocation.
 */
#ifndef VDIFAULT_CLIENT_INPUT_H
#define VDIFAULT_CLIENT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

enum {
    INPUT_FAULTS_MAX = 8,
    INPUT_SIZE_MIN = 8 << 10, /* bytes of the database */
    INPUT_SIZE_MAX = 512 << 10,
    INPUT_OPERATIONS = 2, /* sites are in one of the first */
    INPUT_DEVICES = 4,
    INPUT_KIB_MAX =
        256, /* what a chatty server says at a time: more tells no more, and takes a client's time */
};

struct input_header {
    uint32_t seed;
    uint32_t size;
    uint8_t choices[4]; /* enum plan_choice: clear_error, late_buffers, complete, backed_up */
};

struct input_fault {
    uint8_t kind;   /* among those that a session has */
    uint8_t site;   /* among the kind's */
    uint8_t nth;    /* 0 is 1 */
    uint8_t how;    /* enum input_how */
    uint8_t device; /* 0 any, 1 each, 2 the first */
    uint8_t operation;
    uint8_t reserved[2];
    int32_t arg[FAULT_ARGS_MAX]; /* in the order of the kind's row */
};

enum input_how {
    INPUT_ONCE,
    INPUT_AND_LATER,
    INPUT_NEXT,
    INPUT_HOW_COUNT
};

enum {
    INPUT_MAX = sizeof(struct input_header) + INPUT_FAULTS_MAX * sizeof(struct input_fault)
};

bool input_has(enum fault_kind kind);

int input_read(const uint8_t *bytes, size_t size, struct plan *plan, struct fault_error *error,
               uint32_t *line);
/* Bytes written, at most INPUT_MAX. Faults beyond INPUT_FAULTS_MAX are left out. */
size_t input_write(const struct plan *plan, uint8_t bytes[INPUT_MAX]);

/* One step from one input to another: a fault more, fewer, twice, moved, with something else of it changed; a setting.
 * Pure in bytes and seed. The new size, at most `most`. */
size_t input_mutate(uint8_t *bytes, size_t size, size_t most, uint32_t seed);
size_t input_cross(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                   uint8_t *bytes, size_t most, uint32_t seed);

#endif
