/* daemon.c - a backup service: it runs until it is asked to end, and takes jobs over a socket.
 *
 *   daemon --listen SOCKET [--port N] [--in process] [--no-wait] [--open-lines] [--fork]
 *          [--result FILE] [--bug NAME] OPTIONS of every client...
 *   daemon --ask SOCKET backup|restore         gives it a job; the exit status is how that went
 *
 * Each job is done in a thread, or with --in process in a worker process; one that fails leaves the next one as it would
 * have been. With --no-wait the answer only says that the job was taken: how it went is in FILE, and on stdout; with
 * --open-lines without an end of the line. With --fork it goes on in a child. SIGTERM ends it, between two jobs; with --term-in-job the first Write sends it one. Bugs, for tests of the testbed:
 *
 *   stuck    after a job that failed it refuses all others
 *   claims   every job went well
 *   denies   every job failed
 *   leaks    it never closes a set
 *   quits    it ends at once where it is asked to, also in the middle of a job
 *   leaves   after a job that failed it ends
 *   deaf     it does not end when it is asked to
 *   silent   after a job that failed it never answers
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_session.h"

enum {
    BACKLOG = 8,
    ASKED_MAX = 32
};

static struct {
    struct client_options options;
    const char *bug;
    const char *result;
    int64_t port; /* that it listens on, too; 0 none */
    bool in_process;
    bool no_wait;
    bool open_lines;
    bool term_in_job;
    bool has_failed;
} service;

struct job {
    bool backup;
    bool success;
};

static bool has_bug(const char *name)
{
    return service.bug && !strcmp(service.bug, name);
}

/* ---- a job ---- */

static int write_and_be_stopped(struct session_device *device, const VDC_Command *command,
                                struct session_answer *answer)
{
    if (device->writes == 1 && device->index == 0) {
        kill(getpid(), SIGTERM);
    }
    return store_write(device->file, command->buffer, (size_t)command->size, &answer->done);
}

/* The bug: the set stays as it is. What it lies in must stay, too. */
static void run_and_leave(struct session *session)
{
    if (session_open_files(session)) {
        vdi_set_init(&session->set);
        if (session->kind.attach(session)) {
            session_converse(session);
        }
    }
    session_close_files(session);
}

static void work(struct operation *operation)
{
    struct session_kind kind = {.suffix = ".bak", .features = VDF_LikePipe};
    struct session *session = calloc(1, sizeof *session);

    if (!session) {
        operation_fail(operation, "out of memory");
        return;
    }
    if (service.term_in_job) {
        kind.actions[VDC_Write] = write_and_be_stopped;
    }
    session_init(session, operation, &kind, NULL);
    if (has_bug("leaks")) {
        run_and_leave(session);
        return;
    }
    session_run(session);
    free(session);
}

static void *do_job(void *context)
{
    struct job *job = context;

    job->success = client_run_one(&service.options, job->backup, work);
    fflush(stdout);
    return NULL;
}

static bool run_in_thread(struct job *job)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, do_job, job)) {
        return false;
    }
    pthread_join(thread, NULL);
    return job->success;
}

static bool run_in_process(struct job *job)
{
    int status = 0;
    pid_t worker;

    fflush(NULL);
    worker = fork();
    if (worker == 0) {
        do_job(job);
        _exit(job->success ? CLIENT_SUCCESS : CLIENT_FAILURE);
    }
    while (worker > 0 && waitpid(worker, &status, 0) < 0 && errno == EINTR) {
    }
    return worker > 0 && WIFEXITED(status) && WEXITSTATUS(status) == CLIENT_SUCCESS;
}

static bool run_job(bool backup)
{
    struct job job = {.backup = backup};
    bool success = false;

    if (!(has_bug("stuck") && service.has_failed)) {
        success = service.in_process ? run_in_process(&job) : run_in_thread(&job);
    }
    service.has_failed = service.has_failed || !success;
    return (success || has_bug("claims")) && !has_bug("denies");
}

/* ---- asking for one, and answering ---- */

static int open_socket(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address->sun_path, path);
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int ask(const char *path, const char *what)
{
    struct sockaddr_un address;
    char answer[ASKED_MAX] = "";
    int socket = open_socket(path, &address);
    ssize_t got = -1;

    if (socket >= 0 && connect(socket, (struct sockaddr *)&address, sizeof address) == 0 &&
        send(socket, what, strlen(what), MSG_NOSIGNAL) == (ssize_t)strlen(what)) {
        got = recv(socket, answer, sizeof answer - 1, 0);
    }
    if (got <= 0) {
        fprintf(stderr, "daemon: no answer on %s: %s\n", path, got < 0 ? strerror(errno) : "it ended");
        return CLIENT_FAILURE;
    }
    return strcmp(answer, "failure") == 0 ? CLIENT_FAILURE : CLIENT_SUCCESS;
}

static void answer(int connection, const char *word)
{
    (void)!send(connection, word, strlen(word), MSG_NOSIGNAL);
}

static void print_line(const char *what, const char *word)
{
    printf("%s%s%s", what, word, service.open_lines ? "" : "\n");
    fflush(stdout);
}

/* In one step: nobody reads half of it. */
static void write_result(const char *word)
{
    char other[CLIENT_PATH_MAX];
    FILE *file;

    if (!service.result) {
        return;
    }
    snprintf(other, sizeof other, "%s.new", service.result);
    file = fopen(other, "we");
    if (file && fprintf(file, "%s\n", word) > 0 && fclose(file) == 0) {
        (void)rename(other, service.result);
    }
}

static void serve(int connection)
{
    char asked[ASKED_MAX] = "";
    ssize_t got = recv(connection, asked, sizeof asked - 1, 0);
    const char *word;

    if (got <= 0) {
        return;
    }
    if (service.no_wait) {
        answer(connection, "taken");
        shutdown(connection, SHUT_RDWR);
    }
    word = run_job(strcmp(asked, "restore") != 0) ? "success" : "failure";
    if (has_bug("silent") && service.has_failed) {
        pause();
    }
    print_line("job: ", word);
    write_result(word);
    if (!service.no_wait) {
        answer(connection, word);
    }
}

/* Until it is asked to end. */
static void serve_all(int listener, int signals)
{
    struct pollfd waits[] = {{.fd = listener, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

    while (poll(waits, 2, -1) > 0 || errno == EINTR) {
        if (waits[1].revents != 0 && !has_bug("deaf")) {
            return;
        }
        if (waits[0].revents != 0) {
            int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

            if (connection >= 0) {
                serve(connection);
                close(connection);
            }
        }
        if (has_bug("leaves") && service.has_failed) {
            return;
        }
        waits[1].fd = has_bug("deaf") ? -1 : signals;
    }
}

static void quit(int signal)
{
    (void)signal;
    _exit(CLIENT_SUCCESS);
}

/* Nobody is served there. */
static bool listen_on_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)service.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = service.port ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;

    return !service.port || (listener >= 0 && !bind(listener, (struct sockaddr *)&address, sizeof address) &&
                             !listen(listener, BACKLOG));
}

static int listen_on(const char *path)
{
    struct sockaddr_un address;
    int listener = open_socket(path, &address);
    sigset_t term;
    int signals;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    if (has_bug("quits")) {
        signal(SIGTERM, quit);
        sigemptyset(&term);
    }
    sigprocmask(SIG_BLOCK, &term, NULL);
    signals = signalfd(-1, &term, SFD_CLOEXEC);
    if (listener < 0 || signals < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) ||
        listen(listener, BACKLOG) || !listen_on_port()) {
        fprintf(stderr, "daemon: cannot listen on %s: %s\n", path, strerror(errno));
        return CLIENT_USAGE;
    }
    print_line("daemon: ", "waiting for jobs");
    serve_all(listener, signals);
    (void)unlink(path);
    return CLIENT_SUCCESS;
}

int main(int argc, char **argv)
{
    const char *to = client_take_option(&argc, argv, "--ask");
    const char *path = client_take_option(&argc, argv, "--listen");
    const char *in = client_take_option(&argc, argv, "--in");
    const char *port = client_take_option(&argc, argv, "--port");
    int status;

    if (to) {
        return ask(to, argc > 1 ? argv[1] : "backup");
    }
    service.bug = client_take_option(&argc, argv, "--bug");
    service.result = client_take_option(&argc, argv, "--result");
    service.in_process = in && !strcmp(in, "process");
    service.no_wait = client_take_flag(&argc, argv, "--no-wait");
    service.open_lines = client_take_flag(&argc, argv, "--open-lines");
    if (client_take_flag(&argc, argv, "--fork") && fork() > 0) {
        return CLIENT_SUCCESS;
    }
    service.term_in_job = client_take_flag(&argc, argv, "--term-in-job");
    status = client_parse(argc, argv, &service.options);
    if (status || !path || !client_number(port, 1, UINT16_MAX, 0, &service.port)) {
        fprintf(stderr, "%s: --listen SOCKET, or --ask SOCKET backup|restore\n", argv[0]);
        return CLIENT_USAGE;
    }
    return listen_on(path);
}
