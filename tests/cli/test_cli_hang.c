/* The hang rule's sample on pictures of /proc: who can act, who cannot (design 4.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "picture.h"

static bool stuck(void)
{
    struct hang_sample sample;
    assert_int_equal(hang_sample_take(&scope, &record, &sample), 0);
    assert_non_null(sample.text);
    free(sample.text);
    return sample.stuck;
}

static uint64_t fingerprint(void)
{
    struct hang_sample sample;
    assert_int_equal(hang_sample_take(&scope, &record, &sample), 0);
    free(sample.text);
    return sample.fingerprint;
}

static void untimed_waits_are_stuck(void **state)
{
    (void)state;
    assert_true(stuck());
    const struct {
        long number;
        const char *arguments;
        bool stuck;
    } rows[] = {
        {SYS_futex, FUTEX_TIMED, false},
        {SYS_futex, "0x5500 0x81 0x1 0x0 0x0 0x0", false}, /* FUTEX_WAKE */
        {SYS_wait4, "0xffffffff 0x0 0x0 0x0 0x0 0x0", true},
        {SYS_waitid, NOTHING, true},
        {SYS_rt_sigsuspend, NOTHING, true},
        {SYS_rt_sigtimedwait, "0x7ffe 0x0 0x0 0x8 0x0 0x0", false}, /* anybody may send a signal */
        {SYS_rt_sigtimedwait, "0x7ffe 0x0 0x7ffd 0x8 0x0 0x0", false},
        {SYS_clock_nanosleep, NOTHING, false},
        {SYS_poll, "0x7ffe 0x1 0xffffffff 0x0 0x0 0x0", false},
        {SYS_write, NOTHING, false},
        {-1, NOTHING, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_thread(CLIENT, CLIENT, call(rows[i].number, rows[i].arguments));
        if (stuck() != rows[i].stuck) {
            fail_msg("system call %ld %s: expected %s", rows[i].number, rows[i].arguments,
                     rows[i].stuck ? "stuck" : "able to act");
        }
    }
    put_thread(CLIENT, CLIENT, "running\n");
    assert_false(stuck());
}

static void pipes_count_only_inside_the_run(void **state)
{
    (void)state;
    put_thread(CLIENT, CLIENT, call(SYS_read, "0x3 0x7ffe 0x1000 0x0 0x0 0x0"));
    assert_false(stuck()); /* no such descriptor */
    put_link("pipe:[5]", "%d/fd/3", CLIENT);
    assert_true(stuck());
    put_process(999, 1);
    put_link("pipe:[5]", "%d/fd/7", 999); /* a stranger may write it */
    assert_false(stuck());
    put_link("pipe:[6]", "%d/fd/7", 999);
    assert_true(stuck());
    put_link("pipe:[5]", "%d/fd/4", RUNNER); /* the client inherited it through the runner */
    assert_false(stuck());
    put_link("pipe:[88]", "%d/fd/3", CLIENT); /* --stdin hold: the runner never writes it */
    put_link("pipe:[88]", "%d/fd/4", RUNNER);
    assert_true(stuck());
    put_link("socket:[5]", "%d/fd/3", CLIENT);
    assert_false(stuck());
    put_link("/dev/pts/1", "%d/fd/3", CLIENT);
    assert_false(stuck());
}

static void futexes_in_shared_memory_can_be_woken_from_outside(void **state)
{
    (void)state;
    put("4000-6000 rw-p 00000000 00:00 0 \n6000-8000 rw-s 00000000 00:19 4 /dev/shm/sem.x\n", "%d/maps",
        CLIENT);
    put_thread(CLIENT, CLIENT, call(SYS_futex, "0x5500 0x109 0x0 0x0 0x0 0xffffffff"));
    assert_true(stuck());
    put_thread(CLIENT, CLIENT, call(SYS_futex, "0x6500 0x109 0x0 0x0 0x0 0xffffffff"));
    assert_false(stuck());
    put_thread(CLIENT, CLIENT, call(SYS_futex, "0x9500 0x109 0x0 0x0 0x0 0xffffffff"));
    assert_false(stuck()); /* no such mapping */
}

static void a_caught_signal_can_end_a_pause(void **state)
{
    (void)state;
    put_thread(CLIENT, CLIENT, call(SYS_rt_sigsuspend, NOTHING));
    assert_true(stuck());
    put("Name:\tx\nSigCgt:\t0000000000004000\n", "%d/status", CLIENT); /* SIGTERM is 15 */
    assert_false(stuck());
}

static void helpers_do_not_count(void **state)
{
    (void)state;
    put_process(250, RUNNER); /* left in the background by --before */
    put_thread(250, 250, call(SYS_clock_nanosleep, NOTHING));
    put("VDIFAULT_HELPER=100-7", "%d/environ", 250);
    assert_true(stuck());
    put("VDIFAULT_HELPER=55-7", "%d/environ", 250); /* not of this run: the client's own */
    assert_false(stuck());
}

static void one_that_can_act_is_enough(void **state)
{
    (void)state;
    put_thread(CLIENT, 201, call(SYS_futex, FUTEX_UNTIMED));
    assert_true(stuck());
    put_thread(CLIENT, 202, call(SYS_clock_nanosleep, NOTHING));
    assert_false(stuck());
    put_stat(CLIENT, 202, 0, 'Z', 0); /* it ended */
    assert_true(stuck());
    put_process(250, CLIENT);
    put_thread(250, 250, call(SYS_poll, NOTHING));
    assert_false(stuck());
}

static void an_orphan_of_the_run_counts(void **state)
{
    (void)state;
    put_process(250, RUNNER); /* its parent died: the runner is the subreaper */
    put_thread(250, 250, call(SYS_clock_nanosleep, NOTHING));
    assert_false(stuck());
}

static void a_stranger_does_not_count(void **state)
{
    (void)state;
    put_process(999, 1);
    put_thread(999, 999, call(SYS_clock_nanosleep, NOTHING));
    assert_true(stuck());
}

static void running_and_stopped_threads_can_act(void **state)
{
    (void)state;
    put_stat(CLIENT, CLIENT, 0, 'R', 3);
    assert_false(stuck());
    put_stat(CLIENT, CLIENT, 0, 'T', 3); /* somebody holds it in a debugger */
    assert_false(stuck());
}

static void alarms_can_act(void **state)
{
    (void)state;
    put("ID: 0\nsignal: 14/0\n", "%d/timers", CLIENT);
    assert_false(stuck());
    put("", "%d/timers", CLIENT);
    assert_true(stuck());
    put("Name:\tx\nSigCgt:\t0000000000002000\n", "%d/status", CLIENT); /* SIGALRM is 14 */
    assert_false(stuck());
}

static void what_cannot_be_seen_can_act(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/%d/task/%d/syscall", root, CLIENT, CLIENT);
    assert_int_equal(unlink(path), 0);
    assert_false(stuck());
}

/* The client is in GetCommand with this limit. */
static void begin_get_command(int64_t timeout)
{
    struct event event = {.sequence = 5,
                          .kind = EVENT_CALL_BEGIN,
                          .side = EVENT_SIDE_CLIENT,
                          .function = VDI_FN_GET_COMMAND,
                          .process = CLIENT,
                          .thread = CLIENT};
    event.arg[0] = timeout;
    record_take(&record, &event, "");
    put_thread(CLIENT, CLIENT, call(SYS_futex, FUTEX_TIMED)); /* the library waits in slices */
}

static void calls_without_limit_are_stuck(void **state)
{
    (void)state;
    begin_get_command(-1);
    assert_true(stuck());
    begin_get_command(5000);
    assert_false(stuck());
}

static void server_event(enum event_kind kind)
{
    struct event event = {.kind = (uint8_t)kind, .side = EVENT_SIDE_SERVER, .process = SERVER, .device = 1};
    event.arg[0] = 1;
    event.arg[1] = 2;
    record_take(&record, &event, "");
}

static void a_server_acts_unless_it_waits_for_the_client(void **state)
{
    (void)state;
    begin_get_command(-1);
    put_process(SERVER, CLIENT);
    put_link("/p/sqlcmd", "%d/exe", SERVER);
    assert_false(stuck()); /* no statement yet: it is starting */
    server_event(EVENT_STATEMENT_BEGIN);
    assert_false(stuck());
    server_event(EVENT_SERVER_WAIT);
    assert_true(stuck());
    put_stat(SERVER, 0, CLIENT, 'R', 0); /* about to act */
    assert_false(stuck());
    put_stat(SERVER, 0, CLIENT, 'S', 0);
    server_event(EVENT_SERVER_RESUME);
    assert_false(stuck());
    server_event(EVENT_SERVER_WAIT);
    server_event(EVENT_STATEMENT_END); /* it is about to print and end */
    assert_false(stuck());
    put_stat(SERVER, 0, CLIENT, 'Z', 0);
    assert_true(stuck());
}

/* server-hang: it will not act any more, nor does sqlcmd, which waits for it, unless it has a time limit. */
static void a_stopped_server_and_its_front_end(void **state)
{
    (void)state;
    enum {
        FRONT_END = 301
    };
    begin_get_command(-1);
    put_process(FRONT_END, CLIENT);
    put_process(SERVER, FRONT_END);
    put_link("/p/sqlcmd", "%d/exe", FRONT_END);
    put_link("/p/sqlcmd", "%d/exe", SERVER);
    put_thread(FRONT_END, FRONT_END, call(SYS_rt_sigtimedwait, "0x7ffd0 0x0 0x0 0x8 0x0 0x0"));
    server_event(EVENT_STATEMENT_BEGIN);
    assert_false(stuck()); /* the server is at work */
    put_stat(SERVER, 0, FRONT_END, 'T', 0);
    assert_true(stuck());
    put_thread(FRONT_END, FRONT_END, call(SYS_rt_sigtimedwait, "0x7ffd0 0x0 0x7ffe0 0x8 0x0 0x0"));
    assert_false(stuck());
    put_thread(FRONT_END, FRONT_END, call(SYS_wait4, NOTHING)); /* about to say something */
    assert_false(stuck());
}

static void the_picture_names_who_waits(void **state)
{
    (void)state;
    struct hang_sample sample;
    begin_get_command(-1);
    put_process(SERVER, CLIENT);
    put_link("/p/sqlcmd", "%d/exe", SERVER);
    server_event(EVENT_STATEMENT_BEGIN);
    server_event(EVENT_SERVER_WAIT);
    assert_int_equal(hang_sample_take(&scope, &record, &sample), 0);
    assert_non_null(strstr(sample.text, "client 200 thread 200 in GetCommand(timeout -1) on device 0"));
    assert_non_null(strstr(sample.text, "sqlcmd 300 waits for the client: 2 commands outstanding"));
    free(sample.text);
}

static void fingerprints_tell_change(void **state)
{
    (void)state;
    uint64_t before = fingerprint();
    assert_true(fingerprint() == before);
    put_stat(CLIENT, CLIENT, 0, 'S', 4); /* it computed in between */
    assert_true(fingerprint() != before);
    put_stat(CLIENT, CLIENT, 0, 'S', 3);
    put_thread(CLIENT, CLIENT, call(SYS_futex, "0x6600 0x189 0x0 0x0 0x0 0xffffffff"));
    assert_true(fingerprint() != before);
}

static void a_client_that_ended_does_not_hang(void **state)
{
    (void)state;
    put_stat(CLIENT, 0, RUNNER, 'Z', 0);
    assert_false(stuck());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(untimed_waits_are_stuck, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(pipes_count_only_inside_the_run, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(futexes_in_shared_memory_can_be_woken_from_outside, picture_start,
                                        picture_end),
        cmocka_unit_test_setup_teardown(a_caught_signal_can_end_a_pause, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(helpers_do_not_count, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(one_that_can_act_is_enough, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(an_orphan_of_the_run_counts, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(a_stranger_does_not_count, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(running_and_stopped_threads_can_act, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(alarms_can_act, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(what_cannot_be_seen_can_act, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(calls_without_limit_are_stuck, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(a_server_acts_unless_it_waits_for_the_client, picture_start,
                                        picture_end),
        cmocka_unit_test_setup_teardown(a_stopped_server_and_its_front_end, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(the_picture_names_who_waits, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(fingerprints_tell_change, picture_start, picture_end),
        cmocka_unit_test_setup_teardown(a_client_that_ended_does_not_hang, picture_start, picture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
