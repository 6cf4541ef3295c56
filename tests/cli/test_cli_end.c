/* The command itself on clients that make no VDI call: exit statuses, and nothing left behind (design 4.3).
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "procfs.h"
#include "rundir.h"

static char folder[] = "/tmp/test-cli-end-XXXXXX"; /* TMPDIR of the runs */
static char marker[128];
static char said[8192];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    snprintf(marker, sizeof marker, "%s/started", folder);
    return setenv("TMPDIR", folder, 1);
}

static int remove_folder(void **state)
{
    (void)state;
    return folder_remove(folder);
}

static pid_t start(const char *const *arguments, FILE *output)
{
    char *argv[16] = {(char *)COMMAND};
    for (int i = 0; arguments[i] != NULL; i++) {
        argv[i + 1] = (char *)arguments[i];
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(output), STDOUT_FILENO);
        dup2(fileno(output), STDERR_FILENO);
        execv(COMMAND, argv);
        _exit(99);
    }
    assert_true(pid > 0);
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int run(const char *const *arguments)
{
    FILE *output = tmpfile();
    assert_non_null(output);
    int status = wait_for(start(arguments, output));
    rewind(output);
    said[fread(said, 1, sizeof said - 1, output)] = '\0';
    fclose(output);
    return status;
}

#define RUN(...) run((const char *const[]){"run", __VA_ARGS__, NULL})

static void says(const char *what)
{
    if (strstr(said, what) == NULL) {
        fail_msg("expected '%s' in:\n%s", what, said);
    }
}

/* Scratch folders of runs below TMPDIR. */
static int count_folders(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        count += run_name_state(entry->d_name) != TOKEN_NONE;
    }
    closedir(dir);
    return count;
}

/* Live processes whose token names this runner. */
static int count_processes(pid_t runner)
{
    struct proc_table table;
    char prefix[32];
    char token[64];
    int count = 0;
    snprintf(prefix, sizeof prefix, "%d-", (int)runner);
    assert_int_equal(proc_table_read(PROC_ROOT, &table), 0);
    for (size_t i = 0; i < table.count; i++) {
        count += table.rows[i].state != 'Z' &&
                 proc_environment(PROC_ROOT, table.rows[i].pid, "VDI_NAMESPACE", token, sizeof token) &&
                 strncmp(token, prefix, strlen(prefix)) == 0;
    }
    proc_table_free(&table);
    return count;
}

static void no_vdi_call(void **state)
{
    (void)state;
    assert_int_equal(RUN("--", QUIET_CLIENT), 3);
    says("no VDI call");
    assert_int_equal(count_folders(), 0);
}

static void a_fault_that_never_fires(void **state)
{
    (void)state;
    assert_int_equal(RUN("--fault", "abort@Write#2", "--", QUIET_CLIENT), 3);
    says("abort@Write#2 never fired");
    assert_int_equal(RUN("--fault", "abort@Write#last", "--", QUIET_CLIENT), 2);
    says("no last time");
    assert_int_equal(count_folders(), 0);
}

static void clients_that_cannot_be_wrapped(void **state)
{
    (void)state;
    char file[160];
    assert_int_equal(RUN("--", "/nonexistent/client"), 3);
    says("/nonexistent/client");
    assert_int_equal(RUN("--", "no-such-client-on-path"), 3);
    says("not found on PATH");
    snprintf(file, sizeof file, "%s/plain", folder);
    FILE *plain = fopen(file, "w");
    assert_non_null(plain);
    assert_int_equal(fclose(plain), 0);
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(RUN("--", file), 3);
    says("not executable");
    assert_int_equal(RUN("--", "/tmp"), 3);
    says("expected a program");
    assert_int_equal(RUN("--", STATIC_CLIENT), 3);
    says("static program");
}

static void usage(void **state)
{
    (void)state;
    assert_int_equal(RUN("--fault", "lost-cloze", "--", QUIET_CLIENT), 2);
    says("lost-close");
    assert_int_equal(RUN("--seed", "1"), 2);
    assert_int_equal(RUN("--json", "/nonexistent/x", "--", QUIET_CLIENT), 2);
    says("/nonexistent/x");
    assert_int_equal(RUN("--database", "d=/nonexistent/folder/file", "--", QUIET_CLIENT), 3);
    says("/nonexistent/folder/file");
    assert_int_equal(run((const char *const[]){"--version", NULL}), 0);
    says("vdifault ");
    assert_int_equal(run((const char *const[]){"run", "--help", NULL}), 0);
    says("--sql-result");
}

static void helpers_run_around_the_client(void **state)
{
    (void)state;
    char before[160];
    char after[160];
    snprintf(before, sizeof before, "test -d {run} && echo 1 > %s", marker);
    snprintf(after, sizeof after, "rm %s", marker);
    assert_int_equal(RUN("--before", before, "--", QUIET_CLIENT), 3);
    assert_int_equal(access(marker, F_OK), 0);
    assert_int_equal(RUN("--after", after, "--", QUIET_CLIENT), 3);
    assert_int_equal(access(marker, F_OK), -1);
    assert_int_equal(RUN("--before", "exit 7", "--", QUIET_CLIENT), 3);
    says("exit status 7");
}

static void a_time_limit_ends_the_tree(void **state)
{
    (void)state;
    assert_int_equal(RUN("--timeout", "0.3", "--", QUIET_CLIENT, marker), 3);
    says("VDI-OUT-002");
    assert_int_equal(unlink(marker), 0);
    assert_int_equal(count_folders(), 0);
}

/* Starts a run whose client waits; returns once the client runs. */
static pid_t start_waiting(FILE *output)
{
    char event[sizeof(struct inotify_event) + 256];
    int watch = inotify_init1(IN_CLOEXEC);
    assert_true(watch >= 0);
    assert_true(inotify_add_watch(watch, folder, IN_CREATE | IN_ONLYDIR) >= 0);
    pid_t pid = start((const char *const[]){"run", "--", QUIET_CLIENT, marker, NULL}, output);
    while (access(marker, F_OK) != 0) {
        assert_true(read(watch, event, sizeof event) > 0);
    }
    close(watch);
    return pid;
}

static void signals_leave_nothing(void **state)
{
    (void)state;
    const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        FILE *output = tmpfile();
        assert_non_null(output);
        pid_t pid = start_waiting(output);
        assert_int_equal(kill(pid, signals[i]), 0);
        assert_int_equal(wait_for(pid), 128 + signals[i]);
        assert_int_equal(unlink(marker), 0);
        assert_int_equal(count_folders(), 0);
        assert_int_equal(count_processes(pid), 0);
        fclose(output);
    }
}

static void the_next_run_cleans_up_after_a_killed_one(void **state)
{
    (void)state;
    FILE *output = tmpfile();
    assert_non_null(output);
    pid_t pid = start_waiting(output);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(wait_for(pid), -SIGKILL);
    assert_int_equal(unlink(marker), 0);
    assert_int_equal(count_folders(), 1);
    assert_int_equal(RUN("--", QUIET_CLIENT), 3);
    assert_int_equal(count_folders(), 0);
    assert_int_equal(count_processes(pid), 0);
    fclose(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_vdi_call),
        cmocka_unit_test(a_fault_that_never_fires),
        cmocka_unit_test(clients_that_cannot_be_wrapped),
        cmocka_unit_test(usage),
        cmocka_unit_test(helpers_run_around_the_client),
        cmocka_unit_test(a_time_limit_ends_the_tree),
        cmocka_unit_test(signals_leave_nothing),
        cmocka_unit_test(the_next_run_cleans_up_after_a_killed_one),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
