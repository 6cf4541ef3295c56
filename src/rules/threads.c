/* threads.c - calls of two threads that must not run at once: VDI-THR-001, VDI-CLOSE-002, VDI-LIFE-001.
 *
 * That a call began while another was under way is exact in the run-wide order of the events: a client that orders its
 * threads has the end of the one before the begin of the other. It is only said once the end of the first one has come,
 * too: an end that was lost must not make a call look longer than it was.
 *
 * One overlap on a device is allowed: CompleteCommand beside GetCommand, as asynchronous I/O needs it (spec 1, 3.6;
 * VDI-GETCMD-006). SignalAbort may come from any thread at any time.
 */
#include "state.h"
#include "vdierror.h"

/* Calls that use the set, its devices or its buffers. */
static bool uses_set(uint16_t function)
{
    switch (function) {
    case VDI_FN_GET_CONFIGURATION:
    case VDI_FN_OPEN_DEVICE:
    case VDI_FN_GET_COMMAND:
    case VDI_FN_COMPLETE_COMMAND:
    case VDI_FN_GET_BUFFER_HANDLE:
    case VDI_FN_MAP_BUFFER_HANDLE:
        return true;
    default:
        return false;
    }
}

/* What is wrong about `later` beginning while `open` is under way. */
static enum clash find_clash(const struct vdi_set *set, const struct call *open, const struct call *later)
{
    bool same_device = open->device >= 0 && open->device == later->device;
    bool closing = open->function == VDI_FN_CLOSE || later->function == VDI_FN_CLOSE;

    if (open->function == VDI_FN_DESTROY || later->function == VDI_FN_DESTROY) {
        return CLASH_DESTROY;
    }
    if (closing && set_is_live(set) &&
        (uses_set(open->function) || uses_set(later->function) || open->function == later->function)) {
        return CLASH_CLOSE;
    }
    if (same_device && open->function == later->function) {
        return open->function == VDI_FN_GET_COMMAND        ? CLASH_GET_COMMAND
               : open->function == VDI_FN_COMPLETE_COMMAND ? CLASH_COMPLETE_COMMAND
                                                           : CLASH_NONE;
    }
    return CLASH_NONE;
}

void threads_begin(struct checker *checker, const struct vdi_set *set, const struct call *call)
{
    for (struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        const struct call *open = &thread->open;
        enum clash kind;

        if (thread->process != call->process) {
            continue; /* another process, or a copy of this one */
        }
        if (thread->thread == call->thread) {
            thread->clash.call.sequence = 0; /* the end of its last call was lost */
            continue;
        }
        if (!open->sequence || open->set != set->id || thread->clash.call.sequence) {
            continue;
        }
        kind = find_clash(set, open, call);
        if (kind != CLASH_NONE) {
            thread->clash.kind = kind;
            thread->clash.call = *call;
        }
    }
}

static void report_same_device(struct checker *checker, enum clash kind, const struct call *open,
                               const struct call *later)
{
    finding_add_capped(checker, kind == CLASH_GET_COMMAND ? SEVERITY_ERROR : SEVERITY_WARNING, "VDI-THR-001",
                       later, later->operation, later->device,
                       "%s called on device %d while another thread was still inside %s of the same device",
                       vdi_function_names[later->function], later->device,
                       vdi_function_names[open->function]);
    if (kind == CLASH_COMPLETE_COMMAND) {
        finding_set_assumption(checker, ASSUMPTION_OURS);
    }
    finding_set_other(checker, open);
}

/* `ending` is the Close or destructor, whichever of the two began first. */
static void report_end_under_use(struct checker *checker, enum clash kind, const struct call *ending,
                                 const struct call *use, bool use_came_first)
{
    finding_add(checker, kind == CLASH_CLOSE ? "VDI-CLOSE-002" : "VDI-LIFE-001", ending, ending->operation,
                use->device, "%s while another thread %s %s (device %d)",
                kind == CLASH_CLOSE ? "Close was called" : "the set was destroyed",
                use_came_first ? "was still inside" : "began", vdi_function_names[use->function],
                use->device);
    finding_set_other(checker, use);
}

void threads_end(struct checker *checker, struct thread_state *thread, const struct event *event)
{
    const struct call *open = &thread->open, *later = &thread->clash.call;
    uint16_t ending = thread->clash.kind == CLASH_CLOSE ? VDI_FN_CLOSE : VDI_FN_DESTROY;

    if (later->sequence && open->sequence == event->call) {
        if (thread->clash.kind == CLASH_GET_COMMAND || thread->clash.kind == CLASH_COMPLETE_COMMAND) {
            report_same_device(checker, thread->clash.kind, open, later);
        } else if (later->function == ending) {
            report_end_under_use(checker, thread->clash.kind, later, open, true);
        } else {
            report_end_under_use(checker, thread->clash.kind, open, later, false);
        }
    }
    thread->clash.call.sequence = 0;
}
