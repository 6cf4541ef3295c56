/* configure.c - from the statement to a configured set: see engine_state.h. */
#include <errno.h>
#include <string.h>

#include "engine_state.h"
#include "request.h"

enum {
    BLOCK_SIZE_DEFAULT = 512, /* spec 7 */
    BLOCK_SIZE_MAX = 65536,
    TRANSFER_UNIT = 65536,
    TRANSFER_DEFAULT = 65536,
    CONFIGURATION_TIMEOUT = 60000, /* ms */
};

/* --- the statement alone --- */

static bool is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

bool configure_check(struct engine *engine)
{
    const struct engine_request *request = &engine->request;
    const struct profile_operation *recorded = follow_operation(engine);
    bool known = recorded != NULL && recorded->block_size != 0;
    engine->block_size = request->block_size != 0 ? request->block_size
                         : known                  ? recorded->block_size
                                                  : BLOCK_SIZE_DEFAULT;
    engine->max_transfer = request->max_transfer_size != 0 ? request->max_transfer_size
                           : known                         ? recorded->max_transfer
                                                           : TRANSFER_DEFAULT;
    if (engine->device_count > SERVER_DEVICES_MAX) {
        engine_say(engine, SQL_TOO_MANY_DEVICES, (uint32_t)SERVER_DEVICES_MAX);
    } else if (!is_power_of_two(engine->block_size)) {
        engine_say(engine, SQL_NOT_A_POWER);
    } else if (engine->block_size < BLOCK_SIZE_DEFAULT || engine->block_size > BLOCK_SIZE_MAX) {
        engine_say(engine, SQL_OUT_OF_RANGE, engine->block_size, "BLOCKSIZE");
    } else if (engine->max_transfer % TRANSFER_UNIT != 0 || engine->max_transfer > STREAM_TRANSFER_MAX) {
        engine_say(engine, SQL_OUT_OF_RANGE, engine->max_transfer, "MAXTRANSFERSIZE");
    } else if (request->buffer_count != 0 && request->buffer_count < engine->device_count) {
        engine_say(engine, SQL_FEW_BUFFERS);
    } else if (snapshot_check_statement(engine)) {
        return true;
    }
    engine_fail(engine);
    return false;
}

/* --- Open --- */

static void record_open(struct engine *engine)
{
    struct event event = {
        .kind = EVENT_STATEMENT_OPEN,
        .side = EVENT_SIDE_SERVER,
        .operation = engine->operation,
        .device = -1,
        .arg = {engine->request.statement, engine->device_count, engine->request.operation}};
    event_record(&event, engine->request.database);
    engine->opened = true;
}

bool configure_open(struct engine *engine)
{
    const char *name = engine->devices[0].name;
    int32_t before = run_find_operation(name);
    struct server_set *set = server_set_new();
    if (set == NULL || server_set_open(set, name) != 0) {
        server_set_free(set);
        return false;
    }
    engine->set = set;
    /* Once the client has closed the set, the newest operation may be that of the next set of this name. */
    int32_t newest = run_find_operation(name);
    engine->operation = server_set_client_closed(set) ? before : newest;
    run_server_came(engine->operation);
    record_open(engine);
    return true;
}

/* --- configuration --- */

/* 3261, and the client is told by an abort: it waits in GetConfiguration (spec 7). */
static void refuse(struct engine *engine)
{
    server_set_signal_abort(engine->set);
    engine_say(engine, SQL_BAD_CONFIGURATION);
    engine_fail(engine);
}

static bool name_devices(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        if (server_set_name_device(engine->set, i, device->name) != 0) {
            return false;
        }
        /* Before the client can open any: so the run's indexes are those of the clauses. */
        int32_t known = run_device_index(engine->operation, device->name);
        device->event_device = (int16_t)(known >= 0 ? known : (int32_t)i);
    }
    return true;
}

static int begin_configuration(struct engine *engine)
{
    const struct VDConfig *config = &engine->client_config;
    bool backup = engine->request.operation == ENGINE_BACKUP;
    engine->features = config->features | (backup ? VDF_WriteMedia : VDF_ReadMedia);
    /* A promise that VDC_Complete will be sent, so none of a RESTORE (ours; spec 16, question 15). */
    if (backup && (config->features & VDF_RequestComplete) != 0 &&
        engine->options.plan->complete != PLAN_NO) {
        engine->features |= VDF_CompleteEnabled;
    }
    uint32_t alignment = config->alignment > engine->block_size ? config->alignment : engine->block_size;
    return server_set_begin_configuration(engine->set, engine->features, engine->block_size, alignment,
                                          engine->max_transfer, CONFIGURATION_TIMEOUT);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* How many buffers EndConfiguration is to make, and how many are asked for after it. */
static void share_buffers(const struct engine *engine, uint32_t *first, uint32_t *late)
{
    uint32_t devices = engine->device_count;
    uint32_t recorded = follow_buffers(engine) >= devices ? follow_buffers(engine) : 0;
    uint32_t depth = recorded != 0 ? PROFILE_OUTSTANDING_MAX : ENGINE_DEPTH;
    uint32_t most = devices * depth + ENGINE_BUFFERS_SPARE;
    uint32_t wanted = engine->request.buffer_count != 0 ? engine->request.buffer_count
                      : recorded != 0                   ? recorded
                                                        : most;
    *first = smaller(wanted, most);
    *late = smaller(wanted - *first, most); /* more would never be used */
    if (*late == 0 && engine->options.plan->late_buffers == PLAN_YES && wanted > devices) {
        *first = wanted / 2 > devices ? wanted / 2 : devices;
        *late = wanted - *first;
    } else if (engine->options.plan->late_buffers == PLAN_NO) {
        *late = 0;
    }
}

/* A request the statement left open is lowered when memory is short (spec 4, EndConfiguration). */
static int end_configuration(struct engine *engine, uint32_t wanted)
{
    for (;;) {
        int result = server_set_request_buffers(engine->set, engine->max_transfer, 0, wanted);
        if (result == 0) {
            result = server_set_end_configuration(engine->set);
        }
        engine->buffer_count = wanted;
        uint32_t least = engine->device_count * ENGINE_DEPTH_LEAST;
        if (result != VD_E_MEMORY || engine->request.buffer_count != 0 || wanted <= least) {
            return result;
        }
        wanted = wanted / 2 > least ? wanted / 2 : least;
    }
}

/* Another buffer area. The first does without it if there is no room. */
static int request_late(struct engine *engine, uint32_t count)
{
    int result =
        count == 0 ? VD_E_MEMORY : server_set_request_buffers(engine->set, engine->max_transfer, 0, count);
    engine->buffer_count += result == 0 ? count : 0;
    return result == VD_E_MEMORY ? 0 : result;
}

static int take_buffers(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->buffer_count; i++) {
        int result = server_set_allocate_buffer(engine->set, &engine->buffers[i], engine->max_transfer, 0);
        if (result != 0) {
            return result;
        }
        engine->free_buffers[i] = (int32_t)i;
    }
    engine->free_count = engine->buffer_count;
    engine->depth = smaller(engine->buffer_count / engine->device_count, ENGINE_DEPTH);
    follow_begin(engine);
    return 0;
}

static int make_buffers(struct engine *engine)
{
    uint32_t first, late;
    share_buffers(engine, &first, &late);
    int result = end_configuration(engine, first);
    if (result == 0) {
        result = request_late(engine, late);
    }
    return result == 0 ? take_buffers(engine) : result;
}

static int open_devices(struct engine *engine)
{
    int result = 0;
    for (uint32_t i = 0; result == 0 && i < engine->device_count; i++) {
        result = server_set_open_device(engine->set, &engine->devices[i].handle);
    }
    return result;
}

void configure_set(struct engine *engine)
{
    int result = server_set_get_configuration(engine->set, &engine->client_config);
    if (result == 0 && engine->client_config.deviceCount != engine->device_count) {
        refuse(engine); /* VDI-CFG-010 */
        return;
    }
    if (result == 0 && !name_devices(engine)) {
        result = VD_E_INVALID;
    }
    for (uint32_t i = 0; result == 0 && i < engine->device_count; i++) {
        if (!media_begin(&engine->devices[i])) {
            server_set_signal_abort(engine->set); /* the client waits in GetConfiguration (spec 7) */
            engine_say(engine, SQL_MARK_NOT_ALIGNED, engine->devices[i].name);
            engine_fail(engine);
            return;
        }
    }
    if (result == 0 && !snapshot_check_configuration(engine)) {
        result = VD_E_INVALID;
    }
    if (result == 0) {
        result = begin_configuration(engine);
    }
    if (result == 0) {
        result = make_buffers(engine);
    }
    if (result == 0) {
        result = open_devices(engine);
    }
    if (result == VD_E_MEMORY) {
        server_set_signal_abort(engine->set);
        engine_say(engine, SQL_IO_FAILURE, "BackupVirtualDeviceSet::Initialize", "Request large buffers",
                   engine->devices[0].name,
                   "0x8007000e(Not enough memory resources are available to complete this operation.)");
        engine_fail(engine);
    } else if (result != 0 && result != VD_E_ABORT) {
        refuse(engine);
    }
}
