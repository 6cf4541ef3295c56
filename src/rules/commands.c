/* commands.c - what becomes of fetched commands: VDI-CMD-001, VDI-CMD-002, VDI-CMD-008. */
#include <stdio.h>
#include <stdlib.h>

#include "codes.h"
#include "durability.h"
#include "vdi.h"
#include "vdierror.h"

#define FORGOTTEN_NS 30000000000u

/* A command no client can know: its code is in no document (spec 5.5). */
static bool is_unknown_command(int32_t code)
{
    return code < VDC_Read || code > VDC_Complete;
}

static void unlink_command(struct device *device, struct command **link)
{
    struct command *command = *link;

    *link = command->next;
    free(command);
    device->command_count--;
}

void commands_drop_all(struct device *device)
{
    while (device->commands) {
        unlink_command(device, &device->commands);
    }
}

/* The block's command in the client's hands. */
static struct command **find_command(struct device *device, int64_t block)
{
    struct command **link = &device->commands;

    while (*link && ((*link)->block != block || (*link)->completed_by)) {
        link = &(*link)->next;
    }
    return *link ? link : NULL;
}

void commands_fetched(struct checker *checker, struct vdi_set *set, const struct event *event,
                      const struct call *call)
{
    struct device *device = state_device(set, event->device);
    struct command **known, **tail;
    struct command *command;

    durability_fetched(checker, event, call);
    if (!device || device->command_count >= COMMANDS_MAX) {
        return;
    }
    known = find_command(device, event->arg[0]);
    if (known) { /* completed behind our back: the library would not hand out a block twice */
        unlink_command(device, known);
    }
    command = calloc(1, sizeof *command);
    if (!command) {
        checker->out_of_memory = true;
        return;
    }
    *command = (struct command){.block = event->arg[0],
                                .size = event->arg[2],
                                .position = event->arg[3],
                                .code = (int32_t)event->arg[1],
                                .nth = event->arg[5],
                                .fetch = *call,
                                .fetched_ns = event->time_ns};
    for (tail = &device->commands; *tail; tail = &(*tail)->next) {
    }
    *tail = command;
    device->command_count++;
    transfer_fetched(checker, call, event->device, command->code);
}

/* A poll that finds nothing says nothing about who is waiting; a wait does. */
void commands_timed_out(struct vdi_set *set, const struct event *event, const struct call *call)
{
    struct device *device = state_device(set, event->device);

    if (!device) {
        return;
    }
    if (event->flags & EVENT_FLAG_FAULTED && !device->lost_close) {
        device->transfer.timed_out = *call;
        return; /* said before its time: nobody was kept waiting */
    }
    device->waited = device->waited || call->timeout != 0;
    device->transfer.timed_out = *call;
    for (struct command *command = device->commands; command; command = command->next) {
        if (command->fetch.thread == call->thread && command->fetch.sequence < call->sequence &&
            (call->timeout != 0 || event->time_ns >= command->fetched_ns + PATIENCE_NS)) {
            command->kept_server_waiting = true;
        }
    }
}

static int other_device_holding(struct vdi_set *set, int16_t device, int64_t block)
{
    for (int i = 0; i < DEVICES_MAX; i++) {
        if (i != device && find_command(&set->devices[i], block)) {
            return i;
        }
    }
    return -1;
}

/* A block that is not in the client's hands on this device: VDI-CMD-002, unless the set is gone anyway. */
static void judge_foreign_block(struct checker *checker, struct vdi_set *set, const struct event *event,
                                const struct call *call)
{
    uint64_t fetched_by = (uint64_t)event->arg[4];
    int holder = other_device_holding(set, event->device, event->arg[0]);
    char name[32];

    if (!set_is_live(set) || set_is_aborted(set) ||
        state_device(set, event->device)->command_count >= COMMANDS_MAX) {
        return;
    }
    if (fetched_by && fetched_by < set->life_start && set->earlier_life_cut) {
        return; /* a straggler of a life that a fault or an abort ended */
    }
    if (holder >= 0) {
        finding_add(checker, "VDI-CMD-002", call, call->operation, event->device,
                    "CompleteCommand on device %d was given a command fetched on device %d", event->device,
                    holder);
    } else if (fetched_by) {
        finding_add(checker, "VDI-CMD-002", call, call->operation, event->device,
                    "CompleteCommand on device %d was given a %s that had been completed already",
                    event->device, command_text((int32_t)event->arg[5], name));
    } else {
        finding_add(checker, "VDI-CMD-002", call, call->operation, event->device,
                    "CompleteCommand on device %d was given 0x%llx, which no GetCommand returned",
                    event->device, (unsigned long long)event->arg[0]);
    }
}

void commands_complete_begin(struct checker *checker, struct vdi_set *set, const struct event *event,
                             const struct call *call)
{
    struct device *device = state_device(set, event->device);
    struct command **link;
    char name[32];

    if (!device) {
        return;
    }
    link = find_command(device, event->arg[0]);
    if (!link) {
        judge_foreign_block(checker, set, event, call);
        return;
    }
    device->error_completed = device->error_completed || code_is_io_error((int32_t)event->arg[1]);
    if (event->arg[1] == ERROR_SUCCESS && is_unknown_command((*link)->code) && !set_is_aborted(set)) {
        finding_add(checker, "VDI-CMD-008", call, call->operation, event->device,
                    "%s on device %d, which this client cannot know, was completed with SUCCESS",
                    command_text((*link)->code, name), event->device);
    }
    for (struct command *other = device->commands; other; other = other->next) {
        other->overtaken = other->overtaken || other->fetch.sequence < (*link)->fetch.sequence;
    }
    if (event->arg[1] == ERROR_SUCCESS) {
        durability_acknowledged(checker, (*link)->code, call);
    } else {
        durability_refused(checker, (*link)->fetch.sequence);
    }
    (*link)->completed_by = call->sequence;
    (*link)->answer_code = (int32_t)event->arg[1];
    (*link)->answer_bytes = event->arg[2];
    (*link)->answer_position = event->arg[3];
    answers_judge(checker, set, event->device, *link, call);
}

/* Until its end a completion can be refused, as one of more bytes than the command's size is: the command is then
 * still the client's, to be completed right. */
void commands_complete_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                           const struct call *call)
{
    struct device *device = state_device(set, event->device);
    struct command **link = device ? &device->commands : NULL;

    while (link && *link && (*link)->completed_by != event->call) {
        link = &(*link)->next;
    }
    if (!link || !*link) {
        return;
    }
    if (event->result == VD_E_INVALID) {
        (*link)->completed_by = 0;
        return;
    }
    if (event->result == 0) {
        answers_apply(checker, set, event->device, *link, call);
    }
    unlink_command(device, link);
}

/* A command that is still worked on looks like a forgotten one. Forgotten it is once the client has gone on to
 * complete later ones, or has had more time than any work takes. */
static bool seems_forgotten(const struct command *command, uint64_t now)
{
    return command->overtaken || now >= command->fetched_ns + FORGOTTEN_NS;
}

/* Whether the client sat waiting for more on the device while the server waited for this command. */
static bool server_was_kept_waiting(struct checker *checker, const struct vdi_set *set, int16_t index,
                                    const struct command *command, uint64_t now)
{
    const struct operation_state *operation = state_find_operation(checker, set->operation);

    if (command->kept_server_waiting) {
        return true;
    }
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        const struct call *open = &thread->open;

        if (operation && operation->waiting && open->sequence && open->set == set->id &&
            open->device == index && open->function == VDI_FN_GET_COMMAND &&
            now >= open->time_ns + PATIENCE_NS) {
            return true;
        }
    }
    return false;
}

static void report_abandoned(struct checker *checker, const struct vdi_set *set, int16_t index,
                             const struct command *command, const char *when)
{
    char name[32], nth[32] = "";
    bool unknown = is_unknown_command(command->code);

    if (command->nth > 0 && !unknown) {
        snprintf(nth, sizeof nth, " #%lld", (long long)command->nth);
    }
    finding_add(checker, unknown ? "VDI-CMD-008" : "VDI-CMD-001", &command->fetch, set->operation, index,
                "%s%s of device %d, fetched by this call, was not completed %s",
                command_text(command->code, name), nth, index, when);
}

static bool counts_as_abandoned(struct checker *checker, const struct vdi_set *set, int16_t index,
                                const struct command *command, enum abandoned which, uint64_t now)
{
    switch (which) {
    case ABANDONED_ALL:
        return true;
    case ABANDONED_OLD:
        return now >= command->fetched_ns + PATIENCE_NS;
    case ABANDONED_BLOCKING_ONE:
        /* After an error completion an abort is the documented next step (spec 9.4), whatever is held, but
         * ClearError: it only comes once everything is completed. */
        return (!set->devices[index].error_completed || command->code == VDC_ClearError) &&
               seems_forgotten(command, now) && server_was_kept_waiting(checker, set, index, command, now);
    }
    return false;
}

void commands_judge_abandoned(struct checker *checker, const struct vdi_set *set, enum abandoned which,
                              uint64_t now, const char *when)
{
    for (int16_t i = 0; i < DEVICES_MAX; i++) {
        for (const struct command *command = set->devices[i].commands; command; command = command->next) {
            if (!command->completed_by && counts_as_abandoned(checker, set, i, command, which, now)) {
                report_abandoned(checker, set, i, command, when);
            }
        }
    }
}
