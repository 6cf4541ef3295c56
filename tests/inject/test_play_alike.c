/* A scenario in the simulation and a program under the interposer that makes the same calls: the same events, but for
 * what no two runs have in common (numbers of processes, addresses, times, stacks). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "play.h"
#include "runstate.h"
#include "vdierror.h"

enum {
    SEEN_MAX = 256,
    NUMBERS_MAX = 64,
    LINE_MAX_CHARS = 512
};

/* As same_calls.c, and its server; the clock of a scenario is another. */
static const char lines[] =
    "devices 1\n"
    "client Create(empty, features RequestComplete, prefix 8)\n"
    "client Create(set, features RequestComplete, prefix 8)\n"
    "client Create(set, features RequestComplete, prefix 8)\n"
    "server Open(set)\n"
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"
    "server NameDevice(0)\n"
    "server RequestBuffers(size 512, count 2)\n"
    "server EndConfiguration()\n"
    "client GetConfiguration(timeout 30000)\n"
    "client OpenDevice(unknown)\n"
    "client OpenDevice(0)\n"
    "server OpenDevice()\n"
    "server AllocateBuffer(size 512)\n"
    "server SendCommand(0, Write, buffer 1, size 512, position 7)\n"
    "client GetCommand(0, timeout 30000)\n"
    "client GetBufferHandle(0)\n"
    "client MapBufferHandle(1)\n"
    "client CompleteCommand(0, SUCCESS, bytes 513)\n"
    "client CompleteCommand(0, SUCCESS, bytes 512)\n"
    "server RunCompletions()\n"
    "server SendCommand(0, Flush)\n"
    "client GetCommand(0, timeout 30000)\n"
    "client CompleteCommand(0, SUCCESS)\n"
    "server RunCompletions()\n"
    "server SendCommand(0, Rewind)\n"
    "client GetCommand(0, timeout 30000)\n"
    "client CompleteCommand(0, ERROR_NOT_SUPPORTED, position 9)\n"
    "server RunCompletions()\n"
    "server CloseDevice(0)\n"
    "client GetCommand(0, timeout 30000) -> VD_E_CLOSE\n"
    "client RegisterDeviceClosed()\n"
    "client Close() -> NOERROR\n"
    "client Close() -> VD_E_PROTOCOL\n"
    "server Close()\n"
    "client Create(set, features RequestComplete, prefix 8)\n"
    "client SignalAbort() -> NOERROR\n"
    "client GetConfiguration() -> VD_E_ABORT\n"
    "client Close()\n"
    "client Destroy()\n";

/* ---- events without what differs ---- */

/* Numbers in the order of their first sight. */
struct numbers {
    uint32_t count;
    int64_t seen[NUMBERS_MAX];
};

struct trace {
    char set[64]; /* its name */
    struct numbers addresses, devices, sequences;
    uint32_t count;
    char lines[SEEN_MAX][LINE_MAX_CHARS];
};

static uint32_t number_of(struct numbers *numbers, int64_t value)
{
    for (uint32_t i = 0; i < numbers->count; i++) {
        if (numbers->seen[i] == value) {
            return i + 1;
        }
    }
    assert_true(numbers->count < NUMBERS_MAX);
    numbers->seen[numbers->count++] = value;
    return numbers->count;
}

/* Arguments that are addresses (event.h), a bit each; ~ those that are numbers of events. */
static const struct {
    uint8_t kind, function;
    uint8_t addresses, sequences;
} special[] = {
    {EVENT_CALL_END, VDI_FN_OPEN_DEVICE, 1 << 0, 0},
    {EVENT_CALL_END, VDI_FN_GET_COMMAND, 1 << 0 | 1 << 4, 0},
    {EVENT_CALL_BEGIN, VDI_FN_COMPLETE_COMMAND, 1 << 0, 1 << 4},
    {EVENT_CALL_BEGIN, VDI_FN_GET_BUFFER_HANDLE, 1 << 0, 1 << 1},
    {EVENT_CALL_END, VDI_FN_MAP_BUFFER_HANDLE, 1 << 0, 0},
};

static void put_arguments(struct trace *trace, const struct event *event, char *line, size_t used)
{
    unsigned addresses = event->kind == EVENT_CALL_BEGIN ? 1u << 6 : 0, sequences = 0;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (special[i].kind == event->kind && special[i].function == event->function) {
            addresses |= special[i].addresses;
            sequences |= special[i].sequences;
        }
    }
    for (unsigned i = 0; i < sizeof event->arg / sizeof event->arg[0]; i++) {
        int64_t value = event->arg[i];
        const char *mark = "";
        if (value != 0 && (addresses >> i & 1) != 0) {
            value = number_of(&trace->addresses, value);
            mark = "object ";
        } else if (value != 0 && (sequences >> i & 1) != 0) {
            value = number_of(&trace->sequences, value);
            mark = "call ";
        }
        used += (size_t)snprintf(line + used, LINE_MAX_CHARS - used, " %s%lld,", mark, (long long)value);
    }
}

static void take(void *context, const struct event *event, const char *text)
{
    struct trace *trace = context;
    bool is_call = event->kind == EVENT_CALL_BEGIN || event->kind == EVENT_CALL_END ||
                   event->kind == EVENT_CONFIGURATION;
    if (!is_call || event->side != EVENT_SIDE_CLIENT) {
        return;
    }
    assert_true(trace->count < SEEN_MAX);
    char *line = trace->lines[trace->count++];
    uint64_t begin = event->kind == EVENT_CALL_BEGIN ? event->sequence : event->call;
    int used =
        snprintf(line, LINE_MAX_CHARS, "%s %s '%s' of call %u: device %u, operation %d, set %u, -> %d:",
                 event->kind == EVENT_CALL_BEGIN ? "begin"
                 : event->kind == EVENT_CALL_END ? "end"
                                                 : "configuration",
                 vdi_function_names[event->function], strcmp(text, trace->set) == 0 ? "the set" : text,
                 number_of(&trace->sequences, (int64_t)begin),
                 event->device < 0 ? 0 : number_of(&trace->devices, event->device), event->operation,
                 (unsigned)event->set, event->result);
    assert_int_equal(event->flags, 0);
    put_arguments(trace, event, line, (size_t)used);
}

/* ---- both ---- */

static struct trace played, recorded;

static void play_lines(void)
{
    static struct scenario scenario;
    static struct play_outcome outcome;
    struct play_host host = play_in_simulation;
    struct fault_error error;
    uint32_t line = 0;
    if (scenario_parse(lines, strlen(lines), &scenario, NULL, &error, &line) != 0) {
        fail_msg("line %u: %s", line, error.message);
    }
    host.event = take;
    host.event_context = &played;
    struct play *play = play_new(&host);
    assert_non_null(play);
    play_scenario(play, &scenario, &outcome);
    play_free(play);
    assert_string_equal(outcome.deviation, "");
}

static void record_program(void)
{
    char folder[] = "/tmp/test-play-alike-XXXXXX", command[128];
    struct collector *collector = NULL;
    int status = -1;
    assert_non_null(mkdtemp(folder));
    pid_t child = fork();
    if (child == 0) {
        setenv("LD_PRELOAD", PRELOAD, 1);
        setenv("VDIFAULT_TRACE", folder, 1);
        setenv("VDIFAULT_GUARD", "off", 1); /* it asks for a larger alignment */
        execl(SAME_CALLS, SAME_CALLS, recorded.set, (char *)NULL);
        _exit(95);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(collector_open_copy(folder, &collector), 0);
    collector_drain(collector, take, &recorded); /* one thread makes all calls: one ring */
    assert_int_equal(collector_dropped(collector), 0);
    collector_close(collector);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void the_events_are_the_same(void **state)
{
    (void)state;
    snprintf(played.set, sizeof played.set, "set");
    snprintf(recorded.set, sizeof recorded.set, "test-play-alike-%d", (int)getpid());
    play_lines();
    record_program();
    for (uint32_t i = 0; i < played.count || i < recorded.count; i++) {
        if (strcmp(played.lines[i], recorded.lines[i]) != 0) {
            fail_msg("event %u\nplayed   %s\nrecorded %s", i + 1, played.lines[i], recorded.lines[i]);
        }
    }
    assert_true(played.count > 2 * 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_events_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
