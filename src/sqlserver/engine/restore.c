/* restore.c - what a RESTORE asks for and makes of the answers: see engine_state.h. */
#include "engine_state.h"

enum {
    PURPOSE_READS = 5
};

/* --- damage --- */

static void say_damage(struct engine_device *device, uint64_t database_offset, const char *what)
{
    const struct stream_reader *reader = &device->reader;
    engine_say(device->engine, SQL_DAMAGE, device->name, (unsigned long long)reader->fault_offset,
               (unsigned long long)reader->fault_length, (unsigned long long)reader->extents,
               (unsigned long long)database_offset, what);
}

static void report_bad_data(struct engine_device *device, uint64_t database_offset)
{
    engine_say(device->engine, SQL_BAD_PAGE, (unsigned long long)(database_offset / ENGINE_PAGE),
               device->engine->request.database);
    say_damage(device, database_offset, stream_fault_texts[STREAM_BAD_PAYLOAD]);
}

static void report_refusal(struct engine_device *device)
{
    struct stream_reader *reader = &device->reader;
    const struct database_target *target = &device->engine->target;
    if (reader->refusal != DATABASE_DIFFERS) {
        restore_report_target(device->engine, reader->refusal, "WriteFile");
        return;
    }
    /* Generated content is known byte by byte: point at the first that differs. */
    reader->fault_offset += target->differs_at - reader->fault_database_offset;
    reader->fault_length = 1;
    report_bad_data(device, target->differs_at);
}

static void report_fault(struct engine_device *device)
{
    const struct stream_reader *reader = &device->reader;
    switch (reader->fault) {
    case STREAM_BAD_HEADER:
        engine_say(device->engine, SQL_BAD_FAMILY, device->name);
        break;
    case STREAM_BAD_PAYLOAD:
        report_bad_data(device, reader->fault_database_offset);
        break;
    case STREAM_REFUSED:
        report_refusal(device);
        break;
    default:
        say_damage(device, reader->extent.database_offset, stream_fault_texts[reader->fault]);
        break;
    }
    engine_fail(device->engine);
}

static void report_truncated(struct engine_device *device)
{
    struct engine *engine = device->engine;
    if (device->reader.state == STREAM_IN_HEADER && engine->request.file > 1) {
        engine_say(engine, SQL_NO_SUCH_SET, engine->request.file, device->name);
    } else if (device->reader.state == STREAM_IN_HEADER) {
        engine_say(engine, SQL_NO_BEGINNING);
    } else {
        engine_say(engine, SQL_INCOMPLETE, device->name);
        engine_say(engine, SQL_TRUNCATED, device->name, (unsigned long long)device->bytes,
                   (unsigned long long)device->reader.header.stream_bytes);
    }
    engine_fail(engine);
}

/* --- taking the stream in --- */

static int put(void *context, uint64_t offset, const uint8_t *data, size_t length)
{
    struct engine *engine = context;
    int error = database_put(&engine->target, offset, data, length);
    engine->restored += error == 0 ? length : 0;
    return error;
}

static void report_probe(struct engine_device *device)
{
    const struct media *media = &device->media;
    engine_say(device->engine, SQL_DAMAGE, device->name, (unsigned long long)media->probe_offset,
               (unsigned long long)media->probe_length, (unsigned long long)device->reader.extents,
               (unsigned long long)device->reader.extent.database_offset,
               "the device gave other data when it was sent there by position");
    engine_fail(device->engine);
}

static void feed(struct engine_device *device, const uint8_t *data, uint32_t length)
{
    struct engine *engine = device->engine;
    if (length == 0 || engine->failed) {
        return;
    }
    bool probed_well = media_check_probe(device, device->bytes, data, length);
    XXH64_update(&device->hash, data, length);
    device->bytes += length;
    if (device->stage == STAGE_HEADER) {
        /* Nothing behind the header may reach the target before the headers of all devices were checked; a
         * block size that is not the backup's would let it. */
        uint32_t missing =
            device->reader.offset < STREAM_BLOCK ? STREAM_BLOCK - (uint32_t)device->reader.offset : 0;
        uint32_t piece = length < missing ? length : missing;
        stream_reader_take(&device->reader, data, piece, put, engine);
        data += piece;
        length -= piece;
        const struct stream_header *header = &device->reader.header;
        if (device->reader.fault == STREAM_OK && device->reader.state != STREAM_IN_HEADER &&
            header->block_size != engine->block_size) {
            engine_say(engine, SQL_OTHER_BLOCK_SIZE, device->name, header->block_size, engine->block_size);
            engine_fail(engine);
            return;
        }
    }
    if (stream_reader_take(&device->reader, data, length, put, engine) != STREAM_OK) {
        report_fault(device);
    } else if (!probed_well) {
        report_probe(device);
    }
}

/* The last byte that is here has come: of the stream, or of a volume. */
static void reach_end(struct engine_device *device, int32_t code)
{
    /* A stream that has not begun goes on nowhere. */
    if (!stream_reader_is_done(&device->reader) && device->media.removable &&
        device->reader.state != STREAM_IN_HEADER && code != ERROR_FILEMARK_DETECTED) {
        media_end_volume(device);
        return;
    }
    device->ended = true;
    if (!stream_reader_is_done(&device->reader)) {
        report_truncated(device);
    }
}

/* Short counts with SUCCESS are data like any other (spec 16, 17); no data at all with SUCCESS is not. EOF
 * and NO_DATA are one and the same (spec 6.3). */
static void take(struct engine_device *device, struct engine_slot *slot)
{
    struct engine *engine = device->engine;
    const struct VDS_Command *command = &slot->command;
    int32_t code = command->completionCode;
    uint32_t count = command->bytesTransferred > 0 ? (uint32_t)command->bytesTransferred : 0;
    bool over = device->ended || device->media.volume_over;
    bool end = code == ERROR_HANDLE_EOF || code == ERROR_NO_DATA_DETECTED ||
               (code == ERROR_FILEMARK_DETECTED && device->media.model == MEDIA_TAPE);

    device->requested -= (uint32_t)command->size;
    if (engine->failed || engine->satisfied) { /* the rest of what was asked for is not wanted */
        return;
    }
    if (over && count == 0 && (device->ended || !code_is_io_error(code))) {
        return; /* asked for before the end was known; whatever the client says of it */
    }
    if (code != ERROR_SUCCESS && !end) {
        engine_fail_io(engine, device, "BackupIoRequest::ReportIoError", "read", code);
    } else if (count > (uint32_t)command->size || over) {
        engine_fail_io(engine, device, "BackupIoRequest::ReportIoError", "read", OS_INVALID_DATA);
    } else if (!end &&
               (count == 0 || (count < (uint32_t)command->size && device->media.model == MEDIA_DISK))) {
        /* On a disk the next Read has its own position: a gap would be left. */
        engine_fail_io(engine, device, "BackupIoRequest::ReportIoError", "read", ERROR_HANDLE_EOF);
    } else {
        feed(device, command->buffer, count);
        engine_progress(engine, count);
        if (end && !engine->failed) {
            reach_end(device, code);
        }
    }
}

/* --- Reads --- */

/* A Read of the stream, and where in it. */
struct read {
    int32_t buffer;
    uint32_t size;
    uint64_t offset;
    bool sized; /* by faults_resize */
};

static void send_read(struct engine_device *device, const struct read *read)
{
    device_send(device, &(struct device_command){.code = VDC_Read,
                                                 .buffer = read->buffer,
                                                 .size = (int32_t)read->size,
                                                 .position = media_position(device, read->offset),
                                                 .offset = read->offset,
                                                 .sized = read->sized});
}

static void read_header(struct engine_device *device)
{
    if (device->reader.state != STREAM_IN_HEADER || device->requested != 0 || !device_can_send(device) ||
        !media_is_ready(device) || !follow_may_send(device)) {
        return;
    }
    struct read read = {device_take_buffer(device), device->engine->block_size, device->bytes, false};
    if (read.buffer != ENGINE_NO_BUFFER) {
        device->requested += read.size;
        follow_sent(device);
        send_read(device, &read);
    }
}

static bool can_read(struct engine_device *device)
{
    return !device->engine->failed && !device->ended && device_can_send(device) && media_is_ready(device) &&
           device->bytes + device->requested <= device->reader.header.stream_bytes && follow_may_send(device);
}

/* The next Read. Sizes vary, but for the last, which asks for a full transfer and reaches past the end. False:
 * no buffer, or nothing left to ask for. */
static bool plan_read(struct engine_device *device, struct read *read)
{
    struct engine *engine = device->engine;
    uint64_t offset = device->bytes + device->requested;
    uint64_t end = device->reader.header.stream_bytes;
    int32_t buffer = offset <= end ? device_take_buffer(device) : ENGINE_NO_BUFFER;
    if (buffer == ENGINE_NO_BUFFER) {
        return false;
    }
    uint32_t size = engine->max_transfer;
    if (end - offset >= size) {
        size = random_transfer(&device->random, engine->block_size, 1, size / engine->block_size);
    }
    size = faults_resize(device, follow_size(device, size));
    follow_sent(device);
    device->requested += size;
    *read = (struct read){buffer, size, offset, true};
    return true;
}

/* A disk's Reads carry positions, so of two the further may come first (VDI-IO-007). Answers are taken in the
 * order of the stream. */
static void send_swapped(struct engine_device *device, const struct read *first, const struct read *second)
{
    uint64_t order = device->next_order;
    device->next_order = order + 1;
    send_read(device, second);
    device->next_order = order;
    send_read(device, first);
    device->next_order = order + 2;
}

static void fill(struct engine_device *device)
{
    bool pairs =
        device->media.model == MEDIA_DISK && device->depth >= 2 && follow_operation(device->engine) == NULL;
    struct read first, second;
    while (can_read(device)) {
        if (pairs && device->transfers + 2 > device->depth) {
            return; /* what is drawn must not depend on which buffer comes back first */
        }
        if (!plan_read(device, &first)) {
            return;
        }
        bool swap = pairs && random_next(&device->random) % 2 == 0;
        if (!swap) {
            send_read(device, &first);
        } else if (plan_read(device, &second)) {
            send_swapped(device, &first, &second);
        } else {
            send_read(device, &first);
        }
    }
}

void restore_start(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        stream_reader_init(&device->reader);
        device->random = random_seed(engine->options.plan->seed, PURPOSE_READS, i);
        media_before_restore(device);
    }
}

static bool has_all_headers(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        if (engine->devices[i].reader.state == STREAM_IN_HEADER) {
            return false;
        }
    }
    return true;
}

static void begin_data(struct engine *engine)
{
    if (engine->request.headers) {
        restore_describe(engine);
        return;
    }
    if (!restore_check_members(engine) || !restore_begin_target(engine)) {
        engine_fail(engine);
        return;
    }
    for (uint32_t i = 0; i < engine->device_count; i++) {
        engine->devices[i].stage = STAGE_DATA;
        engine->total += engine->devices[i].reader.header.stream_bytes;
        media_before_data(&engine->devices[i]);
    }
}

void restore_step(struct engine *engine)
{
    bool headers_were_missing = engine->devices[0].stage == STAGE_HEADER;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        while (device_reap_one(device, true, take)) {
            /* In an aborted set a Read is over as soon as it is sent: one would follow the other for ever. */
            if (device->stage == STAGE_DATA && media_is_idle(device) &&
                !server_device_has_io_error(device->handle) &&
                server_set_abort_reason(engine->set) == SERVER_ABORT_NONE) {
                fill(device);
            }
        }
    }
    if (!engine->failed && headers_were_missing && has_all_headers(engine)) {
        begin_data(engine);
    }
    for (uint32_t i = 0; !engine->failed && i < engine->device_count; i++) {
        struct engine_device *device = follow_turn(engine, i);
        if (device->stage == STAGE_HEADER) {
            read_header(device);
        } else if (device->stage == STAGE_DATA) {
            fill(device);
            if (device->ended && device->transfers == 0 && !engine->satisfied) {
                device->stage = STAGE_DRAIN;
                snapshot_after_reads(device);
            }
        }
        if (device->stage == STAGE_DRAIN && media_is_ready(device)) {
            device->stage = STAGE_DONE;
        }
        if (!engine->failed && device->media.volume_missing) {
            report_truncated(device);
        }
    }
}
