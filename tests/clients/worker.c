/* worker.c - a correct client whose statement is issued elsewhere, as when a scheduler starts BACKUP and this
 * process only moves the data. It runs no sqlcmd. What it knows of the outcome: VD_E_CLOSE on every device,
 * and the word in the file of --sql-result if it is given one (VDI-TERM-001).
 */
#include "client_session.h"

int main(int argc, char **argv)
{
    struct client_options options = {.no_sql = true};
    int status = client_parse(argc, argv, &options);

    return status ? status : client_run(&options, session_run_plain);
}
