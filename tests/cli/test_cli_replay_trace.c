/* `vdifault replay --trace`: the same file each time, which `vdifault trace` prints and judges; and what a player that
 * did not come to its end leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "player.h"
#include "scenario_file.h"

enum {
    FILE_MAX = 1 << 20
};

static char folder[] = "/tmp/test-cli-replay-trace-XXXXXX";
static char said[1 << 16];

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char command[256];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* Runs the command in the folder, with arguments as a format says. */
__attribute__((format(printf, 2, 3))) static void expect(int status, const char *format, ...)
{
    char command[2048];
    va_list arguments;
    int length = snprintf(command, sizeof command, "cd %s && " COMMAND " ", folder);
    va_start(arguments, format);
    vsnprintf(command + length, sizeof command - (size_t)length, format, arguments);
    va_end(arguments);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    said[fread(said, 1, sizeof said - 1, out)] = '\0';
    int got = pclose(out);
    if (!WIFEXITED(got) || WEXITSTATUS(got) != status) {
        fail_msg("expected status %d of %s, got %d and:\n%s", status, command, WEXITSTATUS(got), said);
    }
}

static void expect_said(const char *text)
{
    if (strstr(said, text) == NULL) {
        fail_msg("expected '%s', got:\n%s", text, said);
    }
}

static size_t read_whole(const char *name, char *bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    return length;
}

static void one_scenario_has_one_trace(void **state)
{
    static char first[FILE_MAX], second[FILE_MAX];
    (void)state;
    expect(0, "replay --trace first %s", CORPUS "/session-of-three-threads");
    expect(0, "replay --trace second %s", CORPUS "/session-of-three-threads");
    size_t length = read_whole("first", first);
    assert_true(length > 40 * sizeof(struct event));
    assert_int_equal(read_whole("second", second), length);
    assert_memory_equal(first, second, length);
}

static void a_trace_is_printed_and_judged(void **state)
{
    (void)state;
    expect(0, "replay --trace good %s", CORPUS "/backup");
    expect(0, "trace good");
    expect_said("GetCommand(timeout 1000) -> Write #1, 512 bytes\n");
    expect_said("statement 1 ends: success, 512 bytes");
    expect(0, "trace --format json good");
    expect_said("\"function\":\"CompleteCommand\"");
    expect(0, "trace --format perfetto good");
    expect_said("\"name\":\"Close\"");
    expect(0, "trace --check good");
    expect_said("clean: the client broke no rule\n");
    expect(0, "replay --trace bad %s", CORPUS "/get-command-close-is-sticky");
    expect(1, "trace --check bad");
    expect_said("VDI-GETCMD-002 error");
    expect_said("vdifault replay " CORPUS "/get-command-close-is-sticky");
}

static void a_file_that_cannot_be_written_is_told_first(void **state)
{
    (void)state;
    expect(2, "replay --trace nowhere/trace %s 2>&1", CORPUS "/backup");
    expect_said("replay: --trace: cannot write 'nowhere/trace': No such file or directory\n");
    expect(3, "replay --trace /dev/full %s 2>&1", CORPUS "/backup");
    expect_said("replay: --trace: cannot write '/dev/full': No space left on device\n");
}

/* ---- players that go wrong ---- */

static struct event last;
static uint32_t events;

static void take(void *context, const struct event *event, const char *text)
{
    (void)context;
    (void)text;
    last = *event;
    events++;
}

static struct player player;

static void play_planted(const char *text)
{
    static struct scenario_file file;
    char path[256];
    snprintf(path, sizeof path, "%s/scenario", folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(scenario_file_read(path, &file, NULL), 0);
    assert_int_equal(player_open(&player, PLAYER_SIM), 0);
    snprintf(player.path, sizeof player.path, "%s", PLANTED_PLAYER);
    player.silent = true;
    player.trace = true;
    assert_int_equal(player_play(&player, &file.scenario, 1), 0);
    events = 0;
    assert_int_equal(event_log_read(&player.board->log, take, NULL), 0);
}

static void a_crash_leaves_the_call_it_was_in(void **state)
{
    (void)state;
    play_planted("client Create(set)\nclient MapBufferHandle(none)\nclient Close()\n");
    assert_int_equal(player.end, PLAYER_CRASHED);
    assert_int_equal(events, 4);
    assert_int_equal(last.kind, EVENT_CALL_BEGIN);
    assert_int_equal(last.function, VDI_FN_MAP_BUFFER_HANDLE);
    player_close(&player);
}

static void a_call_without_an_end_leaves_those_before_it(void **state)
{
    (void)state;
    play_planted("client Create(set)\nserver Open(set)\nclient Close()\nserver IsSharedBuffer(foreign)\n");
    assert_int_equal(player.end, PLAYER_ENDLESS);
    assert_int_equal(last.kind, EVENT_CALL_END);
    assert_int_equal(last.function, VDI_FN_CLOSE);
    player_close(&player);
}

/* What a player that went wrong has written over. */
static void a_log_that_is_none_is_read_as_far_as_it_is_one(void **state)
{
    static struct event_log log;
    struct event event = {.sequence = 1,
                          .version = EVENT_VERSION,
                          .kind = EVENT_CALL_BEGIN,
                          .side = 1,
                          .function = VDI_FN_CLOSE,
                          .device = -1,
                          .operation = -1};
    (void)state;
    event_log_add(&log, &event, "");
    event_log_add(&log, &event, "two records of text, and so more than one of them: 64 bytes are one");
    events = 0;
    assert_int_equal(event_log_read(&log, take, NULL), 0);
    assert_int_equal(events, 2);
    assert_int_equal(last.text_records, 2);
    log.used -= 64; /* half of it */
    events = 0;
    assert_int_equal(event_log_read(&log, take, NULL), 1);
    assert_int_equal(events, 1);
    log.bytes[offsetof(struct event, kind)] = EVENT_KIND_COUNT;
    events = 0;
    assert_int_equal(event_log_read(&log, take, NULL), 1);
    assert_int_equal(events, 0);
    event_log_clear(&log);
    uint32_t room = EVENT_LOG_BYTES / sizeof event;
    for (uint32_t i = 0; i < room + 3; i++) {
        event_log_add(&log, &event, "");
    }
    events = 0;
    assert_int_equal(event_log_read(&log, take, NULL), 3);
    assert_int_equal(events, room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_scenario_has_one_trace),
        cmocka_unit_test(a_trace_is_printed_and_judged),
        cmocka_unit_test(a_file_that_cannot_be_written_is_told_first),
        cmocka_unit_test(a_crash_leaves_the_call_it_was_in),
        cmocka_unit_test(a_call_without_an_end_leaves_those_before_it),
        cmocka_unit_test(a_log_that_is_none_is_read_as_far_as_it_is_one),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
