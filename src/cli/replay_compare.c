/* replay_compare.c - see replay_compare.h. */
#include "replay_compare.h"

#include <stdio.h>
#include <string.h>

enum {
    OUTCOME_TEXT_MAX = MODEL_RESULT_TEXT + 48
};

/* "NOERROR", "VD_E_CLOSE in line 7", "waits". */
static void put_outcome(const struct player *player, uint32_t index, char text[OUTCOME_TEXT_MAX])
{
    const struct player_line *line = &player->board->lines[index];
    char word[MODEL_RESULT_TEXT];
    const char *result = replay_result(player, index, word);
    if (result == NULL) {
        snprintf(text, OUTCOME_TEXT_MAX, "%s", replay_state_words[replay_state(player, index)]);
    } else if (!line->beside || line->returned_line == index + 1) {
        snprintf(text, OUTCOME_TEXT_MAX, "%s", result);
    } else if (line->returned_line == 0) {
        snprintf(text, OUTCOME_TEXT_MAX, "%s at the end", result);
    } else {
        snprintf(text, OUTCOME_TEXT_MAX, "%s in line %u", result, (unsigned)line->returned_line);
    }
}

static bool lacks_memory(const char *outcome)
{
    return strncmp(outcome, "VD_E_MEMORY", strlen("VD_E_MEMORY")) == 0;
}

uint32_t replay_compare(const struct player *one, const struct player *other,
                        struct replay_finding findings[SCENARIO_LINES_MAX], uint32_t *no_room)
{
    const struct scenario *scenario = &one->board->scenario;
    uint32_t count = 0;
    *no_room = 0;
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        char first[OUTCOME_TEXT_MAX], second[OUTCOME_TEXT_MAX];
        put_outcome(one, i, first);
        put_outcome(other, i, second);
        if (lacks_memory(first) != lacks_memory(second)) {
            *no_room = i + 1;
            break;
        }
        if (strcmp(first, second) != 0) {
            replay_put_finding(&findings[count], REPLAY_DISAGREES, scenario, i + 1, "%s %s, %s %s", first,
                               player_world_texts[one->world], second, player_world_texts[other->world]);
            findings[count++].world = other->world;
        }
    }
    return count;
}
