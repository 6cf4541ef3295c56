/* test_ring_stalled.c - a collector that says it is at work and does not move: a writer waits for it once, within reason,
 * and not for every event after; it goes on when the collector does, and when nobody collects any more (runstate.h). */
#include <time.h>

#include "recorded.h"

enum {
    MORE = 50 /* events beyond what a ring holds */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void record_no_text(void)
{
    struct event event = {.kind = EVENT_STATEMENT_BEGIN, .side = EVENT_SIDE_CLIENT};
    event_record(&event, NULL);
}

/* The first that finds no room waits for some 2 s; if each of those behind it did, it would be two minutes. */
static void fill_and_go_on(void)
{
    for (int i = 0; i < EVENT_RING_CAPACITY; i++) {
        record_no_text();
    }
    int64_t start = now_ms();
    for (int i = 0; i < MORE; i++) {
        record_no_text();
    }
    CHECK(now_ms() - start < MORE * 2000 / 2);
}

static void count_one(void *context, const struct event *event, const char *text)
{
    (void)event, (void)text;
    ++*(uint32_t *)context;
}

static void a_collector_that_stands_still_is_waited_for_once(void **state)
{
    (void)state;
    struct run run;
    struct collector *collector = NULL;
    uint32_t taken = 0;
    start(&run);
    atomic_store(&run.state->collected, 1);
    assert_int_equal(in_child(&run, fill_and_go_on), 0);
    assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
    collector_drain(collector, count_one, &taken);
    assert_int_equal(taken, EVENT_RING_CAPACITY); /* the oldest: they were promised to the collector */
    assert_int_equal(collector_dropped(collector), MORE);
    collector_close(collector);
    finish(&run);
}

static void fill_and_one_more(void)
{
    for (int i = 0; i <= EVENT_RING_CAPACITY; i++) {
        record_no_text();
    }
}

/* The collector goes away while a writer waits for it. */
static void a_collector_that_leaves_is_not_waited_for(void **state)
{
    (void)state;
    struct run run;
    struct collector *collector = NULL;
    uint32_t taken = 0;
    int status = -1;
    start(&run);
    atomic_store(&run.state->collected, 1);
    pid_t child = spawn(&run, fill_and_one_more);
    while (atomic_load(&run.state->sequence) <= EVENT_RING_CAPACITY) {
    }
    atomic_store(&run.state->collected, 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
    collector_drain(collector, count_one, &taken);
    assert_int_equal(taken + collector_dropped(collector), EVENT_RING_CAPACITY + 1);
    assert_int_equal(collector_dropped(collector), 1);
    collector_close(collector);
    finish(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_collector_that_stands_still_is_waited_for_once),
        cmocka_unit_test(a_collector_that_leaves_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
