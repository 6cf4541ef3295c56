/* Wrong input: a message that names it, and the documented exit status (design 4.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "e2e.h"

static void test_wrong_input(void **unused)
{
    (void)unused;
    static const struct {
        const char *args[12];
        int status;
        const char *says;
    } cases[] = {
        {{"run", "--fault", "erly-close@Write#1", "--", "/bin/true"}, 2, "early-close"},
        {{"run", "--fault", "abort@Wrte#1", "--", "/bin/true"}, 2, "Write"},
        {{"run", "--fault", "abort@Write#x", "--", "/bin/true"}, 2, "#"},
        {{"run", "--fault", "abort(by=nobody)@Write#1", "--", "/bin/true"}, 2, "nobody"},
        {{"run", "--guard", "off", "--fault", "abort(at=touch)@Write#1", "--", "/bin/true"}, 2, "touch"},
        {{"run", "--size", "much", "--", "/bin/true"}, 2, "much"},
        {{"run", "--trigger", "", "--", "/bin/true"}, 2, "--trigger ''"},
        {{"run", "--no-such-option", "--", "/bin/true"}, 2, "no-such-option"},
        {{"run", "--plan", "/no/such/plan", "--", "/bin/true"}, 2, "/no/such/plan"},
        {{"run", "--answers", "/dev/null", "--", "/bin/true"},
         2,
         "--answers '/dev/null', line 1: expected an array"},
        {{"run"}, 2, "CLIENT"},
        {{"run", "--", "/no/such/client"}, 3, "/no/such/client"},
        {{"run", "--", "/etc/passwd"}, 3, "/etc/passwd"},
        {{"run", "--", "/bin/true"}, 3, "no VDI call"},
        {{"rnu", "--", "/bin/true"}, 2, "run"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        for (int j = 0; cases[i].args[j] != NULL; j++) {
            e2e_arg(&args, "%s", cases[i].args[j]);
        }
        e2e_run(&run, args.list);
        if (run.status != cases[i].status || strstr(run.output, cases[i].says) == NULL) {
            e2e_fail(&run, &args, "exit status %d and '%s' expected", cases[i].status, cases[i].says);
        }
        e2e_free(&run);
    }
}

/* As a shell's <(...) makes it. */
static void test_answers_out_of_a_pipe(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    e2e_arg(&args, "run");
    e2e_arg(&args, "--answers");
    e2e_arg(&args, "/dev/fd/%d", ends[0]);
    e2e_arg(&args, "--");
    e2e_arg(&args, "/bin/true");
    e2e_run(&run, args.list);
    close(ends[0]);
    close(ends[1]);
    if (run.status != 2 || strstr(run.output, "expected a file that can be read again, no pipe") == NULL) {
        e2e_fail(&run, &args, "exit status 2 and what is expected instead of a pipe");
    }
    e2e_free(&run);
}

static void test_unknown_dialect(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    e2e_arg(&args, "run");
    e2e_arg(&args, "--");
    e2e_arg(&args, "/bin/true");
    setenv("VDI_DIALECT", "close-open:noerror,timeout-unit:minutes", 1);
    e2e_run(&run, args.list);
    unsetenv("VDI_DIALECT");
    if (run.status != 2 || strstr(run.output, "'timeout-unit:minutes'") == NULL ||
        strstr(run.output, "timeout-unit:ms|s") == NULL) {
        e2e_fail(&run, &args, "the wrong item and the known ones expected");
    }
    e2e_free(&run);
}

static void test_unreadable_database(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    const char *const list[] = {"run",
                                "--database",
                                "sales=/no/such/file",
                                "--",
                                E2E_CLIENTS "/correct_c",
                                "backup",
                                "--database",
                                "sales",
                                "--dir",
                                "{run}"};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        e2e_arg(&args, "%s", list[i]);
    }
    e2e_run(&run, args.list);
    if ((run.status != 2 && run.status != 3) || strstr(run.output, "/no/such/file") == NULL) {
        e2e_fail(&run, &args, "an unreadable database file is named");
    }
    e2e_free(&run);
}

/* In a mount namespace of its own, so that nobody else's /dev/shm is filled. */
static void check_shared_memory(const char *options, const char *says)
{
    char command[1024], output[4096];
    snprintf(command, sizeof command,
             "unshare -m sh -c 'mount -t tmpfs -o %s tmpfs /dev/shm && exec " E2E_VDIFAULT
             " run -- " E2E_CLIENTS "/correct_c backup --database sales --dir {run}' 2>&1",
             options);
    FILE *run = popen(command, "r");
    assert_non_null(run);
    size_t length = fread(output, 1, sizeof output - 1, run);
    output[length] = '\0';
    int status = pclose(run);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 3 || strstr(output, says) == NULL) {
        fail_msg("exit status 3 and '%s' expected, got %d:\n%s", says, WEXITSTATUS(status), output);
    }
}

static void test_unusable_shared_memory(void **unused)
{
    (void)unused;
    if (system("unshare -m true 2>/dev/null") != 0) {
        print_message("no mount namespaces here\n");
        skip();
    }
    check_shared_memory("size=16k", "/dev/shm is full");
    check_shared_memory("ro", "/dev/shm cannot be written");
}

/* No signal that explains nothing (SIGXFSZ) under a limit on file sizes. */
static void test_limit_on_file_sizes(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    struct rlimit before, small = {4096, 4096};
    e2e_arg(&args, "run");
    e2e_arg(&args, "--");
    e2e_arg(&args, "/bin/true");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    e2e_run(&run, args.list);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    if (run.status != 3 || strstr(run.output, "ulimit -f") == NULL) {
        e2e_fail(&run, &args, "exit status 3 and 'ulimit -f' expected");
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_input),
        cmocka_unit_test(test_answers_out_of_a_pipe),
        cmocka_unit_test(test_unknown_dialect),
        cmocka_unit_test(test_unreadable_database),
        cmocka_unit_test(test_unusable_shared_memory),
        cmocka_unit_test(test_limit_on_file_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
