/* minimize_scenario.c - see minimize_scenario.h. */
#include "minimize_scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "os.h"
#include "out_files.h"
#include "reproducer.h"
#include "scenario_file.h"
#include "shrink_scenario.h"
#include "text.h"

enum {
    PLAY_SECONDS = 2,
    SCENARIO_TEXT_MAX = SCENARIO_LINES_MAX * 512
};

/* ---- the search ---- */

/* The finding that is to stay, or without one any; NULL: it is not there. */
static const struct replay_finding *play(struct minimum *minimum, const struct scenario *scenario, bool any,
                                         struct replay_finding findings[REPLAY_FINDINGS_MAX])
{
    minimum->error = player_play(minimum->player, scenario, PLAY_SECONDS);
    uint32_t count = minimum->error == 0 ? replay_findings(minimum->player, findings) : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (any || (findings[i].kind == minimum->finding.kind &&
                    strcmp(findings[i].same, minimum->finding.same) == 0)) {
            return &findings[i];
        }
    }
    return NULL;
}

struct search {
    struct minimum *minimum;
    struct replay_finding findings[REPLAY_FINDINGS_MAX];
};

static enum shrink_answer ask(void *context, const struct scenario *scenario)
{
    struct search *search = context;
    if (os_now() >= search->minimum->deadline_ns) {
        return SHRINK_STOP;
    }
    const struct replay_finding *finding = play(search->minimum, scenario, false, search->findings);
    if (finding != NULL) {
        search->minimum->finding = *finding;
        return SHRINK_SHOWN;
    }
    return search->minimum->error != 0 ? SHRINK_STOP : SHRINK_NOT_SHOWN;
}

int minimum_find(struct minimum *minimum)
{
    struct search *search = malloc(sizeof *search);
    if (search == NULL) {
        return ENOMEM;
    }
    *search = (struct search){.minimum = minimum};
    const struct replay_finding *first = play(minimum, &minimum->scenario, true, search->findings);
    if (first != NULL) {
        struct shrink_scenario shrink = {.ask = ask, .context = search};
        minimum->finding = *first;
        shrink_scenario(&shrink, &minimum->scenario);
        minimum->candidates = shrink.candidates;
        minimum->minimal = shrink.minimal;
    } else if (minimum->error == 0) {
        minimum->error = ENOENT;
    }
    free(search);
    return minimum->error;
}

/* ---- the verb ---- */

/* Comments, then the scenario: 0 or errno. */
static int write_scenario(const struct minimum *minimum, const char *output, FILE *out)
{
    const char *const words[] = {"vdifault", "replay", output != NULL ? output : "FILE"};
    char *repeat = text_command_line(3, (char *const *)words);
    char *text = malloc(SCENARIO_TEXT_MAX);
    int error = repeat == NULL || text == NULL ? ENOMEM : 0;
    if (error == 0 && scenario_print(&minimum->scenario, text, SCENARIO_TEXT_MAX) >= SCENARIO_TEXT_MAX) {
        error = EFBIG;
    }
    if (error == 0 && (fprintf(out, "# %s, %s\n# %s\n# vdifault " VDIFAULT_VERSION ":\n# %s\n%s",
                               replay_kind_words[minimum->finding.kind], minimum->finding.text,
                               minimum->minimal ? "no single step makes this scenario smaller"
                                                : "there may be a smaller scenario",
                               repeat, text) < 0 ||
                       fflush(out) != 0)) {
        error = errno;
    }
    free(text);
    free(repeat);
    return error;
}

static int report(const struct minimum *minimum, uint32_t lines_given, const char *output, FILE *out)
{
    /* What is no regular file has nothing to lose. */
    bool emptied = out == stdout || ftruncate(fileno(out), 0) == 0 || errno == EINVAL;
    int error = emptied ? write_scenario(minimum, output, out) : errno;
    if (error != 0) {
        cli_error("minimize: cannot write what came of it: %s", strerror(error));
        return CLI_SETUP;
    }
    fprintf(
        output != NULL ? stdout : stderr, "error (%s) %s\n%u of %u lines are left after %u candidates; %s\n",
        replay_kind_words[minimum->finding.kind], minimum->finding.text,
        (unsigned)minimum->scenario.line_count, (unsigned)lines_given, (unsigned)minimum->candidates,
        minimum->minimal ? "no single step makes the scenario smaller" : "there may be a smaller scenario");
    return CLI_CLEAN;
}

static int find(const char *path, struct minimum *minimum)
{
    int error = player_open(minimum->player, PLAYER_SIM);
    if (error != 0) {
        cli_error("minimize: cannot play in the simulation: %s: %s", minimum->player->path, strerror(error));
        return CLI_SETUP;
    }
    minimum->player->silent = true;
    error = minimum_find(minimum);
    if (error == ENOENT) {
        cli_error("minimize: '%s' gives no finding: nothing to keep while it shrinks", path);
    } else if (error != 0) {
        cli_error("minimize: cannot play in the simulation: %s", strerror(error));
    }
    return error != 0 ? CLI_SETUP : CLI_CLEAN;
}

/* The smallest is played once more: the last candidate was another one. */
static int reproduce(const struct minimize_options *options, struct minimum *minimum)
{
    struct reproducer reproducer = {.verb = "minimize",
                                    .to_c = options->to_c,
                                    .gdb = options->gdb,
                                    .scenario = options->output,
                                    .command = options->command,
                                    .player = minimum->player};
    if (options->to_c == NULL && options->gdb == NULL) {
        return CLI_CLEAN;
    }
    struct replay_finding *findings = calloc(REPLAY_FINDINGS_MAX, sizeof *findings);
    int status = CLI_SETUP;
    minimum->error =
        findings != NULL ? player_play(minimum->player, &minimum->scenario, PLAY_SECONDS) : ENOMEM;
    if (minimum->error == 0) {
        reproducer.findings = findings;
        reproducer.finding_count = replay_findings(minimum->player, findings);
        status = reproducer_write(&reproducer);
    } else {
        cli_error("minimize: cannot play in the simulation: %s", strerror(minimum->error));
    }
    free(findings);
    return status;
}

/* The search may take minutes: what stands in the way of its outcome is told before. */
static int check_files(const struct minimize_options *options)
{
    const struct out_file files[] = {{.option = "output", .path = options->output, .replaces = true},
                                     {.option = "to-c", .path = options->to_c},
                                     {.option = "gdb", .path = options->gdb}};
    return out_files_check("minimize", options->path, files, sizeof files / sizeof files[0]);
}

int minimize_scenario(const struct minimize_options *options)
{
    int status = CLI_SETUP;
    FILE *out = NULL;
    struct player player = {.memory = -1};
    struct scenario_file *file = malloc(sizeof *file);
    struct minimum *minimum = calloc(1, sizeof *minimum);
    if (file == NULL || minimum == NULL) {
        cli_error("minimize: no memory");
        goto end;
    }
    if (scenario_file_read(options->path, file, NULL) != 0) {
        cli_error("minimize: '%s': %s", options->path,
                  file->plan
                      ? "no client given; expected: vdifault minimize [options] PLAN -- CLIENT [ARG]..."
                      : file->error);
        status = CLI_USAGE;
        goto end;
    }
    minimum->player = &player;
    minimum->deadline_ns = os_now() + options->within_ms * 1000000;
    minimum->scenario = file->scenario;
    status = check_files(options);
    if (status != CLI_CLEAN) {
        goto end;
    }
    /* What the output holds stays until there is something to put in its place: it may be the given scenario. */
    out = options->output != NULL ? fopen(options->output, "ae") : stdout;
    if (out == NULL) {
        cli_error("minimize: --output: cannot write '%s': %s", options->output, strerror(errno));
        status = CLI_USAGE;
        goto end;
    }
    status = find(options->path, minimum);
    status = status == CLI_CLEAN ? report(minimum, file->scenario.line_count, options->output, out) : status;
    status = status == CLI_CLEAN ? reproduce(options, minimum) : status;
end:
    if (out != NULL && out != stdout) {
        fclose(out);
    }
    player_close(&player);
    free(minimum);
    free(file);
    return status;
}
