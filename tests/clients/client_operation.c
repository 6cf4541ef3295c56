/* client_operation.c - one backup or restore: its statement, its waits, its outcome.
 *
 * The statement runs in a child (sqlcmd), beside the VDI calls (VDI-TERM-002). A thread reads what it prints;
 * the end of that output is the end of the statement. The child itself is reaped by the client's main thread,
 * so that its process number stays ours as long as we may still have to signal it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client_operation.h"

extern char **environ;

enum {
    REASON_MAX = 256,
    RESULT_POLL_MS = 50,
    /* After an abort SQL Server ends the statement by itself; how long that may take before we stop it. */
    STATEMENT_END_MS = 10000,
    STATEMENT_KILL_MS = 2000,
};

struct operation {
    const struct client_options *options;
    bool backup;
    pthread_mutex_t lock; /* guards all that follows down to `statement` */
    pthread_cond_t ended_changed;
    bool ended;
    int64_t ended_ms;
    int64_t activity_ms;
    bool failed;
    char reason[REASON_MAX];
    pid_t statement; /* main thread only; 0: none */
    char *text;      /* of a statement that the connection issues; NULL: none is to be asked for its end */
    bool succeeded;  /* the connection says so; the reader's until `ended` */
    pthread_t reader;
    bool reads_late;
    int output_fd;
    char *output; /* the reader's until `ended` */
    size_t output_size;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct operation *operation_new(const struct client_options *options, bool backup)
{
    struct operation *operation = calloc(1, sizeof *operation);
    pthread_condattr_t attributes;

    if (!operation) {
        return NULL;
    }
    operation->options = options;
    operation->backup = backup;
    operation->output_fd = -1;
    operation->activity_ms = now_ms();
    pthread_mutex_init(&operation->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&operation->ended_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return operation;
}

void operation_free(struct operation *operation)
{
    if (!operation) {
        return;
    }
    pthread_cond_destroy(&operation->ended_changed);
    pthread_mutex_destroy(&operation->lock);
    free(operation->text);
    free(operation->output);
    free(operation);
}

const struct client_options *operation_options(const struct operation *operation)
{
    return operation->options;
}

bool operation_is_backup(const struct operation *operation)
{
    return operation->backup;
}

void operation_device_name(const struct operation *operation, int index, char name[CLIENT_NAME_MAX])
{
    /* The first device carries the name of the set (VDI-SQL-001). */
    if (index == 0) {
        snprintf(name, CLIENT_NAME_MAX, "%s", operation->options->set);
    } else {
        snprintf(name, CLIENT_NAME_MAX, "%s-%d", operation->options->set, index);
    }
}

/* ---- the statement ---- */

/* Writes `text`, doubling each `quote`: the T-SQL way to quote it. */
static void print_quoted(FILE *out, const char *text, char quote)
{
    for (; *text; text++) {
        if (*text == quote) {
            fputc(quote, out);
        }
        fputc(*text, out);
    }
}

static char *statement_text(const struct operation *operation)
{
    const struct client_options *options = operation->options;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out) {
        return NULL;
    }
    fprintf(out, "%s %s [", operation->backup ? "BACKUP" : "RESTORE", options->log ? "LOG" : "DATABASE");
    print_quoted(out, options->database, ']');
    fprintf(out, "] %s ", operation->backup ? "TO" : "FROM");
    for (int i = 0; i < options->devices; i++) {
        char name[CLIENT_NAME_MAX];

        operation_device_name(operation, i, name);
        fprintf(out, "%sVIRTUAL_DEVICE=N'", i ? ", " : "");
        print_quoted(out, name, '\'');
        fputc('\'', out);
    }
    fprintf(out, " WITH %s", !operation->backup ? "REPLACE" : options->append ? "NOINIT" : "FORMAT");
    if (options->with) {
        fprintf(out, ", %s", options->with);
    }
    return fclose(out) ? NULL : text;
}

static void note_end(struct operation *operation)
{
    pthread_mutex_lock(&operation->lock);
    operation->ended = true;
    operation->ended_ms = now_ms();
    pthread_cond_broadcast(&operation->ended_changed);
    pthread_mutex_unlock(&operation->lock);
}

static void *read_output(void *context)
{
    struct operation *operation = context;
    FILE *out = open_memstream(&operation->output, &operation->output_size);
    char part[512];
    ssize_t count;

    while ((count = read(operation->output_fd, part, sizeof part)) != 0) {
        if (count > 0 && out) {
            fwrite(part, 1, (size_t)count, out);
        } else if (count < 0 && errno != EINTR) {
            break;
        }
    }
    if (out) {
        fclose(out);
    }
    note_end(operation);
    return NULL;
}

/* The reader's body where a connection issues the statement. */
static void *use_connection(void *context)
{
    struct operation *operation = context;
    const struct client_connection *connection = operation->options->connection;
    FILE *out = open_memstream(&operation->output, &operation->output_size);

    if (out) {
        operation->succeeded = connection->run(connection->context, operation->text, out);
        fclose(out);
    }
    note_end(operation);
    return NULL;
}

static int spawn_sqlcmd(const char *sqlcmd, char *statement, int output, pid_t *child)
{
    char *arguments[] = {(char[]){"sqlcmd"}, (char[]){"-S"}, (char[]){"."}, (char[]){"-E"},
                         (char[]){"-b"},     (char[]){"-Q"}, statement,     NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error) {
        return error;
    }
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error) {
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    }
    if (!error) {
        error = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    }
    if (!error) {
        error = posix_spawnp(child, sqlcmd, &actions, NULL, arguments, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int start_reader(struct operation *operation)
{
    return pthread_create(&operation->reader, NULL, read_output, operation);
}

void operation_read_late(struct operation *operation)
{
    operation->reads_late = true;
}

int operation_start_statement(struct operation *operation)
{
    char *text;
    int ends[2], error;

    if (operation->options->no_sql) {
        return 0;
    }
    text = statement_text(operation);
    if (!text) {
        return ENOMEM;
    }
    if (operation->options->connection) {
        operation->text = text;
        error = pthread_create(&operation->reader, NULL, use_connection, operation);
        if (error) {
            operation->text = NULL;
            free(text);
        }
        return error;
    }
    if (pipe2(ends, O_CLOEXEC)) {
        free(text);
        return errno;
    }
    error = spawn_sqlcmd(operation->options->sqlcmd, text, ends[1], &operation->statement);
    free(text);
    close(ends[1]);
    if (!error) {
        operation->output_fd = ends[0];
        error = operation->reads_late ? 0 : start_reader(operation);
        if (error) {
            kill(operation->statement, SIGKILL);
            waitpid(operation->statement, NULL, 0);
        }
    }
    if (error) {
        operation->statement = 0;
        close(ends[0]);
    }
    return error;
}

int operation_follow(struct operation *operation, int socket)
{
    operation->output_fd = socket;
    return start_reader(operation);
}

void operation_unfollow(struct operation *operation)
{
    pthread_join(operation->reader, NULL);
}

/* Waits for the end of the statement. */
static bool wait_ended(struct operation *operation, int64_t limit_ms)
{
    int64_t deadline = now_ms() + limit_ms;
    struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};
    int error = 0;
    bool ended;

    pthread_mutex_lock(&operation->lock);
    while (!operation->ended && error != ETIMEDOUT) {
        error = pthread_cond_timedwait(&operation->ended_changed, &operation->lock, &until);
    }
    ended = operation->ended;
    pthread_mutex_unlock(&operation->lock);
    return ended;
}

/* The outcome that whoever issues the statement leaves in a file: 1 success, 0 failed, -1 not there yet. */
static int read_result(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[64];
    int result = -1;

    while (file && result < 0 && fgets(line, sizeof line, file)) {
        result = !strcmp(line, "success\n") ? 1 : !strcmp(line, "failed\n") ? 0 : -1;
    }
    if (file) {
        fclose(file);
    }
    return result;
}

static bool wait_result(struct operation *operation)
{
    const struct timespec pause = {.tv_nsec = RESULT_POLL_MS * 1000000L};
    int64_t deadline = now_ms() + operation->options->timeout_ms;
    int result;

    while ((result = read_result(operation->options->sql_result)) < 0 && now_ms() < deadline) {
        nanosleep(&pause, NULL);
    }
    if (result < 0) {
        operation_fail(operation, "%s does not tell the statement's outcome", operation->options->sql_result);
    } else if (result == 0) {
        operation_fail(operation, "the statement failed");
    }
    return result == 1;
}

/* Asks the statement to end; the second time, sees that it has. */
static void stop_statement(struct operation *operation, bool for_good)
{
    const struct client_connection *connection = operation->options->connection;

    if (!connection) {
        kill(operation->statement, for_good ? SIGKILL : SIGTERM);
    } else if (!for_good) {
        connection->cancel(connection->context);
    } else {
        /* A thread within a driver cannot be ended. */
        fprintf(stderr, "%s: the statement cannot be stopped\n", operation->options->program);
        _exit(CLIENT_FAILURE);
    }
}

/* Waits for the statement's end; brings it about if it does not come by itself. */
static void end_statement(struct operation *operation)
{
    int64_t limit = operation->options->timeout_ms;

    if (operation_failed(operation) && limit > STATEMENT_END_MS) {
        limit = STATEMENT_END_MS;
    }
    if (operation->reads_late && start_reader(operation)) {
        abort();
    }
    if (!wait_ended(operation, limit)) {
        operation_fail(operation, "the statement did not end");
        stop_statement(operation, false);
        if (!wait_ended(operation, STATEMENT_KILL_MS)) {
            stop_statement(operation, true);
        }
    }
    pthread_join(operation->reader, NULL);
}

/* Collects the child. Returns its wait status. */
static int reap_statement(struct operation *operation)
{
    int status = 0;

    while (waitpid(operation->statement, &status, 0) < 0 && errno == EINTR) {
    }
    close(operation->output_fd);
    operation->statement = 0;
    return status;
}

bool operation_statement_succeeded(struct operation *operation)
{
    int status;

    if (operation->options->no_sql) {
        /* A set that failed needs no outcome; without a result file, devices that closed are all there is. */
        return !operation_failed(operation) && (!operation->options->sql_result || wait_result(operation));
    }
    if (!operation->statement && !operation->text) {
        return operation->ended && !operation_failed(operation); /* asked again */
    }
    end_statement(operation);
    if (operation->text) {
        free(operation->text);
        operation->text = NULL;
        if (!operation->succeeded) {
            operation_fail(operation, "the statement failed");
        }
        return !operation_failed(operation);
    }
    status = reap_statement(operation);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        operation_fail(operation, "the statement failed (sqlcmd status 0x%x)", (unsigned)status);
    } else if (!strstr(operation_output(operation),
                       "successfully processed")) { /* message 3014, VDI-TERM-001 */
        operation_fail(operation, "the statement did not report success");
    }
    return !operation_failed(operation);
}

/* ---- waiting and failing ---- */

void operation_progress(struct operation *operation)
{
    pthread_mutex_lock(&operation->lock);
    operation->activity_ms = now_ms();
    pthread_mutex_unlock(&operation->lock);
}

bool operation_may_wait(struct operation *operation)
{
    const struct client_options *options = operation->options;
    bool result_there = options->sql_result && read_result(options->sql_result) >= 0;
    int64_t now = now_ms(), since;
    bool may;

    pthread_mutex_lock(&operation->lock);
    if (result_there && !operation->ended) {
        operation->ended = true;
        operation->ended_ms = now;
    }
    since = operation->activity_ms;
    if (operation->ended && operation->ended_ms > since) {
        since = operation->ended_ms;
    }
    may = now - since < (operation->ended ? options->patience_ms : options->timeout_ms);
    pthread_mutex_unlock(&operation->lock);
    return may;
}

void operation_wait_statement(struct operation *operation)
{
    while (!wait_ended(operation, CLIENT_SLICE_MS) && operation_may_wait(operation)) {
    }
}

void operation_wait_for_ever(struct operation *operation)
{
    pthread_mutex_lock(&operation->lock);
    while (!operation->ended) {
        pthread_cond_wait(&operation->ended_changed, &operation->lock);
    }
    pthread_mutex_unlock(&operation->lock);
}

void operation_fail(struct operation *operation, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    pthread_mutex_lock(&operation->lock);
    if (!operation->failed) {
        operation->failed = true;
        vsnprintf(operation->reason, sizeof operation->reason, format, arguments);
    }
    pthread_mutex_unlock(&operation->lock);
    va_end(arguments);
}

bool operation_failed(const struct operation *operation)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&operation->lock;
    bool failed;

    pthread_mutex_lock(lock);
    failed = operation->failed;
    pthread_mutex_unlock(lock);
    return failed;
}

const char *operation_reason(const struct operation *operation)
{
    return operation->reason;
}

const char *operation_output(const struct operation *operation)
{
    return operation->output ? operation->output : "";
}
