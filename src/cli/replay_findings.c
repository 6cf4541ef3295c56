/* replay_findings.c - see replay_findings.h. */
#include "replay_findings.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scenario_types.h"

enum {
    LINE_TEXT_MAX = 256
};

const char *const replay_kind_words[REPLAY_KIND_COUNT] = {
    [REPLAY_CRASH] = "crash",           [REPLAY_ENDLESS] = "endless",        [REPLAY_ORACLE] = "not allowed",
    [REPLAY_EXPECTED] = "not expected", [REPLAY_DISAGREES] = "disagreement",
};

const char *const replay_state_words[] = {
    [REPLAY_RETURNED] = "returned",
    [REPLAY_WAITS] = "waits",
    [REPLAY_KILLED] = "its process was killed",
    [REPLAY_PASSED_OVER] = "passed over",
    [REPLAY_AT_WORK] = "at work",
    [REPLAY_NOT_REACHED] = "not reached",
};

/* The actor's call that was begun last before this line, if it had not returned when the next one was begun; else
 * NULL. */
static const struct player_line *find_out(const struct player_board *board, uint32_t index)
{
    const struct scenario_line *lines = board->scenario.lines;
    for (uint32_t i = index; i > 0; i--) {
        const struct player_line *begun = &board->lines[i - 1];
        if (lines[i - 1].who == lines[index].who && begun->beside) {
            bool is_out = !begun->returned || begun->returned_line == 0 || begun->returned_line > index + 1;
            return is_out ? begun : NULL;
        }
    }
    return NULL;
}

enum replay_state replay_state(const struct player *player, uint32_t index)
{
    const struct player_board *board = player->board;
    const struct player_line *line = &board->lines[index];
    if (line->beside) {
        return line->returned               ? REPLAY_RETURNED
               : line->killed               ? REPLAY_KILLED
               : player->end == PLAYER_OVER ? REPLAY_WAITS
                                            : REPLAY_AT_WORK;
    }
    if (board->outcome.made[index]) {
        return REPLAY_RETURNED;
    }
    if (player->end != PLAYER_OVER && board->line == index + 1) {
        return REPLAY_AT_WORK;
    }
    const struct player_line *out =
        (board->scenario.lines[index].flags & SCENARIO_ENDS) != 0 ? find_out(board, index) : NULL;
    if (out != NULL) {
        return out->killed ? REPLAY_KILLED : REPLAY_WAITS;
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
    return replay_state(player, index) == REPLAY_RETURNED
               ? result_word(&board->scenario.lines[index], board->outcome.results[index], text)
               : NULL;
}

const char *replay_missed(const struct player *player, uint32_t index)
{
    const struct player_board *board = player->board;
    const struct scenario_line *line = &board->scenario.lines[index];
    enum replay_state state = replay_state(player, index);
    int32_t due;
    bool differs =
        scenario_expected(line, &due) && (state == REPLAY_WAITS || state == REPLAY_KILLED ||
                                          (state == REPLAY_RETURNED && due != board->outcome.results[index]));
    return differs ? scenario_expected_word(line) : NULL;
}

/* ---- findings ---- */

/* "server CloseDevice: it gave ...": no thread, no arguments, no numbers, and no particulars behind a colon. */
static void put_same(struct replay_finding *finding, const struct scenario *scenario, const char *sentence)
{
    const struct scenario_line *line = &scenario->lines[finding->line > 0 ? finding->line - 1 : 0];
    const char *colon = strstr(sentence, ": ");
    const char *end = colon != NULL ? colon : sentence + strlen(sentence);
    size_t size = sizeof finding->same;
    int length = finding->line == 0
                     ? snprintf(finding->same, size, "the end: ")
                     : snprintf(finding->same, size,
                                "%s %s: ", scenario_process_names[scenario_actor_process(line->who)],
                                scenario_verb_info(line->verb)->name);
    size_t used = (size_t)length;
    for (const char *at = sentence; at < end && used + 1 < size; at++) {
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

void replay_put_finding(struct replay_finding *finding, enum replay_kind kind,
                        const struct scenario *scenario, uint32_t line, const char *format, ...)
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
        replay_put_finding(finding, REPLAY_ENDLESS, scenario, board->line,
                           "it did not come to an end in %u s of processor time%s", (unsigned)board->seconds,
                           player->signal == SIGALRM ? ", or waits where no other call can wake it" : "");
    } else if (player->signal != 0) {
        replay_put_finding(finding, REPLAY_CRASH, scenario, board->line, "signal %d (%s)", player->signal,
                           strsignal(player->signal));
        finding->signal = player->signal;
    } else {
        replay_put_finding(finding, REPLAY_CRASH, scenario, board->line, "the process ended with status %d",
                           player->status);
    }
}

/* The oracle's own sentence, "line 3, server Close(): what". */
static void put_deviation(const struct player *player, struct replay_finding *finding)
{
    const struct play_outcome *outcome = &player->board->outcome;
    const char *what = strstr(outcome->deviation, ": ");
    *finding = (struct replay_finding){.kind = REPLAY_ORACLE, .line = outcome->deviating_line};
    snprintf(finding->text, sizeof finding->text, "%s", outcome->deviation);
    put_same(finding, &player->board->scenario, what != NULL ? what + 2 : outcome->deviation);
}

uint32_t replay_findings(const struct player *player, struct replay_finding findings[REPLAY_FINDINGS_MAX])
{
    const struct player_board *board = player->board;
    const struct scenario *scenario = &board->scenario;
    uint32_t count = 0;
    if (player->end != PLAYER_OVER && board->fired) {
        /* a fault may end the player, or leave it waiting */
    } else if (player->end != PLAYER_OVER) {
        put_end(player, &findings[count++]);
    } else if (board->outcome.deviation[0] != '\0') {
        put_deviation(player, &findings[count++]);
    }
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        char text[MODEL_RESULT_TEXT];
        const char *due = replay_missed(player, i);
        const char *got = replay_result(player, i, text);
        if (due != NULL) {
            replay_put_finding(&findings[count++], REPLAY_EXPECTED, scenario, i + 1,
                               "it %s%s; the scenario expects %s", got != NULL ? "gave " : "has not returned",
                               got != NULL ? got : "", due);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        findings[i].world = player->world;
    }
    return count;
}
