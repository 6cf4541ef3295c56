/* scenario.c - verbs and the binary form; see scenario.h. */
#include "scenario.h"

#include <string.h>

#include "model.h"
#include "scenario_types.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the binary form is the memory's");

/* Results by expects - 1: of a code, NOERROR and the VD_E_* codes, which number from 1; of a truth, FALSE and TRUE. */
enum {
    CODES = 1 + 15,
    TRUTHS = 2
};

static const struct scenario_verb_info verbs[SCENARIO_VERB_COUNT] = {
#define ANYWHERE   false
#define SIMULATION true
#define A(type, word)         \
    {                         \
        SCENARIO_##type, word \
    }
#define NO                   \
    {                        \
        SCENARIO_NOTHING, "" \
    }
#define VERB(id, process, name, gives, where, ...) \
    [SCENARIO_##id] = {name, SCENARIO_##process, SCENARIO_RESULT_##gives, where, {__VA_ARGS__}},
#include "scenario.def"
};

const struct scenario_verb_info *scenario_verb_info(enum scenario_verb verb)
{
    return &verbs[verb];
}

int64_t scenario_arg(const struct scenario_line *line, uint32_t place)
{
    if (place >= SCENARIO_NARROW) {
        return line->wide[place - SCENARIO_NARROW];
    }
    int32_t value = line->arg[place];
    return scenario_types[verbs[line->verb].args[place].type].is_unsigned ? (int64_t)(uint32_t)value : value;
}

void scenario_set_arg(struct scenario_line *line, uint32_t place, int64_t value)
{
    if (place >= SCENARIO_NARROW) {
        line->wide[place - SCENARIO_NARROW] = value;
    } else {
        line->arg[place] = (int32_t)value;
    }
}

bool scenario_expected(const struct scenario_line *line, int32_t *result)
{
    if (line->expects == 0) {
        return false;
    }
    bool code = verbs[line->verb].gives == SCENARIO_RESULT_CODE;
    *result = code && line->expects > 1 ? VD_ERROR(line->expects - 1) : line->expects - 1;
    return true;
}

bool scenario_expect(struct scenario_line *line, int32_t result)
{
    static const int counts[] = {
        [SCENARIO_RESULT_NONE] = 0, [SCENARIO_RESULT_CODE] = CODES, [SCENARIO_RESULT_TRUTH] = TRUTHS};
    line->expects = 0;
    for (int i = 1; i <= counts[verbs[line->verb].gives]; i++) {
        struct scenario_line like = {.verb = line->verb, .expects = (uint8_t)i};
        int32_t known = 0;
        if (scenario_expected(&like, &known) && known == result) {
            line->expects = (uint8_t)i;
        }
    }
    return line->expects != 0;
}

bool scenario_needs_simulation(const struct scenario *scenario)
{
    bool needs = scenario->schedule != SCENARIO_IN_ORDER;
    for (uint32_t i = 0; i < scenario->line_count && !needs; i++) {
        const struct scenario_line *line = &scenario->lines[i];
        const struct scenario_verb_info *info = &verbs[line->verb];
        /* Nobody else can count steps: `after` is the second argument of Kill, Stop and Continue. */
        needs = info->simulation_only || (info->process == SCENARIO_WORLD && line->arg[1] != 0);
    }
    return needs;
}

void scenario_init(struct scenario *scenario)
{
    memset(scenario, 0, sizeof *scenario);
    scenario->magic = SCENARIO_MAGIC;
    scenario->version = SCENARIO_VERSION;
    scenario->device_count = 1;
}

static size_t used_bytes(const struct scenario *scenario)
{
    return SCENARIO_HEADER_BYTES + scenario->line_count * SCENARIO_LINE_BYTES;
}

bool scenario_equal(const struct scenario *a, const struct scenario *b)
{
    return a->line_count == b->line_count && memcmp(a, b, used_bytes(a)) == 0;
}

static void settle_actor(struct scenario_line *line)
{
    enum scenario_process process = verbs[line->verb].process;
    uint32_t thread = scenario_actor_thread(line->who);
    if (process == SCENARIO_CLIENT) {
        process = (enum scenario_process)(line->who / SCENARIO_THREADS_MAX % SCENARIO_SERVER);
    } else if (process == SCENARIO_WORLD) {
        thread = 0;
    }
    line->who = scenario_actor(process, thread);
}

static void settle_expectation(struct scenario_line *line)
{
    switch (verbs[line->verb].gives) {
    case SCENARIO_RESULT_CODE:
        line->expects %= 1 + CODES;
        break;
    case SCENARIO_RESULT_TRUTH:
        line->expects %= 1 + TRUTHS;
        break;
    case SCENARIO_RESULT_NONE:
        line->expects = 0;
        break;
    }
    if (line->flags == SCENARIO_BEGINS) {
        line->expects = 0; /* it has none yet */
    }
}

void scenario_line_settle(struct scenario_line *line)
{
    line->verb %= SCENARIO_VERB_COUNT;
    const struct scenario_verb_info *info = &verbs[line->verb];
    settle_actor(line);
    line->flags &= SCENARIO_BEGINS | SCENARIO_ENDS;
    if (info->process == SCENARIO_WORLD) {
        line->flags = 0;
    } else if (line->flags == (SCENARIO_BEGINS | SCENARIO_ENDS)) {
        line->flags = SCENARIO_BEGINS;
    }
    settle_expectation(line);
    for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
        enum scenario_type type = info->args[place].type;
        bool none = type == SCENARIO_NOTHING || line->flags == SCENARIO_ENDS;
        scenario_set_arg(line, place, none ? 0 : scenario_value_settle(type, scenario_arg(line, place)));
    }
}

void scenario_settle(struct scenario *scenario)
{
    const uint32_t known = ((1u << MODEL_DIALECT_UNOFFERED) - 1) & ~(1u << MODEL_NO_DIALECT);
    scenario->magic = SCENARIO_MAGIC;
    scenario->version = SCENARIO_VERSION;
    scenario->device_count %= SCENARIO_COUNT_MAX + 1;
    scenario->schedule %= SCENARIO_SCHEDULE_COUNT;
    scenario->dialects &= known;
    scenario->changes &= 0xff;
    if (scenario->schedule != SCENARIO_PCT) {
        scenario->changes = 0;
        scenario->seed = scenario->schedule == SCENARIO_RANDOM ? scenario->seed : 0;
    }
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        scenario_line_settle(&scenario->lines[i]);
    }
}

void scenario_decode(const uint8_t *bytes, size_t length, struct scenario *scenario)
{
    size_t used = length < SCENARIO_BYTES_MAX ? length : SCENARIO_BYTES_MAX;
    uint32_t lines =
        used > SCENARIO_HEADER_BYTES
            ? (uint32_t)((used - SCENARIO_HEADER_BYTES + SCENARIO_LINE_BYTES - 1) / SCENARIO_LINE_BYTES)
            : 0;
    size_t whole = SCENARIO_HEADER_BYTES + lines * SCENARIO_LINE_BYTES;
    if (used != 0) {
        memcpy(scenario, bytes, used);
    }
    memset((uint8_t *)scenario + used, 0, whole - used);
    scenario->line_count = lines;
    scenario_settle(scenario);
}

size_t scenario_encode(const struct scenario *scenario, uint8_t *bytes, size_t size)
{
    size_t length = used_bytes(scenario);
    if (length > size || scenario->line_count > SCENARIO_LINES_MAX) {
        return 0;
    }
    memcpy(bytes, scenario, length);
    return length;
}
