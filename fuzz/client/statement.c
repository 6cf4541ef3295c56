/* statement.c - the client's sqlcmd: the stand-in's own code (sqlserver/sqlcmd), in a process of the simulation.
 *
 * popen and system start it; what it prints goes to the client as it comes. Whatever else the client would start does
 * not exist: the shell's status for that, 127.
 *
 * A server that a fault kills stops for good, is dead to its peers, and closes its connection; when the client has ended
 * it goes on to its end, unheard, so that no session leaves memory behind.
 */
#include <stdlib.h>
#include <string.h>

#include "command_line.h"
#include "link.h"
#include "os.h"
#include "pipe.h"
#include "request.h"
#include "run.h"
#include "sim.h"
#include "world.h"

enum {
    STATEMENTS_MAX = 7, /* the processes that the client leaves */
    NOT_FOUND = 127,
};

struct statement {
    struct command_line line;
    struct pipe_end out, in;
    FILE *stream; /* the client's end; NULL: it has none, or has closed it */
    FILE *output; /* the server's */
    uint32_t process;
    bool written; /* its input is the client's */
    bool crashed;
    bool told;  /* the client: `status` is the process's */
    bool ended; /* ... by itself, with all that it had */
    int status;
    _Atomic uint32_t changed;
};

static struct statement statements[STATEMENTS_MAX];
static uint32_t statement_count;
static struct catalog *catalog;
static const atomic_bool interrupted;

void statements_reset(void)
{
    statement_count = 0;
    catalog = NULL;
}

void statements_release(void)
{
    for (uint32_t i = 0; i < statement_count; i++) {
        if (!statements[i].in.closed) {
            pipe_close(&statements[i].in);
        }
        if (statements[i].crashed && !statements[i].ended) {
            sim_continue(statements[i].process);
        }
    }
}

void statements_free(void)
{
    for (uint32_t i = 0; i < statement_count; i++) {
        struct statement *statement = &statements[i];
        if (statement->stream != NULL) {
            fclose(statement->stream);
        }
        statement->out.look =
            world.returned ? statement->out.look : 0; /* closed with the client's (session.c) */
        pipe_free(&statement->out);
        pipe_free(&statement->in);
        command_line_free(&statement->line);
        memset(statement, 0, sizeof *statement);
    }
    catalog_close(catalog);
    statements_reset();
}

/* --- the server's side --- */

static void end_statement(struct statement *statement, int status)
{
    statement->status = status;
    statement->told = true;
    pipe_close(&statement->out);
    atomic_fetch_add(&statement->changed, 1);
    os_wake(&statement->changed);
}

static int serve(struct statement *statement, FILE *in)
{
    struct sqlcmd_options options;
    char message[SQLCMD_MESSAGE_MAX];
    FILE *nowhere = NULL, *err = statement->output;
    int status = 1;
    if (!statement->line.errors_to_output) {
        err = nowhere = fopen("/dev/null", "we"); /* nobody's eyes */
    }
    int rc = err == NULL
                 ? -1
                 : sqlcmd_options_parse(statement->line.count, statement->line.words, &options, message);
    if (rc > 0) {
        fprintf(err, "%s\n", message);
    } else if (rc == 0) {
        struct sqlcmd_environment environment = {.plan = world.plan,
                                                 .catalog = catalog,
                                                 .role = PROCESS_CLIENT,
                                                 .interrupted = &interrupted,
                                                 .in = in,
                                                 .out = statement->output,
                                                 .err = err};
        status = sqlcmd_run(&options, &environment);
    }
    if (rc >= 0) {
        sqlcmd_options_free(&options);
    }
    if (nowhere != NULL) {
        fclose(nowhere);
    }
    return status;
}

static void body(void *context)
{
    struct statement *statement = context;
    FILE *in = statement->written ? pipe_reader(&statement->in) : fopen("/dev/null", "re");
    statement->output = pipe_writer(&statement->out);
    int status = 1;
    if (in != NULL && statement->output != NULL) {
        status = serve(statement, in);
    }
    if (in != NULL) {
        fclose(in);
    }
    if (statement->output != NULL) {
        fclose(statement->output);
        statement->output = NULL;
    }
    if (!statement->crashed) {
        end_statement(statement, status);
    }
    statement->ended = true;
}

void statement_crashes(uint32_t process)
{
    for (uint32_t i = 0; i < statement_count; i++) {
        struct statement *statement = &statements[i];
        if (statement->process == process && !statement->crashed) {
            statement->crashed = true;
            if (statement->line.errors_to_output) {
                link_report(statement->output, ENGINE_LOST);
            }
            fflush(statement->output);
            end_statement(statement, 1);
            run_answer_for(world.plan, process);
        }
    }
    sim_feign_death(process, true);
    sim_stop(process);
}

/* --- the client's side --- */

static bool is_sqlcmd(const char *program)
{
    const char *slash = strrchr(program, '/');
    return strcmp(slash != NULL ? slash + 1 : program, "sqlcmd") == 0;
}

/* NULL: there is no such program, or no room. */
static struct statement *start(const char *command, const char *type)
{
    const char *error = NULL;
    if (statement_count == STATEMENTS_MAX) {
        world_refuse("an eighth program started in one session", "fewer statements");
    }
    struct statement *statement = &statements[statement_count];
    memset(statement, 0, sizeof *statement);
    int rc = command_line_parse(command, &statement->line, &error);
    if (rc != 0) {
        fprintf(stderr, "vdifault: the client's command has %s: %s\n", error != NULL ? error : "no memory",
                command);
        world_refuse("a command that only a shell understands", "a plain command line of sqlcmd");
    }
    if (!is_sqlcmd(statement->line.words[0]) || (catalog == NULL && catalog_open(NULL, &catalog) != 0)) {
        command_line_free(&statement->line);
        return NULL;
    }
    statement_count++;
    statement->process = sim_process("sqlcmd");
    statement->written = type[0] == 'w';
    statement->in.closed = !statement->written;
    sim_start(statement->process, "sqlcmd", body, statement);
    return statement;
}

static int wait_for(struct statement *statement)
{
    while (!statement->told) {
        os_wait(&statement->changed, atomic_load(&statement->changed), OS_FOREVER);
    }
    return statement->status << 8; /* as waitpid has it */
}

FILE *__real_popen(const char *command, const char *type);
int __real_pclose(FILE *stream);
int __real_fileno(FILE *stream);
int __real_system(const char *command);
#pragma GCC visibility push(default)
FILE *__wrap_popen(const char *command, const char *type);
int __wrap_pclose(FILE *stream);
int __wrap_fileno(FILE *stream);
int __wrap_system(const char *command);
#pragma GCC visibility pop

/* Where there is no such program the shell says so by its status; what the client reads is empty. */
FILE *__wrap_popen(const char *command, const char *type)
{
    if (!world_is_inside()) {
        return __real_popen(command, type);
    }
    struct statement *statement = start(command, type);
    if (statement == NULL) {
        return fopen("/dev/null", type[0] == 'w' ? "we" : "re");
    }
    statement->stream = type[0] == 'w' ? pipe_writer(&statement->in) : pipe_reader(&statement->out);
    return statement->stream;
}

/* What a client polls, reads from, or marks close-on-exec. */
int __wrap_fileno(FILE *stream)
{
    for (uint32_t i = 0; i < statement_count && world_is_client(); i++) {
        if (statements[i].stream == stream && !statements[i].written) {
            return pipe_descriptor(&statements[i].out);
        }
    }
    return __real_fileno(stream);
}

bool statement_read(int file, void *bytes, size_t size, ssize_t *got)
{
    for (uint32_t i = 0; i < statement_count; i++) {
        if (statements[i].stream != NULL && statements[i].out.look == file && file > 0) {
            *got = pipe_read(&statements[i].out, bytes, size);
            return true;
        }
    }
    return false;
}

int __wrap_pclose(FILE *stream)
{
    if (!world_is_inside()) {
        return __real_pclose(stream);
    }
    struct statement *statement = NULL;
    for (uint32_t i = 0; i < statement_count; i++) {
        statement = statements[i].stream == stream ? &statements[i] : statement;
    }
    fclose(stream);
    if (statement == NULL) {
        return NOT_FOUND << 8;
    }
    statement->stream = NULL;
    if (!statement->in.closed) {
        pipe_close(&statement->in);
    }
    return wait_for(statement);
}

int __wrap_system(const char *command)
{
    if (!world_is_inside()) {
        return __real_system(command);
    }
    if (command == NULL) {
        return 1;
    }
    struct statement *statement = start(command, "r");
    if (statement == NULL) {
        return NOT_FOUND << 8;
    }
    return statement->line.in_background ? 0 : wait_for(statement);
}
