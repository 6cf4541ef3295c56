/* main.c - sqlcmd, the stand-in for SQL Server's own: the client side of the statement and the whole server.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "answers_file.h"
#include "catalog.h"
#include "engine_time.h"
#include "front_end.h"
#include "run.h"
#include "start.h"

enum {
    EXIT_OPTIONS = 1,
    EXIT_PLAN = 2
};

static atomic_bool interrupted;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&interrupted, true);
    engine_time_leave();
}

/* A client that goes away, or a limit on file sizes, is seen by a failing write, not by dying of it. Reads are not
 * restarted after a signal. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    engine_time_prepare();
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

/* Started with a standard stream closed, the first file opened would take its place, and messages go into it.
 */
static bool reserve_standard_files(void)
{
    int file;
    do {
        file = open("/dev/null", O_RDWR);
    } while (file >= 0 && file <= STDERR_FILENO);
    if (file < 0)
        return false;
    close(file);
    return true;
}

struct connection {
    struct sqlcmd_options *options;
    struct sqlcmd_environment *environment;
};

/* What the server remembers is open in the server's process alone: its locks are to end with it. */
static int connect_and_run(void *context)
{
    const struct connection *connection = context;
    char message[START_MESSAGE_MAX];
    int status = EXIT_PLAN;
    if (start_catalog(&connection->environment->catalog, message) == 0 &&
        start_activity(&connection->environment->activity, message) == 0)
        status = sqlcmd_run(connection->options, connection->environment);
    else
        fprintf(stderr, "sqlcmd: %s\n", message);
    activity_close(connection->environment->activity);
    catalog_close(connection->environment->catalog);
    return status;
}

/* The front end and the server are one process, unless a fault may take the server from the front end. */
static int run(struct sqlcmd_options *options, struct sqlcmd_environment *environment)
{
    struct connection connection = {options, environment};
    return front_end_is_wanted(environment->plan)
               ? front_end_run(environment, options->query_timeout, connect_and_run, &connection)
               : connect_and_run(&connection);
}

/* What the run says the server is like. Said what of it cannot be used. */
static bool learn(struct plan *plan, struct answers **answers)
{
    char message[START_MESSAGE_MAX];
    _Static_assert(sizeof(message) >= ANSWERS_MESSAGE_MAX, "of either");
    if (start_plan(plan, message) == 0 && answers_from_environment(answers, message) == 0)
        return true;
    fprintf(stderr, "sqlcmd: %s\n", message);
    return false;
}

int main(int argc, char **argv)
{
    static struct plan plan;
    struct answers *answers = NULL;
    struct sqlcmd_options options;
    char message[SQLCMD_MESSAGE_MAX];
    int status = EXIT_OPTIONS;
    if (!reserve_standard_files())
        return EXIT_OPTIONS;
    int rc = sqlcmd_options_parse(argc, argv, &options, message);
    if (rc != 0) {
        fprintf(stderr, "%s\n", rc == EINVAL ? message : "Sqlcmd: Error: out of memory.");
    } else if (options.help || options.version) {
        if (options.help)
            sqlcmd_options_help(stdout);
        else
            puts("sqlcmd: stand-in of vdifault for SQL Server's sqlcmd");
        status = 0;
    } else if (!learn(&plan, &answers)) {
        status = EXIT_PLAN;
    } else {
        catch_signals();
        struct sqlcmd_environment environment = {.plan = &plan,
                                                 .answers = answers,
                                                 .role = start_role(),
                                                 .interrupted = &interrupted,
                                                 .in = stdin,
                                                 .out = stdout,
                                                 .err = stderr};
        status = run(&options, &environment);
    }
    answers_free(answers);
    sqlcmd_options_free(&options);
    return status;
}
