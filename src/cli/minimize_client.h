/* minimize_client.h - `vdifault minimize --client PROGRAM FILE`: what a fuzzer of a client in the simulation found.
 *
 * PROGRAM is the fuzzer's NAME_replay (vdifault.h): it has the client in it, so it does the work
 * (fuzz/client/replay.c), and this is how it is started. A program that is none does not greet, and is refused.
 */
#ifndef VDIFAULT_CLI_MINIMIZE_CLIENT_H
#define VDIFAULT_CLI_MINIMIZE_CLIENT_H

#include <stdbool.h>

/* The verb's words name a PROGRAM. */
bool minimize_names_program(int argc, char **argv);
/* An exit status. */
int minimize_by_program(int argc, char **argv);

#endif
