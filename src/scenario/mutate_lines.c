/* mutate_lines.c - lines for the mutator: those that make sense, any, and ways of several; see mutate.h. */
#include <string.h>

#include "mutate_internal.h"
#include "outlook.h"
#include "scenario_types.h"
#include "vdi.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What of the limits a verb needs; calls need none. */
static const uint8_t scopes[SCENARIO_VERB_COUNT] = {
    [SCENARIO_WORLD_KILL] = MUTATE_WORLD,      [SCENARIO_WORLD_STOP] = MUTATE_WORLD,
    [SCENARIO_WORLD_CONTINUE] = MUTATE_WORLD,  [SCENARIO_WORLD_ADVANCE] = MUTATE_WORLD,
    [SCENARIO_WORLD_SWITCH] = MUTATE_SCHEDULE, [SCENARIO_WORLD_SET] = MUTATE_WRITES,
    [SCENARIO_WORLD_ADD] = MUTATE_WRITES,      [SCENARIO_WORLD_FLIP] = MUTATE_WRITES,
    [SCENARIO_WORLD_STORM] = MUTATE_WRITES,    [SCENARIO_WORLD_FAIL_MEMORY] = MUTATE_WORLD,
};

static bool allowed(const struct mutation *mutation, uint32_t verb)
{
    return (scopes[verb] & ~mutation->limits.scope) == 0;
}

/* ---- arguments ---- */

/* Values at which something changes, their neighbours, and now and then any. */
static int64_t boundary(struct mutation *mutation, enum scenario_type type, int64_t now)
{
    const struct scenario_type_info *info = &scenario_types[type];
    uint32_t draw = mutation_draw(mutation, 16);
    if (info->try_count == 0) {
        return mutation_draw(mutation, (uint32_t)info->max + 1);
    }
    if (draw == 0) {
        return (int64_t)mutation_draw64(mutation);
    }
    if (draw <= 2) {
        return (int64_t)((uint64_t)now + (draw == 1 ? 1 : UINT64_MAX));
    }
    return info->tries[mutation_draw(mutation, info->try_count)];
}

static uint32_t argument_count(const struct scenario_line *line)
{
    const struct scenario_verb_info *info = scenario_verb_info(line->verb);
    uint32_t count = 0;
    for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
        count += info->args[place].type != SCENARIO_NOTHING;
    }
    return count;
}

bool mutation_change_argument(struct mutation *mutation, struct scenario_line *line)
{
    const struct scenario_verb_info *info = scenario_verb_info(line->verb);
    uint32_t count = argument_count(line);
    uint32_t nth = count != 0 ? mutation_draw(mutation, count) : 0;
    for (uint32_t place = 0; place < SCENARIO_ARGS && count != 0; place++) {
        enum scenario_type type = info->args[place].type;
        if (type != SCENARIO_NOTHING && nth-- == 0) {
            scenario_set_arg(line, place, boundary(mutation, type, scenario_arg(line, place)));
            scenario_line_settle(line);
            return true;
        }
    }
    return false;
}

/* Commands with a buffer most of the time. */
static int64_t usual_command(struct mutation *mutation)
{
    static const int32_t often[] = {VDC_Write, VDC_Write, VDC_Read, VDC_Flush, VDC_ClearError};
    return mutation_chance(mutation, 8) ? 1 + (int32_t)mutation_draw(mutation, VDC_Complete)
                                        : often[mutation_draw(mutation, COUNT(often))];
}

static int64_t usual_value(struct mutation *mutation, const struct outlook *outlook,
                           const struct scenario_line *line, uint32_t place, uint32_t device)
{
    enum scenario_type type = scenario_verb_info(line->verb)->args[place].type;
    bool bare =
        line->verb == SCENARIO_SERVER_SEND_COMMAND && line->arg[1] != VDC_Write && line->arg[1] != VDC_Read;
    switch (type) {
    case SCENARIO_DEVICE:
        return device;
    case SCENARIO_COMMAND:
        return usual_command(mutation);
    case SCENARIO_CODE:
        return mutation_chance(mutation, 4) ? boundary(mutation, type, 0) : 0;
    case SCENARIO_HELD:
        return outlook->held[device] != 0 ? mutation_draw(mutation, outlook->held[device]) : 0;
    case SCENARIO_BUFFER:
        return bare || outlook->buffers == 0 ? 0 : 1 + mutation_draw(mutation, outlook->buffers);
    case SCENARIO_HANDLE:
        return outlook->handles != 0 ? 1 + mutation_draw(mutation, outlook->handles) : 0;
    case SCENARIO_TARGET:
    case SCENARIO_WORD:
    case SCENARIO_VALUE:
        return boundary(mutation, type, 0);
    case SCENARIO_ACTOR:
        return scenario_actor(mutation_chance(mutation, 2) ? SCENARIO_SERVER : SCENARIO_CLIENT,
                              mutation_draw(mutation, 2));
    default:
        return outlook_usual(line->verb, place);
    }
}

/* ---- actors ---- */

static void choose_actor(struct mutation *mutation, const struct outlook *outlook, struct scenario_line *line,
                         uint32_t device)
{
    enum scenario_process process = scenario_verb_info(line->verb)->process;
    uint32_t thread = mutation_chance(mutation, 4) ? device % SCENARIO_THREADS_MAX : 0;
    bool waits = line->verb == SCENARIO_CLIENT_GET_COMMAND || line->verb == SCENARIO_CLIENT_GET_CONFIGURATION;
    if (line->verb == SCENARIO_CLIENT_OPEN_IN_SECONDARY) {
        process = mutation_chance(mutation, 8) ? SCENARIO_ANOTHER : SCENARIO_SECONDARY;
    } else if (process == SCENARIO_CLIENT && (outlook->facts & OUTLOOK_SHARED) != 0 &&
               mutation_chance(mutation, 4)) {
        process = SCENARIO_SECONDARY;
    }
    /* A device is its opener's. */
    bool uses = line->verb == SCENARIO_CLIENT_GET_COMMAND || line->verb == SCENARIO_CLIENT_COMPLETE_COMMAND ||
                line->verb == SCENARIO_CLIENT_GET_BUFFER_HANDLE;
    if (uses && !mutation_chance(mutation, 8)) {
        process = (enum scenario_process)outlook->openers[device];
    }
    /* The agent keeps its thread until every device is closed. */
    if (line->verb == SCENARIO_SERVER_EXECUTE_COMPLETION_AGENT) {
        thread = 1;
        line->flags = SCENARIO_BEGINS;
    } else if (waits && mutation_chance(mutation, 8)) {
        line->flags = SCENARIO_BEGINS;
    }
    line->who = scenario_actor(
        process, mutation_chance(mutation, 16) ? mutation_draw(mutation, SCENARIO_THREADS_MAX) : thread);
}

/* ---- lines ---- */

/* One step: the verb for a device, or for each for which it makes sense. */
struct step {
    uint8_t verb;
    bool each;
    uint16_t unless; /* enum outlook_fact: it is there already */
    uint8_t place;   /* of an argument with a value of its own, if `value` is one */
    int64_t value;
};

static void make_line(struct mutation *mutation, const struct outlook *outlook, const struct step *step,
                      uint32_t device, struct scenario_line *line)
{
    *line = (struct scenario_line){.verb = step->verb};
    for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
        bool own = step->value != 0 && step->place == place;
        scenario_set_arg(line, place,
                         own ? step->value : usual_value(mutation, outlook, line, place, device));
    }
    choose_actor(mutation, outlook, line, device);
    scenario_line_settle(line);
}

/* By weight among all that makes sense; something always does. */
static void choose_line(struct mutation *mutation, const struct outlook *outlook, struct scenario_line *line)
{
    uint32_t total = 0, chosen = 0, device = 0;
    for (uint32_t pass = 0; pass < 2; pass++) {
        uint32_t left = pass == 0 || total == 0 ? UINT32_MAX : mutation_draw(mutation, total);
        total = 0;
        for (uint32_t i = 0; i < SCENARIO_VERB_COUNT * outlook->device_count && total <= left; i++) {
            uint32_t verb = i / outlook->device_count;
            uint32_t weight = outlook_weight(outlook, (enum scenario_verb)verb, i % outlook->device_count);
            total += allowed(mutation, verb) ? weight : 0;
            chosen = verb;
            device = i % outlook->device_count;
        }
    }
    make_line(mutation, outlook, &(struct step){.verb = (uint8_t)chosen}, device, line);
}

void mutation_insert(struct mutation *mutation, uint32_t at, const struct scenario_line *lines,
                     uint32_t count)
{
    struct scenario *scenario = mutation->scenario;
    uint32_t room = mutation->limits.lines - scenario->line_count;
    uint32_t fit = count < room ? count : room;
    memmove(&scenario->lines[at + fit], &scenario->lines[at], (scenario->line_count - at) * sizeof *lines);
    memcpy(&scenario->lines[at], lines, fit * sizeof *lines);
    scenario->line_count += fit;
}

void mutation_remove(struct mutation *mutation, uint32_t at, uint32_t count)
{
    struct scenario *scenario = mutation->scenario;
    memmove(&scenario->lines[at], &scenario->lines[at + count],
            (scenario->line_count - at - count) * sizeof scenario->lines[0]);
    scenario->line_count -= count;
}

void mutation_insert_sense(struct mutation *mutation, uint32_t at)
{
    struct outlook outlook;
    struct scenario_line line;
    outlook_of(mutation->scenario, at, &outlook);
    choose_line(mutation, &outlook, &line);
    if (mutation_chance(mutation, 16)) {
        mutation_change_argument(mutation, &line);
    }
    mutation_insert(mutation, at, &line, 1);
}

void mutation_change_verb(struct mutation *mutation, struct scenario_line *line)
{
    enum scenario_process process = scenario_verb_info(line->verb)->process;
    uint32_t verb = line->verb;
    do {
        verb = (verb + 1) % SCENARIO_VERB_COUNT;
    } while (verb != line->verb && (scenario_verb_info((enum scenario_verb)verb)->process != process ||
                                    !allowed(mutation, verb) || mutation_chance(mutation, 2)));
    line->verb = (uint8_t)verb;
    scenario_line_settle(line);
}

void mutation_insert_any(struct mutation *mutation, uint32_t at)
{
    struct scenario_line line = {.who = (uint8_t)mutation_draw(mutation, 64)};
    do {
        line.verb = (uint8_t)mutation_draw(mutation, SCENARIO_VERB_COUNT);
    } while (!allowed(mutation, line.verb));
    for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
        enum scenario_type type = scenario_verb_info(line.verb)->args[place].type;
        bool usual = mutation_chance(mutation, 2);
        scenario_set_arg(&line, place, usual ? outlook_usual(line.verb, place) : boundary(mutation, type, 0));
    }
    scenario_line_settle(&line);
    mutation_insert(mutation, at, &line, 1);
}

/* ---- ways ---- */

static const struct step to_active[] = {
    {.verb = SCENARIO_CLIENT_CREATE},
    {.verb = SCENARIO_SERVER_OPEN},
    {.verb = SCENARIO_SERVER_BEGIN_CONFIGURATION},
    {.verb = SCENARIO_SERVER_NAME_DEVICE, .each = true},
    {.verb = SCENARIO_SERVER_REQUEST_BUFFERS, .unless = OUTLOOK_REQUESTED},
    {.verb = SCENARIO_SERVER_END_CONFIGURATION},
    {.verb = SCENARIO_CLIENT_GET_CONFIGURATION},
    {.verb = SCENARIO_CLIENT_OPEN_DEVICE, .each = true},
    {.verb = SCENARIO_SERVER_OPEN_DEVICE, .each = true},
    {.verb = SCENARIO_SERVER_ALLOCATE_BUFFER, .unless = OUTLOOK_BUFFER},
};

static const struct step transfer[] = {
    {.verb = SCENARIO_SERVER_SEND_COMMAND, .place = 1, .value = VDC_Write},
    {.verb = SCENARIO_CLIENT_GET_COMMAND},
    {.verb = SCENARIO_CLIENT_COMPLETE_COMMAND},
    {.verb = SCENARIO_SERVER_RUN_COMPLETIONS},
};

/* Spec 2.2: IO-ERROR, and out of it. */
static const struct step error_and_clear[] = {
    {.verb = SCENARIO_SERVER_SEND_COMMAND, .place = 1, .value = VDC_Write},
    {.verb = SCENARIO_CLIENT_GET_COMMAND},
    {.verb = SCENARIO_CLIENT_COMPLETE_COMMAND, .place = 1, .value = ERROR_DISK_FULL},
    {.verb = SCENARIO_SERVER_RUN_COMPLETIONS},
    {.verb = SCENARIO_SERVER_SEND_COMMAND, .place = 1, .value = VDC_ClearError},
    {.verb = SCENARIO_CLIENT_GET_COMMAND},
    {.verb = SCENARIO_CLIENT_COMPLETE_COMMAND},
    {.verb = SCENARIO_SERVER_RUN_COMPLETIONS},
};

static const struct step to_end[] = {
    {.verb = SCENARIO_SERVER_CLOSE_DEVICE, .each = true},
    {.verb = SCENARIO_CLIENT_GET_COMMAND, .each = true},
    {.verb = SCENARIO_CLIENT_CLOSE},
    {.verb = SCENARIO_SERVER_CLOSE},
};

static const struct step abort_and_end[] = {
    {.verb = SCENARIO_CLIENT_SIGNAL_ABORT}, {.verb = SCENARIO_CLIENT_GET_COMMAND, .each = true},
    {.verb = SCENARIO_CLIENT_CLOSE},        {.verb = SCENARIO_SERVER_RUN_COMPLETIONS},
    {.verb = SCENARIO_SERVER_CLOSE},
};

static const struct {
    const struct step *steps;
    uint32_t count;
} ways[] = {
    {to_active, COUNT(to_active)}, {transfer, COUNT(transfer)},
    {transfer, COUNT(transfer)},   {error_and_clear, COUNT(error_and_clear)},
    {to_end, COUNT(to_end)},       {abort_and_end, COUNT(abort_and_end)},
};

enum {
    WAY_MAX = 4 * SCENARIO_DEVICES_MAX
};

/* The device for which the verb makes sense, this one if it does; device_count: none. */
static uint32_t find_device(const struct outlook *outlook, enum scenario_verb verb, uint32_t device)
{
    for (uint32_t i = 0; i < outlook->device_count; i++) {
        uint32_t which = (device + i) % outlook->device_count;
        if (outlook_weight(outlook, verb, which) != 0) {
            return which;
        }
    }
    return outlook->device_count;
}

static uint32_t take_step(struct mutation *mutation, struct outlook *outlook, const struct step *step,
                          uint32_t device, struct scenario_line *lines)
{
    uint32_t count = 0, most = step->each ? outlook->device_count : 1;
    while (count < most && (outlook->facts & step->unless) == 0) {
        uint32_t which = find_device(outlook, (enum scenario_verb)step->verb, device);
        if (which == outlook->device_count) {
            break;
        }
        make_line(mutation, outlook, step, which, &lines[count]);
        outlook_pass(outlook, &lines[count]);
        count++;
    }
    return count;
}

static void insert_way(struct mutation *mutation, uint32_t at, uint32_t way)
{
    struct scenario_line lines[WAY_MAX];
    struct outlook outlook;
    uint32_t count = 0;
    outlook_of(mutation->scenario, at, &outlook);
    uint32_t device = mutation_draw(mutation, outlook.device_count);
    for (uint32_t i = 0; i < ways[way].count; i++) {
        count += take_step(mutation, &outlook, &ways[way].steps[i], device, &lines[count]);
    }
    mutation_insert(mutation, at, lines, count);
}

void mutation_insert_way(struct mutation *mutation, uint32_t at)
{
    insert_way(mutation, at, mutation_draw(mutation, COUNT(ways)));
}

void mutation_insert_active(struct mutation *mutation, uint32_t at)
{
    insert_way(mutation, at, 0);
}
