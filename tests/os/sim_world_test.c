/* Processes, time, waiting and the ends of a run (os/sim.h). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

#define MS INT64_C(1000000)

static _Atomic uint32_t word;
static uint32_t order[8];
static uint32_t ordered;

static int begin(void **unused)
{
    (void)unused;
    sim_begin(&(struct sim_options){0});
    word = 0;
    ordered = 0;
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    sim_end();
    return 0;
}

static void expect_order(uint32_t count, const uint32_t *expected)
{
    assert_int_equal(ordered, count);
    assert_memory_equal(order, expected, count * sizeof *expected);
}
#define EXPECT_ORDER(...) \
    expect_order(sizeof(uint32_t[]){__VA_ARGS__} / sizeof(uint32_t), (const uint32_t[]){__VA_ARGS__})

/* --- time --- */

struct sleeper {
    uint32_t number;
    int64_t deadline;
};

static void sleep_and_note(void *context)
{
    const struct sleeper *sleeper = context;
    assert_int_equal(os_wait(&word, 0, sleeper->deadline), ETIMEDOUT);
    assert_int_equal(os_now(), sleeper->deadline + SIM_LOOK_NS);
    order[ordered++] = sleeper->number;
}

static void test_deadlines_pass_in_their_order(void **unused)
{
    (void)unused;
    int64_t start = os_now();
    struct sleeper sleepers[] = {{1, start + 30 * MS}, {2, start + 10 * MS}, {3, start + 20 * MS}};
    for (int i = 0; i < 3; i++) {
        sim_start(1, "sleeper", sleep_and_note, &sleepers[i]);
    }
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    EXPECT_ORDER(2, 3, 1);
    assert_int_equal(sim_counts().jumps, 3);
}

static void test_a_run_ends_at_its_time(void **unused)
{
    (void)unused;
    int64_t start = os_now();
    struct sleeper sleeper = {1, start + 30 * MS};
    sim_start(1, "sleeper", sleep_and_note, &sleeper);
    assert_int_equal(sim_run(start + 10 * MS), SIM_QUIET);
    assert_int_equal(os_now(), start + 10 * MS + SIM_LOOK_NS);
    assert_int_equal(sim_run(start), SIM_QUIET); /* which is over already: the clock never goes back */
    assert_int_equal(os_now(), start + 10 * MS + 2 * SIM_LOOK_NS);
    EXPECT_ORDER();
    assert_int_equal(sim_run(start + 30 * MS), SIM_DONE);
    EXPECT_ORDER(1);
}

static void test_the_caller_moves_the_clock(void **unused)
{
    (void)unused;
    int64_t start = os_now();
    struct sleeper sleeper = {1, start + 30 * MS};
    sim_start(1, "sleeper", sleep_and_note, &sleeper);
    assert_int_equal(sim_run(start), SIM_QUIET);
    sim_advance(start + 30 * MS - os_now() - SIM_LOOK_NS);
    assert_int_equal(os_wait(&word, 1, start), 0); /* the caller's own waits end at once */
    assert_int_equal(sim_run(start), SIM_QUIET);
    sim_advance(SIM_LOOK_NS);
    assert_int_equal(sim_run(start), SIM_DONE);
    int64_t later = os_now() + MS;
    assert_int_equal(os_wait(&word, 0, later), ETIMEDOUT);
    assert_int_equal(os_now(), later + SIM_LOOK_NS);
}

/* --- waking --- */

static void wait_and_note(void *context)
{
    const uint32_t *number = context;
    while (word == 0) {
        assert_int_equal(os_wait(&word, 0, OS_FOREVER), 0);
    }
    order[ordered++] = *number;
}

static void set_and_wake(void *context)
{
    (void)context;
    word = 1;
    os_wake(&word);
}

static void test_a_wake_wakes_all(void **unused)
{
    (void)unused;
    uint32_t numbers[] = {1, 2};
    sim_start(1, "first", wait_and_note, &numbers[0]);
    sim_start(1, "second", wait_and_note, &numbers[1]);
    sim_start(1, "waker", set_and_wake, NULL);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    EXPECT_ORDER(1, 2);
    assert_int_equal(sim_counts().jumps, 0);
}

static void rest_twice(void *context)
{
    (void)context;
    sim_rest();
    order[ordered++] = 1;
    sim_rest();
    order[ordered++] = 2;
}

static void test_a_fiber_gets_its_work_piece_by_piece(void **unused)
{
    (void)unused;
    uint32_t fiber = sim_start(1, "worker", rest_twice, NULL);
    struct sim_fiber state;
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    sim_look(fiber, &state);
    assert_int_equal(state.state, SIM_RESTS);
    EXPECT_ORDER();
    sim_resume(fiber);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    EXPECT_ORDER(1);
    sim_resume(fiber);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    EXPECT_ORDER(1, 2);
    sim_look(fiber, &state);
    assert_int_equal(state.state, SIM_ENDED);
}

/* --- ends --- */

static void wait_in_object(void *context)
{
    struct os_memory memory = {0};
    (void)context;
    sim_call("GetCommand");
    assert_int_equal(os_memory_open("set", &memory), 0);
    os_wait((_Atomic uint32_t *)((uint8_t *)memory.address + 640), 0, OS_FOREVER);
}

static void make_object(struct os_memory *memory)
{
    assert_int_equal(os_memory_create(4096, memory), 0);
    assert_int_equal(os_memory_publish(memory, "set"), 0);
}

static void test_who_waits_for_ever_is_named(void **unused)
{
    (void)unused;
    struct os_memory memory = {0};
    char text[256];
    uint32_t number = 1;
    make_object(&memory);
    uint32_t client = sim_process("client");
    sim_start(client, "thread 2", wait_in_object, NULL);
    sim_start(1, "agent", wait_and_note, &number);
    assert_int_equal(sim_run(OS_FOREVER), SIM_STUCK);
    sim_explain(0, text, sizeof text);
    assert_string_equal(text, "thread 2 of client: GetCommand waits for set+640 (is 0) without a deadline");
    sim_explain(1, text, sizeof text);
    assert_string_equal(text, "agent of caller: it waits for memory of its own (is 0) without a deadline");
    word = 1; /* what is stuck goes on once somebody does what it waits for */
    os_wake(&word);
    ((_Atomic uint32_t *)memory.address)[160] = 1;
    os_wake((_Atomic uint32_t *)memory.address + 160);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    sim_explain(0, text, sizeof text);
    assert_string_equal(text, "thread 2 of client: GetCommand has ended");
}

static void wait_in_slices(void *context)
{
    (void)context;
    sim_call("GetCommand");
    while (word == 0) {
        os_wait(&word, 0, os_now() + 250 * MS);
    }
}

static void test_who_wakes_for_nothing(void **unused)
{
    (void)unused;
    struct sim_fiber state;
    int64_t start = os_now();
    uint32_t fiber = sim_start(1, "thread", wait_in_slices, NULL);
    assert_int_equal(sim_run(start + 10000 * MS), SIM_QUIET);
    assert_true(sim_counts().jumps >= 39);
    sim_look(fiber, &state);
    assert_int_equal(state.state, SIM_WAITS);
    assert_int_equal(state.since, start);
    assert_true(state.deadline > start + 10000 * MS);
    os_wake(&word);
    sim_look(fiber, &state);
    assert_int_equal(state.since, start + 10000 * MS);
    word = 1;
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
}

/* --- processes --- */

static bool is_alive(uint32_t process)
{
    return os_process_alive(&(struct os_process){.pid = process});
}

static void test_death_in_a_wait(void **unused)
{
    (void)unused;
    struct os_memory memory = {0};
    struct sim_fiber state;
    make_object(&memory);
    uint32_t client = sim_process("client");
    uint32_t fiber = sim_start(client, "thread", wait_in_object, NULL);
    assert_int_equal(sim_run(OS_FOREVER), SIM_STUCK);
    assert_int_equal(sim_mappings(client), 1);
    assert_true(is_alive(client));
    sim_kill(client);
    assert_false(is_alive(client));
    assert_int_equal(sim_mappings(client), 0);
    assert_int_equal(sim_mappings(1), 1);
    sim_look(fiber, &state);
    assert_int_equal(state.state, SIM_DEAD);
    os_wake((_Atomic uint32_t *)memory.address + 160);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
}

static void count_steps(void *context)
{
    uint32_t *count = context;
    for (uint32_t i = 0; i < 5; i++) {
        sim_step(true, &word);
        ++*count;
    }
}

static void test_death_at_a_step(void **unused)
{
    (void)unused;
    for (uint32_t steps = 0; steps < 7; steps++) {
        uint32_t mine = 0;
        uint32_t others = 0;
        sim_begin(&(struct sim_options){.schedule = SIM_ROUND_ROBIN});
        uint32_t client = sim_process("client");
        sim_start(client, "it", count_steps, &mine);
        sim_start(1, "another", count_steps, &others);
        sim_kill_at(client, steps);
        assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
        assert_int_equal(mine, steps < 5 ? steps : 5);
        assert_int_equal(others, 5);
        assert_int_equal(is_alive(client), steps >= 5);
    }
}

static void stop_it(void *context)
{
    sim_stop(*(uint32_t *)context);
}

static void switch_to_it(void *context)
{
    sim_switch(*(uint32_t *)context);
}

/* Two at one step: the first keeps whoever makes it from going on, the second comes with the next step. */
static void test_what_happens_at_a_step(void **unused)
{
    (void)unused;
    uint32_t mine = 0, others = 0;
    uint32_t client = sim_process("client");
    sim_start(client, "it", count_steps, &mine);
    uint32_t other = sim_start(1, "another", count_steps, &others);
    sim_at(2, stop_it, &client);
    sim_at(2, switch_to_it, &other);
    assert_false(sim_stands(client));
    assert_int_equal(sim_run(OS_FOREVER), SIM_STUCK);
    assert_int_equal(mine, 2);
    assert_int_equal(others, 5);
    assert_true(sim_stands(client));
    assert_true(sim_lives(client));
    sim_continue(client);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    assert_int_equal(mine, 5);
    sim_kill(client);
    assert_false(sim_lives(client));
}

static void note_self(void *context)
{
    (void)context;
    order[ordered++] = sim_self() + 1;
    sim_step(true, &word);
    order[ordered++] = sim_self() + 1;
}

static void test_who_is_switched_to_goes_first(void **unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) {
        sim_start(1, "thread", note_self, NULL);
    }
    uint32_t second = 1;
    sim_switch(2);
    sim_at(0, switch_to_it, &second);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    EXPECT_ORDER(3, 2, 2, 3, 1, 1);
}

static void test_a_stopped_process(void **unused)
{
    (void)unused;
    int64_t start = os_now();
    struct sleeper sleeper = {1, start + 10 * MS};
    uint32_t number = 2;
    uint32_t client = sim_process("client");
    sim_start(client, "sleeper", sleep_and_note, &sleeper);
    assert_int_equal(sim_run(start), SIM_QUIET);
    sim_stop(client);
    sim_start(client, "late", wait_and_note, &number);
    word = 1;
    assert_int_equal(sim_run(OS_FOREVER), SIM_STUCK);
    assert_true(is_alive(client));
    EXPECT_ORDER();
    sim_continue(client);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    EXPECT_ORDER(2, 1);
}

static void test_who_lives(void **unused)
{
    (void)unused;
    uint32_t client = sim_process("client");
    sim_become(client);
    struct os_process self = os_process_self();
    sim_become(1);
    assert_true(os_process_alive(&self));
    assert_int_equal(self.pid, client);
    struct os_process older = self;
    older.start_time--;
    assert_false(os_process_alive(&older));
    struct os_process elsewhere = {.pid = 77, .space = self.space + 1};
    assert_true(os_process_alive(&elsewhere)); /* who cannot be seen counts as living */
    assert_false(is_alive(77));
    assert_false(is_alive(0));
    sim_feign_death(client, true);
    assert_false(os_process_alive(&self));
    sim_feign_death(client, false);
    assert_true(os_process_alive(&self));
    sim_kill(client);
    assert_false(os_process_alive(&self));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deadlines_pass_in_their_order, begin, end),
        cmocka_unit_test_setup_teardown(test_a_run_ends_at_its_time, begin, end),
        cmocka_unit_test_setup_teardown(test_the_caller_moves_the_clock, begin, end),
        cmocka_unit_test_setup_teardown(test_a_wake_wakes_all, begin, end),
        cmocka_unit_test_setup_teardown(test_a_fiber_gets_its_work_piece_by_piece, begin, end),
        cmocka_unit_test_setup_teardown(test_who_waits_for_ever_is_named, begin, end),
        cmocka_unit_test_setup_teardown(test_who_wakes_for_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_death_in_a_wait, begin, end),
        cmocka_unit_test_setup_teardown(test_death_at_a_step, begin, end),
        cmocka_unit_test_setup_teardown(test_what_happens_at_a_step, begin, end),
        cmocka_unit_test_setup_teardown(test_who_is_switched_to_goes_first, begin, end),
        cmocka_unit_test_setup_teardown(test_a_stopped_process, begin, end),
        cmocka_unit_test_setup_teardown(test_who_lives, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
