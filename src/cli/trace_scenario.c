/* trace_scenario.c - see trace_scenario.h. */
#include "trace_scenario.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "trace.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    PENDING_MAX = 64, /* calls under way */
    LINES_A_CALL = 8  /* that one call may need, but for those of the configuration */
};

struct held {
    uint64_t call; /* the GetCommand that fetched it */
    uint32_t buffer;
};

struct device {
    bool closed; /* by the server */
    uint32_t held_count;
    struct held held[SCENARIO_HELD_MAX];
};

struct maker {
    struct scenario *scenario;
    char *error;
    size_t size;
    bool full;
    uint32_t calls, left_out;
    uint32_t process;
    uint64_t set;
    bool opened, configured, aborted;
    uint32_t server_devices; /* opened by the server */
    struct device devices[SCENARIO_DEVICES_MAX];
    char names[SCENARIO_DEVICES_MAX][EVENT_TEXT_MAX + 1];
    uint32_t buffer_count;
    bool busy[SCENARIO_BUFFERS_MAX + 1]; /* from 1 */
    int64_t handles[SCENARIO_HANDLES_MAX];
    uint32_t handle_count;
    uint32_t threads[SCENARIO_THREADS_MAX];
    uint32_t thread_count;
    struct pending {
        struct event begin;
        char text[EVENT_TEXT_MAX + 1];
    } pending[PENDING_MAX];
    uint32_t pending_count;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct maker *maker, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(maker->error, maker->size, format, arguments);
    va_end(arguments);
    return EINVAL;
}

/* ---- lines ---- */

static struct scenario_line *add(struct maker *maker, enum scenario_verb verb, uint8_t who)
{
    struct scenario_line *line = &maker->scenario->lines[maker->scenario->line_count++];
    *line = (struct scenario_line){.verb = (uint8_t)verb, .who = who};
    return line;
}

static struct scenario_line *serve(struct maker *maker, enum scenario_verb verb)
{
    return add(maker, verb, scenario_actor(SCENARIO_SERVER, 0));
}

/* Threads beyond the last one are the last one: calls come one after another anyway. */
static uint8_t actor_of(struct maker *maker, const struct event *event)
{
    uint32_t i = 0;
    while (i < maker->thread_count && maker->threads[i] != event->thread) {
        i++;
    }
    if (i == maker->thread_count && i < SCENARIO_THREADS_MAX) {
        maker->threads[maker->thread_count++] = event->thread;
    }
    return scenario_actor(SCENARIO_CLIENT, i < SCENARIO_THREADS_MAX ? i : SCENARIO_THREADS_MAX - 1);
}

/* ---- the server ---- */

static void open_set(struct maker *maker)
{
    if (!maker->opened) {
        serve(maker, SCENARIO_SERVER_OPEN);
        maker->opened = true;
    }
}

/* As GetConfiguration told the client. */
static void configure(struct maker *maker, const struct event *end)
{
    if (maker->configured) {
        return;
    }
    open_set(maker);
    struct scenario_line *line = serve(maker, SCENARIO_SERVER_BEGIN_CONFIGURATION);
    line->arg[0] = (int32_t)end->arg[0];
    line->arg[1] = (int32_t)end->arg[1];
    line->wide[0] = end->arg[2];
    for (int32_t i = 0; i < maker->scenario->device_count; i++) {
        line = serve(maker, SCENARIO_SERVER_NAME_DEVICE);
        line->arg[0] = line->arg[1] = i;
    }
    line = serve(maker, SCENARIO_SERVER_REQUEST_BUFFERS);
    line->arg[0] = (int32_t)end->arg[2];
    line->arg[2] = SCENARIO_BUFFERS_MAX;
    serve(maker, SCENARIO_SERVER_END_CONFIGURATION);
    maker->configured = true;
}

static void open_devices(struct maker *maker, uint32_t index)
{
    for (; maker->server_devices <= index; maker->server_devices++) {
        serve(maker, SCENARIO_SERVER_OPEN_DEVICE);
    }
}

/* A buffer that no command has; 0: there is none. */
static uint32_t take_buffer(struct maker *maker, int32_t size)
{
    uint32_t i = 1;
    while (i <= maker->buffer_count && maker->busy[i]) {
        i++;
    }
    if (i > SCENARIO_BUFFERS_MAX) {
        return 0;
    }
    if (i > maker->buffer_count) {
        serve(maker, SCENARIO_SERVER_ALLOCATE_BUFFER)->arg[0] = size;
        maker->buffer_count = i;
    }
    maker->busy[i] = true;
    return i;
}

static int send_command(struct maker *maker, uint32_t index, const struct event *end)
{
    struct device *device = &maker->devices[index];
    bool data = end->arg[1] == VDC_Read || end->arg[1] == VDC_Write;
    struct held held = {.call = end->call};
    open_devices(maker, index);
    if (data) {
        const struct scenario_line *lines = maker->scenario->lines;
        int32_t most = 0;
        for (uint32_t i = 0; i < maker->scenario->line_count; i++) {
            most = lines[i].verb == SCENARIO_SERVER_REQUEST_BUFFERS ? lines[i].arg[0] : most;
        }
        held.buffer = take_buffer(maker, most);
    }
    if (device->held_count == SCENARIO_HELD_MAX || (data && held.buffer == 0)) {
        return refuse(maker, "event %llu: more commands in hand than a scenario has buffers for",
                      (unsigned long long)end->sequence);
    }
    device->held[device->held_count++] = held;
    struct scenario_line *line = serve(maker, SCENARIO_SERVER_SEND_COMMAND);
    line->arg[0] = (int32_t)index;
    line->arg[1] = (int32_t)end->arg[1];
    line->arg[2] = (int32_t)held.buffer;
    line->wide[0] = end->arg[2];
    line->wide[1] = end->arg[3];
    return 0;
}

/* What has to be so that the call gives this result. */
static int prepare(struct maker *maker, const struct event *begin, const struct event *end)
{
    uint32_t index = end->device >= 0 ? (uint32_t)end->device : SCENARIO_DEVICES_MAX;
    if (end->result == VD_E_ABORT && !maker->aborted) {
        open_set(maker);
        serve(maker, SCENARIO_SERVER_SIGNAL_ABORT);
        maker->aborted = true;
    } else if (begin->function == VDI_FN_GET_CONFIGURATION && end->result == 0) {
        configure(maker, end);
    } else if (begin->function == VDI_FN_GET_COMMAND && end->result == 0 && index < SCENARIO_DEVICES_MAX) {
        return send_command(maker, index, end);
    } else if (begin->function == VDI_FN_GET_COMMAND && end->result == VD_E_CLOSE &&
               index < SCENARIO_DEVICES_MAX && !maker->devices[index].closed) {
        open_devices(maker, index);
        serve(maker, SCENARIO_SERVER_CLOSE_DEVICE)->arg[0] = (int32_t)index;
        maker->devices[index].closed = true;
    }
    return 0;
}

/* ---- the client ---- */

/* Which of the commands in hand was fetched by this call; one that is not: SCENARIO_HELD_MAX. */
static uint32_t held_index(const struct device *device, int64_t call)
{
    for (uint32_t i = 0; i < device->held_count; i++) {
        if (device->held[i].call == (uint64_t)call) {
            return i;
        }
    }
    return SCENARIO_HELD_MAX;
}

static void give_back(struct maker *maker, struct device *device, uint32_t index)
{
    if (index < device->held_count) {
        maker->busy[device->held[index].buffer] = false;
        device->held_count--;
        memmove(device->held + index, device->held + index + 1,
                (device->held_count - index) * sizeof device->held[0]);
        serve(maker, SCENARIO_SERVER_RUN_COMPLETIONS);
    }
}

static int32_t name_index(const struct maker *maker, const char *name)
{
    for (int32_t i = 0; i < SCENARIO_DEVICES_MAX; i++) {
        if (strcmp(maker->names[i], name) == 0) {
            return i;
        }
    }
    return SCENARIO_DEVICES_MAX;
}

static enum scenario_verb verb_of(uint16_t function)
{
    static const enum scenario_verb verbs[VDI_FN_COUNT] = {
        [VDI_FN_CREATE] = SCENARIO_CLIENT_CREATE,
        [VDI_FN_GET_CONFIGURATION] = SCENARIO_CLIENT_GET_CONFIGURATION,
        [VDI_FN_OPEN_DEVICE] = SCENARIO_CLIENT_OPEN_DEVICE,
        [VDI_FN_GET_COMMAND] = SCENARIO_CLIENT_GET_COMMAND,
        [VDI_FN_COMPLETE_COMMAND] = SCENARIO_CLIENT_COMPLETE_COMMAND,
        [VDI_FN_SIGNAL_ABORT] = SCENARIO_CLIENT_SIGNAL_ABORT,
        [VDI_FN_CLOSE] = SCENARIO_CLIENT_CLOSE,
        [VDI_FN_OPEN_IN_SECONDARY] = SCENARIO_CLIENT_OPEN_IN_SECONDARY,
        [VDI_FN_GET_BUFFER_HANDLE] = SCENARIO_CLIENT_GET_BUFFER_HANDLE,
        [VDI_FN_MAP_BUFFER_HANDLE] = SCENARIO_CLIENT_MAP_BUFFER_HANDLE,
        [VDI_FN_REGISTER_DEVICE_CLOSED] = SCENARIO_CLIENT_REGISTER_DEVICE_CLOSED,
        [VDI_FN_DESTROY] = SCENARIO_CLIENT_DESTROY,
    };
    return verbs[function];
}

/* The line's arguments, by function. */
static void fill(struct maker *maker, struct scenario_line *line, const struct pending *pending,
                 const struct event *end)
{
    const struct event *begin = &pending->begin;
    const struct device *device = &maker->devices[end->device >= 0 ? end->device : 0];
    switch (begin->function) {
    case VDI_FN_CREATE:
        line->arg[1] = (int32_t)begin->arg[1];
        line->arg[2] = (int32_t)begin->arg[3];
        line->wide[0] = begin->arg[2];
        break;
    case VDI_FN_GET_CONFIGURATION:
        line->wide[0] = begin->arg[0];
        break;
    case VDI_FN_OPEN_DEVICE:
        if (end->result == 0 && end->device >= 0) {
            memcpy(maker->names[end->device], pending->text, sizeof pending->text);
        }
        line->arg[0] = name_index(maker, pending->text);
        break;
    case VDI_FN_GET_COMMAND:
        line->arg[0] = end->device;
        line->wide[0] = begin->arg[0];
        break;
    case VDI_FN_COMPLETE_COMMAND:
        line->arg[0] = end->device;
        line->arg[1] = (int32_t)begin->arg[1];
        line->arg[2] = (int32_t)held_index(device, begin->arg[4]);
        line->wide[0] = begin->arg[2];
        line->wide[1] = begin->arg[3];
        break;
    default:
        break;
    }
}

/* What is different afterwards. */
static void follow(struct maker *maker, const struct scenario_line *line, const struct event *begin,
                   const struct event *end)
{
    if (begin->function == VDI_FN_COMPLETE_COMMAND && end->result == 0) {
        give_back(maker, &maker->devices[end->device], (uint32_t)line->arg[2]);
    } else if (begin->function == VDI_FN_SIGNAL_ABORT && end->result == 0) {
        maker->aborted = true;
    } else if (begin->function == VDI_FN_CLOSE && maker->opened) {
        serve(maker, SCENARIO_SERVER_CLOSE);
        maker->opened = maker->configured = maker->aborted = false;
        maker->server_devices = maker->buffer_count = 0;
        memset(maker->devices, 0, sizeof maker->devices);
        memset(maker->busy, 0, sizeof maker->busy);
    }
}

static int add_call(struct maker *maker, const struct pending *pending, const struct event *end)
{
    const struct event *begin = &pending->begin;
    uint32_t room = SCENARIO_LINES_MAX - maker->scenario->line_count;
    maker->calls++;
    if (maker->full || room < (uint32_t)maker->scenario->device_count + 2 * LINES_A_CALL) {
        maker->full = true;
        maker->left_out++;
        return 0;
    }
    if (begin->function == VDI_FN_CREATE) {
        if (begin->arg[0] < 1 || begin->arg[0] > SCENARIO_DEVICES_MAX) {
            return refuse(maker, "event %llu: Create asks for %lld devices; a scenario's lines know %d",
                          (unsigned long long)begin->sequence, (long long)begin->arg[0],
                          SCENARIO_DEVICES_MAX);
        }
        maker->scenario->device_count = (uint8_t)begin->arg[0];
    }
    if (end->device >= SCENARIO_DEVICES_MAX) {
        return refuse(maker, "event %llu: device %d; a scenario's lines know %d",
                      (unsigned long long)end->sequence, end->device, SCENARIO_DEVICES_MAX);
    }
    int error = prepare(maker, begin, end);
    struct scenario_line *line = add(maker, verb_of(begin->function), actor_of(maker, begin));
    fill(maker, line, pending, end);
    if ((end->flags & EVENT_FLAG_FAULTED) == 0) {
        (void)scenario_expect(line, end->result);
    }
    scenario_line_settle(line);
    follow(maker, line, begin, end);
    return error;
}

/* ---- events ---- */

static int begin_call(struct maker *maker, const struct event *event, const char *text)
{
    if (maker->process != 0 && maker->process != event->process) {
        return refuse(maker, "processes %u and %u make calls: expected one client process",
                      (unsigned)maker->process, (unsigned)event->process);
    }
    if (maker->set != 0 && event->set != 0 && maker->set != event->set && maker->opened) {
        return refuse(maker,
                      "event %llu: calls on a second set while the first is in use: expected one at a time",
                      (unsigned long long)event->sequence);
    }
    if (event->function == VDI_FN_GET_BUFFER_HANDLE || event->function == VDI_FN_MAP_BUFFER_HANDLE) {
        return refuse(maker, "event %llu: buffer handles are not told by a trace",
                      (unsigned long long)event->sequence);
    }
    maker->process = event->process;
    maker->set = event->set != 0 ? event->set : maker->set;
    if (maker->pending_count == PENDING_MAX) {
        return refuse(maker, "more than %d calls are under way at once", PENDING_MAX);
    }
    struct pending *pending = &maker->pending[maker->pending_count++];
    pending->begin = *event;
    snprintf(pending->text, sizeof pending->text, "%s", text);
    return 0;
}

static int end_call(struct maker *maker, const struct event *event)
{
    for (uint32_t i = 0; i < maker->pending_count; i++) {
        struct pending *pending = &maker->pending[i];
        if (pending->begin.sequence == event->call) {
            int error = add_call(maker, pending, event);
            *pending = maker->pending[--maker->pending_count];
            return error;
        }
    }
    return 0; /* its begin was lost */
}

static int read_events(struct maker *maker, struct trace_reader *reader)
{
    struct event event;
    const char *text;
    enum trace_result result;
    int error = 0;
    while (error == 0 && (result = trace_read_event(reader, &event, &text)) == TRACE_EVENT) {
        bool call =
            event.side == EVENT_SIDE_CLIENT && event.function < VDI_FN_COUNT && event.function != VDI_FN_NONE;
        if (call && event.kind == EVENT_CALL_BEGIN) {
            error = begin_call(maker, &event, text);
        } else if (call && event.kind == EVENT_CALL_END) {
            error = end_call(maker, &event);
        }
    }
    return error != 0 ? error : result == TRACE_BAD ? refuse(maker, "%s", trace_error(reader)) : 0;
}

/* The readings of the documents that the run's library had. */
static uint32_t dialects_of(const struct trace_reader *reader)
{
    const char *text = trace_string(reader, "dialect", 0);
    uint32_t dialects = 0;
    for (int i = MODEL_NO_DIALECT + 1; text != NULL && i < MODEL_DIALECT_UNOFFERED; i++) {
        const char *word = model_dialect_word((enum model_dialect)i);
        dialects |= strstr(text, word) != NULL ? UINT32_C(1) << i : 0;
    }
    return dialects;
}

int trace_scenario(FILE *in, struct scenario *scenario, uint32_t *calls, uint32_t *left_out, char *error,
                   size_t size)
{
    struct trace_reader *reader = NULL;
    struct maker *maker = calloc(1, sizeof *maker);
    int status = maker != NULL ? trace_read_start(in, &reader) : ENOMEM;
    if (status != 0) {
        snprintf(error, size, "%s", reader != NULL ? trace_error(reader) : strerror(status));
        goto out;
    }
    scenario_init(scenario);
    scenario->dialects = dialects_of(reader);
    maker->scenario = scenario;
    maker->error = error;
    maker->size = size;
    status = read_events(maker, reader);
    *calls = maker->calls;
    *left_out = maker->left_out;
out:
    trace_read_end(reader);
    free(maker);
    return status;
}
