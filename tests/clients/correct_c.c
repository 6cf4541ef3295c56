/* correct_c.c - a correct client in C: one or more devices, one thread each, backup and restore.
 *
 * The plain life of a set (client_session.c), and nothing else: each stream goes to a file as it is, waits
 * come in slices, and success needs the statement's success (spec 9, 15).
 */
#include "client_session.h"

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status = client_parse(argc, argv, &options);

    return status ? status : client_run(&options, session_run_plain);
}
