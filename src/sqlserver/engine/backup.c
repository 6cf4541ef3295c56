/* backup.c - what a BACKUP sends: see engine_state.h. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine_state.h"

/* --- the database --- */

static void describe(struct engine *engine)
{
    struct stream_header *header = &engine->header;
    *header = (struct stream_header){
        .device_count = engine->device_count,
        .kind = engine->request.log ? STREAM_LOG : STREAM_DATABASE,
        .block_size = engine->block_size,
        .max_transfer = engine->max_transfer,
        .database_size = engine->source.size,
        .generated = engine->source.file < 0,
        .content_seed = engine->source.seed,
        .stripe_seed = engine->options.plan->seed,
    };
    snprintf(header->database, sizeof header->database, "%s", engine->request.database);
    header->set_id = stream_set_id(header);
    engine->database_size = header->database_size;
}

bool backup_begin(struct engine *engine)
{
    const struct plan *plan = engine->options.plan;
    const struct plan_database *entry = database_find(plan, engine->request.database);
    if (entry == NULL && plan->database_count > 0) {
        engine_say(engine, SQL_NO_DATABASE, engine->request.database);
        engine_fail(engine);
        return false;
    }
    int error = database_open(&engine->source, plan, entry != NULL ? entry->path : NULL);
    if (error != 0) {
        int32_t code = messages_from_errno(error);
        engine_say(engine, SQL_CANNOT_OPEN, entry->path, code, messages_os_text(code));
        engine_fail(engine);
        return false;
    }
    describe(engine);
    return true;
}

void backup_start(struct engine *engine)
{
    struct stripes_parameters parameters = {
        .seed = engine->header.stripe_seed,
        .database_size = engine->database_size,
        .device_count = engine->device_count,
        .block_size = engine->block_size,
        .max_transfer = engine->max_transfer,
    };
    struct stripes_total totals[STRIPES_DEVICES_MAX];
    stripes_totals(&parameters, totals);
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        stripes_init(&device->stripes, &parameters);
        device->total = totals[i];
        engine->total += totals[i].stream;
    }
}

/* --- Writes --- */

static void send_write(struct engine_device *device, int32_t buffer, uint32_t size)
{
    XXH64_update(&device->hash, device->engine->buffers[buffer], size);
    device->bytes += size;
    device_send(device, VDC_Write, buffer, size);
}

static void send_header(struct engine_device *device, int32_t buffer)
{
    struct engine *engine = device->engine;
    struct stream_header header = engine->header;
    header.device = device->index;
    header.stream_bytes = device->total.stream;
    stream_write_header(engine->buffers[buffer], engine->block_size, &header);
    device->stage = STAGE_DATA;
    send_write(device, buffer, engine->block_size);
}

static void read_failed(struct engine *engine, int error)
{
    char text[OS_ERROR_TEXT_MAX];
    const struct plan_database *entry = database_find(engine->options.plan, engine->request.database);
    engine_say(engine, SQL_FILE_ERROR, entry != NULL ? entry->path : engine->request.database,
               messages_os_error(messages_from_errno(error), text, sizeof text));
    engine_fail(engine);
}

/* The database is read straight into the buffer the client will see. */
static void send_extent(struct engine_device *device, int32_t buffer)
{
    struct engine *engine = device->engine;
    struct stripes_extent extent;
    if (!stripes_next_of(&device->stripes, device->index, &extent)) {
        device_return_buffer(device, buffer);
        device->digest = XXH64_digest(&device->hash);
        device->stage = STAGE_TRAILER;
        return;
    }
    uint8_t *block = engine->buffers[buffer];
    int error = database_read(&engine->source, extent.offset, block + STREAM_BLOCK, extent.length);
    if (error != 0) {
        device_return_buffer(device, buffer);
        read_failed(engine, error);
        return;
    }
    struct stream_extent header = {
        .set_id = engine->header.set_id,
        .device = device->index,
        .sequence = device->sequence++,
        .database_offset = extent.offset,
        .length = extent.length,
    };
    stream_write_extent(block, extent.transfer, &header);
    device->payload += extent.length;
    send_write(device, buffer, extent.transfer);
}

static void send_trailer(struct engine_device *device, int32_t buffer)
{
    struct engine *engine = device->engine;
    struct stream_trailer trailer = {
        .set_id = engine->header.set_id,
        .device = device->index,
        .extents = device->sequence,
        .payload = device->payload,
        .digest = device->digest,
        .set_digest = engine->set_digest,
    };
    stream_write_trailer(engine->buffers[buffer], engine->block_size, &trailer);
    device->stage = STAGE_DRAIN;
    send_write(device, buffer, engine->block_size);
}

/* Keeps as many Writes outstanding as the device may have. */
static void fill(struct engine_device *device)
{
    static void (*const send[])(struct engine_device *, int32_t) = {
        [STAGE_HEADER] = send_header, [STAGE_DATA] = send_extent, [STAGE_TRAILER] = send_trailer};
    struct engine *engine = device->engine;
    while (!engine->failed && device->stage <= STAGE_TRAILER && device_can_send(device) &&
           (device->stage != STAGE_TRAILER || engine->has_set_digest)) {
        int32_t buffer = device_take_buffer(device);
        if (buffer == ENGINE_NO_BUFFER) {
            return;
        }
        send[device->stage](device, buffer);
    }
}

/* Trailers hold the digests of all devices, so they come after the last extent of each. */
static void find_set_digest(struct engine *engine)
{
    uint64_t digests[STRIPES_DEVICES_MAX];
    for (uint32_t i = 0; i < engine->device_count; i++) {
        if (engine->devices[i].stage != STAGE_TRAILER) {
            return;
        }
        digests[i] = engine->devices[i].digest;
    }
    engine->set_digest = hash_digests(digests, engine->device_count);
    engine->has_set_digest = true;
}

/* --- completions --- */

static void take_write(struct engine_device *device, const struct VDS_Command *command)
{
    int32_t code = command->completionCode;
    if (code == ERROR_SUCCESS && command->bytesTransferred != command->size) {
        code = ERROR_IO_DEVICE; /* stored less than it was given and called that a success */
    }
    if (code != ERROR_SUCCESS) {
        engine_fail_io(device->engine, device, "BackupIoRequest::ReportIoError", "write", code);
    } else {
        engine_progress(device->engine, (uint64_t)command->size);
    }
}

static void take(struct engine_device *device, const struct engine_slot *slot)
{
    struct engine *engine = device->engine;
    const struct VDS_Command *command = &slot->command;
    int32_t code = command->completionCode;
    switch (command->commandCode) {
    case VDC_Write:
        take_write(device, command);
        break;
    case VDC_Flush:
        device->flush_code = code;
        device->stage = STAGE_FLUSHED;
        if (code != ERROR_SUCCESS) {
            engine_fail_io(engine, device, "BackupVirtualDeviceFile::RequestDurableMedia", "Flush", code);
        }
        break;
    case VDC_Complete:
        device->complete_code = code;
        device->stage = STAGE_DONE;
        if (code != ERROR_SUCCESS) {
            engine_fail_io(engine, device, "BackupVirtualDeviceFile::RequestComplete", "Complete", code);
        }
        break;
    default:
        assert(false);
    }
}

/* --- the end: Flush on each device, then Complete on all if the client asked for it (spec 9.1, 10) --- */

static bool all_flushed(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        if (engine->devices[i].stage != STAGE_FLUSHED) {
            return false;
        }
    }
    return true;
}

static void complete_all(struct engine *engine)
{
    bool enabled = (engine->features & VDF_CompleteEnabled) != 0;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        device->stage = enabled ? STAGE_COMPLETE : STAGE_DONE;
        if (enabled) {
            device_send(device, VDC_Complete, ENGINE_NO_BUFFER, 0);
        }
    }
}

void backup_step(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        device_reap(&engine->devices[i], false, take);
    }
    for (uint32_t i = 0; i < engine->device_count; i++) {
        fill(&engine->devices[i]);
    }
    if (!engine->failed && !engine->has_set_digest) {
        find_set_digest(engine);
        for (uint32_t i = 0; engine->has_set_digest && i < engine->device_count; i++) {
            fill(&engine->devices[i]);
        }
    }
    for (uint32_t i = 0; !engine->failed && i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        if (device->stage == STAGE_DRAIN && device->transfers == 0 && device_can_send(device)) {
            device->stage = STAGE_FLUSH;
            device_send(device, VDC_Flush, ENGINE_NO_BUFFER, 0);
        }
    }
    if (!engine->failed && all_flushed(engine)) {
        complete_all(engine);
    }
}
