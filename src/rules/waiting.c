/* waiting.c - what a client waits on, and how it takes the end of a wait: VDI-GETCMD-001, 004, 006, VDI-IO-001. */
#include "state.h"
#include "vdierror.h"

/* Work on a command can take long. Who has waited for more commands this long after an error has forgotten it. */
#define ERROR_PATIENCE_NS 30000000000u

/* ---- VDI-GETCMD-001 ---- */

/* Whether a set of the process came to a forced end: its stragglers may still hold objects that are gone. */
static bool has_cut_set(const struct checker *checker, uint32_t process)
{
    for (const struct vdi_set *set = checker->sets; set; set = set->next) {
        if (set->process == process && (set->earlier_life_cut || set_is_aborted(set))) {
            return true;
        }
    }
    return false;
}

static bool has_failed_opening(const struct checker *checker, uint32_t process)
{
    for (const struct vdi_set *set = checker->sets; set; set = set->next) {
        if (set->process == process && set->open_failed) {
            return true;
        }
    }
    return false;
}

/* The null pointer of an OpenDevice that failed is VDI-OPEN-004's. */
static bool is_failed_open(const struct checker *checker, const struct call *call)
{
    return call->object == 0 && has_failed_opening(checker, call->process);
}

/* GetCommand on an object that is no device of any set. That we know none is not enough: only its result tells
 * that the library knows none either. */
void waiting_unknown_device(struct checker *checker, const struct call *call, int32_t result)
{
    char name[16];

    if (call->function != VDI_FN_GET_COMMAND || call->device >= 0 || has_cut_set(checker, call->process) ||
        is_failed_open(checker, call) ||
        (result != VD_E_PROTOCOL && result != VD_E_INVALID && result != VD_E_NOTOPEN)) {
        return;
    }
    finding_add(checker, "VDI-GETCMD-001", call, call->operation, -1,
                "GetCommand called on 0x%llx, which is no device that OpenDevice returned; it gave %s",
                (unsigned long long)call->object, result_text(result, name));
}

/* The same where the library did not survive the question, as with a null pointer. */
void waiting_judge_death(struct checker *checker, uint32_t process)
{
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        const struct call *open = &thread->open;

        if (thread->process == process && open->sequence && open->function == VDI_FN_GET_COMMAND &&
            open->set == 0 && open->device < 0 && !has_cut_set(checker, process) &&
            !is_failed_open(checker, open)) {
            finding_add(
                checker, "VDI-GETCMD-001", open, open->operation, -1,
                "GetCommand called on 0x%llx, which is no device that OpenDevice returned; the client "
                "died in it",
                (unsigned long long)open->object);
        }
    }
}

void waiting_judge_begin(struct checker *checker, const struct vdi_set *set, const struct call *call)
{
    if (set_is_live(set) && call->operation != set->operation && !set->earlier_life_cut &&
        call->device >= 0) {
        finding_add(
            checker, "VDI-GETCMD-001", call, call->operation, call->device,
            "GetCommand called on device %d of operation %d, whose set was closed; the object holds the "
            "set of operation %d now",
            call->device, call->operation, set->operation);
    }
}

/* ---- VDI-IO-001, VDI-GETCMD-006: waiting with commands in hand ---- */

/* The first command that the thread holds on this device while it is inside `open`. */
static const struct command *held_while(const struct device *device, const struct call *open)
{
    for (const struct command *command = device->commands; command; command = command->next) {
        if (!command->completed_by && command->fetch.sequence < open->sequence) {
            return command;
        }
    }
    return NULL;
}

static void judge_blocked(struct checker *checker, const struct vdi_set *set, const struct call *open)
{
    const struct device *device = &set->devices[open->device];
    const struct command *held = held_while(device, open);
    const struct operation_state *operation = state_find_operation(checker, set->operation);
    uint64_t error = device->transfer.error_sequence;
    char name[32];

    if (!held) {
        return;
    }
    if (error && error < open->sequence && held->fetch.sequence < error) {
        finding_add(
            checker, "VDI-IO-001", open, set->operation, open->device,
            "device %d waits in GetCommand after it had completed a command with an error, while %s, fetched "
            "before, is not completed",
            open->device, command_text(held->code, name));
    } else if (open->timeout < 0 && operation && operation->waiting) {
        finding_add(
            checker, "VDI-GETCMD-006", open, set->operation, open->device,
            "device %d waits in GetCommand without limit, while %s, fetched before, is not completed and the "
            "server waits for it",
            open->device, command_text(held->code, name));
    }
}

void waiting_judge_hang(struct checker *checker, const struct vdi_set *set, const struct event *event)
{
    uint64_t since =
        event->arg[0] == HANG_CERTAIN ? 0 : PATIENCE_NS; /* or a slow thread is just passing by */

    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        const struct call *open = &thread->open;

        if (open->sequence && open->set == set->id && open->function == VDI_FN_GET_COMMAND &&
            open->device >= 0 && open->device < DEVICES_MAX && event->time_ns >= open->time_ns + since) {
            judge_blocked(checker, set, open);
        }
    }
}

void waiting_judge_abort(struct checker *checker, const struct vdi_set *set, uint64_t now)
{
    char name[32];

    for (int16_t i = 0; i < DEVICES_MAX; i++) {
        const struct device *device = &set->devices[i];
        const struct device_transfer *transfer = &device->transfer;

        for (const struct command *command = device->commands; command; command = command->next) {
            if (!command->completed_by && command->kept_server_waiting && transfer->error_sequence &&
                command->fetch.sequence < transfer->error_sequence &&
                transfer->timed_out.sequence > transfer->error_sequence &&
                now >= transfer->error_ns + ERROR_PATIENCE_NS) {
                finding_add(checker, "VDI-IO-001", &transfer->timed_out, set->operation, i,
                            "device %d waited in GetCommand after it had completed a command with an error, "
                            "while %s, "
                            "fetched before, was not completed",
                            i, command_text(command->code, name));
                break;
            }
        }
    }
}

/* ---- VDI-GETCMD-004 ---- */

static bool is_inside_call(const struct checker *checker, const struct vdi_set *set, int16_t device)
{
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        if (thread->open.sequence && thread->open.set == set->id && thread->open.device == device) {
            return true;
        }
    }
    return false;
}

void waiting_judge_end(struct checker *checker, const struct vdi_set *set, enum waiting_end end)
{
    for (int16_t i = 0; i < DEVICES_MAX; i++) {
        const struct device *device = &set->devices[i];

        if (device->opened && device->called && !device->close_delivered &&
            device->last_result == VD_E_TIMEOUT && !is_inside_call(checker, set, i)) {
            finding_add(
                checker, "VDI-GETCMD-004", &device->transfer.timed_out, set->operation, i,
                "the last GetCommand on device %d gave VD_E_TIMEOUT, and the client took that for the end: "
                "it %s",
                i, end == WAITING_CLOSED ? "closed the set" : "ended with success");
        }
    }
}
