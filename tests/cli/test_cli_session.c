/* A pass at work: what the supervisor records of the ends of processes (design 4.3). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "rundir.h"
#include "session.h"

static char folder[] = "/tmp/test-cli-session-XXXXXX"; /* TMPDIR of the passes */
static struct parts parts;
static struct client_file client;
static struct run_options options;
static struct session_setup setup = {.options = &options, .parts = &parts, .client = &client};

static int prepare(void **state)
{
    (void)state;
    const char *missing = NULL;
    char why[256];
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    setup.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return mkdtemp(folder) == NULL || setenv("TMPDIR", folder, 1) != 0 || setup.signals < 0 ||
           prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || parts_find(&parts, &missing) != 0 ||
           client_file_find(STUCK_CLIENT, &client, why, sizeof why) != 0;
}

static int clear(void **state)
{
    (void)state;
    close(setup.signals);
    return folder_remove(folder);
}

static const struct event *find_exit(const struct record *record, int role)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct event *event = &record->events[i].event;
        if (event->kind == EVENT_PROCESS_EXIT && event->arg[2] == role) {
            return event;
        }
    }
    return NULL;
}

static size_t count_hangs(const struct record *record)
{
    size_t count = 0;
    for (size_t i = 0; i < record->count; i++) {
        count += record->events[i].event.kind == EVENT_HANG;
    }
    return count;
}

static char library[RUN_PATH_MAX];

/* The client hangs and is killed; its server sees that and ends with an error of its own. */
static void a_server_that_ends_after_a_hang_was_not_killed(void **state)
{
    (void)state;
    static struct session session;
    char *argv[] = {(char *)STUCK_CLIENT, NULL};
    run_options_init(&options, "run");
    options.client_argc = 1;
    options.client_argv = argv;
    options.sql[0] = "BACKUP DATABASE x TO %DEVICES:%s%";
    options.sql_count = 1;
    options.timeout_ms = 1500;
    setup.library = client_file_find_vdi(&client, library) ? library : NULL;
    assert_int_equal(session_open(&session, &setup, &options.plan), 0);
    session_run(&session);
    assert_string_equal(session.error, "");
    assert_int_equal(count_hangs(&session.record), 1);
    const struct event *killed = find_exit(&session.record, PROCESS_CLIENT);
    assert_non_null(killed);
    assert_int_equal(killed->arg[1], SIGKILL);
    assert_int_equal(killed->arg[3], 1);
    const struct event *server = find_exit(&session.record, PROCESS_SQL);
    assert_non_null(server);
    assert_int_equal(server->arg[1], 0);
    assert_int_equal(server->arg[3], 0);
    session_close(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_ends_after_a_hang_was_not_killed),
    };
    return cmocka_run_group_tests(tests, prepare, clear);
}
