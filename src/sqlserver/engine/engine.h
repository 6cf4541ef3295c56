/* engine.h - the backup engine of the simulated SQL Server: one BACKUP or RESTORE over a virtual device set.
 *
 * Responsible for: opening the set, settling its configuration, moving the database through the devices,
 * flush, VDC_Complete, closing, and SQL Server's own messages for every outcome (spec 9, 10, 13). A
 * non-blocking state machine: engine_step does what can be done now; engine_wait sleeps until the client has
 * done something. Not responsible for: T-SQL text (tsql/), who reads the messages (session/).
 *
 * Behaves as a real server does (design 5): several commands outstanding per device, Write sizes that vary in
 * multiples of the block size up to MAXTRANSFERSIZE, uneven stripes, at least two buffers in turn per device,
 * no CloseDevice before every device was flushed, the last Read of each device asks a full transfer past the
 * end. All of it is a function of the seed: the bytes of each device do not depend on timing. What else a disk,
 * a tape or removable media get is in media.h, snapshots in snapshot.h. After an error completion, devices in
 * IO-ERROR get ClearError before they are closed, or not (plan.h, clear-error).
 *
 * Threads: one thread per engine; an engine owns a helper thread only while the plan holds a fault that the
 * client's side asks for (fault_agent.h).
 */
#ifndef VDIFAULT_ENGINE_H
#define VDIFAULT_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog.h"
#include "plan.h"
#include "server.h"

enum engine_operation {
    ENGINE_BACKUP = 1,
    ENGINE_RESTORE
};

struct engine_request {
    enum engine_operation operation;
    bool log;          /* BACKUP/RESTORE LOG rather than DATABASE */
    bool differential; /* BACKUP ... WITH DIFFERENTIAL (stripes.h) */
    bool snapshot;     /* WITH SNAPSHOT (snapshot.h) */
    bool headers;      /* RESTORE HEADERONLY and the like: reads headers, then closes the devices */
    bool replace;      /* RESTORE ... WITH REPLACE */
    bool store;        /* false: RESTORE checks the stream and writes nothing (verification) */
    bool verify_only;  /* RESTORE VERIFYONLY: not even the client is told to lay anything down */
    bool copy_only;    /* BACKUP ... WITH COPY_ONLY: nothing else takes notice of it */
    bool no_recovery;  /* WITH NORECOVERY or STANDBY: the database is RESTORING afterwards */
    bool overwrite;    /* BACKUP ... WITH INIT or FORMAT: a tape from its start (media.h) */
    uint32_t file;     /* RESTORE ... WITH FILE = n: of the sets on a tape; 0 = 1 */
    const char *database;
    uint32_t device_count;
    const char *const *devices; /* VIRTUAL_DEVICE names; the first is the set's name */
    uint32_t block_size;        /* BLOCKSIZE, 0 = default */
    uint32_t max_transfer_size; /* MAXTRANSFERSIZE, 0 = default (65536) */
    uint32_t buffer_count;      /* BUFFERCOUNT, 0 = default */
    uint32_t stats;             /* STATS percentage, 0 = none */
    uint32_t statement;         /* number of the statement, for events */
};

/* State of text that is printed, but no message of the statement's. */
enum {
    ENGINE_CHAT = -1
};

/* One message to the session. severity < 11 is information. text is UTF-8, no newline. */
struct sql_message {
    int32_t number;
    int32_t severity;
    int32_t state;
    const char *text;
};
typedef void engine_report(void *context, const struct sql_message *message);

/* What the header of the first device tells of its backup set, for RESTORE HEADERONLY and the like. */
struct engine_backup_set {
    const char *database;
    const char *kind; /* "Database", "Transaction Log", "Database Differential" */
    uint32_t type;    /* of SQL Server's BackupType: 1, 2, 5 */
    uint32_t position;
    uint32_t device, device_count; /* of the media families; device from 0 */
    uint64_t set_id;
    uint64_t database_size;
    uint64_t content_bytes;
    uint32_t block_size;
    bool snapshot;
    uint64_t first_lsn, last_lsn, base_lsn; /* stream.h */
};
typedef void engine_describe(void *context, const struct engine_backup_set *set);

struct engine_options {
    const struct plan *plan;  /* faults, seed, size, databases; must outlive the engine */
    struct catalog *catalog;  /* what the server remembers; NULL: nothing. Must outlive the engine */
    bool verification;        /* on behalf of --verify (catalog.h) */
    int64_t open_patience_ms; /* how long a set that does not exist yet is waited for */
    engine_report *report;
    engine_describe *describe; /* of a statement with `headers`; NULL: nobody wants to know */
    void *report_context;
};

enum engine_status {
    ENGINE_RUNNING,
    ENGINE_SUCCEEDED,
    ENGINE_FAILED
};

/* What becomes of the session with the statement. */
enum engine_leaving {
    ENGINE_STAYS,
    ENGINE_CANCELLED,   /* by an attention: sqlcmd's own time limit */
    ENGINE_LOST,        /* the connection is gone */
    ENGINE_UNREACHABLE, /* there never was one */
};

struct engine;
/* 0 or errno (ENOMEM). `request` and its strings are copied. */
int engine_new(const struct engine_request *request, const struct engine_options *options,
               struct engine **engine);
enum engine_status engine_step(struct engine *engine);
void engine_wait(struct engine *engine, int64_t deadline); /* os_now() nanoseconds */
void engine_cancel(struct engine *engine); /* attention: abort the set; steps on to ENGINE_FAILED with 3204 */
enum engine_leaving engine_leaving(const struct engine *engine);
uint32_t engine_percent(const struct engine *engine); /* of the data that has been moved */
void engine_free(struct engine *engine);              /* aborts what still runs */

#endif
