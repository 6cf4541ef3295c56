/* sqlcmd apart from its server (sqlcmd/front_end.h): what it says and does when that one ends, dies, stops, or is to
 * end. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "front_end.h"
#include "request.h"
#include "runstate.h"

#define LOST                                                                                    \
    "Sqlcmd: Error: Microsoft ODBC Driver 18 for SQL Server : TCP Provider: Error code 0x68.\n" \
    "Sqlcmd: Error: Microsoft ODBC Driver 18 for SQL Server : Communication link failure.\n"

static struct plan plan;

static void expect(int (*serve)(void *), int32_t query_timeout, int status, const char *says)
{
    char *text = NULL;
    size_t size = 0;
    struct sqlcmd_environment environment = {.plan = &plan, .err = open_memstream(&text, &size)};
    assert_non_null(environment.err);
    int result = front_end_run(&environment, query_timeout, serve, NULL);
    fclose(environment.err);
    assert_string_equal(text, says);
    assert_int_equal(result, status);
    free(text);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* the front end keeps its own: it ends with sqlcmd */
}

/* ---- servers ---- */

static int end_well(void *context)
{
    (void)context;
    return 3;
}

static int die(void *context)
{
    (void)context;
    kill(getpid(), SIGKILL);
    return 0;
}

static int stop(void *context)
{
    (void)context;
    kill(getpid(), SIGSTOP);
    return 0;
}

static void wait_for_the_end(int number)
{
    (void)number;
    _exit(7);
}

/* Asks for its own end as an operator would: the front end hands the signal on. */
static int be_ended(void *context)
{
    (void)context;
    signal(SIGTERM, wait_for_the_end);
    kill(getppid(), SIGTERM);
    while (pause() < 0) {
    }
    return 0;
}

static int stop_when_ended(void *context)
{
    (void)context;
    signal(SIGTERM, SIG_IGN);
    kill(getppid(), SIGTERM);
    kill(getpid(), SIGSTOP);
    return 0;
}

/* ---- tests ---- */

static void its_status_is_the_servers(void **state)
{
    (void)state;
    expect(end_well, 0, 3, "");
}

static void a_server_that_dies_is_a_lost_connection(void **state)
{
    (void)state;
    expect(die, 0, 1, LOST);
}

static void a_server_that_stops_runs_into_the_query_timeout(void **state)
{
    (void)state;
    expect(stop, 1, 1, "Timeout expired\n");
}

static void a_signal_goes_on_to_the_server(void **state)
{
    (void)state;
    expect(be_ended, 0, 7, "");
}

static void a_stopped_server_does_not_keep_it(void **state)
{
    (void)state;
    expect(stop_when_ended, 0, 1, "");
}

/* The server took the request and died of it: whoever asked goes on. */
static int take_and_die(void *context)
{
    struct run_fault *fault = &run_state_attach()->faults[0];
    (void)context;
    run_take(fault, (uint32_t)getpid());
    return die(NULL);
}

static void whoever_asked_is_let_go(void **state)
{
    (void)state;
    char folder[] = "/tmp/vdifault-front-end-XXXXXX";
    char command[64];
    struct fault_error error;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(run_state_create(folder), 0);
    setenv("VDIFAULT_TRACE", folder, 1);
    assert_int_equal(plan_parse_line("fault server-crash@Write", &plan, &error), 0);
    struct run_state *run = run_state_attach();
    atomic_store(&run->faults[0].request, RUN_REQUEST_ASKED);
    expect(take_and_die, 0, 1, LOST);
    assert_int_equal(atomic_load(&run->faults[0].request), RUN_REQUEST_DONE);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void only_some_faults_need_it(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool wanted;
    } table[] = {{"fault server-crash@Write", true},
                 {"fault server-hang@Flush", true},
                 {"fault kill-session@Write", false},
                 {"fault no-server", false}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fault_error error;
        plan.fault_count = 0;
        assert_int_equal(plan_parse_line(table[i].line, &plan, &error), 0);
        assert_int_equal(front_end_is_wanted(&plan), table[i].wanted);
    }
    plan.fault_count = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_some_faults_need_it),
        cmocka_unit_test(whoever_asked_is_let_go), /* before the run's state is attached without a run */
        cmocka_unit_test(its_status_is_the_servers),
        cmocka_unit_test(a_server_that_dies_is_a_lost_connection),
        cmocka_unit_test(a_server_that_stops_runs_into_the_query_timeout),
        cmocka_unit_test(a_signal_goes_on_to_the_server),
        cmocka_unit_test(a_stopped_server_does_not_keep_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
