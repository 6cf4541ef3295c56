/* A whole session in the simulation (os/sim.h): a client, and a server with its completion agent, in processes of their
 * own. It is the same every time, it ends well under every schedule, and whoever dies at whatever step, the other one
 * ends and nothing is left (spec 9.6, 9.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "segment.h"
#include "server.h"
#include "shared_event.h"
#include "sim.h"

#define MS INT64_C(1000000)

enum {
    COMMANDS = 3,
    TRANSFER = 65536,
    REPLAYS = 1000,
    SEEDS = 200,
    KILL_SEEDS = 3,
};

static const char name[] = "session";

static struct session {
    uint32_t client, server; /* processes */
    struct server_set *set;
    struct VDS_Command commands[COMMANDS];
    _Atomic uint32_t called_back;
    _Atomic uint32_t agent_out;
    int client_result; /* what ended GetCommand, or what came before it */
    int client_close;
    int server_result; /* the first that is no success */
    int agent_result;
    int64_t lasted;
} session;

static int noted(int result)
{
    sim_note((uint32_t)result);
    return result;
}

/* --- the client --- */

static int serve(struct client_set *set)
{
    struct VDConfig config = {.deviceCount = 1};
    struct client_device *device;
    struct VDC_Command *command;
    int result = noted(client_set_create(set, name, &config));
    if (result == 0) {
        result = noted(client_set_get_configuration(set, 60000, &config));
    }
    if (result == 0) {
        result = noted(client_set_open_device(set, name, &device));
    }
    while (result == 0) {
        result = noted(client_device_get_command(device, -1, &command));
        if (result == 0) {
            result = noted(
                client_device_complete_command(device, command, ERROR_SUCCESS, (uint64_t)command->size, 0));
        }
    }
    return result;
}

static void client_main(void *unused)
{
    (void)unused;
    struct client_set *set = client_set_new();
    session.client_result = serve(set);
    session.client_close = noted(client_set_close(set));
    client_set_free(set);
}

/* --- the server --- */

static void on_completion(struct VDS_Command *command)
{
    sim_note(command->completionCode);
    session.called_back++;
    os_wake(&session.called_back);
}

static void agent_main(void *unused)
{
    (void)unused;
    session.agent_result = noted(server_set_execute_completion_agent(session.set));
    session.agent_out = 1;
    os_wake(&session.agent_out);
}

static int open_set(void)
{
    static _Atomic uint32_t never;
    int64_t deadline = os_now() + 5000 * MS;
    int result;
    while ((result = noted(server_set_open(session.set, name))) == VD_E_INVALID && os_now() < deadline) {
        os_wait(&never, 0, os_now() + 10 * MS);
    }
    return result;
}

static int configure(struct server_device **device)
{
    int result = server_set_begin_configuration(session.set, VDF_WriteMedia, 512, 0, TRANSFER, 0);
    if (result == 0) {
        result = server_set_name_device(session.set, 0, name);
    }
    if (result == 0) {
        result = server_set_request_buffers(session.set, TRANSFER, 0, COMMANDS);
    }
    if (result == 0) {
        result = server_set_end_configuration(session.set);
    }
    if (result == 0) {
        result = server_set_open_device(session.set, device);
    }
    return noted(result);
}

/* Refused or not, each command is called back once. */
static int send_all(struct server_device *device)
{
    int result = 0;
    for (int i = 0; i < COMMANDS; i++) {
        struct VDS_Command *command = &session.commands[i];
        server_command_init(command, on_completion, NULL);
        command->commandCode = VDC_Write;
        command->size = TRANSFER;
        int failed = server_set_allocate_buffer(session.set, &command->buffer, TRANSFER, 0);
        if (failed != 0) {
            session.called_back++;
        } else {
            failed = server_device_send_command(device, command);
        }
        result = result != 0 ? result : noted(failed);
    }
    return result;
}

static void wait_for(_Atomic uint32_t *word, uint32_t value)
{
    uint32_t seen;
    while ((seen = *word) < value) {
        os_wait(word, seen, OS_FOREVER);
    }
}

static void server_main(void *unused)
{
    struct server_device *device;
    (void)unused;
    session.set = server_set_new();
    int result = open_set();
    if (result == 0 && (result = configure(&device)) == 0) {
        sim_start(session.server, "agent", agent_main, NULL);
        result = send_all(device);
        wait_for(&session.called_back, COMMANDS);
        int closed = noted(server_device_close(device));
        result = result != 0 ? result : closed;
        wait_for(&session.agent_out, 1);
    }
    session.server_result = result;
    noted(server_set_close(session.set));
}

/* --- the world --- */

static void expect(enum sim_end end)
{
    char text[256];
    if (end != SIM_DONE) {
        for (uint32_t i = 0; i < 2; i++) {
            sim_explain(i, text, sizeof text);
            print_error("%s\n", text);
        }
    }
    assert_int_equal(end, SIM_DONE);
    assert_int_equal(sim_mappings(0) + sim_names(NULL) + sim_watches(), 0);
}

enum victim {
    NOBODY,
    CLIENT,
    SERVER
};

/* Returns whether the victim died. */
static bool run(const struct sim_options *options, enum victim victim, uint32_t steps)
{
    memset(&session, 0, sizeof session);
    sim_begin(options);
    session.client = sim_process("client");
    session.server = sim_process("server");
    sim_start(session.client, "main", client_main, NULL);
    sim_start(session.server, "main", server_main, NULL);
    if (victim != NOBODY) {
        sim_kill_at(victim == CLIENT ? session.client : session.server, steps);
    }
    int64_t start = os_now();
    expect(sim_run(OS_FOREVER));
    session.lasted = os_now() - start;
    bool died =
        !os_process_alive(&(struct os_process){.pid = victim == CLIENT ? session.client : session.server});
    if (victim != SERVER || !died) {
        sim_become(session.server);
        server_set_free(session.set);
    }
    return died;
}

static struct sim_options options_of(enum sim_schedule schedule, uint64_t seed)
{
    return (struct sim_options){
        .schedule = schedule, .seed = seed, .changes = 3, .length = 300, .apart = seed % 2 != 0};
}

static const enum sim_schedule schedules[] = {SIM_IN_ORDER, SIM_ROUND_ROBIN, SIM_RANDOM, SIM_PCT};

enum {
    SCHEDULES = sizeof schedules / sizeof schedules[0]
};

static void test_every_schedule_ends_well(void **unused)
{
    (void)unused;
    for (int i = 0; i < SCHEDULES; i++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct sim_options options = options_of(schedules[i], seed);
            run(&options, NOBODY, 0);
            assert_int_equal(session.client_result, VD_E_CLOSE);
            assert_int_equal(session.client_close, 0);
            assert_int_equal(session.server_result, 0);
            assert_true(session.agent_result == 0 ||
                        session.agent_result == VD_E_PROTOCOL); /* it came late */
            assert_int_equal(session.called_back, COMMANDS);
            assert_true(session.lasted <
                        SEGMENT_PEER_CHECK_NS); /* no wake was lost: nobody looks after its peer */
        }
    }
}

static void test_one_session_has_one_hash(void **unused)
{
    (void)unused;
    for (int i = 0; i < SCHEDULES; i++) {
        struct sim_options options = options_of(schedules[i], 5);
        run(&options, NOBODY, 0);
        uint64_t hash = sim_hash();
        for (int replay = 1; replay < REPLAYS; replay++) {
            run(&options, NOBODY, 0);
            assert_true(sim_hash() == hash);
        }
    }
}

static void kill_at_every_step(enum victim victim)
{
    uint32_t deaths = 0;
    for (int i = 0; i < SCHEDULES; i++) {
        for (uint64_t seed = 0; seed < KILL_SEEDS; seed++) {
            struct sim_options options = options_of(schedules[i], seed);
            for (uint32_t step = 0; run(&options, victim, step); step++) {
                deaths++;
            }
        }
    }
    print_message("%u deaths\n", deaths);
    assert_true(deaths > 1000);
}

static void test_the_client_dies_at_every_step(void **unused)
{
    (void)unused;
    kill_at_every_step(CLIENT);
}

static void test_the_server_dies_at_every_step(void **unused)
{
    (void)unused;
    kill_at_every_step(SERVER);
}

static int group_setup(void **unused)
{
    (void)unused;
    event_set_spinning(false); /* it learns from one world for the next */
    return 0;
}

static int group_teardown(void **unused)
{
    (void)unused;
    sim_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_schedule_ends_well),
        cmocka_unit_test(test_one_session_has_one_hash),
        cmocka_unit_test(test_the_client_dies_at_every_step),
        cmocka_unit_test(test_the_server_dies_at_every_step),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
