/* test_ring.c - events through rings to a collector: text, full rings, dead writers, threads, forks, signals.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "recorded.h"

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

/* A writer that was killed while it made its ring leaves a part of the file: the folder's next run records none the
 * less. */
static void a_part_of_a_ring_is_made_again(void **state)
{
    (void)state;
    struct run run;
    char path[96];
    for (int size = 0; size <= 4096; size += 4096) {
        start(&run);
        assert_int_equal(in_child(&run, record_few), 0);
        snprintf(path, sizeof(path), "%s/ring.0", run.folder);
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(run_state_renew(run.folder), 0);
        assert_int_equal(in_child(&run, record_few), 0);
        assert_int_equal(drained(&run).count, FEW);
        assert_int_equal(atomic_load(&run.state->lost), 0);
        finish(&run);
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

static long delay_us;

static void record_first_under_a_signal(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    const struct itimerval once = {.it_value = {.tv_usec = delay_us}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &once, NULL);
    record(2);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

/* Nor does a handler that comes while the first record looks for the run: it would wait for itself. */
static void signal_handlers_may_record_first(void **state)
{
    (void)state;
    for (delay_us = 1; delay_us < 400; delay_us += 2) {
        struct run run;
        start(&run);
        assert_int_equal(in_child(&run, record_first_under_a_signal), 0);
        finish(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_of_a_ring_is_made_again),
        cmocka_unit_test(brings_events_and_text),
        cmocka_unit_test(overwrites_the_oldest),
        cmocka_unit_test(waits_for_the_collector),
        cmocka_unit_test(killed_writer_leaves_readable_ring),
        cmocka_unit_test(rings_are_reused),
        cmocka_unit_test(child_gets_its_own_ring),
        cmocka_unit_test(signal_handlers_may_record),
        cmocka_unit_test(signal_handlers_may_record_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
