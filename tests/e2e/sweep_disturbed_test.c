/* A sweep that something happens to: it is interrupted or killed, its journal cannot be written, a worker dies, clients
 * leave processes behind. It goes on, at once or when it is started again, and says so. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sweeps.h"

enum {
    DEADLINE_MS = 120000,
    WORKERS_MAX = 16
};

#define PART "--per-stack=1", "--jobs=2", "--only=abort,early-close,error,extra-flush,delay", "--pairs=20"

/* ---- interrupted ---- */

static size_t lines_of(const char *path)
{
    size_t lines = 0;
    FILE *file = fopen(path, "re");
    for (int c; file != NULL && (c = fgetc(file)) != EOF;) {
        lines += c == '\n';
    }
    if (file != NULL) {
        fclose(file);
    }
    return lines;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int workers_of(pid_t sweep, pid_t workers[WORKERS_MAX])
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)sweep, (int)sweep);
    FILE *file = fopen(path, "re");
    for (int pid; file != NULL && count < WORKERS_MAX && fscanf(file, "%d", &pid) == 1;) {
        workers[count++] = pid;
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

/* A sweep under way: its journal has some runs already. */
struct under_way {
    struct e2e_args args;
    char journal[40];
    pid_t child;
    int output;
    pid_t workers[WORKERS_MAX];
    int count;
};

static void start(struct under_way *sweep, const char *json)
{
    int status, fd;
    int64_t deadline = now_ms() + DEADLINE_MS;
    *sweep = (struct under_way){.journal = "/tmp/vdifault-e2e-journal-XXXXXX"};
    fd = mkstemp(sweep->journal);
    assert_true(fd >= 0);
    close(fd);
    const char *const options[] = {PART, "--journal", sweep->journal, NULL};
    sweeps_build(&sweep->args, options, "backup", 1);
    sweep->child = e2e_start(sweep->args.list, json, &sweep->output);
    while (lines_of(sweep->journal) < 6) {
        assert_true(now_ms() < deadline);
        assert_int_equal(waitpid(sweep->child, &status, WNOHANG), 0); /* or it was over too soon */
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    sweep->count = workers_of(sweep->child, sweep->workers);
    assert_true(sweep->count > 0);
}

/* Its wait status, with what it said. */
static int wait_for_end(struct under_way *sweep, char *said, size_t size)
{
    int status;
    size_t length = 0;
    char more[4096];
    for (ssize_t got;
         (got = read(sweep->output, more, sizeof more)) > 0;) { /* until nobody has it any more */
        size_t kept = (size_t)got < size - 1 - length ? (size_t)got : size - 1 - length;
        memcpy(said + length, more, kept);
        length += kept;
    }
    said[length] = '\0';
    close(sweep->output);
    assert_int_equal(waitpid(sweep->child, &status, 0), sweep->child);
    return status;
}

/* The sweep that nothing happens to. */
static struct e2e_run whole;

static int make_whole(void **state)
{
    (void)state;
    struct e2e_args args;
    sweeps_make(&whole, &args, (const char *const[]){PART, NULL});
    sweeps_expect_survived(&whole, &args);
    return 0;
}

static int free_whole(void **state)
{
    (void)state;
    e2e_free(&whole);
    return 0;
}

/* The same command makes what is missing, and the whole is as if nothing had happened. */
static void expect_goes_on(struct under_way *sweep)
{
    struct e2e_run rest;
    e2e_run(&rest, sweep->args.list);
    sweeps_expect_survived(&rest, &sweep->args);
    sweeps_expect_same(&rest, &sweep->args, &whole);
    for (int i = 0; i < sweep->count; i++) {
        assert_int_equal(e2e_leftovers(sweep->workers[i]), 0);
    }
    unlink(sweep->journal);
    e2e_free(&rest);
}

static char said[1 << 20];

static void interrupted_goes_on(int signal)
{
    struct under_way sweep;
    start(&sweep, "/dev/null");
    assert_int_equal(kill(sweep.child, signal), 0);
    int status = wait_for_end(&sweep, said, sizeof said);
    if (signal == SIGKILL) {
        assert_true(WIFSIGNALED(status));
    } else {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 128 + signal);
        assert_non_null(strstr(said, "the same command goes on from there"));
        assert_int_equal(e2e_leftovers(sweep.child), 0);
    }
    size_t done = lines_of(sweep.journal);
    assert_true(done >= 6 && done - 1 < (size_t)sweeps_summary(&whole, "runs"));
    expect_goes_on(&sweep);
}

static void an_interrupted_sweep_goes_on(void **state)
{
    (void)state;
    interrupted_goes_on(SIGINT);
}

static void a_killed_sweep_goes_on(void **state)
{
    (void)state;
    interrupted_goes_on(SIGKILL);
}

/* Its run could not be made; all others could, and a second try makes that one, too. */
static void a_worker_that_is_killed_costs_its_run(void **state)
{
    (void)state;
    struct under_way sweep;
    char json[] = "/tmp/vdifault-e2e-report-XXXXXX";
    int fd = mkstemp(json);
    assert_true(fd >= 0);
    close(fd);
    start(&sweep, json);
    assert_int_equal(kill(sweep.workers[0], SIGKILL), 0);
    int status = wait_for_end(&sweep, said, sizeof said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    json_t *report = json_load_file(json, 0, NULL), *run;
    size_t i, failed = 0;
    json_array_foreach(json_object_get(report, "runs"), i, run)
    {
        const char *why = json_string_value(json_object_get(run, "error"));
        failed += why != NULL && strstr(why, "ended before it (signal 9)") != NULL;
    }
    assert_int_equal(failed, 1);
    json_decref(report);
    unlink(json);
    expect_goes_on(&sweep);
}

/* ---- files ---- */

/* As on a full disk: nothing can be appended any more. */
static void a_journal_that_cannot_grow_does_not_end_the_sweep(void **state)
{
    (void)state;
    struct under_way sweep;
    struct stat info;
    start(&sweep, "-");
    assert_int_equal(stat(sweep.journal, &info), 0);
    const struct rlimit limit = {(rlim_t)info.st_size, (rlim_t)info.st_size};
    assert_int_equal(prlimit(sweep.child, RLIMIT_FSIZE, &limit, NULL), 0);
    int status = wait_for_end(&sweep, said, sizeof said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_non_null(strstr(said, "File too large: from here on nothing is noted"));
    assert_non_null(strstr(said, "\"survived_percent\": 100.0"));
    expect_goes_on(&sweep);
}

static void a_journal_that_cannot_be_made_is_refused(void **state)
{
    (void)state;
    struct e2e_args args;
    struct e2e_run run;
    sweeps_make(&run, &args, (const char *const[]){PART, "--journal", "/dev/null/x", NULL});
    if (run.status != 3 || strstr(run.output, "journal '/dev/null/x': Not a directory") == NULL) {
        e2e_fail(&run, &args, "nothing is said of a journal that cannot be made");
    }
    e2e_free(&run);
}

/* The first fault that goes second becomes none; returns the line, from 1. */
static int spoil(const char *path)
{
    static const char list[] = "\"then\":[\"";
    char *line = NULL;
    size_t room = 0;
    int number = 0;
    bool done = false;
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    for (long start = 0; !done && getline(&line, &room, file) > 0; start = ftell(file)) {
        const char *found = strstr(line, list);
        number++;
        if (found != NULL) {
            assert_int_equal(fseek(file, start + (found - line) + (long)strlen(list), SEEK_SET), 0);
            done = fputc('?', file) != EOF;
        }
    }
    free(line);
    assert_int_equal(fclose(file), 0);
    assert_true(done);
    return number;
}

/* What somebody else has written there is said by file and line, and costs no more than that run. */
static void a_journal_with_a_bad_line_is_gone_on_with(void **state)
{
    (void)state;
    struct under_way sweep;
    struct e2e_run rest;
    char line[32];
    start(&sweep, "/dev/null");
    int status = wait_for_end(&sweep, said, sizeof said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    snprintf(line, sizeof line, "line %d: \"then\" has \"?", spoil(sweep.journal));
    e2e_run(&rest, sweep.args.list);
    const char *message = strstr(rest.output, sweep.journal);
    if (message == NULL || strstr(message, line) == NULL ||
        strstr(message, "expected a fault, as --fault takes it; the run is made again") == NULL) {
        e2e_fail(&rest, &sweep.args, "nothing is said of %s", line);
    }
    sweeps_expect_same(&rest, &sweep.args, &whole);
    e2e_free(&rest);
    unlink(sweep.journal);
}

/* Runs of two sweeps in one file would be nobody's; the first one is not disturbed. */
static void a_journal_that_another_sweep_writes_is_refused(void **state)
{
    (void)state;
    struct under_way sweep;
    struct e2e_run second;
    start(&sweep, "-");
    assert_int_equal(kill(sweep.child, SIGSTOP), 0); /* it is not through before that one has begun */
    e2e_run(&second, sweep.args.list);
    assert_int_equal(kill(sweep.child, SIGCONT), 0);
    if (second.status != 2 || strstr(second.output, sweep.journal) == NULL ||
        strstr(second.output, "another sweep is writing it") == NULL) {
        e2e_fail(&second, &sweep.args, "two sweeps write one journal");
    }
    e2e_free(&second);
    int status = wait_for_end(&sweep, said, sizeof said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_goes_on(&sweep);
}

/* ---- processes ---- */

static int processes_with(const char *word)
{
    int count = 0;
    DIR *folder = opendir("/proc");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[300], line[4096];
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        FILE *file = fopen(path, "re");
        size_t length = file != NULL ? fread(line, 1, sizeof line - 1, file) : 0;
        line[length] = '\0';
        for (size_t at = 0; at < length; at += strlen(line + at) + 1) {
            count += strcmp(line + at, word) == 0;
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    closedir(folder);
    return count;
}

/* Even out of the client's own session: each run tells of it, none is left when the sweep is over. */
static void what_clients_leave_behind_is_told_and_removed(void **state)
{
    (void)state;
    struct e2e_args args = {0};
    struct e2e_run run;
    char word[32];
    snprintf(word, sizeof word, "3600.%d", (int)getpid());
    static const char *const words[] = {"sweep",         "--size",      "1M", "--anyway", "--only=abort",
                                        "--no-minimize", "--shard=1/5", "--", "sh",       "-c"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_arg(&args,
            "setsid sleep %s </dev/null >/dev/null 2>&1 & exec " E2E_CLIENTS
            "/correct_c backup --database sales --devices 1 --dir {run}",
            word);
    e2e_run(&run, args.list);
    json_t *finding = e2e_finding(&run, "VDI-OUT-004");
    json_int_t runs = sweeps_summary(&run, "runs");
    if (run.status != 1 || runs < 3 ||
        (json_int_t)json_array_size(json_object_get(finding, "runs")) != runs) {
        e2e_fail(&run, &args, "a process left behind is not found in each run");
    }
    assert_int_equal(processes_with(word), 0);
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupted_sweep_goes_on),
        cmocka_unit_test(a_killed_sweep_goes_on),
        cmocka_unit_test(a_worker_that_is_killed_costs_its_run),
        cmocka_unit_test(a_journal_that_cannot_grow_does_not_end_the_sweep),
        cmocka_unit_test(a_journal_that_cannot_be_made_is_refused),
        cmocka_unit_test(a_journal_with_a_bad_line_is_gone_on_with),
        cmocka_unit_test(a_journal_that_another_sweep_writes_is_refused),
        cmocka_unit_test(what_clients_leave_behind_is_told_and_removed),
    };
    cmocka_set_test_filter(getenv("E2E_ONLY"));
    return cmocka_run_group_tests(tests, make_whole, free_whole);
}
