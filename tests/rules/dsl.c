/* dsl.c - what the witnesses of calls, statements and processes record (dsl.h). */
#include "dsl.h"

#include <stdio.h>
#include <string.h>

void feed(struct run *run, struct event event, const char *text)
{
    event.sequence = ++run->sequence;
    event.time_ns = run->time_ns += 1000;
    event.version = EVENT_VERSION;
    assert_int_equal(checker_feed(run->checker, &event, text), 0);
}

/* One call site for each function: stack number and address are the function's. */
static void explain_stacks(struct run *run)
{
    for (uint16_t function = 1; function < VDI_FN_COUNT; function++) {
        struct event event = {.kind = EVENT_STACK,
                              .side = EVENT_SIDE_CLIENT,
                              .device = -1,
                              .operation = -1,
                              .process = CLIENT,
                              .stack = function};
        char frame[24];

        snprintf(frame, sizeof frame, "%x", 0x400000u + function);
        feed(run, event, frame);
    }
}

void run_start(struct run *run, const char *fault)
{
    struct fault_error error;

    *run = (struct run){.set = 1,
                        .process = CLIENT,
                        .issuer = PROCESS_CLIENT,
                        .database = "pubs",
                        .is_backup = true,
                        .time_ns = 1000000000,
                        .asked = {.size = 65536},
                        .answered = {.bytes = -1},
                        .configuration = {0x10000, 4096, 65536}};
    plan_init(&run->plan);
    if (fault) {
        assert_int_equal(fault_parse(fault, &run->plan.faults[0], &error), 0);
        run->plan.fault_count = 1;
    }
    assert_int_equal(checker_new(&run->plan, &run->checker), 0);
    explain_stacks(run);
}

void run_end(struct run *run)
{
    assert_non_null(run->judgement);
    checker_free(run->checker);
}

void wait_ms(struct run *run, uint64_t ms)
{
    run->time_ns += ms * 1000000;
}

/* ---- client ---- */

uint64_t call_begin(struct run *run, uint32_t thread, uint16_t function, int16_t device, const int64_t arg[6],
                    const char *text)
{
    struct event event = {.kind = EVENT_CALL_BEGIN,
                          .side = EVENT_SIDE_CLIENT,
                          .function = function,
                          .device = device,
                          .operation = run->operation,
                          .process = run->process,
                          .thread = thread,
                          .set = run->set,
                          .flags = run->flags};

    if (arg) {
        memcpy(event.arg, arg, 6 * sizeof *arg);
    }
    event.arg[6] =
        run->set ? (int64_t)(0x10000 * (run->set + 1) + (uint64_t)(device + 1)) : 0; /* the object */
    event.stack = function; /* one call site for each */
    feed(run, event, text);
    return run->sequence;
}

void call_end(struct run *run, uint32_t thread, uint16_t function, int16_t device, uint64_t call,
              int32_t result, const int64_t arg[6])
{
    struct event event = {.kind = EVENT_CALL_END,
                          .side = EVENT_SIDE_CLIENT,
                          .function = function,
                          .device = device,
                          .operation = run->operation,
                          .process = run->process,
                          .thread = thread,
                          .set = run->set,
                          .call = call,
                          .flags = run->flags};

    if (arg) {
        memcpy(event.arg, arg, 6 * sizeof *arg);
    }
    event.result = result;
    feed(run, event, NULL);
}

static uint64_t whole_call(struct run *run, uint32_t thread, uint16_t function, int16_t device,
                           const int64_t begin[6], const int64_t end[6], const char *text, int32_t result)
{
    uint64_t call = call_begin(run, thread, function, device, begin, text);

    call_end(run, thread, function, device, call, result, end);
    return call;
}

uint64_t vdi_create(struct run *run, uint32_t devices, int32_t result)
{
    return whole_call(run, MAIN, VDI_FN_CREATE, -1, (int64_t[6]){devices}, NULL, "set-1", result);
}

uint64_t vdi_get_configuration(struct run *run, uint32_t devices, int32_t result)
{
    return whole_call(
        run, MAIN, VDI_FN_GET_CONFIGURATION, -1, (int64_t[6]){10000},
        (int64_t[6]){run->configuration[0], run->configuration[1], run->configuration[2], devices}, NULL,
        result);
}

uint64_t vdi_open(struct run *run, int16_t device, int32_t result)
{
    char name[16] = "set-1";
    uint64_t call;

    if (device > 0) {
        snprintf(name, sizeof name, "set-1-%d", device);
    }
    call = call_begin(run, MAIN, VDI_FN_OPEN_DEVICE, -1, NULL, name);
    call_end(run, MAIN, VDI_FN_OPEN_DEVICE, result == 0 ? device : -1, call, result, NULL);
    return call;
}

uint64_t vdi_get(struct run *run, uint32_t thread, int16_t device, int64_t timeout, int32_t result)
{
    return whole_call(run, thread, VDI_FN_GET_COMMAND, device, (int64_t[6]){timeout}, NULL, NULL, result);
}

uint64_t vdi_fetch(struct run *run, uint32_t thread, int16_t device, int64_t block, int32_t code)
{
    bool transfer = code == VDC_Read || code == VDC_Write;
    int64_t size = transfer ? run->asked.size : run->asked.operand;

    run->fetched[block % 64].block = block;
    run->fetched[block % 64].code = code;
    run->fetched[block % 64].size = size;
    return whole_call(run, thread, VDI_FN_GET_COMMAND, device, (int64_t[6]){1000},
                      (int64_t[6]){block, code, size, run->asked.position, transfer ? 0x7000 : 0, 1}, NULL,
                      0);
}

/* The count that belongs to the command: all of a transfer's bytes, none of any other. */
static int64_t right_bytes(const struct run *run, int64_t block)
{
    int64_t code = run->fetched[block % 64].code;
    bool known = run->fetched[block % 64].block == block;

    return known && (code == VDC_Read || code == VDC_Write) ? run->fetched[block % 64].size : 0;
}

uint64_t vdi_complete(struct run *run, uint32_t thread, int16_t device, int64_t block, int64_t fetched_by,
                      int32_t completion, int32_t result)
{
    int64_t bytes = run->answered.bytes >= 0 ? run->answered.bytes : right_bytes(run, block);

    return whole_call(run, thread, VDI_FN_COMPLETE_COMMAND, device,
                      (int64_t[6]){block, completion, bytes, run->answered.position, fetched_by, VDC_Write},
                      NULL, NULL, result);
}

uint64_t vdi_serve(struct run *run, int16_t device, int32_t code, int32_t completion)
{
    uint32_t thread = WORKER + (uint32_t)device;
    int64_t block = 32 + device;
    uint64_t fetch = vdi_fetch(run, thread, device, block, code);

    return vdi_complete(run, thread, device, block, (int64_t)fetch, completion, 0);
}

uint64_t vdi_abort(struct run *run, uint32_t thread, int32_t result)
{
    return whole_call(run, thread, VDI_FN_SIGNAL_ABORT, -1, NULL, NULL, NULL, result);
}

uint64_t vdi_close(struct run *run, uint32_t thread, int32_t result)
{
    return whole_call(run, thread, VDI_FN_CLOSE, -1, NULL, NULL, NULL, result);
}

uint64_t vdi_destroy(struct run *run, uint32_t thread)
{
    return whole_call(run, thread, VDI_FN_DESTROY, -1, NULL, NULL, NULL, 0);
}

void vdi_access(struct run *run, uint32_t thread, int16_t device, uint64_t fetch, const int64_t arg[7],
                const char *text)
{
    struct event event = {.kind = EVENT_ACCESS,
                          .side = EVENT_SIDE_CLIENT,
                          .device = device,
                          .operation = run->operation,
                          .process = run->process,
                          .thread = thread,
                          .set = run->set,
                          .stack = 1, /* any that is known */
                          .call = fetch};

    memcpy(event.arg, arg, sizeof event.arg);
    feed(run, event, text);
}

/* ---- server ---- */

static struct event server_event(const struct run *run, enum event_kind kind)
{
    return (struct event){.kind = (uint8_t)kind,
                          .side = EVENT_SIDE_SERVER,
                          .device = -1,
                          .operation = run->operation,
                          .process = SERVER,
                          .thread = SERVER,
                          .arg = {run->statement}};
}

void sql_begin(struct run *run, const char *text)
{
    struct event event;

    run->statement++;
    event = server_event(run, EVENT_STATEMENT_BEGIN);
    event.operation = -1;
    event.arg[1] = run->issuer;
    feed(run, event, text);
}

void sql_open(struct run *run, uint32_t devices)
{
    struct event event = server_event(run, EVENT_STATEMENT_OPEN);

    event.arg[1] = devices;
    event.arg[2] = run->is_backup ? 1 : 2;
    feed(run, event, run->database);
}

void sql_message(struct run *run, int32_t number, int32_t severity)
{
    struct event event = server_event(run, EVENT_MESSAGE);

    event.arg[1] = number;
    event.arg[2] = severity;
    event.arg[3] = 1;
    feed(run, event, "text of the message");
}

void sql_stream(struct run *run, int16_t device, int64_t last_flush, int64_t complete)
{
    struct event event = server_event(run, EVENT_STREAM);

    event.device = device;
    event.arg[1] = 1000;
    event.arg[2] = (int64_t)run->stream_hash;
    event.arg[3] = last_flush;
    event.arg[4] = complete;
    feed(run, event, NULL);
}

void sql_end(struct run *run, enum statement_outcome outcome, uint64_t bytes, uint64_t hash)
{
    struct event event = server_event(run, EVENT_STATEMENT_END);

    event.arg[1] = outcome;
    event.arg[2] = (int64_t)bytes;
    event.arg[3] = (int64_t)hash;
    event.arg[4] = (int64_t)run->log[0];
    event.arg[5] = (int64_t)run->log[1];
    feed(run, event, NULL);
}

void sql_wait(struct run *run, int16_t device)
{
    struct event event = server_event(run, EVENT_SERVER_WAIT);

    event.device = device;
    event.arg[1] = 1;
    feed(run, event, NULL);
}

/* ---- the rest ---- */

void fault_fires(struct run *run, int16_t device, uint64_t call)
{
    struct event event = {.kind = EVENT_FAULT,
                          .side = EVENT_SIDE_CLIENT,
                          .device = device,
                          .operation = run->operation,
                          .process = run->process,
                          .set = run->set,
                          .call = call};

    feed(run, event, NULL);
}

void process_ends(struct run *run, uint32_t process, enum process_role role, int32_t status, int32_t signal,
                  bool by_us)
{
    struct event event = {.kind = EVENT_PROCESS_EXIT,
                          .side = EVENT_SIDE_SUPERVISOR,
                          .device = -1,
                          .operation = -1,
                          .process = process,
                          .arg = {signal ? -1 : status, signal, role, by_us}};

    feed(run, event, NULL);
}

void note(struct run *run, enum note_kind kind)
{
    struct event event = {
        .kind = EVENT_NOTE, .side = EVENT_SIDE_SUPERVISOR, .device = -1, .operation = -1, .arg = {kind}};

    feed(run, event, "a note");
}

void process_waited(struct run *run, uint32_t process, int32_t status, int32_t signal)
{
    struct event event = {.kind = EVENT_PROCESS_EXIT,
                          .side = EVENT_SIDE_CLIENT,
                          .device = -1,
                          .operation = -1,
                          .process = process,
                          .arg = {signal ? -1 : status, signal, PROCESS_DESCENDANT, 0}};

    feed(run, event, NULL);
}

void sql_process_ends(struct run *run, bool told)
{
    struct event event = {.kind = EVENT_PROCESS_EXIT,
                          .side = EVENT_SIDE_SUPERVISOR,
                          .device = -1,
                          .operation = -1,
                          .process = SERVER,
                          .arg = {1, 0, PROCESS_SQL, 0, told}};

    feed(run, event, NULL);
}

void hang_as(struct run *run, enum hang_reason reason, const char *text)
{
    struct event event = {.kind = EVENT_HANG,
                          .side = EVENT_SIDE_SUPERVISOR,
                          .device = -1,
                          .operation = -1,
                          .process = CLIENT,
                          .arg = {reason}};

    feed(run, event, text);
}

void hang(struct run *run, enum hang_reason reason)
{
    hang_as(run, reason, "GetCommand waits for the server");
}

void leftover(struct run *run, enum leftover_kind kind, const char *text)
{
    struct event event = {.kind = EVENT_LEFTOVER,
                          .side = EVENT_SIDE_SUPERVISOR,
                          .device = -1,
                          .operation = -1,
                          .process = CLIENT,
                          .arg = {kind}};

    feed(run, event, text);
}

void sanitizer(struct run *run, const char *text)
{
    struct event event = {.kind = EVENT_SANITIZER,
                          .side = EVENT_SIDE_SUPERVISOR,
                          .device = -1,
                          .operation = -1,
                          .process = CLIENT};

    feed(run, event, text);
}

/* ---- whole phases ---- */

void up(struct run *run, uint32_t devices)
{
    sql_begin(run, "BACKUP DATABASE pubs TO VIRTUAL_DEVICE = 'set-1'");
    vdi_create(run, devices, 0);
    sql_open(run, devices);
    vdi_get_configuration(run, devices, 0);
    for (int16_t i = 0; i < (int16_t)devices; i++) {
        vdi_open(run, i, 0);
    }
}

void transfer(struct run *run, uint32_t thread, int16_t device)
{
    static const int32_t codes[] = {VDC_Write, VDC_Write, VDC_Flush};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        int64_t block = 0x1000 * (device + 1) + (int64_t)(i % 2);
        uint64_t fetch = vdi_fetch(run, thread, device, block, codes[i]);

        vdi_complete(run, thread, device, block, (int64_t)fetch, ERROR_SUCCESS, 0);
    }
}

void down(struct run *run, uint32_t devices)
{
    for (int16_t i = 0; i < (int16_t)devices; i++) {
        vdi_get(run, WORKER + (uint32_t)i, i, 1000, VD_E_CLOSE);
        sql_stream(run, i, 0, -1);
    }
    sql_message(run, 3014, 0);
    sql_end(run, STATEMENT_SUCCESS, 1000, 42);
    vdi_close(run, MAIN, 0);
}

void whole_backup(struct run *run, uint32_t devices)
{
    up(run, devices);
    for (int16_t i = 0; i < (int16_t)devices; i++) {
        transfer(run, WORKER + (uint32_t)i, i);
    }
    down(run, devices);
}

void client_exits(struct run *run, int32_t status)
{
    process_ends(run, CLIENT, PROCESS_CLIENT, status, 0, false);
}
