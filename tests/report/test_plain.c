/* test_plain.c - nothing that others wrote steers a terminal; our own colors do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"
#include "text_print.h"

#define GONE "\xef\xbf\xbd"

/* What comes out, the text written `piece` bytes at a time. */
static char *through(const char *text, size_t piece)
{
    char *written = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&written, &size);
    assert_non_null(out);
    FILE *plain = plain_open(out);
    assert_non_null(plain);
    for (size_t at = 0, length = strlen(text); at < length; at += piece) {
        size_t count = length - at < piece ? length - at : piece;
        assert_int_equal(fwrite(text + at, 1, count, plain), count);
        assert_int_equal(fflush(plain), 0);
    }
    assert_int_equal(plain_close(plain), 0);
    fclose(out);
    return written;
}

static void test_text(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"a line\n\tand a tabulator: \xc3\xbc \xc2\xa7", "a line\n\tand a tabulator: \xc3\xbc \xc2\xa7"},
        {TEXT_BOLD TEXT_YELLOW "ours" TEXT_PLAIN, TEXT_BOLD TEXT_YELLOW "ours" TEXT_PLAIN},
        {"\033[2J", GONE "[2J"},
        {"\033[3\033[1m", GONE "[3" TEXT_BOLD},
        {"\033\033[0m\033", GONE TEXT_PLAIN GONE},
        {"\r\b\a\x7f", GONE GONE GONE GONE},
        {"\xc2\x9b"
         "2J\xc2",
         GONE "2J\xc2"},
        {"\xc2\xc2\x80\xc2\033[0m", "\xc2" GONE "\xc2" TEXT_PLAIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t piece = 1; piece < 8; piece++) {
            char *text = through(rows[i][0], piece);
            assert_string_equal(text, rows[i][1]);
            free(text);
        }
    }
}

static void test_full(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    FILE *plain = plain_open(full);
    assert_non_null(plain);
    fputs("text", plain);
    assert_int_equal(plain_close(plain), ENOSPC);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
