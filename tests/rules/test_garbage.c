/* test_garbage.c - the table is complete, and the checker survives any events: no fault, no limit broken. */
#include <string.h>

#include "dsl.h"
#include "tests.h"

static void test_table(void **state)
{
    (void)state;
    assert_true(rule_count > 0);
    for (size_t i = 0; i < rule_count; i++) {
        const struct rule_info *rule = &rule_table[i];

        assert_ptr_equal(rule_find(rule->id), rule);
        assert_true(strlen(rule->says) > 10 && strlen(rule->why) > 10 && strlen(rule->source) > 5 &&
                    strlen(rule->fix) > 10);
        assert_int_equal(rule->kind == RULE_OUTCOME, strncmp(rule->id, "VDI-OUT-", 8) == 0);
    }
    assert_ptr_equal(rule_find("vdi-close-001"), rule_find("VDI-CLOSE-001"));
    assert_null(rule_find("VDI-CLOSE-999"));
    assert_null(rule_find(NULL));
}

/* xorshift64: the same events at every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Mostly plausible numbers, so that the events meet each other, sometimes any number at all. */
static struct event random_event(uint64_t *seed, uint64_t sequence)
{
    static const int32_t results[] = {0,          0,         VD_E_TIMEOUT, VD_E_ABORT,
                                      VD_E_CLOSE, VD_E_OPEN, VD_E_INVALID, VD_E_PROTOCOL};
    bool wild = next_random(seed) % 16 == 0;
    uint64_t range = wild ? UINT64_MAX : 4;
    struct event event = {.sequence = sequence,
                          .time_ns = wild ? next_random(seed) : sequence * 1000,
                          .kind = (uint8_t)(next_random(seed) % (wild ? 256 : EVENT_KIND_COUNT)),
                          .side = (uint8_t)(1 + next_random(seed) % 3),
                          .function = (uint16_t)(next_random(seed) % (wild ? 65536 : VDI_FN_COUNT)),
                          .device = (int16_t)(next_random(seed) % range) - 1,
                          .operation = (int32_t)(next_random(seed) % range) - 1,
                          .process = (uint32_t)(next_random(seed) % range),
                          .thread = (uint32_t)(next_random(seed) % range),
                          .set = next_random(seed) % range,
                          .call = sequence - next_random(seed) % 8,
                          .flags = next_random(seed) % 8 ? 0 : (uint32_t)next_random(seed)};

    for (int i = 0; i < 7; i++) {
        event.arg[i] = (int64_t)(next_random(seed) % range) - (next_random(seed) % 4 == 0);
    }
    event.result = wild ? (int32_t)next_random(seed) : results[next_random(seed) % 8];
    event.repeat = wild ? (uint32_t)next_random(seed) : 0;
    return event;
}

static void test_any_events(void **state)
{
    static const char *const texts[] = {NULL, "",        "set-1", "BACKUP TO VIRTUAL_DEVICE='set-1'",
                                        "'",  "\xff\xfe"};

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t random = seed * 0x9e3779b97f4a7c15u;
        struct run run;

        run_start(&run, seed % 2 ? "early-close@GetCommand#1" : "unknown-command(code=77)@Write#1");
        for (uint64_t sequence = 1; sequence <= 3000; sequence++) {
            struct event event = random_event(&random, sequence);

            assert_int_equal(checker_feed(run.checker, &event, texts[next_random(&random) % 6]), 0);
        }
        finish(&run);
        for (size_t i = 0; i < run.judgement->finding_count; i++) {
            const struct finding *finding = &run.judgement->findings[i];

            assert_non_null(finding->rule);
            assert_in_range(finding->severity, SEVERITY_INFO, SEVERITY_ERROR);
            assert_true(strlen(finding->message) > 0);
            assert_true(i == 0 || finding->severity <= run.judgement->findings[i - 1].severity);
        }
        run_end(&run);
    }
}

static void test_no_events(void **state)
{
    struct run run;

    (void)state;
    run_start(&run, NULL);
    expect_clean(&run);
    assert_int_equal(run.judgement->operation_count, 0);
    assert_false(run.judgement->client_ran);
    assert_ptr_equal(checker_finish(run.checker), run.judgement); /* once more changes nothing */
    run_end(&run);
}

int test_garbage(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_any_events),
        cmocka_unit_test(test_no_events),
    };

    return cmocka_run_group_tests_name("garbage", tests, NULL, NULL);
}
