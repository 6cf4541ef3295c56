/* engine.c - the life of a statement: see engine.h and engine_state.h. */
#include "engine.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_state.h"
#include "engine_time.h"
#include "request.h"

enum {
    NS_PER_MS = 1000000,
    WAIT_BEFORE_SAYING_NS = 200 * NS_PER_MS, /* how long the server sleeps before that is an event */
    WAIT_FOR_SET_NS = 250 * NS_PER_MS,       /* design 2: waits are cut into slices */
    WAIT_FOR_DATABASE_NS = 20 * NS_PER_MS,   /* no wake comes from another process's end */
    PURPOSE_CLEAR_ERROR = 8,
};

/* --- the end --- */

void engine_fail(struct engine *engine)
{
    engine->failed = true;
    if (engine->phase == ENGINE_PHASE_RUNNING) {
        engine->phase = ENGINE_PHASE_DRAINING;
    }
}

/* CloseDevice on every device. False: the set was aborted before the last one. */
static bool close_devices(struct engine *engine)
{
    bool closed = true;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        const struct engine_device *device = &engine->devices[i];
        closed = device->handle != NULL &&
                 (device->fault.closed || server_device_close(device->handle) == 0) && closed;
    }
    return closed;
}

static void close_set(struct engine *engine)
{
    run_server_left(engine->operation);
    fault_agent_stop(engine->agent);
    engine->agent = NULL;
    run_refuse(engine->options.plan, engine->operation);
    if (engine->set != NULL) {
        engine->aborted = engine->aborted || server_set_abort_reason(engine->set) != SERVER_ABORT_NONE;
        server_set_free(engine->set);
        engine->set = NULL;
    }
    database_close(&engine->source);
    database_discard(&engine->target);
}

static void finish(struct engine *engine)
{
    snapshot_resume(engine);
    if (!engine->failed && !engine->aborted) {
        fault_agent_await(engine->agent);
    }
    if (engine->set != NULL && !engine->aborted && !close_devices(engine) && !engine->failed) {
        engine_say_abort(engine, server_set_abort_reason(engine->set));
    }
    if (!engine->failed && fault_peers_fail_late(engine)) {
        engine->failed = true;
    }
    if (!engine->failed && engine->request.operation == ENGINE_RESTORE && !restore_commit(engine)) {
        engine->failed = true;
    }
    close_set(engine); /* a client's abort comes too late from here on */
    log_chain_end(engine);
    if (engine->failed) {
        if (engine->leaving < ENGINE_LOST) { /* else nobody hears it */
            engine_say(engine, SQL_TERMINATING, engine->statement);
        }
    } else {
        fault_peers_before_success(engine);
        if (!engine->request.headers) {
            engine_say_success(engine);
        }
    }
    engine_note_progress(engine);
    engine_record_end(engine, !engine->failed   ? STATEMENT_SUCCESS
                              : engine->aborted ? STATEMENT_ABORTED
                                                : STATEMENT_FAILED);
    engine->phase = ENGINE_PHASE_ENDED;
    engine->status = engine->failed ? ENGINE_FAILED : ENGINE_SUCCEEDED;
}

/* --- steps --- */

static void step_start(struct engine *engine)
{
    engine->started = os_now();
    if (!configure_check(engine) || (engine->request.operation == ENGINE_BACKUP && !backup_begin(engine))) {
        finish(engine);
        return;
    }
    engine->phase = ENGINE_PHASE_QUEUED;
}

/* The statement does not begin before the database is free. */
static void step_queued(struct engine *engine)
{
    enum log_chain_answer answer = LOG_CHAIN_REFUSED;
    if (engine->cancelled) {
        engine_say(engine, SQL_ABORTED);
    } else {
        answer = log_chain_begin(engine);
    }
    if (answer == LOG_CHAIN_REFUSED) {
        engine_fail(engine);
        finish(engine);
    } else if (answer == LOG_CHAIN_GO) {
        if (engine->request.operation == ENGINE_BACKUP) {
            backup_describe(engine);
        }
        engine->open_deadline = engine_time_now() + engine->options.open_patience_ms * NS_PER_MS;
        engine->phase = ENGINE_PHASE_OPENING;
    }
}

/* The watch is only made for a set that is not there yet, and before looking once more. */
static bool set_is_created(struct engine *engine)
{
    const char *name = engine->devices[0].name;
    if (server_set_is_created(name)) {
        return true;
    }
    if (engine->watch >= 0) {
        return false;
    }
    if (os_memory_watch(&engine->watch) != 0) {
        engine->watch = -1; /* engine_wait then looks again every slice */
    }
    return server_set_is_created(name);
}

static void step_opening(struct engine *engine)
{
    if (engine->cancelled) {
        engine_say(engine, SQL_ABORTED);
        engine_fail(engine);
        finish(engine);
        return;
    }
    /* Looked for before the faults have their say: they do not know an operation whose set comes after that. */
    bool created = set_is_created(engine);
    enum fault_start start = fault_peers_start(engine);
    if (start == FAULT_START_END) {
        engine_fail(engine);
        finish(engine);
    } else if (start == FAULT_START_WAIT) {
        return;
    } else if (created && configure_open(engine)) {
        configure_set(engine);
        engine->phase = ENGINE_PHASE_DEVICES;
        engine_note_progress(engine);
        if (!engine->failed &&
            fault_agent_start(engine->options.plan, engine->operation, engine->set, &engine->agent) != 0) {
            server_set_signal_abort(engine->set); /* no thread to be had; the plan could not be kept */
        }
        if (engine->failed) {
            finish(engine);
        }
    } else if (engine_time_now() >= engine->open_deadline) {
        engine_say(engine, SQL_IO_FAILURE, "BackupVirtualDeviceSet::Initialize", "Open",
                   engine->devices[0].name, "0x80070002(The system cannot find the file specified.)");
        engine_fail(engine);
        finish(engine);
    }
}

static void step_devices(struct engine *engine)
{
    bool all = true;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        if (!device->opened && server_device_client_opened(device->handle)) {
            device->opened = true;
            engine_note_progress(engine);
        }
        all = all && device->opened;
    }
    if (all) {
        engine->phase = ENGINE_PHASE_RUNNING;
        if (engine->request.operation == ENGINE_BACKUP) {
            backup_start(engine);
        } else {
            restore_start(engine);
        }
    }
}

static void step_running(struct engine *engine)
{
    if (engine->request.operation == ENGINE_BACKUP) {
        backup_step(engine);
    } else {
        restore_step(engine);
    }
    faults_step(engine);
}

/* --- after an error (spec 9.4): every command is waited for, and none of the answers matters any more --- */

static void take_cleared(struct engine_device *device, struct engine_slot *slot)
{
    char text[OS_ERROR_TEXT_MAX];
    int32_t code = slot->command.completionCode;
    if (slot->command.commandCode == VDC_ClearError && code != ERROR_SUCCESS) {
        engine_say(device->engine, SQL_IO_FAILURE, "BackupVirtualDeviceFile::ClearError", "clear error",
                   device->name, messages_os_error(code, text, sizeof text));
    }
}

/* "ClearError + recovery, or CloseDevice": there is nothing to recover, but a server may do either. */
static bool wants_clear_error(const struct engine *engine)
{
    enum plan_choice choice = faults_clear_error(engine);
    uint64_t seed = engine->options.plan->seed;
    return choice == PLAN_YES || (choice == PLAN_UNSET && random_seed(seed, PURPOSE_CLEAR_ERROR, 0) % 2 == 0);
}

static void step_draining(struct engine *engine)
{
    faults_give_up(engine);
    for (uint32_t i = 0; i < engine->device_count; i++) {
        device_reap(&engine->devices[i], false, take_cleared);
    }
    if (device_outstanding(engine) > 0 || engine->cleared) {
        return;
    }
    engine->cleared = true;
    for (uint32_t i = 0; i < engine->device_count && wants_clear_error(engine); i++) {
        struct engine_device *device = &engine->devices[i];
        if (server_device_has_io_error(device->handle)) {
            device_send_plain(device, VDC_ClearError);
        }
    }
}

/* What the client has done since the last step. False: the set is aborted, and the statement over. */
static bool run_completions(struct engine *engine)
{
    enum server_set_state state;
    if (server_set_run_completions(engine->set, &state) > 0) {
        engine_note_progress(engine);
    }
    enum server_abort_reason reason = server_set_abort_reason(engine->set);
    if (state == SERVER_SET_LIVE && server_set_client_closed(engine->set) && reason == SERVER_ABORT_NONE) {
        /* Closed before a device was open, which aborts nothing by itself (spec 2.3) but leaves nobody. */
        server_set_signal_abort(engine->set);
        server_set_run_completions(engine->set, &state);
        reason = SERVER_ABORT_CLIENT;
        state = SERVER_SET_ABORTED;
    }
    if (state != SERVER_SET_ABORTED) {
        return true;
    }
    engine->aborted = true;
    engine_say_abort(engine, reason);
    finish(engine);
    return false;
}

static void step_set(struct engine *engine)
{
    if (!run_completions(engine)) {
        return;
    }
    if (engine->phase == ENGINE_PHASE_DEVICES) {
        step_devices(engine);
    }
    if (engine->phase == ENGINE_PHASE_RUNNING) {
        step_running(engine);
    }
    if (engine->phase == ENGINE_PHASE_DRAINING) {
        step_draining(engine);
    }
    bool done = engine->phase == ENGINE_PHASE_DRAINING ||
                (engine->phase == ENGINE_PHASE_RUNNING && engine_is_done(engine));
    if (done && device_outstanding(engine) == 0 && (engine->failed || follow_may_close(engine))) {
        finish(engine);
    }
}

enum engine_status engine_step(struct engine *engine)
{
    if (engine->phase == ENGINE_PHASE_START) {
        step_start(engine);
    }
    if (engine->phase == ENGINE_PHASE_QUEUED) {
        step_queued(engine);
    }
    if (engine->phase == ENGINE_PHASE_OPENING) {
        step_opening(engine);
    }
    if (engine->phase >= ENGINE_PHASE_DEVICES && engine->phase != ENGINE_PHASE_ENDED) {
        step_set(engine);
    }
    return engine->status;
}

/* --- waiting --- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void sleep_until(int64_t deadline)
{
    _Atomic uint32_t nobody = 0;
    os_wait(&nobody, 0, deadline);
}

static void wait_for_set(struct engine *engine, int64_t deadline)
{
    int64_t due = engine->held_until > engine_time_now() ? engine->held_until : engine->open_deadline;
    engine_time_sleep(due, earlier(deadline, os_now() + WAIT_FOR_SET_NS), engine->watch);
}

void engine_wait(struct engine *engine, int64_t deadline)
{
    if (engine->phase == ENGINE_PHASE_QUEUED) {
        sleep_until(earlier(deadline, os_now() + WAIT_FOR_DATABASE_NS));
        return;
    }
    if (engine->phase == ENGINE_PHASE_OPENING) {
        wait_for_set(engine, deadline);
        return;
    }
    if (engine->set == NULL) {
        return;
    }
    int64_t silence = follow_due(engine);
    if (silence != INT64_MAX) { /* it is not the client that is waited for */
        engine->idle_since = 0;
        server_set_wait(engine->set, earlier(silence, deadline));
        return;
    }
    int64_t now = os_now();
    if (engine->idle_since == 0) {
        engine->idle_since = now;
    }
    if (!engine->waiting) {
        int64_t first = engine->idle_since + WAIT_BEFORE_SAYING_NS;
        if (server_set_wait(engine->set, earlier(first, deadline)) == 0 || os_now() < first) {
            return;
        }
        engine_begin_waiting(engine);
    }
    server_set_wait(engine->set, deadline);
}

/* --- life --- */

static int copy_request(struct engine *engine, const struct engine_request *request)
{
    engine->request = *request;
    engine->request.devices = NULL;
    engine->request.database = strdup(request->database);
    engine->devices = calloc(request->device_count, sizeof *engine->devices);
    if (engine->request.database == NULL || engine->devices == NULL ||
        asprintf(&engine->file_name, request->log ? "%s_log" : "%s", request->database) < 0) {
        return ENOMEM;
    }
    engine->device_count = request->device_count;
    for (uint32_t i = 0; i < request->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        device->engine = engine;
        device->index = i;
        device->event_device = (int16_t)i;
        device->flush_code = ENGINE_NO_CODE;
        device->complete_code = ENGINE_NO_CODE;
        XXH64_reset(&device->hash, 0);
        device->name = strdup(request->devices[i]);
        if (device->name == NULL) {
            return ENOMEM;
        }
    }
    return 0;
}

int engine_new(const struct engine_request *request, const struct engine_options *options,
               struct engine **out)
{
    static const char *const statements[2][2] = {{"BACKUP DATABASE", "BACKUP LOG"},
                                                 {"RESTORE DATABASE", "RESTORE LOG"}};
    assert(request->device_count >= 1 && request->database != NULL && options->plan != NULL);
    *out = NULL;
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return ENOMEM;
    }
    engine->options = *options;
    engine->status = ENGINE_RUNNING;
    engine->operation = -1;
    engine->watch = -1;
    engine->source.file = -1;
    engine->target.file = -1;
    engine->next_percent = request->stats;
    engine->statement = statements[request->operation == ENGINE_RESTORE][request->log];
    int error = copy_request(engine, request);
    if (error != 0) {
        engine_free(engine);
        return error;
    }
    *out = engine;
    return 0;
}

void engine_cancel(struct engine *engine)
{
    engine->cancelled = true;
    if (engine->set != NULL) {
        server_set_signal_abort(engine->set);
    }
}

enum engine_leaving engine_leaving(const struct engine *engine)
{
    return engine->leaving;
}

uint32_t engine_percent(const struct engine *engine)
{
    return engine->total == 0               ? 0
           : engine->moved >= engine->total ? 100
                                            : (uint32_t)(engine->moved * 100 / engine->total);
}

void engine_free(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    if (engine->set != NULL) {
        server_set_signal_abort(engine->set);
    }
    close_set(engine);
    engine->failed = engine->failed || engine->phase != ENGINE_PHASE_ENDED;
    log_chain_end(engine);
    if (engine->watch >= 0) {
        os_memory_watch_close(engine->watch);
    }
    for (uint32_t i = 0; i < engine->device_count; i++) {
        free(engine->devices[i].name);
    }
    free(engine->devices);
    free((char *)engine->request.database);
    free(engine->file_name);
    free(engine);
}
