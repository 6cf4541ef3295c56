/* test_request.c - what the client's side asks of a server: answered, withdrawn, refused, or given up; see
 * request.h. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "request.h"
#include "run_folder.h"

enum {
    SOON_MS = 50,
    LONG_MS = 30000 /* nobody is to wait so long */
};

static struct plan plan;

static const struct fault *asked(void)
{
    struct fault_error error;
    plan.fault_count = 0;
    CHECK(plan_parse_line("fault shutdown@Write", &plan, &error) == 0);
    return &plan.faults[0];
}

static struct run_fault *counts(void)
{
    return &run_state_attach()->faults[0];
}

static uint32_t request(void)
{
    return atomic_load(&counts()->request);
}

static void when_asked(void (*act)(struct run_state *run))
{
    struct run_state *run = run_state_attach();
    while (atomic_load(&run->faults[0].request) != RUN_REQUEST_ASKED) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    act(run);
}

/* ---- servers, as threads ---- */

static void answer(struct run_state *run)
{
    CHECK(run_take(&run->faults[0], 77));
    CHECK(!run_take(&run->faults[0], 78)); /* it is done once */
    run_answer(&run->faults[0]);
}

static void *answers(void *unused)
{
    when_asked(answer);
    return unused;
}

static void take(struct run_state *run)
{
    CHECK(run_take(&run->faults[0], 77));
}

static void *takes(void *unused)
{
    when_asked(take);
    return unused;
}

static void leave(struct run_state *run)
{
    (void)run;
    run_server_left(0);
    run_refuse(&plan, 0);
}

static void *leaves(void *unused)
{
    when_asked(leave);
    return unused;
}

static void die(struct run_state *run)
{
    CHECK(run_take(&run->faults[0], 77));
    run_answer_for(&plan, 76); /* somebody else's end is nobody's answer */
    CHECK(request() == RUN_REQUEST_TAKEN);
    run_answer_for(&plan, 77);
}

static void *dies(void *unused)
{
    when_asked(die);
    return unused;
}

static bool ask_with(void *(*server)(void *), int64_t patience_ms)
{
    pthread_t thread;
    const struct fault *fault = asked();
    CHECK(pthread_create(&thread, NULL, server, NULL) == 0);
    bool done = run_ask(0, fault, patience_ms);
    pthread_join(thread, NULL);
    return done;
}

/* ---- tests ---- */

static void in_a_run(void (*body)(void))
{
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, body), 0);
    finish(&run);
}

static void done_and_over(void)
{
    uint32_t rung = atomic_load(&run_state_attach()->bell);
    CHECK(ask_with(answers, LONG_MS) && request() == RUN_REQUEST_NONE);
    CHECK(atomic_load(&run_state_attach()->bell) == rung + 1);
    CHECK(ask_with(answers, LONG_MS)); /* and once more */
}

static void an_answer_lets_go(void **state)
{
    (void)state;
    in_a_run(done_and_over);
}

static void nobody(void)
{
    CHECK(!run_ask(0, asked(), SOON_MS));
    CHECK(request() == RUN_REQUEST_NONE); /* withdrawn: whoever comes now must not do it */
    CHECK(!run_take(counts(), 77));
}

static void without_an_answer_it_is_withdrawn(void **state)
{
    (void)state;
    in_a_run(nobody);
}

static void taken(void)
{
    CHECK(ask_with(takes, SOON_MS) && request() == RUN_REQUEST_TAKEN);
    CHECK(!run_ask(0, asked(), SOON_MS)); /* it is still at that one */
}

static void what_was_taken_counts_as_done(void **state)
{
    (void)state;
    in_a_run(taken);
}

static void refused(void)
{
    run_server_came(0);
    CHECK(run_server_is_known(0) && !run_server_is_known(1));
    CHECK(!ask_with(leaves, LONG_MS) && request() == RUN_REQUEST_NONE);
    CHECK(run_server_is_known(0));
    CHECK(!run_ask(0, asked(), LONG_MS)); /* a server that has left is not asked */
}

static void a_server_that_leaves_refuses(void **state)
{
    (void)state;
    in_a_run(refused);
}

static void died(void)
{
    CHECK(ask_with(dies, LONG_MS) && request() == RUN_REQUEST_NONE);
}

static void who_watches_it_answers_for_a_dead_server(void **state)
{
    (void)state;
    in_a_run(died);
}

/* A server that was killed: whoever watches it speaks for the operations it had, and for no others. */
static void left_by_death(void)
{
    run_server_came(0);
    atomic_store(&run_state_attach()->operations[0].server_process, 77);
    atomic_store(&counts()->request, RUN_REQUEST_ASKED);
    run_answer_for(&plan, 76);
    CHECK(request() == RUN_REQUEST_ASKED);
    CHECK(atomic_load(&run_state_attach()->operations[0].server) == RUN_SERVER_HERE);
    run_answer_for(&plan, 77);
    CHECK(request() == RUN_REQUEST_NONE);
    CHECK(atomic_load(&run_state_attach()->operations[0].server) == RUN_SERVER_LEFT);
}

static void who_watches_it_refuses_for_a_dead_server(void **state)
{
    (void)state;
    asked();
    in_a_run(left_by_death);
}

static void out_of_turn(void)
{
    struct fault fault = *asked();
    run_answer(counts()); /* nobody has taken anything */
    CHECK(request() == RUN_REQUEST_NONE);
    run_refuse(&plan, 0); /* nor asked */
    CHECK(request() == RUN_REQUEST_NONE);
    atomic_store(&counts()->request, RUN_REQUEST_ASKED);
    run_refuse(&plan, 1); /* the fault is of another operation */
    CHECK(request() == RUN_REQUEST_ASKED);
    CHECK(!run_ask(0, &fault, SOON_MS)); /* somebody else's question */
    CHECK(request() == RUN_REQUEST_ASKED);
    atomic_store(&counts()->request, RUN_REQUEST_NONE);
    fault.site.operation = RUN_OPERATIONS_MAX;
    CHECK(!run_ask(0, &fault, LONG_MS));
    fault.site.operation = -1;
    CHECK(!run_ask(0, &fault, LONG_MS));
}

static void out_of_turn_nothing_happens(void **state)
{
    (void)state;
    in_a_run(out_of_turn);
}

static void no_such_operation(void)
{
    static const int32_t none[] = {-1, RUN_OPERATIONS_MAX};
    for (int i = 0; i < 2; i++) {
        run_server_came(none[i]);
        run_server_left(none[i]);
        CHECK(!run_server_is_known(none[i]));
    }
    for (int32_t i = 0; i < RUN_OPERATIONS_MAX; i++) {
        CHECK(!run_server_is_known(i));
    }
}

static void a_server_of_no_operation_is_none(void **state)
{
    (void)state;
    in_a_run(no_such_operation);
}

static void without_a_run(void **state)
{
    (void)state;
    unsetenv("VDIFAULT_TRACE");
    assert_false(run_ask(0, asked(), LONG_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_lets_go),
        cmocka_unit_test(without_an_answer_it_is_withdrawn),
        cmocka_unit_test(what_was_taken_counts_as_done),
        cmocka_unit_test(a_server_that_leaves_refuses),
        cmocka_unit_test(who_watches_it_answers_for_a_dead_server),
        cmocka_unit_test(who_watches_it_refuses_for_a_dead_server),
        cmocka_unit_test(out_of_turn_nothing_happens),
        cmocka_unit_test(a_server_of_no_operation_is_none),
        cmocka_unit_test(without_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
