/* The stream format: what is written comes back, and whatever was changed on the way is found where it is
 * (VDI-DATA-001). */
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "database.h"
#include "stripes.h"

enum {
    SIZE = 300001,
    BLOCK = 4096,
    TRANSFER = 65536,
    SEED = 5
};

/* A stream in memory, and what a reader made of its payload. */
struct sample {
    uint8_t *bytes;
    uint32_t length;
    uint32_t second_extent; /* offset of its header */
    uint32_t trailer;
    uint8_t *restored;
    struct stream_reader reader;
};

static uint32_t write_extents(struct sample *sample, uint64_t set_id, struct stripes *stripes,
                              uint64_t *count)
{
    uint32_t at = BLOCK;
    struct stripes_extent extent;
    while (stripes_next(stripes, &extent)) {
        struct stream_extent header = {.set_id = set_id,
                                       .sequence = (*count)++,
                                       .database_offset = extent.offset,
                                       .length = extent.length};
        database_generate(SEED, extent.offset, sample->bytes + at + STREAM_BLOCK, extent.length);
        stream_write_extent(sample->bytes + at, extent.transfer, &header);
        at += extent.transfer;
        if (*count == 1) {
            sample->second_extent = at;
        }
    }
    return at;
}

static struct sample *new_sample(void)
{
    struct stripes_parameters parameters = {
        .seed = 1, .database_size = SIZE, .device_count = 1, .block_size = BLOCK, .max_transfer = TRANSFER};
    struct stripes_total total;
    struct stripes stripes;
    stripes_totals(&parameters, &total);
    stripes_init(&stripes, &parameters);

    struct sample *sample = calloc(1, sizeof *sample);
    sample->length = (uint32_t)total.stream;
    sample->bytes = malloc(sample->length);
    sample->restored = calloc(1, SIZE);
    struct stream_header header = {.device_count = 1,
                                   .kind = STREAM_DATABASE,
                                   .block_size = BLOCK,
                                   .max_transfer = TRANSFER,
                                   .database_size = SIZE,
                                   .content_bytes = SIZE,
                                   .stripe_seed = 1,
                                   .stream_bytes = total.stream,
                                   .database = "pubs"};
    header.set_id = stream_set_id(&header);
    stream_write_header(sample->bytes, BLOCK, &header);
    uint64_t count = 0;
    sample->trailer = write_extents(sample, header.set_id, &stripes, &count);
    uint64_t digest = XXH64(sample->bytes, sample->trailer, 0);
    struct stream_trailer trailer = {.set_id = header.set_id,
                                     .extents = count,
                                     .payload = SIZE,
                                     .digest = digest,
                                     .set_digest = hash_digests(&digest, 1)};
    stream_write_trailer(sample->bytes + sample->trailer, BLOCK, &trailer);
    assert_int_equal(sample->trailer + BLOCK, sample->length);
    return sample;
}

static int setup(void **state)
{
    *state = new_sample();
    return 0;
}

static int teardown(void **state)
{
    struct sample *sample = *state;
    free(sample->bytes);
    free(sample->restored);
    free(sample);
    return 0;
}

static int keep(void *context, uint64_t offset, const uint8_t *data, size_t length)
{
    struct sample *sample = context;
    assert_true(offset + length <= SIZE);
    memcpy(sample->restored + offset, data, length);
    return 0;
}

/* Reads the sample in pieces of `step` bytes. */
static enum stream_fault read_back(struct sample *sample, uint32_t step)
{
    stream_reader_init(&sample->reader);
    enum stream_fault fault = STREAM_OK;
    for (uint32_t at = 0; at < sample->length && fault == STREAM_OK; at += step) {
        uint32_t piece = sample->length - at < step ? sample->length - at : step;
        fault = stream_reader_take(&sample->reader, sample->bytes + at, piece, keep, sample);
    }
    return fault;
}

static void what_was_written_comes_back(void **state)
{
    struct sample *sample = *state;
    static const uint32_t steps[] = {1, 7, 512, 4096, 65536, 1 << 20};
    uint8_t *expected = malloc(SIZE);
    database_generate(SEED, 0, expected, SIZE);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        memset(sample->restored, 0, SIZE);
        assert_int_equal(read_back(sample, steps[i]), STREAM_OK);
        assert_true(stream_reader_is_done(&sample->reader));
        assert_memory_equal(sample->restored, expected, SIZE);
        assert_string_equal(sample->reader.header.database, "pubs");
        assert_int_equal(sample->reader.payload, SIZE);
        assert_int_equal(sample->reader.trailer.set_digest,
                         hash_digests(&sample->reader.digest_before_trailer, 1));
    }
    free(expected);
}

static void the_format_is_little_endian_at_fixed_offsets(void **state)
{
    struct sample *sample = *state;
    assert_memory_equal(sample->bytes, "VDIFHDR1\2\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\0\x10\0\0\0\0\1\0", 32);
    assert_memory_equal(sample->bytes + 40, "\xe1\x93\4\0\0\0\0\0", 8);
    assert_memory_equal(sample->bytes + 80, "pubs", 5);
    assert_memory_equal(sample->bytes + BLOCK, "VDIFEXT1", 8);
    assert_memory_equal(sample->bytes + sample->trailer, "VDIFTRL1", 8);
}

/* A stream that an earlier version stored is still one; it lacks the numbers of the log. */
static void version_1_is_read(void **state)
{
    struct sample *sample = *state;
    sample->bytes[8] = 1;
    uint64_t hash = XXH64(sample->bytes, STREAM_BLOCK - 8, 0);
    memcpy(sample->bytes + STREAM_BLOCK - 8, &hash, sizeof hash);
    stream_reader_init(&sample->reader);
    assert_int_equal(stream_reader_take(&sample->reader, sample->bytes, BLOCK, NULL, NULL), STREAM_OK);
    assert_string_equal(sample->reader.header.database, "pubs");
    assert_int_equal(sample->reader.header.last_lsn, 0);
    sample->bytes[8] = 3;
    hash = XXH64(sample->bytes, STREAM_BLOCK - 8, 0);
    memcpy(sample->bytes + STREAM_BLOCK - 8, &hash, sizeof hash);
    assert_int_equal(read_back(sample, BLOCK), STREAM_BAD_HEADER);
}

/* Every single flipped byte is found, and nowhere but in the piece that holds it. */
static void every_changed_byte_is_found_in_its_place(void **state)
{
    struct sample *sample = *state;
    uint64_t random = 11;
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t at = i < 600 ? i : (uint32_t)(random_next(&random) % sample->length);
        sample->bytes[at] ^= 0x10;
        enum stream_fault fault = read_back(sample, 30000);
        sample->bytes[at] ^= 0x10;
        assert_int_not_equal(fault, STREAM_OK);
        assert_true(at >= sample->reader.fault_offset);
        assert_true(at < sample->reader.fault_offset + sample->reader.fault_length);
        assert_true(sample->reader.fault_length <= 1536);
    }
}

static void damage_is_told_by_kind(void **state)
{
    struct sample *sample = *state;
    const struct {
        uint32_t at;
        enum stream_fault fault;
    } cases[] = {
        {0, STREAM_BAD_HEADER},
        {100, STREAM_BAD_HEADER},
        {STREAM_BLOCK + 1, STREAM_BAD_PADDING},
        {BLOCK, STREAM_BAD_EXTENT},
        {BLOCK + 20, STREAM_BAD_EXTENT},
        {BLOCK + STREAM_BLOCK, STREAM_BAD_PAYLOAD},
        {sample->second_extent + 16, STREAM_BAD_EXTENT},
        {sample->trailer + 16, STREAM_BAD_EXTENT},
        {sample->length - 1, STREAM_BAD_PADDING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample->bytes[cases[i].at] ^= 1;
        assert_int_equal(read_back(sample, 4096), cases[i].fault);
        sample->bytes[cases[i].at] ^= 1;
    }
    assert_int_equal(read_back(sample, 4096), STREAM_OK);
}

static void a_changed_payload_names_its_place_in_the_database(void **state)
{
    struct sample *sample = *state;
    sample->bytes[sample->second_extent + STREAM_BLOCK + 3000] ^= 1;
    assert_int_equal(read_back(sample, 4096), STREAM_BAD_PAYLOAD);
    const struct stream_reader *reader = &sample->reader;
    uint64_t first = reader->extent.database_offset;
    assert_int_equal(reader->extent.sequence, 1);
    assert_true(reader->fault_database_offset <= first + 3000);
    assert_true(first + 3000 < reader->fault_database_offset + reader->fault_length);
}

static void a_missing_extent_is_a_misplaced_one(void **state)
{
    struct sample *sample = *state;
    /* The second extent takes the place of the first: sound, but with the wrong number. */
    uint32_t length = sample->length - sample->second_extent;
    memmove(sample->bytes + BLOCK, sample->bytes + sample->second_extent, length);
    sample->length = BLOCK + length;
    assert_int_equal(read_back(sample, 4096), STREAM_MISPLACED);
    assert_int_equal(sample->reader.fault_offset, BLOCK);
}

static void a_stream_of_another_set_is_misplaced(void **state)
{
    struct sample *sample = *state;
    struct stream_extent header = {.set_id = 1, .length = 100};
    stream_write_extent(sample->bytes + BLOCK, BLOCK, &header);
    assert_int_equal(read_back(sample, 4096), STREAM_MISPLACED);
}

static void a_lost_tail_is_not_done(void **state)
{
    struct sample *sample = *state;
    for (uint32_t cut = 0; cut < sample->length; cut += 4096) {
        uint32_t length = sample->length;
        sample->length = cut;
        assert_int_equal(read_back(sample, 65536), STREAM_OK);
        assert_false(stream_reader_is_done(&sample->reader));
        sample->length = length;
    }
}

static void bytes_after_the_end_are_a_fault(void **state)
{
    struct sample *sample = *state;
    assert_int_equal(read_back(sample, 65536), STREAM_OK);
    assert_int_equal(stream_reader_take(&sample->reader, (const uint8_t *)"", 1, keep, sample),
                     STREAM_EXCESS);
    assert_int_equal(sample->reader.fault_offset, sample->length);
}

static void a_trailer_too_early_is_a_fault(void **state)
{
    struct sample *sample = *state;
    memmove(sample->bytes + sample->second_extent, sample->bytes + sample->trailer, BLOCK);
    sample->length = sample->second_extent + BLOCK;
    assert_int_equal(read_back(sample, 4096), STREAM_BAD_TRAILER);
}

/* A forged header with a sound checksum must not make the reader divide by zero or leave its arrays. */
static void sound_nonsense_is_refused(void **state)
{
    struct sample *sample = *state;
    struct stream_header header = {.device_count = 1,
                                   .kind = STREAM_DATABASE,
                                   .block_size = BLOCK,
                                   .max_transfer = TRANSFER,
                                   .database_size = SIZE,
                                   .content_bytes = SIZE,
                                   .stream_bytes = 2 * BLOCK};
    struct stream_header bad[14];
    for (size_t i = 0; i < 14; i++) {
        bad[i] = header;
    }
    bad[0].device_count = 65;
    bad[1].block_size = 0;
    bad[2].block_size = 1000;
    bad[3].max_transfer = 512;
    bad[4].device = 1;
    bad[5].stream_bytes = UINT64_MAX;
    bad[6].content_bytes--;
    bad[7].snapshot = true; /* and yet content */
    bad[8].kind = STREAM_DIFFERENTIAL;
    bad[8].content_bytes = SIZE + 1;
    bad[9].kind = 4;
    bad[10].soft_mark = BLOCK + 1;
    bad[11].first_lsn = 1; /* and no end */
    bad[12].last_lsn = UINT64_MAX;
    bad[13].base_lsn = bad[13].last_lsn + 1;
    for (size_t i = 0; i < 14; i++) {
        bad[i].set_id = stream_set_id(&bad[i]);
        stream_write_header(sample->bytes, BLOCK, &bad[i]);
        assert_int_equal(read_back(sample, 4096), STREAM_BAD_HEADER);
    }
}

static int refuse(void *context, uint64_t offset, const uint8_t *data, size_t length)
{
    (void)context, (void)data, (void)length;
    return offset == 0 ? 28 : 0;
}

static void a_refusing_sink_ends_it(void **state)
{
    struct sample *sample = *state;
    stream_reader_init(&sample->reader);
    assert_int_equal(stream_reader_take(&sample->reader, sample->bytes, sample->length, refuse, NULL),
                     STREAM_REFUSED);
    assert_int_equal(sample->reader.refusal, 28);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_comes_back),
        TEST(the_format_is_little_endian_at_fixed_offsets),
        TEST(version_1_is_read),
        TEST(every_changed_byte_is_found_in_its_place),
        TEST(damage_is_told_by_kind),
        TEST(a_changed_payload_names_its_place_in_the_database),
        TEST(a_missing_extent_is_a_misplaced_one),
        TEST(a_stream_of_another_set_is_misplaced),
        TEST(a_lost_tail_is_not_done),
        TEST(bytes_after_the_end_are_a_fault),
        TEST(a_trailer_too_early_is_a_fault),
        TEST(sound_nonsense_is_refused),
        TEST(a_refusing_sink_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
