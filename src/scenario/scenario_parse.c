/* scenario_parse.c - text to scenario; see scenario.h.
 *
 * A line is words, parted by blanks, and the marks ( ) and ','; '#' where a word would begin starts a comment.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "model.h"
#include "near.h"
#include "plan.h"
#include "scenario_types.h"

struct token {
    const char *text;
    size_t length; /* 0: the line's end */
};

struct parser {
    const char *line, *end; /* of the line being read */
    const char *next;       /* behind `token` */
    struct token token;
    struct scenario *scenario;
    struct plan *plan; /* NULL: its lines are refused */
    struct fault_error *error;
};

/* ---- words ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_mark(char c)
{
    return c == '(' || c == ')' || c == ',';
}

static void advance(struct parser *parser)
{
    const char *at = parser->next;
    while (at < parser->end && is_blank(*at)) {
        at++;
    }
    const char *stop = at;
    if (at < parser->end && is_mark(*at)) {
        stop++;
    } else if (at < parser->end && *at != '#') {
        while (stop < parser->end && !is_blank(*stop) && !is_mark(*stop)) {
            stop++;
        }
    }
    parser->token = (struct token){at, (size_t)(stop - at)};
    parser->next = stop;
}

static bool at_word(const struct parser *parser, const char *word)
{
    return parser->token.length != 0 && scenario_text_is(parser->token.text, parser->token.length, word);
}

static bool accept(struct parser *parser, const char *word)
{
    bool here = at_word(parser, word);
    if (here) {
        advance(parser);
    }
    return here;
}

/* ---- messages ---- */

/* What was found, as messages show it: no byte of it may steer a terminal or break a line. */
static const char *found(const struct token *token, char text[48])
{
    size_t shown = token->length < 40 ? token->length : 40;
    if (token->length == 0) {
        return "the end of the line";
    }
    text[0] = '\'';
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)token->text[i];
        text[1 + i] = byte < 0x20 || byte >= 0x7f ? '?' : token->text[i];
    }
    memcpy(text + 1 + shown, "'", 2);
    return text;
}

__attribute__((format(printf, 3, 4))) static int fail_at(struct parser *parser, const char *at,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->error->message, sizeof parser->error->message, format, arguments);
    va_end(arguments);
    parser->error->offset = (size_t)(at - parser->line);
    return EINVAL;
}

/* "found X, expected Y" at the token. */
static int fail_expected(struct parser *parser, const char *expected)
{
    char text[48];
    return fail_at(parser, parser->token.text, "found %s: expected %s", found(&parser->token, text),
                   expected);
}

static int expect_word(struct parser *parser, const char *word)
{
    char text[16];
    if (accept(parser, word)) {
        return 0;
    }
    snprintf(text, sizeof text, "'%s'", word);
    return fail_expected(parser, text);
}

static int expect_end(struct parser *parser)
{
    return parser->token.length == 0 ? 0 : fail_expected(parser, "the end of the line");
}

/* ---- the setting ---- */

static int parse_number(struct parser *parser, uint64_t most, uint64_t *value)
{
    int64_t number = 0;
    char expected[48];
    if (!scenario_number_parse(parser->token.text, parser->token.length, true, &number) ||
        (uint64_t)number > most) {
        snprintf(expected, sizeof expected, "a number, 0 to %llu", (unsigned long long)most);
        return fail_expected(parser, expected);
    }
    *value = (uint64_t)number;
    advance(parser);
    return 0;
}

static int parse_devices(struct parser *parser)
{
    uint64_t count = 0;
    int status = parse_number(parser, SCENARIO_COUNT_MAX, &count);
    if (status == 0) {
        parser->scenario->device_count = (uint8_t)count;
        status = expect_end(parser);
    }
    return status;
}

static int parse_schedule(struct parser *parser)
{
    struct scenario *scenario = parser->scenario;
    uint32_t schedule = 0;
    uint64_t changes = 0;
    int status = 0;
    while (schedule < SCENARIO_SCHEDULE_COUNT && !at_word(parser, scenario_schedule_names[schedule])) {
        schedule++;
    }
    if (schedule == SCENARIO_SCHEDULE_COUNT) {
        return fail_expected(parser, "a schedule: in-order, round-robin, random or pct");
    }
    scenario->schedule = (uint8_t)schedule;
    scenario->seed = 0;
    scenario->changes = 0;
    advance(parser);
    if ((schedule == SCENARIO_RANDOM || schedule == SCENARIO_PCT) && accept(parser, "seed")) {
        status = parse_number(parser, UINT64_MAX, &scenario->seed);
    }
    if (status == 0 && schedule == SCENARIO_PCT && accept(parser, "changes")) {
        status = parse_number(parser, 255, &changes);
        scenario->changes = (uint32_t)changes;
    }
    return status != 0 ? status : expect_end(parser);
}

/* One NAME:VALUE of the list; 0: it is none of those that there are. */
static bool take_dialect(const char *text, size_t length, uint32_t *dialects)
{
#define DIALECT(id, name, usual, other, ...)                                 \
    if (name[0] != '\0' && scenario_text_is(text, length, name ":" other)) { \
        *dialects |= 1u << MODEL_DIALECT_##id;                               \
        return true;                                                         \
    }                                                                        \
    if (name[0] != '\0' && scenario_text_is(text, length, name ":" usual)) { \
        *dialects &= ~(1u << MODEL_DIALECT_##id);                            \
        return true;                                                         \
    }
#include "tables.def"
    return false;
}

static int parse_dialect(struct parser *parser)
{
    do {
        if (!take_dialect(parser->token.text, parser->token.length, &parser->scenario->dialects)) {
            return fail_expected(parser, "a dialect, as close-open:noerror or timeout-unit:s");
        }
        advance(parser);
    } while (accept(parser, ","));
    return expect_end(parser);
}

static int parse_plan(struct parser *parser)
{
    uint32_t line = 0;
    if (parser->plan == NULL) {
        return fail_at(parser, parser->token.text, "a line of a plan, where only a scenario is wanted");
    }
    return plan_parse(parser->line, (size_t)(parser->end - parser->line), parser->plan, parser->error, &line);
}

/* ---- a call ---- */

static bool verb_fits(enum scenario_verb verb, enum scenario_process process)
{
    enum scenario_process owner = scenario_verb_info(verb)->process;
    return owner == process || (owner == SCENARIO_CLIENT && process < SCENARIO_SERVER);
}

static int refuse_verb(struct parser *parser, enum scenario_process process)
{
    struct near_word near;
    char text[48], hint[64];
    near_start(&near, parser->token.text, parser->token.length);
    for (int i = 0; i < SCENARIO_VERB_COUNT; i++) {
        if (verb_fits((enum scenario_verb)i, process)) {
            near_offer(&near, scenario_verb_info((enum scenario_verb)i)->name);
        }
    }
    return fail_at(parser, parser->token.text, "found %s: expected something that %s %s can do%s",
                   found(&parser->token, text), process < SCENARIO_SERVER ? "a" : "the",
                   process < SCENARIO_SERVER ? "client" : scenario_process_names[process],
                   near_text(&near, hint, sizeof hint));
}

static int parse_verb(struct parser *parser, struct scenario_line *line)
{
    enum scenario_process process = scenario_actor_process(line->who);
    for (int i = 0; i < SCENARIO_VERB_COUNT; i++) {
        const char *name = scenario_verb_info((enum scenario_verb)i)->name;
        if (verb_fits((enum scenario_verb)i, process) && accept(parser, name)) {
            line->verb = (uint8_t)i;
            return 0;
        }
    }
    return refuse_verb(parser, process);
}

static int refuse_argument(struct parser *parser, const struct scenario_verb_info *info)
{
    struct near_word near;
    char text[48], hint[64];
    near_start(&near, parser->token.text, parser->token.length);
    for (uint32_t i = 0; i < SCENARIO_ARGS; i++) {
        near_offer(&near, info->args[i].word);
    }
    return fail_at(parser, parser->token.text, "found %s: %s has no such argument%s",
                   found(&parser->token, text), info->name, near_text(&near, hint, sizeof hint));
}

/* The place of the argument that begins here: told by its word, else the first without one that is not there
 * yet. */
static int find_argument(struct parser *parser, const struct scenario_verb_info *info, uint32_t given,
                         uint32_t *place)
{
    for (uint32_t i = 0; i < SCENARIO_ARGS; i++) {
        const char *word = info->args[i].word;
        if (word[0] != '\0' && at_word(parser, word)) {
            *place = i;
            return (given & 1u << i) == 0 ? 0
                                          : fail_at(parser, parser->token.text, "'%s' is told twice", word);
        }
    }
    for (uint32_t i = 0; i < SCENARIO_ARGS; i++) {
        const struct scenario_arg_info *arg = &info->args[i];
        if (arg->type != SCENARIO_NOTHING && arg->word[0] == '\0' && (given & 1u << i) == 0) {
            *place = i;
            return 0;
        }
    }
    return refuse_argument(parser, info);
}

static int parse_argument(struct parser *parser, struct scenario_line *line, uint32_t *given)
{
    const struct scenario_verb_info *info = scenario_verb_info(line->verb);
    uint32_t place = 0;
    int64_t value = 0;
    int status = find_argument(parser, info, *given, &place);
    if (status != 0) {
        return status;
    }
    const struct scenario_arg_info *arg = &info->args[place];
    if (arg->word[0] != '\0') {
        advance(parser);
    }
    if (!scenario_value_parse(arg->type, parser->token.text, parser->token.length, &value)) {
        return fail_expected(parser, scenario_types[arg->type].expected);
    }
    scenario_set_arg(line, place, scenario_value_settle(arg->type, value));
    *given |= 1u << place;
    advance(parser);
    return 0;
}

static int parse_arguments(struct parser *parser, struct scenario_line *line)
{
    const struct scenario_verb_info *info = scenario_verb_info(line->verb);
    uint32_t given = 0;
    int status = expect_word(parser, "(");
    while (status == 0 && parser->token.length != 0 && !at_word(parser, ")")) {
        status = given != 0 ? expect_word(parser, ",") : 0;
        status = status != 0 ? status : parse_argument(parser, line, &given);
    }
    for (uint32_t i = 0; i < SCENARIO_ARGS && status == 0; i++) {
        const struct scenario_arg_info *arg = &info->args[i];
        if (arg->type != SCENARIO_NOTHING && arg->word[0] == '\0' && (given & 1u << i) == 0) {
            status = fail_expected(parser, scenario_types[arg->type].expected);
        }
    }
    return status != 0 ? status : expect_word(parser, ")");
}

static int parse_expected(struct parser *parser, struct scenario_line *line)
{
    struct scenario_line like = *line;
    for (int i = 1; i <= UINT8_MAX; i++) {
        like.expects = (uint8_t)i;
        scenario_line_settle(&like);
        const char *word = scenario_expected_word(&like);
        if (word == NULL || like.expects != i) {
            break; /* there are no more */
        }
        if (at_word(parser, word)) {
            line->expects = like.expects;
            advance(parser);
            return 0;
        }
    }
    switch (scenario_verb_info(line->verb)->gives) {
    case SCENARIO_RESULT_CODE:
        return fail_expected(parser, "a result, NOERROR or VD_E_...");
    case SCENARIO_RESULT_TRUTH:
        return fail_expected(parser, "TRUE or FALSE");
    default:
        return fail_expected(parser, "no result: it has none");
    }
}

static int parse_call(struct parser *parser)
{
    struct scenario *scenario = parser->scenario;
    const char *start = parser->token.text;
    struct scenario_line line = {0};
    if (!scenario_actor_parse(parser->token.text, parser->token.length, &line.who)) {
        return fail_expected(parser,
                             "client, secondary, another, server (.1 to .4), world, devices, schedule, "
                             "dialect, or a line of a plan");
    }
    if (scenario->line_count == SCENARIO_LINES_MAX) {
        return fail_at(parser, start, "too many lines: expected at most %d", SCENARIO_LINES_MAX);
    }
    advance(parser);
    bool world = scenario_actor_process(line.who) == SCENARIO_WORLD;
    line.flags = !world && accept(parser, "...") ? SCENARIO_ENDS : 0;
    int status = parse_verb(parser, &line);
    if (status == 0 && line.flags == 0) {
        status = parse_arguments(parser, &line);
        line.flags = status == 0 && !world && accept(parser, "...") ? SCENARIO_BEGINS : 0;
    }
    if (status == 0 && line.flags != SCENARIO_BEGINS && accept(parser, "->")) {
        status = parse_expected(parser, &line);
    }
    status = status != 0 ? status : expect_end(parser);
    if (status == 0) {
        scenario->lines[scenario->line_count++] = line;
    }
    return status;
}

/* ---- lines ---- */

static int parse_line(struct parser *parser)
{
    static const struct {
        const char *word;
        int (*parse)(struct parser *parser);
    } settings[] = {{"devices", parse_devices}, {"schedule", parse_schedule}, {"dialect", parse_dialect}};
    parser->next = parser->line;
    advance(parser);
    if (parser->token.length == 0) {
        return 0;
    }
    if (at_word(parser, "fault") || at_word(parser, "probe")) {
        return parse_plan(parser);
    }
    /* The server's calls begin with a capital letter, a plan's items with a small one. */
    struct token first = parser->token;
    if (accept(parser, "server") && parser->token.length != 0 && parser->token.text[0] >= 'a' &&
        parser->token.text[0] <= 'z') {
        return parse_plan(parser);
    }
    parser->token = first;
    parser->next = first.text + first.length;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (accept(parser, settings[i].word)) {
            return settings[i].parse(parser);
        }
    }
    return parse_call(parser);
}

int scenario_parse(const char *text, size_t length, struct scenario *scenario, struct plan *plan,
                   struct fault_error *error, uint32_t *line)
{
    struct parser parser = {.scenario = scenario, .plan = plan, .error = error};
    const char *end = text + length;
    int status = 0;
    *error = (struct fault_error){0};
    *line = 0;
    scenario_init(scenario);
    for (const char *at = text; at < end && status == 0;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        parser.line = at;
        parser.end = newline != NULL ? newline : end;
        (*line)++;
        status = parse_line(&parser);
        at = newline != NULL ? newline + 1 : end;
    }
    return status;
}

static bool is_text(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < 0x20 && bytes[i] != '\n' && bytes[i] != '\t' && bytes[i] != '\r') {
            return false;
        }
    }
    return true;
}

int scenario_read(const uint8_t *bytes, size_t length, struct scenario *scenario, struct plan *plan,
                  struct fault_error *error, uint32_t *line)
{
    *error = (struct fault_error){0};
    *line = 0;
    if (is_text(bytes, length)) { /* what was encoded shows in its second byte that it is none */
        return scenario_parse((const char *)bytes, length, scenario, plan, error, line);
    }
    scenario_decode(bytes, length, scenario);
    return 0;
}
