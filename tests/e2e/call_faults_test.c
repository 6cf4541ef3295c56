/* Faults of VDI calls: each fires where it was placed, and a correct client copes with it. */
#include <string.h>

#include "correct.h"

static const struct correct_client clients[] = {
    {.name = "correct_c"}, {.name = "watchdog"},   {.name = "async"},        {.name = "compressing"},
    {.name = "prefixed"},  {.name = "complete_c"}, {.name = "multiprocess"},
};
#define UNDER(faults) correct_under_faults(clients, sizeof clients / sizeof clients[0], faults)

/* ---- lifecycle ---- */

static void test_aborts_at_calls(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "abort@GetConfiguration",
        "abort(by=client)@GetConfiguration",
        "abort@OpenDevice",
        "abort(by=client)@OpenDevice#2",
        "abort@GetCommand#3",
        "abort(by=client)@GetCommand",
        "abort@CompleteCommand#2",
        "abort(by=client)@CompleteCommand#2:1",
        "abort(by=client)@Close",
        "abort@GetCommand#2/1",
        "abort(by=client)@CompleteCommand#3:0/1",
        NULL,
    };
    UNDER(faults);
}

static void test_closes(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "late-close(ms=30)", "late-close(ms=400)@GetCommand:1", "late-close(ms=100)@GetCommand:*/1",
        "repeat-close",      "repeat-close@GetCommand:*/1",     NULL,
    };
    UNDER(faults);
}

static void test_buffers_that_are_not_there(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "stale-config",
        "stale-config@GetConfiguration/1",
        "bufferarea-missing@OpenDevice",
        "bufferarea-missing@OpenDevice#2",
        "bufferarea-missing@GetCommand",
        "bufferarea-missing@GetCommand:1/1",
        NULL,
    };
    UNDER(faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aborts_at_calls),
        cmocka_unit_test(test_closes),
        cmocka_unit_test(test_buffers_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
