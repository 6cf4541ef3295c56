/* What happens around the calls of a scenario: deaths and stops at every step, writes into every word, every schedule.
 * Nothing of it is a deviation of the core as it is; and what a wrong core does there is told. For that this program puts
 * itself between the core and what it stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "os.h"
#include "play.h"

/* Four lines bring one in; the world's comes where %s is. */
static const char session[] =
    "devices 2\n"
    "client Create(set)\n"
    "server Open(set)\n"
    "%s"
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"
    "server NameDevice(0, as 0)\n"
    "server NameDevice(1, as 1)\n"
    "server RequestBuffers(size 512, count 2)\n"
    "client GetConfiguration(timeout 1000) ...\n"
    "server EndConfiguration()\n"
    "secondary OpenInSecondary(set)\n"
    "client OpenDevice(0)\n"
    "secondary OpenDevice(1)\n"
    "server OpenDevice()\n"
    "server OpenDevice()\n"
    "server AllocateBuffer(size 512)\n"
    "server.2 ExecuteCompletionAgent() ...\n"
    "client GetCommand(0, timeout forever) ...\n"
    "secondary GetCommand(1, timeout 1000) ...\n"
    "server SendCommand(0, Write, buffer 1, size 512)\n"
    "client CompleteCommand(0, SUCCESS, bytes 512)\n"
    "server SendCommand(1, Flush)\n"
    "secondary CompleteCommand(1, ERROR_DISK_FULL)\n"
    "server CloseDevice(0)\n"
    "server CloseDevice(1)\n"
    "client GetCommand(0)\n"
    "secondary GetCommand(1)\n"
    "another Create(set)\n"
    "secondary Close()\n"
    "server Close()\n"
    "client Close()\n"
    "another Create(set)\n";

static struct play *play;
static struct scenario scenario;
static struct play_outcome outcome;

static void parse(const char *text)
{
    struct fault_error error;
    uint32_t line = 0;
    if (scenario_parse(text, strlen(text), &scenario, NULL, &error, &line) != 0) {
        fail_msg("line %u: %s", line, error.message);
    }
}

static void parse_session(const char *world)
{
    char text[4096];
    snprintf(text, sizeof text, session, world);
    parse(text);
}

/* Nothing deviates, and whatever is left does not disturb the next one. */
static void happens(const char *what)
{
    play_scenario(play, &scenario, &outcome);
    if (outcome.deviation[0] != '\0') {
        fail_msg("%s: %s", what, outcome.deviation);
    }
}

static void test_the_session_as_it_is(void **unused)
{
    (void)unused;
    parse_session("");
    happens("nothing");
    for (uint32_t i = 0; i < scenario.line_count; i++) {
        assert_true(outcome.made[i]);
    }
    assert_int_equal(outcome.results[scenario.line_count - 5], VD_E_PROTOCOL); /* Create: the name is taken */
    assert_int_equal(outcome.results[scenario.line_count - 1], 0);
}

static void test_doings_at_every_step(void **unused)
{
    static const char *const doings[] = {
        "world Kill(client, after %u)\n",
        "world Kill(server, after %u)\n",
        "world Kill(secondary, after %u)\n",
        "world Stop(client, after %u)\n",
        "world Stop(server, after %u)\n",
        "world Switch(client, after %u)\n",
        "world Switch(server.2, after %u)\n",
        "world Set(header.abort_reason, after %u, value 0x2)\n",
        "world Set(header.phase, after %u)\n",
        "world Flip(header.server_event.sequence, after %u, value 0x1)\n",
    };
    enum {
        STEPS = 900 /* more than the session has */
    };
    (void)unused;
    for (size_t i = 0; i < sizeof doings / sizeof doings[0]; i++) {
        for (unsigned steps = 0; steps < STEPS; steps++) {
            char world[96];
            snprintf(world, sizeof world, doings[i], steps);
            parse_session(world);
            happens(world);
        }
    }
}

static void test_writes_into_every_word(void **unused)
{
    static const uint64_t values[] = {0, 1, 2, 17, 0x7fffffff, 0xffffffff, UINT64_MAX};
    enum {
        LAST = 28 /* lines before which it happens */
    };
    (void)unused;
    for (uint32_t word = 0; word < SCENARIO_WORD_COUNT; word++) {
        for (uint32_t at = 2; at < LAST; at += 5) {
            parse_session("");
            memmove(&scenario.lines[at + 1], &scenario.lines[at],
                    (scenario.line_count - at) * sizeof scenario.lines[0]);
            scenario.line_count++;
            scenario.lines[at] = (struct scenario_line){
                .verb = SCENARIO_WORLD_SET, .who = scenario_actor(SCENARIO_WORLD, 0), .arg = {(int32_t)word}};
            for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
                char text[128];
                scenario.lines[at].wide[0] = (int64_t)values[i];
                scenario_print_line(&scenario.lines[at], text, sizeof text);
                happens(text);
            }
        }
    }
}

static void test_storms(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < 500; seed++) {
        char world[64];
        snprintf(world, sizeof world, "world Storm(every %u, count 200, seed 0x%x)\n", 1 + seed % 16, seed);
        parse_session(world);
        happens(world);
    }
}

static void test_schedules(void **unused)
{
    (void)unused;
    parse_session("");
    for (uint32_t schedule = SCENARIO_ROUND_ROBIN; schedule < SCENARIO_SCHEDULE_COUNT; schedule++) {
        for (uint64_t seed = 0; seed < 300; seed++) {
            scenario.schedule = (uint8_t)schedule;
            scenario.seed = seed;
            scenario.changes = 3;
            happens("a schedule");
        }
    }
}

/* --- a core that is wrong --- */

static enum lie {
    NO_LIE,
    LIE_NOBODY_DIES,
    LIE_NAMES_STAY,
    LIE_RESULT,
    LIE_NO_MEMORY,
} lie;

bool __real_os_process_alive(const struct os_process *);
bool __wrap_os_process_alive(const struct os_process *);
int __real_os_memory_unlink(const char *);
int __wrap_os_memory_unlink(const char *);
int __real_client_device_get_command(struct client_device *, int64_t, struct VDC_Command **);
int __wrap_client_device_get_command(struct client_device *, int64_t, struct VDC_Command **);
int __real_client_set_create(struct client_set *, const char *, const struct VDConfig *);
int __wrap_client_set_create(struct client_set *, const char *, const struct VDConfig *);

bool __wrap_os_process_alive(const struct os_process *process)
{
    return lie == LIE_NOBODY_DIES || __real_os_process_alive(process);
}

int __wrap_os_memory_unlink(const char *name)
{
    return lie == LIE_NAMES_STAY ? 0 : __real_os_memory_unlink(name);
}

int __wrap_client_device_get_command(struct client_device *device, int64_t timeout,
                                     struct VDC_Command **command)
{
    int result = __real_client_device_get_command(device, timeout, command);
    return lie == LIE_RESULT ? VD_E_BUSY : result;
}

int __wrap_client_set_create(struct client_set *set, const char *name, const struct VDConfig *config)
{
    return lie == LIE_NO_MEMORY ? VD_E_MEMORY : __real_client_set_create(set, name, config);
}

static void test_each_lie_is_told(void **unused)
{
    static const struct {
        enum lie lie;
        const char *scenario;
        const char *deviation; /* begins so */
    } lies[] = {
        {LIE_NOBODY_DIES,
         "client Create(set)\nserver Open(set)\nclient GetConfiguration(timeout forever) ...\n"
         "world Kill(server)\n",
         "line 3, client GetConfiguration(timeout forever) ...: it still waits although the other side is "
         "dead"},
        {LIE_NOBODY_DIES, "client Create(set)\nserver Open(set)\nworld Kill(server)\nworld Kill(client)\n",
         "the end: a set of the name that a dead process had cannot be created and closed: VD_E_PROTOCOL"},
        {LIE_NOBODY_DIES, "client Create(set)\nworld Kill(client)\nanother Create(set)\n",
         "line 3, another Create(set): it gave VD_E_PROTOCOL; allowed in Does Not Exist is NOERROR"},
        {LIE_NAMES_STAY,
         "devices 1\nclient Create(set)\nserver Open(set)\n"
         "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"
         "server NameDevice(0)\nserver RequestBuffers(size 512, count 1)\nserver EndConfiguration()\n"
         "world Kill(client)\n",
         "1 names of shared memory are left"},
        {LIE_RESULT,
         "client Create(set)\nserver Open(set)\n"
         "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"
         "server NameDevice(0)\nserver EndConfiguration()\nclient GetConfiguration()\nclient OpenDevice(0)\n"
         "world Flip(header.phase)\nclient GetCommand(0)\n",
         "line 9, client GetCommand(0): it gave VD_E_BUSY, which it has in no state"},
        {LIE_NO_MEMORY, "world Advance(1)\nclient Create(set)\n",
         "line 2, client Create(set): it gave VD_E_MEMORY; allowed in Does Not Exist is NOERROR"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        parse(lies[i].scenario);
        happens(lies[i].scenario);
        lie = lies[i].lie;
        play_scenario(play, &scenario, &outcome);
        lie = NO_LIE;
        if (strstr(outcome.deviation, lies[i].deviation) == NULL) {
            fail_msg("\"%s\" is not \"%s\"", outcome.deviation, lies[i].deviation);
        }
    }
}

/* Who is dead or stands still makes no calls; who goes on does. */
static void test_nobody_acts_for_the_dead(void **unused)
{
    (void)unused;
    parse(
        "client Create(set)\nworld Stop(client)\nclient Close()\nworld Stop(client)\nworld Continue(client)\n"
        "world Continue(client)\nclient Close()\nclient Create(set)\nworld Kill(client)\nclient Close()\n"
        "world Kill(client)\nserver Open(set)\n");
    static const bool made[] = {true, true, false, false, true, false, true, true, true, false, false, true};
    happens("stops and deaths");
    assert_memory_equal(outcome.made, made, sizeof made);
    assert_int_equal(outcome.results[11], VD_E_INVALID);
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
        cmocka_unit_test(test_the_session_as_it_is),
        cmocka_unit_test(test_doings_at_every_step),
        cmocka_unit_test(test_writes_into_every_word),
        cmocka_unit_test(test_storms),
        cmocka_unit_test(test_schedules),
        cmocka_unit_test(test_each_lie_is_told),
        cmocka_unit_test(test_nobody_acts_for_the_dead),
    };
    return cmocka_run_group_tests(tests, make_play, free_play);
}
