/* names.c - which devices OpenDevice may open, and what its answer means: VDI-GETCFG-002, VDI-OPEN-001 to 004. */
#include <stdio.h>
#include <string.h>

#include "runstate.h"
#include "state.h"
#include "vdierror.h"

void names_begin(struct checker *checker, const struct call *call, const char *name)
{
    struct thread_state *thread = state_thread(checker, call->process, call->thread);

    if (thread) {
        thread->opening.hash = run_name_hash(name);
        snprintf(thread->opening.name, sizeof thread->opening.name, "%s", name);
    }
}

/* Devices of the whole set; 0 unknown. */
static uint32_t device_count(struct checker *checker, const struct vdi_set *set)
{
    const struct operation_state *operation = state_find_operation(checker, set->operation);

    return set->device_count || !operation ? set->device_count : operation->bringup.create.device_count;
}

/* ---- VDI-GETCFG-002 ---- */

static void judge_state(struct checker *checker, const struct vdi_set *set, const struct call *call)
{
    if (call->set_state == SET_CONFIGURED || call->set_was_aborted) {
        return;
    }
    finding_add(checker, "VDI-GETCFG-002", call, call->operation, -1, "OpenDevice called %s",
                call->set_state == SET_CONFIGURABLE ? "before any GetConfiguration of this set had succeeded"
                : set->closed_by_client             ? "after Close, with no new set created and configured"
                                                    : "before Create and GetConfiguration");
}

/* ---- VDI-OPEN-001, 002 ---- */

static bool opened_before(const struct vdi_set *set, uint64_t hash)
{
    for (uint32_t i = 0; i < set->bringup.opened_name_count; i++) {
        if (set->bringup.opened_names[i] == hash) {
            return true;
        }
    }
    return false;
}

enum membership {
    NAME_UNKNOWN, /* not all names of the statement are known */
    NAME_OF_SET,
    NAME_FOREIGN,
};

static enum membership name_in_statement(struct checker *checker, const struct vdi_set *set, uint64_t hash)
{
    const struct operation_state *operation = state_find_operation(checker, set->operation);
    const struct statement_devices *devices =
        operation && operation->statement ? &operation->statement->devices : NULL;

    if (!devices || devices->count == 0 || devices->known < devices->count) {
        return NAME_UNKNOWN;
    }
    for (uint32_t i = 0; i < devices->count; i++) {
        if (devices->names[i] && run_name_hash(devices->names[i]) == hash) {
            return NAME_OF_SET;
        }
    }
    return NAME_FOREIGN;
}

/* Once every device is open, a loop's last OpenDevice may name anything; which error it then gets is open (X1).
 * What another process has opened, this one need not know. */
static void judge_name(struct checker *checker, const struct vdi_set *set, const struct event *event,
                       const struct call *call)
{
    const struct thread_state *thread = state_thread(checker, call->process, call->thread);
    uint32_t opened = opening_count(checker, set), count = device_count(checker, set);
    enum membership membership;
    char result[16];

    if (!thread || count == 0 || opened >= count) {
        return;
    }
    membership = name_in_statement(checker, set, thread->opening.hash);
    if (event->result == VD_E_PROTOCOL && opened_before(set, thread->opening.hash)) {
        finding_add(checker, "VDI-OPEN-001", call, call->operation, -1,
                    "OpenDevice called for '%s', which is open already (%u of %u devices are)",
                    thread->opening.name, opened, count);
    } else if (membership == NAME_FOREIGN || (membership == NAME_UNKNOWN && event->result == VD_E_INVALID)) {
        finding_add(checker, "VDI-OPEN-002", call, call->operation, -1,
                    "OpenDevice called for '%s', which is no device of the set; it gave %s",
                    thread->opening.name, result_text(event->result, result));
    }
}

/* ---- VDI-OPEN-003: the end of the loop taken for a failure ---- */

static bool is_same_set(const struct vdi_set *set, const struct vdi_set *other)
{
    return other == set || (set->operation >= 0 && other->operation == set->operation);
}

static bool anybody_serves(const struct checker *checker, const struct vdi_set *set)
{
    for (const struct vdi_set *other = checker->sets; other; other = other->next) {
        for (int i = 0; is_same_set(set, other) && i < DEVICES_MAX; i++) {
            if (other->devices[i].called) {
                return true;
            }
        }
    }
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        if (thread->open.sequence && thread->open.function == VDI_FN_GET_COMMAND) {
            return true;
        }
    }
    return false;
}

/* VD_E_OPEN, or what a library may give instead once every device is open (X1). */
static bool is_end_of_loop(struct checker *checker, const struct vdi_set *set, int32_t result)
{
    uint32_t count = device_count(checker, set);

    return result == VD_E_OPEN ||
           (result == VD_E_PROTOCOL && count > 0 && opening_count(checker, set) >= count);
}

void names_serve(struct checker *checker, const struct vdi_set *set)
{
    for (struct vdi_set *other = checker->sets; other; other = other->next) {
        if (is_same_set(set, other)) {
            other->bringup.all_open.sequence = 0;
        }
    }
}

/* The thread that got VD_E_OPEN gives the set up as its next step, and nobody has asked any device for a command.
 * It might have met another obstacle in between, as a file that it cannot open: so no more than a remark. */
void names_give_up(struct checker *checker, const struct vdi_set *set, const struct call *call)
{
    const struct operation_state *operation = state_find_operation(checker, set->operation);
    const struct call *all_open = &set->bringup.all_open;
    bool own_thread = call->thread == all_open->thread || call->sequence == 0; /* the process's end */

    if (all_open->sequence == 0 || !own_thread || call->set_was_aborted || checker->faults_fired ||
        (operation && operation->statement && operation->statement->ended)) {
        return;
    }
    finding_add_capped(checker, SEVERITY_INFO, "VDI-OPEN-003", all_open, set->operation, -1,
                       "OpenDevice failed, all %u devices being open; then the client %s without having "
                       "asked any of them for a command (right only if something else stopped it)",
                       device_count(checker, set),
                       call->function == VDI_FN_SIGNAL_ABORT ? "called SignalAbort"
                       : call->function == VDI_FN_CLOSE      ? "called Close"
                                                             : "ended");
}

/* ---- OpenDevice ---- */

static void remember_opened(struct checker *checker, struct vdi_set *set, const struct call *call)
{
    const struct thread_state *thread = state_thread(checker, call->process, call->thread);

    if (thread && set->bringup.opened_name_count < NAMES_MAX) {
        set->bringup.opened_names[set->bringup.opened_name_count++] = thread->opening.hash;
    }
}

void names_end(struct checker *checker, struct vdi_set *set, const struct event *event,
               const struct call *call)
{
    struct process_state *process = state_process(checker, call->process);
    bool faulted = event->flags & EVENT_FLAG_FAULTED;

    set->bringup.all_open.sequence = 0;
    if (event->result == 0) {
        remember_opened(checker, set, call);
        return;
    }
    if (process) {
        process->bringup.failed_open = *call;
        process->bringup.result = event->result;
    }
    if (event->result == VD_E_PROTOCOL && !faulted) {
        judge_state(checker, set, call);
    }
    if (call->set_state != SET_CONFIGURED || !set_is_live(set) || set_is_aborted(set) || faulted) {
        return;
    }
    if (event->result == VD_E_PROTOCOL || event->result == VD_E_INVALID) {
        judge_name(checker, set, event, call);
    }
    if (is_end_of_loop(checker, set, event->result) && !anybody_serves(checker, set)) {
        set->bringup.all_open = *call;
    }
}

/* ---- VDI-OPEN-004 ---- */

/* Without a failed OpenDevice the pointer was never one: VDI-GETCMD-001. */
void names_null_device(struct checker *checker, const struct call *call)
{
    const struct process_state *process = state_process(checker, call->process);
    char result[16];

    if (process && process->bringup.failed_open.sequence) {
        finding_add(checker, "VDI-OPEN-004", call, process->bringup.failed_open.operation, -1,
                    "%s called on NULL, after OpenDevice had given %s", vdi_function_names[call->function],
                    result_text(process->bringup.result, result));
        finding_set_other(checker, &process->bringup.failed_open);
    }
}
