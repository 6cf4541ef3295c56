/* See call_events.h. */
#include "call_events.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

#include "codes.h"

/* What stands for an address: far apart, so that nobody takes one for another. */
enum stand_in {
    STAND_IN_SET = 1,
    STAND_IN_DEVICE,
    STAND_IN_BLOCK,
    STAND_IN_BUFFER
};

static int64_t stand_in(enum stand_in kind, uint64_t number)
{
    return number == 0 ? 0 : (int64_t)((uint64_t)kind << 40 | number << 12);
}

/* --- places --- */

/* The place's number, from 1, at its first sight a new one; 0: there is no room, or no place. */
static uint64_t number_of(struct call_events_places *places, uint32_t process, const void *address)
{
    if (address == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < places->count; i++) {
        if (places->list[i].address == address && places->list[i].process == process) {
            return i + 1;
        }
    }
    if (places->count == CALL_EVENTS_BLOCKS) {
        return 0;
    }
    places->list[places->count] = (struct call_events_place){.address = address, .process = process};
    return ++places->count;
}

/* Other objects may come to lie where the process's were. */
static void forget(struct call_events_places *places, uint32_t process)
{
    for (uint32_t i = 0; i < places->count; i++) {
        if (places->list[i].process == process) {
            places->list[i].address = NULL;
        }
    }
}

static struct call_events_place *find_block(struct call_events *events, uint32_t process,
                                            const struct VDC_Command *block)
{
    uint64_t number = number_of(&events->blocks, process, block);
    return number != 0 ? &events->blocks.list[number - 1] : NULL;
}

/* The GetCommand whose command, still in the process's hands, has the buffer. */
static uint64_t fetch_of_buffer(const struct call_events *events, uint32_t process, const uint8_t *buffer)
{
    for (uint32_t i = 0; buffer != NULL && i < events->blocks.count; i++) {
        const struct call_events_place *place = &events->blocks.list[i];
        if (place->process == process && place->address != NULL && place->outstanding &&
            place->buffer == buffer) {
            return place->fetch;
        }
    }
    return 0;
}

/* --- events --- */

static uint64_t emit(struct call_events *events, struct event *event, const char *text)
{
    event->sequence = ++events->sequence;
    event->time_ns = events->sink.now != NULL ? (uint64_t)events->sink.now() : 0;
    event->version = EVENT_VERSION;
    event->text_records = (uint32_t)((strlen(text) + sizeof event->text - 1) / sizeof event->text);
    events->sink.take(events->sink.context, event, text);
    return event->sequence;
}

static bool is_on_device(enum vdi_function function)
{
    return function == VDI_FN_GET_COMMAND || function == VDI_FN_COMPLETE_COMMAND;
}

static struct call_events_process *process_of(struct call_events *events, const struct made_call *call)
{
    assert(call->process < CALL_EVENTS_PROCESSES);
    return &events->processes[call->process];
}

static struct call_events_device *device_of(struct call_events *events, const struct made_call *call)
{
    assert(call->device < CALL_EVENTS_DEVICES);
    return &process_of(events, call)->devices[call->device];
}

static struct event event_of(struct call_events *events, const struct made_call *call, enum event_kind kind)
{
    return (struct event){
        .kind = (uint8_t)kind,
        .side = EVENT_SIDE_CLIENT,
        .function = (uint16_t)call->function,
        .device = (int16_t)(is_on_device(call->function) ? device_of(events, call)->index : -1),
        .operation = call->operation,
        .process = call->process_number,
        .thread = call->thread_number,
        .set = call->set,
        .call = call->sequence};
}

static void emit_configuration(struct call_events *events, const struct made_call *call)
{
    struct event event = event_of(events, call, EVENT_CONFIGURATION);
    uint32_t words[EVENT_CONFIG_WORDS];
    _Static_assert(sizeof words == sizeof *call->config, "spec 5.1: eleven fields");
    memcpy(words, call->config, sizeof words);
    for (unsigned i = 0; i < EVENT_CONFIG_WORDS; i++) {
        event_set_config_word(&event, i, words[i]);
    }
    emit(events, &event, "");
}

/* --- begins --- */

static int32_t find_operation(const struct call_events *events, const char *name)
{
    for (uint32_t i = events->operation_count; i-- > 0;) {
        if (strcmp(events->operations[i], name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* A Create or OpenInSecondary on a set that is open belongs to that set's operation. */
static void begin_life(struct call_events *events, struct made_call *call)
{
    call->starts = !process_of(events, call)->open;
    if (!call->starts) {
        return;
    }
    if (call->function == VDI_FN_OPEN_IN_SECONDARY) {
        call->operation = find_operation(events, call->name);
    } else if (events->operation_count < CALL_EVENTS_OPERATIONS) {
        call->operation = (int32_t)events->operation_count;
        events->operations[events->operation_count++] = call->name;
    }
}

/* It is out of the client's hands, whatever the completion comes to. */
static void begin_complete(struct call_events *events, const struct made_call *call, int64_t arg[])
{
    struct call_events_place *place = find_block(events, call->process, call->block);
    arg[0] = stand_in(STAND_IN_BLOCK, number_of(&events->blocks, call->process, call->block));
    arg[1] = call->completion;
    arg[2] = (int64_t)call->bytes;
    arg[3] = call->position;
    if (place != NULL && place->fetch != 0) {
        arg[4] = (int64_t)place->fetch;
        arg[5] = place->code;
        place->outstanding = false;
    }
}

static void put_begin(struct call_events *events, const struct made_call *call, int64_t arg[])
{
    switch (call->function) {
    case VDI_FN_CREATE:
        arg[0] = call->config->deviceCount;
        arg[1] = call->config->features;
        arg[2] = call->config->alignment;
        arg[3] = call->config->prefixZoneSize;
        break;
    case VDI_FN_GET_CONFIGURATION:
    case VDI_FN_GET_COMMAND:
        arg[0] = call->timeout;
        break;
    case VDI_FN_COMPLETE_COMMAND:
        begin_complete(events, call, arg);
        break;
    case VDI_FN_GET_BUFFER_HANDLE:
        arg[0] = stand_in(STAND_IN_BUFFER, number_of(&events->buffers, call->process, call->buffer));
        arg[1] = (int64_t)fetch_of_buffer(events, call->process, call->buffer);
        break;
    case VDI_FN_MAP_BUFFER_HANDLE:
        arg[0] = (int32_t)call->handle;
        break;
    default:
        break;
    }
}

void call_events_begin(struct call_events *events, struct made_call *call)
{
    struct call_events_process *process = process_of(events, call);
    bool on_device = is_on_device(call->function);
    if (process->set == 0) {
        process->set = ++events->set_count;
        process->operation = -1;
    }
    call->set = on_device ? device_of(events, call)->set : process->set;
    call->operation = on_device ? device_of(events, call)->operation : process->operation;
    call->sequence = 0;
    call->starts = false;
    if (call->function == VDI_FN_CREATE || call->function == VDI_FN_OPEN_IN_SECONDARY) {
        begin_life(events, call);
    }
    struct event event = event_of(events, call, EVENT_CALL_BEGIN);
    put_begin(events, call, event.arg);
    event.arg[6] = on_device ? stand_in(STAND_IN_DEVICE, device_of(events, call)->number)
                             : stand_in(STAND_IN_SET, process->set);
    call->sequence = emit(events, &event, call->name != NULL ? call->name : "");
    if (call->function == VDI_FN_CREATE) {
        emit_configuration(events, call);
    }
}

/* --- ends --- */

static void end_life(struct call_events *events, const struct made_call *call, int32_t result)
{
    struct call_events_process *process = process_of(events, call);
    if (call->starts && result == 0) {
        process->open = true;
        process->operation = call->operation;
        forget(&events->blocks, call->process);
        forget(&events->buffers, call->process);
    } else if (call->starts && call->function == VDI_FN_CREATE &&
               call->operation + 1 == (int32_t)events->operation_count) {
        events->operation_count--; /* an index counts lives of sets */
    }
}

static void end_open_device(struct call_events *events, const struct made_call *call, struct event *event)
{
    struct call_events_device *device = device_of(events, call);
    *device = (struct call_events_device){.number = ++events->device_count,
                                          .set = call->set,
                                          .operation = call->operation,
                                          .index = call->index};
    event->device = (int16_t)call->index;
    event->arg[0] = stand_in(STAND_IN_DEVICE, device->number);
}

static void end_get_command(struct call_events *events, const struct made_call *call, int64_t arg[])
{
    struct call_events_device *device = device_of(events, call);
    const struct VDC_Command *block = call->block;
    struct call_events_place *place = find_block(events, call->process, block);
    int32_t code = block->commandCode;
    if (place != NULL) {
        place->fetch = call->sequence;
        place->code = code;
        place->buffer = block->buffer;
        place->outstanding = true;
    }
    arg[0] = stand_in(STAND_IN_BLOCK, number_of(&events->blocks, call->process, block));
    arg[1] = code;
    arg[2] = block->size;
    arg[3] = block->position;
    arg[4] = stand_in(STAND_IN_BUFFER, number_of(&events->buffers, call->process, block->buffer));
    arg[5] = ++device->delivered[code > 0 && code < CALL_EVENTS_CODES ? code : 0];
}

static void end_complete(struct call_events *events, const struct made_call *call)
{
    events->statement.failed = events->statement.failed || code_is_io_error(call->completion);
    events->statement.bytes += call->completion == ERROR_SUCCESS ? call->bytes : 0;
}

/* What a call gives where it succeeds. */
static void put_end(struct call_events *events, const struct made_call *call, struct event *event)
{
    switch (call->function) {
    case VDI_FN_GET_CONFIGURATION:
        event->arg[0] = call->config->features;
        event->arg[1] = call->config->blockSize;
        event->arg[2] = call->config->maxTransferSize;
        event->arg[3] = call->config->deviceCount;
        break;
    case VDI_FN_OPEN_DEVICE:
        end_open_device(events, call, event);
        break;
    case VDI_FN_GET_COMMAND:
        end_get_command(events, call, event->arg);
        break;
    case VDI_FN_COMPLETE_COMMAND:
        end_complete(events, call);
        break;
    case VDI_FN_GET_BUFFER_HANDLE:
        event->arg[0] = call->handle;
        break;
    case VDI_FN_MAP_BUFFER_HANDLE:
        event->arg[0] = stand_in(STAND_IN_BUFFER, number_of(&events->buffers, call->process, call->buffer));
        break;
    default:
        break;
    }
}

void call_events_end(struct call_events *events, struct made_call *call, int32_t result)
{
    struct call_events_process *process = process_of(events, call);
    struct event event = event_of(events, call, EVENT_CALL_END);
    event.result = result;
    event.flags = call->shortened && result == VD_E_TIMEOUT ? EVENT_FLAG_SHORTENED : 0;
    if (result == 0) {
        put_end(events, call, &event);
    }
    if (result == 0 && call->function == VDI_FN_GET_CONFIGURATION) {
        emit_configuration(events, call);
    }
    end_life(events, call, result);
    if (call->function == VDI_FN_CLOSE && result != VD_E_PROTOCOL) {
        process->open = false;
    } else if (call->function == VDI_FN_DESTROY) {
        *process = (struct call_events_process){.operation = -1};
        forget(&events->blocks, call->process);
        forget(&events->buffers, call->process);
    }
    emit(events, &event, "");
}

/* --- the server --- */

static struct event server_event(const struct call_events *events, enum event_kind kind)
{
    return (struct event){.kind = (uint8_t)kind,
                          .side = EVENT_SIDE_SERVER,
                          .device = -1,
                          .operation = -1,
                          .process = events->statement.process,
                          .thread = events->statement.thread,
                          .arg = {events->statement.number}};
}

void call_events_attach(struct call_events *events, uint32_t process_number, uint32_t thread_number,
                        const char *name, uint32_t devices, bool restores)
{
    events->statement.number++;
    events->statement.operation = find_operation(events, name);
    events->statement.process = process_number;
    events->statement.thread = thread_number;
    events->statement.bytes = 0;
    events->statement.failed = false;
    struct event event = server_event(events, EVENT_STATEMENT_BEGIN);
    event.arg[1] = PROCESS_SQL;
    emit(events, &event, "the server of a scenario");
    event = server_event(events, EVENT_STATEMENT_OPEN);
    event.operation = events->statement.operation;
    event.arg[1] = devices;
    event.arg[2] = restores ? 2 : 1;
    emit(events, &event, "generated data");
}

void call_events_leave(struct call_events *events, bool aborted, bool complete)
{
    struct event event = server_event(events, EVENT_STATEMENT_END);
    bool succeeded = complete && !events->statement.failed;
    event.operation = events->statement.operation;
    event.arg[1] = aborted ? STATEMENT_ABORTED : succeeded ? STATEMENT_SUCCESS : STATEMENT_FAILED;
    event.arg[2] = (int64_t)events->statement.bytes;
    emit(events, &event, "");
}

/* As a supervisor tells of those that it kills: it is no mistake of theirs. */
void call_events_killed(struct call_events *events, uint32_t process_number, enum process_role role)
{
    struct event event = {.kind = EVENT_PROCESS_EXIT,
                          .side = EVENT_SIDE_SUPERVISOR,
                          .device = -1,
                          .operation = -1,
                          .process = process_number,
                          .arg = {-1, SIGKILL, role, 1}};
    emit(events, &event, "");
}

void call_events_start(struct call_events *events, const struct event_sink *sink)
{
    *events = (struct call_events){.sink = *sink};
}
