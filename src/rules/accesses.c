/* accesses.c - what the guard saw the client touch: VDI-BUF-001 to 005, VDI-CMD-003, VDI-GETCMD-005, VDI-ABORT-002,
 * VDI-CLOSE-002 and 003.
 *
 * A finding stands at the GetCommand that fetched the command; its stack is that of the access. After completion a
 * touch is VDI-BUF-001; once GetCommand has brought the device's next command, the client must have kept the address:
 * VDI-BUF-002.
 */
#include <string.h>

#include "state.h"
#include "vdi.h"
#include "vdierror.h"

/* The guard may revoke a block before the library refuses its completion: the command is the client's still. */
static bool is_held(const struct vdi_set *set, int16_t index, uint64_t fetch)
{
    const struct command *command = index >= 0 && index < DEVICES_MAX ? set->devices[index].commands : NULL;

    while (command && command->fetch.sequence != fetch) {
        command = command->next;
    }
    return command && !command->completed_by;
}

static bool is_of_earlier_life(const struct vdi_set *set, const struct event *event)
{
    return event->call && event->call < set->life_start;
}

/* A secondary's prefix zone is what the primary asked for. */
static uint32_t prefix_zone_of(const struct checker *checker, const struct vdi_set *set)
{
    for (const struct vdi_set *other = checker->sets; other && set->secondary; other = other->next) {
        if (!other->secondary && other->operation == set->operation) {
            return other->prefix_zone;
        }
    }
    return set->prefix_zone;
}

static const char *judge_held(const struct checker *checker, const struct vdi_set *set,
                              const struct event *event)
{
    bool written = event->arg[1] == ACCESS_WRITE;

    switch (event->arg[0]) {
    case ACCESS_BUFFER:
        return written && event->arg[4] == VDC_Write ? "VDI-BUF-005" : NULL;
    case ACCESS_BEFORE_BUFFER:
        return prefix_zone_of(checker, set) ? "VDI-BUF-003" : "VDI-BUF-004";
    case ACCESS_BEYOND_BUFFER:
        return "VDI-BUF-003";
    default:
        return written ? "VDI-GETCMD-005" : NULL;
    }
}

static const char *judge_completed(const struct vdi_set *set, const struct event *event)
{
    uint64_t completion = (uint64_t)event->arg[6];

    if (completion == 0 || is_held(set, event->device, event->call)) {
        return NULL;
    }
    if (event->arg[0] == ACCESS_COMMAND) {
        return "VDI-CMD-003";
    }
    return event->device >= 0 && event->device < DEVICES_MAX &&
                   set->devices[event->device].last_fetch > completion
               ? "VDI-BUF-002"
               : "VDI-BUF-001";
}

/* Only what this thread had learnt counts: VD_E_ABORT, or its own SignalAbort. The command block stays the library's,
 * to be read until Close. */
static const char *judge_aborted(const struct vdi_set *set, const struct thread_state *thread,
                                 const struct event *event)
{
    bool aborted_itself = thread && thread->aborted_set == set->id && thread->aborted_at > set->life_start;

    if (event->arg[0] == ACCESS_COMMAND) {
        return event->arg[1] == ACCESS_WRITE ? "VDI-GETCMD-005" : NULL;
    }
    return !is_of_earlier_life(set, event) && (aborted_itself || sets_thread_saw_abort(set, event->thread))
               ? "VDI-ABORT-002"
               : NULL;
}

/* Buffers held when a fault closed the set stay readable until their holder's next call (design 4.4). */
static const char *judge_closed(const struct vdi_set *set, const struct event *event)
{
    bool of_another_thread = set->close.sequence && set->close.thread != event->thread &&
                             set->close.sequence == (uint64_t)event->arg[6];

    if (is_of_earlier_life(set, event)) {
        return set->earlier_life_cut ? NULL : "VDI-CLOSE-003";
    }
    if (set->closed_by_fault) {
        return sets_thread_saw_fault(set, event->thread, -1) ? "VDI-CLOSE-003" : NULL;
    }
    if (!set->close.sequence) {
        return NULL;
    }
    return of_another_thread ? "VDI-CLOSE-002" : "VDI-CLOSE-003";
}

static const char *judge(const struct checker *checker, const struct vdi_set *set,
                         const struct thread_state *thread, const struct event *event)
{
    switch (event->arg[2]) {
    case ACCESS_WHILE_HELD:
        return judge_held(checker, set, event);
    case ACCESS_AFTER_COMPLETION:
        return judge_completed(set, event);
    case ACCESS_AFTER_ABORT:
        return judge_aborted(set, thread, event);
    case ACCESS_AFTER_CLOSE:
        return judge_closed(set, event);
    default:
        return NULL;
    }
}

/* The access as a call: at the one that fetched the command. */
static struct call call_of(const struct vdi_set *set, const struct event *event)
{
    return (struct call){.sequence = event->call ? event->call : event->sequence,
                         .time_ns = event->time_ns,
                         .stack = event->stack,
                         .operation = event->operation >= 0 ? event->operation : set->operation,
                         .process = event->process,
                         .thread = event->thread,
                         .function = event->function < VDI_FN_COUNT ? event->function : VDI_FN_NONE,
                         .device = event->device};
}

static const char *when_of(const char *rule, const struct event *event)
{
    static const char *const whens[] = {[ACCESS_WHILE_HELD] = "while the client held it",
                                        [ACCESS_AFTER_COMPLETION] = "after its completion",
                                        [ACCESS_AFTER_ABORT] = "by a thread that knew of the abort",
                                        [ACCESS_AFTER_CLOSE] = "after Close"};

    if (strcmp(rule, "VDI-CLOSE-002") == 0) {
        return "after Close, by another thread than the one that closed";
    }
    return strcmp(rule, "VDI-BUF-002") == 0 ? "after its completion and the device's next GetCommand"
                                            : whens[event->arg[2]];
}

static void report(struct checker *checker, const char *rule, const struct vdi_set *set,
                   const struct event *event, const char *text)
{
    static const char *const whats[] = {[ACCESS_BUFFER] = "the buffer",
                                        [ACCESS_BEFORE_BUFFER] = "memory before the buffer",
                                        [ACCESS_BEYOND_BUFFER] = "memory beyond the buffer",
                                        [ACCESS_COMMAND] = "the command block"};
    struct call access = call_of(set, event);
    bool at_close = strcmp(rule, "VDI-CLOSE-002") == 0;
    bool still_valid = strcmp(rule, "VDI-ABORT-002") == 0; /* until Close (spec 8) */
    char name[32];

    finding_add_capped(checker, still_valid ? SEVERITY_WARNING : SEVERITY_ERROR, rule,
                       at_close ? &set->close : &access, access.operation, event->device,
                       "%s of a %s of device %d was %s%s%s at offset %lld of %lld bytes, %s",
                       whats[event->arg[0]], command_text((int32_t)event->arg[4], name), event->device,
                       event->arg[1] == ACCESS_WRITE ? "written" : "read", text[0] ? " by " : "", text,
                       (long long)event->arg[3], (long long)event->arg[5], when_of(rule, event));
    if (still_valid) {
        finding_set_assumption(checker, ASSUMPTION_OURS);
    }
    if (at_close) {
        finding_set_other(checker, &access);
    }
}

void accesses_take(struct checker *checker, const struct event *event, const char *text)
{
    struct vdi_set *set = state_set(checker, event->set);
    const char *rule;

    if (!set || event->side != EVENT_SIDE_CLIENT || event->flags & EVENT_FLAG_BY_FAULT ||
        event->arg[0] < ACCESS_BUFFER || event->arg[0] > ACCESS_COMMAND) {
        return;
    }
    rule = judge(checker, set, state_thread(checker, event->process, event->thread), event);
    if (rule) {
        report(checker, rule, set, event, text);
    }
}
