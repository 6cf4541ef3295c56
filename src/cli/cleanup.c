/* cleanup.c - leftovers. */
#include "cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aside.h"
#include "environment.h"
#include "os.h"
#include "procfs.h"
#include "rundir.h"
#include "segment.h"

#define NS_PER_MS 1000000

/* ---- this run ---- */

static enum run_member classify(pid_t pid, const struct cleanup_scope *scope)
{
    char text[RUN_PATH_MAX];
    if (proc_environment(PROC_ROOT, pid, HELPER_VARIABLE, text, sizeof text) &&
        strcmp(text, scope->token) == 0) {
        return MEMBER_HELPER;
    }
    bool server = proc_runs(PROC_ROOT, pid, scope->stand_in) || proc_runs(PROC_ROOT, pid, scope->sql_server);
    return server ? MEMBER_SERVER : MEMBER_CLIENT;
}

/* What has ended counts until it is reaped. */
static bool have_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/* As the subreaper of all it starts, the runner has whatever is left of a run below it; after most runs that is
 * nothing, and the table of all processes need not be read. */
void cleanup_each_process(const struct cleanup_scope *scope, cleanup_process *visit, void *context)
{
    struct proc_table table;
    pid_t self = getpid();
    if (!have_children()) {
        return;
    }
    if (proc_table_read(PROC_ROOT, &table) == 0) {
        for (size_t i = 0; i < table.count; i++) {
            const struct proc_stat *row = &table.rows[i];
            if (row->pid != self && row->pid != scope->except && row->state != 'Z' && row->state != 'X' &&
                proc_table_is_below(&table, row->pid, self)) {
                visit(context, row->pid, classify(row->pid, scope));
            }
        }
    }
    proc_table_free(&table);
}

struct killing {
    unsigned members;
    size_t alive;
    pid_t last;
    int error; /* why `last` cannot be killed */
};

static void kill_one(void *context, pid_t pid, enum run_member member)
{
    struct killing *killing = context;
    if ((killing->members & MEMBERS(member)) == 0) {
        return;
    }
    int error = kill(pid, SIGKILL) == 0 ? 0 : errno;
    if (error != ESRCH) {
        killing->alive++;
        killing->last = pid;
        killing->error = error;
    }
}

/* Until the process is gone; a zombie that is another's to reap counts as gone, too. */
static void wait_for_end(pid_t pid, int64_t deadline_ns)
{
    int64_t left_ms = (deadline_ns - os_now()) / NS_PER_MS;
    int fd = pidfd_open(pid, 0);
    if (fd < 0) {
        return;
    }
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    (void)poll(&wait, 1, left_ms > 0 ? (int)left_ms : 0);
    close(fd);
}

int cleanup_kill(const struct cleanup_scope *scope, unsigned members, int64_t patience_ms,
                 struct cleanup_reaper reaper, pid_t *survivor)
{
    int64_t deadline = os_now() + patience_ms * NS_PER_MS;
    for (;;) {
        struct killing killing = {.members = members};
        cleanup_each_process(scope, kill_one, &killing);
        if (killing.alive > 0) {
            wait_for_end(killing.last, deadline);
        }
        int status = 0;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            reaper.reaped(reaper.context, pid, status);
        }
        if (killing.alive == 0) {
            return 0;
        }
        if (os_now() >= deadline) {
            *survivor = killing.last;
            return killing.error != 0 ? killing.error : ETIMEDOUT;
        }
    }
}

static void unlink_objects(const char *token, bool helpers, cleanup_object *visit, void *context)
{
    static const char suffix[] = RUN_HELPER_SUFFIX "-";
    char prefix[RUN_TOKEN_MAX + sizeof RUN_PREFIX + 2];
    int length = snprintf(prefix, sizeof prefix, RUN_PREFIX "%s-", token);
    DIR *folder = opendir(SHM_FOLDER);
    if (folder == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        bool of_token = strncmp(entry->d_name, prefix, (size_t)length) == 0;
        if (of_token && helpers == (strncmp(entry->d_name + length - 1, suffix, sizeof suffix - 1) == 0)) {
            if (visit != NULL) {
                visit(context, entry->d_name);
            }
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    closedir(folder);
}

void cleanup_objects(const char *token, cleanup_object *visit, void *context)
{
    unlink_objects(token, false, visit, context);
}

void cleanup_helper_objects(const char *token)
{
    unlink_objects(token, true, NULL, NULL);
}

/* ---- runs whose runner is dead ---- */

enum {
    STALE_END_MS = 1000
};

struct stale {
    const char *base;
    bool remove;
    FILE *out;
    size_t count;
};

static void say(struct stale *stale, const char *kind, const char *what)
{
    stale->count++;
    if (stale->out != NULL) {
        fprintf(stale->out, "  %s %s%s\n", kind, what, stale->remove ? " (removed)" : "");
    }
}

/* Process numbers mean something only within one namespace: a container's runner may look dead from outside.
 */
static bool same_pid_namespace(pid_t pid)
{
    char own[64];
    char other[64];
    return proc_link(PROC_ROOT, getpid(), "ns/pid", own, sizeof own) &&
           proc_link(PROC_ROOT, pid, "ns/pid", other, sizeof other) && strcmp(own, other) == 0;
}

/* Root sees the runs of all users. */
static bool is_ours(pid_t pid)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, PROC_ROOT "/%d", (int)pid);
    return stat(path, &info) == 0 && info.st_uid == geteuid();
}

static void stale_process(struct stale *stale, pid_t pid)
{
    char token[128];
    bool marked = proc_environment(PROC_ROOT, pid, HELPER_VARIABLE, token, sizeof token) ||
                  proc_environment(PROC_ROOT, pid, TOKEN_VARIABLE, token, sizeof token);
    if (!marked || run_token_state(token) != TOKEN_STALE || !is_ours(pid) || !same_pid_namespace(pid)) {
        return;
    }
    char command[200];
    char what[256];
    proc_command_line(PROC_ROOT, pid, command, sizeof command);
    snprintf(what, sizeof what, "%d %s", (int)pid, command);
    say(stale, "process", what);
    if (stale->remove && kill(pid, SIGKILL) == 0) {
        wait_for_end(pid, os_now() + (int64_t)STALE_END_MS * NS_PER_MS);
    }
}

static void say_aside(void *context, const char *path, const char *aside)
{
    struct stale *stale = context;
    stale->count++;
    if (stale->out != NULL) {
        fprintf(stale->out, "  file %s%s %s\n", path, stale->remove ? ": put back, was" : ", now", aside);
    }
}

static void stale_files(struct stale *stale, const char *base, bool folders)
{
    DIR *folder = opendir(base);
    if (folder == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct stat info;
        if (run_name_state(entry->d_name) != TOKEN_STALE ||
            fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            info.st_uid != geteuid() || (folders ? !S_ISDIR(info.st_mode) : !S_ISREG(info.st_mode)) ||
            rundir_is_foreign(stale->base, entry->d_name)) {
            continue;
        }
        char path[RUN_PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", base, entry->d_name) >= (int)sizeof path) {
            continue;
        }
        say(stale, folders ? "folder" : "shared memory", path);
        if (folders && aside_restore(path, stale->remove, say_aside, stale) != 0) {
            continue; /* the only note of it */
        }
        if (stale->remove) {
            (void)folder_remove(path);
        }
    }
    closedir(folder);
}

size_t cleanup_stale(const char *base, bool remove, FILE *out)
{
    struct stale stale = {.base = base, .remove = remove, .out = out};
    struct proc_table table;
    if (proc_table_read(PROC_ROOT, &table) == 0) {
        for (size_t i = 0; i < table.count; i++) {
            if (table.rows[i].pid != getpid() && table.rows[i].state != 'Z') {
                stale_process(&stale, table.rows[i].pid);
            }
        }
    }
    proc_table_free(&table);
    stale_files(&stale, base, true);
    stale_files(&stale, SHM_FOLDER, false);
    return stale.count;
}

size_t cleanup_dead_sets(bool remove, FILE *out)
{
    struct stale stale = {.remove = remove, .out = out};
    DIR *folder = opendir(SHM_FOLDER);
    if (folder == NULL) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct stat info;
        if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            info.st_uid != geteuid() || !segment_is_leftover(entry->d_name)) {
            continue;
        }
        char path[RUN_PATH_MAX];
        snprintf(path, sizeof path, SHM_FOLDER "/%.*s", NAME_MAX, entry->d_name);
        say(&stale, "shared memory", path);
        if (remove) {
            segment_remove_leftover(entry->d_name);
        }
    }
    closedir(folder);
    return stale.count;
}
