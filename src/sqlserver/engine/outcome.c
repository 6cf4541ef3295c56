/* outcome.c - what a statement tells: its messages to the session and its events; see engine_state.h. */
#include <stdarg.h>
#include <stdio.h>

#include "engine_state.h"

enum {
    MESSAGE_MAX = 2048,
    NS_PER_MS = 1000000
};

/* --- messages --- */

void engine_say(struct engine *engine, int32_t number, int32_t severity, int32_t state, const char *format,
                ...)
{
    char text[MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (engine->options.report != NULL) {
        struct sql_message message = {.number = number, .severity = severity, .state = state, .text = text};
        engine->options.report(engine->options.report_context, &message);
    }
}

void engine_fail_io(struct engine *engine, const struct engine_device *device, const char *where,
                    const char *what, int32_t code)
{
    /* What fails because the set is aborted is the abort's story, told when the next step sees it. */
    if (engine->failed || server_set_abort_reason(engine->set) != SERVER_ABORT_NONE) {
        return;
    }
    char text[OS_ERROR_TEXT_MAX];
    messages_os_error(code, text, sizeof text);
    engine_say(engine, SQL_IO_FAILURE, where, what, device->name, text);
    if (engine->request.operation == ENGINE_BACKUP) {
        engine_say(engine, SQL_WRITE_FAILED, device->name, text);
    } else {
        engine_say(engine, SQL_READ_FAILED, device->name, text);
    }
    engine_fail(engine);
}

void engine_progress(struct engine *engine, uint64_t bytes)
{
    engine->moved += bytes;
    uint32_t step = engine->request.stats;
    while (step != 0 && !engine->failed && engine->total != 0 && engine->next_percent <= 100 &&
           engine->moved * 100 >= engine->total * engine->next_percent) {
        engine_say(engine, SQL_PERCENT, engine->next_percent);
        engine->next_percent += step;
    }
}

void engine_say_success(struct engine *engine)
{
    uint64_t pages = (engine->database_size + ENGINE_PAGE - 1) / ENGINE_PAGE;
    uint64_t ms = (uint64_t)(os_now() - engine->started) / NS_PER_MS;
    uint64_t speed = pages * ENGINE_PAGE * 1000 / (1 << 20) * 1000 / (ms == 0 ? 1 : ms); /* 1/1000 MB/s */
    uint32_t set = engine->request.operation == ENGINE_BACKUP ? engine->devices[0].media.sets_before + 1
                                                              : engine->request.file;
    engine_say(engine, SQL_PROCESSED, (unsigned long long)pages, engine->request.database, engine->file_name,
               set > 1 ? set : 1);
    engine_say(engine, SQL_SUCCESS, engine->statement, (unsigned long long)pages, (int)(ms / 1000),
               (int)(ms % 1000), (int)(speed / 1000), (int)(speed % 1000));
}

/* What was under way when the set was aborted: the place the message names. */
static const struct engine_slot *find_interrupted(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        for (uint32_t j = 0; j < SERVER_COMMANDS_PER_DEVICE; j++) {
            const struct engine_slot *slot = &engine->devices[i].slots[j];
            if (slot->busy && !slot->extra) {
                return slot;
            }
        }
    }
    return NULL;
}

void engine_say_abort(struct engine *engine, enum server_abort_reason reason)
{
    if (engine->failed) {
        return; /* the statement has its reason already */
    }
    engine->failed = true;
    if (reason == SERVER_ABORT_SERVER) {
        if (!fault_peers_say_abort(engine)) {
            engine_say(engine, SQL_ABORTED);
        }
        return;
    }
    const struct engine_slot *slot = find_interrupted(engine);
    const char *name = slot != NULL ? slot->device->name : engine->devices[0].name;
    if (reason == SERVER_ABORT_TIMEOUT) {
        engine_say(engine, SQL_TIMED_OUT, name);
        return;
    }
    const char *where = "BackupMedium::ReportIoError";
    const char *what = engine->request.operation == ENGINE_BACKUP ? "write" : "read";
    if (slot != NULL && slot->command.commandCode == VDC_Flush) {
        where = "BackupVirtualDeviceFile::RequestDurableMedia";
        what = "Flush";
    }
    char text[OS_ERROR_TEXT_MAX];
    engine_say(engine, SQL_IO_FAILURE, where, what, name,
               messages_os_error(ERROR_OPERATION_ABORTED, text, sizeof text));
}

/* --- events --- */

static struct event event_of(const struct engine *engine, enum event_kind kind, int16_t device)
{
    return (struct event){.kind = (uint8_t)kind,
                          .side = EVENT_SIDE_SERVER,
                          .operation = engine->operation,
                          .device = device,
                          .arg = {engine->request.statement}};
}

void engine_record_end(struct engine *engine, enum statement_outcome outcome)
{
    uint64_t digests[SERVER_DEVICES_MAX];
    uint64_t bytes = 0;
    for (uint32_t i = 0; engine->opened && i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        digests[i] = XXH64_digest(&device->hash);
        bytes += device->bytes;
        struct event event = event_of(engine, EVENT_STREAM, device->event_device);
        event.arg[1] = (int64_t)device->bytes;
        event.arg[2] = (int64_t)digests[i];
        event.arg[3] = device->flush_code;
        event.arg[4] = device->complete_code;
        event_record(&event, NULL);
    }
    struct event event = event_of(engine, EVENT_STATEMENT_END, -1);
    event.arg[1] = outcome;
    event.arg[2] = (int64_t)bytes;
    event.arg[3] = engine->opened ? (int64_t)hash_digests(digests, engine->device_count) : 0;
    event.arg[4] = (int64_t)(engine->chain.missing != 0 ? engine->chain.missing : engine->chain.first);
    event.arg[5] = (int64_t)engine->chain.last;
    event_record(&event, NULL);
}

/* A device whose client is to act: one that holds commands, else one that is not open yet. */
static int16_t find_awaited(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->device_count; i++) {
        if (device_sent(&engine->devices[i]) > 0) {
            return engine->devices[i].event_device;
        }
    }
    for (uint32_t i = 0; i < engine->device_count; i++) {
        if (!engine->devices[i].opened) {
            return engine->devices[i].event_device;
        }
    }
    return -1;
}

void engine_begin_waiting(struct engine *engine)
{
    struct event event = event_of(engine, EVENT_SERVER_WAIT, find_awaited(engine));
    event.arg[1] = device_outstanding(engine);
    event_record(&event, NULL);
    engine->waiting = true;
}

void engine_note_progress(struct engine *engine)
{
    engine->idle_since = 0;
    if (engine->waiting) {
        struct event event = event_of(engine, EVENT_SERVER_RESUME, -1);
        event_record(&event, NULL);
        engine->waiting = false;
    }
}
