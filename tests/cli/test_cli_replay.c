/* `vdifault replay`: what a scenario comes to, the same each time, and whatever the core does meanwhile. `vdifault
 * minimize`: what is left of a scenario is what its finding needs. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "minimize_scenario.h"
#include "os.h"
#include "replay_command.h"
#include "replay_report.h"
#include "scenario_file.h"
#include "trace.h"

enum {
    REPLAYS = 20
};

static struct scenario_file file;
static struct player player;
static const char planted[] = PLANTED_PLAYER;
static struct replay_finding findings[REPLAY_FINDINGS_MAX];

static int open_all(void **state)
{
    (void)state;
    return make_file() != 0 || player_open(&player, PLAYER_SIM) != 0;
}

static int close_all(void **state)
{
    (void)state;
    player_close(&player);
    return unlink(file_path);
}

/* ---- the player ---- */

/* Lines up to where a device is open on both sides. */
#define OPEN                                                                                            \
    "devices 1\nclient Create(set)\nserver Open(set)\n"                                                 \
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"             \
    "server NameDevice(0, as 0)\nserver RequestBuffers(size 512, count 2)\nserver EndConfiguration()\n" \
    "client GetConfiguration(timeout 1000)\nclient OpenDevice(0)\nserver OpenDevice()\n"

static uint32_t play(const char *text)
{
    write_file(text, strlen(text));
    if (scenario_file_read(file_path, &file, NULL) != 0) {
        fail_msg("%s", file.error);
    }
    assert_int_equal(player_play(&player, &file.scenario, 1), 0);
    return replay_findings(&player, findings);
}

static void plant(const char *path)
{
    snprintf(player.path, sizeof player.path, "%s", path);
    player.silent = path == planted;
}

/* The same with the bugs of planted_core.c in the core. */
static uint32_t play_planted(const char *text)
{
    char whole[RUN_PATH_MAX];
    memcpy(whole, player.path, sizeof whole);
    plant(planted);
    uint32_t count = play(text);
    plant(whole);
    return count;
}

static void each_scenario_has_one_hash(void **state)
{
    (void)state;
    struct dirent **names;
    uint64_t last = 0;
    int count = scandir(CORPUS, &names, NULL, alphasort);
    assert_true(count > 2);
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, CORPUS "/%s", names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            uint64_t hash = 0;
            assert_int_equal(scenario_file_read(path, &file, NULL), 0);
            for (int replay = 0; replay < REPLAYS; replay++) {
                assert_int_equal(player_play(&player, &file.scenario, 10), 0);
                if (replay_findings(&player, findings) != 0) {
                    fail_msg("%s: %s", path, findings[0].text);
                }
                hash = replay == 0 ? player.board->hash : hash;
                assert_int_equal(player.board->hash, hash);
            }
            assert_int_not_equal(hash, last);
            last = hash;
        }
        free(names[i]);
    }
    free(names);
}

static void both_forms_are_one_scenario(void **state)
{
    (void)state;
    uint8_t bytes[SCENARIO_BYTES_MAX];
    assert_int_equal(play(OPEN "client Close()\n"), 0);
    assert_false(file.binary);
    uint64_t hash = player.board->hash;
    write_file(bytes, scenario_encode(&file.scenario, bytes, sizeof bytes));
    assert_int_equal(scenario_file_read(file_path, &file, NULL), 0);
    assert_true(file.binary);
    assert_int_equal(player_play(&player, &file.scenario, 10), 0);
    assert_int_equal(player.board->hash, hash);
    assert_int_equal(play(OPEN "client SignalAbort()\n"), 0);
    assert_int_not_equal(player.board->hash, hash);
}

static void the_environments_dialect_is_not_the_scenarios(void **state)
{
    (void)state;
    assert_int_equal(setenv("VDI_DIALECT", "close-open:noerror", 1), 0);
    assert_int_equal(play(OPEN "client Close() -> VD_E_OPEN\n"), 0);
    assert_int_equal(unsetenv("VDI_DIALECT"), 0);
    assert_int_equal(play("dialect close-open:noerror\n" OPEN "client Close() -> NOERROR\n"), 0);
}

static void what_the_model_does_not_allow_is_told(void **state)
{
    (void)state;
    assert_int_equal(play_planted(OPEN "server CloseDevice(0)\nserver CloseDevice(0)\nserver Close()\n"), 1);
    assert_int_equal(findings[0].kind, REPLAY_ORACLE);
    assert_int_equal(findings[0].line, 11);
    assert_string_equal(findings[0].text, player.board->outcome.deviation);
    assert_non_null(strstr(findings[0].text, "line 11, server CloseDevice(0): it gave NOERROR; allowed in "));
    assert_int_equal(replay_state(&player, 10), REPLAY_RETURNED);
    assert_int_equal(replay_state(&player, 11), REPLAY_NOT_REACHED);
}

/* One bug in two scenarios: what is the same of it. */
static void the_same_bug_elsewhere_is_the_same(void **state)
{
    (void)state;
    char same[REPLAY_TEXT_MAX];
    assert_int_equal(play_planted(OPEN "server CloseDevice(0)\nserver CloseDevice(0)\n"), 1);
    strcpy(same, findings[0].same);
    assert_int_equal(
        play_planted(OPEN "server CloseDevice(0)\nclient GetConfiguration()\nserver CloseDevice(0)\n"), 1);
    assert_int_equal(findings[0].line, 12);
    assert_string_equal(findings[0].same, same);
    assert_int_equal(play_planted(OPEN "server QueryAvailableBuffers(size 512)\n"), 1);
    assert_string_not_equal(findings[0].same, same);
}

static void a_crash_is_told_with_its_line(void **state)
{
    (void)state;
    char word[MODEL_RESULT_TEXT];
    assert_int_equal(play_planted(OPEN "server QueryAvailableBuffers(size 512)\nserver Close()\n"), 1);
    assert_int_equal(findings[0].kind, REPLAY_CRASH);
    assert_int_equal(findings[0].signal, SIGABRT);
    assert_string_equal(findings[0].text,
                        "line 10, server QueryAvailableBuffers(size 512): signal 6 (Aborted)");
    assert_string_equal(replay_result(&player, 8, word), "NOERROR");
    assert_int_equal(replay_state(&player, 9), REPLAY_AT_WORK);
    assert_int_equal(replay_state(&player, 10), REPLAY_NOT_REACHED);
}

static void a_call_without_an_end_is_told(void **state)
{
    (void)state;
    assert_int_equal(play_planted(OPEN "server IsSharedBuffer(foreign)\n"), 1);
    assert_int_equal(findings[0].kind, REPLAY_ENDLESS);
    assert_int_equal(findings[0].line, 10);
    assert_int_equal(replay_state(&player, 9), REPLAY_AT_WORK);
}

/* ---- calls beside others ---- */

/* client.2 waits for the first device's commands, client.3 for the second's. */
#define WAITING                                                                                         \
    "devices 2\nclient Create(set)\nclient.2 GetConfiguration(timeout forever) ...\nserver Open(set)\n" \
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"             \
    "server NameDevice(0, as 0)\nserver NameDevice(1, as 1)\nserver EndConfiguration()\n"               \
    "client.2 ... GetConfiguration -> NOERROR\nclient OpenDevice(0)\nclient OpenDevice(1)\n"            \
    "server OpenDevice()\nserver OpenDevice()\nclient.2 GetCommand(0, timeout forever) ...\n"           \
    "client.3 GetCommand(1, timeout forever) ...\nserver CloseDevice(0)\n"

static void a_call_that_was_begun_tells_when_it_returned(void **state)
{
    (void)state;
    char word[MODEL_RESULT_TEXT];
    const struct player_line *lines = player.board->lines;
    assert_int_equal(play(WAITING), 0);
    assert_true(lines[1].beside && lines[1].returned);
    assert_int_equal(lines[1].returned_line, 7);
    assert_int_equal(lines[12].returned_line, 15);
    assert_string_equal(replay_result(&player, 12, word), "VD_E_CLOSE");
    assert_int_equal(lines[13].returned_line, 0); /* the end aborts */
    assert_string_equal(replay_result(&player, 13, word), "VD_E_ABORT");
}

static void a_call_that_does_not_return_in_time_is_not_what_is_expected(void **state)
{
    (void)state;
    assert_int_equal(play("client Create(set)\nclient GetConfiguration(timeout forever) ...\n"
                          "client ... GetConfiguration -> NOERROR\n"
                          "client Close()\n"),
                     1);
    assert_string_equal(
        findings[0].text,
        "line 3, client ... GetConfiguration: it has not returned; the scenario expects NOERROR");
    assert_int_equal(replay_state(&player, 2), REPLAY_WAITS);
    assert_int_equal(replay_state(&player, 3), REPLAY_PASSED_OVER);
}

static void who_is_stuck_tells_what_for(void **state)
{
    (void)state;
    uint8_t who = scenario_actor(SCENARIO_CLIENT, 2);
    assert_int_equal(play_planted(WAITING "server CloseDevice(0)\n"), 1);
    assert_int_equal(findings[0].kind, REPLAY_ORACLE);
    assert_int_equal(replay_state(&player, 12), REPLAY_RETURNED);
    assert_int_equal(replay_state(&player, 13), REPLAY_WAITS);
    if (strncmp(player.board->waits[who], "client.3 ", 9) != 0 ||
        strstr(player.board->waits[who], ": GetCommand waits for ") == NULL) {
        fail_msg("'%s'", player.board->waits[who]);
    }
    assert_string_equal(player.board->waits[who - 1], "");
}

/* ---- the smallest ---- */

/* It is the text, gives the finding, and with any line less does not. */
static void expect_minimum(const char *given, enum replay_kind kind, const char *smallest)
{
    static struct minimum minimum;
    char whole[RUN_PATH_MAX], text[8192];
    memcpy(whole, player.path, sizeof whole);
    assert_int_equal(play_planted(given), 1);
    plant(planted);
    minimum = (struct minimum){.player = &player, .deadline_ns = OS_FOREVER, .scenario = file.scenario};
    assert_int_equal(minimum_find(&minimum), 0);
    scenario_print(&minimum.scenario, text, sizeof text);
    assert_string_equal(text, smallest);
    assert_true(minimum.minimal);
    assert_int_equal(minimum.finding.kind, kind);
    for (uint32_t gone = 0; gone < minimum.scenario.line_count; gone++) {
        struct scenario less = minimum.scenario;
        memmove(less.lines + gone, less.lines + gone + 1,
                (less.line_count - gone - 1) * sizeof less.lines[0]);
        less.line_count--;
        assert_int_equal(player_play(&player, &less, 1), 0);
        uint32_t count = replay_findings(&player, findings);
        assert_true(count == 0 || strcmp(findings[0].same, minimum.finding.same) != 0);
    }
    plant(whole);
}

static void a_deviation_becomes_small(void **state)
{
    (void)state;
    expect_minimum(
        OPEN
        "server AllocateBuffer(size 512)\nserver SendCommand(0, Write, buffer 1, size 512)\n"
        "client GetCommand(0, timeout 1000)\nclient CompleteCommand(0, SUCCESS, bytes 512)\n"
        "server RunCompletions()\nserver CloseDevice(0)\nserver Wait(timeout 3)\n"
        "server CloseDevice(0)\nclient Close()\n",
        REPLAY_ORACLE,
        "devices 1\nclient Create(set)\nserver Open(set)\n"
        "server BeginConfiguration(block-size 512, transfer-size 65536)\nserver NameDevice(0)\n"
        "server EndConfiguration()\nserver OpenDevice()\nserver CloseDevice(0)\nserver CloseDevice(0)\n");
}

static void a_crash_becomes_small(void **state)
{
    (void)state;
    expect_minimum(OPEN "server QueryAvailableBuffers(size 512, alignment 4096)\n", REPLAY_CRASH,
                   "devices 1\nserver QueryAvailableBuffers()\n");
}

/* ---- the command ---- */

static void calls_are_printed_with_their_results(void **state)
{
    (void)state;
    expect(0, "", "client Create(set) -> NOERROR\nclient Create(set)\nclient OpenDevice(0)\n",
           "    2     0.001  client Create(set)                        -> VD_E_PROTOCOL\n");
    assert_non_null(strstr(said, "\n3 calls; trace "));
    expect(0, "--in sim", "client GetCommand(0)\nclient Close()\n",
           "    1     0.000  client GetCommand(0)                      (passed over)\n");
    assert_non_null(strstr(said, "\n1 calls, 1 passed over (nothing to call, or the actor waits); trace "));
}

static void other_results_than_expected_are_findings(void **state)
{
    (void)state;
    expect(1, "", "# twice\nclient Create(set) -> NOERROR\nclient Create(set) -> NOERROR\n",
           "error (not expected) line 2, client Create(set): it gave VD_E_PROTOCOL; the scenario expects "
           "NOERROR\n");
    assert_non_null(strstr(said, "-> VD_E_PROTOCOL, expected NOERROR\n"));
}

static void json_says_the_same(void **state)
{
    (void)state;
    json_error_t error;
    const char *form, *result, *due, *trace, *kind;
    int line, at;
    expect(1, "--json -", "client Create(set) -> VD_E_OPEN\n", "\"findings\"");
    json_t *report = json_loads(said, 0, &error);
    assert_non_null(report);
    assert_int_equal(json_unpack_ex(report, &error, 0, "{s:s, s:s, s:[{s:s, s:s, s:i}], s:[{s:s, s:i, s:n}]}",
                                    "form", &form, "trace", &trace, "lines", "result", &result, "expected",
                                    &due, "at_ns", &at, "findings", "kind", &kind, "line", &line, "signal"),
                     0);
    assert_string_equal(form, "text");
    assert_string_equal(result, "NOERROR");
    assert_string_equal(due, "VD_E_OPEN");
    assert_string_equal(kind, "not expected");
    assert_int_equal(line, 1);
    assert_int_equal(strlen(trace), 16);
    json_decref(report);
}

static void what_is_no_scenario_is_refused(void **state)
{
    (void)state;
    expect(2, "", "client Create(set)\n  client Creat(set)\n", "line 2, column 10: ");
    expect(2, "", TRACE_MAGIC "....", "cannot be made a scenario: byte ");
    expect(2, "", "fault lost-close\nserver seed 3\n",
           "it is the plan of a client's run: vdifault run --plan");
    expect(2, "", "", "it is empty: expected a scenario");
    expect(2, "--in tape", "client Create(set)\n",
           "--in 'tape': expected sim, shm, preload, a list of them, or all");
    expect(2, "--in sim,,shm", "client Create(set)\n", "--in 'sim,,shm': expected sim, shm");
    expect(2, "--in shm,preload", "client Create(set)\nworld Advance(5)\n",
           "cannot be played in shared memory: line 2: only the simulation can do that");
    expect(2, "--json /no/such/folder/file", "client Create(set)\n", "cannot write '/no/such/folder/file'");
    expect(3, "", "client GetCommand(0)\n", "no line of it makes a call");
    assert_int_equal(run("replay", "", "/no/such/file"), 2);
    assert_non_null(strstr(said, "'/no/such/file': No such file or directory"));
    assert_int_equal(run("replay", "", "/tmp"), 2);
    assert_non_null(strstr(said, "'/tmp': Is a directory"));
}

static void minimize_writes_a_scenario(void **state)
{
    (void)state;
    char options[64];
    expect_of("minimize", 0, "",
              "devices 2\nclient Create(set, prefix 512)\nserver Open(set)\nclient Create(set) -> NOERROR\n",
              "# no single step makes this scenario smaller\n");
    assert_non_null(strstr(said, "devices 1\nclient Create(set)\nclient Create(set) "));
    assert_non_null(strstr(said, "2 of 3 lines are left after "));
    snprintf(options, sizeof options, "--output %s", file_path);
    expect_of("minimize", 0, options, "client Create(set)\nclient Close() -> VD_E_OPEN\nclient Create(set)\n",
              "2 of 3 lines are left after ");
    assert_int_equal(run("replay", "", file_path), 1);
    assert_non_null(strstr(said, "line 2, client Close(): it gave NOERROR; the scenario expects VD_E_OPEN"));
    expect_of("minimize", 0, "--output /dev/null --within 0.001",
              "client Create(set)\nclient Close() -> VD_E_OPEN\nclient Create(set)\n",
              "; there may be a smaller scenario");
}

static void a_test_and_a_script_are_of_scenarios(void **state)
{
    (void)state;
    expect_of("minimize --to-c /dev/null", 2, "", "server seed 3\n", "no client given");
    assert_int_equal(run("minimize --to-c /dev/null", "plan --", "client"), 2);
    assert_non_null(strstr(said, "--to-c and --gdb are of scenarios: expected none of a client"));
    expect(2, "--gdb /no/such/folder/script", "client Create(set)\n",
           "--gdb: cannot write '/no/such/folder/script'");
}

static void minimize_refuses_what_it_cannot_keep(void **state)
{
    (void)state;
    expect_of("minimize", 3, "", "client Create(set) -> NOERROR\n", "gives no finding: nothing to keep");
    expect_of("minimize", 2, "", "fault lost-close\n",
              "no client given; expected: vdifault minimize [options] PLAN");
    expect_of("minimize", 2, "", "client Creat(set)\n", "line 1, column 8: ");
    expect_of("minimize", 2, "--timeout 3", "client Create(set)\n",
              "has no options but --output, --within, --to-c and --gdb");
    expect_of("minimize", 2, "--gdb /dev/null", "client Create(set)\n", "expected --output FILE, too");
    expect_of("minimize", 2, "--to-c /no/such/folder/test.c", "client Create(set) -> VD_E_OPEN\n",
              "--to-c: cannot write '/no/such/folder/test.c'");
    expect_of("minimize", 2, "--rule VDI-OUT-001", "client Create(set)\n", "no client given");
    expect_of("minimize", 2, "--output /no/such/folder/file", "client Create(set)\n",
              "cannot write '/no/such/folder/file'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scenario_has_one_hash),
        cmocka_unit_test(both_forms_are_one_scenario),
        cmocka_unit_test(the_environments_dialect_is_not_the_scenarios),
        cmocka_unit_test(what_the_model_does_not_allow_is_told),
        cmocka_unit_test(the_same_bug_elsewhere_is_the_same),
        cmocka_unit_test(a_crash_is_told_with_its_line),
        cmocka_unit_test(a_call_without_an_end_is_told),
        cmocka_unit_test(a_call_that_was_begun_tells_when_it_returned),
        cmocka_unit_test(a_call_that_does_not_return_in_time_is_not_what_is_expected),
        cmocka_unit_test(who_is_stuck_tells_what_for),
        cmocka_unit_test(a_deviation_becomes_small),
        cmocka_unit_test(a_crash_becomes_small),
        cmocka_unit_test(calls_are_printed_with_their_results),
        cmocka_unit_test(other_results_than_expected_are_findings),
        cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(what_is_no_scenario_is_refused),
        cmocka_unit_test(minimize_writes_a_scenario),
        cmocka_unit_test(a_test_and_a_script_are_of_scenarios),
        cmocka_unit_test(minimize_refuses_what_it_cannot_keep),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
