/* snapshot.h - BACKUP and RESTORE ... WITH SNAPSHOT (spec 11).
 *
 * The client copies the database itself; its one device carries only the metadata, a stream without extents.
 *   BACKUP   Write (header), PrepareToFreeze if the client asked for it, freeze, Write (trailer with the digest
 *            of the database as frozen), Snapshot, resume, Complete if it is enabled, close. No Flush: "then only
 *            a close follows" (spec 6.3).
 *   RESTORE  Reads, MountSnapshot, then the database file must be the one that was frozen (VDI-SNAP-005).
 *            RESTORE VERIFYONLY leaves MountSnapshot out. A verification by the run does not: the client has
 *            nothing else to restore with.
 * Freezing is what the server promises for itself: it writes nothing. A generated database is in no file, so
 * there is no digest of it, and whatever the client mounts is accepted.
 * 3197 and 3198 go to the session; a real server has an error log for them.
 *
 * Threads: the engine's one.
 */
#ifndef VDIFAULT_ENGINE_SNAPSHOT_H
#define VDIFAULT_ENGINE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct engine_device;

/* Of the statement and of the configuration; false: said and failed. */
bool snapshot_check_statement(struct engine *engine);
bool snapshot_check_configuration(const struct engine *engine);
/* Of a RESTORE's headers. */
bool snapshot_check_set(struct engine *engine, const struct engine_device *device);

/* BACKUP: the header is out; the last Write is out. RESTORE: everything is read. */
void snapshot_after_header(struct engine_device *device);
void snapshot_after_writes(struct engine_device *device);
void snapshot_after_reads(struct engine_device *device);
/* A command has succeeded; of those that are none of ours nothing follows. */
void snapshot_take(struct engine *engine, int32_t code);
void snapshot_resume(struct engine *engine); /* if the database is frozen */

#endif
