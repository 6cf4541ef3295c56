/* sys.h - what stands around a wrapped call: who looks, what is asked of files, what is recorded.
 *
 * libvdifault-sys.so runs inside other people's processes, in functions that may run in signal handlers, between
 * vfork and exec, and in static constructors. It holds no state but two words a thread, counts of signals to conditions
 * (locks.c) and the pointers to the next definitions: what a descriptor is, is asked of the kernel when it matters, so
 * that no dup, fork or exec is ever missed. It allocates nothing, takes no lock, and asks by system calls that no
 * sanitizer intercepts. Without libvdifault.so (witness.h), or outside a run, every call goes straight through.
 *
 * What is recorded, and what not: see EVENT_FILE in scenario/event.h.
 */
#ifndef VDIFAULT_SYS_H
#define VDIFAULT_SYS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "witness.h"

enum {
    SYS_HERE = -1, /* the descriptor's own offset */
    SYS_PARTS_MAX = 16,
};

/* What is known of a file. type 0: nothing. */
struct sys_file {
    uint64_t identity;
    int64_t size;
    uint32_t links;
    int type; /* enum file_type */
};

/* What a fault makes of a call. */
enum sys_fate {
    SYS_GOES_ON,
    SYS_FAILS,       /* it is not made */
    SYS_FAILS_AFTER, /* it is made, and its result is another */
    SYS_IS_SPARED    /* it is not made, and has succeeded with 0 */
};

/* One wrapped call, on its stack. */
struct sys_call {
    const char *name;
    bool seen; /* it is recorded */
    enum sys_fate fate;
    int failure;  /* errno of a call that fails */
    size_t items; /* what fwrite says then */
    size_t cut;   /* bytes that it was asked for and may not take */
    int error;    /* errno: the caller's before the call, the call's after it */
    int descriptor;
    uint64_t fetch; /* the GetCommand whose buffer the bytes come from */
    uint64_t begin; /* sequence of SYNC_BEGIN */
    int64_t offset;
    bool synced;     /* through O_DSYNC */
    uint64_t folder; /* the file is new in it; 0: it was there before */
    struct sys_file file;
    FILE *stream;
    size_t pending; /* in the stream's buffer before the call, written or read ahead */
};

/* ---- sys.c: who looks ---- */

/* The next definition after ours; NULL: there is none. `slot` keeps it. */
void *sys_next(_Atomic(void *) *slot, const char *name);
/* Begins what is done before the call: false if nobody looks. Between begin or resume and pause, calls of this
 * thread go straight through; the call itself runs outside of that, as it may jump out, or be cancelled. */
bool sys_begin(struct sys_call *call, const char *name, const void *caller);
void sys_pause(struct sys_call *call); /* errno is the caller's again */
void sys_resume(struct sys_call *call);
void sys_end(struct sys_call *call); /* errno is the call's again */

/* ---- touch.c: what the call does to memory ---- */

/* The call reads the bytes, and carries them away: also finds whose command they belong to. */
void touch_taken(struct sys_call *call, const void *data, size_t size);
void touch_taken_parts(struct sys_call *call, const struct iovec *parts, size_t count);
/* The call writes there. */
void touch_filled(struct sys_call *call, const void *data, size_t size);
void touch_filled_parts(struct sys_call *call, const struct iovec *parts, size_t count);
size_t touch_parts_size(const struct iovec *parts, size_t count);

/* ---- files.c: events of descriptors and names ---- */

void file_of_descriptor(int descriptor, struct sys_file *file);
void file_of_path(int folder, const char *path, bool follow, struct sys_file *file);
bool file_is_sink(int descriptor, const struct sys_file *file); /* regular, and can be written through it */
int file_flags(int descriptor);                                 /* of open(2); 0 if it is none */
int64_t file_offset(int descriptor);                            /* -1 if it has none */
/* Records one event of `call`'s file; the rest as EVENT_FILE documents. */
uint64_t file_record(const struct sys_call *call, int action, int64_t offset, int64_t length, int64_t result,
                     uint64_t link, const char *text);

void file_opens(struct sys_call *call, int folder, const char *path, int flags);
void file_opened(struct sys_call *call, int descriptor, int flags);
/* at: SYS_HERE or the offset; flags: RWF_*. */
void file_wrote(struct sys_call *call, int descriptor, size_t size, int64_t at, int flags, ssize_t result);
void file_truncated(struct sys_call *call, int descriptor, int64_t length, int result);
void file_syncs(struct sys_call *call, int descriptor);
/* A file that goes with the run is not written to the disk; that it was asked for is what counts. */
void file_sync_spared(struct sys_call *call, int descriptor);
void file_syncs_unknown(struct sys_call *call); /* no descriptor tells which */
void file_synced(struct sys_call *call, int action, int result);
void file_mapped(struct sys_call *call, int descriptor, int64_t at, size_t size);
void file_named(struct sys_call *call, int from_folder, const char *from, int to_folder, const char *to);
void file_unlinked(struct sys_call *call);
void file_closes(struct sys_call *call, int descriptor);
void file_closed(struct sys_call *call);
void process_waited(pid_t pid, int status);
void process_waited_id(const siginfo_t *info);

/* ---- streams.c: bytes that stay in the process until stdio lets them go ---- */

bool stream_writes(const char *mode);
int stream_flags(const char *mode); /* of open(2), for an fopen mode */
int stream_descriptor(FILE *stream);
void stream_before(struct sys_call *call, FILE *stream); /* NULL: all of them */
void stream_took(struct sys_call *call, size_t accepted, bool failed);
void stream_flushes(struct sys_call *call, FILE *stream);
void stream_flushed(struct sys_call *call, bool failed);
void stream_closes(struct sys_call *call, FILE *stream);
void stream_closed(struct sys_call *call, bool succeeded);

/* ---- failures.c: what faults make of calls ---- */

/* How many bytes the call may take. */
size_t failure_of_write(struct sys_call *call, int descriptor, size_t size);
size_t failure_of_read(struct sys_call *call, int descriptor, const void *data, size_t size);
/* The same of parts: `count` of them in *parts, or fewer in `room`. */
int failure_of_parts(struct sys_call *call, enum file_call what, int descriptor, const struct iovec **parts,
                     size_t count, struct iovec room[SYS_PARTS_MAX]);
/* ... and of a message, which is the caller's copy. */
const struct msghdr *failure_of_message(struct sys_call *call, int descriptor, struct msghdr *message,
                                        struct iovec room[SYS_PARTS_MAX]);
/* stdio is given items of `size` bytes (0: an unknown number, which it keeps). */
void failure_of_stream(struct sys_call *call, const void *data, size_t size, size_t count, FILE *stream);
/* stdio is to read as many. */
void failure_of_fill(struct sys_call *call, void *data, size_t size, size_t count, FILE *stream);
/* stdio is to write what it has kept; `closes` the stream, too. */
void failure_of_flush(struct sys_call *call, FILE *stream, bool closes);
/* An allocation by `caller` is denied, with errno set: the number, or 0. */
int failure_denied(enum denial what, const void *caller);
/* ... to open a file. */
int failure_of_open(int folder, const char *path, int flags, const void *caller);
void failure_of_sync(struct sys_call *call, int descriptor); /* -1: of which file, is not known */
void failure_of_close(struct sys_call *call, int descriptor);

/* In a wrapper: nobody comes as far as the call. */
#define SYS_CALLER __builtin_return_address(0)
#define DENIED(what, answer)                              \
    if (failure_denied(DENIAL_##what, SYS_CALLER) != 0) { \
        return answer;                                    \
    }

#endif
