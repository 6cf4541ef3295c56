/* How a database is cut up and spread: covered exactly once, unevenly, and the same every time (design 5). */
#include "stripes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream.h"

static struct stripes_parameters parameters_of(uint64_t size, uint32_t devices, uint32_t block,
                                               uint32_t transfer)
{
    return (struct stripes_parameters){.seed = 7,
                                       .database_size = size,
                                       .device_count = devices,
                                       .block_size = block,
                                       .max_transfer = transfer};
}

static void check_cover(uint64_t size, uint32_t devices, uint32_t block, uint32_t transfer)
{
    struct stripes_parameters parameters = parameters_of(size, devices, block, transfer);
    struct stripes stripes;
    struct stripes_extent extent;
    uint64_t at = 0;
    stripes_init(&stripes, &parameters);
    while (stripes_next(&stripes, &extent)) {
        assert_int_equal(extent.offset, at);
        assert_true(extent.length >= 1);
        assert_true(extent.transfer <= transfer);
        assert_int_equal(extent.transfer % block, 0);
        assert_int_equal(extent.transfer, stream_padded(STREAM_BLOCK + extent.length, block));
        assert_true(extent.device < devices);
        at += extent.length;
    }
    assert_int_equal(at, size);
}

static void every_byte_is_in_exactly_one_extent(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 511, 512, 513, 65024, 65025, 65536, 1000003, 9 << 20};
    static const uint32_t blocks[] = {512, 4096, 65536};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < sizeof blocks / sizeof blocks[0]; j++) {
            check_cover(sizes[i], 1, blocks[j], 65536);
            check_cover(sizes[i], 8, blocks[j], 65536);
            check_cover(sizes[i], 64, blocks[j], 4 << 20);
        }
    }
}

static void devices_walk_the_same_sequence(void **state)
{
    (void)state;
    struct stripes_parameters parameters = parameters_of(5000001, 3, 512, 65536);
    struct stripes all, own[3];
    struct stripes_extent extent, mine;
    stripes_init(&all, &parameters);
    for (uint32_t i = 0; i < 3; i++) {
        stripes_init(&own[i], &parameters);
    }
    while (stripes_next(&all, &extent)) {
        assert_true(stripes_next_of(&own[extent.device], extent.device, &mine));
        assert_int_equal(mine.offset, extent.offset);
        assert_int_equal(mine.length, extent.length);
        assert_int_equal(mine.transfer, extent.transfer);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_false(stripes_next_of(&own[i], i, &mine));
    }
}

static void totals_are_what_the_walk_gives(void **state)
{
    (void)state;
    struct stripes_parameters parameters = parameters_of(5000001, 4, 4096, 131072);
    struct stripes_total totals[4];
    stripes_totals(&parameters, totals);
    uint64_t payload = 0;
    for (uint32_t i = 0; i < 4; i++) {
        struct stripes stripes;
        struct stripes_extent extent;
        struct stripes_total total = {.stream = 2 * 4096};
        stripes_init(&stripes, &parameters);
        while (stripes_next_of(&stripes, i, &extent)) {
            total.extents++;
            total.payload += extent.length;
            total.stream += extent.transfer;
        }
        assert_memory_equal(&total, &totals[i], sizeof total);
        payload += total.payload;
    }
    assert_int_equal(payload, 5000001);
}

/* Chunks as a whole, each once, about a quarter of all; where, is the same on every device. */
static void a_differential_has_a_part_of_the_chunks(void **state)
{
    (void)state;
    enum {
        CHUNKS = 256
    };
    struct stripes_parameters parameters = parameters_of((uint64_t)CHUNKS * STRIPES_CHUNK - 5, 3, 512, 65536);
    parameters.differential = true;
    static uint32_t covered[CHUNKS];
    struct stripes stripes;
    struct stripes_extent extent;
    uint64_t at = 0, bytes = 0;
    stripes_init(&stripes, &parameters);
    while (stripes_next(&stripes, &extent)) {
        assert_true(extent.offset >= at && extent.length >= 1);
        at = extent.offset + extent.length;
        bytes += extent.length;
        for (uint64_t i = extent.offset; i < at; i++) {
            covered[i / STRIPES_CHUNK]++;
        }
    }
    uint32_t changed = 0;
    for (uint32_t i = 0; i < CHUNKS; i++) {
        assert_true(covered[i] == 0 || covered[i] == STRIPES_CHUNK || (i == CHUNKS - 1));
        changed += covered[i] != 0;
    }
    assert_in_range(changed, CHUNKS / 8, CHUNKS / 2);
    struct stripes_total totals[3];
    stripes_totals(&parameters, totals);
    assert_int_equal(totals[0].payload + totals[1].payload + totals[2].payload, bytes);
    parameters.database_size = 0;
    stripes_init(&stripes, &parameters);
    assert_false(stripes_next(&stripes, &extent));
}

static void sizes_and_shares_vary(void **state)
{
    (void)state;
    struct stripes_parameters parameters = parameters_of(64 << 20, 4, 512, 65536);
    struct stripes stripes;
    struct stripes_extent extent;
    uint32_t count = 0, full = 0;
    stripes_init(&stripes, &parameters);
    while (stripes_next(&stripes, &extent)) {
        count++;
        full += extent.transfer == 65536;
    }
    assert_true(full > count / 2 && full < count);

    struct stripes_total totals[4];
    stripes_totals(&parameters, totals);
    uint64_t least = UINT64_MAX, most = 0;
    for (uint32_t i = 0; i < 4; i++) {
        least = totals[i].payload < least ? totals[i].payload : least;
        most = totals[i].payload > most ? totals[i].payload : most;
    }
    assert_true(least > 0 && most > least + least / 4);
}

static void another_seed_is_another_sequence(void **state)
{
    (void)state;
    struct stripes_parameters parameters = parameters_of(8 << 20, 2, 512, 65536);
    struct stripes_total first[2], again[2], other[2];
    stripes_totals(&parameters, first);
    stripes_totals(&parameters, again);
    parameters.seed++;
    stripes_totals(&parameters, other);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
}

static void transfers_reach_both_bounds(void **state)
{
    (void)state;
    uint64_t random = 3;
    bool least = false, most = false;
    for (int i = 0; i < 10000; i++) {
        uint32_t size = random_transfer(&random, 4096, 2, 16);
        assert_true(size >= 2 * 4096 && size <= 16 * 4096 && size % 4096 == 0);
        least = least || size == 2 * 4096;
        most = most || size == 16 * 4096;
    }
    assert_true(least && most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_in_exactly_one_extent),
        cmocka_unit_test(devices_walk_the_same_sequence),
        cmocka_unit_test(totals_are_what_the_walk_gives),
        cmocka_unit_test(a_differential_has_a_part_of_the_chunks),
        cmocka_unit_test(sizes_and_shares_vary),
        cmocka_unit_test(another_seed_is_another_sequence),
        cmocka_unit_test(transfers_reach_both_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
