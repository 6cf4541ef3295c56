/* The client of schedule_fuzzer's sessions is a correct one: under whatever schedule, with whatever abort, the rules have
 * nothing to say of it. This program takes the events in the place of fuzz/trace_out.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "rules.h"
#include "trace_out.h"
#include "vdierror.h"

enum {
    INPUTS = 400,
    INPUT_MAX = 256
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct checker *checker;
static uint32_t
    ends[3]; /* of Close, of calls that gave VD_E_ABORT, of commands fetched: what sessions came to */

bool trace_out_is_wanted(void)
{
    return true;
}

void trace_out_begin(void) {}

void trace_out_add(void *unused, const struct event *event, const char *text)
{
    (void)unused;
    assert_int_equal(checker_feed(checker, event, text), 0);
    if (event->kind == EVENT_CALL_END) {
        ends[0] += event->function == VDI_FN_CLOSE;
        ends[1] += event->result == VD_E_ABORT;
        ends[2] += event->function == VDI_FN_GET_COMMAND && event->result == 0;
    }
}

/* The one thing that it does on purpose: after an abort its thread asks the next device, too. */
static bool is_due(const struct finding *finding, uint32_t input)
{
    if (strcmp(finding->rule->id, "VDI-GETCMD-003") == 0) {
        return true;
    }
    print_error("input %u: %s: %s\n", input, finding->rule->id, finding->message);
    return false;
}

static void correct_clients_are_silent_under_any_schedule(void **state)
{
    static struct plan plan;
    uint32_t wrong = 0;
    (void)state;
    plan_init(&plan);
    for (uint32_t i = 0; i < INPUTS; i++) {
        uint8_t bytes[INPUT_MAX];
        uint64_t seed = i;
        size_t size = random_next(&seed) % sizeof bytes;
        for (size_t at = 0; at < size; at++) {
            bytes[at] = (uint8_t)random_next(&seed);
        }
        assert_int_equal(checker_new(&plan, &checker), 0);
        LLVMFuzzerTestOneInput(bytes, size);
        const struct judgement *judgement = checker_finish(checker);
        for (size_t n = 0; n < judgement->finding_count; n++) {
            wrong += !is_due(&judgement->findings[n], i);
        }
        checker_free(checker);
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(ends[0], INPUTS);
    assert_true(ends[1] > INPUTS / 10);
    assert_true(ends[2] > INPUTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(correct_clients_are_silent_under_any_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
