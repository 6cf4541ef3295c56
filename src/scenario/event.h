/* event.h - the one event format: what every witness (interposer, server, supervisor) records.
 *
 * An event is 128 bytes: a fixed 64-byte header and a 64-byte payload. Text (set names, statements, messages)
 * follows its event as EVENT_TEXT records of the same ring, 64 bytes each, NUL-padded.
 * The format holds no fact of one operating system: process and thread are plain numbers.
 */
#ifndef VDIFAULT_EVENT_H
#define VDIFAULT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    EVENT_VERSION = 2,
    EVENT_TEXT_MAX = 64 * 32
};

enum event_side {
    EVENT_SIDE_CLIENT = 1,
    EVENT_SIDE_SERVER,
    EVENT_SIDE_SUPERVISOR
};

/* The functions a client can call: the names used in sites, traces and findings. vdi_function_names[] below.
 */
enum vdi_function {
    VDI_FN_NONE,
    VDI_FN_CREATE,
    VDI_FN_GET_CONFIGURATION,
    VDI_FN_OPEN_DEVICE,
    VDI_FN_GET_COMMAND,
    VDI_FN_COMPLETE_COMMAND,
    VDI_FN_SIGNAL_ABORT,
    VDI_FN_CLOSE,
    VDI_FN_OPEN_IN_SECONDARY,
    VDI_FN_GET_BUFFER_HANDLE,
    VDI_FN_MAP_BUFFER_HANDLE,
    VDI_FN_REGISTER_DEVICE_CLOSED,
    VDI_FN_DESTROY, /* the set's destructor */
    VDI_FN_COUNT
};

/* kind                     result / arg[]                                          text
 * The table is the contract between the witnesses and src/rules. */
enum event_kind {
    EVENT_TEXT = 1,      /* payload is text of the event before it */
    EVENT_CALL_BEGIN,    /* function; args below                                  set or device name */
    EVENT_CALL_END,      /* result; call = sequence of its begin; args below */
    EVENT_CONFIGURATION, /* what a VDConfig held: call = the begin of the Create (as passed) or GetConfiguration
                            (as returned, before its end); event_config_word() takes its fields out of arg */
    EVENT_FAULT,         /* arg0 = index in the plan; call = the call it fired in; device, operation */
    EVENT_MODULE, /* a loaded file that later stacks of this process refer to: arg0 = load base, arg1 = first
                            address, arg2 = address past the last                       path */
    EVENT_STACK,  /* first sight of a call stack: stack = its run-wide number, arg0 = number of frames
                                                             the frames, see below */
    EVENT_ACCESS, /* guard: the client touched what it must not, see below          function or "" */
    EVENT_FILE,   /* a call on a file, see below                                   path(s) */
    EVENT_NOTE,   /* what a witness could not observe, for the report: arg0 = enum note_kind   a sentence;
                     NOTE_INTERPOSER: why it may not have seen a part of the client.
                     NOTE_PROOF: supervisor; arg1 = an operation, whose files are now as they were on disk.
                     NOTE_AGAIN: supervisor; from here on the client runs again, without faults (--again).
                     NOTE_AGAIN_CONTROL: supervisor, at the end; that fails after a run without a fault, too.
                     NOTE_JOB: supervisor; arg1 = the job that begins now, from 0, arg2 = 1 if the client had
                     ended, so that it cannot; text: what starts it (--trigger), redacted.
                     NOTE_VERDICT: supervisor; arg1 = the job, of a client that has none 0, arg2 = enum
                     verdict_word: what the client says of it.
                     NOTE_STOP: supervisor; arg1 = the signal that asks the client to end (--stop) */
    EVENT_STATEMENT_BEGIN, /* operation -1; arg0 = statement number in this process, arg1 = enum process_role
                              of its issuer (PROCESS_CLIENT, _SQL, _VERIFY)             the statement,
                              redacted */
    EVENT_STATEMENT_DEVICE, /* a VIRTUAL_DEVICE clause of the statement just begun, as the server read it: arg0 =
                               statement, arg1 = its place from 0, arg2 = how many there are         its name */
    EVENT_STATEMENT_OPEN, /* the server attached to the set: operation; arg0 = statement, arg1 = device count,
                             arg2 = 1 backup 2 restore                              database */
    EVENT_MESSAGE,        /* arg0 = statement, arg1 = number, arg2 = severity, arg3 = state   the message */
    EVENT_STREAM,        /* server, per device at the statement's end: device; arg0 = statement, arg1 = bytes,
                            arg2 = xxh64 of the bytes, arg3 = last Flush completion code or -1,
                            arg4 = VDC_Complete completion code or -1 (not sent) */
    EVENT_STATEMENT_END, /* arg0 = statement, arg1 = enum statement_outcome, arg2 = bytes, arg3 = hash; of a BACKUP
                            arg4, arg5 = the log sequence numbers it holds, [first, last); 0, 0: not known. Of a
                            RESTORE LOG that was refused with 4305: arg4 = the number that it lacks, arg5 = 0 */
    EVENT_SERVER_WAIT,   /* server can only go on when the client acts: arg0 = statement,
                            arg1 = outstanding commands, device = one of theirs or -1 */
    EVENT_SERVER_RESUME, /* the wait above ended */
    EVENT_PROCESS_EXIT,  /* supervisor, or (side client) a process that waited for its child: process;
                            arg0 = exit status or -1, arg1 = signal or 0, arg2 = enum process_role,
                            arg3 = 1 if we killed it, arg4 = 1 if the client is then told its statement's
                            outcome (--sql-result) */
    EVENT_HANG,          /* supervisor: arg0 = enum hang_reason                    what everybody waits for */
    EVENT_LEFTOVER,  /* supervisor: arg0 = enum leftover_kind; process          object name or command line */
    EVENT_SANITIZER, /* supervisor: process                                    first line of the report */
    EVENT_REACH, /* where a plan says `probe yes`: arg0 = enum event_reach, arg1 = how far; operation, device;
                        call = the call it followed, or was in, or that fetched the command; 0: any so far of
                        the device */
    EVENT_KIND_COUNT
};

/* What a fault of the client's own files and memory needs at its site, and how much of it there was. */
enum event_reach {
    REACH_NOTHING,
    REACH_WRITE,       /* bytes of the command that were written */
    REACH_SHORT_WRITE, /* ... by the largest single call */
    REACH_READ,
    REACH_SYNC,
    REACH_CLOSE, /* of a file that holds bytes of the device */
    REACH_OPEN,
    REACH_MEMORY,
    REACH_SHARED_MEMORY, /* allocations */
    REACH_COUNT
};

/* Arguments of EVENT_CALL_BEGIN / EVENT_CALL_END by function:
 *   Create            begin: 0 deviceCount, 1 features, 2 alignment, 3 prefixZoneSize; text: name
 *   OpenInSecondary   begin: text: name
 *   GetConfiguration  begin: 0 timeout    end: 0 features, 1 blockSize, 2 maxTransferSize, 3 deviceCount
 *   OpenDevice        begin: text: name   end: 0 device object
 *   GetCommand        begin: 0 timeout    end: 0 command block, 1 commandCode, 2 size, 3 position, 4 buffer,
 *                                             5 n: this is the n-th command of its code on this device
 *   CompleteCommand   begin: 0 command block, 1 completionCode, 2 bytesTransferred, 3 position,
 *                            4 `call` of the GetCommand that fetched the block last on any device of the set
 *                              (0: never seen), 5 commandCode as fetched
 *   GetBufferHandle   begin: 0 buffer, 1 `call` of the GetCommand that fetched the command it belongs to (0: no
 *                            command in the client's hands has it)      end: 0 handle
 *   MapBufferHandle   begin: 0 handle     end: 0 buffer
 *   Close, SignalAbort, RegisterDeviceClosed, Destroy: none
 * Every CALL_BEGIN: arg6 = address of the object the call was made on (0: NULL); stack = where from.
 * device is the index of the device in the set for device calls and for a successful OpenDevice's end.
 *
 * Stacks. A frame is the address of the instruction that was under way: of a call, the last byte of it (return
 * address - 1); of an access, the instruction itself. The text lists them innermost first, in hexadecimal without
 * "0x", separated by single spaces. Numbers are unique in the run; 0 is "unknown".
 *
 * EVENT_ACCESS: device, operation, set of the buffer or command block; call = the GetCommand that fetched it;
 *   function = the VDI function during which it was found, or 0; stack = the instruction and its callers (0: found
 *   by comparing contents at the completion); arg0 = enum access_what, arg1 = enum access_how,
 *   arg2 = enum access_when, arg3 = offset of the first byte from the start of the buffer or block, arg4 =
 *   commandCode, arg5 = size of the buffer or block, arg6 = sequence of the call that took it away (Complete-
 *   Command, Close, SignalAbort, the GetCommand that gave VD_E_ABORT; 0: still in the client's hands).
 *   text: the system or stdio function that did it ("write"), "" for the client's own instruction.
 *
 * EVENT_FILE: arg0 = enum file_action, arg1 = descriptor (-1 none), arg2 = identity of the file (run-wide, the same
 *   in every process; 0 unknown), arg3 = offset (-1 unknown or none), arg4 = length (or open flags), arg5 = result:
 *   bytes or 0, negative errno; arg6 = enum file_type. Recorded when the call has ended, but for SYNC_BEGIN.
 *   call = for SYNC_END the sequence of its SYNC_BEGIN; for WRITE and BUFFERED the GetCommand that fetched the
 *   command whose buffer the bytes came from, 0 if they came from elsewhere. Recorded are regular files that can be
 *   written through the descriptor, syncs of anything, and other descriptors only when bytes of a held buffer go there.
 */

enum access_what {
    ACCESS_BUFFER = 1,
    ACCESS_BEFORE_BUFFER, /* below the buffer and its prefix zone */
    ACCESS_BEYOND_BUFFER, /* past its size */
    ACCESS_COMMAND        /* the command block */
};
enum access_how {
    ACCESS_READ = 1,
    ACCESS_WRITE
};
enum access_when {
    ACCESS_WHILE_HELD = 1,
    ACCESS_AFTER_COMPLETION,
    ACCESS_AFTER_ABORT,
    ACCESS_AFTER_CLOSE
};
enum file_action {
    /* For writing: arg3 = size then, arg4 = flags, arg5 = the folder's identity if the call made the file, else 0;
     * text: the path, absolute. */
    FILE_OPEN = 1,
    FILE_WRITE,    /* arg4 = bytes asked for; arg5 = written */
    FILE_TRUNCATE, /* arg3 = length before, arg4 = new length */
    FILE_SYNC_BEGIN,
    FILE_SYNC_END,     /* fsync, fdatasync; msync, of a file unknown (identity 0) */
    FILE_SYNC_ALL_END, /* sync, syncfs: every file; begins with a SYNC_BEGIN too */
    FILE_MAP,          /* a shared writable mapping: what is stored through it is not seen */
    FILE_RENAME,       /* or link: arg5 = the new folder's identity      old and new path, by a newline */
    FILE_UNLINK,       /* arg4 = names that are left */
    FILE_CLOSE,
    FILE_WRITE_SYNCED, /* as WRITE, through O_SYNC, O_DSYNC, RWF_DSYNC: these bytes are durable */
    FILE_BUFFERED      /* stdio: arg4 = bytes that wait in the process's memory for this descriptor (-1: for
                          any), told when they begin or cease to */
};
enum file_type {
    FILE_REGULAR = 1,
    FILE_DIRECTORY,
    FILE_PIPE,
    FILE_SOCKET,
    FILE_DEVICE,
    FILE_OTHER
};
enum note_kind {
    NOTE_GUARD = 1,
    NOTE_FILES,
    NOTE_INTERPOSER,
    NOTE_PROOF,
    NOTE_AGAIN,
    NOTE_AGAIN_CONTROL,
    NOTE_TIME, /* supervisor: why time stays real */
    NOTE_JOB,
    NOTE_VERDICT,
    NOTE_STOP,
    NOTE_KIND_END
};
enum verdict_word {
    VERDICT_NOTHING, /* no word came */
    VERDICT_FAILURE,
    VERDICT_SUCCESS
};

enum event_flag {
    EVENT_FLAG_FAULTED = 1,  /* END: the result is a fault's doing; the library was not asked, or overruled */
    EVENT_FLAG_BY_FAULT = 2, /* BEGIN/END: a fault made this call, not the client */
    EVENT_FLAG_WAITED_FOR_FAULT = 4,
    EVENT_FLAG_SHORTENED =
        8, /* END: the run's clock was moved on meanwhile: the call took less than it shows */
};

enum statement_outcome {
    STATEMENT_SUCCESS = 1,
    STATEMENT_FAILED,
    STATEMENT_ABORTED
};
enum process_role {
    PROCESS_CLIENT = 1,
    PROCESS_SQL,
    PROCESS_VERIFY,
    PROCESS_DESCENDANT,
    PROCESS_AGAIN /* the client, run again; only in EVENT_PROCESS_EXIT */
};
enum hang_reason {
    HANG_CERTAIN = 1,
    HANG_PATIENCE,
    HANG_TIMEOUT,
    HANG_SLOW /* the time limit, and it was still getting on: ended, but no hang */
};
enum leftover_kind {
    LEFTOVER_MEMORY = 1,
    LEFTOVER_PROCESS
};

struct event {
    uint64_t sequence; /* run-wide order, from 1 */
    uint64_t time_ns;  /* monotonic, by the run's clock; to some tens of ns between threads (event_time.h) */
    uint16_t version;
    uint8_t kind;      /* enum event_kind */
    uint8_t side;      /* enum event_side */
    uint16_t function; /* enum vdi_function */
    int16_t device;    /* -1 none */
    int32_t operation; /* -1 none */
    uint32_t process;
    uint32_t thread;
    uint32_t stack; /* number of the call stack, 0 unknown */
    uint64_t set;   /* run-wide number of the client's set object, 0 none */
    uint64_t call;  /* sequence of the EVENT_CALL_BEGIN this belongs to */
    uint32_t flags; /* enum event_flag */
    uint32_t text_records;
    union {
        struct {
            int32_t result;
            uint32_t repeat; /* the reader's: identical calls folded into this one */
            int64_t arg[7];
        };
        char text[64];
    };
};
_Static_assert(sizeof(struct event) == 128, "an event is two cache lines");

/* The n-th 32-bit field of a VDConfig (spec 5.1) in an EVENT_CONFIGURATION; two fields an argument. */
enum {
    EVENT_CONFIG_WORDS = 11
};
static inline uint32_t event_config_word(const struct event *event, unsigned n)
{
    return (uint32_t)((uint64_t)event->arg[n / 2] >> (n % 2 * 32));
}
static inline void event_set_config_word(struct event *event, unsigned n, uint32_t value)
{
    uint64_t other = (uint64_t)event->arg[n / 2] & ~(UINT64_C(0xffffffff) << (n % 2 * 32));
    event->arg[n / 2] = (int64_t)(other | (uint64_t)value << (n % 2 * 32));
}

/* What comes after it is the second run of --again, which no site of a fault is in. */
static inline bool event_begins_again(const struct event *event)
{
    return event->kind == EVENT_NOTE && event->arg[0] == NOTE_AGAIN;
}

extern const char *const vdi_function_names[VDI_FN_COUNT]; /* "Create", "GetConfiguration", ... */
/* "Read", "Write", ..., without the VDC_ prefix; NULL outside 1..19. */
const char *vdi_command_name(int32_t code);
/* "VD_E_ABORT", "NOERROR", ...; NULL if unknown. */
const char *vdi_result_name(int32_t result);
/* Of a completion code: "SUCCESS", "ERROR_DISK_FULL", ...; NULL if unknown. */
const char *vdi_completion_name(int32_t code);

#endif
