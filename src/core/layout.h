/* layout.h - the published format of a virtual device set in shared memory, version 2.
 *
 * A set is one control object and any number of buffer areas, each an object of its own. All are addressed by
 * offsets, never by pointers. The control object is struct shared_header followed by device_count structs
 * shared_device; the client creates it at Create, the server finds it by name at Open. Buffer areas are the
 * server's: one at EndConfiguration, one more for each RequestBuffers after it (spec 4); the table in the
 * header tells how many there are, and they are named after the set's id and their index.
 *
 * Who writes what: a comment on each field names its one writer; words with two writers are changed by
 * compare and exchange only. The reader of a field never trusts it: it is copied once and checked (shared.h).
 *
 * Command queue of a device (queue.c): the server writes each command into the next entry of a ring and then the
 * entry's place in the order, which publishes it; the client takes entries in order. The command names a slot that
 * is the command's until it is completed, in any order: then the client fills the slot's completion and raises its
 * count of uses. So every line that both sides touch while data flows has one writer, and carries all that the
 * other side needs: each direction costs the move of one line, and one more to say that something happened.
 */
#ifndef VDIFAULT_CORE_LAYOUT_H
#define VDIFAULT_CORE_LAYOUT_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "os.h"
#include "shared.h"

enum {
    SHARED_MAGIC = 0x53444956, /* "VIDS" */
    SHARED_VERSION = 2,
    SHARED_DEVICES_MAX = 64,
    SHARED_SLOTS = 16,     /* commands outstanding on one device (design: X11) */
    SHARED_NAME_MAX = 260, /* bytes of a set or device name with its NUL */
    SHARED_CONFIG_WORDS = 11,
    SHARED_AREAS_MAX = 16, /* buffer areas of one set */
};

/* Something to wait for. To wait: note `sequence`, look whether there is something to do, then sleep while
 * `sequence` is still the noted one. To notify: raise `sequence`, wake if anybody waits. Raising before
 * looking at `waiters`, and raising `waiters` before the kernel compares `sequence`, both sequentially
 * consistent, is why no wake is lost; and nobody pays for a system call when nobody sleeps. */
struct shared_event {
    alignas(64) _Atomic uint32_t sequence;
    _Atomic uint32_t waiters;
};

struct shared_command {                /* server */
    alignas(64) _Atomic uint32_t turn; /* the first command is 1; written last */
    _Atomic uint32_t slot;
    _Atomic int32_t code;
    _Atomic int32_t size;
    _Atomic uint32_t buffer_area; /* index of the buffer area plus one; 0 = no buffer */
    _Atomic uint32_t reserved;
    _Atomic uint64_t buffer_offset; /* bytes into that area */
    _Atomic int64_t position;
};

struct shared_completion {             /* client */
    alignas(64) _Atomic uint32_t uses; /* how many commands were completed in this slot; written last */
    _Atomic int32_t code;
    _Atomic uint64_t bytes_transferred;
    _Atomic int64_t position;
    _Atomic uint32_t io_state; /* changes between Active (even) and IO-ERROR (odd) so far, with its own */
};

enum shared_server_device {
    SERVER_DEVICE_UNOPENED,
    SERVER_DEVICE_OPEN,
    SERVER_DEVICE_CLOSED
};
enum shared_client_device {
    CLIENT_DEVICE_UNOPENED,
    CLIENT_DEVICE_OPEN,
    CLIENT_DEVICE_CLOSED, /* VD_E_CLOSE was delivered */
};

/* Processors fetch neighbouring lines in pairs: so commands have theirs to themselves, and so have completions. */
struct shared_device {
    alignas(128) _Atomic uint32_t server_state; /* enum shared_server_device; server */
    _Atomic uint32_t client_state;              /* enum shared_client_device; client */
    _Atomic uint8_t name[SHARED_NAME_MAX];      /* server, before phase INITIALIZED */
    struct shared_event commands;               /* the client sleeps here */
    struct shared_command ring[SHARED_SLOTS];
    struct shared_completion slots[SHARED_SLOTS];
};

enum shared_phase {
    PHASE_CREATED = 1, /* the client has filled its part */
    PHASE_CONNECTED,   /* a server has attached */
    PHASE_CONFIGURING, /* BeginConfiguration */
    PHASE_INITIALIZED, /* EndConfiguration: server_config, device names and the first areas are valid */
};

struct shared_process {
    _Atomic uint64_t number; /* os_process.pid, and above it .space: nobody sees the one without the other */
    _Atomic uint64_t start_time;
};

struct shared_header {
    /* The same in every version, down to `client`: so that any version's leftovers can be told. */
    _Atomic uint32_t magic;        /* client; written last, at Create */
    _Atomic uint32_t version;      /* client, down to client_config */
    _Atomic uint32_t control_size; /* bytes of the control object */
    _Atomic uint32_t device_count;
    _Atomic uint64_t id; /* names the buffer areas; unique on the machine */
    struct shared_process client;
    _Atomic uint32_t client_config[SHARED_CONFIG_WORDS]; /* struct VDConfig as passed to Create */
    _Atomic uint32_t server_config[SHARED_CONFIG_WORDS]; /* as settled; server, before INITIALIZED */
    struct shared_process server;                        /* server, before CONNECTED */
    _Atomic uint64_t area_sizes[SHARED_AREAS_MAX];       /* bytes of each buffer area; server */
    _Atomic uint32_t area_count;                         /* areas that exist; server */
    _Atomic uint32_t server_closed;                      /* server */
    _Atomic uint32_t client_closed;                      /* client: the primary called Close */
    _Atomic uint32_t configured;           /* client: the primary's GetConfiguration succeeded */
    _Atomic uint32_t devices_opened;       /* client: how many OpenDevice calls succeeded */
    _Atomic uint32_t phase;                /* enum shared_phase; CREATED by the client, then the server's */
    _Atomic uint32_t abort_reason;         /* enum server_abort_reason; two writers, 0 -> reason */
    _Atomic uint8_t name[SHARED_NAME_MAX]; /* client */
    struct shared_event client_event;      /* GetConfiguration sleeps here */
    struct shared_event server_event;      /* the server sleeps here */
    struct shared_device devices[];
};

/* Bytes of the header that are the same in every version. */
#define SHARED_HEADER_COMMON (offsetof(struct shared_header, client) + sizeof(struct shared_process))

/* The format is a contract between separately built processes. */
_Static_assert(sizeof(struct os_process) == 16, "process identity");
_Static_assert(sizeof(struct shared_event) == 64, "one cache line each");
_Static_assert(sizeof(struct shared_command) == 64, "one cache line each");
_Static_assert(sizeof(struct shared_completion) == 64, "one cache line each");
_Static_assert(offsetof(struct shared_command, position) == 32, "version 2");
_Static_assert(offsetof(struct shared_completion, position) == 16, "version 2");
_Static_assert(offsetof(struct shared_device, name) == 8, "version 2");
_Static_assert(offsetof(struct shared_device, commands) == 320, "version 2");
_Static_assert(offsetof(struct shared_device, ring) % 128 == 0, "pairs of lines");
_Static_assert(offsetof(struct shared_device, slots) % 128 == 0, "pairs of lines");
_Static_assert(offsetof(struct shared_device, ring) == 384, "version 2");
_Static_assert(offsetof(struct shared_device, slots) == 1408, "version 2");
_Static_assert(sizeof(struct shared_device) == 2432, "version 2");
_Static_assert(SHARED_HEADER_COMMON == 40, "every version");
_Static_assert(offsetof(struct shared_header, client_config) == 40, "version 2");
_Static_assert(offsetof(struct shared_header, server) == 128, "version 2");
_Static_assert(offsetof(struct shared_header, area_sizes) == 144, "version 2");
_Static_assert(offsetof(struct shared_header, client_event) == 576, "version 2");
_Static_assert(sizeof(struct shared_header) == 768, "version 2");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "no locks in shared memory");

static inline size_t shared_control_size(uint32_t device_count)
{
    return sizeof(struct shared_header) + device_count * sizeof(struct shared_device);
}

#endif
