/* One scenario in the simulation, in shared memory, and through libvdifault.so: the same results. What the players of the
 * last two leave, whatever ends them: nothing. */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mutate.h"
#include "os.h"
#include "replay_compare.h"
#include "scenario_file.h"

enum {
    MADE_UP = 40, /* scenarios out of the corpus's */
    MUTATIONS = 8,
    NS_PER_S = 1000000000
};

static struct player players[PLAYER_WORLD_COUNT];
static struct replay_finding findings[REPLAY_FINDINGS_MAX];
static struct scenario_file file;

static int open_all(void **state)
{
    (void)state;
    int error = 0;
    for (int i = 0; i < PLAYER_WORLD_COUNT && error == 0; i++) {
        error = player_open(&players[i], (enum player_world)i);
    }
    return error;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i < PLAYER_WORLD_COUNT; i++) {
        player_close(&players[i]);
    }
    return 0;
}

static const struct scenario *parse(const char *text)
{
    static struct scenario scenario;
    struct fault_error error;
    uint32_t line;
    assert_int_equal(scenario_parse(text, strlen(text), &scenario, NULL, &error, &line), 0);
    return &scenario;
}

static uint32_t no_room; /* of the last comparison */

/* Sets of ours in /dev/shm. */
static uint32_t count_left(void)
{
    char token[RUN_TOKEN_MAX], prefix[RUN_TOKEN_MAX + sizeof RUN_PREFIX + 1];
    uint32_t left = 0;
    run_token(token);
    int length = snprintf(prefix, sizeof prefix, RUN_PREFIX "%s-", token);
    DIR *folder = opendir("/dev/shm");
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        left += strncmp(entry->d_name, prefix, (size_t)length) == 0;
    }
    closedir(folder);
    return left;
}

/* ---- they agree ---- */

/* How many worlds found something wrong, or other results than the first; each is printed. */
static uint32_t play_everywhere(const char *name, const struct scenario *scenario)
{
    uint32_t wrong = 0;
    for (int i = 0; i < PLAYER_WORLD_COUNT; i++) {
        assert_int_equal(player_play(&players[i], scenario, 10), 0);
        uint32_t count = replay_findings(&players[i], findings);
        if (count == 0 && i > 0) {
            count = replay_compare(&players[0], &players[i], findings, &no_room);
        }
        if (count > 0) {
            print_error("%s: %s: %s\n", name, player_world_words[i], findings[0].text);
        }
        wrong += count > 0;
    }
    return wrong;
}

/* Visits the scenarios of a folder; returns how many there are. */
static uint32_t each_file(const char *folder, void (*visit)(const char *path))
{
    struct dirent **names;
    uint32_t seen = 0;
    int count = scandir(folder, &names, NULL, alphasort);
    assert_true(count > 2);
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            assert_int_equal(scenario_file_read(path, &file, NULL), 0);
            visit(path);
            seen++;
        }
        free(names[i]);
    }
    free(names);
    return seen;
}

static uint32_t wrong_files, skipped_files;

static void compare_file(const char *path)
{
    char reason[128];
    if (player_refuses(PLAYER_SHM, &file.scenario, reason, sizeof reason)) {
        print_message("skipped: %s: %s\n", path, reason);
        skipped_files++;
    } else {
        wrong_files += play_everywhere(path, &file.scenario) > 0;
    }
}

static void the_corpus_gives_the_same_everywhere(void **state)
{
    (void)state;
    uint32_t seen = each_file(CORPUS "/lifecycle_fuzzer", compare_file) +
                    each_file(CORPUS "/regressions/lifecycle_fuzzer", compare_file);
    assert_int_equal(wrong_files, 0);
    assert_true(skipped_files < seen / 2);
}

static struct scenario seeds[SCENARIO_LINES_MAX];
static uint32_t seed_count;

static void keep(const char *path)
{
    char reason[128];
    (void)path;
    if (seed_count < SCENARIO_LINES_MAX &&
        !player_refuses(PLAYER_SHM, &file.scenario, reason, sizeof reason)) {
        seeds[seed_count++] = file.scenario;
    }
}

static void what_is_made_of_the_corpus_does_too(void **state)
{
    static const struct mutate_limits limits = {.lines = 64};
    static struct scenario scenario;
    static char text[SCENARIO_LINES_MAX * 512];
    char reason[128];
    uint32_t wrong = 0;
    (void)state;
    each_file(CORPUS "/lifecycle_fuzzer", keep);
    for (uint64_t seed = 1; seed <= MADE_UP; seed++) {
        scenario = seeds[seed % seed_count];
        for (uint64_t i = 0; i < MUTATIONS; i++) {
            scenario_mutate(&scenario, seed * MUTATIONS + i, &limits);
        }
        /* The results that the seed expects may be others now. */
        for (uint32_t i = 0; i < scenario.line_count; i++) {
            scenario.lines[i].expects = 0;
        }
        if (!player_refuses(PLAYER_SHM, &scenario, reason, sizeof reason) &&
            play_everywhere("made up", &scenario) > 0) {
            scenario_print(&scenario, text, sizeof text);
            print_error("seed %u:\n%s\n", (unsigned)seed, text);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void limits_are_not_waited_for(void **state)
{
    (void)state;
    int64_t limit = 60 * (int64_t)NS_PER_S, begin = os_now();
    const struct scenario *scenario = parse(
        "client Create(set)\n"
        "client GetConfiguration(timeout 60000) ...\n"
        "client ... GetConfiguration -> VD_E_TIMEOUT\n");
    for (int i = 0; i < PLAYER_WORLD_COUNT; i++) {
        assert_int_equal(player_play(&players[i], scenario, 10), 0);
        assert_int_equal(replay_findings(&players[i], findings), 0);
        assert_true(players[i].board->end_ns >= limit);
    }
    assert_true(os_now() - begin < limit); /* of all worlds together */
}

/* ---- they do not ---- */

#define OPEN                                                                                            \
    "devices 1\nclient Create(set)\nserver Open(set)\n"                                                 \
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"             \
    "server NameDevice(0, as 0)\nserver RequestBuffers(size 512, count 2)\nserver EndConfiguration()\n" \
    "client GetConfiguration(timeout 1000)\nclient OpenDevice(0)\nserver OpenDevice()\n"

/* The same world with the bugs of planted_core.c in the core. */
static struct player *planted(void)
{
    static struct player player;
    if (player.board == NULL) {
        assert_int_equal(player_open(&player, PLAYER_SHM), 0);
        snprintf(player.path, sizeof player.path, "%s", PLANTED_PLAYER);
        player.silent = true;
    }
    return &player;
}

static void a_disagreement_names_line_call_and_results(void **state)
{
    (void)state;
    const struct scenario *scenario =
        parse(OPEN "server CloseDevice(0)\nserver CloseDevice(0)\nserver Close()\n");
    assert_int_equal(player_play(&players[PLAYER_SIM], scenario, 10), 0);
    assert_int_equal(player_play(planted(), scenario, 10), 0);
    assert_int_equal(replay_findings(planted(), findings), 1);
    assert_int_equal(findings[0].kind, REPLAY_ORACLE);
    assert_int_equal(count_left(), 0);
    assert_int_equal(replay_compare(&players[PLAYER_SIM], planted(), findings, &no_room), 2);
    assert_int_equal(findings[0].kind, REPLAY_DISAGREES);
    assert_int_equal(findings[0].line, 11);
    assert_string_equal(findings[0].text,
                        "line 11, server CloseDevice(0): VD_E_CLOSE in the simulation, "
                        "NOERROR in shared memory");
    assert_string_equal(findings[1].text,
                        "line 12, server Close(): NOERROR in the simulation, not reached in shared memory");
    assert_int_equal(no_room, 0);
}

/* ---- nothing is left ---- */

static void a_crash_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(player_play(planted(), parse(OPEN "server QueryAvailableBuffers(size 512)\n"), 10), 0);
    assert_int_equal(replay_findings(planted(), findings), 1);
    assert_int_equal(findings[0].kind, REPLAY_CRASH);
    assert_int_equal(findings[0].signal, SIGABRT);
    assert_int_equal(count_left(), 0);
}

static void a_call_without_an_end_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(player_play(planted(), parse(OPEN "server IsSharedBuffer(foreign)\n"), 1), 0);
    assert_int_equal(replay_findings(planted(), findings), 1);
    assert_int_equal(findings[0].kind, REPLAY_ENDLESS);
    assert_int_equal(count_left(), 0);
}

/* In a child of ours, whose name the sets have, and the folder that a player with the interposer has. */
_Noreturn static void play_without_an_end(void)
{
    struct player *endless = planted();
    endless->world = PLAYER_PRELOAD;
    (void)player_play(endless, parse(OPEN "server IsSharedBuffer(foreign)\n"), 60);
    _exit(0);
}

static void expect_none_of(const char *path, const char *name)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        assert_int_not_equal(strncmp(entry->d_name, name, strlen(name)), 0);
    }
    closedir(folder);
}

static void an_interrupt_ends_both_and_leaves_nothing(void **state)
{
    (void)state;
    char name[64];
    union {
        struct inotify_event event;
        char bytes[4096];
    } events;
    bool there = false;
    int watch = inotify_init1(IN_CLOEXEC);
    assert_true(watch >= 0 && inotify_add_watch(watch, "/dev/shm", IN_MOVED_TO | IN_CREATE | IN_DELETE) >= 0);
    (void)planted();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        play_without_an_end();
    }
    int length = snprintf(name, sizeof name, RUN_PREFIX "%d-", (int)child);
    while (!there) { /* the test's own limit is CTest's */
        ssize_t got = read(watch, events.bytes, sizeof events.bytes);
        for (ssize_t at = 0; at < got;) {
            const struct inotify_event *event =
                (const struct inotify_event *)(const void *)(events.bytes + at);
            there = there || strncmp(event->name, name, (size_t)length) == 0;
            at += (ssize_t)sizeof *event + event->len;
        }
    }
    close(watch);
    int status = 0;
    assert_int_equal(kill(child, SIGINT), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    expect_none_of("/dev/shm", name);
    expect_none_of(rundir_base(), name);
}

/* ---- what cannot happen everywhere ---- */

static void what_only_the_simulation_can_do_is_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"client Create(set)\nworld Kill(server)\n", "line 2: only the simulation can do that"},
        {"client Create(set)\nworld Advance(5)\n", "line 2: only the simulation can do that"},
        {"client Create(set)\nsecondary OpenInSecondary(set)\n",
         "line 2: only the simulation has a second client process"},
        {"schedule random\nclient Create(set)\n", "only the simulation can follow its schedule"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char reason[128];
        const struct scenario *scenario = parse(rows[i].text);
        assert_false(player_refuses(PLAYER_SIM, scenario, reason, sizeof reason));
        assert_true(player_refuses(PLAYER_PRELOAD, scenario, reason, sizeof reason));
        assert_string_equal(reason, rows[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_gives_the_same_everywhere),
        cmocka_unit_test(what_is_made_of_the_corpus_does_too),
        cmocka_unit_test(limits_are_not_waited_for),
        cmocka_unit_test(a_disagreement_names_line_call_and_results),
        cmocka_unit_test(a_crash_leaves_nothing),
        cmocka_unit_test(a_call_without_an_end_leaves_nothing),
        cmocka_unit_test(an_interrupt_ends_both_and_leaves_nothing),
        cmocka_unit_test(what_only_the_simulation_can_do_is_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
