/* test_trace.c - the trace file: what is written comes back; cut, damaged and forged files are refused in words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runstate.h"
#include "trace_internal.h"

enum {
    FEW = 5,
    MANY = 3000 /* several blocks */
};

struct file {
    char *bytes;
    size_t size;
};

static const char *const strings[] = {"argument=./client", "argument=two words\n", "plan=fault lost-close\n",
                                      "unknown=1"};

/* Text of every length, the longest and one too long among them. */
static void text_of(uint64_t number, char text[EVENT_TEXT_MAX + 2])
{
    size_t length = number == 3 ? EVENT_TEXT_MAX + 1 : (size_t)(number * 37 % 200);
    memset(text, 'a' + (int)(number % 26), length);
    text[length] = '\0';
}

static struct event event_of(uint64_t number)
{
    return (struct event){.sequence = number * 2,
                          .time_ns = number * 1000,
                          .version = EVENT_VERSION,
                          .kind = EVENT_CALL_END,
                          .side = EVENT_SIDE_CLIENT,
                          .function = VDI_FN_GET_COMMAND,
                          .device = -1,
                          .operation = RUN_OPERATIONS_MAX - 1,
                          .result = -1,
                          .repeat = 7,
                          .arg = {INT64_MIN, 1, 2, 3, 4, 5, INT64_MAX}};
}

static struct file written(uint64_t events)
{
    struct file file = {0};
    struct trace_writer *writer = NULL;
    struct trace_numbers numbers = {.events = events, .dropped = 3, .started = 11, .wall_ms = 12};
    char text[EVENT_TEXT_MAX + 2];
    FILE *out = open_memstream(&file.bytes, &file.size);
    assert_non_null(out);
    assert_int_equal(trace_write_start(out, &numbers, strings, 4, &writer), 0);
    for (uint64_t i = 0; i < events; i++) {
        struct event event = event_of(i);
        text_of(i, text);
        assert_int_equal(trace_write_event(writer, &event, text), 0);
    }
    assert_int_equal(trace_write_end(writer), 0);
    fclose(out);
    return file;
}

/* Reads all there is; how many events were good. `error` is empty if the file is whole. */
static uint64_t read_all(const void *bytes, size_t size, char error[TRACE_ERROR_MAX])
{
    struct trace_reader *reader = NULL;
    struct event event;
    const char *text;
    uint64_t events = 0;
    FILE *in = size > 0 ? fmemopen((void *)(uintptr_t)bytes, size, "r") : fopen("/dev/null", "r");
    assert_non_null(in);
    enum trace_result result = TRACE_BAD;
    if (trace_read_start(in, &reader) == 0) {
        while ((result = trace_read_event(reader, &event, &text)) == TRACE_EVENT) {
            assert_true(strlen(text) <= EVENT_TEXT_MAX);
            assert_null(event_defect(&event));
            events++;
        }
        assert_int_equal(trace_read_event(reader, &event, &text), result); /* and stays so */
    }
    snprintf(error, TRACE_ERROR_MAX, "%s", result == TRACE_BAD ? trace_error(reader) : "");
    assert_true(result != TRACE_BAD || strncmp(error, "byte ", 5) == 0);
    trace_read_end(reader);
    fclose(in);
    return events;
}

static void brings_everything_back(void **state)
{
    (void)state;
    struct file file = written(MANY);
    struct trace_reader *reader = NULL;
    struct event event;
    const char *text;
    char expected[EVENT_TEXT_MAX + 2];
    FILE *in = fmemopen(file.bytes, file.size, "r");
    assert_true(trace_recognize(in));
    rewind(in);
    assert_int_equal(trace_read_start(in, &reader), 0);
    assert_int_equal(trace_numbers(reader)->dropped, 3);
    assert_int_equal(trace_numbers(reader)->wall_ms, 12);
    assert_string_equal(trace_string(reader, "argument", 1), "two words\n");
    assert_null(trace_string(reader, "argument", 2));
    assert_null(trace_string(reader, "arg", 0));
    assert_string_equal(trace_string(reader, "plan", 0), "fault lost-close\n");
    for (uint64_t i = 0; i < MANY; i++) {
        struct event wanted = event_of(i);
        assert_int_equal(trace_read_event(reader, &event, &text), TRACE_EVENT);
        text_of(i, expected);
        expected[EVENT_TEXT_MAX] = '\0';
        assert_string_equal(text, expected);
        wanted.text_records = event.text_records;
        assert_memory_equal(&event, &wanted, sizeof event);
    }
    assert_int_equal(trace_read_event(reader, &event, &text), TRACE_DONE);
    assert_int_equal(trace_read_event(reader, &event, &text), TRACE_DONE);
    trace_read_end(reader);
    fclose(in);
    free(file.bytes);
}

/* Wherever it ends too early, that byte is named. */
static void says_where_a_file_was_cut(void **state)
{
    (void)state;
    char error[TRACE_ERROR_MAX], where[40];
    struct file file = written(FEW);
    for (size_t size = 0; size < file.size; size++) {
        read_all(file.bytes, size, error);
        snprintf(where, sizeof where, "byte %zu: the file ends here", size);
        assert_ptr_equal(strstr(error, where), error);
    }
    read_all(file.bytes, file.size, error);
    assert_string_equal(error, "");
    free(file.bytes);
    file = written(MANY); /* what lies before the cut is readable */
    assert_true(read_all(file.bytes, file.size - sizeof(struct trace_block), error) == MANY);
    assert_true(read_all(file.bytes, file.size / 2, error) > MANY / 3);
    free(file.bytes);
}

/* No single flipped bit goes unnoticed, but for those of the reserved word. */
static void notices_every_flipped_bit(void **state)
{
    (void)state;
    char error[TRACE_ERROR_MAX];
    struct file file = written(FEW);
    for (size_t bit = 0; bit < file.size * 8; bit++) {
        size_t byte = bit / 8;
        file.bytes[byte] ^= (char)(1 << bit % 8);
        read_all(file.bytes, file.size, error);
        if ((byte < offsetof(struct trace_prologue, reserved) || byte >= sizeof(struct trace_prologue)) &&
            error[0] == '\0') {
            fail_msg("bit %zu of byte %zu", bit % 8, byte);
        }
        file.bytes[byte] ^= (char)(1 << bit % 8);
    }
    free(file.bytes);
}

static void takes_nothing_after_the_end(void **state)
{
    (void)state;
    char error[TRACE_ERROR_MAX];
    struct file file = written(FEW);
    file.bytes = realloc(file.bytes, file.size + 1);
    file.bytes[file.size] = 0;
    read_all(file.bytes, file.size + 1, error);
    assert_non_null(strstr(error, "expected the end of the file"));
    free(file.bytes);
}

/* ---- forged: the hash is right, the contents are not ---- */

struct forgery {
    struct event event;
    uint32_t kind, length; /* of the block; length 0: the event's size */
    const char *expected;
};

#define GOOD                                               \
    {                                                      \
        .sequence = 9, .kind = EVENT_NOTE, .operation = -1 \
    }

static const struct forgery forgeries[] = {
    {{.kind = 0}, TRACE_EVENTS, 0, "its kind lies outside"},
    {{.kind = EVENT_TEXT}, TRACE_EVENTS, 0, "its kind lies outside"},
    {{.kind = EVENT_KIND_COUNT}, TRACE_EVENTS, 0, "its kind lies outside"},
    {{.kind = EVENT_CALL_BEGIN}, TRACE_EVENTS, 0, "its function lies outside"},
    {{.kind = EVENT_NOTE, .function = 60000}, TRACE_EVENTS, 0, "its function lies outside"},
    {{.kind = EVENT_NOTE, .device = RUN_DEVICES_MAX}, TRACE_EVENTS, 0, "its device lies outside"},
    {{.kind = EVENT_NOTE, .operation = -2}, TRACE_EVENTS, 0, "its operation lies outside"},
    {{.kind = EVENT_FAULT, .arg = {PLAN_FAULTS_MAX}}, TRACE_EVENTS, 0, "its fault lies outside"},
    {{.kind = EVENT_NOTE, .text_records = 1}, TRACE_EVENTS, 0, "expected at most 0 bytes of text, found 64"},
    {{.kind = EVENT_NOTE, .text_records = UINT32_MAX}, TRACE_EVENTS, 0, "bytes of text, found 274877906880"},
    {GOOD, TRACE_EVENTS, 64, "expected an event of 128 bytes, found 64"},
    {GOOD, TRACE_EVENTS, 8, "expected an event of 128 bytes, found 8"},
    {GOOD, TRACE_EVENTS, 4, "a multiple of 8, found 4"},
    {GOOD, TRACE_EVENTS, TRACE_BLOCK_MAX + 8, "at most 65536"},
    {GOOD, TRACE_EVENTS, UINT32_MAX, "at most 65536"},
    {GOOD, TRACE_START, 128, "found kind 1"},
    {GOOD, TRACE_END, 8, "at most 0"},
    {GOOD, 0, 0, "expected the kind of a block"},
    {GOOD, 77, 0, "found 77"},
};

static void refuses_forged_events(void **state)
{
    (void)state;
    char error[TRACE_ERROR_MAX];
    struct file file = written(0);
    size_t start = file.size - sizeof(struct trace_block); /* without the END */
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
        const struct forgery *forgery = &forgeries[i];
        uint32_t length = forgery->length != 0 ? forgery->length : (uint32_t)sizeof forgery->event;
        uint32_t there = length < sizeof forgery->event ? length : (uint32_t)sizeof forgery->event;
        struct trace_block block = {forgery->kind, length,
                                    trace_hash(forgery->kind, length > there ? 0 : there, &forgery->event)};
        size_t size = start + sizeof block + there;
        char *bytes = malloc(size);
        memcpy(bytes, file.bytes, start);
        memcpy(bytes + start, &block, sizeof block);
        memcpy(bytes + start + sizeof block, &forgery->event, there);
        assert_int_equal(read_all(bytes, size, error), 0);
        if (strstr(error, forgery->expected) == NULL) {
            fail_msg("forgery %zu: expected '%s' in '%s'", i, forgery->expected, error);
        }
        free(bytes);
    }
    free(file.bytes);
}

/* Random bytes with right hashes, by a fixed generator: no crash, and words for what is wrong. */
static void survives_garbage(void **state)
{
    (void)state;
    char error[TRACE_ERROR_MAX];
    uint64_t random = 88172645463325252u;
    struct file file = written(FEW);
    size_t first = sizeof(struct trace_prologue);
    for (int round = 0; round < 20000; round++) {
        char *bytes = malloc(file.size);
        memcpy(bytes, file.bytes, file.size);
        for (int change = 0; change < 3; change++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes[first + random % (file.size - first)] = (char)(random >> 32);
        }
        for (size_t at = first; at + sizeof(struct trace_block) <= file.size;) {
            struct trace_block block;
            memcpy(&block, bytes + at, sizeof block);
            size_t left = file.size - at - sizeof block;
            size_t length = block.length < left ? block.length : left;
            block.hash = trace_hash(block.kind, (uint32_t)length, bytes + at + sizeof block);
            memcpy(bytes + at, &block, sizeof block);
            at += sizeof block + length;
        }
        assert_true(read_all(bytes, file.size, error) <= FEW);
        free(bytes);
    }
    free(file.bytes);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct trace_writer *writer = NULL;
    struct trace_numbers numbers = {.events = MANY};
    struct event event = event_of(1);
    FILE *out = fopen("/dev/full", "w");
    assert_non_null(out);
    assert_int_equal(trace_write_start(out, &numbers, strings, 4, &writer), 0);
    for (int i = 0; i < MANY; i++) {
        trace_write_event(writer, &event, "");
    }
    assert_int_equal(trace_write_end(writer), ENOSPC);
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brings_everything_back),    cmocka_unit_test(says_where_a_file_was_cut),
        cmocka_unit_test(notices_every_flipped_bit), cmocka_unit_test(takes_nothing_after_the_end),
        cmocka_unit_test(refuses_forged_events),     cmocka_unit_test(survives_garbage),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
