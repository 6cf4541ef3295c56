/* The guard in whole runs: what --guard and --on-finding do to a client that touches what it must not, and that
 * abort(at=touch) needs it (design 4.4, 4.6). That correct clients touch nothing, and bear that fault, is
 * shown by the tests of correct clients: CTest runs them with --on-finding abort in every mode. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "correct.h"

enum {
    BEYOND_TIMEOUT_MS = 1500,
    DEADLINE_MS = 20000
};

static void bad_client(struct e2e_args *args, const char *option, const char *value, const char *more)
{
    const char *const list[] = {"run",  option, value,      "--timeout", more,    "--",     E2E_GUARD_CLIENT,
                                "open", "get",  "complete", "read:0",    "close", "destroy"};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        e2e_arg(args, "%s", list[i]);
    }
}

static void test_abort(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    bad_client(&args, "--on-finding", "abort", "60");
    e2e_run(&run, args.list);
    if (e2e_finding(&run, "VDI-OUT-003") == NULL) {
        e2e_fail(&run, &args, "the access did not end the client");
    }
    e2e_free(&run);
    args.count = 0;
    bad_client(&args, "--guard", "off", "60");
    e2e_run(&run, args.list);
    if (e2e_finding(&run, "VDI-OUT-003") != NULL ||
        json_integer_value(json_object_get(json_object_get(run.report, "client"), "exit")) != 0) {
        e2e_fail(&run, &args, "a client that is not watched does not end by itself");
    }
    e2e_free(&run);
}

/* `auto`: every one of a device's first 4096 commands, then every 16th. */
static void test_samples(void **unused)
{
    (void)unused;
    static const struct {
        const char *mode, *before;
        bool is_seen;
    } rows[] = {{"auto", "loop:4095", true},
                {"auto", "loop:4097", false},
                {"auto", "loop:4112", true},
                {"pages", "loop:4097", true}};
    setenv("FAKE_WRITES", "5000", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        const char *const list[] = {"run",      "--guard",        rows[i].mode, "--on-finding", "abort",
                                    "--",       E2E_GUARD_CLIENT, "open",       rows[i].before, "get",
                                    "complete", "read:0",         "close",      "destroy"};
        for (size_t j = 0; j < sizeof list / sizeof list[0]; j++) {
            e2e_arg(&args, "%s", list[j]);
        }
        e2e_run(&run, args.list);
        if ((e2e_finding(&run, "VDI-OUT-003") != NULL) != rows[i].is_seen) {
            e2e_fail(&run, &args, "an access after %s is %s", rows[i].before,
                     rows[i].is_seen ? "not seen" : "seen");
        }
        e2e_free(&run);
    }
    unsetenv("FAKE_WRITES");
}

/* Reads what the run says until `text` comes; false: it ended, or nothing came for so long. */
static bool wait_for(int output, char *said, size_t room, const char *text, int patience_ms)
{
    size_t used = strlen(said);
    struct pollfd poll_for = {.fd = output, .events = POLLIN};
    while (strstr(said, text) == NULL && used + 1 < room && poll(&poll_for, 1, patience_ms) > 0) {
        ssize_t count = read(output, said + used, room - 1 - used);
        if (count <= 0) {
            return false;
        }
        used += (size_t)count;
        said[used] = '\0';
    }
    return strstr(said, text) != NULL;
}

/* It is held for longer than --timeout, and then ends by itself. */
static void test_stop(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    char said[16384] = "";
    int output, status;
    bad_client(&args, "--on-finding", "stop", "1");
    pid_t run = e2e_start(args.list, "/dev/null", &output);
    if (!wait_for(output, said, sizeof said, "kill -CONT ", DEADLINE_MS)) {
        fail_msg("nothing about a process that is stopped in\n%s", said);
    }
    assert_non_null(strstr(said, "gdb -p "));
    pid_t client = (pid_t)atoi(strstr(said, "kill -CONT ") + strlen("kill -CONT "));
    assert_true(client > 1);
    bool ended = wait_for(output, said, sizeof said, "exit status", BEYOND_TIMEOUT_MS);
    assert_int_equal(kill(client, SIGCONT), 0);
    assert_false(ended);
    assert_true(wait_for(output, said, sizeof said, "exit status 0", DEADLINE_MS));
    (void)wait_for(output, said, sizeof said, "\n never", DEADLINE_MS); /* to its end */
    close(output);
    assert_int_equal(waitpid(run, &status, 0), run);
    assert_null(strstr(said, "VDI-OUT-002"));
}

static void test_at_touch_without_guard(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    static const struct correct_client client = {.name = "correct_c"};
    correct_build(&args, &client, "backup", "abort(at=touch)@Write", 1);
    setenv("VDIFAULT_GUARD", "off", 1);
    e2e_run(&run, args.list);
    unsetenv("VDIFAULT_GUARD");
    if (run.status != 2 || strstr(run.output, "not off") == NULL) {
        e2e_fail(&run, &args, "expected a refusal");
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_at_touch_without_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
