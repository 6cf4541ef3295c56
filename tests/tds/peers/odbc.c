/* odbc.c - a statement through ODBC, with the options of sqlcmd that a client uses.
 *
 * usage: tds_odbc [-b] [-S X] [-E] -Q STATEMENT; the server is $VDIFAULT_TDS, encryption $TDS_ENCRYPTION (off, request,
 * require). Messages and rows go to standard output. Exit status 1: the statement failed.
 */
#include <stdlib.h>
#include <unistd.h>

#include "driver.h"

int main(int argc, char **argv)
{
    struct driver driver;
    const char *query = "", *server = getenv("VDIFAULT_TDS");
    int option;
    while ((option = getopt(argc, argv, "bES:Q:")) != -1) {
        query = option == 'Q' ? optarg : query;
    }
    bool good =
        driver_open(&driver, server != NULL ? server : "127.0.0.1", getenv("TDS_ENCRYPTION"), stdout) &&
        driver_run(&driver, query, stdout);
    driver_close(&driver);
    return good ? 0 : 1;
}
