/* test_time.c - clocks and timed waits of a client while somebody moves the run's clock on.
 *
 * Who moves it here is not the runner: whenever a thread has told of a wait with a time limit, the clock goes there.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#include "harness.h"
#include "time_words.h"
#include "waits.h"

#define NS_PER_S INT64_C(1000000000)

static const char *const waits[] = {"nanosleep",
                                    "clock_nanosleep",
                                    "clock_nanosleep_until",
                                    "usleep",
                                    "sleep",
                                    "thrd_sleep",
                                    "sigtimedwait",
                                    "poll_nothing",
                                    "poll",
                                    "poll_interrupted",
                                    "poll_chk",
                                    "ppoll",
                                    "ppoll_chk",
                                    "select",
                                    "small_select",
                                    "pselect",
                                    "epoll_wait",
                                    "epoll_pwait",
                                    "epoll_pwait2",
                                    "condition",
                                    "monotonic_condition",
                                    "condition_clock",
                                    "c11_condition",
                                    "c11_mutex",
                                    "mutex",
                                    "mutex_clock",
                                    "rwlock_read",
                                    "rwlock_write_clock",
                                    "semaphore",
                                    "semaphore_clock",
                                    "semaphore_interrupted",
                                    "join",
                                    "join_clock"};

struct mover {
    struct run_state *state;
    struct run_waits *waits;
    bool always; /* on and on, whoever waits */
    _Atomic bool over;
};

static int64_t run_now(const struct run_state *state)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec + atomic_load(&state->clock_ahead);
}

static void move_to_first(struct mover *mover)
{
    for (size_t i = 0; i < RUN_WAITS_MAX; i++) {
        const struct run_wait *wait = &mover->waits->slots[i];
        int64_t ahead = atomic_load(&wait->deadline) - run_now(mover->state);
        if (atomic_load(&wait->active) != 0 && ahead > 0) {
            atomic_fetch_add(&mover->state->clock_ahead, ahead);
            return;
        }
    }
}

static void *move_clock(void *context)
{
    struct mover *mover = context;
    const struct timespec pause = {.tv_nsec = 100000};
    while (!atomic_load(&mover->over)) {
        if (mover->always) {
            atomic_fetch_add(&mover->state->clock_ahead, NS_PER_S);
        } else {
            move_to_first(mover);
            nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

enum moving {
    MOVING_NOT,
    MOVING_FIRST,
    MOVING_ALWAYS
};

/* Exit status of the client in a run with these clocks. */
static int run(const char *client, const char *verbs, enum run_clock clock, int64_t ahead, enum moving moving)
{
    struct harness harness;
    pthread_t thread;
    harness_start(&harness, NULL);
    struct mover mover = {.state = harness.state, .always = moving == MOVING_ALWAYS};
    mover.waits = run_waits_map(harness.folder, true);
    assert_non_null(mover.waits);
    atomic_store(&harness.state->clock, clock);
    atomic_store(&harness.state->clock_ahead, ahead);
    if (moving != MOVING_NOT) {
        assert_int_equal(pthread_create(&thread, NULL, move_clock, &mover), 0);
    }
    harness_client(&harness, client, verbs);
    atomic_store(&mover.over, true);
    if (moving != MOVING_NOT) {
        pthread_join(thread, NULL);
    }
    for (size_t i = 0; i < RUN_WAITS_MAX; i++) {
        assert_int_equal(atomic_load(&mover.waits->slots[i].owner), 0); /* nobody has forgotten a slot */
    }
    munmap(mover.waits, sizeof *mover.waits);
    int status = harness.exit_status;
    harness_end(&harness);
    return status;
}

static void check_waits(const char *client)
{
    char verbs[64];
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        snprintf(verbs, sizeof verbs, "late %s", waits[i]);
        if (run(client, verbs, RUN_CLOCK_VIRTUAL, AHEAD_S * NS_PER_S, MOVING_FIRST) != 0) {
            fail_msg("%s %s", client, verbs);
        }
        snprintf(verbs, sizeof verbs, "early %s", waits[i]);
        if (run(client, verbs, RUN_CLOCK_VIRTUAL, AHEAD_S * NS_PER_S, MOVING_NOT) != 0) {
            fail_msg("%s %s", client, verbs);
        }
        /* The clock is ahead, and moves no more: --verify after the client. */
        if (run(client, verbs, RUN_CLOCK_REAL, AHEAD_S * NS_PER_S, MOVING_NOT) != 0) {
            fail_msg("%s %s, with a clock that stands", client, verbs);
        }
    }
}

static void each_wait_ends_when_the_clock_gets_there(void **state)
{
    (void)state;
    check_waits(TIME_CLIENT);
}

/* The sanitizers' own wrappers stand before or behind ours. */
static void also_in_sanitized_clients(void **state)
{
    char clients[] = TIME_SANITIZED;
    char *rest = clients;
    (void)state;
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
    setenv("TSAN_OPTIONS", "report_thread_leaks=0", 1); /* some versions do not know pthread_clockjoin_np */
    for (char *client; (client = strsep(&rest, ",")) != NULL && client[0] != '\0';) {
        check_waits(client);
    }
}

static void every_clock_is_ahead(void **state)
{
    (void)state;
    assert_int_equal(run(TIME_CLIENT, "clocks", RUN_CLOCK_VIRTUAL, AHEAD_S * NS_PER_S, MOVING_NOT), 0);
    assert_int_equal(run(TIME_CLIENT, "clocks", RUN_CLOCK_REAL, AHEAD_S * NS_PER_S, MOVING_NOT), 0);
}

static void no_clock_goes_back(void **state)
{
    (void)state;
    assert_int_equal(run(TIME_CLIENT, "order", RUN_CLOCK_VIRTUAL, 0, MOVING_ALWAYS), 0);
}

/* Without a table of waits the run's time is real. */
static void nothing_is_told_without_a_table(void **state)
{
    struct harness harness;
    (void)state;
    harness_start(&harness, NULL);
    atomic_store(&harness.state->clock_ahead, AHEAD_S * NS_PER_S);
    harness_client(&harness, TIME_CLIENT, "early poll");
    assert_int_equal(harness.exit_status, 0);
    harness_client(&harness, TIME_CLIENT, "clocks");
    assert_int_equal(harness.exit_status, 1);
    harness_end(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wait_ends_when_the_clock_gets_there),
        cmocka_unit_test(also_in_sanitized_clients),
        cmocka_unit_test(every_clock_is_ahead),
        cmocka_unit_test(no_clock_goes_back),
        cmocka_unit_test(nothing_is_told_without_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
