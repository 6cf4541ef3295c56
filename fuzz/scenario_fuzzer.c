/* scenario_fuzzer.c - a fuzz target: scenarios in both their forms, and the mutator.
 *
 * An input of text is text. Any other is a scenario's binary form, of which the seed also says how its text is spoilt:
 * random bytes alone never get past the first word.
 *
 * Promises: what is refused is refused with a message and a place inside the line; what is taken prints, its print
 * parses to the same scenario, and so does its binary form; what the mutator makes of it is as legal, within its
 * limits, and the same the next time.
 */
#include <string.h>

#include "mutate.h"
#include "plan.h"
#include "promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    TEXT_MAX = 1 << 17
};

static void check_refusal(const char *text, size_t length, uint32_t line, const struct fault_error *error)
{
    const char *at = text, *end = text + length;
    PROMISE(line >= 1);
    for (uint32_t i = 1; i < line; i++) {
        at = memchr(at, '\n', (size_t)(end - at));
        PROMISE(at != NULL);
        at++;
    }
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    PROMISE(error->offset <= (size_t)((stop != NULL ? stop : end) - at));
    PROMISE(error->message[0] != '\0' && memchr(error->message, '\0', sizeof error->message) != NULL);
}

static void check_forms(const struct scenario *scenario)
{
    static struct scenario other;
    static char text[TEXT_MAX];
    static uint8_t bytes[SCENARIO_BYTES_MAX];
    struct fault_error error;
    uint32_t line = 0;
    int length = scenario_print(scenario, text, sizeof text);
    PROMISE(length > 0 && (size_t)length < sizeof text);
    PROMISE(scenario_parse(text, (size_t)length, &other, NULL, &error, &line) == 0);
    PROMISE(scenario_equal(scenario, &other));
    size_t size = scenario_encode(scenario, bytes, sizeof bytes);
    PROMISE(size != 0);
    PROMISE(scenario_read(bytes, size, &other, NULL, &error, &line) == 0);
    PROMISE(scenario_equal(scenario, &other));
}

static void check_text(const char *text, size_t length)
{
    static struct scenario scenario;
    static struct plan plan;
    struct fault_error error;
    uint32_t line = 0;
    plan_init(&plan);
    if (scenario_parse(text, length, &scenario, &plan, &error, &line) != 0) {
        check_refusal(text, length, line, &error);
    } else {
        check_forms(&scenario);
    }
}

/* A byte of the text becomes another, goes, or is there twice. */
static void check_spoilt(const struct scenario *scenario)
{
    static const char marks[] = "(),.->#:|x 019\n\t\x80";
    static char text[TEXT_MAX];
    int length = scenario_print(scenario, text, sizeof text - 1);
    size_t size = (size_t)length;
    for (uint64_t how = scenario->seed; how != 0; how >>= 16) {
        size_t at = how % size;
        if ((how & 0x8000) != 0) {
            text[at] = marks[how / 256 % (sizeof marks - 1)];
        } else if ((how & 0x4000) != 0) {
            memmove(text + at, text + at + 1, size - at); /* and its NUL */
            size -= size > 1;
        } else if (size + 2 < sizeof text) {
            memmove(text + at + 1, text + at, size - at + 1);
            size++;
        }
    }
    check_text(text, size);
}

static void check_mutations(const struct scenario *scenario)
{
    static struct scenario made, again, child;
    struct mutate_limits limits = {.lines = scenario->line_count + 4, .scope = MUTATE_ALL};
    limits.lines = limits.lines < SCENARIO_LINES_MAX ? limits.lines : SCENARIO_LINES_MAX;
    made = again = *scenario;
    scenario_mutate(&made, scenario->seed, &limits);
    scenario_mutate(&again, scenario->seed, &limits);
    PROMISE(scenario_equal(&made, &again) && made.line_count <= limits.lines);
    check_forms(&made);
    scenario_cross(scenario, &made, scenario->seed, &limits, &child);
    PROMISE(child.line_count <= limits.lines);
    check_forms(&child);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scenario scenario;
    struct fault_error error;
    uint32_t line = 0;
    check_text((const char *)data, size);
    if (scenario_read(data, size, &scenario, NULL, &error, &line) != 0) {
        scenario_decode(data, size, &scenario);
    }
    check_forms(&scenario);
    check_spoilt(&scenario);
    check_mutations(&scenario);
    return 0;
}
