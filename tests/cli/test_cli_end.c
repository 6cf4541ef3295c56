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
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os.h"
#include "procfs.h"
#include "rundir.h"

enum {
    NOBODY = 65534
};

static char folder[] = "/tmp/test-cli-end-XXXXXX"; /* TMPDIR of the runs */
static char marker[128];
static char said[8192];
static bool as_nobody; /* whether runs are those of another user */

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
        if (!as_nobody || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0)) {
            execv(COMMAND, argv);
        }
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

static pid_t read_pid(void)
{
    int pid = 0;
    FILE *file = fopen(marker, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    fclose(file);
    return (pid_t)pid;
}

/* A service that --before starts: it is there for --verify, and gone with the run. */
static void a_background_helper_lives_till_the_end(void **state)
{
    (void)state;
    char before[160];
    char check[320];
    snprintf(before, sizeof before, "sleep 600 & echo $! > %s", marker);
    snprintf(check, sizeof check, "kill -0 $(cat %s) && echo > %s/seen", marker, folder);
    const char *const options[] = {"--verify", "--after"};
    for (size_t i = 0; i < 2; i++) {
        RUN("--before", before, options[i], check, "--", QUIET_CLIENT);
        char seen[64];
        snprintf(seen, sizeof seen, "%s/seen", folder);
        assert_int_equal(unlink(seen), 0);
        assert_int_equal(kill(read_pid(), 0), -1);
    }
    assert_int_equal(unlink(marker), 0);
}

/* Its sets are its own, of this run: no leftover of the client's, and gone with the run. */
static void the_sets_of_a_helper_last_as_long_as_it_may(void **state)
{
    static const char before[] = ": > /dev/shm/vdifault-$VDI_NAMESPACE-0";
    char check[320], seen[64];
    (void)state;
    snprintf(check, sizeof check, "ls /dev/shm/vdifault-$VDI_NAMESPACE-0 > %s/seen", folder);
    snprintf(seen, sizeof seen, "%s/seen", folder);
    assert_int_equal(RUN("--before", before, "--after", check, "--", QUIET_CLIENT), 3);
    FILE *file = fopen(seen, "re");
    char object[128] = "";
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%127s", object), 1);
    fclose(file);
    assert_int_not_equal(access(object, F_OK), 0);
    assert_int_equal(unlink(seen), 0);
}

/* It is not the client's: it neither hides a hang nor dies of it. */
static void a_background_helper_does_not_hide_a_hang(void **state)
{
    (void)state;
    char before[160];
    char after[320];
    char seen[64];
    snprintf(before, sizeof before, "sleep 600 & echo $! > %s/helper", folder);
    snprintf(after, sizeof after, "kill -0 $(cat %s/helper) && echo > %s/seen", folder, folder);
    RUN("--before", before, "--after", after, "--timeout", "30", "--patience", "30", "--", QUIET_CLIENT,
        marker);
    says("nobody can act");
    snprintf(seen, sizeof seen, "%s/seen", folder);
    assert_int_equal(unlink(seen), 0);
    assert_int_equal(unlink(marker), 0);
}

/* The client's tree may take up to two seconds to end by itself; without one there is nothing to wait for. A
 * loaded machine may be slow once, so the best of some runs counts. */
static void a_background_helper_is_not_waited_for(void **state)
{
    enum {
        TRIES = 5,
        LINGER_NS = 2000000000
    };
    (void)state;
    int64_t best = INT64_MAX;
    for (int i = 0; i < TRIES && best >= LINGER_NS; i++) {
        int64_t begin = os_now();
        assert_int_equal(RUN("--before", "sleep 600 &", "--", QUIET_CLIENT), 3);
        int64_t took = os_now() - begin;
        best = took < best ? took : best;
    }
    assert_true(best < LINGER_NS);
}

/* A set-user-ID program of root's for a runner that is not root. */
static void install_root_client(const char *path)
{
    char command[512];
    snprintf(command, sizeof command, "cp '%s' '%s' && chmod 4755 '%s' && chmod 0777 '%s'", QUIET_CLIENT,
             path, path, folder);
    assert_int_equal(system(command), 0);
}

/* Whether another user gets to the file: every folder above it lets others through. */
static bool others_reach(const char *file)
{
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s", file);
    for (char *slash = strrchr(path, '/'); slash != NULL && slash != path; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (stat(path, &info) != 0 || (info.st_mode & S_IXOTH) == 0) {
            return false;
        }
    }
    return true;
}

/* Needs root, a build tree that another user can run, and a /tmp where set-user-ID works. */
static void a_client_that_cannot_be_ended_ends_the_run(void **state)
{
    (void)state;
    struct statvfs mount;
    if (geteuid() != 0 || !others_reach(COMMAND) || statvfs(folder, &mount) != 0 ||
        (mount.f_flag & ST_NOSUID) != 0) {
        skip();
    }
    char path[96];
    char script[256];
    snprintf(path, sizeof path, "%s/root_client", folder);
    snprintf(script, sizeof script, "exec %s %s alone", path, marker);
    install_root_client(path);
    as_nobody = true;
    int status = RUN("--timeout", "1", "--", "/bin/sh", "-c", script);
    as_nobody = false;
    pid_t pid = read_pid();
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(unlink(marker), 0);
    assert_int_equal(status, 3);
    char message[64];
    snprintf(message, sizeof message, "cannot end process %d: Operation not permitted", (int)pid);
    says(message);
    const char *hang = strstr(said, "VDI-OUT-002 error");
    assert_non_null(hang);
    assert_null(strstr(hang + 1, "VDI-OUT-002 error"));
    assert_null(strstr(said, "says success"));
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
        cmocka_unit_test(a_background_helper_lives_till_the_end),
        cmocka_unit_test(the_sets_of_a_helper_last_as_long_as_it_may),
        cmocka_unit_test(a_background_helper_does_not_hide_a_hang),
        cmocka_unit_test(a_background_helper_is_not_waited_for),
        cmocka_unit_test(a_client_that_cannot_be_ended_ends_the_run),
        cmocka_unit_test(signals_leave_nothing),
        cmocka_unit_test(the_next_run_cleans_up_after_a_killed_one),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
