/* The mutator as fuzzing engines call it: libFuzzer by functions in the program, AFL++ by a library that it loads. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mutate.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t max_out_size, unsigned seed);

enum {
    ROUNDS = 200,
    MAX_SIZE = 1024
};

static const char text[] = "devices 2\nclient Create(set)\nserver Open(set)\n";

/* What an engine goes on with: a scenario's binary form, whole lines, with those calls that the text began with. */
static void assert_scenario(const uint8_t *bytes, size_t length)
{
    struct scenario scenario;
    uint8_t again[MAX_SIZE];
    assert_in_range(length, SCENARIO_HEADER_BYTES, MAX_SIZE);
    assert_int_equal((length - SCENARIO_HEADER_BYTES) % SCENARIO_LINE_BYTES, 0);
    scenario_decode(bytes, length, &scenario);
    assert_int_equal(scenario_encode(&scenario, again, sizeof again), length);
    assert_memory_equal(bytes, again, length);
}

static void test_libfuzzer(void **state)
{
    uint8_t bytes[MAX_SIZE], other[MAX_SIZE], child[MAX_SIZE];
    struct scenario scenario;
    size_t length = sizeof text - 1;
    (void)state;
    memcpy(bytes, text, length);
    length = LLVMFuzzerCustomMutator(bytes, length, sizeof bytes, 1);
    scenario_decode(bytes, length, &scenario);
    assert_int_equal(scenario.device_count, 2); /* the text was read as such */
    for (unsigned seed = 0; seed < ROUNDS; seed++) {
        memcpy(other, bytes, length);
        size_t other_length = LLVMFuzzerCustomMutator(other, length, sizeof other, seed);
        assert_scenario(other, other_length);
        size_t made =
            LLVMFuzzerCustomCrossOver(bytes, length, other, other_length, child, sizeof child, seed);
        assert_scenario(child, made);
        length = LLVMFuzzerCustomMutator(bytes, length, sizeof bytes, seed);
        assert_scenario(bytes, length);
    }
}

struct afl_library {
    void *(*init)(void *afl, unsigned int seed);
    size_t (*fuzz)(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf, uint8_t *add_buf,
                   size_t add_buf_size, size_t max_size);
    void (*deinit)(void *data);
};

/* The library, loaded for one test. */
static void *load(void)
{
    void *library = dlopen(AFL_MUTATOR, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fail_msg("%s", dlerror());
    }
    return library;
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    assert_non_null(found);
    return found;
}

static bool speaks_of_world(const uint8_t *bytes, size_t length)
{
    struct scenario scenario;
    bool found = false;
    scenario_decode(bytes, length, &scenario);
    for (uint32_t i = 0; i < scenario.line_count; i++) {
        found = found || scenario_actor_process(scenario.lines[i].who) == SCENARIO_WORLD;
    }
    return found;
}

/* Two runs with the same seed make the same; returns how many of the inputs have a line of the world's. */
static uint32_t run_afl(const struct afl_library *afl)
{
    uint8_t input[MAX_SIZE], add[] = "client Create(set)\nclient Close()\n", *made, *same;
    size_t length = sizeof text - 1;
    void *one = afl->init(NULL, 7), *other = afl->init(NULL, 7);
    uint32_t of_world = 0;
    assert_true(one != NULL && other != NULL);
    memcpy(input, text, length);
    for (int i = 0; i < ROUNDS; i++) {
        size_t add_size = i % 2 != 0 ? sizeof add - 1 : 0;
        size_t size = afl->fuzz(one, input, length, &made, add, add_size, sizeof input);
        assert_scenario(made, size);
        assert_int_equal(afl->fuzz(other, input, length, &same, add, add_size, sizeof input), size);
        assert_memory_equal(made, same, size);
        of_world += speaks_of_world(made, size);
        memcpy(input, made, size);
        length = size;
    }
    afl->deinit(one);
    afl->deinit(other);
    return of_world;
}

static void test_afl(void **state)
{
    void *library = load();
    (void)state;
    struct afl_library afl = {symbol(library, "afl_custom_init"), symbol(library, "afl_custom_fuzz"),
                              symbol(library, "afl_custom_deinit")};
    unsetenv("VDIFAULT_MUTATE");
    assert_int_not_equal(run_afl(&afl), 0);
    setenv("VDIFAULT_MUTATE", "schedule", 1);
    run_afl(&afl);
    setenv("VDIFAULT_MUTATE", "", 1);
    assert_int_equal(run_afl(&afl), 0);
    dlclose(library);
}

static bool needs_close_and_abort(const struct scenario *scenario)
{
    bool closes = false, aborts = false;
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        closes = closes || scenario->lines[i].verb == SCENARIO_CLIENT_CLOSE;
        aborts = aborts || scenario->lines[i].verb == SCENARIO_SERVER_SIGNAL_ABORT;
    }
    return closes && aborts;
}

/* As AFL++ does it: what keeps its effect stays shorter; in the end every line left is needed. */
static void test_afl_trims_by_lines(void **state)
{
    static uint8_t input[] =
        "client Create(set)\nclient Close()\nserver Open(set)\nserver SignalAbort()\n"
        "client Close()\nclient Destroy()\n";
    void *library = load();
    void *(*init)(void *afl, unsigned int seed) = symbol(library, "afl_custom_init");
    int32_t (*begin)(void *data, uint8_t *buf, size_t size) = symbol(library, "afl_custom_init_trim");
    size_t (*trim)(void *data, uint8_t **out) = symbol(library, "afl_custom_trim");
    int32_t (*after)(void *data, unsigned char success) = symbol(library, "afl_custom_post_trim");
    void (*deinit)(void *data) = symbol(library, "afl_custom_deinit");
    struct scenario scenario, kept = {0};
    void *mutator = init(NULL, 1);
    (void)state;
    assert_int_equal(begin(mutator, input, 3), 0); /* "cli" is no scenario */
    int32_t steps = begin(mutator, input, sizeof input - 1), step = 0;
    assert_int_equal(steps, 6);
    while (step < steps) {
        uint8_t *out = NULL;
        size_t length = trim(mutator, &out);
        assert_scenario(out, length);
        scenario_decode(out, length, &scenario);
        bool good = needs_close_and_abort(&scenario);
        kept = good ? scenario : kept;
        int32_t next = after(mutator, good);
        assert_int_equal(next, step + 1);
        step = next;
    }
    assert_int_equal(kept.line_count, 2);
    assert_int_equal(kept.lines[0].verb, SCENARIO_CLIENT_CLOSE);
    assert_int_equal(kept.lines[1].verb, SCENARIO_SERVER_SIGNAL_ABORT);
    deinit(mutator);
    dlclose(library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libfuzzer),
        cmocka_unit_test(test_afl),
        cmocka_unit_test(test_afl_trims_by_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
