/* test_cli_sanitizer_text.c - what is read out of the reports of gcc's and clang's sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sanitizer_text.h"

static struct sanitizer_text read_text(const char *given)
{
    struct sanitizer_text text;
    FILE *in = fmemopen((void *)(uintptr_t)given, strlen(given), "r");
    assert_non_null(in);
    sanitizer_text_read(in, NULL, &text);
    fclose(in);
    return text;
}

static void expect_frame(const struct sanitizer_frame *frame, uint64_t address, const char *function,
                         const char *path, unsigned line)
{
    assert_int_equal(frame->address, address);
    assert_string_equal(frame->function, function);
    assert_string_equal(frame->path, path);
    assert_int_equal(frame->line, line);
}

static void a_stack_is_read(void **state)
{
    struct sanitizer_text text = read_text(
        "the client's own words\n"
        "==================\n"
        "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010 at pc 0x7febc7848061\n"
        "WRITE of size 5 at 0x602000000010 thread T0\n"
        "    #0 0x10 in __interceptor_memcpy ../../../../src/libsanitizer/interceptors.inc:827\n"
        "    #1 0x20 in backup::store(int, char*) /src/a b/client.cpp:3:60\n"
        "    #2 0x30  (/bin/client+0xa3529) (BuildId: b3133956)\n"
        "    #3 0x40 in _start (/bin/client+0x10d0)\n"
        "\n"
        "freed by thread T0 here:\n"
        "    #0 0x50 in free\n");
    (void)state;
    assert_string_equal(text.kind, "heap-use-after-free");
    assert_int_equal(text.frame_count, 4);
    expect_frame(&text.frames[0], 0x10, "__interceptor_memcpy",
                 "../../../../src/libsanitizer/interceptors.inc", 827);
    assert_string_equal(text.frames[1].function, "backup::store");
    assert_int_equal(text.frames[1].line, 3);
    expect_frame(&text.frames[2], 0x30, "", "", 0);
    expect_frame(&text.frames[3], 0x40, "_start", "", 0);
}

static void kinds_have_no_numbers(void **state)
{
    static const struct {
        const char *line, *kind;
    } rows[] = {
        {"==1==ERROR: AddressSanitizer: attempting double-free on 0x602000000010 in thread T0:",
         "attempting double-free"},
        {"==1==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000000 (pc 0x0)", "SEGV"},
        {"==1==ERROR: AddressSanitizer: memcpy-param-overlap: memory ranges [0x60,0x61)",
         "memcpy-param-overlap"},
        {"==1==ERROR: AddressSanitizer: requested allocation size 0xffff (0x0 after adjustments)",
         "requested allocation size"},
        {"==1==ERROR: LeakSanitizer: detected memory leaks", "detected memory leaks"},
        {"WARNING: ThreadSanitizer: data race (pid=12)", "data race"},
        {"==1==WARNING: MemorySanitizer: use-of-uninitialized-value", "use-of-uninitialized-value"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sanitizer_text text = read_text(rows[i].line);
        assert_string_equal(text.line, rows[i].line);
        assert_string_equal(text.kind, rows[i].kind);
    }
}

static void undefined_behaviour_has_its_place_in_its_line(void **state)
{
    struct sanitizer_text text = read_text(
        "/src/client.c:42:7: runtime error: signed integer overflow: 2147483647 + 1 "
        "cannot be represented in type 'int'\n");
    (void)state;
    assert_string_equal(text.kind, "signed integer overflow");
    assert_int_equal(text.frame_count, 1);
    expect_frame(&text.frames[0], 0, "", "/src/client.c", 42);
}

static void no_report_is_none(void **state)
{
    struct sanitizer_text text =
        read_text("==1==WARNING: ASan is ignoring requested __asan_handle_no_return\n");
    (void)state;
    assert_string_equal(text.line, "");
    assert_string_equal(text.kind, "");
    assert_int_equal(text.frame_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_is_read),
        cmocka_unit_test(kinds_have_no_numbers),
        cmocka_unit_test(undefined_behaviour_has_its_place_in_its_line),
        cmocka_unit_test(no_report_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
