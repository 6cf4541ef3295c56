/* pipe.c - see pipe.h. */
#include "pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "os.h"
#include "sim.h"

enum {
    FIRST_CAPACITY = 4096
};

static void show(struct pipe_end *pipe)
{
    eventfd_t count;
    if (pipe->look != 0 && (pipe->read < pipe->length || pipe->closed)) {
        (void)eventfd_write(pipe->look, 1);
    } else if (pipe->look != 0) {
        (void)eventfd_read(pipe->look, &count);
    }
}

static void change(struct pipe_end *pipe)
{
    show(pipe);
    atomic_fetch_add(&pipe->changed, 1);
    os_wake(&pipe->changed);
}

static ssize_t take(void *cookie, const char *bytes, size_t size)
{
    struct pipe_end *pipe = cookie;
    size_t capacity = pipe->capacity != 0 ? pipe->capacity : FIRST_CAPACITY;
    while (capacity < pipe->length + size) {
        capacity *= 2;
    }
    if (capacity != pipe->capacity) {
        char *data = realloc(pipe->data, capacity);
        if (data == NULL) {
            errno = ENOMEM;
            return 0;
        }
        pipe->data = data;
        pipe->capacity = capacity;
    }
    memcpy(pipe->data + pipe->length, bytes, size);
    pipe->length += size;
    change(pipe);
    return (ssize_t)size;
}

static ssize_t give(void *cookie, char *bytes, size_t size)
{
    struct pipe_end *pipe = cookie;
    while (pipe->read == pipe->length && !pipe->closed && sim_self() != UINT32_MAX) {
        os_wait(&pipe->changed, atomic_load(&pipe->changed), OS_FOREVER);
    }
    size_t left = pipe->length - pipe->read;
    size = size < left ? size : left;
    if (size > 0) {
        memcpy(bytes, pipe->data + pipe->read, size);
    }
    pipe->read += size;
    show(pipe);
    return (ssize_t)size;
}

FILE *pipe_writer(struct pipe_end *pipe)
{
    return fopencookie(pipe, "w", (cookie_io_functions_t){.write = take});
}

FILE *pipe_reader(struct pipe_end *pipe)
{
    return fopencookie(pipe, "r", (cookie_io_functions_t){.read = give});
}

ssize_t pipe_read(struct pipe_end *pipe, void *bytes, size_t size)
{
    return give(pipe, bytes, size);
}

int pipe_descriptor(struct pipe_end *pipe)
{
    if (pipe->look == 0) {
        int made = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        pipe->look = made > 0 ? made : 0;
        show(pipe);
    }
    return pipe->look != 0 ? pipe->look : -1;
}

void pipe_close(struct pipe_end *pipe)
{
    pipe->closed = true;
    change(pipe);
}

void pipe_free(struct pipe_end *pipe)
{
    free(pipe->data);
    if (pipe->look != 0) {
        close(pipe->look);
    }
    *pipe = (struct pipe_end){0};
}
