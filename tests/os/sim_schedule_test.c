/* Who goes on when, and that it is the same every time (os/sim.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

static const char *const schedule_names[] = {"in order", "round robin", "random", "PCT", "bytes", "chosen"};

enum {
    SCHEDULES = sizeof schedule_names / sizeof schedule_names[0]
};

/* --- one scenario, one hash --- */

enum {
    REPLAYS = 1000,
    ROUNDS = 5
};

struct player {
    uint32_t word;
    uint32_t beats;
};

/* Takes turns over shared memory with everything that os.h has. */
static void play(void *context)
{
    struct player *player = context;
    struct os_memory memory = {0};
    int watch;
    int error;
    os_memory_watch(&watch);
    while ((error = os_memory_open("set", &memory)) != 0) {
        sim_note((uint64_t)error);
        os_memory_watch_wait(watch, os_now() + 1000000);
    }
    os_memory_watch_close(watch);
    _Atomic uint32_t *words = memory.address;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        sim_step(true, &words[player->word]);
        words[player->word]++;
        os_wake(&words[player->word]);
        uint32_t other = 1 - player->word;
        sim_note((uint64_t)os_wait(&words[other], i, os_now() + 5000));
        os_pause();
        sim_step(false, &words[other]);
        sim_note(words[other]);
        player->beats++;
    }
    os_memory_unmap(&memory);
}

static void make_the_set(void *context)
{
    struct os_memory memory = {0};
    (void)context;
    assert_int_equal(os_memory_create(100, &memory), 0);
    sim_advance(1500000);
    assert_int_equal(os_memory_publish(&memory, "set"), 0);
    os_memory_unmap(&memory);
}

static uint32_t choose_by_turns(void *context, uint32_t options, bool forced)
{
    uint32_t *turn = context;
    return (forced ? ++*turn / 3 : ++*turn) % options;
}

static uint64_t play_once(enum sim_schedule schedule, uint64_t seed)
{
    static uint8_t bytes[32];
    struct player players[] = {{.word = 0}, {.word = 1}};
    uint32_t turn = (uint32_t)seed;
    struct sim_options options = {.schedule = schedule,
                                  .seed = seed,
                                  .changes = 3,
                                  .length = 60,
                                  .bytes = bytes,
                                  .byte_count = sizeof bytes,
                                  .choose = choose_by_turns,
                                  .context = &turn};
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)((seed + 1) * (i + 7) % 11);
    }
    sim_begin(&options);
    sim_start(sim_process("client"), "client", play, &players[0]);
    sim_start(sim_process("server"), "server", play, &players[1]);
    sim_start(1, "maker", make_the_set, NULL);
    sim_write_at(&(struct sim_write){.width = 4, .offset = 8, .how = SIM_ADD, .value = seed}, 20);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    assert_int_equal(players[0].beats + players[1].beats, 2 * ROUNDS);
    assert_int_equal(sim_mappings(0) + sim_watches(), 0);
    uint64_t hash = sim_hash();
    sim_end();
    return hash;
}

static void test_one_scenario_has_one_hash(void **unused)
{
    (void)unused;
    for (int schedule = 0; schedule < SCHEDULES; schedule++) {
        uint64_t hash = play_once((enum sim_schedule)schedule, 7);
        for (int i = 1; i < REPLAYS; i++) {
            assert_true(play_once((enum sim_schedule)schedule, 7) == hash);
        }
    }
}

static void test_another_seed_has_another_hash(void **unused)
{
    (void)unused;
    static const enum sim_schedule by_seed[] = {SIM_RANDOM, SIM_PCT, SIM_BYTES, SIM_CHOOSE};
    for (size_t i = 0; i < sizeof by_seed / sizeof by_seed[0]; i++) {
        uint32_t differ = 0;
        for (uint64_t seed = 0; seed < 20; seed++) {
            differ += play_once(by_seed[i], seed) != play_once(by_seed[i], seed + 1);
        }
        assert_true(differ > 10);
    }
}

/* --- a race of two --- */

static char winner;

static void race(void *context)
{
    const char *name = context;
    for (int i = 0; i < 5; i++) {
        sim_step(true, &winner);
    }
    if (winner == '\0') {
        winner = *name;
    }
}

static char race_once(const struct sim_options *options, bool turned)
{
    static char names[] = "ab";
    winner = '\0';
    sim_begin(options);
    sim_start(1, "first", race, &names[turned]);
    sim_start(1, "second", race, &names[!turned]);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    sim_end();
    return winner;
}

static uint32_t choose_as_told(void *context, uint32_t options, bool forced)
{
    uint32_t *choice = context;
    (void)forced;
    return *choice % options;
}

static void test_every_schedule_reaches_both_orders(void **unused)
{
    (void)unused;
    for (int schedule = 0; schedule < SCHEDULES; schedule++) {
        uint32_t wins[2] = {0, 0};
        /* What follows from the order they start in needs another one. */
        bool fixed = schedule == SIM_IN_ORDER || schedule == SIM_ROUND_ROBIN;
        for (uint32_t seed = 0; seed < 50; seed++) {
            uint8_t byte = (uint8_t)seed;
            uint32_t choice = seed;
            struct sim_options options = {.schedule = (enum sim_schedule)schedule,
                                          .seed = seed,
                                          .changes = 1,
                                          .length = 10,
                                          .bytes = &byte,
                                          .byte_count = 1,
                                          .choose = choose_as_told,
                                          .context = &choice};
            wins[race_once(&options, fixed && seed % 2 != 0) - 'a']++;
        }
        print_message("%s: %u times a, %u times b\n", schedule_names[schedule], wins[0], wins[1]);
        assert_true(wins[0] > 0 && wins[1] > 0);
    }
}

/* An input's bytes: whom to begin with, how long to leave it alone, and then how long the other one: who is the only
 * one to go on with is not asked for. */
static void test_bytes_say_when_and_who(void **unused)
{
    (void)unused;
    static const struct {
        uint8_t bytes[3];
        char winner;
    } inputs[] = {
        {{0, 4, 255}, 'b'}, {{0, 5, 0}, 'a'}, {{0, 4, 0}, 'a'}, {{1, 4, 255}, 'a'}, {{1, 255, 0}, 'b'}};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct sim_options options = {.schedule = SIM_BYTES, .bytes = inputs[i].bytes, .byte_count = 3};
        assert_int_equal(race_once(&options, false), inputs[i].winner);
    }
}

/* --- spinning --- */

static _Atomic uint32_t flag;

static void spin_with_pauses(void *context)
{
    (void)context;
    while (flag == 0) {
        sim_step(false, &flag);
        os_pause();
    }
}

static void spin_without_pauses(void *context)
{
    (void)context;
    while (flag == 0) {
        sim_step(false, &flag);
    }
}

static void set_flag(void *context)
{
    (void)context;
    for (int i = 0; i < 100; i++) {
        sim_step(true, &flag);
    }
    flag = 1;
}

static void spin(const struct sim_options *options, void (*body)(void *context))
{
    flag = 0;
    sim_begin(options);
    sim_start(1, "spinner", body, NULL);
    sim_start(1, "spinner", body, NULL);
    sim_start(1, "setter", set_flag, NULL);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    sim_end();
}

static uint32_t choose_the_next(void *context, uint32_t options, bool forced)
{
    uint32_t *turn = context;
    return forced ? 0 : ++*turn % options;
}

static void test_no_spinner_starves_the_others(void **unused)
{
    (void)unused;
    static const uint8_t bytes[] = {0, 0, 0};
    uint32_t turn = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct sim_options options = {.seed = seed,
                                      .changes = 2,
                                      .bytes = bytes,
                                      .byte_count = sizeof bytes,
                                      .choose = choose_the_next,
                                      .context = &turn};
        for (int schedule = 0; schedule < SCHEDULES; schedule++) {
            options.schedule = (enum sim_schedule)schedule;
            spin(&options, spin_with_pauses);
        }
        static const enum sim_schedule fair[] = {SIM_ROUND_ROBIN, SIM_RANDOM, SIM_PCT};
        for (size_t i = 0; i < sizeof fair / sizeof fair[0]; i++) {
            options.schedule = fair[i];
            spin(&options, spin_without_pauses);
        }
    }
}

static void call_and_spin(void *context)
{
    sim_call("GetCommand");
    spin_without_pauses(context);
}

static void test_an_endless_loop_is_named(void **unused)
{
    (void)unused;
    char text[128];
    flag = 0;
    sim_begin(&(struct sim_options){.steps_max = 500});
    sim_start(1, "setter", set_flag, NULL);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    flag = 0;
    uint32_t spinner = sim_start(sim_process("client"), "spinner", call_and_spin, NULL);
    assert_int_equal(sim_run(OS_FOREVER), SIM_ENDLESS);
    assert_int_equal(sim_culprit(), spinner);
    sim_explain(spinner, text, sizeof text);
    assert_string_equal(text, "spinner of client: GetCommand can go on");
    assert_int_equal(sim_run(OS_FOREVER), SIM_ENDLESS);
    flag = 1;
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    sim_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_scenario_has_one_hash),
        cmocka_unit_test(test_another_seed_has_another_hash),
        cmocka_unit_test(test_every_schedule_reaches_both_orders),
        cmocka_unit_test(test_bytes_say_when_and_who),
        cmocka_unit_test(test_no_spinner_starves_the_others),
        cmocka_unit_test(test_an_endless_loop_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
