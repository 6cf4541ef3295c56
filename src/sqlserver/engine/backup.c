/* backup.c - what a BACKUP sends: see engine_state.h. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine_state.h"

/* --- the database --- */

/* What goes through the devices: of a snapshot, nothing. */
static struct stripes_parameters parameters_of(const struct engine *engine)
{
    const struct stream_header *header = &engine->header;
    return (struct stripes_parameters){
        .seed = header->stripe_seed,
        .database_size = header->snapshot ? 0 : header->database_size,
        .device_count = header->device_count,
        .block_size = header->block_size,
        .max_transfer = header->max_transfer,
        .differential = header->kind == STREAM_DIFFERENTIAL,
        .profile = follow_operation(engine) != NULL ? &engine->options.plan->profile : NULL,
    };
}

void backup_describe(struct engine *engine)
{
    struct stream_header *header = &engine->header;
    const struct engine_request *request = &engine->request;
    *header = (struct stream_header){
        .device_count = engine->device_count,
        .kind = request->log            ? STREAM_LOG
                : request->differential ? STREAM_DIFFERENTIAL
                                        : STREAM_DATABASE,
        .snapshot = request->snapshot,
        .block_size = engine->block_size,
        .max_transfer = engine->max_transfer,
        .database_size = engine->source.size,
        .generated = engine->source.file < 0,
        .content_seed = engine->source.seed,
        .stripe_seed = engine->options.plan->seed,
        .first_lsn = engine->chain.first,
        .last_lsn = engine->chain.last,
        .base_lsn = engine->chain.base,
    };
    snprintf(header->database, sizeof header->database, "%s", request->database);
    header->set_id = stream_set_id(header);
    engine->database_size = header->database_size;

    struct stripes_parameters parameters = parameters_of(engine);
    struct stripes_total totals[STRIPES_DEVICES_MAX];
    stripes_totals(&parameters, totals);
    for (uint32_t i = 0; i < engine->device_count; i++) {
        stripes_init(&engine->devices[i].stripes, &parameters);
        engine->devices[i].total = totals[i];
        stripes_ends(&parameters, i, &engine->devices[i].header_bytes, &engine->devices[i].trailer_bytes);
        header->content_bytes += totals[i].payload;
    }
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
    return true;
}

void backup_start(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        device->total.stream += 2 * (uint64_t)device->media.soft_mark;
        engine->total += device->total.stream;
        media_before_backup(device);
    }
}

/* --- Writes --- */

static void count(struct engine_device *device, const uint8_t *data, uint32_t size)
{
    XXH64_update(&device->hash, data, size);
    device->bytes += size;
}

/* Of a part of the stream that has been counted. */
static void send_counted(struct engine_device *device, int32_t buffer, uint32_t size)
{
    uint64_t offset = device->bytes - size;
    follow_sent(device);
    device_send(device, &(struct device_command){.code = VDC_Write,
                                                 .buffer = buffer,
                                                 .size = (int32_t)size,
                                                 .position = media_position(device, offset),
                                                 .offset = offset});
}

static void send_write(struct engine_device *device, int32_t buffer, uint32_t size)
{
    count(device, device->engine->buffers[buffer], size);
    send_counted(device, buffer, size);
}

/* Device models without soft filemarks have no such stage. */
static void enter_mark(struct engine_device *device, enum device_stage mark)
{
    device->stage = device->media.soft_mark != 0 ? mark : mark + 1;
}

void backup_write_header(struct engine_device *device, int32_t buffer)
{
    struct engine *engine = device->engine;
    struct stream_header header = engine->header;
    header.device = device->index;
    header.stream_bytes = device->total.stream;
    header.soft_mark = device->media.soft_mark;
    header.header_bytes = device->header_bytes;
    header.trailer_bytes = device->trailer_bytes;
    stream_write_header(engine->buffers[buffer], engine->block_size, &header);
}

static void send_header(struct engine_device *device, int32_t buffer)
{
    struct engine *engine = device->engine;
    backup_write_header(device, buffer);
    /* The rest of what was recorded of the first Write is padding. */
    memset(engine->buffers[buffer] + engine->block_size, 0, device->header_bytes - engine->block_size);
    count(device, engine->buffers[buffer], device->header_bytes); /* the stream as it will be in the end */
    if (media_rewrites_header(device)) {
        stream_spoil_header(engine->buffers[buffer], engine->block_size);
    }
    enter_mark(device, STAGE_MARK);
    send_counted(device, buffer, device->header_bytes);
    media_after_header(device);
    snapshot_after_header(device);
}

static void send_mark(struct engine_device *device, int32_t buffer)
{
    stream_write_mark(device->engine->buffers[buffer], device->media.soft_mark);
    device->stage++;
    send_write(device, buffer, device->media.soft_mark);
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
        media_after_extents(device);
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
    media_after_extent(device);
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
        .frozen_digest = engine->frozen_digest,
        .set_digest = engine->set_digest,
    };
    stream_write_trailer(engine->buffers[buffer], device->trailer_bytes, &trailer);
    enter_mark(device, STAGE_END_MARK);
    send_write(device, buffer, device->trailer_bytes);
    media_after_writes(device);
    snapshot_after_writes(device);
}

/* "The server tries not to overrun the zone": what is under way when the warning comes must fit in (spec
 * 6.3, End Of Media). */
static bool fits_warning_zone(const struct engine_device *device)
{
    const struct engine *engine = device->engine;
    uint32_t zone = engine->client_config.EOMWarningSize;
    return !device->media.removable || zone == 0 || device->outstanding == 0 ||
           device_pending_bytes(device) + engine->max_transfer <= zone;
}

static bool can_write(struct engine_device *device)
{
    const struct engine *engine = device->engine;
    return !engine->failed && device->stage < STAGE_DRAIN && device_can_send(device) &&
           (device->stage != STAGE_TRAILER || engine->has_set_digest) && media_is_ready(device) &&
           fits_warning_zone(device) && follow_may_send(device);
}

/* Keeps as many Writes outstanding as the device may have. */
static void fill(struct engine_device *device)
{
    static void (*const send[])(struct engine_device *, int32_t) = {
        [STAGE_HEADER] = send_header,   [STAGE_MARK] = send_mark,     [STAGE_DATA] = send_extent,
        [STAGE_TRAILER] = send_trailer, [STAGE_END_MARK] = send_mark,
    };
    while (can_write(device)) {
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

static void take_write(struct engine_device *device, struct engine_slot *slot)
{
    const struct VDS_Command *command = &slot->command;
    int32_t code = command->completionCode;
    if (code == ERROR_END_OF_MEDIA && device->media.removable) {
        code = media_take_end_of_media(device, slot) ? ERROR_SUCCESS : ERROR_IO_DEVICE;
    } else if (code == ERROR_SUCCESS && command->bytesTransferred != command->size) {
        code = ERROR_IO_DEVICE; /* stored less than it was given and called that a success */
    } else if (code == ERROR_SUCCESS) {
        media_note_stored(device, slot);
    }
    if (code != ERROR_SUCCESS) {
        engine_fail_io(device->engine, device, "BackupIoRequest::ReportIoError", "write", code);
    } else {
        engine_progress(device->engine, (uint64_t)command->bytesTransferred);
    }
}

static void take(struct engine_device *device, struct engine_slot *slot)
{
    struct engine *engine = device->engine;
    const struct VDS_Command *command = &slot->command;
    int32_t code = command->completionCode;
    switch (command->commandCode) {
    case VDC_Write:
        take_write(device, slot);
        break;
    case VDC_Flush:
        device->flush_code = code;
        if (!follow_flushed(device)) {
            device->stage = STAGE_FLUSHED;
        }
        if (code != ERROR_SUCCESS) {
            engine_fail_io(engine, device, "BackupVirtualDeviceFile::RequestDurableMedia", "Flush", code);
        } else if (device->stage == STAGE_FLUSHED) {
            media_after_flush(device);
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

static bool all_flushed(struct engine *engine)
{
    bool all = true;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        all = device->stage == STAGE_FLUSHED && media_is_ready(device) && all;
    }
    return all;
}

static void complete_all(struct engine *engine)
{
    bool enabled = (engine->features & VDF_CompleteEnabled) != 0;
    if (!enabled) {
        log_chain_acknowledge(engine); /* spec 10, 5: whatever the client does from here on */
    }
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        device->stage = enabled ? STAGE_COMPLETE : STAGE_DONE;
        if (enabled) {
            device_send_plain(device, VDC_Complete);
        }
    }
}

static void end_writes(struct engine_device *device)
{
    if (device->engine->request.snapshot) {
        device->stage = STAGE_FLUSHED; /* the copy is the client's, and taken */
        return;
    }
    device->stage = STAGE_FLUSH;
    device_send_plain(device, VDC_Flush);
}

void backup_step(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        device_reap(&engine->devices[i], false, take);
    }
    for (uint32_t i = 0; i < engine->device_count; i++) {
        fill(follow_turn(engine, i));
    }
    if (!engine->failed && !engine->has_set_digest) {
        find_set_digest(engine);
        for (uint32_t i = 0; engine->has_set_digest && i < engine->device_count; i++) {
            fill(&engine->devices[i]);
        }
    }
    for (uint32_t i = 0; !engine->failed && i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        if (device->stage == STAGE_DRAIN && device_can_send(device) && media_is_ready(device) &&
            device->transfers == 0) {
            end_writes(device);
        }
    }
    if (!engine->failed && all_flushed(engine)) {
        complete_all(engine);
    }
}
