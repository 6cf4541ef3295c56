/* When the run's clock may be moved on: samples of waits that threads have told of (docs/time.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "picture.h"

static struct hang_sample look(void)
{
    struct hang_sample sample;
    assert_int_equal(hang_sample_take(&scope, &record, &sample), 0);
    free(sample.text);
    sample.text = NULL;
    return sample;
}

/* The client's thread tells of a wait; call() has its stack pointer at 0x7ffd0. */
static struct run_wait *tell(enum run_wait_kind kind, int64_t deadline)
{
    put("7f00-7f01 r-xp 00000000 00:00 0 /p/lib/libvdifault-sys.so\n5000-6000 rw-p 00000000 00:00 0\n",
        "%d/maps", CLIENT);
    put("voluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t1\n", "%d/task/%d/status", CLIENT, CLIENT);
    struct run_wait *wait = run_wait_claim(&run_waits, CLIENT, CLIENT);
    assert_non_null(wait);
    atomic_store(&wait->kind, kind);
    atomic_store(&wait->deadline, deadline);
    atomic_store(&wait->frame, 0x7ffe0);
    atomic_store(&wait->active, 1);
    put_thread(CLIENT, CLIENT, call(SYS_futex, FUTEX_TIMED));
    return wait;
}

static void a_told_wait_ends_at_its_limit(void **state)
{
    (void)state;
    int64_t deadline = hang_now(&scope) + INT64_C(600000000000);
    struct run_wait *wait = tell(RUN_WAIT_MEMORY, deadline);
    struct hang_sample sample = look();
    assert_true(sample.waits && !sample.stuck && !sample.in_library && sample.deadline == deadline);
    atomic_store(&wait->kind, RUN_WAIT_LIBRARY);
    assert_true(look().waits && look().in_library);
    atomic_store(&wait->deadline, 1); /* its time has come: it is about to go on */
    assert_true(!look().waits && look().runs);
    run_wait_release(wait);
    assert_false(look().waits);
    assert_string_not_equal(look().obstacle, "");
}

/* It left its wait by longjmp and waits elsewhere now. */
static void a_wait_that_was_left_does_not_count(void **state)
{
    static const uint64_t elsewhere[] = {0x7ffc0, 0x7ffd0, 0x7ffd1 + RUN_WAIT_STACK};
    (void)state;
    struct run_wait *wait = tell(RUN_WAIT_TIME, INT64_MAX / 2);
    assert_true(look().waits);
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        atomic_store(&wait->frame, elsewhere[i]);
        assert_false(look().waits);
    }
    run_wait_release(wait);
}

static void what_others_may_bring_is_an_obstacle(void **state)
{
    static const struct {
        const char *target;
        bool waits;
    } rows[] = {{"pipe:[7]", true},
                {"pipe:[88]", true},
                {"socket:[5]", false},
                {"/dev/pts/0", false},
                {"anon_inode:[eventfd]", true},
                {"anon_inode:[timerfd]", false}};
    (void)state;
    struct run_wait *wait = tell(RUN_WAIT_POLL, INT64_MAX / 2);
    atomic_store(&wait->descriptors[0], 4);
    atomic_store(&wait->descriptor_count, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_link(rows[i].target, "%d/fd/4", CLIENT);
        if (look().waits != rows[i].waits) {
            fail_msg("%s", rows[i].target);
        }
    }
    put_link("anon_inode:[eventpoll]", "%d/fd/4", CLIENT);
    put_link("pipe:[7]", "%d/fd/5", CLIENT);
    put("pos:\t0\ntfd:        5 events:       19 data: 5\n", "%d/fdinfo/4", CLIENT);
    assert_true(look().waits);
    put("pos:\t0\ntfd:        5 events:       19 data: 5\ntfd:        6 events: 1\n", "%d/fdinfo/4", CLIENT);
    put_link("socket:[5]", "%d/fd/6", CLIENT);
    assert_false(look().waits);
    atomic_store(&wait->descriptor_count, RUN_WAIT_DESCRIPTORS + 1);
    assert_false(look().waits);
    run_wait_release(wait);
}

static void shared_memory_and_foreign_clocks_are_obstacles(void **state)
{
    (void)state;
    struct run_wait *wait = tell(RUN_WAIT_MEMORY, INT64_MAX / 2);
    put_thread(CLIENT, CLIENT, call(SYS_futex, "0x5500 0x109 0x0 0x7ffe00 0x0 0xffffffff"));
    assert_true(look().waits);
    put("7f00-7f01 r-xp 00000000 00:00 0 /p/lib/libvdifault-sys.so\n5000-6000 rw-s 00000000 00:00 0\n",
        "%d/maps", CLIENT);
    assert_false(look().waits);
    put("5000-6000 rw-p 00000000 00:00 0\n7f00-7f01 r-xp 00000000 00:00 0 /p/lib/libvdifault-sys.so.old\n",
        "%d/maps", CLIENT);
    assert_false(look().waits);
    run_wait_release(wait);
}

/* Its background thread; the mask is what it has on Linux. */
static void threadsanitizers_thread_does_not_count(void **state)
{
    (void)state;
    struct run_wait *wait = tell(RUN_WAIT_TIME, INT64_MAX / 2);
    put("SigPnd:\t0\nSigBlk:\tfffffffe3ffbfeff\n", "%d/task/%d/status", CLIENT, CLIENT + 1);
    put_thread(CLIENT, CLIENT + 1, call(SYS_nanosleep, "0x7f0 0x7f0 0x0 0x0 0x0 0x0"));
    assert_true(look().waits);
    put_thread(CLIENT, CLIENT + 1, call(SYS_nanosleep, "0x7f0 0x7f8 0x0 0x0 0x0 0x0"));
    assert_false(look().waits);
    put_thread(CLIENT, CLIENT + 1, call(SYS_nanosleep, "0x7f0 0x7f0 0x0 0x0 0x0 0x0"));
    put("SigPnd:\t0\nSigBlk:\t0000000000000000\n", "%d/task/%d/status", CLIENT, CLIENT + 1);
    assert_false(look().waits);
    run_wait_release(wait);
}

static void activity_tells_who_has_run(void **state)
{
    (void)state;
    struct run_wait *wait = tell(RUN_WAIT_TIME, INT64_MAX / 2);
    uint64_t before = look().activity;
    assert_true(look().activity == before);
    atomic_fetch_add(&wait->serial, 1); /* another wait, till then */
    assert_true(look().activity != before);
    run_wait_release(wait);
    put_thread(CLIENT, CLIENT, call(SYS_futex, FUTEX_UNTIMED));
    before = look().activity;
    assert_true(look().waits && look().activity == before);
    put("voluntary_ctxt_switches:\t4\nnonvoluntary_ctxt_switches:\t1\n", "%d/task/%d/status", CLIENT, CLIENT);
    assert_true(look().activity != before);
}

/* A server that is at work acts, unless all it does is to let time pass; it may do that while other threads of its sleep. */
static void a_server_that_lets_time_pass_waits(void **state)
{
    (void)state;
    int64_t deadline = hang_now(&scope) + INT64_C(600000000000);
    struct event begin = {.kind = EVENT_STATEMENT_BEGIN, .side = EVENT_SIDE_SERVER, .process = SERVER};
    put("voluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t1\n", "%d/task/%d/status", CLIENT, CLIENT);
    put("7f00-7f01 r-xp 00000000 00:00 0 /p/lib/libvdifault-sys.so\n5000-6000 rw-p 00000000 00:00 0\n",
        "%d/maps", CLIENT);
    put_process(SERVER, CLIENT);
    put_link("/p/sqlcmd", "%d/exe", SERVER);
    put("voluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t1\n", "%d/task/%d/status", SERVER, SERVER);
    put_thread(SERVER, SERVER, call(SYS_futex, FUTEX_TIMED));
    record_take(&record, &begin, "");
    assert_true(!look().waits && look().runs); /* it has not told of the wait */
    struct run_wait *wait = run_wait_claim(&run_waits, SERVER, SERVER);
    assert_non_null(wait);
    atomic_store(&wait->kind, RUN_WAIT_TIME);
    atomic_store(&wait->deadline, deadline);
    atomic_store(&wait->frame, 0x7ffe0);
    atomic_store(&wait->active, 1);
    struct hang_sample sample = look();
    assert_true(sample.waits && !sample.stuck && !sample.runs && sample.deadline == deadline);
    assert_false(hang_somebody_runs(&scope, &record));
    run_waits_leave(&run_waits, SERVER + 1); /* somebody else's affair */
    assert_true(look().waits);
    put_stat(SERVER, 0, CLIENT, 'R', 0);
    assert_true(!look().waits && look().runs);
    put_stat(SERVER, 0, CLIENT, 'S', 0);
    atomic_store(&wait->deadline, 1);
    assert_true(!look().waits && look().runs);
    run_wait_release(wait);
}

/* It looks around for the signal only now and then: till then it seems to wait, for the time or for the client. */
static void a_server_that_is_told_to_end_acts(void **state)
{
    (void)state;
    struct event event = {.kind = EVENT_STATEMENT_BEGIN, .side = EVENT_SIDE_SERVER, .process = SERVER};
    struct run_wait *client = tell(RUN_WAIT_TIME, INT64_MAX / 2);
    put_process(SERVER, CLIENT);
    put_link("/p/sqlcmd", "%d/exe", SERVER);
    put("voluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t1\n", "%d/task/%d/status", SERVER, SERVER);
    put_thread(SERVER, SERVER, call(SYS_futex, FUTEX_TIMED));
    record_take(&record, &event, "");
    event.kind = EVENT_SERVER_WAIT;
    record_take(&record, &event, "");
    assert_true(look().waits);
    run_waits_leave(&run_waits, SERVER);
    assert_true(!look().waits && look().runs && !look().stuck);
    put_stat(SERVER, 0, CLIENT, 'T', 0); /* stopped it does nothing, signal or not */
    assert_true(look().waits);
    run_wait_release(client);
}

/* So that nobody who waits for what comes then is made to wait for longer than --patience. */
static void nobody_is_late_for_what_a_fault_holds_up(void **state)
{
    static const int64_t second = INT64_C(1000000000);
    (void)state;
    int64_t now = hang_now(&scope);
    record.progress_ns = now - 800 * second;
    assert_true(hang_lateness(&scope, &record) == 0);
    record.waits = 1000;
    assert_true(hang_lateness(&scope, &record) >= 100 * second);
    record.held_ns = now + 60 * second;
    assert_in_range(hang_lateness(&scope, &record), 1, 60 * second);
    record.held_ns = now - 8 * second; /* over: what is late is so from there on */
    assert_in_range(hang_lateness(&scope, &record), second, 50 * second);
}

static void server_event(enum event_kind kind)
{
    struct event event = {.kind = (uint8_t)kind, .side = EVENT_SIDE_SERVER, .process = SERVER, .arg = {1}};
    record_take(&record, &event, "");
}

/* Whenever that is true a sample finds somebody running, too. */
static void a_look_at_few_files_finds_who_runs(void **state)
{
    static const char stopped_or_gone[] = "TtZX";
    (void)state;
    assert_false(hang_somebody_runs(&scope, &record));
    put_stat(CLIENT, 0, RUNNER, 'D', 0);
    assert_true(hang_somebody_runs(&scope, &record));
    put_stat(CLIENT, 0, RUNNER, 'S', 0);
    server_event(EVENT_STATEMENT_BEGIN);
    assert_false(hang_somebody_runs(&scope, &record)); /* there is no such process any more */
    put_process(SERVER, CLIENT);
    put_link("/p/other", "%d/exe", SERVER); /* the number is another's by now */
    assert_false(hang_somebody_runs(&scope, &record));
    put_process(SERVER + 1, CLIENT);
    put_link("/p/sqlcmd", "%d/exe", SERVER + 1);
    struct event other = {.kind = EVENT_STATEMENT_BEGIN, .side = EVENT_SIDE_SERVER, .process = SERVER + 1};
    record_take(&record, &other, "");
    assert_true(hang_somebody_runs(&scope, &record) && look().runs);
    for (size_t i = 0; i < sizeof stopped_or_gone - 1; i++) {
        put_stat(SERVER + 1, 0, CLIENT, stopped_or_gone[i], 0);
        assert_false(hang_somebody_runs(&scope, &record));
    }
    put_stat(SERVER + 1, 0, CLIENT, 'S', 0);
    other.kind = EVENT_SERVER_WAIT;
    record_take(&record, &other, "");
    assert_false(hang_somebody_runs(&scope, &record)); /* all it has to do waits for the client */
    other.kind = EVENT_STATEMENT_END;
    record_take(&record, &other, "");
    assert_true(hang_somebody_runs(&scope, &record) && look().runs); /* it is about to end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_told_wait_ends_at_its_limit, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(a_wait_that_was_left_does_not_count, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(what_others_may_bring_is_an_obstacle, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(shared_memory_and_foreign_clocks_are_obstacles, picture_start,
                                        picture_end),
        cmocka_unit_test_setup_teardown(threadsanitizers_thread_does_not_count, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(activity_tells_who_has_run, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(a_server_that_lets_time_pass_waits, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(a_server_that_is_told_to_end_acts, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(nobody_is_late_for_what_a_fault_holds_up, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(a_look_at_few_files_finds_who_runs, picture_start, picture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
