/* media.c - the steps of a device, sent and answered, and its volumes: see media.h. */
#include "media.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine_state.h"

enum {
    SETS_MAX = 10000, /* a client that always finds one more mark has none */
};

/* --- steps --- */

void media_push(struct engine_device *device, struct media_step step)
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

int64_t media_position(const struct engine_device *device, uint64_t offset)
{
    const struct media *media = &device->media;
    return media->model == MEDIA_DISK ? (int64_t)(offset - media->volume_start) : 0;
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

/* Whether a volume may be asked for, after the one that is over. False: said, and failed. */
static bool may_load(struct engine_device *device)
{
    struct media *media = &device->media;
    struct engine *engine = device->engine;
    bool backup = engine->request.operation == ENGINE_BACKUP;
    bool used = backup ? media->last_stored > 0 : device->bytes > media->volume_start;
    /* An order is a number from 0, last_stored one from 1. */
    if (media->first_short != MEDIA_NO_ORDER && media->last_stored > media->first_short + 1) {
        engine_say(engine, SQL_FILE_ERROR, device->name,
                   "A Write was stored on a volume that had not taken one before it");
        engine_fail(engine);
        return false;
    }
    if (media->volumes_loaded == 0 || used) {
        return true;
    }
    /* One empty volume after another would never end. */
    if (backup) {
        engine_fail_io(engine, device, "BackupIoRequest::ReportIoError", "write", ERROR_END_OF_MEDIA);
    } else {
        media->volume_missing = true;
    }
    return false;
}

bool media_is_idle(const struct engine_device *device)
{
    const struct media *media = &device->media;
    return media->step_count == 0 && !media->volume_over && !media->volume_missing;
}

bool media_is_ready(struct engine_device *device)
{
    struct media *media = &device->media;
    if (device->engine->failed || media_is_idle(device)) {
        return true;
    }
    if (media->volume_missing || media->step_sent || device->outstanding > 0 || !device_can_send(device)) {
        return false;
    }
    if (needs_volume(device)) {
        if (!may_load(device)) {
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
    media->volumes_loaded++;
    media->first_short = MEDIA_NO_ORDER;
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
    {VDC_PrepareToFreeze, "PrepareToFreeze"},
    {VDC_Snapshot, "Snapshot"},
    {VDC_MountSnapshot, "MountSnapshot"},
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

/* Answers that mean something else than success or failure, by command. True: dealt with. */
typedef bool take_answer(struct engine_device *device, const struct media_step *step,
                         struct engine_slot *slot);

static bool take_skip_marks(struct engine_device *device, const struct media_step *step,
                            struct engine_slot *slot)
{
    int32_t code = slot->command.completionCode;
    struct media_step again = *step;
    if (step->to_end && code == ERROR_SUCCESS) {
        if (again.expected++ == SETS_MAX) {
            fail(device, VDC_SkipMarks, OS_INVALID_DATA);
        } else {
            push_front(&device->media, again);
        }
        return true;
    }
    if (!step->to_end && step->size > 1 && code == ERROR_NO_DATA_DETECTED) { /* over whole sets */
        engine_say(device->engine, SQL_NO_SUCH_SET, device->engine->request.file, device->name);
        engine_fail(device->engine);
        return true;
    }
    device->media.sets_before = step->to_end ? (uint32_t)step->expected : 0;
    return step->to_end && code == ERROR_NO_DATA_DETECTED;
}

/* The volume has no such block: nothing to probe, and back. */
static bool take_skip_blocks(struct engine_device *device, const struct media_step *step,
                             struct engine_slot *slot)
{
    struct media *media = &device->media;
    (void)step;
    if (!is_end(slot->command.completionCode)) {
        return false;
    }
    while (media->steps[0].code != VDC_SetPosition) {
        pop(media);
        assert(media->step_count > 0);
    }
    return true;
}

static bool take_write_mark(struct engine_device *device, const struct media_step *step,
                            struct engine_slot *slot)
{
    struct media *media = &device->media;
    (void)step;
    media_note_stored(device, slot);
    if (slot->command.completionCode != ERROR_END_OF_MEDIA || !media->removable) {
        return false;
    }
    media->volume_over = true;
    return true;
}

static bool take_load(struct engine_device *device, const struct media_step *step, struct engine_slot *slot)
{
    (void)step;
    if (slot->command.completionCode == ERROR_SUCCESS) {
        begin_volume(device);
        return true;
    }
    device->media.volume_missing = true;
    return device->engine->request.operation == ENGINE_RESTORE;
}

static bool take_special(struct engine_device *device, const struct media_step *step,
                         struct engine_slot *slot)
{
    static const struct {
        int32_t code;
        take_answer *take;
    } special[] = {
        {VDC_SkipMarks, take_skip_marks},
        {VDC_SkipBlocks, take_skip_blocks},
        {VDC_WriteMark, take_write_mark},
        {VDC_Load, take_load},
    };
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (special[i].code == step->code) {
            return special[i].take(device, step, slot);
        }
    }
    return false;
}

void media_take(struct engine_device *device, struct engine_slot *slot)
{
    struct media *media = &device->media;
    const struct VDS_Command *command = &slot->command;
    assert(media->step_sent && media->step_count > 0);
    struct media_step step = pop(media);
    media->step_sent = false;
    if (device->engine->failed || take_special(device, &step, slot)) {
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
        snapshot_take(device->engine, step.code);
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
