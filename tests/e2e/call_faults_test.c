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

/* ---- results ---- */

static void test_errors(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "error(VD_E_MEMORY)@Create",
        "error(VD_E_NOTSUPPORTED)@Create/1",
        "error(VD_E_PROTOCOL)@Create#1+",
        "error(VD_E_SECURITY)@Create",
        "error@GetConfiguration",
        "error(VD_E_MEMORY)@OpenDevice",
        "error(VD_E_MEMORY)@OpenDevice#2+",
        "error(VD_E_INVALID)@OpenDevice#2",
        "error@OpenDevice#2/1",
        "error@GetCommand#3",
        "error@GetCommand#2:1/1",
        "error@CompleteCommand#2",
        "error@CompleteCommand#3:0/1",
        NULL,
    };
    UNDER(faults);
}

static void test_errors_after(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "error-after@GetConfiguration",
        "error-after@OpenDevice",
        "error-after@OpenDevice#2/1",
        "error-after@GetCommand#3",
        "error-after@GetCommand#2:1/1",
        "error-after@CompleteCommand#2",
        "error-after@CompleteCommand#last:0",
        "error-after@CompleteCommand#3/1",
        NULL,
    };
    UNDER(faults);
}

static void test_timeouts(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "timeout@GetConfiguration",
        "timeout@GetCommand",
        "timeout@GetCommand#4:1",
        "timeout@GetCommand#2:*/1",
        NULL,
    };
    static const struct correct_client with_limits[] = {
        {.name = "correct_c"}, {.name = "async"}, {.name = "compressing"}, {.name = "multiprocess"}};
    correct_under_faults(with_limits, sizeof with_limits / sizeof with_limits[0], faults);
}

static void test_null_commands(void **unused)
{
    (void)unused;
    static const char *const faults[] = {"null-command@GetCommand", "null-command@GetCommand#3:1",
                                         "null-command@GetCommand#2+/1", NULL};
    UNDER(faults);
}

/* ---- timing ---- */

static void test_timing(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "delay(ms=30)@Create",
        "delay(ms=30)@GetConfiguration",
        "delay(ms=30)@OpenDevice#2",
        "delay(ms=10)@GetCommand#2+:1",
        "delay(ms=30)@CompleteCommand#3",
        "delay(ms=30)@Flush:*",
        "delay(ms=30)@Close",
        "jitter",
        "jitter(seed=2)",
        "preempt",
        "preempt(seed=2)",
        NULL,
    };
    UNDER(faults);
}

/* ---- crashes ---- */

static void test_client_crashes(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "client-crash@Create",       "client-crash@GetConfiguration", "client-crash@OpenDevice",
        "client-crash@GetCommand#3", "client-crash@Write#2",          "client-crash@CompleteCommand#last:0",
        "client-crash@Close",        "client-crash@Read#2/1",         NULL,
    };
    UNDER(faults);
}

static void test_secondary_crashes(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "secondary-crash@OpenInSecondary",
        "secondary-crash@GetCommand#2:1",
        "secondary-crash@Write#2:1",
        "secondary-crash@Read#2:1/1",
        NULL,
    };
    static const struct correct_client with_secondaries[] = {{.name = "multiprocess"}};
    correct_under_faults(with_secondaries, 1, faults);
}

/* ---- what no sane server does ---- */

static void test_hostile_commands(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "bad-size@Write#2",
        "bad-size(how=negative)@Write#3:1",
        "bad-size@Read#2/1",
        "bad-buffer@Write#2+",
        "bad-buffer(how=misaligned)@Write#2",
        "bad-buffer@Read#3:1/1",
        "corrupt-transfer@Write#3",
        "corrupt-transfer@Read#2/1",
        "corrupt-transfer@Read#2+:0/1",
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
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_errors_after),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_null_commands),
        cmocka_unit_test(test_hostile_commands),
        cmocka_unit_test(test_timing),
        cmocka_unit_test(test_client_crashes),
        cmocka_unit_test(test_secondary_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
