/* The engine in one process, a client on the core's client side in another: real shared memory, real waiting.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "database.h"
#include "fault_agent.h"
#include "os.h"
#include "request.h"
#include "runstate.h"
#include "statement.h"

enum {
    DEVICES_MAX = 64,
    BUFFERS_MAX = 16, /* that are told apart */
    STORE_SIZE = 64 << 20
};

/* What the client stores, shared between all processes of a test. */
struct store {
    _Atomic uint32_t flushes;
    size_t length[DEVICES_MAX];
    uint32_t clear_errors;
    uint32_t buffer_count;
    const uint8_t *buffers[BUFFERS_MAX];
    uint8_t bytes[STORE_SIZE]; /* in equal shares for the devices of the set */
};

enum behaviour {
    WELL,
    ABORT_AT_THIRD,
    DIE_AT_THIRD,
    CLOSE_EARLY,
    FAIL_AT_THIRD, /* completes it with an error, and everything after it well */
};

static struct store *store;
static struct statement statement;
static char set_name[32];
static uint32_t device_count;

static int setup(void **state)
{
    (void)state;
    unsetenv("VDIFAULT_TRACE");
    store = mmap(NULL, sizeof *store, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(set_name, sizeof set_name, "engine-%d", (int)getpid());
    return store == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return munmap(store, sizeof *store);
}

static void name_of(uint32_t device, char *name, size_t size)
{
    snprintf(name, size, device == 0 ? "%s" : "%s-%u", set_name, device);
}

/* --- the client; it ends with the last result of its device loop --- */

static uint8_t *bytes_of(uint32_t device)
{
    return store->bytes + (size_t)device * (STORE_SIZE / device_count);
}

static void note_buffer(const uint8_t *buffer)
{
    for (uint32_t i = 0; i < store->buffer_count; i++) {
        if (store->buffers[i] == buffer) {
            return;
        }
    }
    if (store->buffer_count < BUFFERS_MAX) {
        store->buffers[store->buffer_count++] = buffer;
    }
}

static void serve(uint32_t device, struct VDC_Command *command, size_t *position, int32_t *code,
                  uint64_t *bytes)
{
    size_t size = (size_t)command->size;
    if (command->commandCode == VDC_Write) {
        note_buffer(command->buffer);
        memcpy(bytes_of(device) + store->length[device], command->buffer, size);
        store->length[device] += size;
        *bytes = size;
    } else if (command->commandCode == VDC_Read) {
        size_t left = store->length[device] - *position;
        *bytes = size < left ? size : left;
        *code = size <= left ? ERROR_SUCCESS : ERROR_HANDLE_EOF;
        memcpy(command->buffer, bytes_of(device) + *position, *bytes);
        *position += *bytes;
    } else if (command->commandCode == VDC_ClearError) {
        store->clear_errors++;
    } else if (command->commandCode == VDC_Flush) {
        store->flushes++;
    } else {
        *code = ERROR_NOT_SUPPORTED;
    }
}

static int misbehave(enum behaviour behaviour, struct client_set *set)
{
    switch (behaviour) {
    case ABORT_AT_THIRD:
        return client_set_signal_abort(set);
    case CLOSE_EARLY:
        return client_set_close(set);
    case DIE_AT_THIRD:
        raise(SIGKILL);
        return 0;
    default:
        return 0;
    }
}

/* One thread serves all devices in turn, as fast as they have commands. */
static int serve_all(struct client_set *set, struct client_device **devices, uint32_t count,
                     enum behaviour behaviour)
{
    size_t position[DEVICES_MAX] = {0};
    bool closed[DEVICES_MAX] = {false};
    uint32_t left = count, fetched = 0;
    while (left > 0) {
        for (uint32_t i = 0; i < count; i++) {
            struct VDC_Command *command;
            int result = closed[i] ? VD_E_TIMEOUT
                                   : client_device_get_command(devices[i], count == 1 ? -1 : 1, &command);
            if (result == VD_E_CLOSE) {
                closed[i] = true;
                left--;
            } else if (result == 0) {
                int32_t code = ERROR_SUCCESS;
                uint64_t bytes = 0;
                if (++fetched == 3 && behaviour == FAIL_AT_THIRD) {
                    code = ERROR_DISK_FULL;
                } else if (fetched == 3 && behaviour != WELL) {
                    return misbehave(behaviour, set);
                } else {
                    serve(i, command, &position[i], &code, &bytes);
                }
                result = client_device_complete_command(devices[i], command, code, bytes, 0);
            }
            if (result != 0 && result != VD_E_CLOSE && result != VD_E_TIMEOUT) {
                return result;
            }
        }
    }
    return 0;
}

static int run_client(uint32_t count, enum behaviour behaviour)
{
    struct VDConfig config = {.deviceCount = count};
    struct client_device *devices[DEVICES_MAX];
    struct client_set *set = client_set_new();
    int result = client_set_create(set, set_name, &config);
    if (result == 0) {
        result = client_set_get_configuration(set, 30000, &config);
    }
    for (uint32_t i = 0; result == 0 && i < count; i++) {
        char name[64];
        name_of(i, name, sizeof name);
        result = client_set_open_device(set, name, &devices[i]);
    }
    if (result == 0) {
        result = serve_all(set, devices, count, behaviour);
    }
    client_set_close(set);
    client_set_free(set);
    return result;
}

/* The client runs in a process of its own; its exit status: 0 all well, 1 aborted, 2 anything else. */
static pid_t start_client(uint32_t count, enum behaviour behaviour)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int result = run_client(count, behaviour);
        _exit(result == 0 ? 0 : result == VD_E_ABORT ? 1 : 2);
    }
    return child;
}

static int exit_of(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* --- the server --- */

static void prepare(enum engine_operation operation, uint32_t devices)
{
    statement_init(&statement, operation, devices);
    statement.plan.size = 5000001;
    statement.patience_ms = 30000;
    device_count = devices;
    for (uint32_t i = 0; i < devices; i++) {
        name_of(i, statement.device_names[i], sizeof statement.device_names[i]);
    }
}

static void backup_and_restore(uint32_t devices)
{
    memset(store->length, 0, sizeof store->length);
    prepare(ENGINE_BACKUP, devices);
    pid_t client = start_client(devices, WELL);
    assert_int_equal(statement_run(&statement), ENGINE_SUCCEEDED);
    assert_int_equal(exit_of(client), 0);

    prepare(ENGINE_RESTORE, devices);
    client = start_client(devices, WELL);
    assert_int_equal(statement_run(&statement), ENGINE_SUCCEEDED);
    EXPECT(&statement, 4035, 3014);
    assert_int_equal(exit_of(client), 0);

    bytes_of(devices - 1)[700] ^= 1;
    client = start_client(devices, WELL);
    assert_int_equal(statement_run(&statement), ENGINE_FAILED);
    assert_int_equal(exit_of(client),
                     0); /* the stream was delivered; the statement knows better (VDI-TERM-001) */
}

static void a_database_goes_out_and_comes_back(void **state)
{
    (void)state;
    backup_and_restore(1);
    backup_and_restore(2);
    backup_and_restore(8);
    backup_and_restore(64);
}

static void large_transfers_work_too(void **state)
{
    (void)state;
    for (uint32_t size = 1 << 20; size <= 4 << 20; size *= 4) {
        memset(store->length, 0, sizeof store->length);
        prepare(ENGINE_BACKUP, 2);
        statement.plan.size = 20000001;
        statement.request.max_transfer_size = size;
        statement.request.block_size = 65536;
        pid_t client = start_client(2, WELL);
        assert_int_equal(statement_run(&statement), ENGINE_SUCCEEDED);
        assert_int_equal(exit_of(client), 0);
    }
}

static void a_second_buffer_area_is_used(void **state)
{
    (void)state;
    memset(store->length, 0, sizeof store->length);
    store->buffer_count = 0;
    prepare(ENGINE_BACKUP, 1);
    statement.plan.late_buffers = PLAN_YES; /* two of five come first */
    pid_t client = start_client(1, WELL);
    assert_int_equal(statement_run(&statement), ENGINE_SUCCEEDED);
    assert_int_equal(exit_of(client), 0);
    assert_int_equal(store->buffer_count, 5);
}

static void fail_with(enum behaviour behaviour, int exit)
{
    prepare(ENGINE_BACKUP, 2);
    pid_t client = start_client(2, behaviour);
    assert_int_equal(statement_run(&statement), ENGINE_FAILED);
    EXPECT(&statement, 18210, 3013);
    assert_int_equal(exit_of(client), exit);
}

static void whatever_the_client_does_the_statement_ends(void **state)
{
    (void)state;
    fail_with(ABORT_AT_THIRD, 0);
    fail_with(DIE_AT_THIRD, -SIGKILL);
    fail_with(CLOSE_EARLY, 2);
}

static void a_device_in_error_is_cleared_and_closed(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        prepare(ENGINE_BACKUP, 2);
        statement.plan.clear_error = i == 0 ? PLAN_YES : PLAN_NO;
        store->clear_errors = 0;
        memset(store->length, 0, sizeof store->length);
        pid_t client = start_client(2, FAIL_AT_THIRD);
        assert_int_equal(statement_run(&statement), ENGINE_FAILED);
        EXPECT(&statement, 18210, 3202, 3013);
        assert_non_null(strstr(statement_text(&statement, 3202), "failed: 112("));
        assert_int_equal(exit_of(client), 0); /* VD_E_CLOSE on each device */
        assert_int_equal(store->clear_errors, i == 0 ? 1 : 0);
    }
}

static void a_cancelled_statement_aborts_the_client(void **state)
{
    (void)state;
    prepare(ENGINE_BACKUP, 2);
    statement.plan.size = 16ull << 30; /* cancelled long before */
    pid_t client = start_client(2, WELL);
    statement_begin(&statement);
    while (store->length[0] == 0) {
        assert_int_equal(engine_step(statement.engine), ENGINE_RUNNING);
        engine_wait(statement.engine, OS_FOREVER);
    }
    engine_cancel(statement.engine);
    assert_int_equal(statement_finish(&statement), ENGINE_FAILED);
    EXPECT(&statement, 3204, 3013);
    assert_int_equal(exit_of(client), 1);
}

/* --- asked for by the client's side, done by the agent, and the asker let go --- */

/* What the interposer does, without a run. False: nobody answers. */
static bool ask(struct run_fault *fault)
{
    int64_t deadline = os_now() + 30 * 1000000000ll;
    atomic_store(&fault->request, RUN_REQUEST_ASKED);
    run_ring();
    for (uint32_t now; (now = atomic_load(&fault->request)) != RUN_REQUEST_DONE;) {
        if (os_wait(&fault->request, now, deadline) != 0) {
            return false;
        }
    }
    return true;
}

static void ask_in_mid_transfer(const char *fault)
{
    char line[FAULT_TEXT_MAX];
    struct fault_error error;
    struct run_state *run = run_state_attach();
    prepare(ENGINE_BACKUP, 1);
    memset(run->faults, 0, sizeof run->faults);
    memset(store->length, 0, sizeof store->length);
    snprintf(line, sizeof line, "fault %s@Write#3:0", fault);
    assert_int_equal(plan_parse_line(line, &statement.plan, &error), 0);
    if (run_find_operation(set_name) < 0) {
        assert_int_equal(run_claim_operation(set_name, 1), 0);
    }
    pid_t client = start_client(1, WELL);
    statement_begin(&statement);
    while (store->length[0] == 0) {
        assert_int_equal(engine_step(statement.engine), ENGINE_RUNNING);
        engine_wait(statement.engine, OS_FOREVER);
    }
    assert_true(ask(&run->faults[0]));
    assert_int_equal(statement_finish(&statement), ENGINE_FAILED);
    assert_int_equal(exit_of(client), 1);
}

static void the_agent_ends_a_statement_on_request(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        int32_t number, last; /* of the first message and the last one */
        enum engine_leaving leaving;
    } table[] = {
        {"abort", 3204, 3013, ENGINE_STAYS},
        {"statement-fails", 9002, 3013, ENGINE_STAYS},
        {"statement-fails(number=701)", 701, 3013, ENGINE_STAYS},
        {"statement-fails(number=845)", 845, 3013, ENGINE_STAYS},
        {"kill-session", 596, 0, ENGINE_LOST},
        {"attention", 3204, 3013, ENGINE_CANCELLED},
        {"shutdown", 6005, 6005, ENGINE_LOST},
        {"failover", 983, 3013, ENGINE_STAYS},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ask_in_mid_transfer(table[i].fault);
        assert_true(statement.count > 0);
        assert_int_equal(statement.messages[0].number, table[i].number);
        assert_int_equal(statement.messages[statement.count - 1].number, table[i].last);
        assert_int_equal(statement.leaving, table[i].leaving);
    }
}

/* The client's side asks as late as it can: when there is nothing but VD_E_CLOSE to come. */
static void *ask_at_the_end(void *fault)
{
    static bool done;
    int64_t deadline = os_now() + 30 * 1000000000ll;
    _Atomic uint32_t nobody = 0;
    while (store->flushes == 0 && os_now() < deadline) {
        os_wait(&nobody, 0, os_now() + 1000000);
    }
    os_wait(&nobody, 0, os_now() + 50 * 1000000); /* while others would have closed the devices long ago */
    done = run_fault_arrive(0, fault, ((struct fault *)fault)->site.operation, 0) &&
           ask(&run_state_attach()->faults[0]);
    return &done;
}

static void the_agent_awaits_the_last_call(void **state)
{
    (void)state;
    struct fault_error error;
    pthread_t asker;
    void *done;
    char line[64];
    prepare(ENGINE_BACKUP, 1);
    store->flushes = 0;
    snprintf(line, sizeof line, "fault abort@GetCommand#1:0/%d", run_claim_operation(set_name, 1));
    assert_int_equal(plan_parse_line(line, &statement.plan, &error), 0);
    memset(&run_state_attach()->faults[0], 0, sizeof run_state_attach()->faults[0]);
    pid_t client = start_client(1, WELL);
    assert_int_equal(pthread_create(&asker, NULL, ask_at_the_end, &statement.plan.faults[0]), 0);
    assert_int_equal(statement_run(&statement), ENGINE_FAILED);
    assert_int_equal(pthread_join(asker, &done), 0);
    assert_true(*(bool *)done);
    EXPECT(&statement, 3204, 3013);
    assert_int_equal(exit_of(client), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_database_goes_out_and_comes_back),
        TEST(large_transfers_work_too),
        TEST(a_second_buffer_area_is_used),
        TEST(whatever_the_client_does_the_statement_ends),
        TEST(a_device_in_error_is_cleared_and_closed),
        TEST(a_cancelled_statement_aborts_the_client),
        TEST(the_agent_ends_a_statement_on_request),
        TEST(the_agent_awaits_the_last_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
