/* scenario_types.h - what the arguments of a scenario's lines are, as data: shared by decoder, parser, printer and
 * mutator, so that none knows a value that another does not.
 *
 * Plain const data and pure functions; any thread.
 */
#ifndef VDIFAULT_SCENARIO_TYPES_H
#define VDIFAULT_SCENARIO_TYPES_H

#include "scenario.h"

enum {
    SCENARIO_VALUE_TEXT = 256 /* all features by name */
};

struct scenario_type_info {
    const char *expected; /* for messages: what may stand here */
    int64_t min, max;     /* min > max: all that the field holds */
    bool is_unsigned;
    bool numbers; /* may be written as a number */
    /* The word for a value, NULL if it has none, and the values that could have one. */
    const char *(*word)(int32_t value);
    int32_t first_word, last_word;
    /* Values at which something changes, and all that have a word; none: all of the range. */
    const int64_t *tries;
    uint32_t try_count;
};
extern const struct scenario_type_info scenario_types[SCENARIO_TYPE_COUNT];

/* The nearest legal value: the same for a legal one. */
int64_t scenario_value_settle(enum scenario_type type, int64_t value);

/* As snprintf. */
int scenario_value_print(enum scenario_type type, int64_t value, char *text, size_t size);
/* The whole of `text`, not NUL-terminated; false: it is no such value. */
bool scenario_value_parse(enum scenario_type type, const char *text, size_t length, int64_t *value);

/* "client", "client.2", as of scenario_actor(); false: no such actor. */
bool scenario_actor_parse(const char *text, size_t length, uint8_t *who);
int scenario_actor_print(uint8_t who, char *text, size_t size);

extern const char *const scenario_process_names[SCENARIO_PROCESS_COUNT];
extern const char *const scenario_schedule_names[SCENARIO_SCHEDULE_COUNT];

/* What a line expects, "NOERROR", "VD_E_ABORT", "TRUE"; NULL: nothing. */
const char *scenario_expected_word(const struct scenario_line *line);

/* A number of digits alone or 0x and hex digits, '-' before it if it may be. False: none, or out of range. */
bool scenario_number_parse(const char *text, size_t length, bool is_unsigned, int64_t *value);

static inline bool scenario_text_is(const char *text, size_t length, const char *word)
{
    size_t i = 0;
    while (i < length && word[i] != '\0' && text[i] == word[i]) {
        i++;
    }
    return i == length && word[i] == '\0';
}

#endif
