/* front_end.h - sqlcmd as a process apart from its server, for faults that take the server from it.
 *
 * Responsible for: a child that is the server and the connection to it; what sqlcmd says and does when that child dies
 * or stops; letting those go on who asked for it (request.h): the child cannot answer any more. Signals that are to
 * end sqlcmd go on to the server; one that does not take them is left behind as by a closed connection: it is killed.
 *
 * Errors: the result is sqlcmd's exit status. One thread, which must be the process's only one.
 */
#ifndef VDIFAULT_SQLCMD_FRONT_END_H
#define VDIFAULT_SQLCMD_FRONT_END_H

#include <stdbool.h>
#include <stdint.h>

#include "run.h"

bool front_end_is_wanted(const struct plan *plan);
/* `serve` runs in the child, and gives its exit status. query_timeout: of a server that has stopped; seconds, 0 = for
 * ever. */
int front_end_run(const struct sqlcmd_environment *environment, int32_t query_timeout, int (*serve)(void *),
                  void *context);

#endif
