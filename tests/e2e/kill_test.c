/* Client, server, both, or the runner itself are killed at a random moment: the run ends, and leaves nothing.
 * What a killed runner leaves, the next run cleans up. The moments are drawn from a fixed seed; which call
 * they hit is not under control and need not be: every outcome is checked for the same things. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "e2e.h"

enum victim {
    CLIENT = 1,
    SERVER = 2,
    BOTH = 3
};

static bool has_name(pid_t process, const char *name)
{
    char path[64], text[32] = {0};
    snprintf(path, sizeof path, "/proc/%d/comm", (int)process);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return length > 0 && strncmp(text, name, strlen(name)) == 0;
}

/* The children of a process, at most `max`; returns how many. */
static int children_of(pid_t parent, pid_t *children, int max)
{
    char path[64], text[1024], *rest = text;
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    for (char *child; count < max && (child = strsep(&rest, " ")) != NULL;) {
        if (*child != '\0') {
            children[count++] = atoi(child);
        }
    }
    return count;
}

enum {
    CHILDREN_MAX = 64
};

/* Kills the children of `parent`, and theirs, that are of the wanted kind. */
static void kill_children(pid_t parent, int victims)
{
    pid_t children[CHILDREN_MAX];
    int count = children_of(parent, children, CHILDREN_MAX);
    for (int i = 0; i < count; i++) {
        kill_children(children[i], victims);
        if (((victims & CLIENT) && has_name(children[i], "correct_c")) ||
            ((victims & SERVER) && has_name(children[i], "sqlcmd"))) {
            kill(children[i], SIGKILL);
        }
    }
}

static void start(struct e2e_args *args, pid_t *runner, int *output)
{
    static const char *const list[] = {"run",
                                       "--size",
                                       "48M",
                                       "--patience",
                                       "5",
                                       "--",
                                       E2E_CLIENTS "/correct_c",
                                       "backup-restore",
                                       "--database",
                                       "sales",
                                       "--devices",
                                       "2",
                                       "--dir",
                                       "{run}"};
    assert_int_equal(access(E2E_CLIENTS "/correct_c", X_OK), 0); /* or nothing would be there to kill */
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        e2e_arg(args, "%s", list[i]);
    }
    *runner = e2e_start(args->list, "/dev/null", output);
}

static void wait_a_moment(unsigned *seed)
{
    long ns = (long)(rand_r(seed) % 250) * 1000000;
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static void drain(int fd)
{
    char sink[4096];
    while (read(fd, sink, sizeof sink) > 0) {
    }
    close(fd);
}

static void test_killed_parties(void **unused)
{
    (void)unused;
    unsigned seed = 1;
    for (int i = 0; i < 12 * e2e_rounds(); i++) {
        struct e2e_args args = {0};
        pid_t runner;
        int output, status;
        start(&args, &runner, &output);
        wait_a_moment(&seed);
        kill_children(runner, 1 + i % 3);
        drain(output);
        assert_int_equal(waitpid(runner, &status, 0), runner);
        assert_true(WIFEXITED(status));
        assert_int_equal(e2e_leftovers(runner), 0);
    }
}

static void test_interrupted_runner(void **unused)
{
    (void)unused;
    unsigned seed = 2;
    for (int i = 0; i < 4 * e2e_rounds(); i++) {
        struct e2e_args args = {0};
        pid_t runner;
        int output, status;
        start(&args, &runner, &output);
        wait_a_moment(&seed);
        kill(runner, i % 2 == 0 ? SIGTERM : SIGINT);
        drain(output);
        assert_int_equal(waitpid(runner, &status, 0), runner);
        assert_int_equal(e2e_leftovers(runner), 0);
    }
}

static void test_killed_runner_is_cleaned_up_by_the_next(void **unused)
{
    (void)unused;
    unsigned seed = 3;
    for (int i = 0; i < 4 * e2e_rounds(); i++) {
        struct e2e_args args = {0}, next_args = {0};
        struct e2e_run next;
        pid_t runner;
        int output, status;
        start(&args, &runner, &output);
        wait_a_moment(&seed);
        kill(runner, SIGKILL);
        assert_int_equal(waitpid(runner, &status, 0), runner);
        e2e_arg(&next_args, "run");
        e2e_arg(&next_args, "--");
        e2e_arg(&next_args, "/bin/true");
        e2e_run(&next, next_args.list);
        e2e_free(&next);
        drain(output);
        assert_int_equal(e2e_leftovers(runner), 0);
    }
}

/* A process that the client started of its own executable, and the client itself; or 0. */
static pid_t find_member(pid_t runner, const char *name, pid_t *primary)
{
    pid_t clients[CHILDREN_MAX], members[CHILDREN_MAX];
    int count = children_of(runner, clients, CHILDREN_MAX);
    for (int i = 0; i < count; i++) {
        int started = has_name(clients[i], name) ? children_of(clients[i], members, CHILDREN_MAX) : 0;
        for (int j = started - 1; j >= 0; j--) {
            if (has_name(members[j], name)) {
                *primary = clients[i];
                return members[j];
            }
        }
    }
    return 0;
}

static void start_several(const char *client, const char *json, pid_t *runner, int *output)
{
    struct e2e_args args = {0};
    e2e_arg(&args, "run");
    e2e_arg(&args, "--size");
    e2e_arg(&args, "96M");
    e2e_arg(&args, "--");
    e2e_arg(&args, E2E_CLIENTS "/%s", client);
    e2e_arg(&args, "backup");
    e2e_arg(&args, "--database");
    e2e_arg(&args, "sales");
    e2e_arg(&args, "--devices");
    e2e_arg(&args, "3");
    e2e_arg(&args, "--dir");
    e2e_arg(&args, "{run}");
    *runner = e2e_start(args.list, json, output);
}

/* One run in which a process of the client dies. False: it came too late, the backup was complete. */
static bool lose_process(const char *client, bool lose_primary, unsigned *seed)
{
    char json[] = "/tmp/vdifault-kill-XXXXXX";
    struct e2e_run run = {0};
    int fd = mkstemp(json), output, status;
    pid_t runner, primary = 0, member = 0;
    assert_true(fd >= 0);
    close(fd);
    start_several(client, json, &runner, &output);
    while (member == 0 && waitpid(runner, &status, WNOHANG) == 0) {
        member = find_member(runner, client, &primary);
    }
    assert_int_not_equal(member, 0);
    nanosleep(&(struct timespec){.tv_nsec = (long)(rand_r(seed) % 50) * 1000000}, NULL);
    kill(lose_primary ? primary : member, SIGKILL);
    drain(output);
    assert_int_equal(waitpid(runner, &status, 0), runner);
    run.report = json_load_file(json, 0, NULL);
    unlink(json);
    json_t *operation = json_array_get(json_object_get(run.report, "operations"), 0);
    const char *outcome = json_string_value(json_object_get(operation, "outcome"));
    json_t *exit_status = json_object_get(json_object_get(run.report, "client"), "exit");
    bool in_time = outcome == NULL || strcmp(outcome, "success") != 0;
    assert_int_equal(e2e_leftovers(runner), 0);
    assert_true(WIFEXITED(status));
    if (in_time && !lose_primary &&
        (WEXITSTATUS(status) != 0 || e2e_finding_count(&run) != 0 || json_integer_value(exit_status) != 1)) {
        fail_msg("%s, a process of it killed: runner status %d, %zu findings, client status %d", client,
                 WEXITSTATUS(status), e2e_finding_count(&run), (int)json_integer_value(exit_status));
    }
    e2e_free(&run);
    return in_time;
}

/* The primary notices the end of a secondary, for VDI does not (VDI-SEC-003): it aborts, the statement fails. VDI
 * notices that of the primary, and the secondaries end. Nothing is left of either. */
static void test_killed_process_of_several(void **unused)
{
    (void)unused;
    static const char *const clients[] = {"multiprocess", "mapped"};
    unsigned seed = 4;
    for (size_t c = 0; c < sizeof clients / sizeof clients[0]; c++) {
        int in_time = 0;
        for (int i = 0; i < 6 * e2e_rounds(); i++) {
            in_time += lose_process(clients[c], i % 3 == 2, &seed);
        }
        assert_true(in_time > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_parties),
        cmocka_unit_test(test_interrupted_runner),
        cmocka_unit_test(test_killed_runner_is_cleaned_up_by_the_next),
        cmocka_unit_test(test_killed_process_of_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
