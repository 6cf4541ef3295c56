/* handles.c - buffers that other processes work on: VDI-BUF-006, VDI-BUF-007, VDI-BUF-008 (spec 3.11, 8). */
#include "state.h"
#include "vdi.h"
#include "vdierror.h"

/* The command of the set that this GetCommand fetched and that is in the client's hands or on its way out of them. */
static struct command *find_fetched(struct vdi_set *set, uint64_t fetch)
{
    for (int i = 0; i < DEVICES_MAX && fetch; i++) {
        for (struct command *command = set->devices[i].commands; command; command = command->next) {
            if (command->fetch.sequence == fetch) {
                return command;
            }
        }
    }
    return NULL;
}

/* A fetch that is not known was lost, or is of a command that another thread completes just now. */
static void begin_get_handle(struct checker *checker, struct vdi_set *set, const struct event *event,
                             const struct call *call)
{
    struct command *command = find_fetched(set, (uint64_t)event->arg[1]);
    char name[32];

    if (!set_is_live(set) || set_is_aborted(set)) {
        return;
    }
    if (command && command->code != VDC_Read && command->code != VDC_Write) {
        finding_add(checker, "VDI-BUF-006", call, call->operation, command->fetch.device,
                    "GetBufferHandle called for a %s, fetched on device %d, which has no data buffer",
                    command_text(command->code, name), command->fetch.device);
    } else if (command) {
        command->handle_process = call->process;
    }
}

/* No command in the client's hands has the buffer. */
static void end_get_handle(struct checker *checker, const struct vdi_set *set, const struct event *event,
                           const struct call *call)
{
    struct operation_state *operation = state_find_operation(checker, call->operation);
    uint32_t handle = (uint32_t)event->arg[0];

    if (call->buffer_unknown && set_is_live(set) && !set_is_aborted(set) &&
        (event->result == 0 || event->result == VD_E_INVALID)) {
        finding_add(checker, "VDI-BUF-006", call, call->operation, -1,
                    "GetBufferHandle called for a buffer of no command that the client holds (it gave %s)",
                    event->result ? "VD_E_INVALID" : "NOERROR");
    }
    if (event->result != 0 || !operation) {
        return;
    }
    for (uint32_t i = 0; i < operation->handle_count; i++) {
        if (operation->handles[i] == handle) {
            return;
        }
    }
    if (operation->handle_count < HANDLES_MAX) {
        operation->handles[operation->handle_count++] = handle;
    }
}

static bool has_handle(const struct operation_state *operation, uint32_t handle)
{
    for (uint32_t i = 0; i < operation->handle_count; i++) {
        if (operation->handles[i] == handle) {
            return true;
        }
    }
    return false;
}

/* Handles are numbers that two sets may both have given: only one that this set never gave is foreign. */
static void begin_map_handle(struct checker *checker, const struct vdi_set *set, const struct event *event,
                             const struct call *call)
{
    const struct operation_state *own = state_find_operation(checker, set->operation);
    uint32_t handle = (uint32_t)event->arg[0];

    if (!own || !set_is_live(set) || own->handle_count == HANDLES_MAX || has_handle(own, handle)) {
        return;
    }
    for (const struct operation_state *other = checker->operations; other; other = other->next) {
        if (other != own && has_handle(other, handle)) {
            finding_add(
                checker, "VDI-BUF-007", call, call->operation, -1,
                "MapBufferHandle was given handle %u, which is of the set of operation %d, not of this"
                " one's",
                handle, other->shown.id);
            return;
        }
    }
}

static void begin_complete(struct checker *checker, struct vdi_set *set, const struct event *event,
                           const struct call *call)
{
    const struct command *command = find_fetched(set, (uint64_t)event->arg[4]);
    char name[32];

    if (command && !command->completed_by && command->handle_process &&
        command->handle_process != call->process) {
        finding_add(
            checker, "VDI-BUF-008", call, call->operation, call->device,
            "CompleteCommand of a %s of device %d called by process %u, its buffer's handle having been"
            " got by process %u",
            command_text(command->code, name), call->device, call->process, command->handle_process);
    }
}

void handles_begin(struct checker *checker, struct vdi_set *set, const struct event *event,
                   const struct call *call)
{
    switch (call->function) {
    case VDI_FN_GET_BUFFER_HANDLE:
        begin_get_handle(checker, set, event, call);
        break;
    case VDI_FN_MAP_BUFFER_HANDLE:
        begin_map_handle(checker, set, event, call);
        break;
    case VDI_FN_COMPLETE_COMMAND:
        begin_complete(checker, set, event, call);
        break;
    default:
        break;
    }
}

void handles_end(struct checker *checker, const struct vdi_set *set, const struct event *event,
                 const struct call *call)
{
    if (call->function == VDI_FN_GET_BUFFER_HANDLE) {
        end_get_handle(checker, set, event, call);
    }
}
