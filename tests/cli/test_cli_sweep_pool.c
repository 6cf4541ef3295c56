/* Workers of a sweep: a run that one cannot be given is not lost with it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sweep_pool.h"

/* A worker's place, taken by a process that does nothing; returns its end of the socket. */
static int take_place(struct sweep_worker *worker)
{
    int ends[2];
    pid_t pid = fork(); /* first: it has none of the ends */
    while (pid == 0) {
        pause();
    }
    assert_true(pid > 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    *worker = (struct sweep_worker){.pid = pid, .socket = ends[0]};
    return ends[1];
}

static void a_run_that_a_worker_does_not_take_is_given_to_another(void **state)
{
    (void)state;
    static struct run_options options = {.timeout_ms = 1000};
    static struct trial_bench bench = {.setup = {.options = &options, .signals = -1}};
    static struct sweep_pool pool;
    struct sweep_work work = {.bench = &bench};
    struct sweep_run got = {0}, run = {.id = 7};
    sweep_pool_open(&pool, &work, 2);
    close(take_place(&pool.workers[0])); /* it does not listen */
    int taken = take_place(&pool.workers[1]);
    pid_t gone = pool.workers[0].pid;
    assert_true(sweep_pool_give(&pool, &run));
    assert_int_equal(pool.workers[0].pid, 0); /* a new one can take its place */
    assert_int_equal(kill(gone, 0), -1);
    assert_true(pool.workers[1].busy);
    assert_int_equal(read(taken, &got, sizeof got), sizeof got);
    assert_int_equal(got.id, 7);
    sweep_pool_close(&pool);
    assert_false(sweep_pool_is_busy(&pool));
    close(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_a_worker_does_not_take_is_given_to_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
