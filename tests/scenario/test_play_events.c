/* What the player does, as events: what the interposer would record, the same each time; and what the rules make of it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event.h"
#include "play.h"
#include "rules.h"
#include "vdierror.h"

enum {
    SEEN_MAX = 1024,
    FILE_MAX = 1 << 16
};

static struct seen {
    struct event event;
    char text[300];
} seen[SEEN_MAX], seen_before[SEEN_MAX];
static uint32_t seen_count;
static struct checker *checker;

/* The sink of a harness: no file between the player and the rules. */
static void watch(void *context, const struct event *event, const char *text)
{
    assert_true(seen_count < SEEN_MAX);
    struct seen *place = &seen[seen_count++];
    memset(place, 0, sizeof *place);
    place->event = *event;
    snprintf(place->text, sizeof place->text, "%s", text);
    assert_int_equal(checker_feed(context, event, text), 0);
}

/* What the rules say of it; the checker's, which the next play frees. */
static const struct judgement *play_text(const char *text, size_t length, const char *name)
{
    static struct scenario scenario;
    static struct play_outcome outcome;
    static struct plan plan;
    struct fault_error error;
    uint32_t line = 0;
    struct play_host host = play_in_simulation;
    if (scenario_read((const uint8_t *)text, length, &scenario, NULL, &error, &line) != 0) {
        fail_msg("%s:%u:%zu: %s", name, line, error.offset, error.message);
    }
    plan_init(&plan);
    checker_free(checker);
    assert_int_equal(checker_new(&plan, &checker), 0);
    seen_count = 0;
    host.event = watch;
    host.event_context = checker;
    struct play *play = play_new(&host);
    assert_non_null(play);
    play_scenario(play, &scenario, &outcome);
    if (outcome.deviation[0] != '\0') {
        fail_msg("%s: %s", name, outcome.deviation);
    }
    play_free(play);
    return checker_finish(checker);
}

static const struct judgement *play_seed(const char *name)
{
    static char text[FILE_MAX];
    char path[300];
    snprintf(path, sizeof path, "%s/%s", LIFECYCLE_CORPUS, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("no seed %s", path);
    }
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    return play_text(text, length, name);
}

static const struct judgement *play_lines(const char *text)
{
    return play_text(text, strlen(text), "lines");
}

static int free_checker(void **state)
{
    (void)state;
    checker_free(checker);
    return 0;
}

/* ---- what is recorded ---- */

#define OPEN_DEVICE                                                                         \
    "devices 1\n"                                                                           \
    "client Create(set, features RequestComplete, prefix 8)\n"                              \
    "server Open(set)\n"                                                                    \
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n" \
    "server NameDevice(0)\n"                                                                \
    "server RequestBuffers(size 512, count 2)\n"                                            \
    "server EndConfiguration()\n"                                                           \
    "client GetConfiguration(timeout 5000)\n"                                               \
    "client OpenDevice(0)\n"                                                                \
    "server OpenDevice()\n"                                                                 \
    "server AllocateBuffer(size 512)\n"
#define WRITE                                                        \
    "server SendCommand(0, Write, buffer 1, size 512, position 7)\n" \
    "client GetCommand(0, timeout 5000)\n"                           \
    "client CompleteCommand(0, SUCCESS, bytes 512)\n"                \
    "server RunCompletions()\n"
#define END                                \
    "server CloseDevice(0)\n"              \
    "client GetCommand(0, timeout 5000)\n" \
    "client Close()\n"                     \
    "server Close()\n"

/* The n-th begin or end of the function, from 1. */
static const struct seen *find(enum event_kind kind, enum vdi_function function, uint32_t nth)
{
    for (uint32_t i = 0; i < seen_count; i++) {
        const struct event *event = &seen[i].event;
        if (event->kind == kind && event->function == function && --nth == 0) {
            return &seen[i];
        }
    }
    fail_msg("no event of kind %d of %s", kind, vdi_function_names[function]);
    return NULL;
}
#define BEGIN(function, nth)  (&find(EVENT_CALL_BEGIN, function, nth)->event)
#define END_OF(function, nth) (&find(EVENT_CALL_END, function, nth)->event)

static void calls_are_recorded_with_what_they_take_and_give(void **state)
{
    (void)state;
    play_lines(OPEN_DEVICE WRITE
               "server SendCommand(0, Write, buffer 1, size 100, position 8)\n"
               "client GetCommand(0, timeout 5000)\n"
               "client GetBufferHandle(0)\nclient MapBufferHandle(1)\n" END);
    const struct event *create = BEGIN(VDI_FN_CREATE, 1), *fetch = END_OF(VDI_FN_GET_COMMAND, 1);
    const struct event *completion = BEGIN(VDI_FN_COMPLETE_COMMAND, 1);
    const struct event *handle = BEGIN(VDI_FN_GET_BUFFER_HANDLE, 1);
    const struct event *again = END_OF(VDI_FN_GET_COMMAND, 2), *opened = END_OF(VDI_FN_OPEN_DEVICE, 1);
    assert_string_equal(find(EVENT_CALL_BEGIN, VDI_FN_CREATE, 1)->text, "set");
    assert_int_equal(create->arg[0], 1);
    assert_int_equal(create->arg[1], VDF_RequestComplete);
    assert_int_equal(create->arg[3], 8);
    assert_int_equal(create->operation, 0);
    const struct event *asked = &find(EVENT_CONFIGURATION, VDI_FN_CREATE, 1)->event;
    assert_int_equal(asked->call, create->sequence);
    assert_int_equal(event_config_word(asked, 1), VDF_RequestComplete);
    assert_int_equal(BEGIN(VDI_FN_GET_CONFIGURATION, 1)->arg[0], 5000);
    assert_int_equal(END_OF(VDI_FN_GET_CONFIGURATION, 1)->arg[1], 512);
    assert_int_equal(END_OF(VDI_FN_GET_CONFIGURATION, 1)->arg[2], 65536);
    assert_int_equal(opened->device, 0);
    assert_int_equal(opened->arg[0], BEGIN(VDI_FN_GET_COMMAND, 1)->arg[6]); /* the device object */
    assert_int_equal(fetch->call, BEGIN(VDI_FN_GET_COMMAND, 1)->sequence);
    assert_int_equal(fetch->arg[1], VDC_Write);
    assert_int_equal(fetch->arg[2], 512);
    assert_int_equal(fetch->arg[3], 7);
    assert_int_equal(fetch->arg[5], 1);
    assert_int_equal(again->arg[5], 2);
    assert_int_equal(again->arg[4], fetch->arg[4]); /* the same buffer once more */
    assert_int_equal(completion->arg[0], fetch->arg[0]);
    assert_int_equal(completion->arg[2], 512);
    assert_int_equal(completion->arg[4], fetch->call);
    assert_int_equal(completion->arg[5], VDC_Write);
    assert_int_equal(handle->arg[0], fetch->arg[4]);
    assert_int_equal(handle->arg[1], again->call);
    assert_int_equal(END_OF(VDI_FN_MAP_BUFFER_HANDLE, 1)->arg[0], handle->arg[0]);
    assert_int_equal(BEGIN(VDI_FN_MAP_BUFFER_HANDLE, 1)->arg[0], END_OF(VDI_FN_GET_BUFFER_HANDLE, 1)->arg[0]);
    for (uint32_t i = 0; i < seen_count; i++) {
        assert_int_equal(seen[i].event.sequence, i + 1);
        assert_true(i == 0 || seen[i].event.time_ns >= seen[i - 1].event.time_ns);
    }
    assert_int_equal(seen[seen_count - 1].event.kind,
                     EVENT_STATEMENT_END); /* nothing of the player's own end */
}

static void calls_beside_others_are_recorded_beside_them(void **state)
{
    (void)state;
    play_lines(OPEN_DEVICE
               "client.2 GetCommand(0, timeout forever) ...\nclient GetConfiguration(timeout 5000)\n"
               "server SendCommand(0, Flush)\nclient.2 ... GetCommand\n");
    const struct event *begin = BEGIN(VDI_FN_GET_COMMAND, 1), *end = END_OF(VDI_FN_GET_COMMAND, 1);
    const struct event *other = BEGIN(VDI_FN_GET_CONFIGURATION, 2);
    assert_int_equal(begin->process, other->process);
    assert_int_not_equal(begin->thread, other->thread);
    assert_int_equal(begin->arg[0], -1);
    assert_true(begin->sequence < other->sequence);
    assert_true(END_OF(VDI_FN_GET_CONFIGURATION, 2)->sequence < end->sequence);
    assert_true(begin->time_ns < end->time_ns);
    assert_int_equal(end->thread, begin->thread);
}

/* Rules that hear nothing of it would wonder why the client neither went on nor closed its set. */
static void a_death_is_recorded_as_somebody_elses_doing(void **state)
{
    (void)state;
    const struct judgement *judgement =
        play_lines(OPEN_DEVICE
                   "client.2 GetCommand(0, timeout forever) ...\nworld Kill(client)\n"
                   "server SignalAbort()\nworld Kill(server)\n");
    const struct event *client = &find(EVENT_PROCESS_EXIT, VDI_FN_NONE, 1)->event;
    const struct event *server = &find(EVENT_PROCESS_EXIT, VDI_FN_NONE, 2)->event;
    assert_int_equal(client->process, BEGIN(VDI_FN_CREATE, 1)->process);
    assert_int_equal(client->side, EVENT_SIDE_SUPERVISOR);
    assert_int_equal(client->arg[0], -1);
    assert_int_equal(client->arg[1], SIGKILL);
    assert_int_equal(client->arg[2], PROCESS_CLIENT);
    assert_int_equal(client->arg[3], 1);
    assert_int_equal(server->process, find(EVENT_STATEMENT_OPEN, VDI_FN_NONE, 1)->event.process);
    assert_int_equal(server->arg[2], PROCESS_SQL);
    assert_int_equal(seen[seen_count - 1].event.kind, EVENT_PROCESS_EXIT);
    assert_true(judgement->client_ran);
    assert_int_equal(judgement->finding_count, 0);
}

static void what_nothing_could_end_is_no_short_wait(void **state)
{
    (void)state;
    play_lines(OPEN_DEVICE "client GetCommand(0, timeout 5000)\n");
    assert_int_equal(END_OF(VDI_FN_GET_COMMAND, 1)->result, VD_E_TIMEOUT);
    assert_int_equal(END_OF(VDI_FN_GET_COMMAND, 1)->flags, EVENT_FLAG_SHORTENED);
}

static void lives_of_sets_and_objects_have_numbers(void **state)
{
    (void)state;
    play_lines(
        "client Create(empty)\nclient Create(set)\nclient Create(set)\nclient Close()\nclient Create(other)\n"
        "client Destroy()\nclient Create(set)\n");
    static const struct {
        int32_t operation;
        uint64_t set;
    } due[] = {{0, 1}, {0, 1}, {0, 1}, {1, 1}, {2, 2}};
    for (uint32_t i = 0; i < sizeof due / sizeof due[0]; i++) {
        const struct event *create = BEGIN(VDI_FN_CREATE, i + 1);
        assert_int_equal(create->operation, due[i].operation);
        assert_int_equal(create->set, due[i].set);
    }
    assert_int_equal(BEGIN(VDI_FN_CLOSE, 1)->operation, 0);
}

static void one_scenario_has_one_trace(void **state)
{
    static const char *const seeds[] = {"session-of-three-threads", "devices-of-the-last-set", "timeouts"};
    (void)state;
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        play_seed(seeds[i]);
        uint32_t count = seen_count;
        memcpy(seen_before, seen, sizeof seen);
        play_seed("client-active-commands"); /* what was before is nothing to it */
        play_seed(seeds[i]);
        assert_true(count > 4);
        assert_int_equal(seen_count, count);
        assert_memory_equal(seen, seen_before, count * sizeof seen[0]);
    }
}

/* ---- what the rules make of it ---- */

static void put_findings(const struct judgement *judgement, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < judgement->finding_count && length < size; i++) {
        length += (size_t)snprintf(text + length, size - length, "%s: %s\n", judgement->findings[i].rule->id,
                                   judgement->findings[i].message);
    }
}

static void correct_clients_are_silent(void **state)
{
    static const char *const seeds[] = {
        "abort-by-client-configurable",
        "abort-by-client-initializing",
        "abort-by-client-terminated",
        "abort-by-server-configurable",
        "abort-by-server-connected",
        "abort-by-server-initializing",
        "abort-by-server-terminated",
        "abort-while-get-command-waits",
        "agent-before-devices",
        "backup",
        "buffer-handles-aborted",
        "full-queue",
        "io-error",
        "io-error-and-clear-error",
        "io-error-and-close",
        "queue-full",
        "restore",
        "server-aborted",
        "server-active",
        "server-normally-terminated",
        "server-waits-for-the-client",
        "session-of-three-threads",
        "two-sessions",
    };
    (void)state;
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        char text[2048];
        put_findings(play_seed(seeds[i]), text, sizeof text);
        if (text[0] != '\0') {
            fail_msg("%s: %s", seeds[i], text);
        }
    }
}

/* Of the call that breaks it, and no other. */
static const struct {
    const char *lines;
    const char *rule;
    enum vdi_function function;
    uint32_t nth;
} broken[] = {
    {OPEN_DEVICE WRITE "client CompleteCommand(0, SUCCESS, bytes 512)\n" END, "VDI-CMD-002",
     VDI_FN_COMPLETE_COMMAND, 2},
    {OPEN_DEVICE WRITE "client Close()\n", "VDI-CLOSE-001", VDI_FN_CLOSE, 1},
    {OPEN_DEVICE "server CloseDevice(0)\nclient GetCommand(0)\nclient GetCommand(0)\nclient Close()\n",
     "VDI-GETCMD-002", VDI_FN_GET_COMMAND, 2},
    {OPEN_DEVICE "client.2 GetCommand(0, timeout forever) ...\nclient.3 GetCommand(0, timeout forever) ...\n"
                 "server SignalAbort()\nclient.2 ... GetCommand\nclient.3 ... GetCommand\n",
     "VDI-THR-001", VDI_FN_GET_COMMAND, 2},
    {OPEN_DEVICE "server SendCommand(0, Write, buffer 1, size 512)\nclient GetCommand(0, timeout 5000)\n",
     "VDI-CMD-001", VDI_FN_GET_COMMAND, 1},
};

static void a_broken_rule_is_the_one_finding(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char text[2048];
        const struct judgement *judgement = play_lines(broken[i].lines);
        put_findings(judgement, text, sizeof text);
        if (judgement->finding_count != 1 || strcmp(judgement->findings[0].rule->id, broken[i].rule) != 0 ||
            judgement->findings[0].call != BEGIN(broken[i].function, broken[i].nth)->sequence) {
            fail_msg("%s is due, at call %u of %s:\n%s", broken[i].rule, broken[i].nth,
                     vdi_function_names[broken[i].function], text);
        }
    }
}

static void a_statement_ends_as_the_session_did(void **state)
{
    static const struct {
        const char *seed;
        enum operation_outcome outcome;
    } due[] = {{"backup", OUTCOME_SUCCESS},
               {"io-error-and-close", OUTCOME_FAILED},
               {"abort-by-server-initializing", OUTCOME_ABORTED}};
    (void)state;
    for (size_t i = 0; i < sizeof due / sizeof due[0]; i++) {
        const struct judgement *judgement = play_seed(due[i].seed);
        assert_int_equal(judgement->operation_count, 1);
        if (judgement->operations[0].outcome != due[i].outcome) {
            fail_msg("%s: outcome %d", due[i].seed, judgement->operations[0].outcome);
        }
    }
    const struct judgement *judgement = play_seed("restore");
    assert_false(judgement->operations[0].is_backup);
    assert_int_equal(judgement->operations[0].bytes, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_recorded_with_what_they_take_and_give),
        cmocka_unit_test(calls_beside_others_are_recorded_beside_them),
        cmocka_unit_test(a_death_is_recorded_as_somebody_elses_doing),
        cmocka_unit_test(what_nothing_could_end_is_no_short_wait),
        cmocka_unit_test(lives_of_sets_and_objects_have_numbers),
        cmocka_unit_test(one_scenario_has_one_trace),
        cmocka_unit_test(correct_clients_are_silent),
        cmocka_unit_test(a_broken_rule_is_the_one_finding),
        cmocka_unit_test(a_statement_ends_as_the_session_did),
    };
    return cmocka_run_group_tests(tests, NULL, free_checker);
}
