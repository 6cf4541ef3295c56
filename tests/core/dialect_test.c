/* The list of VDI_DIALECT: what it may say, and where it is wrong. What each reading changes is shown with the
 * tables (tests/model). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client.h"
#include "dialect.h"

static void test_lists(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        bool other[DIALECT_CHOICES];
    } cases[] = {
        {NULL, {false}},
        {"", {false}},
        {"timeout-unit:ms", {false}},
        {"timeout-unit:s", {[DIALECT_TIMEOUT_UNIT] = true}},
        {"timeout-unit:s,timeout-unit:ms", {false}}, /* the last one counts */
        {"close-open:noerror,open-active:protocol,",
         {[DIALECT_CLOSE_OPEN] = true, [DIALECT_OPEN_ACTIVE] = true}},
        {"get-after-close:protocol,getcfg-aborted:noerror",
         {[DIALECT_GET_AFTER_CLOSE] = true, [DIALECT_GETCFG_ABORTED] = true}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dialect dialect;
        const char *error;
        assert_int_equal(dialect_parse(cases[i].text, &dialect, &error), 0);
        assert_null(error);
        assert_memory_equal(dialect.other, cases[i].other, sizeof dialect.other);
    }
}

static void test_errors_point_at_the_item(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {{"timeout-unit", 0},
                 {"timeout-unit:", 0},
                 {"timeout-unit:sec", 0},
                 {"timeout-unit:s x", 0},
                 {",", 0},
                 {"close-open:noerror,nonsense:s", 19},
                 {":s", 0},
                 {"close-open:s", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dialect dialect;
        const char *error;
        assert_int_equal(dialect_parse(cases[i].text, &dialect, &error), EINVAL);
        assert_ptr_equal(error, cases[i].text + cases[i].at);
    }
}

/* A dialect nobody knows must not pass for the default one. */
static void test_create_refuses_an_unknown_dialect(void **unused)
{
    (void)unused;
    struct VDConfig config = {.deviceCount = 1};
    struct client_set *set = client_set_new();
    setenv("VDI_DIALECT", "timeout-unit:minutes", 1);
    assert_int_equal(client_set_create(set, "dialect", &config), VD_E_NOTSUPPORTED);
    assert_int_equal(client_set_open_in_secondary(set, "dialect"), VD_E_NOTSUPPORTED);
    unsetenv("VDI_DIALECT");
    assert_int_equal(client_set_create(set, "dialect", &config), 0);
    client_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_errors_point_at_the_item),
        cmocka_unit_test(test_create_refuses_an_unknown_dialect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
