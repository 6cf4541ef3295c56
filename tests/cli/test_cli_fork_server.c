/* Copies of a client: each goes on from its first VDI call, and none is made where it would not be what a start
 * gives. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "environment.h"
#include "fork_message.h"
#include "fork_server.h"
#include "launch.h"
#include "parts.h"
#include "rundir.h"
#include "runstate.h"

static char base[] = "/tmp/test-cli-fork-XXXXXX";
static struct parts parts;
static struct rundir dir;
static char **environment;

static int prepare(void **state)
{
    (void)state;
    const char *missing = NULL;
    char trace[RUN_PATH_MAX + 8];
    const struct environment_choice choice = {0};
    unsetenv(
        "LLVM_PROFILE_FILE"); /* ci/coverage's, for us: no client that is told of it goes on from a copy */
    if (mkdtemp(base) == NULL || parts_find(&parts, &missing) != 0 ||
        rundir_create(base, &parts, &dir) != 0) {
        return -1;
    }
    snprintf(trace, sizeof trace, "%s/trace", dir.path);
    environment = environment_make(ENVIRONMENT_CLIENT, &dir, &parts, &choice, environ);
    return environment == NULL || rundir_write(&dir, "plan", "", 0) != 0 || run_state_create(trace) != 0;
}

static int finish(void **state)
{
    (void)state;
    environment_free(environment);
    return folder_remove(base);
}

static void wipe(void)
{
    char trace[RUN_PATH_MAX + 8];
    snprintf(trace, sizeof trace, "%s/trace", dir.path);
    assert_int_equal(run_state_renew(trace), 0);
}

static int end_of(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Starts the client with the offer, to its end. */
static void start(struct fork_server *server, const char *word)
{
    char variable[64];
    char *argv[] = {(char *)FORK_CLIENT, (char *)word, NULL};
    pid_t pid = 0;
    wipe();
    int inherited = fork_server_offer(server, FORK_CLIENT, argv, environment, variable, sizeof variable);
    assert_true(inherited >= 0);
    char **with = environment_with(environment, variable);
    struct launch launch = {.path = FORK_CLIENT,
                            .argv = argv,
                            .environment = with,
                            .standard = {-1, -1, -1},
                            .inherited = inherited};
    assert_int_equal(launch_start(&launch, &pid), 0);
    fork_server_offered(server, inherited, true);
    free(with);
    assert_int_equal(end_of(pid), 7);
    fork_server_listen(server);
}

static void expect_copies(const char *word)
{
    const struct timespec two_ticks = {.tv_nsec = 20000000}; /* a copy is younger by that, in /proc, too */
    char *argv[] = {(char *)FORK_CLIENT, (char *)word, NULL};
    struct fork_server server;
    fork_server_init(&server);
    start(&server, word);
    assert_string_equal(server.why, "");
    assert_true(server.pid > 0);
    for (int i = 0; i < 3; i++) {
        pid_t pid = 0;
        assert_int_equal(nanosleep(&two_ticks, NULL), 0);
        wipe();
        assert_true(fork_server_continue(&server, FORK_CLIENT, argv, environment, &pid));
        assert_int_not_equal(pid, server.pid);
        assert_int_equal(end_of(pid), 7);
    }
    pid_t copy = server.pid;
    fork_server_close(&server);
    assert_int_equal(kill(copy, 0), -1);
}

static void copies_go_on(void **state)
{
    (void)state;
    expect_copies("nothing");
}

/* A file that it opens by a function of the C library is opened by each copy. */
static void copies_are_made_before_files_are_opened(void **state)
{
    (void)state;
    expect_copies("seen");
}

static void copies_read_their_own_time(void **state)
{
    (void)state;
    expect_copies("clock");
}

/* Another argument, or another value of a variable, is another program. */
static void only_the_same_start_goes_on(void **state)
{
    (void)state;
    char *other[] = {(char *)FORK_CLIENT, (char *)"nothing", (char *)"more", NULL};
    struct fork_server server;
    pid_t pid = 0;
    fork_server_init(&server);
    start(&server, "nothing");
    assert_true(server.pid > 0);
    assert_false(fork_server_continue(&server, FORK_CLIENT, other, environment, &pid));
    assert_int_equal(server.pid, 0);
    fork_server_close(&server);
}

static void a_copy_that_was_killed_is_none(void **state)
{
    (void)state;
    char *argv[] = {(char *)FORK_CLIENT, (char *)"nothing", NULL};
    struct fork_server server;
    pid_t pid = 0;
    fork_server_init(&server);
    start(&server, "nothing");
    pid_t copy = server.pid;
    assert_true(copy > 0); /* kill takes 0 for all of the group: us, and CTest */
    assert_int_equal(kill(copy, SIGKILL), 0);
    assert_int_equal(end_of(copy), -SIGKILL);
    assert_true(fork_server_ended(&server, copy));
    assert_false(fork_server_continue(&server, FORK_CLIENT, argv, environment, &pid));
    fork_server_close(&server);
}

static void refusals_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *word, *why;
    } rows[] = {
        {"thread", "it has 2 threads"},
        {"process", "it has started a process"},
        {"write", "open"},
        {"read", "open"},
        {"socket", "socket:"},
        {"memory", "it shares the memory"},
        {"timer", "it has set a timer"},
        {"posix-timer", "it has set a timer"},
        {"lock", "it has locked memory"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fork_server server;
        fork_server_init(&server);
        start(&server, rows[i].word);
        if (server.pid != 0 || strstr(server.why, rows[i].why) == NULL) {
            fail_msg("%s: copy %d, '%s'", rows[i].word, (int)server.pid, server.why);
        }
        fork_server_close(&server);
    }
}

/* What a client says of its copy may be anything: who is no child of ours is left alone. */
static void a_process_of_somebody_elses_is_no_copy(void **state)
{
    (void)state;
    char *argv[] = {(char *)FORK_CLIENT, NULL};
    char variable[64];
    struct fork_message message = {.server = getpid()};
    struct fork_server server;
    fork_server_init(&server);
    int inherited = fork_server_offer(&server, FORK_CLIENT, argv, environment, variable, sizeof variable);
    assert_true(inherited >= 0);
    assert_int_equal(send(inherited, &message, sizeof message, 0), sizeof message);
    fork_server_offered(&server, inherited, true);
    fork_server_listen(&server);
    assert_int_equal(server.pid, 0);
    fork_server_close(&server); /* kills the copy, if there is one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_go_on),
        cmocka_unit_test(copies_are_made_before_files_are_opened),
        cmocka_unit_test(copies_read_their_own_time),
        cmocka_unit_test(only_the_same_start_goes_on),
        cmocka_unit_test(a_copy_that_was_killed_is_none),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(a_process_of_somebody_elses_is_no_copy),
    };
    return cmocka_run_group_tests(tests, prepare, finish);
}
