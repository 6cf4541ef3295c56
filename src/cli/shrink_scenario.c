/* shrink_scenario.c - see shrink_scenario.h. */
#include "shrink_scenario.h"

#include <string.h>

#include "scenario_types.h"

struct search {
    struct shrink_scenario *shrink;
    struct scenario *best;
    bool stopped;
};

/* Whether the candidate, which is not the scenario itself, takes its place. */
static bool take(struct search *search, const struct scenario *candidate)
{
    if (search->stopped) {
        return false;
    }
    search->shrink->candidates++;
    enum shrink_answer answer = search->shrink->ask(search->shrink->context, candidate);
    search->stopped = answer == SHRINK_STOP;
    if (answer == SHRINK_SHOWN) {
        *search->best = *candidate;
    }
    return answer == SHRINK_SHOWN;
}

/* ---- lines ---- */

static void cut_lines(struct scenario *scenario, uint32_t first, uint32_t count)
{
    uint32_t left = scenario->line_count - first;
    count = left < count ? left : count;
    memmove(scenario->lines + first, scenario->lines + first + count,
            (left - count) * sizeof scenario->lines[0]);
    scenario->line_count -= count;
}

/* The line alone, whose number later lines know: the numbers behind it move up. False: nothing does. */
static bool cut_numbered(struct scenario *scenario, uint32_t first)
{
    uint8_t verb = scenario->lines[first].verb;
    enum scenario_type type = verb == SCENARIO_SERVER_ALLOCATE_BUFFER     ? SCENARIO_BUFFER
                              : verb == SCENARIO_CLIENT_GET_BUFFER_HANDLE ? SCENARIO_HANDLE
                                                                          : SCENARIO_NOTHING;
    int64_t most = type == SCENARIO_BUFFER ? SCENARIO_BUFFERS_MAX : SCENARIO_HANDLES_MAX;
    int64_t number = 1;
    bool moved = false;
    for (uint32_t i = 0; i < first; i++) {
        number += scenario->lines[i].verb == verb;
    }
    cut_lines(scenario, first, 1);
    for (uint32_t i = first; i < scenario->line_count && type != SCENARIO_NOTHING; i++) {
        struct scenario_line *line = &scenario->lines[i];
        for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
            int64_t value = scenario_arg(line, place);
            if (scenario_verb_info(line->verb)->args[place].type == type && value > number && value <= most) {
                scenario_set_arg(line, place, value - 1);
                moved = true;
            }
        }
    }
    return moved;
}

/* From the end, since what ends a scenario is there and what is behind it matters least. */
static bool drop_lines(struct search *search)
{
    bool taken = false;
    for (uint32_t chunk = search->best->line_count; chunk > 0; chunk /= 2) {
        uint32_t first = search->best->line_count;
        while (first > 0) {
            struct scenario candidate = *search->best;
            first -= chunk < first ? chunk : first;
            cut_lines(&candidate, first, chunk);
            bool gone = take(search, &candidate);
            candidate = *search->best;
            if (!gone && chunk == 1 && cut_numbered(&candidate, first)) {
                gone = take(search, &candidate);
            }
            taken = gone || taken;
        }
    }
    return taken;
}

/* ---- the setting ---- */

/* Each changes a copy in its `which`-th way; false: there is no such way. One that changes nothing is passed over. */
typedef bool setting_step(struct scenario *scenario, uint32_t which);

static bool schedule_in_order(struct scenario *scenario, uint32_t which)
{
    scenario->schedule = SCENARIO_IN_ORDER;
    scenario->seed = 0;
    scenario->changes = 0;
    return which == 0;
}

static bool simpler_schedule(struct scenario *scenario, uint32_t which)
{
    scenario->seed = which == 0 ? 0 : scenario->seed;
    scenario->changes = which == 1 ? 0 : which == 2 ? scenario->changes / 2 : scenario->changes;
    return which < 3;
}

static bool usual_dialect(struct scenario *scenario, uint32_t which)
{
    enum {
        BITS = 32
    };
    scenario->dialects &= which == 0 || which > BITS ? 0 : ~(1u << (which - 1));
    return which <= BITS;
}

static bool fewer_devices(struct scenario *scenario, uint32_t which)
{
    uint8_t count = which == 0 ? 1 : (uint8_t)(scenario->device_count - 1);
    scenario->device_count = count < scenario->device_count ? count : scenario->device_count;
    return which < 2 && count != 0;
}

static bool same(const struct scenario *a, const struct scenario *b)
{
    return memcmp(a, b, offsetof(struct scenario, lines)) == 0 &&
           memcmp(a->lines, b->lines, a->line_count * sizeof a->lines[0]) == 0;
}

static bool simplify_setting(struct search *search)
{
    static setting_step *const steps[] = {schedule_in_order, simpler_schedule, usual_dialect, fewer_devices};
    bool taken = false;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        for (uint32_t which = 0;; which++) {
            struct scenario candidate = *search->best;
            if (!steps[i](&candidate, which)) {
                break;
            }
            taken = (!same(&candidate, search->best) && take(search, &candidate)) || taken;
        }
    }
    return taken;
}

/* ---- what a line says ---- */

static bool take_line(struct search *search, uint32_t index, const struct scenario_line *line)
{
    struct scenario candidate = *search->best;
    candidate.lines[index] = *line;
    scenario_line_settle(&candidate.lines[index]);
    return !same(&candidate, search->best) && take(search, &candidate);
}

static bool simplify_line(struct search *search, uint32_t index)
{
    struct scenario_line line = search->best->lines[index];
    bool taken;
    line.expects = 0;
    taken = take_line(search, index, &line);
    line = search->best->lines[index];
    line.flags = 0;
    taken = take_line(search, index, &line) || taken;
    line = search->best->lines[index];
    line.who = scenario_actor(scenario_actor_process(line.who), 0);
    return take_line(search, index, &line) || taken;
}

static uint64_t distance(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

/* The next nearer to 0 than `limit` allows: what there is to try, in order from 0. False: no more. */
static bool next_value(const struct scenario_type_info *type, uint64_t *from, uint64_t limit, int64_t *value)
{
    bool found = *from == 0 && limit > 0;
    uint64_t nearest = found ? 0 : limit;
    *value = 0;
    for (uint32_t i = 0; i < type->try_count && !found; i++) {
        uint64_t at = distance(type->tries[i]);
        if (at >= *from && at < nearest) {
            nearest = at;
            *value = type->tries[i];
        }
    }
    *from = nearest + 1;
    return nearest < limit;
}

static bool simplify_argument(struct search *search, uint32_t index, uint32_t place)
{
    enum scenario_type type = scenario_verb_info(search->best->lines[index].verb)->args[place].type;
    uint64_t from = 0;
    int64_t value;
    if (type == SCENARIO_NOTHING) {
        return false;
    }
    uint64_t limit = distance(scenario_arg(&search->best->lines[index], place));
    while (next_value(&scenario_types[type], &from, limit, &value)) {
        struct scenario_line line = search->best->lines[index];
        scenario_set_arg(&line, place, value);
        if (take_line(search, index, &line)) {
            return true;
        }
    }
    return false;
}

static bool simplify_lines(struct search *search)
{
    bool taken = false;
    for (uint32_t i = 0; i < search->best->line_count; i++) {
        taken = simplify_line(search, i) || taken;
        for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
            taken = simplify_argument(search, i, place) || taken;
        }
    }
    return taken;
}

void shrink_scenario(struct shrink_scenario *shrink, struct scenario *scenario)
{
    struct search search = {.shrink = shrink, .best = scenario};
    bool taken = true;
    shrink->candidates = 0;
    /* A step may open the way for one before it; only a round that takes none is the last. */
    while (taken && !search.stopped) {
        taken = drop_lines(&search);
        taken = simplify_setting(&search) || taken;
        taken = simplify_lines(&search) || taken;
    }
    shrink->minimal = !search.stopped;
}
