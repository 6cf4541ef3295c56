/* What becomes C that people keep compiles and says what was meant, whatever the texts are (to_c.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "to_c.h"

static void expect_of(void (*put)(FILE *out, const char *text), const char *text, const char *c)
{
    char *written = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&written, &length);
    assert_non_null(out);
    put(out, text);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(written, c);
    free(written);
}

static void strings_are_what_they_were(void **state)
{
    (void)state;
    expect_of(to_c_string, "client Create(set) -> NOERROR", "\"client Create(set) -> NOERROR\"");
    expect_of(to_c_string, "a \"b\" \\ c\n", "\"a \\\"b\\\" \\\\ c\\n\"");
    expect_of(to_c_string,
              "\xe4"
              "1\x7f",
              "\"\\3441\\177\"");
    expect_of(to_c_string,
              "what?"
              "?!",
              "\"what?\\?!\"");
}

static void nothing_ends_a_comment(void **state)
{
    (void)state;
    expect_of(to_c_paragraph, "a*/b /* c", " * a* /b / * c\n");
    expect_of(to_c_paragraph, "ends with \\", " * ends with .\n");
    expect_of(to_c_paragraph,
              "what?"
              "?/",
              " * what? ?/\n");
    expect_of(to_c_paragraph, "two\nlines", " * two lines\n");
    expect_of(to_c_comment, "it gave NOERROR", "    /* it gave NOERROR */\n");
    expect_of(to_c_comment, "*", "    /* * */\n");
    expect_of(to_c_paragraph, "", " * \n");
}

static void comments_are_broken_between_words(void **state)
{
    (void)state;
#define WORDS_70 "a word or two of ten letters and more, until seventy are at one's hand"
    expect_of(to_c_paragraph, "    " WORDS_70 " " WORDS_70,
              " *     " WORDS_70
              " a word or two of ten letters and\n"
              " *     more, until seventy are at one's hand\n");
}

static void names_are_names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
    } rows[] = {{"server CloseDevice", "server_CloseDevice"},
                {"a -- b.", "a_b"},
                {"2nd", "_2nd"},
                {"../crash", "crash"}};
    char name[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        to_c_name(rows[i].text, name, sizeof name);
        assert_string_equal(name, rows[i].name);
    }
    to_c_name("server CloseDevice", name, 8);
    assert_string_equal(name, "server");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_what_they_were),
        cmocka_unit_test(nothing_ends_a_comment),
        cmocka_unit_test(comments_are_broken_between_words),
        cmocka_unit_test(names_are_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
