/* test_event_time.c - an event's time is the kernel's clock's, within what it takes to look at it, and does not go
 * back. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "event_time.h"

enum {
    LASTS_NS = 50000000, /* each test: some hundred looks at the kernel's clock */
    WRONG_BY_NS = 20000  /* at most, on a machine that interrupts whatever it can */
};

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool is_right(void)
{
    uint64_t before = clock_ns();
    uint64_t time = event_time_ns();
    uint64_t after = clock_ns();
    return time + WRONG_BY_NS >= before && time <= after + WRONG_BY_NS;
}

static bool is_right_for_a_while(void)
{
    uint64_t end = clock_ns() + LASTS_NS;
    bool right = true;
    while (clock_ns() < end) {
        right = is_right() && right;
    }
    return right;
}

static void test_is_the_kernels(void **state)
{
    (void)state;
    assert_true(is_right_for_a_while());
}

static void test_never_goes_back(void **state)
{
    (void)state;
    uint64_t last = event_time_ns();
    for (uint64_t end = last + LASTS_NS; last < end;) {
        uint64_t now = event_time_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void test_after_a_pause(void **state)
{
    (void)state;
    const struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < 10; i++) {
        nanosleep(&pause, NULL);
        assert_true(is_right());
        assert_true(is_right());
    }
}

static void test_in_a_child(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        _exit(is_right_for_a_while() ? 0 : 1);
    }
    bool right = is_right_for_a_while();
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(right);
}

static _Atomic int handled, wrong;

static void on_alarm(int number)
{
    (void)number;
    atomic_fetch_add(&wrong, is_right() ? 0 : 1);
    atomic_fetch_add(&handled, 1);
}

/* Wherever a handler comes that asks for the time itself. */
static void test_in_a_handler(void **state)
{
    (void)state;
    const struct itimerval often = {.it_interval = {.tv_usec = 53}, .it_value = {.tv_usec = 53}};
    const struct itimerval never = {.it_value = {0}};
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    uint64_t end = clock_ns() + LASTS_NS;
    bool right = true;
    while (clock_ns() < end || atomic_load(&handled) == 0) {
        right = is_right() && right;
    }
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_true(right);
    assert_int_equal(atomic_load(&wrong), 0);
}

/* As the runner's in a process of a run. */
static void test_with_a_rate_of_another(void **state)
{
    (void)state;
    uint64_t rate = event_time_rate();
    event_time_prepare(rate);
    if (rate != 0) {
        assert_true(event_time_rate() == rate);
    }
    assert_true(is_right_for_a_while());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_the_kernels), cmocka_unit_test(test_never_goes_back),
        cmocka_unit_test(test_after_a_pause),  cmocka_unit_test(test_in_a_child),
        cmocka_unit_test(test_in_a_handler),   cmocka_unit_test(test_with_a_rate_of_another),
    };
    event_time_prepare(0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
