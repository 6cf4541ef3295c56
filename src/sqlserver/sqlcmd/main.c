/* main.c - sqlcmd, the stand-in for SQL Server's own: the client side of the statement and the whole server.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "engine_time.h"
#include "front_end.h"
#include "run.h"
#include "runstate.h"

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

static enum process_role role_from_environment(void)
{
    const char *role = getenv("VDIFAULT_ROLE");
    if (role != NULL && strcmp(role, "sql") == 0)
        return PROCESS_SQL;
    if (role != NULL && strcmp(role, "verify") == 0)
        return PROCESS_VERIFY;
    return PROCESS_CLIENT;
}

/* In the run's folder, or where the runner says that it is: --before is no part of what is recorded. */
static int open_catalog(struct catalog **catalog)
{
    char path[PATH_MAX];
    const char *folder = run_state_is_recorded() ? run_variable("VDIFAULT_TRACE") : NULL;
    const char *file = getenv("VDIFAULT_CATALOG");
    if (file == NULL && folder != NULL) {
        snprintf(path, sizeof(path), "%s/catalog", folder);
        file = path;
    }
    int error = catalog_open(file, catalog);
    if (error != 0)
        fprintf(stderr, "sqlcmd: catalog '%s': %s\n", file != NULL ? file : "",
                error == EPROTO ? "expected one that this version of vdifault has written" : strerror(error));
    return error;
}

static int load_plan(struct plan *plan)
{
    struct fault_error error = {0};
    uint32_t line = 0;
    int rc = plan_load(plan, &error, &line);
    const char *name = getenv("VDIFAULT_PLAN");
    if (rc == EINVAL)
        fprintf(stderr, "sqlcmd: plan '%s', line %u: %s\n", name != NULL ? name : "", line, error.message);
    else if (rc != 0)
        fprintf(stderr, "sqlcmd: plan '%s' cannot be read: %s\n", name != NULL ? name : "", strerror(rc));
    return rc;
}

struct connection {
    struct sqlcmd_options *options;
    struct sqlcmd_environment *environment;
};

/* What the server remembers is open in the server's process alone: its locks are to end with it. */
static int connect_and_run(void *context)
{
    const struct connection *connection = context;
    int status = EXIT_PLAN;
    if (open_catalog(&connection->environment->catalog) == 0)
        status = sqlcmd_run(connection->options, connection->environment);
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

int main(int argc, char **argv)
{
    static struct plan plan;
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
    } else if (load_plan(&plan) != 0) {
        status = EXIT_PLAN;
    } else {
        catch_signals();
        struct sqlcmd_environment environment = {.plan = &plan,
                                                 .role = role_from_environment(),
                                                 .interrupted = &interrupted,
                                                 .in = stdin,
                                                 .out = stdout,
                                                 .err = stderr};
        status = run(&options, &environment);
    }
    sqlcmd_options_free(&options);
    return status;
}
