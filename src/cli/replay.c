/* replay.c - `vdifault replay`: a scenario again, call by call, and what is wrong with it (design 4.3). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "cli.h"
#include "out_files.h"
#include "player.h"
#include "replay_compare.h"
#include "replay_report.h"
#include "replay_trace.h"
#include "reproducer.h"
#include "scenario_file.h"
#include "text.h"
#include "trace.h"
#include "trace_scenario.h"

enum {
    REPLAY_SECONDS = 10
};

/* What one `vdifault replay` owns. */
struct replay {
    const char *json; /* NULL: not asked for */
    FILE *json_file;
    const char *trace; /* NULL: not asked for */
    FILE *trace_file;
    const char *to_c, *gdb; /* likewise */
    char *command;
    struct scenario_file file;
    bool is_trace;                                  /* that the scenario was made of */
    struct plan plan;                               /* faults between its lines */
    struct replay_world worlds[PLAYER_WORLD_COUNT]; /* those asked for, in the order of the words */
    uint32_t world_count;
    struct player players[PLAYER_WORLD_COUNT]; /* of `worlds`, while they have a board */
    struct replay_finding findings[PLAYER_WORLD_COUNT * 2 * REPLAY_FINDINGS_MAX];
    uint32_t finding_count;
};

OPTION_TEXT(set_json, struct replay, json)
OPTION_TEXT(set_trace, struct replay, trace)
OPTION_TEXT(set_to_c, struct replay, to_c)
OPTION_TEXT(set_gdb, struct replay, gdb)

static bool is_word(const char *word, const char *text, size_t length)
{
    return strlen(word) == length && strncmp(word, text, length) == 0;
}

/* Which worlds a word means, as bits; 0: it is none. */
static uint32_t worlds_of(const char *text, size_t length)
{
    uint32_t worlds = 0;
    for (uint32_t world = 0; world < PLAYER_WORLD_COUNT; world++) {
        worlds |= is_word(player_world_words[world], text, length) || is_word("all", text, length)
                      ? UINT32_C(1) << world
                      : 0;
    }
    return worlds;
}

static void choose_worlds(struct replay *replay, uint32_t worlds)
{
    replay->world_count = 0;
    for (uint32_t world = 0; world < PLAYER_WORLD_COUNT; world++) {
        if ((worlds >> world & 1) != 0) {
            replay->worlds[replay->world_count++].world = (enum player_world)world;
        }
    }
}

static int set_in(void *context, const char *value)
{
    uint32_t worlds = 0;
    for (const char *at = value;; at++) {
        size_t length = strcspn(at, ",");
        uint32_t meant = worlds_of(at, length);
        if (meant == 0) {
            cli_error("replay: --in '%s': expected sim, shm, preload, a list of them, or all", value);
            return -1;
        }
        worlds |= meant;
        at += length;
        if (*at == '\0') {
            break;
        }
    }
    choose_worlds(context, worlds);
    return 0;
}

static const struct option_row rows[] = {
    {"in", "WHERE",
     "where it happens: sim, the simulation, which gives the same each time (default); shm, shared memory "
     "and threads of this machine; preload, the same through libvdifault.so; several of them, or all: they "
     "must give the same results",
     set_in},
    {"json", "FILE", "the same as JSON; - is stdout, without the text", set_json},
    {"trace", "FILE", "write every call there as an event, for vdifault trace", set_trace},
    {"to-c", "FILE", "a cmocka test of it, for the installed libvdifault-play", set_to_c},
    {"gdb", "FILE", "a script for gdb -x that stops in the call that decides", set_gdb},
    {NULL, NULL, NULL, NULL},
};

/* Files are opened before anything runs. */
static int open_files(struct replay *replay, const char *path)
{
    const struct out_file files[] = {{.option = "trace", .path = replay->trace},
                                     {.option = "json", .path = replay->json},
                                     {.option = "to-c", .path = replay->to_c},
                                     {.option = "gdb", .path = replay->gdb}};
    int status = out_files_check("replay", path, files, sizeof files / sizeof files[0]);
    if (status != CLI_CLEAN) {
        return status;
    }
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

/* Where the scenario can happen at all. */
static int play_in(struct replay *replay, uint32_t index)
{
    struct replay_world *world = &replay->worlds[index];
    struct player *player = &replay->players[index];
    const struct scenario *scenario = &replay->file.scenario;
    if (player_refuses(world->world, scenario, world->refusal, sizeof world->refusal)) {
        return CLI_CLEAN;
    }
    if (replay->plan.fault_count != 0 && world->world != PLAYER_PRELOAD) {
        snprintf(world->refusal, sizeof world->refusal, "it has faults, which only --in preload can arm");
        return CLI_CLEAN;
    }
    int error = player_open(player, world->world);
    player->trace = replay->trace != NULL;
    player->plan = replay->plan.fault_count != 0 ? &replay->plan : NULL;
    error = error == 0 ? player_play(player, scenario, REPLAY_SECONDS) : error;
    if (error != 0) {
        cli_error("replay: cannot play %s: %s: %s", player_world_texts[world->world], player->path,
                  strerror(error));
        return CLI_SETUP;
    }
    world->played = true;
    replay->finding_count += replay_findings(player, replay->findings + replay->finding_count);
    return CLI_CLEAN;
}

/* In all the worlds; *first is the first one it could be played in. */
static int play_everywhere(struct replay *replay, const char *path, const struct player **first)
{
    for (uint32_t i = 0; i < replay->world_count; i++) {
        int status = play_in(replay, i);
        if (status != CLI_CLEAN) {
            return status;
        }
        if (*first != NULL && replay->worlds[i].played) {
            replay->finding_count +=
                replay_compare(*first, &replay->players[i], replay->findings + replay->finding_count,
                               &replay->worlds[i].no_room_line);
        } else if (replay->worlds[i].played) {
            *first = &replay->players[i];
        }
    }
    if (*first == NULL) {
        cli_error("replay: '%s' cannot be played %s: %s", path, player_world_texts[replay->worlds[0].world],
                  replay->worlds[0].refusal);
        return CLI_USAGE;
    }
    return CLI_CLEAN;
}

/* A test and a script play the scenario in the simulation, once more. */
static int check_reproducers(const struct replay *replay, const char *path)
{
    const char *option = replay->to_c != NULL ? "to-c" : "gdb";
    bool in_simulation = replay->worlds[0].world == PLAYER_SIM;
    if (replay->to_c == NULL && replay->gdb == NULL) {
        return CLI_CLEAN;
    }
    if (!in_simulation || replay->plan.fault_count != 0) {
        cli_error("replay: --%s: it plays in the simulation: expected %s", option,
                  in_simulation ? "a scenario without faults, which only --in preload can arm"
                                : "that among the worlds of --in");
        return CLI_USAGE;
    }
    if (replay->gdb != NULL && (replay->is_trace || strcmp(path, "-") == 0)) {
        cli_error("replay: --gdb: the script plays the file: expected one with a scenario, not %s",
                  replay->is_trace ? "a trace" : "stdin");
        return CLI_USAGE;
    }
    return CLI_CLEAN;
}

/* Those of the first world, which are the first. */
static uint32_t count_findings_of(const struct replay *replay, enum player_world world)
{
    uint32_t count = 0;
    while (count < replay->finding_count && replay->findings[count].world == world) {
        count++;
    }
    return count;
}

/* What a replay that was killed, or a run, has left in shared memory; nobody else could have removed it. */
static void clear_away(const struct replay *replay)
{
    if (replay->worlds[replay->world_count - 1].world != PLAYER_SIM) {
        cleanup_stale(rundir_base(), true, NULL);
    }
}

static int play(struct replay *replay, const char *path)
{
    const struct player *first = NULL;
    clear_away(replay);
    int status = play_everywhere(replay, path, &first);
    if (status != CLI_CLEAN) {
        return status;
    }
    const struct replay_report report = {.path = path,
                                         .form = replay->is_trace      ? "trace"
                                                 : replay->file.binary ? "binary"
                                                                       : "text",
                                         .player = first,
                                         .findings = replay->findings,
                                         .finding_count = replay->finding_count,
                                         .worlds = replay->worlds,
                                         .world_count = replay->world_count};
    const struct reproducer reproducer = {.verb = "replay",
                                          .to_c = replay->to_c,
                                          .gdb = replay->gdb,
                                          .scenario = path,
                                          .command = replay->command,
                                          .player = first,
                                          .findings = report.findings,
                                          .finding_count = count_findings_of(replay, first->world)};
    status = replay_trace(replay->trace_file, replay->trace, &report);
    status = status == CLI_CLEAN ? write_report(replay, &report) : status;
    status = status == CLI_CLEAN ? reproducer_write(&reproducer) : status;
    if (status != CLI_CLEAN || report.finding_count != 0) {
        return status != CLI_CLEAN ? status : CLI_FINDINGS;
    }
    if (first->board->outcome.calls == 0) {
        cli_error("replay: '%s': no line of it makes a call", path);
        return CLI_SETUP;
    }
    return CLI_CLEAN;
}

/* A file that is none is read as a scenario. */
static bool read_trace(struct replay *replay, const char *path, int *status)
{
    struct stat info;
    char error[256];
    uint32_t calls = 0, left_out = 0;
    FILE *in = stat(path, &info) == 0 && S_ISREG(info.st_mode) ? fopen(path, "rbe") : NULL;
    bool is_trace = in != NULL && trace_recognize(in);
    if (is_trace) {
        rewind(in);
    }
    if (is_trace && trace_scenario(in, &replay->file.scenario, &calls, &left_out, error, sizeof error) != 0) {
        cli_error("replay: the trace '%s' cannot be made a scenario: %s", path, error);
        *status = CLI_USAGE;
    } else if (left_out != 0) {
        cli_error("replay: '%s': the last %u of %u calls are left out: a scenario has at most %d lines", path,
                  (unsigned)left_out, (unsigned)calls, SCENARIO_LINES_MAX);
    }
    if (in != NULL) {
        fclose(in);
    }
    return is_trace;
}

static int read_operand(struct replay *replay, int first, int argc, char **argv)
{
    if (first + 1 != argc) {
        cli_error("replay: %s; expected: vdifault replay [options] FILE",
                  first < argc ? "more than one file" : "no file given");
        return CLI_USAGE;
    }
    int status = CLI_CLEAN;
    replay->command = text_command_line(argc + 1, argv - 1); /* a verb's arguments are the tail of main's */
    if (replay->command == NULL) {
        cli_error("replay: no memory");
        return CLI_SETUP;
    }
    replay->is_trace = read_trace(replay, argv[first], &status);
    if (replay->is_trace) {
        return status;
    }
    if (scenario_file_read(argv[first], &replay->file, &replay->plan) != 0) {
        cli_error(
            "replay: '%s': %s%s", argv[first], replay->file.error,
            replay->file.plan ? "\nvdifault: it is the plan of a client's run: vdifault run --plan" : "");
        return CLI_USAGE;
    }
    return CLI_CLEAN;
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
    for (int i = 0; i < PLAYER_WORLD_COUNT; i++) {
        replay->players[i].memory = -1;
    }
    choose_worlds(replay, UINT32_C(1) << PLAYER_SIM);
    plan_init(&replay->plan);
    if (cli_verb_start(&verb_replay, argc, argv, replay, &first, &status) == 0) {
        status = read_operand(replay, first, argc, argv);
        status = status == CLI_CLEAN ? check_reproducers(replay, argv[first]) : status;
        status = status == CLI_CLEAN ? open_files(replay, argv[first]) : status;
        status = status == CLI_CLEAN ? play(replay, argv[first]) : status;
    }
    for (int i = 0; i < PLAYER_WORLD_COUNT; i++) {
        player_close(&replay->players[i]);
    }
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
        "  vdifault replay run.trace           # what a client called, as vdifault run --trace left it\n"
        "  vdifault replay --in all session.scenario   # three ways, which must agree\n"
        "  vdifault replay --trace seen.vdt crash-0eb8e4ed; vdifault trace --check seen.vdt\n"
        "      what the client's rules say of the client in it; without --check, what happened when\n"
        "  vdifault replay --gdb stop.gdb crash-0eb8e4ed; gdb -x stop.gdb\n\n"
        "exit status: 0 nothing is wrong, 1 findings: the core crashed or did not come to an end, did what "
        "the\nVDI documentation does not allow, or gave other results than the text expects or than "
        "elsewhere; "
        "2 usage,\na file that is no scenario, or one that cannot happen there; 3 it could not be played\n",
    .run = run_replay,
};
