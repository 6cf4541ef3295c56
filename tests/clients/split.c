/* split.c - a correct client in two: a worker process makes all VDI calls, its parent none. The parent holds the
 * connection to SQL Server: it issues the statement once the worker has its set, tells the worker that it is over, and
 * says how it all went.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_operation.h"
#include "client_session.h"

static int joint; /* the end of the socket that is this process's own */

/* ---- the worker ---- */

/* The set is there: now the statement may come. The end of the socket will be the end of the statement. */
static bool transfer(struct session *session)
{
    bool told = send(joint, "c", 1, MSG_NOSIGNAL) == 1 && operation_follow(session->operation, joint) == 0;
    bool served = told && session_transfer(session);

    if (!told) {
        operation_fail(session->operation, "the parent process is gone");
        vdi_set_signal_abort(&session->set);
        return false;
    }
    shutdown(joint, SHUT_WR);
    operation_unfollow(session->operation);
    return served;
}

static void work(struct operation *operation)
{
    static const struct session_kind kind = {
        .suffix = ".bak", .features = VDF_LikePipe, .transfer = transfer};
    struct session session;

    session_init(&session, operation, &kind, NULL);
    session_run(&session);
}

static int work_for_parent(const struct client_options *options, bool backup)
{
    struct client_options own = *options;

    own.no_sql = true;
    return client_run_one(&own, backup, work) ? CLIENT_SUCCESS : CLIENT_FAILURE;
}

/* ---- its parent ---- */

static void issue(struct operation *operation)
{
    char told;
    int error;

    if (recv(joint, &told, 1, 0) != 1) {
        operation_fail(operation, "the worker made no set");
        return;
    }
    error = operation_start_statement(operation);
    if (error) {
        operation_fail(operation, "cannot start sqlcmd: %s", strerror(error));
    } else {
        operation_wait_statement(operation);
    }
}

static void supervise(struct operation *operation)
{
    const struct client_options *options = operation_options(operation);
    int ends[2], status = 0;
    pid_t worker;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        operation_fail(operation, "cannot make a socket: %s", strerror(errno));
        return;
    }
    fflush(NULL);
    worker = fork();
    joint = ends[worker == 0];
    close(ends[worker != 0]);
    if (worker == 0) {
        status = work_for_parent(options, operation_is_backup(operation));
        fflush(NULL);
        _exit(status);
    }
    if (worker > 0) {
        issue(operation);
        shutdown(joint, SHUT_WR);
    }
    while (worker > 0 && waitpid(worker, &status, 0) < 0 && errno == EINTR) {
    }
    close(joint);
    if (worker < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != CLIENT_SUCCESS) {
        operation_fail(operation, "the worker failed (status 0x%x)", (unsigned)status);
    }
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status = client_parse(argc, argv, &options);

    return status ? status : client_run(&options, supervise);
}
