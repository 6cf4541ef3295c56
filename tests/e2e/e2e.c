#include "e2e.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

pid_t e2e_start(const char *const *args, const char *json, int *output)
{
    const char *argv[80] = {E2E_VDIFAULT, args[0], "--json", json};
    int count = 4;
    int ends[2];
    pid_t child;
    for (int i = 1; args[i] != NULL; i++) {
        assert_true(count < 79);
        argv[count++] = args[i];
    }
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    assert_int_equal(posix_spawn(&child, E2E_VDIFAULT, &actions, NULL, (char *const *)argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *output = ends[0];
    return child;
}

static void read_output(int fd, char *out, size_t size)
{
    size_t used = 0;
    ssize_t count;
    char sink[4096];
    while ((count = read(fd, used + 1 < size ? out + used : sink,
                         used + 1 < size ? size - 1 - used : sizeof sink)) > 0) {
        used += used + 1 < size ? (size_t)count : 0;
    }
    out[used] = '\0';
    close(fd);
}

void e2e_run(struct e2e_run *run, const char *const *args)
{
    char json[] = "/tmp/vdifault-e2e-XXXXXX";
    char journal[sizeof json + sizeof ".journal"];
    int status, output;
    int fd = mkstemp(json);
    assert_true(fd >= 0);
    close(fd);
    memset(run, 0, sizeof *run);
    pid_t child = e2e_start(args, json, &output);
    read_output(output, run->output, sizeof run->output);
    assert_int_equal(waitpid(child, &status, 0), child);
    run->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    run->report = json_load_file(json, 0, NULL);
    unlink(json);
    snprintf(journal, sizeof journal, "%s.journal", json);
    unlink(journal); /* kept by a sweep that did not come to its end */
    if (e2e_leftovers(child) != 0) {
        fail_msg("the run left something behind; its output was:\n%s", run->output);
    }
}

void e2e_free(struct e2e_run *run)
{
    json_decref(run->report);
    run->report = NULL;
}

void e2e_arg(struct e2e_args *args, const char *format, ...)
{
    va_list list;
    assert_true(args->count < 63);
    va_start(list, format);
    int length = vsnprintf(args->text[args->count], sizeof args->text[0], format, list);
    va_end(list);
    assert_true(length >= 0 && (size_t)length < sizeof args->text[0]);
    args->list[args->count] = args->text[args->count];
    args->list[++args->count] = NULL;
}

size_t e2e_finding_count(const struct e2e_run *run)
{
    return json_array_size(json_object_get(run->report, "findings"));
}

json_t *e2e_finding(const struct e2e_run *run, const char *rule)
{
    size_t i;
    json_t *finding;
    json_array_foreach(json_object_get(run->report, "findings"), i, finding)
    {
        const char *id = json_string_value(json_object_get(finding, "rule"));
        if (id != NULL && strcmp(id, rule) == 0) {
            return finding;
        }
    }
    return NULL;
}

void e2e_fail(const struct e2e_run *run, const struct e2e_args *args, const char *format, ...)
{
    char reason[512];
    va_list list;
    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    fprintf(stderr, "command: vdifault");
    for (int i = 0; i < args->count; i++) {
        fprintf(stderr, " '%s'", args->list[i]);
    }
    fprintf(stderr, "\nexit status %d\n%s\n", run->status, run->output);
    fail_msg("%s", reason);
}

int e2e_rounds(void)
{
    const char *rounds = getenv("E2E_ROUNDS");
    return rounds != NULL && atoi(rounds) > 0 ? atoi(rounds) : 1;
}

/* --- cases at once --- */

static struct {
    long running;
    int failed;
} cases;

static void await_case(void)
{
    int status = 0;
    assert_true(waitpid(-1, &status, 0) > 0);
    cases.running--;
    cases.failed += status != 0;
}

bool e2e_case(void)
{
    const char *jobs = getenv("E2E_JOBS");
    long most = jobs != NULL && atoi(jobs) > 0 ? atoi(jobs) : 2 * sysconf(_SC_NPROCESSORS_ONLN);
    if (cases.running >= most) {
        await_case();
    }
    fflush(NULL); /* else the child writes it, too */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("CMOCKA_TEST_ABORT", "1",
               1); /* a failure ends the process: the tests that follow are the parent's */
        return true;
    }
    cases.running++;
    return false;
}

void e2e_case_end(void)
{
    fflush(NULL);
    _exit(0);
}

void e2e_cases_end(void)
{
    while (cases.running > 0) {
        await_case();
    }
    int failed = cases.failed;
    cases.failed = 0;
    if (failed != 0) {
        fail_msg("%d cases failed", failed);
    }
}

/* --- leftovers --- */

static uint32_t count_names(const char *folder, const char *prefix)
{
    uint32_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            fprintf(stderr, "left behind: %s/%s\n", folder, entry->d_name);
            count++;
        }
    }
    closedir(dir);
    return count;
}

/* Processes whose environment names the run: "VDI_NAMESPACE=<pid of the runner>-...". */
static bool belongs_to(const char *process, const char *token)
{
    static char text[1 << 20];
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/environ", process);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t length = 0, count;
    while (length < (ssize_t)sizeof text &&
           (count = read(fd, text + length, sizeof text - (size_t)length)) > 0) {
        length += count;
    }
    close(fd);
    return length > 0 && memmem(text, (size_t)length, token, strlen(token)) != NULL;
}

uint32_t e2e_leftovers(pid_t pid)
{
    char prefix[64], token[64];
    const char *tmp = getenv("TMPDIR");
    uint32_t count = 0;
    snprintf(prefix, sizeof prefix, "vdifault-%d-", (int)pid);
    snprintf(token, sizeof token, "VDI_NAMESPACE=%d-", (int)pid);
    count += count_names("/dev/shm", prefix);
    count += count_names(tmp != NULL ? tmp : "/tmp", prefix);
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && belongs_to(entry->d_name, token)) {
            fprintf(stderr, "still running: process %s\n", entry->d_name);
            count++;
        }
    }
    closedir(proc);
    return count;
}
