/* pipe.h - bytes from one fiber to another, as a stdio stream at either end.
 *
 * A reader waits until there is something or the writer has closed. What is written has room for ever: nobody writes
 * more than a statement's messages. Ownership: a pipe is its holder's; streams must be closed before pipe_free.
 * Errors: NULL without memory. Threads: the simulation's one.
 */
#ifndef VDIFAULT_CLIENT_PIPE_H
#define VDIFAULT_CLIENT_PIPE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct pipe_end {
    char *data;
    size_t length, capacity, read;
    bool closed; /* nothing more comes */
    int look;    /* a descriptor that is readable when the pipe is, for polls; 0: none */
    _Atomic uint32_t changed;
};

/* Nobody closes it by closing the stream: pipe_close does. */
FILE *pipe_writer(struct pipe_end *pipe);
FILE *pipe_reader(struct pipe_end *pipe);
void pipe_close(struct pipe_end *pipe);
/* As read(2); it waits. */
ssize_t pipe_read(struct pipe_end *pipe, void *bytes, size_t size);
/* The descriptor, made at the first call; or -1 with errno. pipe_free closes it. */
int pipe_descriptor(struct pipe_end *pipe);
void pipe_free(struct pipe_end *pipe);

#endif
