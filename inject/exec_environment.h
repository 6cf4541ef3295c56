/* exec_environment.h - the environment that a program gets which the client starts.
 *
 * A client may clean the environment of what it starts (env -i, sudo as root, a daemon's own list): the program is a
 * part of the run all the same. It gets what it needs to be one, unless it has a value of its own. The stand-in needs
 * to find the run, and not us: it keeps the system's time and has its own events, and each of its calls would be
 * looked at.
 *
 * Nothing is allocated: the caller brings memory, which for exec must be on the stack (exec.c). Errors: none. Threads:
 * any, also between vfork and exec.
 */
#ifndef VDIFAULT_EXEC_ENVIRONMENT_H
#define VDIFAULT_EXEC_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

struct exec_room {
    size_t entries; /* of the list */
    size_t bytes;   /* of texts */
};

/* What the next function needs at most. `envp` may be NULL: empty. */
struct exec_room exec_environment_room(char *const envp[]);
/* Fills the list, whose entries are those of `envp` or lie in `texts`. */
void exec_environment_fill(char *const envp[], bool stand_in, char **list, char *texts);

#endif
