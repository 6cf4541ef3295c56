/* restore_set.c - the backup set a RESTORE was given, and where it goes: see engine_state.h. */
#include <errno.h>
#include <strings.h>

#include "engine_state.h"

/* --- the target --- */

/* The data is good, but the target does not take it. */
void restore_report_target(struct engine *engine, int error, const char *attempt)
{
    char text[OS_ERROR_TEXT_MAX];
    if (error == EWOULDBLOCK) {
        engine_say(engine, SQL_IN_USE);
    } else if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
        uint64_t needed =
            engine->database_size > engine->restored ? engine->database_size - engine->restored : 0;
        engine_say(engine, SQL_NO_SPACE, engine->target.path, (unsigned long long)needed,
                   (unsigned long long)database_free_space(&engine->target));
    } else {
        engine_say(engine, SQL_SYSTEM_ERROR, messages_os_error(messages_from_errno(error), text, sizeof text),
                   attempt, engine->target.path);
    }
}

/* --- the media set: do these devices belong together, and here? --- */

static bool check_member(struct engine *engine, const struct engine_device *device)
{
    const struct stream_header *first = &engine->devices[0].reader.header;
    const struct stream_header *header = &device->reader.header;
    bool log = header->kind == STREAM_LOG;
    if (header->device_count > engine->device_count) {
        engine_say(engine, SQL_MISSING_MEMBERS, header->device_count, engine->device_count);
    } else if (header->device_count < engine->device_count) {
        engine_say(engine, SQL_OTHER_COUNT, device->name, header->device_count, engine->device_count);
    } else if (header->set_id != first->set_id) {
        engine_say(engine, SQL_OTHER_SET, device->name);
    } else if (log != engine->request.log) {
        engine_say(engine, SQL_OTHER_KIND, device->name, log ? "BACKUP LOG" : "BACKUP DATABASE");
    } else {
        return snapshot_check_set(engine, device);
    }
    return false;
}

/* Devices may come in any order: each carries its place. */
bool restore_check_members(struct engine *engine)
{
    const struct engine_device *seen[STREAM_DEVICES_MAX] = {NULL};
    for (uint32_t i = 0; i < engine->device_count; i++) {
        const struct engine_device *device = &engine->devices[i];
        if (!check_member(engine, device)) {
            return false;
        }
        const struct engine_device **place = &seen[device->reader.header.device];
        if (*place != NULL) {
            engine_say(engine, SQL_DUPLICATE_MEMBER, device->name, device->reader.header.device + 1,
                       (*place)->name);
            return false;
        }
        *place = device;
    }
    return true;
}

/* An existing database is replaced only on demand; a log is restored into the one that is there, and a
 * differential onto it. */
static bool check_existing(struct engine *engine, const char *path)
{
    bool differential = engine->header.kind == STREAM_DIFFERENTIAL;
    if (path != NULL && differential && !database_exists(path)) {
        engine_say(engine, SQL_NOT_THERE, engine->request.database);
        return false;
    }
    if (path == NULL || engine->request.replace || engine->request.log || differential ||
        !database_exists(path) || log_chain_allows_overwrite(engine)) {
        return true;
    }
    if (strcasecmp(engine->header.database, engine->request.database) != 0) {
        engine_say(engine, SQL_OTHER_DATABASE, engine->request.database);
    } else {
        engine_say(engine, SQL_TAIL_OF_LOG, engine->request.database);
    }
    return false;
}

/* What a differential changes a part of. */
static bool keep_target(struct engine *engine, const char *path)
{
    struct database_source present;
    int error = database_open(&present, engine->options.plan, path);
    uint64_t size = error == 0 ? present.size : 0;
    if (error == 0) {
        database_close(&present);
    }
    if (error == 0 && size != engine->database_size) {
        engine_say(engine, SQL_OTHER_STATE);
        return false;
    }
    error = error == 0 ? database_keep(&engine->target) : error;
    if (error != 0) {
        restore_report_target(engine, error, "CopyFile");
    }
    return error == 0;
}

bool restore_begin_target(struct engine *engine)
{
    const struct plan_database *entry = database_find(engine->options.plan, engine->request.database);
    const char *path = engine->request.store && entry != NULL ? entry->path : NULL;
    engine->header = engine->devices[0].reader.header;
    engine->database_size = engine->header.database_size;
    engine->target.generated = engine->header.generated;
    engine->target.seed = engine->header.content_seed;
    if (!check_existing(engine, path) || !log_chain_check_set(engine)) {
        return false;
    }
    if (engine->header.snapshot) {
        return true; /* the client lays it down */
    }
    int error = database_begin(&engine->target, path, engine->database_size);
    if (error != 0) {
        restore_report_target(engine, error, "CreateFile");
    }
    return error == 0 &&
           (path == NULL || engine->header.kind != STREAM_DIFFERENTIAL || keep_target(engine, path));
}

/* --- RESTORE HEADERONLY and the like --- */

void restore_describe(struct engine *engine)
{
    static const struct {
        const char *name;
        uint32_t type;
    } kinds[] = {[STREAM_DATABASE] = {"Database", 1},
                 [STREAM_LOG] = {"Transaction Log", 2},
                 [STREAM_DIFFERENTIAL] = {"Database Differential", 5}};
    const struct stream_header *header = &engine->devices[0].reader.header;
    struct engine_backup_set set = {
        .database = header->database,
        .kind = kinds[header->kind].name,
        .type = kinds[header->kind].type,
        .position = engine->request.file > 1 ? engine->request.file : 1,
        .device = header->device,
        .device_count = header->device_count,
        .set_id = header->set_id,
        .database_size = header->database_size,
        .content_bytes = header->content_bytes,
        .block_size = header->block_size,
        .snapshot = header->snapshot,
        .first_lsn = header->first_lsn,
        .last_lsn = header->last_lsn,
        .base_lsn = header->base_lsn,
    };
    if (engine->options.describe != NULL) {
        engine->options.describe(engine->options.report_context, &set);
    }
    for (uint32_t i = 0; i < engine->device_count; i++) {
        engine->devices[i].stage = STAGE_DONE; /* VD_E_CLOSE long before the end of its data */
    }
}

/* --- the end --- */

/* Each stream is sound; are they all of the same backup? A stripe kept from an earlier one is not. */
static const struct engine_device *find_obsolete(const struct engine *engine)
{
    uint64_t digests[STREAM_DEVICES_MAX] = {0};
    for (uint32_t i = 0; i < engine->device_count; i++) {
        const struct stream_reader *reader = &engine->devices[i].reader;
        digests[reader->header.device] = reader->digest_before_trailer;
    }
    uint64_t set_digest = hash_digests(digests, engine->device_count);
    const struct engine_device *obsolete = NULL;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        const struct engine_device *device = &engine->devices[i];
        if (device->reader.trailer.set_digest != engine->devices[0].reader.trailer.set_digest) {
            return device;
        }
        if (device->reader.trailer.set_digest != set_digest && obsolete == NULL) {
            obsolete = device;
        }
    }
    return obsolete;
}

bool restore_commit(struct engine *engine)
{
    if (engine->request.headers || engine->satisfied) {
        return true;
    }
    const struct engine_device *obsolete = find_obsolete(engine);
    if (obsolete != NULL) {
        engine_say(engine, SQL_OBSOLETE_MEMBER, obsolete->name, 1, obsolete->reader.header.device + 1);
        return false;
    }
    /* Every byte exactly once is the writer's promise; a forged stream could still break it. */
    if (engine->restored != engine->header.content_bytes) {
        engine_say(engine, SQL_INCOMPLETE, engine->devices[0].name);
        return false;
    }
    int error = database_commit(&engine->target);
    if (error != 0) {
        restore_report_target(engine, error, "MoveFile");
    }
    return error == 0;
}
