/* fork_server_checks.h - whether copies of this process would be what starts of their own give; see fork_server.h. */
#ifndef VDIFAULT_FORK_SERVER_CHECKS_H
#define VDIFAULT_FORK_SERVER_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

/* When the process starts: what is open already is as shared by starts of their own. */
void fork_server_note_open(void);

/* False with `why` filled: "it has 2 threads". `socket`: our own. What cannot be looked at speaks against it. */
bool fork_server_may(int socket, char *why, size_t size);

#endif
