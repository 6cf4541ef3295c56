/* Scenarios that happen: each call gives what is expected, the same at every time; and whatever the core might do wrong
 * is told as a sentence that names the line. For that this program puts itself between the player and the core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "mutate.h"
#include "play.h"
#include "server.h"

static const char bring_up[] =
    "devices 1\n"
    "client Create(set) -> NOERROR\n"
    "server Open(set) -> NOERROR\n"
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536) -> NOERROR\n"
    "server NameDevice(0, as 0) -> NOERROR\n"
    "server RequestBuffers(size 512, count 2) -> NOERROR\n"
    "server EndConfiguration() -> NOERROR\n"
    "client GetConfiguration() -> NOERROR\n"
    "client OpenDevice(0) -> NOERROR\n"
    "server OpenDevice() -> NOERROR\n"
    "server AllocateBuffer(size 512) -> NOERROR\n";
enum {
    BRING_UP_LINES = 10
};

static const char transfer[] =
    "server SendCommand(0, Write, buffer 1, size 512) -> NOERROR\n"
    "client GetCommand(0) -> NOERROR\n"
    "client CompleteCommand(0, SUCCESS, bytes 512) -> NOERROR\n"
    "server RunCompletions()\n"
    "server SendCommand(0, Read, buffer 1, size 100) -> NOERROR\n"
    "client GetCommand(0) -> NOERROR\n"
    "client CompleteCommand(0, SUCCESS, bytes 100, position 7) -> NOERROR\n"
    "server RunCompletions()\n";

static const char end[] =
    "server CloseDevice(0) -> NOERROR\n"
    "client GetCommand(0) -> VD_E_CLOSE\n"
    "client Close() -> NOERROR\n"
    "server Close() -> NOERROR\n";

/* An error, what it does to what is queued and sent, and the way out of it (spec 2.2). */
static const char io_error[] =
    "server SendCommand(0, Write, buffer 1, size 512) -> NOERROR\n"
    "server SendCommand(0, Flush) -> NOERROR\n"
    "client GetCommand(0) -> NOERROR\n"
    "client CompleteCommand(0, ERROR_DISK_FULL) -> NOERROR\n"
    "server RunCompletions()\n"
    "server SendCommand(0, Flush) -> VD_E_IO_ERROR\n"
    "server SendCommand(0, ClearError) -> NOERROR\n"
    "client GetCommand(0) -> NOERROR\n"
    "client CompleteCommand(0, SUCCESS) -> NOERROR\n"
    "server RunCompletions()\n"
    "server SendCommand(0, Flush) -> NOERROR\n";

/* The same objects once more: what was of the first life is nobody's. */
static const char again[] =
    "client CompleteCommand(0, SUCCESS) -> VD_E_PROTOCOL\n"
    "server SendCommand(0, Flush) -> VD_E_PROTOCOL\n"
    "client Create(other) -> NOERROR\n"
    "client GetCommand(0) -> VD_E_PROTOCOL\n"
    "server Open(set) -> VD_E_INVALID\n"
    "server Open(other) -> NOERROR\n"
    "server EndConfiguration() -> VD_E_PROTOCOL\n"
    "client SignalAbort() -> NOERROR\n"
    "server GetConfiguration() -> VD_E_ABORT\n";

/* Calls that wait for later lines. */
static const char waiting[] =
    "server.2 ExecuteCompletionAgent() ...\n"
    "client.2 GetCommand(0, timeout forever) ...\n"
    "server.3 Wait(timeout forever) ...\n"
    "server SendCommand(0, Write, buffer 1, size 512) -> NOERROR\n"
    "client.2 ... GetCommand -> NOERROR\n"
    "client.2 CompleteCommand(0, SUCCESS, bytes 512) -> NOERROR\n"
    "server.3 ... Wait -> NOERROR\n"
    "client.2 GetCommand(0, timeout forever) ...\n"
    "server CloseDevice(0) -> NOERROR\n"
    "client.2 ... GetCommand -> VD_E_CLOSE\n"
    "server.2 ... ExecuteCompletionAgent -> NOERROR\n"
    "client Close() -> NOERROR\n";

/* The same, and the set ends under them. */
static const char waiting_in_vain[] =
    "server.2 ExecuteCompletionAgent() ...\n"
    "client.2 GetCommand(0, timeout forever) ...\n"
    "client Close() -> VD_E_OPEN\n"
    "client.2 ... GetCommand -> VD_E_ABORT\n"
    "server.2 ... ExecuteCompletionAgent -> VD_E_ABORT\n"
    "server Close() -> NOERROR\n";

static struct play *play;
static struct scenario scenario;
static struct play_outcome outcome;

static void parse(const char *const parts[])
{
    char text[8192];
    struct fault_error error;
    uint32_t line = 0;
    size_t length = 0;
    for (size_t i = 0; parts[i] != NULL; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", parts[i]);
    }
    if (scenario_parse(text, length, &scenario, NULL, &error, &line) != 0) {
        fail_msg("line %u: %s", line, error.message);
    }
}

static void check_results(void)
{
    for (uint32_t i = 0; i < scenario.line_count; i++) {
        int32_t expected;
        if (scenario_expected(&scenario.lines[i], &expected)) {
            char line[160], got[MODEL_RESULT_TEXT];
            scenario_print_line(&scenario.lines[i], line, sizeof line);
            if (!outcome.made[i] || outcome.results[i] != expected) {
                fail_msg("line %u, %s: %s", i + 1, line,
                         outcome.made[i] ? model_result_name(outcome.results[i], got) : "was passed over");
            }
        }
    }
}

static void happens(const char *const parts[])
{
    parse(parts);
    play_scenario(play, &scenario, &outcome);
    assert_string_equal(outcome.deviation, "");
    check_results();
}
#define HAPPENS(...) happens((const char *const[]){__VA_ARGS__, NULL})

static void test_sessions(void **unused)
{
    (void)unused;
    HAPPENS(bring_up, transfer, end);
    HAPPENS(bring_up, transfer, io_error);
    HAPPENS(bring_up, transfer, end, again);
    HAPPENS(bring_up); /* whatever is left is taken away */
}

static void test_waiting_calls(void **unused)
{
    (void)unused;
    HAPPENS(bring_up, waiting);
    HAPPENS(bring_up, waiting_in_vain);
    HAPPENS("client Create(set)\n", "client.2 GetConfiguration(timeout forever) ...\n",
            "client SignalAbort()\n", "client.2 ... GetConfiguration -> VD_E_ABORT\n");
    HAPPENS("client Create(set)\n", "client GetConfiguration(timeout 1000) ...\n",
            "client ... GetConfiguration -> VD_E_TIMEOUT\n");
    HAPPENS("client Create(set)\n", "client GetConfiguration(timeout forever) ...\n"); /* the end ends it */
}

static void test_what_cannot_be_called_is_passed_over(void **unused)
{
    (void)unused;
    HAPPENS("client GetCommand(0)\n", "server SendCommand(3, Flush)\n", "server RunCompletions()\n",
            "world Continue(server)\n", "client ... Close\n");
    assert_int_equal(outcome.calls, 0);
}

/* Mutations of a session: nothing deviates, and each gives the same at the second time. */
static void test_mutations_agree_with_the_model(void **unused)
{
    static struct scenario first;
    static struct play_outcome second;
    enum {
        MUTATIONS = 8000, /* a half of calls alone */
        CHAIN = 40
    };
    (void)unused;
    parse((const char *const[]){bring_up, transfer, io_error, end, again, NULL});
    first = scenario;
    for (uint32_t i = 0; i < MUTATIONS; i++) {
        const struct mutate_limits limits = {.lines = 64, .scope = i < MUTATIONS / 2 ? 0 : MUTATE_ALL};
        if (i % CHAIN == 0) {
            scenario = first;
        }
        scenario_mutate(&scenario, i, &limits);
        play_scenario(play, &scenario, &outcome);
        assert_string_equal(outcome.deviation, "");
        play_scenario(play, &scenario, &second);
        assert_memory_equal(outcome.made, second.made, scenario.line_count * sizeof outcome.made[0]);
        assert_memory_equal(outcome.results, second.results, scenario.line_count * sizeof outcome.results[0]);
    }
}

/* --- a core that is wrong --- */

static enum lie {
    NO_LIE,
    LIE_RESULT,
    LIE_COMMAND,
    LIE_DATA,
    LIE_NO_CALLBACK,
    LIE_TWO_CALLBACKS,
    LIE_OTHER_BYTES,
    LIE_NO_ABORT,
} lie;

int __real_client_device_get_command(struct client_device *, int64_t, struct VDC_Command **);
int __wrap_client_device_get_command(struct client_device *, int64_t, struct VDC_Command **);
uint32_t __real_server_set_run_completions(struct server_set *, enum server_set_state *);
uint32_t __wrap_server_set_run_completions(struct server_set *, enum server_set_state *);
int __real_server_device_send_command(struct server_device *, struct VDS_Command *);
int __wrap_server_device_send_command(struct server_device *, struct VDS_Command *);
int __real_client_set_signal_abort(struct client_set *);
int __wrap_client_set_signal_abort(struct client_set *);
int __real_client_device_complete_command(struct client_device *, struct VDC_Command *, int32_t, uint64_t,
                                          int64_t);
int __wrap_client_device_complete_command(struct client_device *, struct VDC_Command *, int32_t, uint64_t,
                                          int64_t);

int __wrap_client_device_get_command(struct client_device *device, int64_t timeout,
                                     struct VDC_Command **command)
{
    int result = __real_client_device_get_command(device, timeout, command);
    if (result == 0 && lie == LIE_COMMAND) {
        (*command)->size++;
    } else if (result == 0 && lie == LIE_DATA) {
        (*command)->buffer[511] ^= 1;
    }
    return result == 0 && lie == LIE_RESULT ? VD_E_BUSY : result;
}

uint32_t __wrap_server_set_run_completions(struct server_set *set, enum server_set_state *state)
{
    return lie == LIE_NO_CALLBACK ? 0 : __real_server_set_run_completions(set, state);
}

int __wrap_server_device_send_command(struct server_device *device, struct VDS_Command *command)
{
    int result = __real_server_device_send_command(device, command);
    for (int i = 0; lie == LIE_TWO_CALLBACKS && i < 2; i++) {
        ((server_completion *)command->completionRoutine)(command);
    }
    return result;
}

int __wrap_client_set_signal_abort(struct client_set *set)
{
    return lie == LIE_NO_ABORT ? 0 : __real_client_set_signal_abort(set);
}

int __wrap_client_device_complete_command(struct client_device *device, struct VDC_Command *command,
                                          int32_t code, uint64_t bytes, int64_t position)
{
    return __real_client_device_complete_command(device, command, code, bytes - (lie == LIE_OTHER_BYTES),
                                                 position);
}

static void test_each_lie_is_told(void **unused)
{
    static const struct {
        enum lie lie;
        uint32_t line;
        const char *deviation;
    } lies[] = {
        {LIE_RESULT, 2, "client GetCommand(0): it gave VD_E_BUSY; allowed in Active is NOERROR"},
        {LIE_COMMAND, 2,
         "client GetCommand(0): it gave command 2 of 513 bytes at 0 with buffer; what is due is 2 of 512 "
         "bytes at 0 "
         "with"},
        {LIE_DATA, 2, "client GetCommand(0): the data of the Write is not what was sent"},
        {LIE_NO_CALLBACK, 4, "server RunCompletions(): command 1 of device 0 is not called back"},
        {LIE_TWO_CALLBACKS, 1,
         "server SendCommand(0, Write, buffer 1, size 512): command 1 of device 0 is called back twice"},
        {LIE_OTHER_BYTES, 4,
         "server RunCompletions(): command 1 of device 0 is called back with code 0, 511 bytes, position 0; "
         "due are 0, "
         "512, 0"},
        {LIE_NO_ABORT, 9, "client SignalAbort(): afterwards the set is not aborted"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char expected[PLAY_DEVIATION_MAX];
        uint32_t line = BRING_UP_LINES + lies[i].line;
        parse((const char *const[]){bring_up, transfer, "client SignalAbort()\n", NULL});
        lie = lies[i].lie;
        play_scenario(play, &scenario, &outcome);
        lie = NO_LIE;
        snprintf(expected, sizeof expected, "line %u, %s", line, lies[i].deviation);
        assert_string_equal(outcome.deviation, expected);
        assert_int_equal(outcome.deviating_line, line);
        HAPPENS(bring_up, transfer, end); /* nothing of it is left */
    }
}

static int make_play(void **unused)
{
    (void)unused;
    play = play_new(&play_in_simulation);
    return play != NULL ? 0 : -1;
}

static int free_play(void **unused)
{
    (void)unused;
    play_free(play);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_waiting_calls),
        cmocka_unit_test(test_what_cannot_be_called_is_passed_over),
        cmocka_unit_test(test_mutations_agree_with_the_model),
        cmocka_unit_test(test_each_lie_is_told),
    };
    return cmocka_run_group_tests(tests, make_play, free_play);
}
