/* Which of the fibers that can go on does: one strategy a row. */
#include <assert.h>
#include <string.h>

#include "random.h"
#include "sim_internal.h"

enum {
    CHANGES_MAX = 32,
    LENGTH = 1000,      /* default of sim_options.length */
    PATIENCE = 1000,    /* PCT: steps in a row after which one counts as spinning, while others could go on */
    STAYS = 4,          /* RANDOM: one of so many steps is a switch, if the dice say so */
    SHORT_RUNS = 224,   /* BYTES: below it a byte is a number of steps */
    LONG_RUN_STEPS = 64 /* above it so many for each */
};

/* Priorities that are drawn have this bit; those that are lowered, from below it downwards, do not. */
#define DRAWN (UINT64_C(1) << 63)

static struct {
    uint64_t random;
    uint64_t priorities[SIM_FIBERS_MAX]; /* PCT: the highest goes on */
    uint64_t lowest;                     /* the next one that is lower than all */
    uint64_t changes[CHANGES_MAX];       /* steps, ascending */
    uint32_t change_count;
    uint32_t changes_made;
    uint64_t steps; /* at which there was a choice */
    uint32_t runs;  /* who went on at the last step, and for how many in a row */
    uint32_t turn;
    size_t bytes_used;
    uint32_t run_left; /* BYTES: steps until the next interruption */
    bool run_known;
} state;

static uint64_t next_random(void)
{
    return random_next(&state.random);
}

static uint32_t count(uint32_t set)
{
    return (uint32_t)__builtin_popcount(set);
}

/* The index-th of a set, by number. */
static uint32_t nth(uint32_t set, uint32_t index)
{
    while (index-- > 0) {
        set &= set - 1;
    }
    return (uint32_t)__builtin_ctz(set);
}

/* The next one after `fiber` by number, and after the last one the first. */
static uint32_t after(uint32_t fiber, uint32_t set)
{
    uint32_t later = fiber + 1 < SIM_FIBERS_MAX ? set >> (fiber + 1) << (fiber + 1) : 0;
    return (uint32_t)__builtin_ctz(later != 0 ? later : set);
}

/* --- in order, round robin --- */

static uint32_t stay(uint32_t self, uint32_t others)
{
    (void)others;
    return self;
}

/* --- random --- */

static uint32_t random_other(uint32_t last, uint32_t others)
{
    (void)last;
    return nth(others, (uint32_t)(next_random() % count(others)));
}

static uint32_t random_interrupt(uint32_t self, uint32_t others)
{
    uint64_t dice = next_random();
    return dice % STAYS != 0 ? self : nth(others, (uint32_t)((dice >> 32) % count(others)));
}

/* --- PCT: a bug that needs d events in one order is found with a probability of at least 1 / (n * length^(d - 1))
 * for n fibers (Burckhardt et al. 2010), whatever the rest of the program does --- */

static void draw_changes(const struct sim_options *options)
{
    uint32_t length = options->length != 0 ? options->length : LENGTH;
    state.change_count = options->changes < CHANGES_MAX ? options->changes : CHANGES_MAX;
    for (uint32_t i = 0; i < state.change_count; i++) {
        uint64_t at = next_random() % length + 1;
        uint32_t place = i;
        for (; place > 0 && state.changes[place - 1] > at; place--) {
            state.changes[place] = state.changes[place - 1];
        }
        state.changes[place] = at;
    }
}

static uint32_t highest(uint32_t last, uint32_t set)
{
    uint32_t best = (uint32_t)__builtin_ctz(set);
    (void)last;
    for (uint32_t rest = set & (set - 1); rest != 0; rest &= rest - 1) {
        uint32_t fiber = (uint32_t)__builtin_ctz(rest);
        best = state.priorities[fiber] > state.priorities[best] ? fiber : best;
    }
    return best;
}

void sim_schedule_lower(uint32_t fiber)
{
    state.priorities[fiber] = state.lowest--;
    state.turn = 0;
}

static uint32_t pct_interrupt(uint32_t self, uint32_t others)
{
    state.steps++;
    state.turn = state.runs == self ? state.turn + 1 : 0;
    state.runs = self;
    bool changes =
        state.changes_made < state.change_count && state.steps >= state.changes[state.changes_made];
    state.changes_made += changes;
    if (changes || state.turn >= PATIENCE) {
        sim_schedule_lower(self);
    }
    return highest(self, others | UINT32_C(1) << self);
}

/* --- an input's bytes --- */

static bool take_byte(uint8_t *byte)
{
    const struct sim_options *options = &sim_hot.options;
    if (state.bytes_used >= options->byte_count) {
        return false;
    }
    *byte = options->bytes[state.bytes_used++];
    return true;
}

static uint32_t bytes_next(uint32_t last, uint32_t others)
{
    uint8_t byte;
    if (count(others) == 1 || !take_byte(&byte)) {
        return after(last, others);
    }
    return nth(others, byte % count(others));
}

/* One byte says how many steps the running fiber is left alone for, then one who goes on instead: an input that is
 * as long as the run would be all but zeros. */
static uint32_t bytes_interrupt(uint32_t self, uint32_t others)
{
    uint8_t byte;
    if (!state.run_known) {
        if (!take_byte(&byte)) {
            return self;
        }
        state.run_known = true;
        state.run_left =
            byte < SHORT_RUNS ? byte : SHORT_RUNS + (uint32_t)(byte - SHORT_RUNS) * LONG_RUN_STEPS;
    }
    if (state.run_left > 0) {
        state.run_left--;
        return self;
    }
    state.run_known = false;
    return bytes_next(self, others);
}

/* --- a function's choice --- */

static uint32_t chosen(uint32_t options, bool forced)
{
    const struct sim_options *world = &sim_hot.options;
    uint32_t choice = options > 1 ? world->choose(world->context, options, forced) : 0;
    assert(choice < options);
    return choice;
}

static uint32_t choose_next(uint32_t last, uint32_t others)
{
    (void)last;
    return nth(others, chosen(count(others), false));
}

static uint32_t choose_interrupt(uint32_t self, uint32_t others)
{
    uint32_t choice = chosen(1 + count(others), true);
    return choice == 0 ? self : nth(others, choice - 1);
}

/* --- all of them --- */

static const struct {
    uint32_t (*interrupt)(uint32_t self, uint32_t others);
    uint32_t (*next)(uint32_t last, uint32_t others);
} strategies[] = {
    [SIM_IN_ORDER] = {stay, after},
    [SIM_ROUND_ROBIN] = {after, after},
    [SIM_RANDOM] = {random_interrupt, random_other},
    [SIM_PCT] = {pct_interrupt, highest},
    [SIM_BYTES] = {bytes_interrupt, bytes_next},
    [SIM_CHOOSE] = {choose_interrupt, choose_next},
};

void sim_schedule_reset(void)
{
    const struct sim_options *options = &sim_hot.options;
    assert(options->schedule <= SIM_CHOOSE && (options->schedule != SIM_CHOOSE || options->choose != NULL));
    memset(&state, 0, sizeof state);
    state.random = options->seed;
    state.lowest = DRAWN - 1;
    if (options->schedule == SIM_PCT) {
        draw_changes(options);
    }
}

void sim_schedule_start(uint32_t fiber)
{
    if (sim_hot.options.schedule == SIM_PCT) {
        state.priorities[fiber] = next_random() | DRAWN;
    }
}

uint32_t sim_schedule_interrupt(uint32_t self, uint32_t others)
{
    return strategies[sim_hot.options.schedule].interrupt(self, others);
}

uint32_t sim_schedule_next(uint32_t last, uint32_t others)
{
    return strategies[sim_hot.options.schedule].next(last, others);
}
