/* streams.c - see sys.h: what stdio keeps in the process, and when it lets go.
 *
 * The C library writes by calls of its own that nobody sees. How much it holds back is known before and after each
 * call, and what the call took besides: the difference has left.
 */
#include <fcntl.h>
#include <stdio_ext.h>
#include <string.h>

#include "event.h"
#include "sys.h"

bool stream_writes(const char *mode)
{
    return mode != NULL && (mode[0] != 'r' || strchr(mode, '+') != NULL);
}

int stream_flags(const char *mode)
{
    return mode == NULL || mode[0] == 'r' ? 0 : O_CREAT | (mode[0] == 'w' ? O_TRUNC : O_APPEND);
}

int stream_descriptor(FILE *stream)
{
    return stream == NULL ? -1 : fileno_unlocked(stream);
}

void stream_before(struct sys_call *call, FILE *stream)
{
    call->stream = stream;
    if (stream == NULL) {
        return;
    }
    call->pending = __fpending(stream);
    call->descriptor = fileno_unlocked(stream);
}

/* The events of `left` bytes that reached the kernel now, from `start` on, and of `pending` that did not. */
static void tell(struct sys_call *call, int64_t start, size_t left, size_t pending, bool failed, bool always)
{
    file_of_descriptor(call->descriptor, &call->file);
    if (call->file.type == FILE_REGULAR ? !file_is_sink(call->descriptor, &call->file) : call->fetch == 0) {
        return;
    }
    int flags = file_flags(call->descriptor);
    if (left > 0) {
        int64_t place = (flags & O_APPEND) != 0 ? call->file.size - (int64_t)left : start;
        place = failed || place < 0 ? -1 : place;
        file_record(call, (flags & O_DSYNC) != 0 && !failed ? FILE_WRITE_SYNCED : FILE_WRITE, place,
                    (int64_t)left, failed ? -call->error : (int64_t)left, call->fetch, NULL);
    }
    if (always || call->fetch != 0 || (pending == 0) != (call->pending == 0)) {
        file_record(call, FILE_BUFFERED, -1, (int64_t)pending, 0, call->fetch, NULL);
    }
}

/* What a fault did not let through, after what it did. */
static void tell_cut(struct sys_call *call)
{
    if (call->cut > 0) {
        file_record(call, FILE_WRITE, -1, (int64_t)call->cut, -call->failure, call->fetch, NULL);
    }
}

/* A byte more in a buffer that is not empty is no news: putc must stay cheap. */
void stream_took(struct sys_call *call, size_t accepted, bool failed)
{
    size_t pending = __fpending(call->stream);
    size_t held = call->pending + accepted;
    size_t left = held > pending ? held - pending : 0;
    if (left > 0 || call->fetch != 0 || (pending == 0) != (call->pending == 0)) {
        tell(call, file_offset(call->descriptor) - (int64_t)left, left, pending, failed && call->cut == 0,
             false);
    }
    tell_cut(call);
}

/* The call may move on afterwards: where the bytes will go is known only before it. */
void stream_flushes(struct sys_call *call, FILE *stream)
{
    stream_before(call, stream);
    call->offset = call->pending > 0 ? file_offset(call->descriptor) : -1;
}

void stream_flushed(struct sys_call *call, bool failed)
{
    if (call->stream == NULL) {
        call->file = (struct sys_file){.type = FILE_REGULAR};
        if (!failed) {
            file_record(call, FILE_BUFFERED, -1, 0, 0, 0, NULL);
        }
        return;
    }
    size_t pending = __fpending(call->stream);
    size_t left = call->pending > pending ? call->pending - pending : 0;
    tell(call, call->offset, left, pending, failed, true);
    tell_cut(call);
}

/* What will be gone afterwards: the descriptor, and where it stood. */
void stream_closes(struct sys_call *call, FILE *stream)
{
    stream_before(call, stream);
    file_of_descriptor(call->descriptor, &call->file);
    call->offset = file_offset(call->descriptor);
    call->synced = (file_flags(call->descriptor) & O_DSYNC) != 0;
    if (!file_is_sink(call->descriptor, &call->file)) {
        call->descriptor = -1;
    }
}

void stream_closed(struct sys_call *call, bool succeeded)
{
    if (call->descriptor < 0) {
        return;
    }
    if (call->pending > 0) {
        file_record(call, call->synced && succeeded ? FILE_WRITE_SYNCED : FILE_WRITE, call->offset,
                    (int64_t)call->pending, succeeded ? (int64_t)call->pending : -call->error, 0, NULL);
        file_record(call, FILE_BUFFERED, -1, 0, 0, 0, NULL);
    }
    file_record(call, FILE_CLOSE, -1, 0, -call->failure, 0, NULL);
}
