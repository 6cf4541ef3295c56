/* input_test.c - a plan as the bytes of an engine: any bytes are one, it can be written down and read again, and the
 * mutator is a function of its input and seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "random.h"
#include "vdifault.h"

enum {
    INPUTS = 3000
};

int vdifault_client(const char *folder)
{
    (void)folder;
    return 0;
}

static struct plan plan, again;

static void read_plan(const uint8_t *bytes, size_t size, struct plan *into)
{
    struct fault_error error;
    uint32_t line;
    assert_int_equal(input_read(bytes, size, into, &error, &line), 0);
}

static char *text_of(const struct plan *of)
{
    char *text = plan_text(of);
    assert_non_null(text);
    return text;
}

static size_t make_up(uint64_t *random, uint8_t bytes[INPUT_MAX])
{
    size_t size = random_next(random) % (INPUT_MAX + 1);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)random_next(random);
    }
    return size;
}

/* As text, which is what vdifault run --plan gets, and as bytes, which is what the mutator makes of it. */
static void any_bytes_are_a_plan(void **state)
{
    uint64_t random = 1;
    uint32_t faults = 0;
    (void)state;
    for (int i = 0; i < INPUTS; i++) {
        uint8_t bytes[INPUT_MAX];
        struct fault_error error;
        uint32_t line;
        read_plan(bytes, make_up(&random, bytes), &plan);
        char *text = text_of(&plan);
        plan_init(&again);
        if (plan_parse(text, strlen(text), &again, &error, &line) != 0) {
            fail_msg("line %u: %s\n%s", (unsigned)line, error.message, text);
        }
        read_plan(bytes, input_write(&plan, bytes), &again);
        char *text_again = text_of(&again);
        assert_string_equal(text_again, text);
        faults += plan.fault_count;
        free(text);
        free(text_again);
    }
    assert_true(faults > INPUTS); /* some of the records of most of them */
}

static void a_text_is_one_too(void **state)
{
    static const char text[] = "fault abort@Write#2\nserver size 64K\n";
    (void)state;
    read_plan((const uint8_t *)text, strlen(text), &plan);
    assert_int_equal(plan.fault_count, 1);
    assert_int_equal(plan.size, 64 << 10);
}

/* Every kind that a session has is reached by mutation alone, and none that it has not. */
static void mutation_is_pure_and_reaches_every_kind(void **state)
{
    bool seen[FAULT_KIND_COUNT] = {false};
    uint8_t bytes[INPUT_MAX], other[INPUT_MAX];
    size_t size = 0;
    (void)state;
    for (uint32_t seed = 0; seed < INPUTS; seed++) {
        memcpy(other, bytes, size);
        size_t size_again = input_mutate(other, size, sizeof other, seed);
        size = input_mutate(bytes, size, sizeof bytes, seed);
        assert_int_equal(size_again, size);
        assert_memory_equal(bytes, other, size);
        read_plan(bytes, size, &plan);
        for (uint32_t i = 0; i < plan.fault_count; i++) {
            seen[plan.faults[i].kind] = true;
        }
    }
    for (uint32_t kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        if (seen[kind] != input_has((enum fault_kind)kind)) {
            fail_msg("%s: %s", fault_table[kind].name, seen[kind] ? "made up" : "never made up");
        }
    }
}

/* A client that takes its time with each line is no client that computes without end. */
static void a_server_of_an_input_says_little(void **state)
{
    uint64_t random = 1;
    uint32_t chatty = 0;
    (void)state;
    for (int i = 0; i < INPUTS; i++) {
        uint8_t bytes[INPUT_MAX];
        int32_t kib = 0;
        read_plan(bytes, make_up(&random, bytes), &plan);
        for (uint32_t at = 0; at < plan.fault_count; at++) {
            bool said = plan.faults[at].kind == FAULT_CHATTY;
            kib += said ? plan.faults[at].arg[FAULT_ARG_KIB] : 0;
            chatty += said ? 1 : 0;
            assert_false(said && plan.faults[at].site.and_later);
        }
        assert_true(kib <= INPUT_FAULTS_MAX * INPUT_KIB_MAX);
    }
    assert_true(chatty > 0);
}

static void nothing_larger_than_there_is_room_for(void **state)
{
    uint8_t bytes[INPUT_MAX] = {0};
    (void)state;
    for (uint32_t seed = 0; seed < INPUTS; seed++) {
        assert_true(input_mutate(bytes, sizeof(struct input_header), sizeof(struct input_header) + 1, seed) <=
                    sizeof(struct input_header));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_are_a_plan),
        cmocka_unit_test(a_text_is_one_too),
        cmocka_unit_test(mutation_is_pure_and_reaches_every_kind),
        cmocka_unit_test(a_server_of_an_input_says_little),
        cmocka_unit_test(nothing_larger_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
