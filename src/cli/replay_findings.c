/* replay_findings.c - see replay_findings.h. */
#include "replay_findings.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scenario_types.h"

enum {
    LINE_TEXT_MAX = 256
};

const char *const replay_kind_words[REPLAY_KIND_COUNT] = {
    [REPLAY_CRASH] = "crash",
    [REPLAY_ENDLESS] = "endless",
    [REPLAY_ORACLE] = "not allowed",
    [REPLAY_EXPECTED] = "not expected",
};

const char *const replay_state_words[] = {
    [REPLAY_RETURNED] = "returned",
    [REPLAY_PASSED_OVER] = "passed over",
    [REPLAY_AT_WORK] = "at work",
    [REPLAY_NOT_REACHED] = "not reached",
};

enum replay_state replay_state(const struct player *player, uint32_t index)
{
    const struct player_board *board = player->board;
    if (board->outcome.made[index]) {
        return REPLAY_RETURNED;
    }
    if (player->end != PLAYER_OVER && board->line == index + 1) {
        return REPLAY_AT_WORK;
    }
    return index < board->lines_begun ? REPLAY_PASSED_OVER : REPLAY_NOT_REACHED;
}

static const char *result_word(const struct scenario_line *line, int32_t result, char text[MODEL_RESULT_TEXT])
{
    switch (scenario_verb_info(line->verb)->gives) {
    case SCENARIO_RESULT_CODE:
        return model_result_name(result, text);
    case SCENARIO_RESULT_TRUTH:
        return result != 0 ? "TRUE" : "FALSE";
    default:
        return "returned";
    }
}

const char *replay_result(const struct player *player, uint32_t index, char text[MODEL_RESULT_TEXT])
{
    const struct player_board *board = player->board;
    return board->outcome.made[index]
               ? result_word(&board->scenario.lines[index], board->outcome.results[index], text)
               : NULL;
}

/* ---- findings ---- */

/* "server CloseDevice": a line without its arguments. */
static void put_function(const struct scenario *scenario, uint32_t line, char *text, size_t size)
{
    char actor[32] = "";
    if (line == 0) {
        snprintf(text, size, "the end");
        return;
    }
    scenario_actor_print(scenario->lines[line - 1].who, actor, sizeof actor);
    snprintf(text, size, "%s %s", actor, scenario_verb_info(scenario->lines[line - 1].verb)->name);
}

/* `sentence` without its numbers, behind the function. */
static void put_same(struct replay_finding *finding, const struct scenario *scenario, const char *sentence)
{
    size_t used;
    put_function(scenario, finding->line, finding->same, sizeof finding->same);
    used = strlen(finding->same);
    for (const char *at = sentence; *at != '\0' && used + 1 < sizeof finding->same; at++) {
        if (isdigit((unsigned char)*at)) {
            at += strspn(at, "0123456789abcdefx") - 1; /* hex, too */
        } else {
            finding->same[used++] = *at;
        }
    }
    finding->same[used] = '\0';
}

static void put_line(const struct scenario *scenario, uint32_t line, char text[LINE_TEXT_MAX])
{
    struct scenario_line plain;
    if (line == 0) {
        snprintf(text, LINE_TEXT_MAX, "the end, when both sides leave");
        return;
    }
    plain = scenario->lines[line - 1];
    plain.expects = 0;
    int length = snprintf(text, LINE_TEXT_MAX, "line %u, ", (unsigned)line);
    scenario_print_line(&plain, text + length, LINE_TEXT_MAX - (size_t)length);
}

__attribute__((format(printf, 5, 6))) static void put(struct replay_finding *finding, enum replay_kind kind,
                                                      const struct scenario *scenario, uint32_t line,
                                                      const char *format, ...)
{
    char where[LINE_TEXT_MAX], what[LINE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    *finding = (struct replay_finding){.kind = kind, .line = line};
    put_line(scenario, line, where);
    snprintf(finding->text, sizeof finding->text, "%s: %s", where, what);
    put_same(finding, scenario, what);
}

/* That the process did not come to its end. */
static void put_end(const struct player *player, struct replay_finding *finding)
{
    const struct player_board *board = player->board;
    const struct scenario *scenario = &board->scenario;
    if (player->end == PLAYER_ENDLESS) {
        put(finding, REPLAY_ENDLESS, scenario, board->line,
            "it did not come to an end in %u s of processor time", (unsigned)board->seconds);
    } else if (player->signal != 0) {
        put(finding, REPLAY_CRASH, scenario, board->line, "signal %d (%s)", player->signal,
            strsignal(player->signal));
        finding->signal = player->signal;
    } else {
        put(finding, REPLAY_CRASH, scenario, board->line, "the process ended with status %d", player->status);
    }
}

/* The oracle's own sentence, "line 3, server Close(): what". */
static void put_deviation(const struct player *player, struct replay_finding *finding)
{
    const struct play_outcome *outcome = &player->board->outcome;
    const char *what = strstr(outcome->deviation, ": ");
    *finding = (struct replay_finding){.kind = REPLAY_ORACLE, .line = outcome->deviating_line};
    snprintf(finding->text, sizeof finding->text, "%s", outcome->deviation);
    put_same(finding, &player->board->scenario, what != NULL ? what : outcome->deviation);
}

uint32_t replay_findings(const struct player *player, struct replay_finding findings[REPLAY_FINDINGS_MAX])
{
    const struct player_board *board = player->board;
    const struct scenario *scenario = &board->scenario;
    uint32_t count = 0;
    if (player->end != PLAYER_OVER) {
        put_end(player, &findings[count++]);
    } else if (board->outcome.deviation[0] != '\0') {
        put_deviation(player, &findings[count++]);
    }
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        char got[MODEL_RESULT_TEXT];
        int32_t due;
        if (board->outcome.made[i] && scenario_expected(&scenario->lines[i], &due) &&
            due != board->outcome.results[i]) {
            put(&findings[count++], REPLAY_EXPECTED, scenario, i + 1, "it gave %s; the scenario expects %s",
                replay_result(player, i, got), scenario_expected_word(&scenario->lines[i]));
        }
    }
    return count;
}
