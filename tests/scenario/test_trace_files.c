/* test_trace_files.c - trace files as disks and strangers make them: writing that fails at once or at the end, reading
 * that fails, and blocks that are well-formed but not where they may be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace_internal.h"

static const char *const strings[] = {"argument=client"};
static const struct trace_numbers numbers = {.events = 0};

/* ---- writing ---- */

static void a_full_disk_is_told_at_the_start(void **state)
{
    (void)state;
    struct trace_writer *writer = NULL;
    FILE *out = fopen("/dev/full", "w");
    assert_non_null(out);
    setvbuf(out, NULL, _IONBF, 0);
    assert_int_equal(trace_write_start(out, &numbers, strings, 1, &writer), ENOSPC);
    assert_null(writer);
    fclose(out);
}

static void a_full_disk_is_told_at_the_end(void **state)
{
    (void)state;
    struct trace_writer *writer = NULL;
    FILE *out = fopen("/dev/full", "w");
    assert_non_null(out);
    assert_int_equal(trace_write_start(out, &numbers, strings, 1, &writer), 0); /* still in stdio's buffer */
    assert_int_equal(trace_write_end(writer), ENOSPC);
    fclose(out);
}

static ssize_t write_nothing(void *unused, const char *bytes, size_t size)
{
    (void)unused, (void)bytes, (void)size;
    errno = 0;
    return 0;
}

static ssize_t read_nothing(void *unused, char *bytes, size_t size)
{
    (void)unused, (void)bytes, (void)size;
    errno = 0;
    return -1;
}

/* Where the stream fails and does not say why, it is an I/O error. */
static void a_failure_without_a_reason_is_told(void **state)
{
    (void)state;
    const cookie_io_functions_t functions = {.read = read_nothing, .write = write_nothing};
    struct trace_writer *writer = NULL;
    struct trace_reader *reader = NULL;
    FILE *file = fopencookie(NULL, "w", functions);
    assert_non_null(file);
    assert_int_equal(trace_write_start(file, &numbers, strings, 1, &writer), 0);
    assert_int_equal(trace_write_end(writer), EIO);
    fclose(file);
    file = fopencookie(NULL, "w", functions);
    assert_non_null(file);
    setvbuf(file, NULL, _IONBF, 0);
    assert_int_equal(trace_write_start(file, &numbers, strings, 1, &writer), EIO);
    fclose(file);
    file = fopencookie(NULL, "r", functions);
    assert_non_null(file);
    assert_int_equal(trace_read_start(file, &reader), EINVAL);
    assert_string_equal(trace_error(reader), "byte 0: cannot read the prologue: Input/output error");
    trace_read_end(reader);
    fclose(file);
}

static void more_strings_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    static char longest[TRACE_START_MAX + 1];
    const char *const both[] = {longest, "argument=client"};
    struct trace_writer *writer = NULL;
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    memset(longest, 'x', TRACE_START_MAX);
    assert_int_equal(trace_write_start(out, &numbers, both, 2, &writer), E2BIG);
    assert_null(writer);
    longest[TRACE_START_MAX - sizeof numbers - 1] = '\0'; /* just as many as there is room for */
    assert_int_equal(trace_write_start(out, &numbers, both, 1, &writer), 0);
    assert_int_equal(trace_write_end(writer), 0);
    assert_int_equal(trace_write_start(out, &numbers, both, 2, &writer), E2BIG);
    fclose(out);
}

/* ---- reading ---- */

static void a_folder_is_no_trace(void **state)
{
    (void)state;
    struct trace_reader *reader = NULL;
    FILE *in = fopen("/", "r");
    assert_non_null(in);
    assert_false(trace_recognize(in));
    rewind(in);
    assert_int_equal(trace_read_start(in, &reader), EINVAL);
    assert_string_equal(trace_error(reader), "byte 0: cannot read the prologue: Is a directory");
    trace_read_end(reader);
    trace_read_end(NULL);
    fclose(in);
}

static void other_files_are_not_recognized(void **state)
{
    (void)state;
    char wrong[] = TRACE_MAGIC;
    wrong[sizeof wrong - 2] ^= 1;
    FILE *in = fmemopen(wrong, sizeof wrong, "r");
    assert_non_null(in);
    assert_false(trace_recognize(in));
    fclose(in);
    in = fmemopen(wrong, 3, "r");
    assert_non_null(in);
    assert_false(trace_recognize(in));
    fclose(in);
}

/* A whole file without events, with a block of no contents but the hash that belongs to it put in place of its START,
 * or before its END. */
static void expect_refusal(bool at_start, uint32_t kind, uint32_t length, const char *expected)
{
    static const char zeros[64];
    struct trace_block block = {kind, length, trace_hash(kind, length, zeros)};
    struct trace_writer *writer = NULL;
    struct trace_reader *reader = NULL;
    struct event event;
    const char *text;
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);
    assert_non_null(file);
    assert_int_equal(trace_write_start(file, &numbers, strings, 1, &writer), 0);
    assert_int_equal(trace_write_end(writer), 0);
    fseek(file, at_start ? (long)sizeof(struct trace_prologue) : (long)(size - sizeof block), SEEK_SET);
    fwrite(&block, sizeof block, 1, file);
    fwrite(zeros, 1, length, file);
    fclose(file);
    file = fmemopen(bytes, size, "r");
    assert_non_null(file);
    bool started = trace_read_start(file, &reader) == 0;
    assert_int_equal(started, !at_start);
    assert_true(!started || trace_read_event(reader, &event, &text) == TRACE_BAD);
    if (strstr(trace_error(reader), expected) == NULL) {
        fail_msg("expected '%s' in '%s'", expected, trace_error(reader));
    }
    trace_read_end(reader);
    fclose(file);
    free(bytes);
}

static void blocks_out_of_place_are_refused(void **state)
{
    (void)state;
    expect_refusal(true, TRACE_END, 0,
                   "expected a START block (kind 1) of at least 40 bytes, found kind 3 with 0");
    expect_refusal(true, TRACE_EVENTS, 48, "found kind 2 with 48");
    expect_refusal(true, TRACE_START, 32, "found kind 1 with 32");
    expect_refusal(false, TRACE_EVENTS, 0, "found kind 2 with 0 bytes");
    expect_refusal(false, TRACE_START, 0, "found kind 1 with 0 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_is_told_at_the_start),
        cmocka_unit_test(a_full_disk_is_told_at_the_end),
        cmocka_unit_test(a_failure_without_a_reason_is_told),
        cmocka_unit_test(more_strings_than_there_is_room_for_are_refused),
        cmocka_unit_test(a_folder_is_no_trace),
        cmocka_unit_test(other_files_are_not_recognized),
        cmocka_unit_test(blocks_out_of_place_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
