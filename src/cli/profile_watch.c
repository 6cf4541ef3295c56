/* profile_watch.c - reads the calls of a recorded client: see profile_watch.h. */
#include "profile_watch.h"

#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    NS_PER_MS = 1000000,
    LIMIT_MS = 2, /* waited so long for one more command: the server had no other to give */
    MS_OF_A_SECOND = 1000,
};

static void *grow(struct profile_watch *watch, void *list, size_t count, size_t size)
{
    void *larger = realloc(list, (count + 1) * size);
    watch->out_of_memory = watch->out_of_memory || larger == NULL;
    return larger;
}

static struct seen_operation *find_operation(struct profile_watch *watch, int32_t id)
{
    for (size_t i = 0; i < watch->operation_count; i++) {
        if (watch->operations[i]->id == id) {
            return watch->operations[i];
        }
    }
    struct seen_operation **list =
        id < 0 ? NULL
               : grow(watch, watch->operations, watch->operation_count, sizeof(struct seen_operation *));
    if (list == NULL) {
        return NULL;
    }
    watch->operations = list;
    struct seen_operation *operation = calloc(1, sizeof *operation);
    if (operation == NULL) {
        watch->out_of_memory = true;
        return NULL;
    }
    operation->id = id;
    list[watch->operation_count++] = operation;
    return operation;
}

static struct seen_device *find_device(struct seen_operation *operation, int16_t device)
{
    return device >= 0 && device < PROFILE_DEVICES_MAX ? &operation->devices[device] : NULL;
}

static void note_point(struct profile_watch *watch, enum profile_point point, bool other)
{
    if ((watch->recorded >> point & 1) == 0) {
        watch->recorded |= 1u << point;
        watch->other |= (uint32_t)other << point;
    }
}

static int64_t milliseconds(uint64_t from, uint64_t to)
{
    return to > from ? (int64_t)((to - from) / NS_PER_MS) : 0;
}

/* ---- commands ---- */

static void add_step(struct profile_watch *watch, struct seen_device *device, struct seen_step step)
{
    if (device->count == device->room) {
        size_t room = device->room == 0 ? 64 : device->room * 2;
        struct seen_step *steps = realloc(device->steps, room * sizeof *steps);
        if (steps == NULL) {
            watch->out_of_memory = true;
            return;
        }
        device->steps = steps;
        device->room = room;
    }
    device->steps[device->count++] = step;
}

static void note_buffer(struct profile_watch *watch, struct seen_operation *operation, uint32_t process,
                        uint64_t buffer)
{
    for (size_t i = 0; i < operation->buffer_count; i++) {
        if (operation->buffers[i] == buffer && operation->owners[i] == process) {
            return;
        }
    }
    if (operation->buffer_count >= PROFILE_BUFFERS_MAX) {
        return;
    }
    uint64_t *buffers = grow(watch, operation->buffers, operation->buffer_count, sizeof *buffers);
    operation->buffers = buffers != NULL ? buffers : operation->buffers;
    uint32_t *owners = grow(watch, operation->owners, operation->buffer_count, sizeof *owners);
    operation->owners = owners != NULL ? owners : operation->owners;
    if (buffers != NULL && owners != NULL) {
        buffers[operation->buffer_count] = buffer;
        owners[operation->buffer_count++] = process;
    }
}

static void note_end(struct seen_device *device, int32_t code)
{
    const char *name = vdi_command_name(code);
    size_t used = strlen(device->ends);
    if (name != NULL && used + strlen(name) + 2 < sizeof device->ends) {
        snprintf(device->ends + used, sizeof device->ends - used, "%s%s", used > 0 ? " " : "", name);
    }
}

static void take_command(struct profile_watch *watch, struct seen_operation *operation,
                         struct seen_device *device, const struct event *end)
{
    int32_t code = (int32_t)end->arg[1];
    bool transfer = code == VDC_Write || code == VDC_Read;
    if (transfer && end->arg[2] > 0 && end->arg[2] <= PROFILE_SIZE_MAX) {
        add_step(watch, device, (struct seen_step){PROFILE_TRANSFERS, (uint32_t)end->arg[2], end->arg[3]});
        note_buffer(watch, operation, end->process, (uint64_t)end->arg[4]);
        operation->writes += code == VDC_Write;
        operation->reads += code == VDC_Read;
        device->ends[0] = '\0';
    } else if (code == VDC_Flush) {
        add_step(watch, device, (struct seen_step){.what = PROFILE_FLUSH});
    }
    if (!transfer) {
        note_end(device, code);
    }
    if (code == VDC_Complete) {
        operation->complete_sent = true;
        note_point(watch, PROFILE_COMPLETE_SENT, false);
    }
    device->cleared = device->cleared || code == VDC_ClearError;
    if (device->short_read && code == VDC_Read) {
        note_point(watch, PROFILE_SHORT_READ, false); /* and the set went on */
    }
    device->short_read = false;
    device->held_code = vdi_command_name(code) != NULL && code < VDC_CODES ? code : 0;
    device->of_code[device->held_code]++;
}

/* A GetCommand began with so many commands in hand, and waited for one more. */
static void note_in_hand(struct profile_watch *watch, struct seen_device *device, int32_t before, bool waited)
{
    bool was_limit = waited && before > 0 && before >= device->most;
    device->in_hand++;
    if (device->in_hand > device->most) {
        device->most = device->in_hand;
        device->limit = false;
    } else if (was_limit) {
        device->limit = true;
    }
    if (device->in_hand > 1) {
        note_point(watch, PROFILE_SEVERAL_COMMANDS, false);
    }
}

static void take_closed(struct profile_watch *watch, struct seen_operation *operation,
                        struct seen_device *device, const struct event *begin, const struct event *end)
{
    if (device->closed) {
        if (operation->closed < operation->opened) {
            note_point(watch, PROFILE_GET_AFTER_CLOSE, false);
        }
        return;
    }
    device->closed = true;
    operation->closed++;
    device->close_ms = milliseconds(device->last_ns != 0 ? device->last_ns : begin->time_ns, end->time_ns);
}

/* A wait that ended by its own limit tells the limit's unit. */
static void take_timeout(struct profile_watch *watch, struct seen_device *device, const struct event *begin,
                         const struct event *end)
{
    int64_t limit = begin->arg[0];
    int64_t waited = milliseconds(begin->time_ns, end->time_ns);
    if ((end->flags & EVENT_FLAG_SHORTENED) != 0 || limit <= 0) {
        return;
    }
    if (waited >= limit * MS_OF_A_SECOND * 9 / 10) {
        note_point(watch, PROFILE_TIMEOUT_UNIT, true);
    } else if (waited >= limit * 9 / 10) {
        note_point(watch, PROFILE_TIMEOUT_UNIT, false);
    }
    if (device != NULL && device->in_hand > 0 && device->in_hand == device->most && waited >= LIMIT_MS) {
        device->limit = true;
    }
}

static void take_get_command(struct profile_watch *watch, struct seen_operation *operation,
                             const struct open_call *call, const struct event *end)
{
    const struct event *begin = &call->begin;
    struct seen_device *device = find_device(operation, end->device);
    if (device == NULL) {
        return;
    }
    if (end->result == VD_E_CLOSE) {
        take_closed(watch, operation, device, begin, end);
    } else if (end->result == VD_E_TIMEOUT) {
        take_timeout(watch, device, begin, end);
    } else if (end->result == VD_E_PROTOCOL && device->closed && operation->closed < operation->opened) {
        note_point(watch, PROFILE_GET_AFTER_CLOSE, true);
    }
    if (end->result != 0) {
        return;
    }
    int64_t waited = milliseconds(begin->time_ns, end->time_ns);
    int64_t silent =
        milliseconds(device->last_ns > begin->time_ns ? device->last_ns : begin->time_ns, end->time_ns);
    if (device->in_hand == 0 && silent >= PROFILE_MAKE_SILENCE_MS) {
        uint32_t value = silent < PROFILE_MS_MAX ? (uint32_t)silent : PROFILE_MS_MAX;
        add_step(watch, device, (struct seen_step){.what = PROFILE_PAUSE, .value = value});
    }
    device->first = device->first == 0 ? end->sequence : device->first;
    device->commands++;
    note_in_hand(watch, device, call->in_hand, waited >= LIMIT_MS);
    take_command(watch, operation, device, end);
}

static void take_completion(struct seen_operation *operation, const struct event *begin)
{
    struct seen_device *device = find_device(operation, begin->device);
    if (device == NULL) {
        return;
    }
    device->in_hand -= device->in_hand > 0;
    device->refused = device->refused || (int32_t)begin->arg[1] == ERROR_IO_DEVICE ||
                      (int32_t)begin->arg[1] == ERROR_DISK_FULL;
    bool read = begin->arg[5] == VDC_Read && begin->arg[1] == ERROR_SUCCESS;
    struct seen_step *last = device->count > 0 ? &device->steps[device->count - 1] : NULL;
    device->short_read = read && last != NULL && last->what == PROFILE_TRANSFERS && device->in_hand == 0 &&
                         begin->arg[2] > 0 && (uint64_t)begin->arg[2] < last->value;
}

/* ---- the set's own calls ---- */

static void take_close(struct profile_watch *watch, struct seen_operation *operation, const struct event *end)
{
    bool open = operation->closed < operation->opened;
    if (open && operation->abort_ns == 0 && !operation->client_ended) {
        if (end->result == VD_E_OPEN || end->result == 0) {
            note_point(watch, PROFILE_CLOSE_OPEN, end->result == 0);
        }
        operation->client_ended = true;
    }
}

static void take_open(struct profile_watch *watch, struct seen_operation *operation, const struct event *end)
{
    struct seen_device *device = find_device(operation, end->device);
    if (end->result == 0 && device != NULL && !device->opened) {
        device->opened = true;
        device->last_ns = end->time_ns;
        operation->opened++;
        operation->device_count = operation->device_count > (uint32_t)end->device ? operation->device_count
                                                                                  : (uint32_t)end->device + 1;
    } else if (operation->opened > 0 && operation->abort_ns == 0 &&
               (end->result == VD_E_OPEN || end->result == VD_E_INVALID)) {
        note_point(watch, PROFILE_OPEN_ACTIVE, false);
    } else if (operation->opened > 0 && operation->opened == operation->configured &&
               operation->abort_ns == 0 && end->result == VD_E_PROTOCOL) {
        note_point(watch, PROFILE_OPEN_ACTIVE, true);
    }
}

static void take_configuration(struct profile_watch *watch, struct seen_operation *operation,
                               const struct event *begin, const struct event *end)
{
    if (operation->abort_ns != 0 && (end->result == 0 || end->result == VD_E_ABORT)) {
        note_point(watch, PROFILE_GETCFG_ABORTED, end->result == 0);
    } else if (end->result == 0) {
        operation->configured = (uint32_t)end->arg[3];
        operation->block_size = (uint32_t)end->arg[1];
        operation->max_transfer = (uint32_t)end->arg[2];
        operation->complete_enabled = (end->arg[0] & VDF_CompleteEnabled) != 0;
        operation->complete_asked = operation->complete_asked || (end->arg[0] & VDF_RequestComplete) != 0;
    } else if (end->result == VD_E_TIMEOUT) {
        take_timeout(watch, NULL, begin, end);
    }
}

static void take_abort(struct seen_operation *operation, const struct event *end)
{
    struct seen_device *device = find_device(operation, end->device);
    bool known = false;
    for (uint32_t i = 0; i < operation->abort_count; i++) {
        known = known || operation->aborts[i].device == end->device;
    }
    operation->abort_ns = operation->abort_ns == 0 ? end->time_ns : operation->abort_ns;
    if (known || operation->abort_count == PROFILE_MAKE_CALLS_MAX) {
        return;
    }
    bool held = device != NULL && (device->in_hand > 0 || end->function == VDI_FN_COMPLETE_COMMAND);
    uint64_t nth = end->function == VDI_FN_GET_CONFIGURATION ? 1
                   : end->function == VDI_FN_OPEN_DEVICE     ? operation->opened + 1
                   : held && device->held_code < VDC_CODES   ? device->of_code[device->held_code]
                   : device != NULL                          ? device->asked
                                                             : 0;
    operation->aborts[operation->abort_count++] = (struct profile_aborted){
        .device = end->device,
        .function = end->function,
        .commands = device != NULL ? device->commands : 0,
        .in_hand = held ? device->held_code : 0,
        .nth = nth,
        .after_ms = milliseconds(operation->abort_ns, end->time_ns),
    };
}

/* ---- events ---- */

static struct open_call *call_of(struct profile_watch *watch, const struct event *event)
{
    for (size_t i = 0; i < watch->call_count; i++) {
        if (watch->calls[i].process == event->process && watch->calls[i].thread == event->thread) {
            return &watch->calls[i];
        }
    }
    struct open_call *calls = grow(watch, watch->calls, watch->call_count, sizeof *calls);
    if (calls == NULL) {
        return NULL;
    }
    watch->calls = calls;
    calls[watch->call_count] = (struct open_call){.process = event->process, .thread = event->thread};
    return &calls[watch->call_count++];
}

static void take_begin(struct profile_watch *watch, const struct event *event)
{
    struct seen_operation *operation = find_operation(watch, event->operation);
    struct seen_device *device = operation != NULL ? find_device(operation, event->device) : NULL;
    struct open_call *call = call_of(watch, event);
    if (call != NULL) {
        call->begin = *event;
        call->in_hand = device != NULL ? device->in_hand : 0;
    }
    if (device != NULL && event->function == VDI_FN_GET_COMMAND) {
        device->asked++;
    }
    if (operation != NULL && event->function == VDI_FN_COMPLETE_COMMAND) {
        take_completion(operation, event);
    } else if (operation != NULL && event->function == VDI_FN_SIGNAL_ABORT && operation->abort_ns == 0) {
        operation->client_ended = true;
    }
}

static void take_end(struct profile_watch *watch, const struct event *event)
{
    struct seen_operation *operation = find_operation(watch, event->operation);
    struct open_call *call = call_of(watch, event);
    if (operation == NULL || call == NULL || call->begin.sequence != event->call ||
        event->function >= VDI_FN_COUNT) {
        return;
    }
    struct seen_device *device = find_device(operation, event->device);
    switch (event->function) {
    case VDI_FN_GET_COMMAND:
        take_get_command(watch, operation, call, event);
        break;
    case VDI_FN_COMPLETE_COMMAND:
        if (device != NULL) {
            device->last_ns = event->time_ns;
        }
        break;
    case VDI_FN_OPEN_DEVICE:
        take_open(watch, operation, event);
        break;
    case VDI_FN_GET_CONFIGURATION:
        take_configuration(watch, operation, &call->begin, event);
        break;
    case VDI_FN_CLOSE:
        take_close(watch, operation, event);
        break;
    default:
        break;
    }
    if (event->result == VD_E_ABORT) {
        take_abort(operation, event);
    }
}

/* What a fault gave is not the library's, nor what it called the client's. */
void profile_watch_take(struct profile_watch *watch, const struct event *event)
{
    if (event->side != EVENT_SIDE_CLIENT ||
        (event->flags & (EVENT_FLAG_FAULTED | EVENT_FLAG_BY_FAULT)) != 0) {
        return;
    }
    if (event->kind == EVENT_CALL_BEGIN) {
        take_begin(watch, event);
    } else if (event->kind == EVENT_CALL_END) {
        take_end(watch, event);
    }
}

void profile_watch_free(struct profile_watch *watch)
{
    for (size_t i = 0; i < watch->operation_count; i++) {
        struct seen_operation *operation = watch->operations[i];
        for (uint32_t d = 0; d < PROFILE_DEVICES_MAX; d++) {
            free(operation->devices[d].steps);
        }
        free(operation->buffers);
        free(operation->owners);
        free(operation);
    }
    free(watch->operations);
    free(watch->calls);
}
