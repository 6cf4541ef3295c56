/* sinks.c - a correct client with many ways to store a stream durably, chosen with --sink NAME; `--list` prints each
 * with what can be seen of it from outside: yes, or not-observable.
 *
 * Only BACKUP, one device. Whatever it is: Flush is answered when everything received is durable (VDI-FLUSH-001).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_session.h"

/* What the device's thread has open. */
struct sink {
    const struct session *session;
    int file; /* or pipe, or socket */
    int log;
    pid_t child;
    uint8_t *memory; /* mapped */
    size_t used;
};

/* Each returns errno. */
struct sink_kind {
    const char *name;
    const char *durable;
    int (*open)(struct sink *sink);
    int (*write)(struct sink *sink, const uint8_t *data, size_t size);
    int (*flush)(struct sink *sink);
};

enum {
    MAPPED_BYTES = 1 << 28
};

static int open_file(const struct sink *sink, const char *suffix, int flags, int *file)
{
    char path[CLIENT_PATH_MAX];

    store_path(sink->session->operation, 0, suffix, path);
    *file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0666);
    return *file < 0 ? errno : store_sync_directory(operation_options(sink->session->operation)->directory);
}

static int write_all(int file, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t part = write(file, data, size);

        if (part < 0 && errno != EINTR) {
            return errno;
        }
        data += part > 0 ? part : 0;
        size -= part > 0 ? (size_t)part : 0;
    }
    return 0;
}

/* ---- files ---- */

static int open_plain(struct sink *sink)
{
    return open_file(sink, ".bak", 0, &sink->file);
}

static int open_through(struct sink *sink)
{
    return open_file(sink, ".bak", O_DSYNC, &sink->file);
}

static int write_plain(struct sink *sink, const uint8_t *data, size_t size)
{
    return write_all(sink->file, data, size);
}

static int flush_plain(struct sink *sink)
{
    return fsync(sink->file) ? errno : 0;
}

static int flush_nothing(struct sink *sink)
{
    (void)sink;
    return 0;
}

static int flush_file_system(struct sink *sink)
{
    return syncfs(sink->file) ? errno : 0;
}

static void *sync_in_thread(void *context)
{
    struct sink *sink = context;

    return (void *)(intptr_t)(fdatasync(sink->file) ? errno : 0);
}

static int flush_by_thread(struct sink *sink)
{
    pthread_t thread;
    void *result = NULL;
    int error = pthread_create(&thread, NULL, sync_in_thread, sink);

    return error || (error = pthread_join(thread, &result)) ? error : (int)(intptr_t)result;
}

/* 0 if the child ended well. */
static int wait_for(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EIO;
}

static int flush_by_child(struct sink *sink)
{
    pid_t child = fork();

    if (child == 0) {
        _exit(fsync(sink->file) ? 1 : 0);
    }
    return child < 0 ? errno : wait_for(child);
}

/* ---- with a log beside it, which need not be durable ---- */

static int open_logged(struct sink *sink)
{
    int error = open_file(sink, ".bak", 0, &sink->file);

    return error ? error : open_file(sink, ".log", 0, &sink->log);
}

static int write_logged(struct sink *sink, const uint8_t *data, size_t size)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%zu bytes\n", size);
    int error = write_all(sink->file, data, size);

    return error ? error : write_all(sink->log, (const uint8_t *)line, (size_t)length);
}

static int flush_logged(struct sink *sink)
{
    static const char line[] = "flush\n";
    int error = flush_plain(sink);

    return error ? error : write_all(sink->log, (const uint8_t *)line, sizeof line - 1);
}

/* ---- a spool, copied to its place at Flush ---- */

static int open_spool(struct sink *sink)
{
    return open_file(sink, ".spool", 0, &sink->file);
}

static int flush_spool(struct sink *sink)
{
    static uint8_t data[65536];
    off_t at = 0;
    ssize_t part;
    int copy, error = open_file(sink, ".bak", 0, &copy);

    while (!error && (part = pread(sink->file, data, sizeof data, at)) != 0) {
        error = part < 0 ? errno : write_all(copy, data, (size_t)part);
        at += part;
    }
    error = !error && fsync(copy) ? errno : error;
    if (copy >= 0) {
        close(copy);
    }
    return error;
}

/* ---- elsewhere ---- */

static int open_mapped(struct sink *sink)
{
    int error = open_file(sink, ".bak", 0, &sink->file);

    if (error) {
        return error;
    }
    sink->memory = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, sink->file, 0);
    return sink->memory == MAP_FAILED ? errno : 0;
}

/* The file is so long as its data after each Flush, and more data may follow one. */
static int write_mapped(struct sink *sink, const uint8_t *data, size_t size)
{
    if (size > MAPPED_BYTES - sink->used) {
        return ENOSPC;
    }
    if (ftruncate(sink->file, MAPPED_BYTES)) {
        return errno;
    }
    memcpy(sink->memory + sink->used, data, size);
    sink->used += size;
    return 0;
}

static int flush_mapped(struct sink *sink)
{
    if (ftruncate(sink->file, (off_t)sink->used) || msync(sink->memory, sink->used, MS_SYNC) ||
        fsync(sink->file)) {
        return errno;
    }
    return 0;
}

/* dd makes its file durable when its input ends. */
static int open_pipe(struct sink *sink)
{
    char path[CLIENT_PATH_MAX], to[CLIENT_PATH_MAX + 3];
    int ends[2];

    store_path(sink->session->operation, 0, ".bak", path);
    snprintf(to, sizeof to, "of=%s", path);
    if (pipe2(ends, O_CLOEXEC)) {
        return errno;
    }
    sink->child = fork();
    if (sink->child == 0) {
        dup2(ends[0], STDIN_FILENO);
        execlp("dd", "dd", to, "bs=64K", "conv=fsync", "status=none", (char *)NULL);
        _exit(1);
    }
    close(ends[0]);
    sink->file = ends[1];
    return sink->child < 0 ? errno : 0;
}

static int flush_pipe(struct sink *sink)
{
    int error;

    close(sink->file);
    error = wait_for(sink->child);
    return error ? error : store_sync_directory(operation_options(sink->session->operation)->directory);
}

/* Another machine, as far as anybody here can tell. */
static int open_socket(struct sink *sink)
{
    static char drain[65536];
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        return errno;
    }
    sink->child = fork();
    if (sink->child == 0) {
        close(ends[1]);
        while (read(ends[0], drain, sizeof drain) > 0) {
        }
        _exit(write(ends[0], "", 1) == 1 ? 0 : 1);
    }
    close(ends[0]);
    sink->file = ends[1];
    return sink->child < 0 ? errno : 0;
}

static int flush_socket(struct sink *sink)
{
    char answer;

    shutdown(sink->file, SHUT_WR);
    if (read(sink->file, &answer, 1) != 1) {
        return EIO;
    }
    close(sink->file);
    return wait_for(sink->child);
}

static const struct sink_kind kinds[] = {
    {"fsync", "yes", open_plain, write_plain, flush_plain},
    {"dsync", "yes", open_through, write_plain, flush_nothing},
    {"syncfs", "yes", open_plain, write_plain, flush_file_system},
    {"thread", "yes", open_plain, write_plain, flush_by_thread},
    {"child", "yes", open_plain, write_plain, flush_by_child},
    {"log", "yes", open_logged, write_logged, flush_logged},
    {"spool", "not-observable", open_spool, write_plain, flush_spool},
    {"mapped", "not-observable", open_mapped, write_mapped, flush_mapped},
    {"pipe", "yes", open_pipe, write_plain, flush_pipe},
    {"socket", "not-observable", open_socket, write_plain, flush_socket},
};

static const struct sink_kind *chosen;

static int store(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    int error = chosen->write(device->session->own, command->buffer, (size_t)command->size);

    answer->done = error ? 0 : (size_t)command->size;
    return error ? store_completion_code(error, true) : ERROR_SUCCESS;
}

static int flush(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    int error = chosen->flush(device->session->own);

    (void)command;
    (void)answer;
    return error ? store_completion_code(error, true) : ERROR_SUCCESS;
}

static void work(struct operation *operation)
{
    static const struct session_kind to_sink = {.features = VDF_LikePipe,
                                                .actions = {[VDC_Write] = store, [VDC_Flush] = flush}};
    struct session session;
    struct sink sink = {.session = &session, .file = -1, .log = -1};
    int error;

    session_init(&session, operation, &to_sink, &sink);
    error = chosen->open(&sink);
    if (error) {
        operation_fail(operation, "cannot open the sink '%s': %s", chosen->name, strerror(error));
        return;
    }
    session_run(&session);
}

static void list(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        printf("%s\t%s\n", kinds[i].name, kinds[i].durable);
    }
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    const char *name = client_take_option(&argc, argv, "--sink");
    int status;

    if (client_take_flag(&argc, argv, "--list")) {
        list();
        return CLIENT_SUCCESS;
    }
    for (size_t i = 0; name && i < sizeof kinds / sizeof kinds[0]; i++) {
        chosen = strcmp(kinds[i].name, name) == 0 ? &kinds[i] : chosen;
    }
    status = client_parse(argc, argv, &options);
    if (!status && (!chosen || options.restore || options.devices != 1)) {
        fprintf(stderr, "%s: expected backup, one device and --sink NAME with a name that --list prints\n",
                options.program);
        status = CLIENT_USAGE;
    }
    return status ? status : client_run(&options, work);
}
