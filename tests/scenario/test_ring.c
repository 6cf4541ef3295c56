/* test_ring.c - events through rings to a collector: text, full rings, dead writers, threads, forks, signals.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "run_folder.h"

struct taken {
    size_t count;
    uint64_t last_sequence;
    uint64_t processes[8];
    size_t process_count;
    uint64_t first_arg;
    uint64_t last_arg;
    bool bad_text;
    size_t texts;
};

static void expected_text(char *text, size_t size, uint64_t number)
{
    size_t length = number % (size - 1);
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)('a' + (number + i) % 26);
    }
    text[length] = '\0';
}

static void take(void *context, const struct event *event, const char *text)
{
    struct taken *taken = context;
    char expected[201];
    taken->first_arg = taken->count == 0 ? (uint64_t)event->arg[0] : taken->first_arg;
    taken->last_arg = (uint64_t)event->arg[0];
    taken->count++;
    taken->last_sequence = event->sequence;
    expected_text(expected, sizeof(expected), (uint64_t)event->arg[0]);
    taken->bad_text = taken->bad_text || strcmp(text, expected) != 0;
    taken->texts += text[0] != '\0';
}

static void record(uint64_t number)
{
    struct event event = {.kind = EVENT_STATEMENT_BEGIN, .side = EVENT_SIDE_CLIENT, .arg = {(int64_t)number}};
    char text[201];
    expected_text(text, sizeof(text), number);
    errno = 4711;
    event_record(&event, text);
    CHECK(errno == 4711);
}

static struct taken drained(struct run *run)
{
    struct taken taken = {0};
    struct collector *collector = NULL;
    assert_int_equal(collector_open(run->folder, run->state, &collector), 0);
    collector_drain(collector, take, &taken);
    collector_close(collector);
    return taken;
}

enum {
    FEW = 500,
    MANY = 20000
};

static void record_few(void)
{
    for (uint64_t i = 0; i < FEW; i++) {
        record(i);
    }
}

static void brings_events_and_text(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_few), 0);
    struct taken taken = drained(&run);
    assert_int_equal(taken.count, FEW);
    assert_int_equal(taken.last_sequence, FEW);
    assert_false(taken.bad_text);
    assert_true(taken.texts > FEW * 9 / 10);
    assert_int_equal(drained(&run).count, 0); /* taken once */
    finish(&run);
}

static void record_many(void)
{
    for (uint64_t i = 0; i < MANY; i++) {
        record(i);
    }
}

/* Nobody collects: the newest events are kept, whole, and the lost ones counted. */
static void overwrites_the_oldest(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_many), 0);
    struct taken taken = {0};
    struct collector *collector = NULL;
    assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
    collector_drain(collector, take, &taken);
    assert_true(taken.count > 0);
    assert_int_equal(taken.last_arg, MANY - 1);
    assert_int_equal(taken.last_arg - taken.first_arg + 1, taken.count);
    assert_false(taken.bad_text);
    assert_int_equal(taken.count + collector_dropped(collector), MANY);
    collector_close(collector);
    finish(&run);
}

/* A collector is at work: a full ring waits, nothing is lost over many turns of the ring. */
static void waits_for_the_collector(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    atomic_store(&run.state->collected, 1);
    pid_t child = spawn(&run, record_many);
    struct taken taken = {0};
    struct collector *collector = NULL;
    assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
    int status = -1;
    while (waitpid(child, &status, WNOHANG) == 0) {
        collector_drain(collector, take, &taken);
    }
    collector_drain(collector, take, &taken);
    assert_int_equal(status, 0);
    assert_int_equal(taken.count, MANY);
    assert_int_equal(collector_dropped(collector), 0);
    assert_false(taken.bad_text);
    collector_close(collector);
    finish(&run);
}

static void record_for_ever(void)
{
    for (uint64_t i = 0;; i++) {
        record(i);
    }
}

static void killed_writer_leaves_readable_ring(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct run run;
        int status = 0;
        start(&run);
        pid_t child = spawn(&run, record_for_ever);
        while (atomic_load(&run.state->sequence) < 3000u * (unsigned)(i + 1)) {
        }
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_int_equal(WTERMSIG(status), SIGKILL);
        struct taken taken = drained(&run);
        assert_true(taken.count > 100);
        assert_int_equal(taken.last_arg - taken.first_arg + 1, taken.count);
        assert_false(taken.bad_text);
        finish(&run);
    }
}

/* ---- threads and forks ---- */

enum {
    THREADS = 300
};

static void *one_event(void *number)
{
    record((uint64_t)(uintptr_t)number);
    return NULL;
}

static void threads_come_and_go(void)
{
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, one_event, (void *)i) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

static void rings_are_reused(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, threads_come_and_go), 0);
    assert_int_equal(atomic_load(&run.state->ring_count), 1);
    struct taken taken = drained(&run);
    assert_int_equal(taken.count, THREADS);
    assert_false(taken.bad_text);
    finish(&run);
}

static void fork_between_events(void)
{
    record(0);
    pid_t child = fork();
    if (child == 0) {
        record(1);
        _exit(0);
    }
    record(2);
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    record(3);
}

static void take_processes(void *context, const struct event *event, const char *text)
{
    struct taken *taken = context;
    (void)text;
    taken->processes[event->arg[0]] = event->process;
    taken->count++;
}

static void child_gets_its_own_ring(void **state)
{
    (void)state;
    struct run run;
    struct taken taken = {0};
    struct collector *collector = NULL;
    start(&run);
    assert_int_equal(in_child(&run, fork_between_events), 0);
    assert_int_equal(atomic_load(&run.state->ring_count), 2);
    assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
    collector_drain(collector, take_processes, &taken);
    collector_close(collector);
    assert_int_equal(taken.count, 4);
    assert_int_equal(taken.processes[0], taken.processes[2]);
    assert_int_equal(taken.processes[0], taken.processes[3]);
    assert_int_not_equal(taken.processes[0], taken.processes[1]);
    finish(&run);
}

static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    record(1);
    errno = saved;
}

/* A handler that records in the middle of a record: both arrive. */
static void record_under_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    ualarm(200, 200);
    for (uint64_t i = 0; i < 2000; i++) {
        record(2);
    }
    ualarm(0, 0);
}

static void signal_handlers_may_record(void **state)
{
    (void)state;
    struct run run;
    struct taken taken = {0};
    struct collector *collector = NULL;
    start(&run);
    atomic_store(&run.state->collected, 1);
    pid_t child = spawn(&run, record_under_signals);
    int status = -1;
    assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
    while (waitpid(child, &status, WNOHANG) == 0) {
        collector_drain(collector, take, &taken);
    }
    collector_drain(collector, take, &taken);
    assert_int_equal(status, 0);
    assert_int_equal(taken.count + collector_dropped(collector), atomic_load(&run.state->sequence));
    assert_false(taken.bad_text);
    collector_close(collector);
    finish(&run);
}

/* ---- rings that the client has scribbled over ---- */

static struct event_ring *map_ring(const struct run *run)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/ring.0", run->folder);
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    struct event_ring *ring = mmap(NULL, sizeof(*ring) + EVENT_RING_CAPACITY * sizeof(struct event),
                                   PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_true(ring != MAP_FAILED);
    close(file);
    return ring;
}

static void record_one(void)
{
    record(0);
}

static const struct event impossible[] = {
    {.kind = 0},
    {.kind = EVENT_TEXT},
    {.kind = EVENT_KIND_COUNT},
    {.kind = 255},
    {.kind = EVENT_CALL_BEGIN, .function = VDI_FN_NONE},
    {.kind = EVENT_CALL_END, .function = VDI_FN_NONE},
    {.kind = EVENT_CALL_BEGIN, .function = VDI_FN_COUNT},
    {.kind = EVENT_CALL_END, .function = 60000},
    {.kind = EVENT_MESSAGE, .function = 60000},
    {.kind = EVENT_STREAM, .device = -2},
    {.kind = EVENT_STREAM, .device = RUN_DEVICES_MAX},
    {.kind = EVENT_STREAM, .operation = -2},
    {.kind = EVENT_STREAM, .operation = RUN_OPERATIONS_MAX},
    {.kind = EVENT_FAULT, .arg = {-1}},
    {.kind = EVENT_FAULT, .arg = {PLAN_FAULTS_MAX}},
    {.kind = EVENT_MESSAGE, .text_records = EVENT_TEXT_MAX / 64 + 1},
    {.kind = EVENT_MESSAGE, .text_records = 9}, /* more than is there */
};

static void take_repeat(void *context, const struct event *event, const char *text)
{
    (void)text;
    *(uint32_t *)context += 1 + event->repeat;
}

static void impossible_events_are_dropped(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_one), 0);
    struct event_ring *ring = map_ring(&run);
    uint32_t count = sizeof(impossible) / sizeof(impossible[0]);
    uint32_t taken = 0;
    struct collector *collector = NULL;
    for (uint32_t i = 0; i < count; i++) {
        ring->events[1 + i] = impossible[i];
    }
    ring->events[1 + count] = (struct event){.kind = EVENT_CALL_BEGIN,
                                             .function = VDI_FN_COUNT - 1,
                                             .device = RUN_DEVICES_MAX - 1,
                                             .operation = RUN_OPERATIONS_MAX - 1,
                                             .repeat = 4711};
    atomic_store(&ring->head, 2 + count);
    assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
    collector_drain(collector, take_repeat, &taken);
    assert_int_equal(taken, 2); /* the first and the last, and no repeats: those are the reader's */
    assert_int_equal(collector_dropped(collector), count);
    collector_close(collector);
    munmap(ring, sizeof(*ring) + EVENT_RING_CAPACITY * sizeof(struct event));
    finish(&run);
}

/* A file that is cut short under the collector is left alone from then on, and counted. */
static void a_ring_cut_short_is_given_up(void **state)
{
    (void)state;
    static const off_t lengths[] = {0, 4096};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct run run;
        struct collector *collector = NULL;
        struct taken taken = {0};
        char path[96];
        start(&run);
        assert_int_equal(in_child(&run, record_few), 0);
        assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
        collector_drain(collector, take, &taken);
        assert_int_equal(taken.count, FEW);
        snprintf(path, sizeof(path), "%s/ring.0", run.folder);
        assert_int_equal(truncate(path, lengths[i]), 0);
        assert_int_equal(collector_dropped(collector), 1);
        collector_drain(collector, take, &taken);
        collector_drain(collector, take, &taken);
        assert_int_equal(collector_dropped(collector), 1);
        assert_int_equal(taken.count, FEW);
        collector_close(collector);
        finish(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brings_events_and_text),
        cmocka_unit_test(overwrites_the_oldest),
        cmocka_unit_test(waits_for_the_collector),
        cmocka_unit_test(killed_writer_leaves_readable_ring),
        cmocka_unit_test(rings_are_reused),
        cmocka_unit_test(child_gets_its_own_ring),
        cmocka_unit_test(signal_handlers_may_record),
        cmocka_unit_test(impossible_events_are_dropped),
        cmocka_unit_test(a_ring_cut_short_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
