/* test_collector.c - the collector and what a client can do to its files: impossible events, files cut short, folders
 * left behind. */
#include <fcntl.h>
#include <signal.h>

#include "recorded.h"

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

/* A file that is cut short under the collector, at a moment of the client's choice, is given up from then on, and
 * what was in it counts as lost. */
static void a_ring_cut_short_is_given_up(void **state)
{
    (void)state;
    static const off_t lengths[] = {0, 100, 4096, 8192};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct run run;
        struct collector *collector = NULL;
        struct taken taken = {0};
        char path[96];
        start(&run);
        assert_int_equal(in_child(&run, record_one), 0);
        assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
        collector_drain(collector, take, &taken);
        assert_int_equal(taken.count, 1);
        struct event_ring *ring = map_ring(&run);
        for (uint64_t at = 1; at < EVENT_RING_CAPACITY; at++) {
            ring->events[at] = (struct event){.kind = EVENT_NOTE, .arg = {0}};
        }
        atomic_store(&ring->head, EVENT_RING_CAPACITY);
        munmap(ring, sizeof(*ring) + EVENT_RING_CAPACITY * sizeof(struct event));
        snprintf(path, sizeof(path), "%s/ring.0", run.folder);
        assert_int_equal(truncate(path, lengths[i]), 0);
        collector_drain(collector, take, &taken);
        uint64_t dropped = collector_dropped(collector);
        assert_true(dropped >= 1);
        assert_true(taken.count <= 64); /* what lies below the cut */
        collector_drain(collector, take, &taken);
        assert_int_equal(collector_dropped(collector), dropped);
        collector_close(collector);
        finish(&run);
    }
}

static void a_state_cut_short_is_survived(void **state)
{
    (void)state;
    struct run run;
    struct collector *collector = NULL;
    struct taken taken = {0};
    char path[96];
    start(&run);
    assert_int_equal(in_child(&run, record_few), 0);
    assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
    snprintf(path, sizeof(path), "%s/state", run.folder);
    assert_int_equal(truncate(path, 0), 0);
    collector_drain(collector, take, &taken);
    assert_int_equal(collector_dropped(collector), 1);
    assert_int_equal(atomic_fetch_add(&run.state->sequence, 1), 0); /* the runner's own events */
    collector_close(collector);
    finish(&run);
}

/* A SIGBUS that is nobody's mapping of ours is still the end of who caused it. */
static void touch_a_foreign_cut(void)
{
    struct run run;
    struct collector *collector = NULL;
    signal(SIGBUS, SIG_DFL);
    alarm(20); /* rather than fault for ever */
    start(&run);
    CHECK(collector_open(run.folder, run.state, &collector) == 0);
    int file = open(run.folder, O_TMPFILE | O_RDWR, 0600);
    CHECK(file >= 0 && ftruncate(file, 4096) == 0);
    _Atomic char *byte = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    CHECK(ftruncate(file, 0) == 0);
    finish(&run);
    (void)atomic_load(byte);
}

static void other_bus_errors_stay_fatal(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    int status = in_child(&run, touch_a_foreign_cut);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    finish(&run);
}

/* ---- a folder that a client without a runner left behind ---- */

static void a_copy_changes_nothing(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_many), 0);
    for (int round = 0; round < 2; round++) {
        struct collector *collector = NULL;
        struct taken taken = {0};
        assert_int_equal(collector_open_copy(run.folder, &collector), 0);
        collector_drain(collector, take, &taken);
        collector_drain(collector, take, &taken);
        assert_int_equal(taken.last_arg, MANY - 1);
        assert_int_equal(taken.count + collector_dropped(collector), MANY);
        assert_false(taken.bad_text);
        collector_close(collector);
    }
    assert_int_equal(drained(&run).last_arg, MANY - 1);
    finish(&run);
}

/* Read while its client is at work, and overwrites what nobody collects: no event comes torn. */
static void a_copy_of_a_live_ring_is_whole(void **state)
{
    (void)state;
    struct run run;
    int status = 0;
    start(&run);
    pid_t child = spawn(&run, record_for_ever);
    while (atomic_load(&run.state->sequence) < 20000) {
    }
    for (int round = 0; round < 50; round++) {
        struct collector *collector = NULL;
        struct taken taken = {0};
        assert_int_equal(collector_open_copy(run.folder, &collector), 0);
        collector_drain(collector, take, &taken);
        assert_false(taken.bad_text);
        assert_true(taken.count == 0 || taken.last_arg - taken.first_arg + 1 == taken.count);
        collector_close(collector);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    finish(&run);
}

static void no_folder_of_a_run_is_told(void **state)
{
    (void)state;
    struct collector *collector = NULL;
    char path[96];
    struct run run;
    assert_int_equal(collector_open_copy("/tmp/vdifault-there-is-none", &collector), ENOENT);
    start(&run);
    snprintf(path, sizeof(path), "%s/state", run.folder);
    atomic_store(&run.state->ring_count, UINT32_MAX);
    assert_int_equal(collector_open_copy(run.folder, &collector), 0);
    collector_drain(collector, take, &(struct taken){0});
    collector_close(collector);
    run.state->version++;
    assert_int_equal(collector_open_copy(run.folder, &collector), EPROTO);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(collector_open_copy(run.folder, &collector), EPROTO);
    finish(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_events_are_dropped), cmocka_unit_test(a_ring_cut_short_is_given_up),
        cmocka_unit_test(a_state_cut_short_is_survived), cmocka_unit_test(other_bus_errors_stay_fatal),
        cmocka_unit_test(a_copy_changes_nothing),        cmocka_unit_test(a_copy_of_a_live_ring_is_whole),
        cmocka_unit_test(no_folder_of_a_run_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
