/* sets.c - the lives of sets and devices, and the rules about who may call what when:
 * VDI-GETCMD-002, VDI-GETCMD-003, VDI-CLOSE-001, VDI-CLOSE-003, VDI-CLOSE-004.
 *
 * A call is judged by what its own thread could know: only results that this thread got, or that the set was
 * closed by the client itself, count against it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "durability.h"
#include "vdierror.h"

/* ---- what threads were told ---- */

static void remember_refusal(struct checker *checker, struct vdi_set *set, const struct call *call,
                             int32_t result)
{
    struct refusal *refusal;

    for (refusal = set->refusals; refusal; refusal = refusal->next) {
        if (refusal->thread == call->thread && refusal->device == call->device && refusal->result == result &&
            refusal->after_fault == set->closed_by_fault) {
            return;
        }
    }
    if (set->refusal_count >= REFUSALS_MAX) {
        return;
    }
    refusal = calloc(1, sizeof *refusal);
    if (!refusal) {
        checker->out_of_memory = true;
        return;
    }
    *refusal = (struct refusal){.next = set->refusals,
                                .thread = call->thread,
                                .result = result,
                                .device = call->device,
                                .after_fault = set->closed_by_fault};
    set->refusals = refusal;
    set->refusal_count++;
}

bool sets_thread_saw_abort(const struct vdi_set *set, uint32_t thread)
{
    for (const struct refusal *refusal = set->refusals; refusal; refusal = refusal->next) {
        if (refusal->thread == thread && refusal->result == VD_E_ABORT) {
            return true;
        }
    }
    return false;
}

bool sets_thread_saw_fault(const struct vdi_set *set, uint32_t thread, int16_t device)
{
    for (const struct refusal *refusal = set->refusals; refusal; refusal = refusal->next) {
        if (refusal->after_fault && refusal->thread == thread && (device < 0 || refusal->device == device)) {
            return true;
        }
    }
    return false;
}

/* ---- rules at the begin of a call ---- */

static void begin_close(struct checker *checker, struct vdi_set *set, const struct call *call)
{
    if (set_is_live(set) || (set->closed_by_fault && set->closes_after_fault == 0)) {
        return;
    }
    finding_add(checker, "VDI-CLOSE-004", call, call->operation, -1, "Close called %s",
                set->closed_by_client || set->closed_by_fault
                    ? "a second time: the set had been closed already"
                    : "on a set object that holds no set");
}

/* A close that a fault withheld is a reason to give the set up, whatever is held. The other faults are none: an
 * abort or early close has ended the set already, an unknown command is answered like any other. */
static bool lost_a_close(const struct vdi_set *set)
{
    for (int i = 0; i < DEVICES_MAX; i++) {
        if (set->devices[i].lost_close) {
            return true;
        }
    }
    return false;
}

static void begin_signal_abort(struct checker *checker, struct vdi_set *set, const struct call *call)
{
    struct operation_state *operation = state_find_operation(checker, set->operation);

    if (!set_is_live(set)) {
        return;
    }
    if (!set_is_aborted(set) && operation && !lost_a_close(set)) {
        waiting_judge_abort(checker, set, call->time_ns);
        if (checker->file_error < set->life_start) { /* else its own I/O failed: reason enough */
            commands_judge_abandoned(checker, set, ABANDONED_BLOCKING_ONE, call->time_ns,
                                     "before the client, which waited on in vain, called SignalAbort");
        }
        opening_judge(checker, set, OPENING_ABORTED, call->time_ns);
    }
    set->client_aborted = true;
    if (operation) {
        operation->client_aborted = true;
    }
}

static void begin_get_command(struct checker *checker, struct vdi_set *set, const struct call *call)
{
    struct device *device = state_device(set, call->device);

    endings_judge_get(checker, set, call);
    waiting_judge_begin(checker, set, call);
    if (device && set_is_live(set) && device->closed_thread == call->thread && device->closed_thread != 0) {
        finding_add(checker, "VDI-GETCMD-002", call, call->operation, call->device,
                    "GetCommand called on device %d after it had delivered VD_E_CLOSE to this thread",
                    call->device);
    }
}

/* Calls on devices, their commands and buffers: what Close ends. */
static bool is_device_call(uint16_t function)
{
    return function == VDI_FN_GET_COMMAND || function == VDI_FN_COMPLETE_COMMAND ||
           function == VDI_FN_GET_BUFFER_HANDLE || function == VDI_FN_MAP_BUFFER_HANDLE;
}

/* After a set's end: once a fault closed it, each thread may find that out on each device by one failing
 * call. */
static void begin_after_end(struct checker *checker, struct vdi_set *set, const struct call *call)
{
    if (!is_device_call(call->function) || set_is_live(set)) {
        return;
    }
    if (set->closed_by_fault) {
        if (sets_thread_saw_fault(set, call->thread, call->device)) {
            finding_add(
                checker, "VDI-CLOSE-003", call, call->operation, call->device,
                "%s called on device %d again after this thread had learnt there that the set is closed",
                vdi_function_names[call->function], call->device);
        }
    } else if (set->closed_by_client) {
        finding_add(checker, set->destroyed ? "VDI-LIFE-001" : "VDI-CLOSE-003", call, call->operation,
                    call->device, "%s called on device %d after %s had returned",
                    vdi_function_names[call->function], call->device,
                    set->destroyed ? "the set's destructor" : "Close");
    }
}

static void begin_after_abort(struct checker *checker, struct vdi_set *set, const struct call *call)
{
    switch (call->function) {
    case VDI_FN_CLOSE:
    case VDI_FN_SIGNAL_ABORT:
    case VDI_FN_DESTROY:
    case VDI_FN_CREATE: /* judged as VDI-CREATE-001 */
    case VDI_FN_REGISTER_DEVICE_CLOSED:
        return;
    default:
        break;
    }
    if (set_is_live(set) && sets_thread_saw_abort(set, call->thread)) {
        finding_add(checker, "VDI-GETCMD-003", call, call->operation, call->device,
                    "%s called by a thread that had got VD_E_ABORT from this set",
                    vdi_function_names[call->function]);
    }
}

/* ---- effects at the end of a call ---- */

/* The last one tried until there is a set: a client that makes another name for each attempt. */
static void show_name(struct checker *checker, struct operation_state *operation, const char *name)
{
    if (name) {
        free(operation->shown.set);
        operation->shown.set = state_copy_text(checker, name);
    }
}

static void end_create(struct checker *checker, struct vdi_set *set, const struct event *event,
                       const struct call *call)
{
    struct operation_state *operation = state_find_operation(checker, event->operation);

    if (operation && !operation->created) {
        show_name(checker, operation, set->name);
    }
    if (event->result != 0) {
        return;
    }
    state_new_life(set);
    set->state = SET_CONFIGURABLE;
    set->process = call->process;
    set->operation = event->operation;
    set->life_start = call->sequence;
    set->last_sequence = event->sequence;
    set->device_count = call->device_count;
    set->life_call = *call;
    if (operation) {
        operation->created = true;
        operation->error.sequence = 0; /* of a Create that failed and left its number to this one */
        operation->failure.sequence = 0;
        transfer_created(operation, call);
    }
}

static void end_open_in_secondary(struct checker *checker, struct vdi_set *set, const struct event *event,
                                  const struct call *call)
{
    (void)checker;
    if (event->result != 0) {
        return;
    }
    state_new_life(set);
    set->state = SET_CONFIGURED;
    set->secondary = true;
    set->process = call->process;
    set->operation = event->operation;
    set->life_start = call->sequence;
    set->last_sequence = event->sequence;
}

static void end_get_configuration(struct checker *checker, struct vdi_set *set, const struct event *event,
                                  const struct call *call)
{
    if (event->result != 0 && set->secondary) {
        set->open_failed = true; /* it does not get as far as OpenDevice */
    }
    if (event->result != 0 || !set_is_live(set)) {
        return;
    }
    set->state = SET_CONFIGURED;
    set->life_call = *call;
    transfer_configured(checker, set, event);
    if (event->arg[3] > 0 && event->arg[3] <= DEVICES_MAX) {
        set->device_count = (uint32_t)event->arg[3];
    }
}

static void end_open_device(struct checker *checker, struct vdi_set *set, const struct event *event,
                            const struct call *call)
{
    struct device *device = state_device(set, event->device);

    (void)checker;
    if (event->result != 0) {
        set->open_failed = true; /* also VD_E_OPEN: somebody has opened the rest */
        return;
    }
    if (!device) {
        set->open_failed = true; /* opened, but nobody knows which: no judgement either */
        return;
    }
    if (!set_is_live(set)) {
        return;
    }
    if (!device->opened) {
        device->opened = true;
        set->opened_count++;
    }
    set->life_call = *call;
    for (int i = 0; i < DEVICES_MAX; i++) {
        set->devices[i].waited = false; /* only waits after the last OpenDevice tell of a missing one */
    }
}

static void end_get_command(struct checker *checker, struct vdi_set *set, const struct event *event,
                            const struct call *call)
{
    struct device *device = state_device(set, event->device);

    if (!device) {
        return;
    }
    device->last_result = event->result;
    device->called = true;
    if (event->result == 0 && event->flags & EVENT_FLAG_FAULTED) {
        return; /* a null-command: there is nothing in the client's hands */
    }
    if (event->result == 0) {
        commands_fetched(checker, set, event, call);
    } else if (event->result == VD_E_TIMEOUT) {
        commands_timed_out(set, event, call);
    } else if (event->result == VD_E_CLOSE) {
        device->close_delivered = true;
        device->closed_thread = call->thread;
    }
}

/* Devices that still owe VD_E_CLOSE; the first one is returned, or -1. */
static int16_t first_undelivered(const struct vdi_set *set)
{
    for (int16_t i = 0; i < DEVICES_MAX; i++) {
        if (set->devices[i].opened && !set->devices[i].close_delivered) {
            return i;
        }
    }
    return -1;
}

/* Whether the server may have given the set up before: a server whose statement nobody saw. */
static bool may_have_ended(struct checker *checker, const struct vdi_set *set, const struct event *event)
{
    const struct operation_state *operation = state_find_operation(checker, set->operation);

    return event->function == VDI_FN_CLOSE && event->result == 0 && operation &&
           operation_is_unseen(operation);
}

/* The server gave the set up during this call and had told of nothing before it: it noticed the call. */
static bool server_ended_by(struct checker *checker, const struct vdi_set *set, const struct call *call)
{
    const struct operation_state *operation = state_find_operation(checker, set->operation);
    const struct statement *statement = operation ? operation->statement : NULL;

    return set->server_ended && set->server_ended_sequence > call->sequence && statement &&
           statement->error_told > call->sequence;
}

/* Close with open devices. VD_E_OPEN is the library's word that the set was not aborted before: VD_E_ABORT
 * results of other threads are then this Close's own doing (spec 9.5). */
static void judge_early_close(struct checker *checker, struct vdi_set *set, const struct event *event,
                              const struct call *call)
{
    int16_t index = first_undelivered(set);
    bool excused =
        call->set_was_aborted || set->fault_aborted || set->client_aborted ||
        (event->result != VD_E_OPEN && set_is_aborted(set) && !server_ended_by(checker, set, call));
    char name[16];

    if (index < 0 || excused || (event->result != 0 && event->result != VD_E_OPEN)) {
        return;
    }
    endings_judge_flush(checker, set, call, "before this call");
    if (!set->devices[index].called) {
        finding_add(
            checker, "VDI-CLOSE-001", call, call->operation, index,
            "%s called while device %d had not delivered VD_E_CLOSE (no GetCommand had returned on it)",
            vdi_function_names[call->function], index);
        return;
    }
    finding_add(checker, "VDI-CLOSE-001", call, call->operation, index,
                "%s called while device %d had not delivered VD_E_CLOSE (its last GetCommand gave %s)",
                vdi_function_names[call->function], index,
                result_text(set->devices[index].last_result, name));
}

/* A child of fork has a copy of the object: what it destroys, or is refused to close, lives on in the parent. */
static bool is_of_a_copy(const struct vdi_set *set, const struct event *event, const struct call *call)
{
    return set_is_live(set) && call->process != set->process &&
           (call->function == VDI_FN_DESTROY || event->result == VD_E_PROTOCOL);
}

/* Close and the destructor, which closes if need be. */
static void end_close(struct checker *checker, struct vdi_set *set, const struct event *event,
                      const struct call *call)
{
    struct operation_state *operation = state_find_operation(checker, set->operation);

    if (is_of_a_copy(set, event, call)) {
        return;
    }
    if (set->closed_by_fault) {
        set->closes_after_fault += call->function == VDI_FN_CLOSE;
    } else if (set_is_live(set)) {
        bool may_end = may_have_ended(checker, set, event);

        if (!call->set_was_aborted && !set->fault_aborted && !set->client_aborted && !may_end) {
            commands_judge_abandoned(
                checker, set, ABANDONED_ALL, event->time_ns,
                call->function == VDI_FN_CLOSE ? "when it called Close" : "when it destroyed the set");
            opening_judge(checker, set, OPENING_CLOSED, event->time_ns);
            waiting_judge_end(checker, set, WAITING_CLOSED);
        }
        answers_judge_held(checker, set);
        if (!may_end) {
            judge_early_close(checker, set, event, call);
        }
    }
    for (int i = 0; i < DEVICES_MAX; i++) {
        commands_drop_all(&set->devices[i]);
    }
    if (operation && !set->secondary && operation->closed_at == 0) {
        operation->closed_at = event->sequence;
        durability_closed(checker, operation->shown.id);
    }
    set->closed_by_client = set->closed_by_client || set->closed_by_fault || set_is_live(set);
    set->state = SET_NONE;
}

/* ---- dispatch ---- */

typedef void begin_rule(struct checker *checker, struct vdi_set *set, const struct call *call);
typedef void end_effect(struct checker *checker, struct vdi_set *set, const struct event *event,
                        const struct call *call);

static begin_rule *const begin_rules[VDI_FN_COUNT] = {
    [VDI_FN_GET_COMMAND] = begin_get_command,
    [VDI_FN_SIGNAL_ABORT] = begin_signal_abort,
    [VDI_FN_CLOSE] = begin_close,
};
static end_effect *const end_effects[VDI_FN_COUNT] = {
    [VDI_FN_CREATE] = end_create,
    [VDI_FN_OPEN_IN_SECONDARY] = end_open_in_secondary,
    [VDI_FN_GET_CONFIGURATION] = end_get_configuration,
    [VDI_FN_OPEN_DEVICE] = end_open_device,
    [VDI_FN_GET_COMMAND] = end_get_command,
    [VDI_FN_CLOSE] = end_close,
    [VDI_FN_DESTROY] = end_close,
};

void sets_judge_begin(struct checker *checker, struct vdi_set *set, const struct call *call)
{
    begin_after_end(checker, set, call);
    begin_after_abort(checker, set, call);
    if (begin_rules[call->function]) {
        begin_rules[call->function](checker, set, call);
    }
}

static void close_by_fault(struct vdi_set *set)
{
    if (!set_is_live(set)) {
        return;
    }
    set->closed_by_fault = true;
    set->state = SET_NONE;
    for (int i = 0; i < DEVICES_MAX; i++) {
        commands_drop_all(&set->devices[i]);
    }
}

void sets_apply_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                    const struct call *call)
{
    if (event->result == VD_E_PROTOCOL && event->flags & EVENT_FLAG_FAULTED) {
        close_by_fault(set); /* its EVENT_FAULT is still to come, from another thread */
    }
    if (event->result == VD_E_ABORT || event->result == VD_E_PROTOCOL) {
        remember_refusal(checker, set, call, event->result);
    }
    if (event->result == VD_E_ABORT && set_is_live(set)) {
        set->abort_returned = true;
    }
    if (end_effects[event->function]) {
        end_effects[event->function](checker, set, event, call);
    }
}

/* A call that a fault makes: what it does to the set is nobody's violation. */
void sets_fault_call(struct checker *checker, const struct event *event)
{
    struct vdi_set *set = state_set(checker, event->set);

    if (set && event->function == VDI_FN_CLOSE) {
        close_by_fault(set);
    } else if (set && event->function == VDI_FN_SIGNAL_ABORT) {
        set->fault_aborted = true;
    }
}

void sets_fault(struct checker *checker, const struct event *event, const struct fault *fault)
{
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        struct device *device = state_device(set, event->device);
        bool hit =
            event->set ? set->id == event->set : event->operation >= 0 && set->operation == event->operation;

        if (!hit) {
            continue;
        }
        if (device && (fault_table[fault->kind].effects & FAULT_FAILS_COMMAND)) {
            device->error_completed = true;
        }
        set->fault_aborted = set->fault_aborted || (fault_table[fault->kind].effects & FAULT_ABORTS_SET) != 0;
        switch (fault->kind) {
        case FAULT_EARLY_CLOSE:
            close_by_fault(set);
            break;
        case FAULT_LOST_CLOSE:
        case FAULT_LATE_CLOSE: /* a client may be out of patience before it comes */
            if (device) {
                device->lost_close = true;
            }
            break;
        default:
            break;
        }
    }
}
