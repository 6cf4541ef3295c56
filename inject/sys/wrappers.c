/* wrappers.c - the wrapped calls themselves, out of sys.def. */
#undef _FORTIFY_SOURCE
#ifndef __NO_INLINE__ /* an optimised build's stdio.h has bodies of its own for some of them */
#define __NO_INLINE__ 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event.h"
#include "sys.h"

/* stdio.h makes macros of some. */
#undef putc
#undef fputc_unlocked
#undef fwrite_unlocked
#undef fread_unlocked

/* What the rows of sys.def say. */
#define IS_WRITING(flags) (((flags)&O_ACCMODE) != O_RDONLY)
#define IS_SHARED_WRITABLE(protection, flags, fd) \
    ((fd) >= 0 && ((flags)&MAP_TYPE) != MAP_PRIVATE && ((protection)&PROT_WRITE) != 0)
#define OPENS(folder, path, flags) file_opens(&call, folder, path, flags)
#define OPENED(fd, flags)          file_opened(&call, fd, flags)
#define TAKES(data, size)          touch_taken(&call, data, size)
#define TAKES_PARTS(parts, count)  touch_taken_parts(&call, parts, PART_COUNT(count))
#define FILLS(data, size)          touch_filled(&call, data, size)
#define FILLS_PARTS(parts, count)  touch_filled_parts(&call, parts, PART_COUNT(count))
#define PARTS_SIZE(parts, count)   touch_parts_size(parts, PART_COUNT(count))
#define OPEN_DENIED(folder, path, flags, answer)                 \
    if (failure_of_open(folder, path, flags, SYS_CALLER) != 0) { \
        return answer;                                           \
    }
/* What faults make of the call: of its parameters, too. */
#define MAY_FAIL(fd, size)            size = failure_of_write(&call, fd, size)
#define READ_MAY_FAIL(fd, data, size) size = failure_of_read(&call, fd, data, size)
#define SOME_PARTS_MAY_FAIL(what, fd, parts, count)                                                       \
    (PART_COUNT(count) > 0                                                                                \
         ? count = (__typeof__(count))failure_of_parts(&call, what, fd, &parts, PART_COUNT(count), room_) \
         : 0)
#define PARTS_MAY_FAIL(fd, parts, count)         SOME_PARTS_MAY_FAIL(FILE_CALL_WRITE, fd, parts, count)
#define READ_PARTS_MAY_FAIL(fd, parts, count)    SOME_PARTS_MAY_FAIL(FILE_CALL_READ, fd, parts, count)
#define FILL_MAY_FAIL(data, size, count, stream) failure_of_fill(&call, data, size, count, stream)
#define MESSAGE_MAY_FAIL(fd, message) \
    (cut_ = *(message), (message) = failure_of_message(&call, fd, &cut_, room_))
#define STREAM_MAY_FAIL(data, size, count, stream) failure_of_stream(&call, data, size, count, stream)
#define FLUSH_MAY_FAIL(stream)                     failure_of_flush(&call, stream, false)
#define END_MAY_FAIL(stream)                       failure_of_flush(&call, stream, true)
#define SYNC_MAY_FAIL(fd)                          failure_of_sync(&call, fd)
#define SYNC_IS_SPARED(fd)                         file_sync_spared(&call, fd)
#define CLOSE_MAY_FAIL(fd)                         failure_of_close(&call, fd)
#define WROTE(fd, size, at, flags)                 file_wrote(&call, fd, size, at, flags, (ssize_t)result)
#define STREAM(stream)                             stream_before(&call, stream)
#define STREAM_TOOK(size, failed)                  stream_took(&call, (size_t)(size), failed)
#define FLUSHES_STREAM(stream)                     stream_flushes(&call, stream)
#define STREAM_FLUSHED(failed)                     stream_flushed(&call, failed)
#define CLOSES_STREAM(stream)                      stream_closes(&call, stream)
#define STREAM_CLOSED(succeeded)                   stream_closed(&call, succeeded)
#define MEASURES_FILE(fd)                          file_of_descriptor(fd, &call.file)
#define MEASURES(path)                             file_of_path(AT_FDCWD, path, true, &call.file)
#define TRUNCATED(fd, length)                      file_truncated(&call, fd, length, result)
#define SYNCS(fd)                                  file_syncs(&call, fd)
#define SYNCS_UNKNOWN()                            file_syncs_unknown(&call)
#define SYNCED(action, result)                     file_synced(&call, action, result)
#define MAPPED(fd, at, size, where)                ((where) != MAP_FAILED ? file_mapped(&call, fd, at, size) : (void)0)
#define NAMES(folder, path, flags)                 file_of_path(folder, path, ((flags)&AT_SYMLINK_FOLLOW) != 0, &call.file)
#define NAMED(from_folder, from, to_folder, to) \
    (result == 0 ? file_named(&call, from_folder, from, to_folder, to) : (void)0)
#define UNLINKED()              (result == 0 ? file_unlinked(&call) : (void)0)
#define CLOSES(fd)              file_closes(&call, fd)
#define CLOSED()                (result == 0 || call.fate != SYS_GOES_ON ? file_closed(&call) : (void)0)
#define WAITED(pid, status)     process_waited(pid, status)
#define WAITED_ID(result, info) ((result) == 0 ? process_waited_id(info) : (void)0)

/* Counts that the kernel refuses. */
#define PART_COUNT(count) ((count) > 0 && (size_t)(count) <= IOV_MAX ? (size_t)(count) : 0)

/* freopen is an open and, before it, a close: the file that is closed must be the one in `call` until then. */
#define REOPENS(stream, path, mode)                                                                \
    ((path) != NULL && stream_writes(mode) ? file_opens(&call, AT_FDCWD, path, stream_flags(mode)) \
                                           : (void)0);                                             \
    stream_closes(&call, stream)
#define REOPENED(path, mode)                                                 \
    stream_closed(&call, true);                                              \
    ((path) != NULL && stream_writes(mode)                                   \
         ? file_opened(&call, stream_descriptor(result), stream_flags(mode)) \
         : (void)0)

/* Some have no declaration in any header, or only in fortified code. */
#define SYS_CALL(type, failed, name, parameters, when, next, arguments, prepare, before, after) \
    type name parameters;
#define SYS_VOID(name, parameters, when, arguments, before, after) void name parameters;
#include "sys.def"
#undef SYS_CALL
#undef SYS_VOID

/* A va_list is ended on every way out, also when the thread is cancelled. */
static void end_list(va_list *list)
{
    va_end(*list);
}

#define SYS_WITHOUT_ALLOCATIONS
#define SYS_EXPORT __attribute__((visibility("default"))) __attribute__((noinline))

#define SYS_CALL(type, failed, name, parameters, when, next, arguments, prepare, before, after) \
    SYS_EXPORT type name parameters                                                             \
    {                                                                                           \
        static _Atomic(void *) slot_;                                                           \
        __typeof__(&next) definition_ = (__typeof__(&next))sys_next(&slot_, #next);             \
        struct sys_call call;                                                                   \
        call.seen = false;                                                                      \
        call.fate = SYS_GOES_ON;                                                                \
        call.items = 0;                                                                         \
        if (definition_ == NULL) {                                                              \
            return failed;                                                                      \
        }                                                                                       \
        prepare;                                                                                \
        if ((when) && sys_begin(&call, #name, __builtin_return_address(0))) {                   \
            before;                                                                             \
            sys_pause(&call);                                                                   \
        }                                                                                       \
        type result = failed;                                                                   \
        if (call.fate == SYS_IS_SPARED) {                                                       \
            result = (type)0;                                                                   \
        } else if (call.fate != SYS_FAILS) {                                                    \
            result = definition_ arguments;                                                     \
        }                                                                                       \
        if (call.seen) {                                                                        \
            sys_resume(&call);                                                                  \
            if (call.fate == SYS_FAILS || call.fate == SYS_FAILS_AFTER) {                       \
                result = failed;                                                                \
                call.error = call.failure;                                                      \
            }                                                                                   \
            after;                                                                              \
            sys_end(&call);                                                                     \
        }                                                                                       \
        return result;                                                                          \
    }
#define SYS_VOID(name, parameters, when, arguments, before, after)                  \
    SYS_EXPORT void name parameters                                                 \
    {                                                                               \
        static _Atomic(void *) slot_;                                               \
        __typeof__(&name) definition_ = (__typeof__(&name))sys_next(&slot_, #name); \
        struct sys_call call;                                                       \
        call.seen = false;                                                          \
        if (definition_ == NULL) {                                                  \
            return;                                                                 \
        }                                                                           \
        if ((when) && sys_begin(&call, #name, __builtin_return_address(0))) {       \
            before;                                                                 \
            sys_pause(&call);                                                       \
        }                                                                           \
        definition_ arguments;                                                      \
        if (call.seen) {                                                            \
            sys_resume(&call);                                                      \
            after;                                                                  \
            sys_end(&call);                                                         \
        }                                                                           \
    }
#include "sys.def"
#undef SYS_CALL
#undef SYS_VOID
