/* client_family.c - see client_family.h. */
#include "client_family.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_operation.h"

extern char **environ;

enum {
    MEMBER_SOCKET = 3, /* its number in a member */
    ARGUMENTS_MAX = 32,
    NUMBER_MAX = 32
};

/* ---- messages ---- */

bool family_send(int socket, const void *message, size_t size)
{
    ssize_t count;

    do {
        count = send(socket, message, size, MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    return count == (ssize_t)size;
}

bool family_receive(int socket, void *message, size_t size)
{
    ssize_t count;

    do {
        count = recv(socket, message, size, 0);
    } while (count < 0 && errno == EINTR);
    return count == (ssize_t)size;
}

/* ---- starting members ---- */

/* A member's command line: what it must know of ours, whatever that was. */
struct command_line {
    int count;
    const char *arguments[ARGUMENTS_MAX];
    char numbers[ARGUMENTS_MAX][NUMBER_MAX];
};

static void add(struct command_line *line, const char *option, const char *value)
{
    if (value) {
        line->arguments[line->count++] = option;
        line->arguments[line->count++] = value;
    }
}

static void add_number(struct command_line *line, const char *option, int64_t value)
{
    char *text = line->numbers[line->count];

    snprintf(text, NUMBER_MAX, "%lld", (long long)value);
    add(line, option, text);
}

static void write_command_line(const struct operation *operation, int number, int count,
                               struct command_line *line)
{
    const struct client_options *options = operation_options(operation);

    line->arguments[line->count++] = options->program;
    line->arguments[line->count++] = operation_is_backup(operation) ? "backup" : "restore";
    line->arguments[line->count++] = "--no-sql";
    add(line, "--set", options->set);
    add(line, "--database", options->database);
    add(line, "--dir", options->directory);
    add(line, "--sql-result", options->sql_result);
    add_number(line, "--devices", options->devices);
    add_number(line, "--timeout", options->timeout_ms);
    add_number(line, "--patience", options->patience_ms);
    add_number(line, "--member", number);
    add_number(line, "--members", count);
    if (options->fail_write) {
        add_number(line, "--fail-write", options->fail_write);
    }
}

/* The executable by its own name, not as /proc/self/exe: that is what the process will be called. */
static int spawn_self(struct command_line *line, int socket, pid_t *child)
{
    char path[CLIENT_PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    posix_spawn_file_actions_t actions;
    int error;

    if (length < 0) {
        return errno;
    }
    path[length] = '\0';
    error = posix_spawn_file_actions_init(&actions);
    if (error) {
        return error;
    }
    error = posix_spawn_file_actions_adddup2(&actions, socket, MEMBER_SOCKET);
    if (!error) {
        error = posix_spawn(child, path, &actions, NULL, (char *const *)line->arguments, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Waits for the end of a member. Nobody else would notice that it died (spec 8). */
static void *watch(void *context)
{
    struct family_member *member = context;
    int status = 0;

    while (waitpid(member->process, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != CLIENT_SUCCESS) {
        operation_fail(member->session->operation, "process %d of the client ended with status 0x%x",
                       member->number, (unsigned)status);
        vdi_set_signal_abort(&member->session->set);
    }
    return NULL;
}

static int start_member(struct family_member *member, int count)
{
    struct command_line line = {0};
    int ends[2], error;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
        return errno;
    }
    write_command_line(member->session->operation, member->number, count, &line);
    error = spawn_self(&line, ends[1], &member->process);
    close(ends[1]);
    if (!error) {
        error = pthread_create(&member->watcher, NULL, watch, member);
        if (error) {
            kill(member->process, SIGKILL);
            waitpid(member->process, NULL, 0);
        }
    }
    if (error) {
        close(ends[0]);
    } else {
        member->socket = ends[0];
    }
    return error;
}

bool family_start(struct family *family, struct session *session, int count)
{
    for (family->count = 0; family->count < count; family->count++) {
        struct family_member *member = &family->members[family->count];
        int error;

        *member = (struct family_member){.session = session, .number = family->count + 1};
        error = start_member(member, count);
        if (error) {
            operation_fail(session->operation, "cannot start a process: %s", strerror(error));
            vdi_set_signal_abort(&session->set);
            return false;
        }
    }
    return true;
}

void family_end(struct family *family)
{
    for (int i = 0; i < family->count; i++) {
        shutdown(family->members[i].socket, SHUT_RDWR);
    }
    for (int i = 0; i < family->count; i++) {
        pthread_join(family->members[i].watcher, NULL);
        close(family->members[i].socket);
    }
    family->count = 0;
}

/* ---- being one ---- */

struct family_role family_take_role(int *argc, char **argv)
{
    const char *number = client_take_option(argc, argv, "--member");
    const char *count = client_take_option(argc, argv, "--members");
    int64_t numbers[2] = {0, 0};

    if (!number || !client_number(number, 1, CLIENT_DEVICES_MAX, 0, &numbers[0]) ||
        !client_number(count, numbers[0], CLIENT_DEVICES_MAX, 0, &numbers[1])) {
        return (struct family_role){0};
    }
    return (struct family_role){.number = (int)numbers[0], .count = (int)numbers[1], .socket = MEMBER_SOCKET};
}

int family_run_member(const struct client_options *options, const struct family_role *role, bool follow,
                      client_work *work)
{
    struct operation *operation = operation_new(options, options->backup);
    int error = operation ? 0 : ENOMEM;
    bool failed;

    if (!error && follow) {
        error = operation_follow(operation, role->socket);
    }
    if (error) {
        fprintf(stderr, "%s: process %d: %s\n", options->program, role->number, strerror(error));
        operation_free(operation);
        return CLIENT_FAILURE;
    }
    work(operation);
    if (follow) {
        shutdown(role->socket, SHUT_RDWR); /* the primary may be waiting for our end before its own */
        operation_unfollow(operation);
    }
    failed = operation_failed(operation);
    if (failed) {
        fprintf(stderr, "%s: process %d: %s\n", options->program, role->number, operation_reason(operation));
    }
    operation_free(operation);
    return failed ? CLIENT_FAILURE : CLIENT_SUCCESS;
}
