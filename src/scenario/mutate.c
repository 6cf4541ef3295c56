/* mutate.c - what the mutator does to a scenario; see mutate.h. */
#include "mutate.h"

#include <string.h>

#include "model.h"
#include "mutate_internal.h"
#include "outlook.h"

uint64_t mutation_draw64(struct mutation *mutation)
{
    /* A counter through a mix of its bits: any seed is as good as another, 0 too. */
    uint64_t mixed = mutation->random += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

uint32_t mutation_draw(struct mutation *mutation, uint32_t below)
{
    return (uint32_t)((mutation_draw64(mutation) >> 32) * below >> 32);
}

/* ---- places ---- */

/* One of the lines, of which there is at least one; more often a late one, because all that follows rests on what is
 * done early. */
static uint32_t draw_place(struct mutation *mutation)
{
    uint32_t count = mutation->scenario->line_count;
    uint32_t one = mutation_draw(mutation, count), other = mutation_draw(mutation, count);
    return one > other ? one : other;
}

/* Before any line or behind the last; half of the time behind it, where scenarios grow. */
static uint32_t draw_gap(struct mutation *mutation)
{
    uint32_t count = mutation->scenario->line_count;
    return count == 0 || mutation_chance(mutation, 2) ? count : draw_place(mutation);
}

/* Some lines in a row, mostly few. */
static uint32_t draw_range(struct mutation *mutation, uint32_t *at)
{
    uint32_t count = mutation->scenario->line_count;
    *at = draw_place(mutation);
    uint32_t length = 1 + mutation_draw(mutation, mutation_chance(mutation, 4) ? count : 2);
    return length < count - *at ? length : count - *at;
}

static struct scenario_line *draw_line(struct mutation *mutation)
{
    return &mutation->scenario->lines[draw_place(mutation)];
}

/* ---- what can be done; all but the inserting ones need a line ---- */

static void insert_sense(struct mutation *mutation)
{
    mutation_insert_sense(mutation, draw_gap(mutation));
}

static void insert_any(struct mutation *mutation)
{
    mutation_insert_any(mutation, draw_gap(mutation));
}

static void insert_way(struct mutation *mutation)
{
    mutation_insert_way(mutation, draw_gap(mutation));
}

/* A line that needs what is not there goes, or what it needs comes before it. */
static void mend(struct mutation *mutation)
{
    struct outlook outlook;
    uint32_t at = 0;
    outlook_of(mutation->scenario, 0, &outlook);
    while (at < mutation->scenario->line_count && outlook_agrees(&outlook, &mutation->scenario->lines[at])) {
        outlook_pass(&outlook, &mutation->scenario->lines[at]);
        at++;
    }
    if (at == mutation->scenario->line_count) {
        mutation_insert_way(mutation, at);
    } else if (mutation_chance(mutation, 2)) {
        mutation_remove(mutation, at, 1);
    } else {
        mutation_insert_active(mutation, at);
    }
}

static void remove_lines(struct mutation *mutation)
{
    uint32_t at = 0;
    uint32_t count = draw_range(mutation, &at);
    mutation_remove(mutation, at, count);
}

static void repeat_lines(struct mutation *mutation)
{
    struct scenario_line lines[SCENARIO_LINES_MAX];
    uint32_t at = 0;
    uint32_t count = draw_range(mutation, &at);
    memcpy(lines, &mutation->scenario->lines[at], count * sizeof lines[0]);
    mutation_insert(mutation, mutation_chance(mutation, 2) ? at + count : draw_gap(mutation), lines, count);
}

static void move_lines(struct mutation *mutation)
{
    struct scenario_line lines[SCENARIO_LINES_MAX];
    uint32_t at = 0;
    uint32_t count = draw_range(mutation, &at);
    memcpy(lines, &mutation->scenario->lines[at], count * sizeof lines[0]);
    mutation_remove(mutation, at, count);
    mutation_insert(mutation, mutation_draw(mutation, mutation->scenario->line_count + 1), lines, count);
}

static void swap_lines(struct mutation *mutation)
{
    uint32_t count = mutation->scenario->line_count;
    uint32_t at = draw_place(mutation);
    uint32_t other = mutation_chance(mutation, 2) ? (at + 1) % count : mutation_draw(mutation, count);
    struct scenario_line line = mutation->scenario->lines[at];
    mutation->scenario->lines[at] = mutation->scenario->lines[other];
    mutation->scenario->lines[other] = line;
}

static void change_argument(struct mutation *mutation)
{
    uint32_t count = mutation->scenario->line_count;
    uint32_t at = draw_place(mutation);
    for (uint32_t i = 0; i < count; i++) {
        if (mutation_change_argument(mutation, &mutation->scenario->lines[(at + i) % count])) {
            return;
        }
    }
}

static void change_verb(struct mutation *mutation)
{
    mutation_change_verb(mutation, draw_line(mutation));
}

static void change_actor(struct mutation *mutation)
{
    struct scenario_line *line = draw_line(mutation);
    uint32_t thread = mutation_draw(mutation, SCENARIO_THREADS_MAX);
    enum scenario_process process = scenario_actor_process(line->who);
    if (process < SCENARIO_SERVER && mutation_chance(mutation, 3)) {
        process = (enum scenario_process)mutation_draw(mutation, SCENARIO_SERVER);
    }
    line->who = scenario_actor(process, thread);
    scenario_line_settle(line);
}

/* A call that begins, and where its return is waited for; or no longer. */
static void part_call(struct mutation *mutation)
{
    uint32_t at = draw_place(mutation);
    struct scenario_line *line = &mutation->scenario->lines[at];
    struct scenario_line end = {.verb = line->verb, .who = line->who, .flags = SCENARIO_ENDS};
    if (line->flags == SCENARIO_ENDS) {
        mutation_remove(mutation, at, 1);
        return;
    }
    line->flags ^= SCENARIO_BEGINS;
    scenario_line_settle(line);
    if (line->flags == SCENARIO_BEGINS && mutation_chance(mutation, 2)) {
        uint32_t later = at + 1 + mutation_draw(mutation, mutation->scenario->line_count - at);
        mutation_insert(mutation, later, &end, 1);
    }
}

static void change_devices(struct mutation *mutation)
{
    static const uint8_t counts[] = {
        1, 1, 2, 2, 3, SCENARIO_DEVICES_MAX, 0, SCENARIO_COUNT_MAX - 1, SCENARIO_COUNT_MAX};
    mutation->scenario->device_count = counts[mutation_draw(mutation, sizeof counts)];
}

static void change_dialects(struct mutation *mutation)
{
    mutation->scenario->dialects ^= 1u << mutation_draw(mutation, MODEL_DIALECT_COUNT);
}

static void change_schedule(struct mutation *mutation)
{
    struct scenario *scenario = mutation->scenario;
    scenario->schedule = (uint8_t)mutation_draw(mutation, SCENARIO_SCHEDULE_COUNT);
    scenario->seed = mutation_chance(mutation, 2) ? mutation_draw(mutation, 256) : mutation_draw64(mutation);
    scenario->changes = mutation_draw(mutation, mutation_chance(mutation, 4) ? 256 : 8);
}

static void change_seed(struct mutation *mutation)
{
    mutation->scenario->seed ^= (uint64_t)1 << mutation_draw(mutation, 64);
}

static const struct {
    void (*change)(struct mutation *mutation);
    uint8_t weight;
    uint8_t scope;
} changes[] = {
    {insert_sense, 30, 0},
    {insert_way, 10, 0},
    {insert_any, 4, 0},
    {mend, 16, 0},
    {remove_lines, 12, 0},
    {repeat_lines, 6, 0},
    {move_lines, 5, 0},
    {swap_lines, 8, 0},
    {change_argument, 16, 0},
    {change_verb, 2, 0},
    {change_actor, 4, 0},
    {part_call, 5, 0},
    {change_devices, 1, 0},
    {change_dialects, 1, 0},
    {change_schedule, 1, MUTATE_SCHEDULE},
    {change_seed, 2, MUTATE_SCHEDULE},
};

static void change_once(struct mutation *mutation)
{
    uint32_t count = sizeof changes / sizeof changes[0], total = 0, which = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += (changes[i].scope & ~mutation->limits.scope) == 0 ? changes[i].weight : 0;
    }
    uint32_t left = mutation_draw(mutation, total);
    for (total = 0; which < count; which++) {
        total += (changes[which].scope & ~mutation->limits.scope) == 0 ? changes[which].weight : 0;
        if (total > left) {
            break;
        }
    }
    changes[which].change(mutation);
}

static struct mutation begin(struct scenario *scenario, uint64_t seed, const struct mutate_limits *limits)
{
    struct mutation mutation = {.random = seed, .limits = *limits, .scenario = scenario};
    if (scenario->line_count > limits->lines) {
        scenario->line_count = limits->lines;
    }
    return mutation;
}

void scenario_mutate(struct scenario *scenario, uint64_t seed, const struct mutate_limits *limits)
{
    struct mutation mutation = begin(scenario, seed, limits);
    do {
        if (scenario->line_count == 0) {
            mutation_insert_active(&mutation, 0);
        } else {
            change_once(&mutation);
        }
    } while (mutation_chance(&mutation, 3));
    scenario_settle(scenario);
}

/* ---- two ---- */

/* One's beginning and the other's end, from the same place or from any. */
static void cross_ends(struct mutation *mutation, const struct scenario *b)
{
    uint32_t at = mutation_draw(mutation, mutation->scenario->line_count + 1);
    uint32_t from =
        at < b->line_count && mutation_chance(mutation, 2) ? at : mutation_draw(mutation, b->line_count + 1);
    mutation->scenario->line_count = at;
    mutation_insert(mutation, at, &b->lines[from], b->line_count - from);
}

/* Some of the other's lines in between. */
static void cross_middle(struct mutation *mutation, const struct scenario *b)
{
    uint32_t at = draw_gap(mutation), from = mutation_draw(mutation, b->line_count + 1);
    uint32_t count = mutation_draw(mutation, b->line_count - from + 1);
    mutation_insert(mutation, at, &b->lines[from], count);
}

/* One's server with the other's clients: each side's order stays, their places among each other are drawn. */
static void cross_sides(struct mutation *mutation, const struct scenario *b)
{
    struct scenario *child = mutation->scenario;
    struct scenario_line mine[SCENARIO_LINES_MAX];
    uint32_t count = child->line_count, i = 0, j = 0;
    memcpy(mine, child->lines, count * sizeof mine[0]);
    child->line_count = 0;
    while ((i < count || j < b->line_count) && child->line_count < mutation->limits.lines) {
        bool from_b = i == count || (j < b->line_count && mutation_chance(mutation, 2));
        const struct scenario_line *line = from_b ? &b->lines[j++] : &mine[i++];
        if ((scenario_actor_process(line->who) == SCENARIO_SERVER) == from_b) {
            child->lines[child->line_count++] = *line;
        }
    }
}

void scenario_cross(const struct scenario *a, const struct scenario *b, uint64_t seed,
                    const struct mutate_limits *limits, struct scenario *child)
{
    static void (*const ways[])(struct mutation * mutation, const struct scenario *b) = {
        cross_ends, cross_ends, cross_middle, cross_sides};
    *child = *a;
    struct mutation mutation = begin(child, seed, limits);
    if (mutation_chance(&mutation, 4)) {
        child->schedule = b->schedule;
        child->seed = b->seed;
        child->changes = b->changes;
    }
    ways[mutation_draw(&mutation, sizeof ways / sizeof ways[0])](&mutation, b);
    scenario_settle(child);
}

/* ---- the binary form ---- */

/* As many lines as fit; 0: none. */
static uint32_t lines_of(size_t size)
{
    size_t lines = size > SCENARIO_HEADER_BYTES ? (size - SCENARIO_HEADER_BYTES) / SCENARIO_LINE_BYTES : 0;
    return lines < SCENARIO_LINES_MAX ? (uint32_t)lines : SCENARIO_LINES_MAX;
}

/* Text that does not parse is bytes like any. */
static void read_bytes(const uint8_t *bytes, size_t length, struct scenario *scenario)
{
    struct fault_error error;
    uint32_t line = 0;
    if (scenario_read(bytes, length, scenario, NULL, &error, &line) != 0) {
        scenario_decode(bytes, length, scenario);
    }
}

size_t scenario_mutate_bytes(uint8_t *bytes, size_t length, size_t max_size, uint64_t seed, uint32_t scope)
{
    struct scenario scenario;
    struct mutate_limits limits = {.lines = lines_of(max_size), .scope = scope};
    if (limits.lines == 0) {
        return length < max_size ? length : max_size;
    }
    read_bytes(bytes, length, &scenario);
    scenario_mutate(&scenario, seed, &limits);
    return scenario_encode(&scenario, bytes, max_size);
}

size_t scenario_cross_bytes(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length,
                            uint8_t *child, size_t max_size, uint64_t seed, uint32_t scope)
{
    struct scenario one, other, made;
    struct mutate_limits limits = {.lines = lines_of(max_size), .scope = scope};
    if (limits.lines == 0) {
        return 0;
    }
    read_bytes(a, a_length, &one);
    read_bytes(b, b_length, &other);
    scenario_cross(&one, &other, seed, &limits, &made);
    return scenario_encode(&made, child, max_size);
}
