/* fault_deeds.c - what each kind of fault_commands.h does: see fault_deeds.h. */
#include "fault_deeds.h"

#include "codes.h"

enum {
    FIRST_OF_A_MODEL = VDC_Rewind,
    LAST_OF_A_MODEL = VDC_Discard,
    CRC_ERROR = 23, /* Data error (cyclic redundancy check). */
    SPOILT_BITS = 0x5a,
};

void fault_record(const struct engine_device *device, uint32_t index)
{
    struct event event = {.kind = EVENT_FAULT,
                          .side = EVENT_SIDE_SERVER,
                          .operation = device->engine->operation,
                          .device = device->event_device,
                          .arg = {index}};
    event_record(&event, NULL);
}

/* --- unknown-command --- */

/* A code that is no command is known to nobody; one of a device model, to clients of that model. */
static bool client_knows(const struct engine *engine, int32_t code)
{
    return (engine->client_config.features & command_features(code)) != 0;
}

static int32_t unknown_code(const struct engine *engine, const struct fault *fault)
{
    int32_t code = FIRST_OF_A_MODEL;
    if (fault->arg[FAULT_ARG_OF] == FAULT_OF_NOBODY) {
        return fault->arg[FAULT_ARG_CODE];
    }
    while (code <= LAST_OF_A_MODEL && client_knows(engine, code)) {
        code++;
    }
    return code <= LAST_OF_A_MODEL ? code : fault->arg[FAULT_ARG_CODE];
}

static enum deed_result send_unknown(const struct fault_arrival *arrival)
{
    struct engine_device *device = arrival->device;
    int32_t code = unknown_code(device->engine, arrival->fault);
    if (client_knows(device->engine, code) || !device_can_send(device)) {
        return DEED_IMPOSSIBLE;
    }
    fault_record(device, arrival->index);
    device_send_extra(device, code);
    return DEED_DONE;
}

/* --- premature-close --- */

static const char *file_of(const struct engine *engine)
{
    const struct plan_database *entry = database_find(engine->options.plan, engine->request.database);
    return entry != NULL ? entry->path : engine->request.database;
}

/* The server cannot go on: what it reads the database from, or writes it to, fails. What is out is waited for, then
 * VD_E_CLOSE on every device (spec 9.4). */
static enum deed_result close_prematurely(const struct fault_arrival *arrival)
{
    struct engine *engine = arrival->device->engine;
    char text[OS_ERROR_TEXT_MAX];
    fault_record(arrival->device, arrival->index);
    if (engine->request.operation == ENGINE_BACKUP) {
        engine_say(engine, SQL_FILE_ERROR, file_of(engine), messages_os_error(CRC_ERROR, text, sizeof text));
    } else {
        engine_say(engine, SQL_SYSTEM_ERROR, messages_os_error(ERROR_IO_DEVICE, text, sizeof text),
                   "WriteFile", file_of(engine));
    }
    engine_fail(engine);
    return DEED_INSTEAD;
}

/* --- satisfied-early --- */

/* The statement has what it wanted, as RESTORE HEADERONLY and STOPAT have before the data end. */
static enum deed_result satisfy(const struct fault_arrival *arrival)
{
    struct engine *engine = arrival->device->engine;
    if (engine->request.snapshot) {
        return DEED_IMPOSSIBLE;
    }
    fault_record(arrival->device, arrival->index);
    engine->satisfied = true;
    engine->phase = ENGINE_PHASE_DRAINING;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        engine->devices[i].stage = STAGE_DONE;
        engine->devices[i].ended = true; /* no more is asked for */
    }
    return DEED_INSTEAD;
}

/* --- extra-flush --- */

/* A disk whose header was just written again has its last written position there: to set the end of file now would be
 * right by the letter, and no backup (spec 6.3, Flush). The Flush then comes before the next command. */
static enum deed_result flush_first(const struct fault_arrival *arrival)
{
    struct engine_device *device = arrival->device;
    bool misleads = device->media.model == MEDIA_DISK && device->fault.header_written;
    struct fault_orders *orders = misleads ? &device->fault.put_off : arrival->orders;
    orders->flush |= UINT64_C(1) << arrival->index;
    return DEED_LATER;
}

/* --- reordered --- */

static enum deed_result serve_last(const struct fault_arrival *arrival)
{
    struct engine *engine = arrival->device->engine;
    if (engine->device_count < 2) {
        return DEED_IMPOSSIBLE; /* there is but one order */
    }
    fault_record(arrival->device, arrival->index);
    arrival->orders->last = true;
    engine->reordered = true;
    return DEED_DONE;
}

void faults_close_done(struct engine *engine)
{
    bool done = engine_is_done(engine);
    if (!engine->reordered || done || engine->request.operation == ENGINE_BACKUP) {
        return; /* of a backup, no device is closed before all are flushed (spec 9.1) */
    }
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        if (device->stage == STAGE_DONE && device->outstanding == 0 && !device->fault.closed) {
            device->fault.closed = server_device_close(device->handle) == 0;
        }
    }
}

/* --- resized --- */

uint32_t fault_size(const struct engine *engine, const struct fault *fault)
{
    uint32_t block = engine->block_size, most = engine->max_transfer;
    switch (fault->arg[FAULT_ARG_TO]) {
    case FAULT_TO_BLOCK:
        return block;
    case FAULT_TO_FULL:
        return most;
    default:
        return most > block ? most - block : block;
    }
}

/* At a Read that is not of the stream's data: the header's, which is always one block, or one that only looks. */
static enum deed_result resize_next(const struct fault_arrival *arrival)
{
    arrival->device->fault.resize |= UINT64_C(1) << arrival->index;
    return DEED_LATER;
}

/* --- corrupt, end-of-media: at the completion --- */

static enum deed_result at_completion(const struct fault_arrival *arrival)
{
    arrival->orders->completed |= UINT64_C(1) << arrival->index;
    return DEED_LATER;
}

/* Changed bits in what the Read brought; where the stream is over, a block that should not be there. */
static bool spoil(struct engine_device *device, struct engine_slot *slot)
{
    struct VDS_Command *command = &slot->command;
    uint8_t *data = command->buffer;
    if (code_is_io_error(command->completionCode) || command->bytesTransferred < 0) {
        return false;
    }
    if (command->bytesTransferred == 0) {
        command->bytesTransferred = (int32_t)device->engine->block_size;
    }
    data[command->bytesTransferred / 2] ^= SPOILT_BITS;
    return true;
}

/* As if the client had met the warning there: what is under way is still stored, then Load (spec 6.3). */
static bool end_volume(struct engine_device *device, struct engine_slot *slot)
{
    struct VDS_Command *command = &slot->command;
    if (!device->media.removable || command->completionCode != ERROR_SUCCESS) {
        return false;
    }
    command->completionCode = ERROR_END_OF_MEDIA;
    return true;
}

/* --- io-error: the client's side makes it happen --- */

enum plan_choice faults_clear_error(const struct engine *engine)
{
    const struct plan *plan = engine->options.plan;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct fault *fault = &plan->faults[i];
        if (fault->kind == FAULT_IO_ERROR &&
            run_site_operation(run_state_attach(), &fault->site) == engine->operation) {
            return fault->arg[FAULT_ARG_THEN] == FAULT_THEN_CLEAR ? PLAN_YES : PLAN_NO;
        }
    }
    return plan->clear_error;
}

/* --- the table --- */

const struct fault_deeds fault_deeds[FAULT_KIND_COUNT] = {
    [FAULT_UNKNOWN_COMMAND] = {.arrives = send_unknown},
    [FAULT_PREMATURE_CLOSE] = {.arrives = close_prematurely},
    [FAULT_SATISFIED_EARLY] = {.arrives = satisfy},
    [FAULT_EXTRA_FLUSH] = {.arrives = flush_first},
    [FAULT_REORDERED] = {.arrives = serve_last},
    [FAULT_RESIZED] = {.arrives = resize_next, .sizes = true},
    [FAULT_CORRUPT] = {.arrives = at_completion, .completes = spoil},
    [FAULT_SERVER_SLOW] = {.arrives = fault_deed_slow},
    [FAULT_CHATTY] = {.arrives = fault_deed_chatter},
    [FAULT_END_OF_MEDIA] = {.arrives = at_completion, .completes = end_volume},
};
