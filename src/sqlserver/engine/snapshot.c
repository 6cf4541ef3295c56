/* snapshot.c - see snapshot.h. */
#include "snapshot.h"

#include <stdio.h>

#include "engine_state.h"

/* --- what does not go together --- */

bool snapshot_check_statement(struct engine *engine)
{
    if (engine->request.snapshot && engine->device_count != 1) {
        engine_say(engine, SQL_SNAPSHOT_DEVICES);
        return false;
    }
    return true;
}

/* "Pipe-like behaviour is expected" (spec 11). */
bool snapshot_check_configuration(const struct engine *engine)
{
    return !engine->request.snapshot || engine->devices[0].media.model == MEDIA_PIPE;
}

bool snapshot_check_set(struct engine *engine, const struct engine_device *device)
{
    bool is_snapshot = device->reader.header.snapshot;
    if (engine->request.snapshot && !is_snapshot) {
        engine_say(engine, SQL_NO_SNAPSHOT);
        return false;
    }
    if (!engine->request.snapshot && is_snapshot && engine->request.store) {
        engine_say(engine, SQL_OTHER_KIND, device->name, "BACKUP DATABASE WITH SNAPSHOT");
        return false;
    }
    return true;
}

/* --- BACKUP --- */

static void freeze(struct engine *engine)
{
    engine_say(engine, SQL_FROZEN, engine->request.database);
    engine->frozen = true;
    if (engine->source.file < 0) {
        return;
    }
    int error = database_digest(&engine->source, &engine->frozen_digest);
    if (error != 0) {
        char text[OS_ERROR_TEXT_MAX];
        engine_say(engine, SQL_FILE_ERROR, engine->request.database,
                   messages_os_error(messages_from_errno(error), text, sizeof text));
        engine_fail(engine);
    }
}

void snapshot_resume(struct engine *engine)
{
    if (engine->frozen) {
        engine_say(engine, SQL_RESUMED, engine->request.database);
        engine->frozen = false;
    }
}

void snapshot_after_header(struct engine_device *device)
{
    struct engine *engine = device->engine;
    if (!engine->request.snapshot) {
        return;
    }
    if ((engine->client_config.features & VDF_SnapshotPrepare) != 0) {
        media_push(device, (struct media_step){.code = VDC_PrepareToFreeze});
    } else {
        freeze(engine);
    }
}

void snapshot_after_writes(struct engine_device *device)
{
    if (device->engine->request.snapshot) {
        media_push(device, (struct media_step){.code = VDC_Snapshot});
    }
}

/* --- RESTORE --- */

void snapshot_after_reads(struct engine_device *device)
{
    if (device->engine->request.snapshot && !device->engine->request.verify_only) {
        media_push(device, (struct media_step){.code = VDC_MountSnapshot});
    }
}

static void say_other_file(struct engine *engine, const char *path, uint64_t size)
{
    char text[96] = "its content differs";
    if (size != engine->database_size) {
        snprintf(text, sizeof text, "it has %llu bytes instead of %llu", (unsigned long long)size,
                 (unsigned long long)engine->database_size);
    }
    engine_say(engine, SQL_OTHER_FILE, path, text);
    engine_fail(engine);
}

static void check_mounted(struct engine *engine)
{
    const struct stream_reader *reader = &engine->devices[0].reader;
    const struct plan_database *entry = database_find(engine->options.plan, engine->request.database);
    struct database_source mounted;
    uint64_t digest = 0;
    if (entry == NULL || reader->header.generated) {
        return;
    }
    int error = database_open(&mounted, engine->options.plan, entry->path);
    uint64_t size = error == 0 ? mounted.size : 0;
    if (error == 0) {
        error = database_digest(&mounted, &digest);
        database_close(&mounted);
    }
    if (error != 0) {
        int32_t code = messages_from_errno(error);
        engine_say(engine, SQL_CANNOT_OPEN, entry->path, code, messages_os_text(code));
        engine_fail(engine);
    } else if (size != engine->database_size || digest != reader->trailer.frozen_digest) {
        say_other_file(engine, entry->path, size);
    }
}

void snapshot_take(struct engine *engine, int32_t code)
{
    if (code == VDC_PrepareToFreeze) {
        freeze(engine);
    } else if (code == VDC_Snapshot) {
        snapshot_resume(engine);
    } else if (code == VDC_MountSnapshot) {
        check_mounted(engine);
    }
}
