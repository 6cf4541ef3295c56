/* fork_message.h - what a runner and a client that leaves a copy of itself behind tell each other
 * (inject/fork_server.h, src/cli/fork_server.h). The copy then takes a byte for each run and gives a pid_t. */
#ifndef VDIFAULT_FORK_MESSAGE_H
#define VDIFAULT_FORK_MESSAGE_H

#include <sys/types.h>

/* "DESCRIPTOR:PID of the runner"; the descriptor is a socket of whole messages. */
#define FORK_SERVER_VARIABLE "VDIFAULT_FORK_SERVER"

/* The client's answer, once. */
struct fork_message {
    pid_t server;  /* of the copy; 0: there is none */
    char why[124]; /* ... "it has 2 threads" */
};

#endif
