/* Death at every point (spec 9.6, design 2): a backup and a restore over two devices between the real engine
 * and a small client, each a process, in which one of them stops dead at a kill point (kill_points.h); once for
 * every point there is, on either side. Then: the survivor ends with a documented result, within a bound; a new
 * set of the same name can be made at once and serves; nothing stays in /dev/shm.
 *
 * The core is built with a short peer check (design 2). Whoever does not end is ended by an alarm, and the test
 * fails.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"
#include "kill_points.h"
#include "os.h"
#include "pair.h"
#include "shared_event.h"

enum {
    DEVICES = 2,
    STORE_BYTES = 1 << 20, /* per device */
    DATABASE_BYTES = 150000,
    DEADLINE_S = 30,
    BOUND_MS = 5000, /* for the survivor: two looks at its peer, 100 ms for a name, and a busy machine */
    AGAIN = 3,       /* how often a point that depends on timing is tried */
};

enum side {
    CLIENT,
    SERVER
};

/* How a process ended, as its exit status. */
enum outcome {
    SUCCEEDED,
    ENDED_BY_ABORT, /* client: VD_E_ABORT; server: the statement failed and said so */
    WRONG
};

/* What the client stores; shared by all processes of a test. */
struct store {
    size_t length[DEVICES];
    uint8_t bytes[DEVICES][STORE_BYTES];
};

static struct store *store;
static struct kill_points *points;
static char device_names[DEVICES][80];

/* Ends a child: what is wrong is said where it is seen. */
static void end_child(enum outcome outcome, const char *what, int code)
{
    if (outcome == WRONG) {
        print_error("%s: 0x%x\n", what, (unsigned)code);
    }
    _exit(outcome);
}

/* --- the client: one thread a device --- */

struct device_thread {
    pthread_t thread;
    uint32_t index;
    struct client_device *device;
    int result; /* the last one */
};

static int32_t serve(uint32_t index, const struct VDC_Command *command, size_t *position, uint64_t *bytes)
{
    size_t size = (size_t)command->size;
    if (command->commandCode == VDC_Write) {
        if (size > STORE_BYTES - store->length[index]) {
            return ERROR_DISK_FULL;
        }
        memcpy(store->bytes[index] + store->length[index], command->buffer, size);
        store->length[index] += size;
        *bytes = size;
        return ERROR_SUCCESS;
    }
    if (command->commandCode == VDC_Read) {
        size_t left = store->length[index] - *position;
        *bytes = size < left ? size : left;
        memcpy(command->buffer, store->bytes[index] + *position, *bytes);
        *position += *bytes;
        return size <= left ? ERROR_SUCCESS : ERROR_HANDLE_EOF;
    }
    return command->commandCode == VDC_Flush ? ERROR_SUCCESS : ERROR_NOT_SUPPORTED;
}

static void *device_main(void *argument)
{
    struct device_thread *self = argument;
    struct VDC_Command *command;
    size_t position = 0;
    while ((self->result = client_device_get_command(self->device, -1, &command)) == 0) {
        uint64_t bytes = 0;
        int32_t code = serve(self->index, command, &position, &bytes);
        self->result = client_device_complete_command(self->device, command, code, bytes, 0);
        if (self->result != 0) {
            break;
        }
    }
    return NULL;
}

/* Opens and serves all devices; the first result that is no success. */
static int serve_devices(struct client_set *set)
{
    struct device_thread threads[DEVICES];
    int result = 0;
    uint32_t opened = 0;
    for (; opened < DEVICES && result == 0; opened++) {
        threads[opened] = (struct device_thread){.index = opened};
        result = client_set_open_device(set, device_names[opened], &threads[opened].device);
    }
    if (result != 0) {
        return result;
    }
    for (uint32_t i = 0; i < DEVICES; i++) {
        pthread_create(&threads[i].thread, NULL, device_main, &threads[i]);
    }
    for (uint32_t i = 0; i < DEVICES; i++) {
        pthread_join(threads[i].thread, NULL);
        result = result == 0 && threads[i].result != VD_E_CLOSE ? threads[i].result : result;
    }
    return result;
}

/* Says through `created` that the set can be found. */
static void client_main(int created)
{
    struct VDConfig config = {.deviceCount = DEVICES};
    struct client_set *set = client_set_new();
    int result = client_set_create(set, device_names[0], &config);
    if (result != 0 || write(created, "c", 1) != 1) {
        end_child(WRONG, "Create", result);
    }
    close(created);
    result = client_set_get_configuration(set, -1, &config);
    if (result == 0) {
        result = serve_devices(set);
    }
    if (result != 0 && result != VD_E_ABORT) {
        end_child(WRONG, "the client's last result", result);
    }
    int closed = client_set_close(set);
    if (closed != 0) {
        end_child(WRONG, "Close", closed);
    }
    closed =
        client_set_create(set, device_names[0], &config); /* again, whether or not the server has closed */
    if (closed != 0) {
        end_child(WRONG, "Create after Close", closed);
    }
    client_set_free(set);
    end_child(result == 0 ? SUCCEEDED : ENDED_BY_ABORT, NULL, 0);
}

/* --- the server --- */

struct said {
    bool success; /* 3014 */
    bool failure; /* 3013 */
};

static void note_message(void *context, const struct sql_message *message)
{
    struct said *said = context;
    said->success = said->success || message->number == 3014;
    said->failure = said->failure || message->number == 3013;
}

static void server_main(enum engine_operation operation)
{
    const char *names[DEVICES] = {device_names[0], device_names[1]};
    struct said said = {0};
    struct plan plan;
    struct engine *engine;
    plan_init(&plan);
    plan.size = DATABASE_BYTES;
    struct engine_request request = {
        .operation = operation, .database = "pubs", .device_count = DEVICES, .devices = names};
    struct engine_options options = {.plan = &plan, .report = note_message, .report_context = &said};
    if (engine_new(&request, &options, &engine) != 0) {
        end_child(WRONG, "engine_new", 0);
    }
    enum engine_status status;
    while ((status = engine_step(engine)) == ENGINE_RUNNING) {
        engine_wait(engine, OS_FOREVER);
    }
    engine_free(engine);
    if (status == ENGINE_SUCCEEDED ? !said.success || said.failure : said.success || !said.failure) {
        end_child(WRONG, "the engine's messages do not fit its status", status);
    }
    end_child(status == ENGINE_SUCCEEDED ? SUCCEEDED : ENDED_BY_ABORT, NULL, 0);
}

/* --- one run --- */

struct scenario {
    enum engine_operation operation;
    enum side victim;
    struct kill_point point; /* visit 0: nobody dies */
    int64_t slowest_ns;      /* from the victim's death to the survivor's end */
};

static pid_t start(const struct scenario *scenario, enum side side, bool armed, int created)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child != 0) {
        return child;
    }
    alarm(DEADLINE_S);
    event_set_spinning(false); /* who sleeps can be forgotten */
    if (armed && side == scenario->victim) {
        kill_points_arm(points, scenario->point);
    }
    if (side == CLIENT) {
        client_main(created);
    } else {
        server_main(scenario->operation);
    }
    _exit(WRONG);
}

/* The outcome of a child, or -1 if it was killed at its point. */
static int outcome_of(pid_t child, struct kill_point point)
{
    int status;
    char text[64];
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        return -1;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) >= WRONG) {
        fail_msg("%s: wait status 0x%x (14: did not end within %d s)", kill_point_text(point, text),
                 (unsigned)status, DEADLINE_S);
    }
    return WEXITSTATUS(status);
}

static void expect_successor(void)
{
    struct pair pair;
    pair_start(&pair, DEVICES);
    pair_close_devices(&pair);
    assert_int_equal(client_set_close(pair.client), 0);
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

/* A dead client's name is free at once, whether or not its server has noticed. */
static void expect_free_name(void)
{
    struct VDConfig config = {.deviceCount = DEVICES};
    struct client_set *set = client_set_new();
    assert_int_equal(client_set_create(set, device_names[0], &config), 0);
    assert_int_equal(client_set_close(set), 0);
    client_set_free(set);
}

/* True if the victim died at the point. */
static bool run(struct scenario *scenario)
{
    int created[2];
    char byte;
    assert_int_equal(pipe(created), 0);
    memset(store->length, 0, scenario->operation == ENGINE_BACKUP ? sizeof store->length : 0);
    pid_t client = start(scenario, CLIENT, true, created[1]);
    close(created[1]);
    bool exists = read(created[0], &byte, 1) == 1; /* else it died in Create */
    close(created[0]);
    pid_t server = start(scenario, SERVER, true, -1);

    bool client_dies = scenario->victim == CLIENT;
    int victim = outcome_of(client_dies ? client : server, scenario->point);
    int64_t died = os_now();
    if (victim < 0 && client_dies) {
        expect_free_name();
    } else if (victim < 0) {
        /* The next server takes the set, if the dead one had not; else the client must not wait for it. */
        outcome_of(start(scenario, SERVER, false, -1), scenario->point);
    }
    int survivor = outcome_of(client_dies ? server : client, scenario->point);
    int64_t took = os_now() - died;
    scenario->slowest_ns = took > scenario->slowest_ns ? took : scenario->slowest_ns;
    assert_true(exists || survivor == ENDED_BY_ABORT);
    if (scenario->point.visit == 0) {
        assert_int_equal(victim, SUCCEEDED);
        assert_int_equal(survivor, SUCCEEDED);
    }
    expect_successor();
    return victim < 0;
}

/* --- all of them --- */

static void enumerate(enum engine_operation operation, enum side victim)
{
    struct scenario scenario = {.operation = operation, .victim = victim};
    uint32_t missed = 0;
    char text[64];
    memset(points, 0, sizeof *points);
    assert_false(run(&scenario));
    scenario.slowest_ns = 0;
    while (kill_points_next(points, &scenario.point)) {
        bool died = false;
        for (int i = 0; i < AGAIN && !died; i++) {
            died = run(&scenario);
        }
        if (!died && !kill_point_is_a_race(scenario.point)) {
            fail_msg("never came again: %s", kill_point_text(scenario.point, text));
        }
        missed += !died;
    }
    uint32_t count = kill_points_count(points);
    print_message(
        "%s, the %s dies: %u points; %u more depend on timing and did not come again; the other ended "
        "within %lld ms\n",
        operation == ENGINE_BACKUP ? "BACKUP" : "RESTORE", victim == CLIENT ? "client" : "server",
        count - missed, missed, (long long)(scenario.slowest_ns / 1000000));
    assert_true(count > missed + 100);
    assert_in_range(scenario.slowest_ns / 1000000, 0, BOUND_MS);
}

/* --- leftovers: the next Create dies while it removes them, too --- */

static void leave_a_set(void)
{
    struct VDConfig config = {.deviceCount = DEVICES};
    struct pair pair = {.device_count = DEVICES};
    snprintf(pair.name, sizeof pair.name, "%s", device_names[0]);
    client_set_create(client_set_new(), pair.name, &config);
    pair_open(&pair);
    pair_configure(&pair, 4);
    raise(SIGKILL);
}

static void create_once(struct kill_point point)
{
    struct VDConfig config = {.deviceCount = DEVICES};
    kill_points_arm(points, point);
    int result = client_set_create(client_set_new(), device_names[0], &config);
    end_child(result == 0 ? SUCCEEDED : WRONG, "Create over a leftover", result);
}

static bool run_creator(struct kill_point point)
{
    pid_t child = fork();
    if (child == 0) {
        leave_a_set();
    }
    assert_int_equal(outcome_of(child, point), -1);
    assert_int_equal(pair_objects_left(), 2);
    child = fork();
    if (child == 0) {
        create_once(point);
    }
    int outcome = outcome_of(child, point);
    expect_successor();
    return outcome < 0;
}

static void test_creator(void **unused)
{
    (void)unused;
    struct kill_point point = {0};
    memset(points, 0, sizeof *points);
    assert_false(run_creator(point));
    while (kill_points_next(points, &point)) {
        assert_true(run_creator(point));
    }
    print_message("Create over a leftover, the creator dies: %u points\n", kill_points_count(points));
    assert_true(kill_points_count(points) > 10);
}

static int setup(void **unused)
{
    struct pair pair;
    (void)unused;
    store = mmap(NULL, sizeof *store, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    points = mmap(NULL, sizeof *points, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (store == MAP_FAILED || points == MAP_FAILED) {
        return -1;
    }
    unsetenv("VDIFAULT_TRACE");
    pair_create(&pair, DEVICES); /* for the namespace and the names, which its successors use, too */
    for (uint32_t i = 0; i < DEVICES; i++) {
        pair_device_name(&pair, i, device_names[i]);
    }
    pair_free(&pair);
    return 0;
}

static void test_backup_client(void **unused)
{
    (void)unused;
    enumerate(ENGINE_BACKUP, CLIENT);
}

static void test_backup_server(void **unused)
{
    (void)unused;
    enumerate(ENGINE_BACKUP, SERVER);
}

/* What there is to restore. */
static int make_backup(void **unused)
{
    (void)unused;
    struct scenario backup = {.operation = ENGINE_BACKUP};
    return run(&backup) ? -1 : 0;
}

static void test_restore_client(void **unused)
{
    (void)unused;
    enumerate(ENGINE_RESTORE, CLIENT);
}

static void test_restore_server(void **unused)
{
    (void)unused;
    enumerate(ENGINE_RESTORE, SERVER);
}

/* Backup and restore run beside each other, each in a process and a namespace of its own. */
int main(void)
{
    const struct CMUnitTest backup[] = {
        cmocka_unit_test(test_backup_client),
        cmocka_unit_test(test_backup_server),
        cmocka_unit_test(test_creator),
    };
    const struct CMUnitTest restore[] = {
        cmocka_unit_test_setup(test_restore_client, make_backup),
        cmocka_unit_test_setup(test_restore_server, make_backup),
    };
    int status = -1;
    pid_t other = fork();
    if (other == 0) {
        return cmocka_run_group_tests_name("restore", restore, setup, NULL);
    }
    int failed = cmocka_run_group_tests_name("backup", backup, setup, NULL);
    bool ended = other > 0 && waitpid(other, &status, 0) == other;
    return failed != 0 || !ended || status != 0;
}
