/* endings.c - how devices, sets and operations end: VDI-ABORT-001, VDI-ABORT-004, VDI-CLOSE-005, VDI-CLOSE-006,
 * VDI-FLUSH-003, VDI-TERM-001, VDI-TERM-002. */
#include "codes.h"
#include "state.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    /* GetCommand calls of a thread after VD_E_ABORT: one more can be a loop's way to its end (VDI-GETCMD-003), two are
     * waiting. */
    CALLS_AFTER_ABORT = 2,
};

/* ---- what calls leave to be remembered ---- */

static const struct command *find_held(const struct device *device, int64_t block)
{
    const struct command *command = device->commands;

    while (command && (command->block != block || command->completed_by)) {
        command = command->next;
    }
    return command;
}

static void begin_complete(struct checker *checker, struct vdi_set *set, const struct event *event)
{
    struct operation_state *operation = state_find_operation(checker, set->operation);
    struct device *device = state_device(set, event->device);
    const struct command *command = device ? find_held(device, event->arg[0]) : NULL;

    if (device) {
        device->ends_with_flush = command && command->code == VDC_Flush && event->arg[1] == ERROR_SUCCESS;
    }
    if (operation && code_is_io_error((int32_t)event->arg[1])) {
        operation->io_error = true;
    }
}

void endings_begin(struct checker *checker, struct vdi_set *set, const struct event *event,
                   const struct call *call)
{
    struct operation_state *operation = state_find_operation(checker, call->operation);
    struct thread_state *thread = state_thread(checker, call->process, call->thread);

    if (operation && !operation->process) {
        operation->process = call->process;
    }
    switch (call->function) {
    case VDI_FN_COMPLETE_COMMAND:
        begin_complete(checker, set, event);
        break;
    case VDI_FN_SIGNAL_ABORT:
        if (thread && set_is_live(set)) {
            thread->aborted_set = set->id;
            thread->aborted_at = call->sequence;
        }
        if (operation && operation->aborted_at == 0) {
            operation->aborted_at = call->sequence;
        }
        break;
    case VDI_FN_CLOSE:
    case VDI_FN_DESTROY:
        if (set_is_live(set) && call->process == set->process) {
            set->close = *call;
        }
        break;
    default:
        break;
    }
}

static void end_get_command(struct operation_state *operation, struct device *device,
                            const struct event *event, const struct call *call)
{
    if (event->result == 0) {
        device->last_fetch = event->sequence;
    } else if (event->result == VD_E_ABORT && device->abort_thread != call->thread) {
        device->abort_thread = call->thread;
        device->abort_calls = 0;
    } else if (event->result == VD_E_CLOSE && operation && !device->close_counted) {
        device->close_counted = true;
        operation->closed++;
    }
}

static void end_create(struct vdi_set *set, struct operation_state *operation, const struct event *event,
                       const struct call *call)
{
    if (event->result == 0) {
        set->prefix_zone = call->prefix_zone;
    }
    if (!operation) {
        return;
    }
    if (event->result == 0) {
        operation->create = *call;
    } else if (operation->created && operation->refused.sequence == 0) {
        operation->refused = *call;
    }
}

void endings_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                 const struct call *call)
{
    struct operation_state *operation = state_find_operation(checker, call->operation);
    struct device *device = state_device(set, event->device);

    switch (event->function) {
    case VDI_FN_CREATE:
        end_create(set, operation, event, call);
        break;
    case VDI_FN_OPEN_DEVICE:
        if (operation && event->result == 0) {
            operation->opened++;
        }
        break;
    case VDI_FN_GET_COMMAND:
        if (device) {
            end_get_command(operation, device, event, call);
        }
        break;
    case VDI_FN_COMPLETE_COMMAND:
        if (device && event->result != 0) {
            device->ends_with_flush = false;
        }
        break;
    case VDI_FN_CLOSE:
        if (operation && event->result == VD_E_OPEN && operation->close_open.sequence == 0) {
            operation->close_open = *call;
        }
        break;
    case VDI_FN_DESTROY:
        set->destroyed = set->destroyed || call->process == set->process;
        break;
    default:
        break;
    }
}

/* ---- GetCommand after an abort: VDI-ABORT-004 ---- */

void endings_judge_get(struct checker *checker, struct vdi_set *set, const struct call *call)
{
    struct device *device = state_device(set, call->device);

    if (!device) {
        return;
    }
    device->ends_with_flush = false;
    if (!set_is_live(set) || device->abort_thread != call->thread) {
        return;
    }
    device->abort_calls += 1 + (uint64_t)call->repeat;
    if (device->abort_calls >= CALLS_AFTER_ABORT) {
        finding_add(
            checker, "VDI-ABORT-004", call, call->operation, call->device,
            "GetCommand called on device %d once more, %llu times since it gave this thread VD_E_ABORT",
            call->device, (unsigned long long)device->abort_calls);
    }
}

/* ---- Flush taken for the end: VDI-FLUSH-003 ---- */

void endings_judge_flush(struct checker *checker, const struct vdi_set *set, const struct call *call,
                         const char *when)
{
    for (int16_t i = 0; i < DEVICES_MAX; i++) {
        const struct device *device = &set->devices[i];

        if (device->opened && !device->close_delivered && device->ends_with_flush) {
            finding_add(checker, "VDI-FLUSH-003", call, set->operation, i,
                        "%s, no GetCommand was called on device %d after it had completed a Flush", when, i);
            return;
        }
    }
}

/* ---- ends without SignalAbort or Close: VDI-ABORT-001, VDI-CLOSE-006 ---- */

static const struct call *last_call_on(const struct checker *checker, const struct vdi_set *set,
                                       int16_t device)
{
    const struct call *last = NULL;

    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        const struct call *call = &thread->last;

        if (call->sequence && call->set == set->id && (device < 0 || call->device == device) &&
            (!last || call->sequence > last->sequence)) {
            last = call;
        }
    }
    return last;
}

static int16_t first_unserved(const struct vdi_set *set)
{
    for (int16_t i = 0; i < DEVICES_MAX; i++) {
        const struct device *device = &set->devices[i];

        if (device->opened && !device->close_delivered && !device->lost_close) {
            return i;
        }
    }
    return -1;
}

void endings_judge_exit(struct checker *checker, const struct vdi_set *set, bool aborted, bool in_use)
{
    const struct operation_state *operation = state_find_operation(checker, set->operation);
    const struct statement *statement = operation ? operation->statement : NULL;
    bool succeeded = statement && statement->ended && statement->outcome == OUTCOME_SUCCESS;
    int16_t device = first_unserved(set);
    const struct call *last = last_call_on(checker, set, device);

    if (!aborted && !succeeded && device >= 0) {
        finding_add(
            checker, "VDI-ABORT-001", last, set->operation, device,
            "the process ended, after this call, while device %d had not delivered VD_E_CLOSE, and nobody"
            " had called SignalAbort",
            device);
        endings_judge_flush(checker, set, last, "when the process ended");
    }
    if (set->secondary) {
        finding_add_capped(checker, aborted && in_use ? SEVERITY_INFO : SEVERITY_ERROR, "VDI-CLOSE-006",
                           last_call_on(checker, set, -1), set->operation, -1,
                           "the process, a secondary of operation %d, ended without Close", set->operation);
    }
}

/* At a hang: no thread attends to the device for which the statement waits. */
void endings_judge_idle(struct checker *checker, const struct vdi_set *set, int16_t device)
{
    const struct call *last = last_call_on(checker, set, device);

    if (last && device >= 0 && set->devices[device].opened) {
        finding_add(checker, "VDI-ABORT-001", last, set->operation, device,
                    "after this call nobody served device %d any more, and nobody called SignalAbort",
                    device);
    }
}

/* ---- the statement: VDI-TERM-001, VDI-TERM-002 ---- */

static bool is_in_a_call(const struct checker *checker, const struct vdi_set *set)
{
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        if (thread->open.sequence && thread->open.set == set->id) {
            return true;
        }
    }
    return false;
}

/* At a hang: the statement runs and nobody has come to configure the set, because whoever should waits for the
 * statement. */
void endings_judge_hang(struct checker *checker, const struct vdi_set *set)
{
    const struct operation_state *operation = state_find_operation(checker, set->operation);
    const struct statement *statement = operation ? operation->statement : NULL;

    if (statement && !statement->ended && statement->issued_by == PROCESS_CLIENT &&
        set->state == SET_CONFIGURABLE && set->life_call.function == VDI_FN_CREATE &&
        set->last_sequence < statement->sequence && !is_in_a_call(checker, set)) {
        finding_add(
            checker, "VDI-TERM-002", &set->life_call, set->operation, -1,
            "the statement was started after this Create, and no VDI call has been made since: nobody serves"
            " it");
    }
}

bool endings_statement_is_known(const struct checker *checker, const struct operation_state *operation)
{
    const struct statement *statement = operation->statement;
    const struct process_state *process = checker->processes;

    while (process && process->process != statement->process) {
        process = process->next;
    }
    return statement->issued_by == PROCESS_CLIENT ||
           (statement->issued_by == PROCESS_SQL && process && process->told_client &&
            process->told_client < jobs_claimed_at(checker, operation));
}

static void judge_close_open(struct checker *checker, const struct operation_state *operation)
{
    if (operation->close_open.sequence && operation->shown.outcome != OUTCOME_SUCCESS) {
        finding_add(checker, "VDI-CLOSE-005", &operation->close_open, operation->shown.id, -1,
                    "the client says success, though Close gave VD_E_OPEN in operation %d",
                    operation->shown.id);
    }
}

/* Success by VD_E_CLOSE alone: every device delivered it, and the statement failed, or its end was not awaited. */
static void judge_closes_alone(struct checker *checker, const struct operation_state *operation)
{
    const struct statement *statement = operation->statement;
    uint64_t end = jobs_claimed_at(checker, operation);
    bool awaited;

    if (!statement || statement->operation < 0 || operation->opened == 0 ||
        operation->closed < operation->opened || !endings_statement_is_known(checker, operation)) {
        return;
    }
    awaited = (statement->ended && statement->ended_sequence < end) ||
              (statement->success_told && statement->success_told < end);
    if (operation->shown.outcome == OUTCOME_SUCCESS && awaited) {
        return;
    }
    finding_add(
        checker, "VDI-TERM-001", NULL, operation->shown.id, -1,
        "the client says success after VD_E_CLOSE of every device, though the statement of operation %d"
        " %s",
        operation->shown.id, operation->shown.outcome != OUTCOME_SUCCESS ? "failed" : "was not over yet");
}

/* Whether another operation can be the one that the statement was meant for. */
static bool may_be_of_another(const struct checker *checker, const struct operation_state *operation,
                              const struct statement *statement)
{
    for (const struct operation_state *other = checker->operations; other; other = other->next) {
        if (other != operation && other->first_sequence < statement->ended_sequence &&
            statement_names_set(statement, other->shown.set)) {
            return true;
        }
    }
    return false;
}

/* A statement that was over before its set was created, or tried to be, cannot have met it. */
static void judge_statement_first(struct checker *checker, const struct operation_state *operation)
{
    for (const struct statement *statement = checker->statements; statement; statement = statement->next) {
        bool early = statement->ended && statement->operation < 0 &&
                     statement->ended_sequence < operation->first_sequence;

        if (early && statement->issued_by == PROCESS_CLIENT &&
            statement_names_set(statement, operation->shown.set) &&
            !may_be_of_another(checker, operation, statement)) {
            finding_add(checker, "VDI-TERM-002", &operation->create, operation->shown.id, -1,
                        "Create called after the statement for this set had ended");
        }
    }
}

void endings_settle(struct checker *checker, struct operation_state *operation, bool claims_success)
{
    bool served = operation->statement && operation->statement->operation >= 0;

    if (claims_success) {
        judge_close_open(checker, operation);
        judge_closes_alone(checker, operation);
    }
    if (operation->create.sequence && !served) {
        judge_statement_first(checker, operation);
    }
}
