/* test_suppress.c - what --ignore and a suppressions file name, and what they are told when they are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "suppress.h"

static const struct finding findings[] = {
    {.function = VDI_FN_CLOSE}, {.function = VDI_FN_NONE}, {.function = VDI_FN_DESTROY}};
static const char *const rules[] = {"VDI-CLOSE-001", "VDI-OUT-001", "VDI-CLOSE-004"};

/* A stack of one frame in a file that cannot be read: its module is all there is to know. */
static const struct stack_frame frame = {.module = "/nowhere/agent", .base = 0x1000, .address = 0x1234};

/* Which of the findings stay, as digits. */
static void assert_stays(const char *entries, const char *expected)
{
    struct suppressions suppressions = {0};
    struct finding copy[3];
    struct symbols *symbols;
    char why[256], stays[8] = "", all[256];
    struct stack *stack = test_calloc(1, sizeof *stack + sizeof frame);

    assert_int_equal(symbols_new(&symbols), 0);
    stack->frame_count = 1;
    stack->frames[0] = frame;
    snprintf(all, sizeof all, "%s", entries);
    for (char *entry = strtok(all, ";"); entry; entry = strtok(NULL, ";")) {
        assert_int_equal(suppressions_add(&suppressions, entry, why, sizeof why), 0);
    }
    memcpy(copy, findings, sizeof copy);
    for (int i = 0; i < 3; i++) {
        copy[i].rule = rule_find(rules[i]);
        copy[i].device = i;
        copy[i].stack = i < 2 ? stack : NULL;
        assert_non_null(copy[i].rule);
    }
    size_t count = suppressions_apply(&suppressions, symbols, copy, 3);
    for (size_t i = 0; i < count; i++) {
        stays[i] = (char)('0' + copy[i].device);
    }
    if (strcmp(stays, expected) != 0) {
        fail_msg("%s leaves \"%s\", expected \"%s\"", entries, stays, expected);
    }
    suppressions_free(&suppressions);
    symbols_free(symbols);
    test_free(stack);
}

static void test_what_entries_name(void **state)
{
    (void)state;
    assert_stays("", "012");
    assert_stays("VDI-CLOSE-001", "12");
    assert_stays("vdi-close-001", "12");
    assert_stays("VDI-CLOSE-*", "1");
    assert_stays("*", "");
    assert_stays("*-001;VDI-CLOSE-004", "");
    assert_stays("VDI-CLOSE-*@Close", "12");
    assert_stays("VDI-CLOSE-*@*e*", "1"); /* Close, Destroy */
    assert_stays("VDI-CLOSE-*@nothing", "012");
    assert_stays("*@module:agent", "2");
    assert_stays("*@module:*gen*", "2");
    assert_stays("VDI-OUT-*@module:agent", "02");
    assert_stays("*@module:age", "012");
    assert_stays("*@agent", "012"); /* no function */
}

static void assert_refused(const char *entry, const char *says)
{
    struct suppressions suppressions = {0};
    char why[256] = "";

    assert_int_equal(suppressions_add(&suppressions, entry, why, sizeof why), EINVAL);
    if (!strstr(why, says)) {
        fail_msg("%s is refused with \"%s\", expected \"%s\"", entry, why, says);
    }
    assert_int_equal(suppressions.count, 0);
}

static void test_wrong_entries(void **state)
{
    (void)state;
    assert_refused("VDI-CLOSE-01", "unknown rule 'VDI-CLOSE-01': did you mean 'VDI-CLOSE-001'?");
    assert_refused("VDI-NOPE-*", "unknown rule 'VDI-NOPE-*'");
    assert_refused("", "unknown rule ''");
    assert_refused("@close_set", "unknown rule ''");
    assert_refused("VDI-CLOSE-001@", "expected a function or module:NAME after '@'");
    assert_refused("VDI-CLOSE-001@module:", "expected a function or module:NAME after '@'");
}

static int read_text(const char *text, struct suppressions *suppressions, char *why, size_t size)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    int result;

    assert_non_null(file);
    result = suppressions_read(suppressions, file, "known.txt", why, size);
    fclose(file);
    return result;
}

static void test_files(void **state)
{
    struct suppressions suppressions = {0};
    char why[256], line[SUPPRESSION_MAX + 64];

    (void)state;
    assert_int_equal(read_text("# what we know of\n\n  VDI-CLOSE-001 # since 2.4\r\n"
                               "VDI-OUT-*@operator#\n\tVDI-CLOSE-004@module:agent",
                               &suppressions, why, sizeof why),
                     0);
    assert_int_equal(suppressions.count, 3);
    assert_string_equal(suppressions.list[0].text, "VDI-CLOSE-001");
    assert_int_equal(suppressions.list[0].line, 3);
    assert_string_equal(suppressions.list[1].where, "operator#");
    assert_string_equal(suppressions.list[2].where, "agent");
    assert_true(suppressions.list[2].is_module);
    assert_int_equal(suppressions.list[2].line, 5);
    assert_string_equal(suppressions.list[2].file, "known.txt");
    assert_int_equal(read_text("VDI-CLOSE-001\n\nVDI-CLOZE-001\n", &suppressions, why, sizeof why), EINVAL);
    assert_string_equal(why, "line 3: unknown rule 'VDI-CLOZE-001': did you mean 'VDI-CLOSE-001'?");
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    assert_int_equal(read_text(line, &suppressions, why, sizeof why), EINVAL);
    assert_string_equal(why, "line 1: the line is too long");
    suppressions_free(&suppressions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_entries_name),
        cmocka_unit_test(test_wrong_entries),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
