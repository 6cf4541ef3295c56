/* engine_state.h - the engine's own state, shared by its parts; nobody else's.
 *
 *   engine.c       life of an engine, its phases, the end of a statement
 *   outcome.c      its messages and events
 *   configure.c    statement checks, Open, configuration, buffers
 *   device.c       commands of one device: slots, sending, completions
 *   snapshot.c     PrepareToFreeze, Snapshot, MountSnapshot
 *   media.c        what else a device model needs: positions, filemarks, volumes; media_steps.c when
 *   backup.c       what a BACKUP sends
 *   restore.c      what a RESTORE asks for; restore_set.c which backup set it is, and where it goes
 *   follow.c       as a recorded server did (scenario/profile.h)
 *   fault_commands.c  faults in what is sent, and when; fault_deeds.c what each does
 *   log_chain.c    what earlier statements have left, and what this one leaves (catalog.h)
 *   fault_agent.c  what the client's side asks for
 *   fault_peers.c  faults at a statement's start and end, and its words for every end that a fault gives it
 *
 * All of it runs on the engine's one thread, the fault agent excepted.
 */
#ifndef VDIFAULT_ENGINE_STATE_H
#define VDIFAULT_ENGINE_STATE_H

#include "database.h"
#include "engine.h"
#include "event.h"
#include "fault_agent.h"
#include "fault_commands.h"
#include "fault_peers.h"
#include "follow.h"
#include "hash.h"
#include "log_chain.h"
#include "media.h"
#include "messages.h"
#include "runstate.h"
#include "server.h"
#include "snapshot.h"
#include "stream.h"
#include "stripes.h"

enum {
    ENGINE_DEPTH = 4, /* transfers outstanding per device, if there are buffers for them */
    ENGINE_DEPTH_LEAST = 2,
    ENGINE_BUFFERS_SPARE =
        1, /* so that buffers wander between devices, as in a real server's pool (spec 8) */
    ENGINE_BUFFERS_MAX =
        2 * (SERVER_DEVICES_MAX * PROFILE_OUTSTANDING_MAX + ENGINE_BUFFERS_SPARE), /* two areas */
    ENGINE_PAGE = 8192,
    ENGINE_NO_BUFFER = -1,
    ENGINE_NO_CODE = -1,
};

enum engine_phase {
    ENGINE_PHASE_START,    /* nothing checked yet */
    ENGINE_PHASE_QUEUED,   /* another statement has the database */
    ENGINE_PHASE_OPENING,  /* the set is not there yet */
    ENGINE_PHASE_DEVICES,  /* configured; the client has still to open devices (VDI-OPEN-005) */
    ENGINE_PHASE_RUNNING,  /* commands flow */
    ENGINE_PHASE_DRAINING, /* failed: outstanding commands are waited for (spec 9.4) */
    ENGINE_PHASE_ENDED,
};

/* Where a device stands in RUNNING. A backup takes the stages in this order; a restore goes from HEADER over
 * DATA to DONE. */
enum device_stage {
    STAGE_HEADER,
    STAGE_MARK, /* a soft filemark, if the device has such */
    STAGE_DATA,
    STAGE_TRAILER, /* all extents are sent; the trailer waits for the digests of the other devices */
    STAGE_END_MARK,
    STAGE_DRAIN, /* all Writes are sent; Flush once they are completed */
    STAGE_FLUSH,
    STAGE_FLUSHED, /* waits for the other devices' Flush */
    STAGE_COMPLETE,
    STAGE_DONE,
};

/* A command and where it stands. The command is what the core sees; its context leads back here. */
struct engine_slot {
    struct VDS_Command command;
    struct engine_device *device;
    uint64_t order;  /* of submission, among the commands of the operation itself; Reads: of the stream */
    uint64_t offset; /* in the stream, of the buffer's first byte */
    uint32_t stored; /* bytes of the buffer on volumes that are full */
    int32_t buffer;  /* index in engine.buffers, or ENGINE_NO_BUFFER */
    bool busy;
    bool done;     /* completed, not yet looked at */
    bool extra;    /* of a fault; whatever the client answers is fine */
    bool step;     /* of media.h */
    bool kept;     /* the rest goes to the next volume */
    uint64_t held; /* not sent yet; of the device's held commands the lowest goes first. 0: sent */
    struct fault_orders orders;
};

struct engine_device {
    struct engine *engine;
    struct server_device *handle;
    char *name;
    uint32_t index;
    int16_t event_device; /* index as the run knows it */
    bool opened;
    enum device_stage stage;

    struct engine_slot slots[SERVER_COMMANDS_PER_DEVICE];
    uint32_t outstanding;
    uint32_t depth;          /* transfers at once, at most */
    uint32_t transfers;      /* of them, those that hold a buffer */
    uint64_t next_order;     /* of the next command sent */
    uint64_t next_completed; /* restore: order of the next Read to be consumed */

    uint64_t bytes; /* of the stream, as sent or received */
    XXH64_state_t hash;
    int32_t flush_code;
    int32_t complete_code;
    struct media media;
    struct fault_device fault;
    struct follow follow;

    /* backup */
    struct stripes stripes;
    struct stripes_total total;
    uint32_t header_bytes, trailer_bytes; /* with their padding */
    uint64_t sequence;
    uint64_t payload;
    uint64_t digest; /* of the stream before its trailer */

    /* restore */
    struct stream_reader reader;
    uint64_t random;
    uint64_t requested; /* bytes asked for by outstanding Reads */
    bool ended;         /* the client reported the end of data */
};

struct engine {
    struct engine_request request; /* strings are ours */
    struct engine_options options;
    const char *statement; /* "BACKUP DATABASE", ... */
    char *file_name;       /* the database's, as messages call it */
    enum engine_phase phase;
    enum engine_status status;
    bool cancelled;
    bool failed;    /* a message said why */
    bool satisfied; /* by a fault: all is well, and no more data is wanted */
    bool reordered; /* by a fault */

    struct server_set *set;
    struct VDConfig client_config;
    uint32_t features; /* as settled */
    int watch;         /* for sets that do not exist yet; -1 none */
    int64_t open_deadline;
    int32_t operation;
    bool aborted;
    bool opened; /* EVENT_STATEMENT_OPEN was recorded */

    uint32_t block_size;
    uint32_t max_transfer;
    uint32_t depth;
    uint8_t *buffers[ENGINE_BUFFERS_MAX];
    int32_t free_buffers[ENGINE_BUFFERS_MAX]; /* a ring: first freed, first used */
    uint32_t free_first;
    uint32_t free_count;
    uint32_t buffer_count;

    uint32_t device_count;
    struct engine_device *devices;

    struct log_chain chain;
    uint64_t database_size;
    struct database_source source;
    struct database_target target;
    struct stream_header header; /* what all devices of the set have in common */
    uint64_t total;              /* bytes of all streams, for STATS */
    uint64_t moved;              /* of them, those done */
    uint64_t restored;           /* bytes of the database the target has taken */
    uint32_t next_percent;
    uint64_t set_digest;
    bool has_set_digest;

    int64_t started;
    bool frozen; /* a snapshot: writes to the database are held */
    uint64_t frozen_digest;
    bool cleared;       /* draining: ClearError was sent where it is wanted */
    int64_t idle_since; /* 0: has not slept since it had something to do */
    bool waiting;       /* EVENT_SERVER_WAIT was recorded */
    struct fault_agent *agent;
    bool started_by_faults; /* they had their say about the start */
    int64_t held_until;     /* the start; by the run's clock, as open_deadline */
    enum engine_leaving leaving;
};

/* engine.c */
/* The statement fails; the caller has said why. What is outstanding is waited for, then all is closed. */
void engine_fail(struct engine *engine);

/* outcome.c */
void engine_say(struct engine *engine, int32_t number, int32_t severity, int32_t state, const char *format,
                ...) __attribute__((format(printf, 5, 6)));
/* 18210: `what` is "write", "Flush", ...; then 3202 or 3203. Fails the statement, unless the set is aborted.
 */
void engine_fail_io(struct engine *engine, const struct engine_device *device, const char *where,
                    const char *what, int32_t code);
void engine_progress(struct engine *engine, uint64_t bytes); /* counts and says 3211 */
void engine_say_success(struct engine *engine);
void engine_say_abort(struct engine *engine, enum server_abort_reason reason);
void engine_record_end(struct engine *engine, enum statement_outcome outcome);
void engine_begin_waiting(struct engine *engine); /* EVENT_SERVER_WAIT */
void engine_note_progress(struct engine *engine); /* ends it, if there was one */

/* configure.c */
bool configure_check(struct engine *engine); /* of the statement; false: said and failed */
bool configure_open(struct engine *engine);  /* false: not there yet */
void configure_set(struct engine *engine);   /* may fail the statement */

/* device.c */
bool device_can_send(const struct engine_device *device);
struct device_command {
    int32_t code;
    int32_t buffer; /* index, or ENGINE_NO_BUFFER */
    int32_t size;
    int64_t position;
    uint64_t offset; /* in the stream, of a transfer */
    bool step;       /* of media.h, which gets the answer */
    bool sized;      /* by faults_resize */
};
/* An error of the set comes back as a completion. */
void device_send(struct engine_device *device, const struct device_command *command);
/* A command without operands. */
void device_send_plain(struct engine_device *device, int32_t code);
/* What a fault adds: without operands, and not of the operation. */
void device_send_extra(struct engine_device *device, int32_t code);
void device_send_held(struct engine_device *device, struct engine_slot *slot);
/* Sends again what a full volume left of a Write; a slot that is kept. */
void device_send_rest(struct engine_device *device, struct engine_slot *slot, int64_t position);
struct engine_slot *device_next_kept(struct engine_device *device); /* the oldest, or NULL */
uint64_t device_pending_bytes(const struct engine_device *device);  /* of Writes outstanding */
/* Hands every completed command but those of faults to `take`, or to media.h; with `in_order`, by their order.
 * The slot and its buffer are free again afterwards, unless the slot is kept. */
typedef void device_take(struct engine_device *device, struct engine_slot *slot);
/* The next one of them; false: there is none. For who sends a command before the next answer is looked at: how many
 * Reads a client gets until it is known that its volume ends there must not depend on how many answers a step finds. */
bool device_reap_one(struct engine_device *device, bool in_order, device_take *take);
void device_reap(struct engine_device *device, bool in_order, device_take *take);
int32_t device_take_buffer(
    struct engine_device *device); /* ENGINE_NO_BUFFER: none left, or its share is used */
void device_return_buffer(struct engine_device *device, int32_t buffer);
uint32_t device_outstanding(const struct engine *engine); /* of all devices */
/* Outstanding, and known to the client. */
static inline uint32_t device_sent(const struct engine_device *device)
{
    return device->outstanding - device->fault.held;
}

/* backup.c, restore.c */
bool backup_begin(struct engine *engine);    /* false: said and failed */
void backup_describe(struct engine *engine); /* the log chain's numbers are fixed */
void backup_start(struct engine *engine);    /* the set is configured */
void backup_step(struct engine *engine);
void backup_write_header(struct engine_device *device, int32_t buffer); /* to memory: as it will stay */
void restore_start(struct engine *engine);
void restore_step(struct engine *engine);

/* restore_set.c */
bool restore_check_members(struct engine *engine); /* false: said */
bool restore_begin_target(struct engine *engine);
void restore_describe(struct engine *engine); /* and that is all of the statement */
void restore_report_target(struct engine *engine, int error, const char *attempt);
bool restore_commit(struct engine *engine);

static inline bool engine_is_done(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        if (engine->devices[i].stage != STAGE_DONE) {
            return false;
        }
    }
    return true;
}

#endif
