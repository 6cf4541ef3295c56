/* replay_report.c - see replay_report.h. */
#include "replay_report.h"

#include <inttypes.h>
#include <string.h>

#include "json_text.h"
#include "scenario_types.h"

enum {
    LINE_TEXT_MAX = 256,
    TEXT_COLUMNS_MIN = 40, /* of the lines' texts; longer ones push their results out up to the second one */
    TEXT_COLUMNS_MAX = 80,
};

/* A line as text, without what it expects. */
static void line_text(const struct scenario *scenario, uint32_t index, char text[LINE_TEXT_MAX])
{
    struct scenario_line plain = scenario->lines[index];
    plain.expects = 0;
    scenario_print_line(&plain, text, LINE_TEXT_MAX);
}

static uint32_t count_state(const struct player *player, enum replay_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < player->board->scenario.line_count; i++) {
        count += replay_state(player, i) == state;
    }
    return count;
}

/* ---- text ---- */

static int columns_of(const struct scenario *scenario)
{
    size_t columns = TEXT_COLUMNS_MIN;
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        char text[LINE_TEXT_MAX];
        line_text(scenario, i, text);
        columns = strlen(text) > columns ? strlen(text) : columns;
    }
    return (int)(columns < TEXT_COLUMNS_MAX ? columns : TEXT_COLUMNS_MAX);
}

/* Nanoseconds as milliseconds; the simulation's smallest step is a microsecond. */
static void print_time(FILE *out, int64_t ns)
{
    fprintf(out, "%5" PRId64 ".%03" PRId64, ns / 1000000, ns / 1000 % 1000);
}

/* Where it was while another line was at work. */
static void print_return(FILE *out, const struct player_board *board, uint32_t index)
{
    const struct player_line *line = &board->lines[index];
    if (line->beside && line->returned_line == 0) {
        fprintf(out, " at the end");
    } else if (line->beside && line->returned_line != index + 1) {
        fprintf(out, " in line %u", (unsigned)line->returned_line);
    }
}

static void print_line(FILE *out, const struct player *player, uint32_t index, int columns)
{
    const struct player_board *board = player->board;
    enum replay_state state = replay_state(player, index);
    char text[LINE_TEXT_MAX], word[MODEL_RESULT_TEXT];
    line_text(&board->scenario, index, text);
    fprintf(out, "%5u ", (unsigned)index + 1);
    if (index < board->lines_begun) {
        print_time(out, board->lines[index].at_ns);
    } else {
        fprintf(out, "%9s", "");
    }
    fprintf(out, "  %-*s  ", columns, text);
    if (state == REPLAY_RETURNED) {
        fprintf(out, "-> %s", replay_result(player, index, word));
        print_return(out, board, index);
    } else {
        fprintf(out, "(%s)", replay_state_words[state]);
    }
    const char *due = replay_missed(player, index);
    fprintf(out, "%s%s\n", due != NULL ? ", expected " : "", due != NULL ? due : "");
}

static void print_fired(FILE *out, const struct player_board *board)
{
    if (board->fired && board->fired_line != 0) {
        fprintf(out, "a fault has fired in line %u: from there on only expected results are compared\n",
                (unsigned)board->fired_line);
    } else if (board->fired || board->armed) {
        fprintf(out, "%s\n", board->fired ? "a fault has fired at the end" : "no fault has fired");
    }
}

static void print_ending(FILE *out, const struct player *player)
{
    const struct player_board *board = player->board;
    uint32_t passed_over = count_state(player, REPLAY_PASSED_OVER);
    fprintf(out, "%u calls", (unsigned)board->outcome.calls);
    if (passed_over != 0) {
        fprintf(out, ", %u passed over (nothing to call, or the actor waits)", (unsigned)passed_over);
    }
    if (player->end == PLAYER_OVER && player->world == PLAYER_SIM) {
        fprintf(out, "; trace %016" PRIx64, board->hash);
    }
    fprintf(out, "\n");
}

/* What became of the scenario in the other worlds. */
static void print_worlds(FILE *out, const struct replay_report *report)
{
    bool differs = false;
    for (uint32_t i = 0; i < report->finding_count; i++) {
        differs = differs || report->findings[i].kind == REPLAY_DISAGREES;
    }
    for (uint32_t i = 0; i < report->world_count; i++) {
        const struct replay_world *world = &report->worlds[i];
        if (!world->played) {
            fprintf(out, "%s: not played: %s\n", player_world_words[world->world], world->refusal);
        } else if (world->no_room_line != 0) {
            fprintf(out, "%s: compared up to line %u, where one of them had no room left in memory\n",
                    player_world_words[world->world], (unsigned)world->no_room_line);
        }
    }
    uint32_t played = 0;
    for (uint32_t i = 0; i < report->world_count; i++) {
        played += report->worlds[i].played;
    }
    if (played > 1) {
        fprintf(out, "%u worlds%s\n", (unsigned)played, differs ? " do not agree" : " agree");
    }
}

void replay_print(FILE *out, const struct replay_report *report)
{
    const struct player_board *board = report->player->board;
    const struct scenario *scenario = &board->scenario;
    int columns = columns_of(scenario);
    fprintf(out, "%s: %s, devices %u, schedule %s, %s\n", report->path, report->form,
            (unsigned)scenario->device_count, scenario_schedule_names[scenario->schedule],
            player_world_texts[report->player->world]);
    fprintf(out, "%5s %9s\n", "line", "ms");
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        print_line(out, report->player, i, columns);
    }
    for (uint32_t who = 0; who < PLAYER_ACTORS; who++) {
        if (board->waits[who][0] != '\0') {
            fprintf(out, "stuck: %s\n", board->waits[who]);
        }
    }
    for (uint32_t i = 0; i < report->finding_count; i++) {
        const struct replay_finding *finding = &report->findings[i];
        bool elsewhere = finding->world != report->player->world && finding->kind != REPLAY_DISAGREES;
        fprintf(out, "error (%s) %s%s%s\n", replay_kind_words[finding->kind], finding->text,
                elsewhere ? ", " : "", elsewhere ? player_world_texts[finding->world] : "");
    }
    print_fired(out, board);
    print_worlds(out, report);
    print_ending(out, report->player);
}

/* ---- JSON ---- */

static json_t *line_json(const struct player *player, uint32_t index)
{
    const struct player_board *board = player->board;
    char text[LINE_TEXT_MAX], word[MODEL_RESULT_TEXT];
    bool returned = replay_state(player, index) == REPLAY_RETURNED;
    bool begun = index < board->lines_begun;
    bool later = board->lines[index].beside && board->lines[index].returned; /* line 0: the end */
    line_text(&board->scenario, index, text);
    return json_pack("{s:i, s:o, s:s, s:s?, s:s?, s:o, s:o}", "line", (int)index + 1, "text", json_text(text),
                     "state", replay_state_words[replay_state(player, index)], "result",
                     returned ? replay_result(player, index, word) : NULL, "expected",
                     scenario_expected_word(&board->scenario.lines[index]), "at_ns",
                     begun ? json_integer(board->lines[index].at_ns) : json_null(), "returned_line",
                     later ? json_integer(board->lines[index].returned_line) : json_null());
}

static json_t *finding_json(const struct replay_finding *finding)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "kind", replay_kind_words[finding->kind], "severity",
                     "error", "in", player_world_words[finding->world], "message", json_text(finding->text),
                     "line", finding->line != 0 ? json_integer(finding->line) : json_null(), "signal",
                     finding->signal != 0 ? json_integer(finding->signal) : json_null());
}

/* Arrays steal what they are given, NULL included, which makes them fail. */
static json_t *lines_json(const struct player *player)
{
    json_t *lines = json_array();
    for (uint32_t i = 0; lines != NULL && i < player->board->scenario.line_count; i++) {
        if (json_array_append_new(lines, line_json(player, i)) != 0) {
            json_decref(lines);
            return NULL;
        }
    }
    return lines;
}

static json_t *waits_json(const struct player_board *board)
{
    json_t *waits = json_array();
    for (uint32_t who = 0; waits != NULL && who < PLAYER_ACTORS; who++) {
        if (board->waits[who][0] != '\0' && json_array_append_new(waits, json_text(board->waits[who])) != 0) {
            json_decref(waits);
            return NULL;
        }
    }
    return waits;
}

static json_t *findings_json(const struct replay_report *report)
{
    json_t *findings = json_array();
    for (uint32_t i = 0; findings != NULL && i < report->finding_count; i++) {
        if (json_array_append_new(findings, finding_json(&report->findings[i])) != 0) {
            json_decref(findings);
            return NULL;
        }
    }
    return findings;
}

static json_t *worlds_json(const struct replay_report *report)
{
    json_t *worlds = json_array();
    for (uint32_t i = 0; worlds != NULL && i < report->world_count; i++) {
        const struct replay_world *world = &report->worlds[i];
        json_t *entry = json_pack("{s:s, s:s?, s:o}", "in", player_world_words[world->world], "not_played",
                                  world->played ? NULL : world->refusal, "no_room_line",
                                  world->no_room_line != 0 ? json_integer(world->no_room_line) : json_null());
        if (json_array_append_new(worlds, entry) != 0) {
            json_decref(worlds);
            return NULL;
        }
    }
    return worlds;
}

json_t *replay_json(const struct replay_report *report)
{
    const struct player_board *board = report->player->board;
    bool over = report->player->end == PLAYER_OVER;
    char trace[17];
    snprintf(trace, sizeof trace, "%016" PRIx64, board->hash);
    return json_pack(
        "{s:i, s:s, s:o, s:s, s:s, s:i, s:s, s:i, s:o, s:s?, s:o, s:o, s:o, s:o, s:o}", "schema", 1,
        "outcome", report->finding_count != 0 ? "findings" : "clean", "file", json_text(report->path), "form",
        report->form, "in", player_world_words[report->player->world], "devices",
        (int)board->scenario.device_count, "schedule", scenario_schedule_names[board->scenario.schedule],
        "calls", (int)board->outcome.calls, "virtual_ns", over ? json_integer(board->end_ns) : json_null(),
        "trace", over && report->player->world == PLAYER_SIM ? trace : NULL, "lines",
        lines_json(report->player), "stuck", waits_json(board), "findings", findings_json(report), "worlds",
        worlds_json(report), "fault_fired_line",
        board->fired ? json_integer(board->fired_line) : json_null());
}
