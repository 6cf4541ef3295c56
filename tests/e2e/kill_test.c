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

static bool has_name(const char *process, const char *name)
{
    char path[64], text[32] = {0};
    snprintf(path, sizeof path, "/proc/%s/comm", process);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return length > 0 && strncmp(text, name, strlen(name)) == 0;
}

/* Kills the children of `parent`, and theirs, that are of the wanted kind. */
static void kill_children(pid_t parent, int victims)
{
    char path[64], text[1024], *rest = text;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    for (char *child; (child = strsep(&rest, " ")) != NULL;) {
        if (*child == '\0') {
            continue;
        }
        kill_children(atoi(child), victims);
        if (((victims & CLIENT) && has_name(child, "correct_c")) ||
            ((victims & SERVER) && has_name(child, "sqlcmd"))) {
            kill(atoi(child), SIGKILL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_parties),
        cmocka_unit_test(test_interrupted_runner),
        cmocka_unit_test(test_killed_runner_is_cleaned_up_by_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
