/* reproducer_to_c.c - a scenario as a cmocka test; see reproducer.h. */
#include <errno.h>
#include <string.h>

#include "reproducer.h"
#include "scenario_types.h"
#include "to_c.h"

enum {
    TEST_SECONDS = 10,
    NAME_MAX_LENGTH = 64,
    SETTING_TEXT_MAX = 512,
    LINE_TEXT_MAX = 512
};

/* What the test comes to as long as it is so. */
static const char *outcome_of(const struct reproducer *reproducer)
{
    if (reproducer->finding_count == 0) {
        return "Nothing was wrong with it: it passes.";
    }
    switch (reproducer->findings[0].kind) {
    case REPLAY_CRASH:
        return "The core crashes, and the test with it:";
    case REPLAY_ENDLESS:
        return "A call has no end; alarm() ends the test:";
    default:
        return "It fails with:";
    }
}

static void name_test(const struct reproducer *reproducer, char name[NAME_MAX_LENGTH])
{
    const struct scenario *scenario = &reproducer->player->board->scenario;
    char text[NAME_MAX_LENGTH] = "a scenario that passes";
    if (reproducer->finding_count > 0 && reproducer->findings[0].line == 0) {
        snprintf(text, sizeof text, "both sides leave");
    } else if (reproducer->finding_count > 0) {
        const struct scenario_line *line = &scenario->lines[reproducer->findings[0].line - 1];
        snprintf(text, sizeof text, "%s %s", scenario_process_names[scenario_actor_process(line->who)],
                 scenario_verb_info(line->verb)->name);
    }
    to_c_name(text, name, NAME_MAX_LENGTH);
}

static void put_banner(const struct reproducer *reproducer, FILE *out)
{
    char text[REPLAY_TEXT_MAX + 8];
    fprintf(out, "/* A scenario as a test, written by vdifault " VDIFAULT_VERSION ":\n");
    snprintf(text, sizeof text, "    %s", reproducer->command);
    to_c_paragraph(out, text);
    fprintf(out, " *\n * %s\n", outcome_of(reproducer));
    if (reproducer->finding_count > 0) { /* the first one ends it */
        snprintf(text, sizeof text, "    %s", reproducer->findings[0].text);
        to_c_paragraph(out, text);
    }
    fprintf(out,
            " *\n * Its lines are calls of both sides, in the simulation; vdifault_play.h says how. Build it "
            "with\n"
            " *     cc -std=c17 -Wall FILE $(pkg-config --cflags --libs vdifault-play cmocka)\n */\n");
}

static void put_frame(FILE *out)
{
    to_c_includes(out);
    fprintf(out,
            "#include <vdifault_play.h>\n\n"
            "/* Fails the test here with the sentence that says what is wrong, if anything is. */\n"
            "#define CHECK(sentence)               \\\n"
            "    do {                              \\\n"
            "        const char *wrong = sentence; \\\n"
            "        if (wrong != NULL) {          \\\n"
            "            fail_msg(\"%%s\", wrong);    \\\n"
            "        }                             \\\n"
            "    } while (0)\n"
            "#define PLAY(line) CHECK(vdifault_play_lines(play, line))\n\n"
            "static int setup(void **state)\n{\n"
            "    alarm(%d); /* a call without an end has one here */\n"
            "    *state = vdifault_play_new();\n"
            "    return *state != NULL ? 0 : -1;\n}\n\n"
            "static int teardown(void **state)\n{\n"
            "    vdifault_play_free(*state);\n"
            "    return 0;\n}\n\n",
            TEST_SECONDS);
}

static void put_play(FILE *out, const char *line)
{
    fprintf(out, "    PLAY(");
    to_c_string(out, line);
    fprintf(out, ");\n");
}

static void put_setting(FILE *out, const struct scenario *scenario)
{
    struct scenario setting = *scenario;
    char text[SETTING_TEXT_MAX], *rest = text;
    setting.line_count = 0;
    scenario_print(&setting, text, sizeof text);
    for (char *line = strtok_r(rest, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        put_play(out, line);
    }
}

/* A call that came as it may expects that again, and one that was begun does where it is waited for. Of the others a
 * deviation is the model's to judge, and the rest is as the scenario has it. */
static void put_line(const struct reproducer *reproducer, FILE *out, uint32_t index)
{
    const struct player *player = reproducer->player;
    const struct replay_finding *finding = reproducer_finding(reproducer, index + 1);
    struct scenario_line line = player->board->scenario.lines[index];
    char text[LINE_TEXT_MAX];
    if (finding != NULL && finding->kind != REPLAY_EXPECTED) {
        line.expects = 0;
    } else if (finding == NULL && (line.flags & SCENARIO_BEGINS) == 0 &&
               replay_state(player, index) == REPLAY_RETURNED) {
        (void)scenario_expect(&line, player->board->outcome.results[index]);
    }
    scenario_print_line(&line, text, sizeof text);
    if (finding != NULL) {
        to_c_comment(out, reproducer_what(finding));
    }
    put_play(out, text);
}

int reproducer_to_c(const struct reproducer *reproducer, FILE *out)
{
    const struct scenario *scenario = &reproducer->player->board->scenario;
    char name[NAME_MAX_LENGTH];
    name_test(reproducer, name);
    put_banner(reproducer, out);
    put_frame(out);
    fprintf(out, "static void %s(void **state)\n{\n    struct vdifault_play *play = *state;\n", name);
    put_setting(out, scenario);
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        put_line(reproducer, out, i);
    }
    if (reproducer_finding(reproducer, 0) != NULL) {
        to_c_comment(out, reproducer_what(reproducer_finding(reproducer, 0)));
    }
    fprintf(out, "    CHECK(vdifault_play_end(play));\n}\n\n");
    to_c_main(out, name);
    return ferror(out) != 0 ? EIO : 0;
}
