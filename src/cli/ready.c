/* ready.c - see ready.h. */
#include "ready.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "procfs.h"
#include "session_loop.h"

enum {
    TCP_LISTEN = 10, /* states of /proc/net/tcp */
    SOCKETS_MAX = 64,
    LINE_FIELDS = 512,
    UNIX_ACCEPTS = 0x10000 /* flags of /proc/net/unix */
};

/* ---- a port ---- */

struct listeners {
    size_t count;
    uint64_t inode[SOCKETS_MAX];
    pid_t process; /* that is looked at */
    bool found;
};

static void read_listeners(const char *file, uint16_t port, struct listeners *listeners)
{
    char line[LINE_FIELDS];
    FILE *table = fopen(file, "re");
    while (table != NULL && fgets(line, sizeof line, table) != NULL) {
        unsigned at = 0, state = 0;
        uint64_t inode = 0;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %" SCNu64, &at,
                   &state, &inode) == 3 &&
            at == port && state == TCP_LISTEN && listeners->count < SOCKETS_MAX) {
            listeners->inode[listeners->count++] = inode;
        }
    }
    if (table != NULL) {
        fclose(table);
    }
}

static void look_at_descriptor(void *context, pid_t descriptor)
{
    struct listeners *listeners = context;
    char file[32], target[64], socket[64];
    snprintf(file, sizeof file, "fd/%d", (int)descriptor);
    if (listeners->found || !proc_link(PROC_ROOT, listeners->process, file, target, sizeof target)) {
        return;
    }
    for (size_t i = 0; i < listeners->count; i++) {
        snprintf(socket, sizeof socket, "socket:[%" PRIu64 "]", listeners->inode[i]);
        listeners->found = listeners->found || strcmp(socket, target) == 0;
    }
}

static void look_at_process(void *context, pid_t pid, enum run_member member)
{
    struct listeners *listeners = context;
    (void)member;
    listeners->process = pid;
    (void)proc_each_descriptor(PROC_ROOT, pid, look_at_descriptor, listeners);
}

static bool listens_on(struct session *session, uint16_t port)
{
    struct listeners listeners = {0};
    read_listeners("/proc/net/tcp", port, &listeners);
    read_listeners("/proc/net/tcp6", port, &listeners);
    if (listeners.count > 0) {
        session_each_process(session, look_at_process, &listeners);
    }
    return listeners.found;
}

/* ---- a file ---- */

/* A socket is there from bind on, and of use from listen on. One that is known by another name counts when it is there. */
static bool takes_connections(const char *path)
{
    char line[LINE_FIELDS];
    bool known = false, accepts = false;
    FILE *table = fopen("/proc/net/unix", "re");
    while (table != NULL && fgets(line, sizeof line, table) != NULL) {
        unsigned flags = 0;
        int end = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%*s %*s %*s %x %*s %*s %*u %n", &flags, &end) == 1 && end > 0 &&
            strcmp(line + end, path) == 0) {
            known = true;
            accepts = accepts || (flags & UNIX_ACCEPTS) != 0;
        }
    }
    if (table != NULL) {
        fclose(table);
    }
    return accepts || !known;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool has_come(const struct ready_watch *watch)
{
    struct stat now;
    if (stat(watch->path, &now) != 0) {
        return false;
    }
    bool same = watch->was_there && now.st_dev == watch->before.st_dev &&
                now.st_ino == watch->before.st_ino && is_same_time(&now.st_ctim, &watch->before.st_ctim);
    return !same && (!S_ISSOCK(now.st_mode) || takes_connections(watch->path));
}

/* ---- one that forks away ---- */

struct runs_on {
    pid_t process;
};

static void note_client(void *context, pid_t pid, enum run_member member)
{
    struct runs_on *runs_on = context;
    runs_on->process = member == MEMBER_CLIENT ? pid : runs_on->process;
}

bool ready_has_forked_away(struct session *session)
{
    const struct session_child *child = &session->child;
    struct runs_on runs_on = {0};
    if (child->ended && WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0) {
        session_linger(session);
        session_each_process(session, note_client, &runs_on);
    }
    if (runs_on.process == 0 || session->interrupted != 0) {
        return false;
    }
    snprintf(
        session->error, sizeof session->error,
        "the client ended (exit status 0), and its process %d runs on; expected a daemon that stays in the "
        "foreground, as with an option --foreground or --no-fork of its own",
        (int)runs_on.process);
    return true;
}

/* ---- the watch ---- */

int ready_begin(struct ready_watch *watch, const struct session *session)
{
    const struct job_options *jobs = &session->setup.options->jobs;
    *watch = (struct ready_watch){0};
    if (jobs->ready != READY_FILE) {
        return 0;
    }
    watch->path = rundir_expand(&session->dir, jobs->ready_text);
    if (watch->path == NULL) {
        return ENOMEM;
    }
    watch->was_there = stat(watch->path, &watch->before) == 0;
    return 0;
}

void ready_end(struct ready_watch *watch)
{
    free(watch->path);
    watch->path = NULL;
}

bool ready_look(const struct ready_watch *watch, struct session *session)
{
    const struct job_options *jobs = &session->setup.options->jobs;
    switch (jobs->ready) {
    case READY_OUTPUT:
        return session->output.matched[OUTPUT_READY];
    case READY_PORT:
        return listens_on(session, jobs->ready_port);
    case READY_FILE:
        return has_come(watch);
    default:
        return true;
    }
}
