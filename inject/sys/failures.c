/* failures.c - see sys.h: calls that a fault makes fail, or cuts short.
 *
 * The C library's own writes for a stream cannot be made to fail from outside, and need not be: a stream that is full
 * is emptied here, given just the bytes that still go well, and then left as the C library leaves one whose write
 * failed: error flag set, what it had kept still there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event.h"
#include "sys.h"
#include "witness.h"

#pragma weak vdifault_files_fail
#pragma weak vdifault_file_fails
#pragma weak vdifault_guard_fetch_of
#pragma weak vdifault_denials
#pragma weak vdifault_denies

enum {
    USUAL_BUFFER = 4096 /* of a stream that has none yet; a file system's block size, most often */
};

static bool none_fails(void)
{
    return vdifault_files_fail == NULL || vdifault_file_fails == NULL || !vdifault_files_fail();
}

/* Bytes that come from no command's buffer are of the thread's command if they go to a file; what goes to terminals,
 * logs on pipes and the like is not of it. */
static bool asks(struct sys_call *call, int descriptor, enum file_call what, size_t size,
                 struct file_failure *failure)
{
    struct sys_file file;
    file_of_descriptor(descriptor, &file);
    bool is_of_command = what == FILE_CALL_READ ? file.type == FILE_REGULAR : file_is_sink(descriptor, &file);
    if (call->fetch == 0 && what != FILE_CALL_SYNC && !is_of_command) {
        return false;
    }
    if (what == FILE_CALL_READ && file.type == FILE_REGULAR) {
        int64_t left = file.size - file_offset(descriptor) + (int64_t)call->pending;
        if (left <= 0) {
            return false; /* no disk fails to read what is not there */
        }
        size = (uint64_t)left < size ? (size_t)left : size;
    }
    return vdifault_file_fails(what, call->fetch, file.identity, size, failure);
}

static void fail(struct sys_call *call, enum sys_fate fate, int error)
{
    call->fate = fate;
    call->failure = error;
}

/* How much of a transfer goes well. */
static size_t limit_of(struct sys_call *call, enum file_call what, int descriptor, size_t size)
{
    struct file_failure failure;
    if (none_fails() || size == 0 || !asks(call, descriptor, what, size, &failure)) {
        return size;
    }
    if (failure.limit == 0) {
        fail(call, SYS_FAILS, failure.error);
    }
    call->cut = size - (size_t)failure.limit;
    return (size_t)failure.limit; /* a call that got somewhere says how far: the error is the next one's */
}

size_t failure_of_write(struct sys_call *call, int descriptor, size_t size)
{
    return limit_of(call, FILE_CALL_WRITE, descriptor, size);
}

/* Whose buffer it goes to is asked only here: what is read is not recorded. */
static void find_reader(struct sys_call *call, const void *data)
{
    if (vdifault_guard_fetch_of != NULL) {
        call->fetch = vdifault_guard_fetch_of(data);
    }
}

size_t failure_of_read(struct sys_call *call, int descriptor, const void *data, size_t size)
{
    if (!none_fails()) {
        find_reader(call, data);
    }
    return limit_of(call, FILE_CALL_READ, descriptor, size);
}

int failure_of_parts(struct sys_call *call, enum file_call what, int descriptor, const struct iovec **parts,
                     size_t count, struct iovec room[SYS_PARTS_MAX])
{
    size_t size = *parts != NULL ? touch_parts_size(*parts, count) : 0;
    if (what == FILE_CALL_READ && size > 0 && !none_fails()) {
        find_reader(call, (*parts)[0].iov_base);
    }
    size_t limit = limit_of(call, what, descriptor, size);
    size_t kept = 0;
    if (call->cut == 0) {
        return (int)count;
    }
    for (; limit > 0 && kept < SYS_PARTS_MAX; kept++) {
        room[kept] = (*parts)[kept];
        room[kept].iov_len = room[kept].iov_len < limit ? room[kept].iov_len : limit;
        limit -= room[kept].iov_len;
    }
    *parts = room;
    return (int)kept;
}

const struct msghdr *failure_of_message(struct sys_call *call, int descriptor, struct msghdr *message,
                                        struct iovec room[SYS_PARTS_MAX])
{
    const struct iovec *parts = message->msg_iov;
    size_t count = message->msg_iovlen <= IOV_MAX ? message->msg_iovlen : 0;
    size_t kept = (size_t)failure_of_parts(call, FILE_CALL_WRITE, descriptor, &parts, count, room);
    if (call->cut > 0) {
        message->msg_iov = room;
        message->msg_iovlen = kept;
    }
    return message;
}

/* The stream as after a write of its own that failed. The flag is the one that ferror's inline body looks at. */
static void set_error(FILE *stream)
{
    flockfile(stream);
    stream->_flags |= _IO_ERR_SEEN;
    funlockfile(stream);
}

/* Nothing of it reaches the kernel now. */
static bool keeps_all(FILE *stream, size_t size)
{
    size_t room = __fbufsize(stream);
    room = room != 0 ? room : USUAL_BUFFER;
    return !__flbf(stream) && __fpending(stream) + size <= room;
}

void failure_of_stream(struct sys_call *call, const void *data, size_t size, size_t count, FILE *stream)
{
    struct file_failure failure;
    if (none_fails() || stream == NULL || !__fwritable(stream)) {
        return;
    }
    bool keeps = keeps_all(stream, size * count);
    int descriptor = fileno_unlocked(stream);
    if (!asks(call, descriptor, keeps ? FILE_CALL_KEEP : FILE_CALL_STREAM, size * count, &failure)) {
        return;
    }
    call->items = 0;
    if (failure.limit > 0) {
        size_t done = fwrite(data, 1, (size_t)failure.limit, stream); /* past our own wrapper: sys_begin */
        call->items = fflush(stream) == 0 && size > 0 ? done / size : 0;
    }
    call->cut = size * count - (size_t)failure.limit;
    set_error(stream);
    fail(call, SYS_FAILS, failure.error);
}

void failure_of_fill(struct sys_call *call, void *data, size_t size, size_t count, FILE *stream)
{
    struct file_failure failure;
    if (none_fails() || stream == NULL || data == NULL || size * count == 0) {
        return;
    }
    find_reader(call, data);
    call->pending = (size_t)(stream->_IO_read_end - stream->_IO_read_ptr);
    if (!asks(call, fileno_unlocked(stream), FILE_CALL_READ, size * count, &failure)) {
        return;
    }
    call->items = failure.limit > 0 ? fread(data, 1, (size_t)failure.limit, stream) / size : 0;
    set_error(stream);
    fail(call, SYS_FAILS, failure.error);
}

void failure_of_flush(struct sys_call *call, FILE *stream, bool closes)
{
    struct file_failure failure;
    if (none_fails() || stream == NULL) {
        return;
    }
    int descriptor = fileno_unlocked(stream);
    size_t pending = __fpending(stream);
    if (pending > 0 && asks(call, descriptor, FILE_CALL_LET_GO, pending, &failure)) {
        if (closes) {
            __fpurge(stream); /* it takes along what it cannot write */
        } else {
            call->cut = pending;
            set_error(stream);
        }
        fail(call, closes ? SYS_FAILS_AFTER : SYS_FAILS, failure.error);
    } else if (closes && asks(call, descriptor, FILE_CALL_CLOSE, 0, &failure)) {
        fail(call, SYS_FAILS_AFTER, failure.error);
    }
}

void failure_of_sync(struct sys_call *call, int descriptor)
{
    struct file_failure failure;
    if (!none_fails() && asks(call, descriptor, FILE_CALL_SYNC, 0, &failure)) {
        fail(call, SYS_FAILS, failure.error);
    }
}

void failure_of_close(struct sys_call *call, int descriptor)
{
    struct file_failure failure;
    if (!none_fails() && asks(call, descriptor, FILE_CALL_CLOSE, 0, &failure)) {
        fail(call, SYS_FAILS_AFTER, failure.error);
    }
}

int failure_denied(enum denial what, const void *caller)
{
    if (&vdifault_denials == NULL || vdifault_denies == NULL ||
        (atomic_load_explicit(&vdifault_denials, memory_order_relaxed) >> what & 1) == 0) {
        return 0;
    }
    int error = vdifault_denies(what, caller);
    errno = error != 0 ? error : errno;
    return error;
}

/* Shared memory has names there, and so has some of it that has none. */
static bool is_shared_memory(const char *path)
{
    static const char folder[] = "/dev/shm";
    return strncmp(path, folder, sizeof folder - 1) == 0;
}

int failure_of_open(int folder, const char *path, int flags, const void *caller)
{
    if (&vdifault_denials == NULL || atomic_load_explicit(&vdifault_denials, memory_order_relaxed) == 0 ||
        path == NULL) {
        return 0;
    }
    int saved = errno;
    struct sys_file file;
    errno = 0;
    file_of_path(folder, path, true, &file);
    bool is_absent = file.type == 0 && errno == ENOENT && (flags & (O_CREAT | O_NOFOLLOW)) == 0;
    errno = saved;
    if (is_shared_memory(path)) {
        return failure_denied(DENIAL_SHARED_MEMORY, caller);
    }
    if (is_absent) { /* what comes between this look and the call would be opened unasked */
        errno = ENOENT;
        return ENOENT;
    }
    bool is_made = file.type == 0 && (flags & O_CREAT) != 0;
    return is_made || file.type == FILE_REGULAR ? failure_denied(DENIAL_OPEN, caller) : 0;
}
