/* media.c - positions, filemarks and volumes: see media.h. */
#include "media.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine_state.h"

enum {
    PURPOSE_MEDIA = 6,
    PURPOSE_REWRITE = 7,
    POSITION_OF_EXTENTS = 8, /* GetPosition after about one extent of so many */
    PROBE_BLOCKS = 32,       /* how far into the data the probe may lie */
    MARKS_PER_SET = 2,
    SETS_MAX = 10000, /* a client that always finds one more mark has none */
};

static const uint64_t NO_ORDER = UINT64_MAX;

/* --- steps --- */

static void push(struct engine_device *device, struct media_step step)
{
    struct media *media = &device->media;
    assert(media->step_count < MEDIA_STEPS_MAX);
    media->steps[media->step_count++] = step;
}

static void push_front(struct media *media, struct media_step step)
{
    assert(media->step_count < MEDIA_STEPS_MAX && !media->step_sent);
    memmove(media->steps + 1, media->steps, media->step_count * sizeof step);
    media->steps[0] = step;
    media->step_count++;
}

static struct media_step pop(struct media *media)
{
    struct media_step step = media->steps[0];
    media->step_count--;
    memmove(media->steps, media->steps + 1, media->step_count * sizeof step);
    return step;
}

static bool has_hard_marks(const struct media *media)
{
    return media->model == MEDIA_TAPE && media->soft_mark == 0;
}

/* Byte offsets from the start of the whole stream: not once there are several volumes. */
static bool has_one_volume_of_bytes(const struct media *media)
{
    return media->model == MEDIA_DISK && !media->removable;
}

int64_t media_position(const struct engine_device *device, uint64_t offset)
{
    const struct media *media = &device->media;
    return media->model == MEDIA_DISK ? (int64_t)(offset - media->volume_start) : 0;
}

/* --- what a statement takes --- */

bool media_begin(struct engine_device *device)
{
    const struct engine *engine = device->engine;
    const struct VDConfig *config = &engine->client_config;
    struct media *media = &device->media;
    *media = (struct media){
        .model = (config->features & VDF_FileMarks) != 0      ? MEDIA_TAPE
                 : (config->features & VDF_RandomAccess) != 0 ? MEDIA_DISK
                                                              : MEDIA_PIPE,
        .removable = (config->features & VDF_Removable) != 0,
        .random = random_seed(engine->options.plan->seed, PURPOSE_MEDIA, device->index),
        .first_short = NO_ORDER,
    };
    media->soft_mark = media->model == MEDIA_TAPE ? config->softFileMarkBlockSize : 0;
    return media->soft_mark % engine->block_size == 0 && media->soft_mark <= engine->max_transfer;
}

bool media_rewrites_header(const struct engine_device *device)
{
    return has_one_volume_of_bytes(&device->media) &&
           random_seed(device->engine->options.plan->seed, PURPOSE_REWRITE, device->index) % 2 == 0;
}

void media_before_backup(struct engine_device *device)
{
    if (device->media.model != MEDIA_TAPE) {
        return;
    }
    push(device, (struct media_step){.code = VDC_Rewind});
    if (has_hard_marks(&device->media) && !device->engine->request.overwrite) {
        push(device, (struct media_step){.code = VDC_SkipMarks, .size = MARKS_PER_SET, .to_end = true});
    }
}

void media_before_restore(struct engine_device *device)
{
    uint32_t file = device->engine->request.file;
    if (device->media.model != MEDIA_TAPE) {
        return;
    }
    if (file > 1 && device->media.soft_mark != 0) {
        engine_say(device->engine, SQL_NO_SUCH_SET, file, device->name);
        engine_fail(device->engine);
        return;
    }
    push(device, (struct media_step){.code = VDC_Rewind});
    if (file > 1) {
        push(device, (struct media_step){.code = VDC_SkipMarks, .size = (int32_t)(file - 1) * MARKS_PER_SET});
    }
}

/* A block further on is read, and the device sent back by SetPosition to what GetPosition said. */
static void push_tape_probe(struct engine_device *device)
{
    struct media *media = &device->media;
    uint32_t block = device->engine->block_size;
    uint64_t blocks = device->reader.header.stream_bytes / block - 1;
    uint64_t draw = random_next(&media->random);
    int32_t skip = (int32_t)(draw / 4 % (blocks < PROBE_BLOCKS ? blocks : PROBE_BLOCKS));
    if (draw % 2 != 0) {
        return;
    }
    push(device, (struct media_step){.code = VDC_GetPosition, .answer = MEDIA_REMEMBER});
    push(device, (struct media_step){.code = VDC_SkipBlocks, .size = skip});
    if (draw % 4 == 2) { /* forth and back (ReversePosition) */
        push(device, (struct media_step){.code = VDC_SkipBlocks, .size = -skip});
        skip = 0;
    }
    media->probe_offset = (uint64_t)(1 + skip) * block;
    push(device, (struct media_step){.code = VDC_Read, .size = (int32_t)block});
    push(device, (struct media_step){.code = VDC_SetPosition, .answer = MEDIA_RECALL});
}

/* The last block is read first. */
static void push_disk_probe(struct engine_device *device)
{
    struct media *media = &device->media;
    int64_t block = device->engine->block_size;
    int64_t last = (int64_t)device->reader.header.stream_bytes - block;
    if (random_next(&media->random) % 2 != 0) {
        return;
    }
    media->probe_offset = (uint64_t)last;
    push(device, (struct media_step){.code = VDC_SetPosition,
                                     .size = VDC_End,
                                     .position = -block,
                                     .answer = MEDIA_EXPECTED,
                                     .expected = last});
    push(device, (struct media_step){.code = VDC_Read, .size = (int32_t)block, .position = last});
    push(device, (struct media_step){.code = VDC_SetPosition,
                                     .size = VDC_Beginning,
                                     .position = block,
                                     .answer = MEDIA_EXPECTED,
                                     .expected = block});
    push(device, (struct media_step){.code = VDC_GetPosition, .answer = MEDIA_CURRENT});
}

void media_before_data(struct engine_device *device)
{
    struct media *media = &device->media;
    if (media->model == MEDIA_TAPE) {
        media->soft_mark = device->reader.header.soft_mark; /* what was written is what there is */
        if (has_hard_marks(media)) {
            push(device, (struct media_step){.code = VDC_SkipMarks, .size = 1});
        }
        push_tape_probe(device);
    } else if (has_one_volume_of_bytes(media)) {
        push_disk_probe(device);
    }
}

void media_after_header(struct engine_device *device)
{
    if (has_hard_marks(&device->media)) {
        push(device, (struct media_step){.code = VDC_WriteMark});
    }
}

void media_after_extent(struct engine_device *device)
{
    struct media *media = &device->media;
    if (media->model != MEDIA_PIPE && random_next(&media->random) % POSITION_OF_EXTENTS == 0) {
        push(device, (struct media_step){.code = VDC_GetPosition, .answer = MEDIA_CURRENT});
    }
}

/* Before the last block, so that the last thing written is where the file ends, whatever a client takes for
 * "the last written position" when it is told to Flush (spec 6.3). */
void media_after_extents(struct engine_device *device)
{
    int64_t block = device->engine->block_size;
    int64_t end = (int64_t)device->bytes;
    if (!media_rewrites_header(device)) {
        return;
    }
    push(device,
         (struct media_step){
             .code = VDC_SetPosition, .size = VDC_Beginning, .answer = MEDIA_EXPECTED, .expected = 0});
    push(device, (struct media_step){.code = VDC_Write, .size = (int32_t)block});
    push(device, (struct media_step){.code = VDC_SetPosition,
                                     .size = VDC_Current,
                                     .position = end - block,
                                     .answer = MEDIA_EXPECTED,
                                     .expected = end});
    push(device, (struct media_step){.code = VDC_GetPosition, .answer = MEDIA_CURRENT});
}

void media_after_writes(struct engine_device *device)
{
    if (has_hard_marks(&device->media)) {
        push(device, (struct media_step){.code = VDC_WriteMark});
    }
}

/* Flush has set the end of file: an older, longer file would show here (VDI-FLUSH-002). */
void media_after_flush(struct engine_device *device)
{
    struct media *media = &device->media;
    if (has_one_volume_of_bytes(media) && random_next(&media->random) % 2 == 0) {
        push(device, (struct media_step){.code = VDC_SetPosition,
                                         .size = VDC_End,
                                         .answer = MEDIA_EXPECTED,
                                         .expected = (int64_t)device->bytes});
    }
}

/* --- sending --- */

static void send_step(struct engine_device *device)
{
    struct media *media = &device->media;
    struct media_step *step = &media->steps[0];
    int32_t buffer = ENGINE_NO_BUFFER;
    if (step->code == VDC_Read || step->code == VDC_Write) {
        buffer = device_take_buffer(device);
        if (buffer == ENGINE_NO_BUFFER) {
            return;
        }
    }
    if (step->code == VDC_Write) {
        backup_write_header(device, buffer);
    }
    if (step->answer == MEDIA_RECALL) {
        step->position = step->expected = media->address;
    } else if (step->answer == MEDIA_CURRENT) {
        step->expected = media_position(device, device->bytes);
    }
    media->step_sent = true;
    device_send(device, &(struct device_command){.code = step->code,
                                                 .buffer = buffer,
                                                 .size = step->size,
                                                 .position = step->position,
                                                 .step = true});
}

/* A volume is asked for only if something is to go there, or to come from there. */
static bool needs_volume(const struct engine_device *device)
{
    const struct media *media = &device->media;
    return media->volume_over && (device->stage < STAGE_DRAIN || media->step_count > 0 ||
                                  device_next_kept((struct engine_device *)device) != NULL);
}

bool media_is_ready(struct engine_device *device)
{
    struct media *media = &device->media;
    struct engine *engine = device->engine;
    if (engine->failed || (media->step_count == 0 && !media->volume_over)) {
        return true;
    }
    if (media->step_sent || device->outstanding > 0 || !device_can_send(device)) {
        return false;
    }
    if (needs_volume(device)) {
        /* An order is a number from 0, last_stored one from 1. */
        if (media->first_short != NO_ORDER && media->last_stored > media->first_short + 1) {
            engine_say(engine, SQL_FILE_ERROR, device->name,
                       "A Write was stored on a volume that had not taken one before it");
            engine_fail(engine);
            return false;
        }
        media->volume_over = false;
        push_front(media, (struct media_step){.code = VDC_Load});
    }
    if (media->step_count == 0) {
        return true;
    }
    send_step(device);
    return false;
}

/* --- volumes --- */

void media_note_stored(struct engine_device *device, const struct engine_slot *slot)
{
    struct media *media = &device->media;
    if (slot->order >= media->last_stored) {
        media->last_stored = slot->order + 1;
    }
}

bool media_take_end_of_media(struct engine_device *device, struct engine_slot *slot)
{
    struct media *media = &device->media;
    const struct VDS_Command *command = &slot->command;
    if (command->bytesTransferred < 0 || command->bytesTransferred > command->size ||
        (uint32_t)command->bytesTransferred % device->engine->block_size != 0) {
        return false;
    }
    media->volume_over = true;
    slot->stored += (uint32_t)command->bytesTransferred;
    if (command->bytesTransferred > 0) {
        media_note_stored(device, slot);
    }
    if (command->bytesTransferred < command->size) {
        slot->kept = true;
        media->first_short = slot->order < media->first_short ? slot->order : media->first_short;
    }
    return true;
}

void media_end_volume(struct engine_device *device)
{
    device->media.volume_over = true;
}

/* What the last volume did not take goes to this one first, in order. */
static void begin_volume(struct engine_device *device)
{
    struct media *media = &device->media;
    struct engine_slot *slot = device_next_kept(device);
    media->first_short = NO_ORDER;
    media->last_stored = 0;
    media->volume_start = slot != NULL ? slot->offset + slot->stored : device->bytes;
    for (; slot != NULL; slot = device_next_kept(device)) {
        device_send_rest(device, slot, media_position(device, slot->offset + slot->stored));
    }
}

/* --- answers --- */

static const struct {
    int32_t code;
    const char *name;
} steps[] = {
    {VDC_Rewind, "rewind"},
    {VDC_WriteMark, "write filemark"},
    {VDC_SkipMarks, "skip filemarks"},
    {VDC_SkipBlocks, "skip blocks"},
    {VDC_Load, "load"},
    {VDC_GetPosition, "get position"},
    {VDC_SetPosition, "set position"},
    {VDC_Read, "read"},
    {VDC_Write, "write"},
};

static const char *name_of(int32_t code)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].code == code) {
            return steps[i].name;
        }
    }
    assert(false);
    return "";
}

static void fail(struct engine_device *device, int32_t code, int32_t error)
{
    engine_fail_io(device->engine, device, "BackupMedium::ReportIoError", name_of(code), error);
}

static void check_position(struct engine_device *device, const struct media_step *step, int64_t position)
{
    struct media *media = &device->media;
    char text[160];
    if (step->answer == MEDIA_REMEMBER) {
        media->address = position;
    }
    bool any = step->answer == MEDIA_NO_POSITION || step->answer == MEDIA_REMEMBER ||
               (step->answer == MEDIA_CURRENT && media->model != MEDIA_DISK);
    if (any || position == step->expected) {
        return;
    }
    snprintf(text, sizeof text, "The device answered %s with position %lld; it should be %lld",
             step->code == VDC_GetPosition ? "GetPosition" : "SetPosition", (long long)position,
             (long long)step->expected);
    engine_say(device->engine, SQL_FILE_ERROR, device->name, text);
    engine_fail(device->engine);
}

static bool is_end(int32_t code)
{
    return code == ERROR_HANDLE_EOF || code == ERROR_NO_DATA_DETECTED || code == ERROR_FILEMARK_DETECTED;
}

static void take_probe(struct engine_device *device, const struct VDS_Command *command)
{
    struct media *media = &device->media;
    if (command->completionCode != ERROR_SUCCESS && !is_end(command->completionCode)) {
        fail(device, VDC_Read, command->completionCode);
    } else if (command->bytesTransferred == command->size) {
        media->probe_length = (uint32_t)command->size;
        media->probe_hash = XXH64(command->buffer, media->probe_length, 0);
        XXH64_reset(&media->probe_state, 0);
    }
}

/* Answers that mean something else than success or failure. True: dealt with. */
static bool take_special(struct engine_device *device, const struct media_step *step, int32_t code)
{
    struct media *media = &device->media;
    struct media_step again = *step;
    switch (step->code) {
    case VDC_SkipMarks:
        if (step->to_end && code == ERROR_SUCCESS) {
            if (again.expected++ == SETS_MAX) {
                fail(device, VDC_SkipMarks, OS_INVALID_DATA);
            } else {
                push_front(media, again);
            }
            return true;
        }
        if (!step->to_end && step->size > 1 && code == ERROR_NO_DATA_DETECTED) {
            engine_say(device->engine, SQL_NO_SUCH_SET, device->engine->request.file, device->name);
            engine_fail(device->engine);
            return true;
        }
        return step->to_end && code == ERROR_NO_DATA_DETECTED;
    case VDC_SkipBlocks:
        if (is_end(code)) { /* the volume has no such block: nothing to probe, and back */
            while (media->steps[0].code != VDC_SetPosition) {
                pop(media);
            }
        }
        return is_end(code);
    case VDC_WriteMark:
        media->volume_over = media->volume_over || (code == ERROR_END_OF_MEDIA && media->removable);
        return code == ERROR_END_OF_MEDIA && media->removable;
    case VDC_Load:
        media->volume_missing = code != ERROR_SUCCESS;
        if (code == ERROR_SUCCESS) {
            begin_volume(device);
        }
        return code == ERROR_SUCCESS || device->engine->request.operation == ENGINE_RESTORE;
    default:
        return false;
    }
}

void media_take(struct engine_device *device, struct engine_slot *slot)
{
    struct media *media = &device->media;
    const struct VDS_Command *command = &slot->command;
    assert(media->step_sent && media->step_count > 0);
    struct media_step step = pop(media);
    media->step_sent = false;
    if (device->engine->failed || take_special(device, &step, command->completionCode)) {
        return;
    }
    if (step.code == VDC_Read) {
        take_probe(device, command);
    } else if (command->completionCode != ERROR_SUCCESS) {
        fail(device, step.code, command->completionCode);
    } else if (step.code == VDC_Write && command->bytesTransferred != command->size) {
        fail(device, step.code, ERROR_IO_DEVICE);
    } else {
        check_position(device, &step, command->outPosition);
    }
}

bool media_check_probe(struct engine_device *device, uint64_t offset, const uint8_t *data, uint32_t length)
{
    struct media *media = &device->media;
    uint64_t begin = media->probe_offset > offset ? media->probe_offset : offset;
    uint64_t probe_end = media->probe_offset + media->probe_length;
    uint64_t end = probe_end < offset + length ? probe_end : offset + length;
    if (media->probe_length == 0 || begin >= end) {
        return true;
    }
    XXH64_update(&media->probe_state, data + (begin - offset), end - begin);
    return end < probe_end || XXH64_digest(&media->probe_state) == media->probe_hash;
}
