/* odbc_agent.c - an agent that runs no sqlcmd: one process with a connection of its own through ODBC, which issues the
 * statement in one thread, and with the devices in the others.
 *
 * usage: that of correct_c; --server HOST[:PORT], --encryption off|request|require. With $CLAIM_SUCCESS its
 * exit status is 0 whatever came: a bug.
 */
#include <stdlib.h>

#include "client_session.h"
#include "driver.h"

enum {
    SUCCESSFULLY_PROCESSED = 3014
};

static bool run_statement(void *context, const char *statement, FILE *output)
{
    return driver_run(context, statement, output);
}

static void cancel_statement(void *context)
{
    driver_cancel(context);
}

/* What every agent looks for first: is this a server, and which? */
static bool greet(struct driver *driver, const char *server, const char *encryption)
{
    return driver_open(driver, server, encryption, stdout) && driver_run(driver, "SELECT @@VERSION", stdout);
}

int main(int argc, char **argv)
{
    struct driver driver;
    const struct client_connection connection = {
        .run = run_statement, .cancel = cancel_statement, .context = &driver};
    const char *server = client_take_option(&argc, argv, "--server");
    const char *encryption = client_take_option(&argc, argv, "--encryption");
    struct client_options options = {.connection = &connection};
    int status = client_parse(argc, argv, &options);
    if (status != 0) {
        return status;
    }
    bool there = greet(&driver, server != NULL ? server : "127.0.0.1", encryption);
    driver.success = SUCCESSFULLY_PROCESSED;
    status = there ? client_run(&options, session_run_plain) : CLIENT_FAILURE;
    driver_close(&driver);
    return getenv("CLAIM_SUCCESS") != NULL ? CLIENT_SUCCESS : status;
}
