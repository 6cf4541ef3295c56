/* scenario_print.c - a scenario as text; see scenario.h. */
#include <inttypes.h>
#include <stdio.h>

#include "model.h"
#include "scenario_types.h"
#include "text_out.h"

enum {
    RESULT_COLUMN = 52 /* results of short lines stand below each other */
};

static void put_arguments(struct text_out *output, const struct scenario_line *line)
{
    const struct scenario_verb_info *info = scenario_verb_info(line->verb);
    const char *between = "(";
    for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
        const struct scenario_arg_info *arg = &info->args[place];
        int64_t value = scenario_arg(line, place);
        bool told = arg->type != SCENARIO_NOTHING && (arg->word[0] == '\0' || value != 0);
        if (told) {
            char text[SCENARIO_VALUE_TEXT];
            scenario_value_print(arg->type, value, text, sizeof text);
            text_put(output, "%s%s%s%s", between, arg->word, arg->word[0] != '\0' ? " " : "", text);
            between = ", ";
        }
    }
    text_put(output, "%s)", between[0] == '(' ? between : "");
}

static void put_line(struct text_out *output, const struct scenario_line *line)
{
    const struct scenario_verb_info *info = scenario_verb_info(line->verb);
    const char *expected = scenario_expected_word(line);
    size_t start = output->used;
    char actor[32];
    scenario_actor_print(line->who, actor, sizeof actor);
    text_put(output, "%s %s%s", actor, (line->flags & SCENARIO_ENDS) != 0 ? "... " : "", info->name);
    if ((line->flags & SCENARIO_ENDS) == 0) {
        put_arguments(output, line);
    }
    if ((line->flags & SCENARIO_BEGINS) != 0) {
        text_put(output, " ...");
    }
    if (expected != NULL) {
        size_t length = output->used - start;
        text_put(output, "%*s-> %s", length < RESULT_COLUMN ? (int)(RESULT_COLUMN - length) : 1, "",
                 expected);
    }
}

static void put_setting(struct text_out *output, const struct scenario *scenario)
{
    const char *between = "dialect ";
    text_put(output, "devices %u\n", scenario->device_count);
    if (scenario->schedule != SCENARIO_IN_ORDER) {
        text_put(output, "schedule %s", scenario_schedule_names[scenario->schedule]);
        if (scenario->seed != 0) {
            text_put(output, " seed %" PRIu64, scenario->seed);
        }
        if (scenario->changes != 0) {
            text_put(output, " changes %" PRIu32, scenario->changes);
        }
        text_put(output, "\n");
    }
#define DIALECT(id, name, usual, other, ...)                    \
    if ((scenario->dialects & 1u << MODEL_DIALECT_##id) != 0) { \
        text_put(output, "%s%s:%s", between, name, other);      \
        between = ",";                                          \
    }
#include "tables.def"
    if (scenario->dialects != 0) {
        text_put(output, "\n");
    }
}

int scenario_print_line(const struct scenario_line *line, char *text, size_t size)
{
    struct text_out output = {.text = text, .size = size};
    put_line(&output, line);
    return (int)output.used;
}

int scenario_print(const struct scenario *scenario, char *text, size_t size)
{
    struct text_out output = {.text = text, .size = size};
    put_setting(&output, scenario);
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        put_line(&output, &scenario->lines[i]);
        text_put(&output, "\n");
    }
    return (int)output.used;
}
