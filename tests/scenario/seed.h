/* seed.h - the scenario of a seed's file, in either form. What is none fails the test, with its place. */
#ifndef TEST_SCENARIO_SEED_H
#define TEST_SCENARIO_SEED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "scenario.h"

enum {
    SEED_MAX = 1 << 16 /* bytes */
};

static inline void read_seed(const char *path, struct scenario *scenario)
{
    static uint8_t bytes[SEED_MAX];
    struct fault_error error;
    uint32_t line = 0;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (scenario_read(bytes, length, scenario, NULL, &error, &line) != 0) {
        fail_msg("%s:%u:%zu: %s", path, line, error.offset, error.message);
    }
}

#endif
