/* transfer.h - what the checker remembers of the transfer itself: what was answered to commands, where devices
 * stand, what streams carried.
 *
 * Internal to src/rules; state.h embeds the structures. All of it is plain memory inside its owner, so nothing is
 * freed. Single-threaded.
 */
#ifndef VDIFAULT_RULES_TRANSFER_H
#define VDIFAULT_RULES_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "call.h"

enum {
    MARKS_MAX = 16,  /* filemarks of a stream; one that has more is not followed */
    SIZES_MAX = 128, /* different sizes of transfers */
};

/* A call that is held against the client unless something excuses it by the end of the set's life. */
struct held_answer {
    struct call call; /* the CompleteCommand; sequence 0: none */
    int32_t command;
    int32_t code;
};

/* The configuration as GetConfiguration gave it. */
struct set_transfer {
    bool known;
    uint32_t features;
    uint32_t block_size;
    uint32_t max_transfer;
};

/* Filemarks of a device's stream: how many bytes of it come before each. */
struct mark_layout {
    bool followed; /* nothing happened that would make the list doubtful */
    uint32_t count;
    uint64_t before[MARKS_MAX];
};

/* Where a device stands. Positions are bytes with RandomAccess; on a tape `reported` is the client's own number
 * for the place. */
struct device_transfer {
    uint64_t transfer_sequence; /* of the last completion of a Read or Write */
    bool position_known;
    int64_t position; /* behind what was moved last, or where SetPosition went */
    bool reported_known;
    int64_t reported; /* by the last GetPosition */
    bool moved;       /* since then */

    /* a tape, from the last Rewind on: bytes passed, and which mark comes next */
    struct mark_layout marks; /* a backup: as written */
    uint64_t offset;
    uint32_t next_mark;
    bool reported_followed; /* the two below are where the last GetPosition was asked */
    uint32_t reported_next_mark;
    uint64_t reported_offset;

    bool ended; /* a Read told the end of the data */

    uint64_t error_sequence; /* of the last completion with an I/O error */
    uint64_t error_ns;
    struct call timed_out;     /* the GetCommand that gave VD_E_TIMEOUT last */
    struct held_answer answer; /* to ClearError or Snapshot, not as it has to be */
};

struct device_stream {
    bool known;
    uint64_t bytes;
    uint64_t hash;
    int64_t complete; /* completion code of VDC_Complete, -1: not sent */
};

struct operation_transfer {
    struct call create;
    uint32_t device_count;
    bool complete_enabled;
    uint64_t completes_seen; /* a bit a device: it got VDC_Complete */
    struct device_stream streams[DEVICES_MAX];
    struct mark_layout marks;      /* of device 0 */
    struct held_answer read_error; /* the last Read's, until another Read succeeds */
    bool not_loaded;               /* a Load was refused: what the next volume holds does not come */
    struct call mark_missed; /* a Read that went over a filemark, if this is the stream it seems to be */
    uint64_t mark_missed_at;
    int32_t mark_missed_code;
    struct call mounted; /* the completion of MountSnapshot with SUCCESS */
    int32_t damage;      /* number of the message that told of it; 0 none */
    uint64_t damage_sequence;
};

/* Of the whole run. */
struct run_transfer {
    uint32_t size_count;
    int64_t sizes[SIZES_MAX]; /* of Writes and Reads that were completed with SUCCESS */
};

#endif
