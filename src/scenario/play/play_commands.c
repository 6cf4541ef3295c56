/* Commands on their way (spec 5.2, 5.3, 8): what was sent, what arrived, what came back. */
#include "codes.h"
#include "play_internal.h"

/* --- data ---
 *
 * Every byte's value follows from the command and from where the byte stands. One in 64 is looked at, those at both
 * ends among them: no block is smaller than 512 bytes, so nothing can be out of place between two looks. */

enum direction {
    TO_CLIENT,
    TO_SERVER,
    BEFORE_BUFFER /* the prefix zone, the client's own */
};

enum {
    LOOK_BYTES = 8,
    LOOK_EVERY = 512
};

static uint8_t byte_at(const struct play_command *command, enum direction direction, uint64_t at)
{
    return (uint8_t)(command->order * 37 + command->device * 11 + direction * 101 + at * 3 + (at >> 8) + 1);
}

static void fill(const struct play_command *command, enum direction direction, uint8_t *bytes, uint64_t size)
{
    for (uint64_t at = 0; at < size; at += LOOK_EVERY) {
        for (uint64_t i = at; i < at + LOOK_BYTES && i < size; i++) {
            bytes[i] = byte_at(command, direction, i);
        }
    }
    if (size > 0) {
        bytes[size - 1] = byte_at(command, direction, size - 1);
    }
}

static bool is_filled(const struct play_command *command, enum direction direction, const uint8_t *bytes,
                      uint64_t size)
{
    for (uint64_t at = 0; at < size; at += LOOK_EVERY) {
        for (uint64_t i = at; i < at + LOOK_BYTES && i < size; i++) {
            if (bytes[i] != byte_at(command, direction, i)) {
                return false;
            }
        }
    }
    return size == 0 || bytes[size - 1] == byte_at(command, direction, size - 1);
}

static uint64_t size_of(const struct play_command *command)
{
    return command->vds.size > 0 ? (uint64_t)command->vds.size : 0;
}

/* --- the client's hands --- */

void play_let_go(struct play *play, const struct play_life *life, uint32_t client)
{
    for (uint32_t i = play->first_command; i < play->command_count; i++) {
        struct play_command *command = &play->commands[i];
        if (command->life == life && life->model.devices[command->device].opener == client) {
            command->held = NULL;
        }
    }
}

struct play_command *play_find_command(struct play *play, const struct play_life *life, uint32_t device,
                                       uint32_t order)
{
    for (uint32_t i = play->command_count; i > play->first_command; i--) {
        struct play_command *command = &play->commands[i - 1];
        if (command->life == life && command->device == device && command->order == order) {
            return command;
        }
    }
    return NULL;
}

static bool is_in_hand(const struct play *play, const struct VDC_Command *block)
{
    for (uint32_t i = play->first_command; i < play->command_count; i++) {
        if (play->commands[i].held == block) {
            return true;
        }
    }
    return false;
}

void play_check_fetched(struct play *play, struct play_command *command, struct VDC_Command *block)
{
    const struct VDS_Command *sent = &command->vds;
    uint32_t prefix = command->life->asked.prefixZoneSize;
    if (block == NULL || is_in_hand(play, block)) {
        play_deviate(play, "it gave %s", block == NULL ? "no command" : "the place of one in hand");
        return;
    }
    command->held = block;
    if (block->commandCode != sent->commandCode || block->size != sent->size ||
        block->position != sent->inPosition || (block->buffer != NULL) != (sent->buffer != NULL)) {
        play_deviate(
            play,
            "it gave command %d of %d bytes at %lld %s buffer; what is due is %d of %d bytes at %lld %s",
            block->commandCode, block->size, (long long)block->position,
            block->buffer != NULL ? "with" : "without", sent->commandCode, sent->size,
            (long long)sent->inPosition, sent->buffer != NULL ? "with" : "without");
    } else if (block->buffer != NULL) {
        if (sent->commandCode == VDC_Write &&
            !is_filled(command, TO_CLIENT, block->buffer, size_of(command))) {
            play_deviate(play, "the data of the Write is not what was sent");
        }
        fill(command, BEFORE_BUFFER, block->buffer - prefix, prefix);
    }
}

void play_check_untouched(struct play *play, const struct play_command *command)
{
    const struct VDC_Command *block = command->held;
    uint32_t prefix = command->life->asked.prefixZoneSize;
    if (block->buffer == NULL) {
        return;
    }
    if (command->vds.commandCode == VDC_Write &&
        !is_filled(command, TO_CLIENT, block->buffer, size_of(command))) {
        play_deviate(play, "the data of the Write has changed in the client's hands");
    }
    if (!is_filled(command, BEFORE_BUFFER, block->buffer - prefix, prefix)) {
        play_deviate(play, "the prefix zone has changed in the client's hands");
    }
}

void play_fill_answer(struct play_command *command, uint64_t bytes)
{
    bool fits = bytes <= size_of(command) && bytes <= (uint64_t)command->held->size;
    if (command->vds.commandCode == VDC_Read && command->held->buffer != NULL && fits) {
        fill(command, TO_SERVER, command->held->buffer, bytes);
    }
}

/* --- callbacks --- */

static void give_back_buffer(struct play_command *command)
{
    if (command->buffer != NULL) {
        command->buffer->busy = false;
        command->buffer = NULL;
    }
}

static void called_back(struct VDS_Command *vds)
{
    struct play_command *command = (struct play_command *)(void *)vds->completionContext;
    struct play *play = command->play;
    if (command->at != PLAY_OUTSTANDING) {
        play_deviate(play, "command %u of device %u is called back twice", command->order, command->device);
        return;
    }
    command->at = PLAY_CALLED_BACK;
    bool data = !play_is_unknown(play, command->life) && vds->commandCode == VDC_Read &&
                vds->buffer != NULL && vds->completionCode == ERROR_SUCCESS;
    if (data && vds->bytesTransferred > 0 &&
        !is_filled(command, TO_SERVER, vds->buffer, (uint64_t)vds->bytesTransferred)) {
        play_deviate(play, "the data of Read %u is not what the client answered", command->order);
    }
    give_back_buffer(command);
}

struct play_command *play_new_command(struct play *play, const struct play_call *call)
{
    if (play->command_count == PLAY_COMMANDS_MAX) {
        return NULL;
    }
    struct play_command *command = &play->commands[play->command_count++];
    *command = (struct play_command){
        .play = play, .life = call->life, .device = call->model.device, .buffer = call->buffer};
    /* What the model will number it, if it is not refused. */
    command->order = call->life->model.devices[call->model.device].last_order + 1;
    server_command_init(&command->vds, called_back, command);
    command->vds.commandCode = call->model.code;
    command->vds.buffer = call->address;
    command->vds.inPosition = call->line->wide[1];
    return command;
}

static void compare(struct play *play, struct play_command *command, int32_t code, uint64_t bytes,
                    int64_t position)
{
    const struct VDS_Command *vds = &command->vds;
    if (vds->completionCode != code || (uint64_t)vds->bytesTransferred != bytes ||
        vds->outPosition != position) {
        play_deviate(play,
                     "command %u of device %u is called back with code %d, %d bytes, position %lld; due are "
                     "%d, %llu, %lld",
                     command->order, command->device, vds->completionCode, vds->bytesTransferred,
                     (long long)vds->outPosition, code, (unsigned long long)bytes, (long long)position);
    }
    command->at = PLAY_DONE;
}

void play_fill_sent(struct play_command *command)
{
    if (command->vds.commandCode == VDC_Write && command->buffer != NULL) {
        fill(command, TO_CLIENT, command->vds.buffer, size_of(command));
    }
}

void play_check_sent(struct play *play, struct play_command *command, int32_t result)
{
    static const struct {
        int32_t result;
        int32_t code;
    } refusals[] = {
        {VD_E_QUEUE_FULL, ERROR_NO_SYSTEM_RESOURCES}, {VD_E_IO_ERROR, ERROR_IO_DEVICE},
        {VD_E_PROTOCOL, ERROR_INVALID_HANDLE},        {VD_E_ABORT, ERROR_OPERATION_ABORTED},
        {VD_E_INVALID, ERROR_INVALID_HANDLE},
    };
    if ((result != 0) != (command->at == PLAY_CALLED_BACK)) {
        play_deviate(play, "a command that was %s was %s back", result != 0 ? "refused" : "queued",
                     result != 0 ? "not called" : "called");
        return;
    }
    for (size_t i = 0; result != 0 && i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].result == result) {
            compare(play, command, refusals[i].code, 0, 0);
            command->order = 0; /* it was never sent */
        }
    }
}

static const struct model_command *find_model(const struct play_command *command)
{
    const struct model_device *device = &command->life->model.devices[command->device];
    for (uint32_t i = 0; i < device->command_count; i++) {
        if (device->commands[i].order == command->order) {
            return &device->commands[i];
        }
    }
    return NULL;
}

static void check_called_back(struct play *play, struct play_command *command, enum play_round round)
{
    const struct model_command *known = find_model(command);
    if (command->at == PLAY_CALLED_BACK && known != NULL && known->at == MODEL_WAITS) {
        play_note_refusals(play, command->life, command->device); /* *known, too */
    }
    bool answered = known != NULL && known->at == MODEL_ANSWERED;
    bool as_aborted = command->vds.completionCode == ERROR_OPERATION_ABORTED;
    if ((command->at == PLAY_CALLED_BACK) != (round != PLAY_ROUND_LIVE || answered)) {
        play_deviate(play, "command %u of device %u is %scalled back", command->order, command->device,
                     command->at == PLAY_CALLED_BACK ? "" : "not ");
    } else if (round == PLAY_ROUND_ABORTED || (round == PLAY_ROUND_LAST && (!answered || as_aborted))) {
        compare(play, command, ERROR_OPERATION_ABORTED, 0, 0);
    } else if (answered) {
        compare(play, command, known->completion, command->bytes, command->position);
    }
}

void play_check_round(struct play *play, struct play_life *life, enum play_round round)
{
    bool first = true;
    for (uint32_t i = play->first_command; i < play->command_count; i++) {
        struct play_command *command = &play->commands[i];
        if (command->life == life && command->at != PLAY_DONE) {
            check_called_back(play, command, round);
        }
        first = first && command->at == PLAY_DONE && command->held == NULL;
        play->first_command += first;
    }
    if (round == PLAY_ROUND_LIVE) {
        model_set_deliver(&life->model);
    }
}
