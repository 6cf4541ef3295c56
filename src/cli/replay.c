/* replay.c - `vdifault replay`: a scenario again, call by call, and what is wrong with it (design 4.3). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "player.h"
#include "replay_report.h"
#include "replay_trace.h"
#include "reproducer.h"
#include "scenario_file.h"
#include "text.h"

enum {
    REPLAY_SECONDS = 10
};

/* What one `vdifault replay` owns. */
struct replay {
    enum player_world world;
    const char *json; /* NULL: not asked for */
    FILE *json_file;
    const char *trace; /* NULL: not asked for */
    FILE *trace_file;
    const char *to_c, *gdb; /* likewise */
    char *command;
    struct scenario_file file;
    struct player player;
    struct replay_finding findings[REPLAY_FINDINGS_MAX];
};

OPTION_TEXT(set_json, struct replay, json)
OPTION_TEXT(set_trace, struct replay, trace)
OPTION_TEXT(set_to_c, struct replay, to_c)
OPTION_TEXT(set_gdb, struct replay, gdb)

static int set_in(void *context, const char *value)
{
    struct replay *replay = context;
    for (int world = 0; world < PLAYER_WORLD_COUNT; world++) {
        if (strcmp(value, player_world_words[world]) == 0) {
            replay->world = (enum player_world)world;
            return 0;
        }
    }
    cli_error("replay: --in '%s': expected sim, shm, preload", value);
    return -1;
}

static const struct option_row rows[] = {
    {"in", "WHERE",
     "where it happens: sim, the simulation, which gives the same each time (default); shm, shared memory "
     "and threads of this machine",
     set_in},
    {"json", "FILE", "the same as JSON; - is stdout, without the text", set_json},
    {"trace", "FILE", "write every call there as an event, for vdifault trace", set_trace},
    {"to-c", "FILE", "a cmocka test of it, for the installed libvdifault-play", set_to_c},
    {"gdb", "FILE", "a script for gdb -x that stops in the call that decides", set_gdb},
    {NULL, NULL, NULL, NULL},
};

/* Files are opened before anything runs. */
static int open_files(struct replay *replay)
{
    if (replay->trace != NULL && (replay->trace_file = fopen(replay->trace, "we")) == NULL) {
        cli_error("replay: --trace: cannot write '%s': %s", replay->trace, strerror(errno));
        return CLI_USAGE;
    }
    if (replay->json == NULL) {
        return CLI_CLEAN;
    }
    replay->json_file = strcmp(replay->json, "-") == 0 ? stdout : fopen(replay->json, "we");
    if (replay->json_file == NULL) {
        cli_error("replay: --json: cannot write '%s': %s", replay->json, strerror(errno));
        return CLI_USAGE;
    }
    return CLI_CLEAN;
}

static int write_report(const struct replay *replay, const struct replay_report *report)
{
    if (replay->json_file != stdout) {
        replay_print(stdout, report);
    }
    if (replay->json_file == NULL) {
        return CLI_CLEAN;
    }
    json_t *json = replay_json(report);
    bool written = json != NULL && json_dumpf(json, replay->json_file, JSON_INDENT(2)) == 0 &&
                   fputc('\n', replay->json_file) != EOF && fflush(replay->json_file) == 0;
    json_decref(json);
    if (!written) {
        cli_error("replay: cannot write the report '%s'", replay->json);
        return CLI_SETUP;
    }
    return CLI_CLEAN;
}

static int play(struct replay *replay, const char *path)
{
    struct player *player = &replay->player;
    int error = player_open(player, replay->world);
    player->trace = replay->trace != NULL;
    if (error == 0) {
        error = player_play(player, &replay->file.scenario, REPLAY_SECONDS);
    }
    if (error != 0) {
        cli_error("replay: cannot play: %s: %s", player->path, strerror(error));
        return CLI_SETUP;
    }
    uint32_t count = replay_findings(player, replay->findings);
    const struct replay_report report = {.path = path,
                                         .binary = replay->file.binary,
                                         .player = player,
                                         .findings = replay->findings,
                                         .finding_count = count};
    const struct reproducer reproducer = {.verb = "replay",
                                          .to_c = replay->to_c,
                                          .gdb = replay->gdb,
                                          .scenario = path,
                                          .command = replay->command,
                                          .player = player,
                                          .findings = replay->findings,
                                          .finding_count = count};
    int status = replay_trace(replay->trace_file, replay->trace, &report);
    status = status == CLI_CLEAN ? write_report(replay, &report) : status;
    status = status == CLI_CLEAN ? reproducer_write(&reproducer) : status;
    if (status != CLI_CLEAN || count != 0) {
        return status != CLI_CLEAN ? status : CLI_FINDINGS;
    }
    if (player->board->outcome.calls == 0) {
        cli_error("replay: '%s': no line of it makes a call", path);
        return CLI_SETUP;
    }
    return CLI_CLEAN;
}

static int read_operand(struct replay *replay, int first, int argc, char **argv)
{
    if (first + 1 != argc) {
        cli_error("replay: %s; expected: vdifault replay [options] FILE",
                  first < argc ? "more than one file" : "no file given");
        return CLI_USAGE;
    }
    if (scenario_file_read(argv[first], &replay->file) != 0) {
        cli_error(
            "replay: '%s': %s%s", argv[first], replay->file.error,
            replay->file.plan ? "\nvdifault: it is the plan of a client's run: vdifault run --plan" : "");
        return CLI_USAGE;
    }
    replay->command = text_command_line(argc + 1, argv - 1); /* a verb's arguments are the tail of main's */
    return replay->command != NULL ? CLI_CLEAN : CLI_SETUP;
}

static int run_replay(int argc, char **argv)
{
    int first = 0;
    int status = CLI_CLEAN;
    struct replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        cli_error("replay: no memory");
        return CLI_SETUP;
    }
    replay->player.memory = -1;
    if (cli_verb_start(&verb_replay, argc, argv, replay, &first, &status) == 0) {
        status = read_operand(replay, first, argc, argv);
        status = status == CLI_CLEAN ? open_files(replay) : status;
        status = status == CLI_CLEAN ? play(replay, argv[first]) : status;
    }
    player_close(&replay->player);
    if (replay->json_file != NULL && replay->json_file != stdout) {
        fclose(replay->json_file);
    }
    if (replay->trace_file != NULL) {
        fclose(replay->trace_file);
    }
    free(replay->command);
    free(replay);
    return status;
}

const struct verb verb_replay = {
    .name = "replay",
    .arguments = "[options] FILE",
    .summary = "a scenario, or what a fuzzer found, again: each call with its result, and what is wrong",
    .options = rows,
    .examples =
        "  vdifault replay crash-0eb8e4ed      # as libFuzzer or AFL++ left it, or as text\n"
        "  vdifault replay --json - session.scenario\n"
        "  vdifault replay --trace seen.vdt crash-0eb8e4ed; vdifault trace --check seen.vdt\n"
        "      what the client's rules say of the client in it; without --check, what happened when\n"
        "  vdifault replay --gdb stop.gdb crash-0eb8e4ed && gdb -x stop.gdb\n\n"
        "exit status: 0 nothing is wrong, 1 findings: the core crashed or did not come to an end, did what "
        "the\nVDI documentation does not allow, or gave other results than the text expects; 2 usage, or "
        "a file that\nis no scenario, 3 it could not be played\n",
    .run = run_replay,
};
