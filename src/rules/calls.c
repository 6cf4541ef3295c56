/* calls.c - begins and ends of the client's calls: pairs them, by thread, and brings them to the rules. */
#include <assert.h>
#include <stdlib.h>

#include "durability.h"

static struct call call_from_begin(const struct event *event)
{
    bool waits = event->function == VDI_FN_GET_COMMAND || event->function == VDI_FN_GET_CONFIGURATION;

    return (struct call){
        .sequence = event->sequence,
        .time_ns = event->time_ns,
        .set = event->set,
        .object = event->arg[6],
        .stack = event->stack,
        .timeout = waits ? event->arg[0] : 0,
        .device_count = event->function == VDI_FN_CREATE && event->arg[0] > 0 && event->arg[0] <= DEVICES_MAX
                            ? (uint32_t)event->arg[0]
                            : 0,
        .prefix_zone = event->function == VDI_FN_CREATE ? (uint32_t)event->arg[3] : 0,
        .buffer_unknown = event->function == VDI_FN_GET_BUFFER_HANDLE && event->arg[1] == 0,
        .operation = event->operation,
        .process = event->process,
        .thread = event->thread,
        .repeat = event->repeat,
        .function = event->function,
        .device = event->device,
        .begun = true};
}

/* Create begins a new operation, whose number it may know only at its end; its name comes at its begin. */
static void take_create_begin(struct checker *checker, struct vdi_set *set, const char *text)
{
    free(set->name);
    set->name = text[0] ? state_copy_text(checker, text) : NULL;
}

void calls_begin(struct checker *checker, const struct event *event, const char *text)
{
    struct vdi_set *set = state_set(checker, event->set);
    struct thread_state *thread = state_thread(checker, event->process, event->thread);
    struct process_state *process = state_process(checker, event->process);
    struct call call = call_from_begin(event);

    assert(event->function < VDI_FN_COUNT);
    if (thread) {
        outcome_call_begin(checker, thread, event->time_ns);
    }
    if (process) {
        process->called = true;
    }
    checker->judgement.vdi_calls++;
    if (set) {
        if (event->function == VDI_FN_CREATE) {
            take_create_begin(checker, set, text);
        } else if (call.operation < 0) {
            call.operation = set->operation;
        }
        call.set_was_aborted = set_is_aborted(set);
        call.set_state = set->state;
        set->last_sequence = event->sequence;
        threads_begin(checker, set, &call);
        handles_begin(checker, set, event, &call);
        endings_begin(checker, set, event, &call);
        sets_judge_begin(checker, set, &call);
        if (event->function == VDI_FN_COMPLETE_COMMAND) {
            commands_complete_begin(checker, set, event, &call);
        }
    }
    bringup_begin(checker, set, event, &call, text);
    if (thread) {
        thread->open = call;
    }
}

/* When the last of the folded calls ended: the event has the time of the first one's end only. */
static uint64_t end_of_repetitions(const struct call *call, const struct event *end)
{
    uint64_t each = end->time_ns > call->time_ns ? end->time_ns - call->time_ns : 0;

    return end->repeat && each > (UINT64_MAX - end->time_ns) / end->repeat
               ? UINT64_MAX
               : end->time_ns + each * end->repeat;
}

/* The reader folds a call that its thread repeats, with the same result, into the end of the first one: the
 * repetitions began after that end, and knew what it told. */
static void judge_repetitions(struct checker *checker, struct vdi_set *set, const struct event *event,
                              const struct call *call)
{
    struct call again = *call;

    if (event->repeat > 0) {
        again.repeat = event->repeat - 1;
        again.set_was_aborted = set_is_aborted(set);
        sets_judge_begin(checker, set, &again);
    }
}

/* The call that an END belongs to. If its begin was lost, what the END itself tells must do. */
static struct call take_open_call(struct thread_state *thread, const struct vdi_set *set,
                                  const struct event *event)
{
    struct call call = {.sequence = event->call,
                        .time_ns = event->time_ns,
                        .set = event->set,
                        .timeout = 1,
                        .operation = event->operation,
                        .process = event->process,
                        .thread = event->thread,
                        .stack = event->stack,
                        .function = event->function,
                        .device = event->device,
                        .set_was_aborted = set && set_is_aborted(set)};

    if (thread && thread->open.sequence && thread->open.sequence == event->call &&
        thread->open.function == event->function) {
        call = thread->open;
    }
    if (thread) {
        thread->open.sequence = 0;
        thread->last = call;
        thread->last_result = event->result;
        thread->last_end_ns = end_of_repetitions(&call, event);
    }
    call.repeat = 0; /* repetitions are counted once, at the begin */
    if (call.operation < 0) {
        call.operation = event->operation >= 0 || !set ? event->operation : set->operation;
    }
    return call;
}

void calls_end(struct checker *checker, const struct event *event)
{
    struct vdi_set *set = state_set(checker, event->set);
    struct thread_state *thread = state_thread(checker, event->process, event->thread);
    struct call call;

    assert(event->function < VDI_FN_COUNT);
    if (thread) {
        threads_end(checker, thread, event);
    }
    call = take_open_call(thread, set, event);
    checker->judgement.vdi_calls += event->repeat;
    if (thread) {
        outcome_call_end(thread, &call, event);
    }
    if (!set) {
        waiting_unknown_device(checker, &call, event->result);
        return;
    }
    set->last_sequence = event->sequence;
    if (event->function == VDI_FN_COMPLETE_COMMAND && event->call) {
        commands_complete_end(checker, set, event, &call);
    }
    if (event->function == VDI_FN_GET_CONFIGURATION && event->result == 0) {
        durability_configured(checker, call.operation, (uint32_t)event->arg[0]);
    }
    bringup_end(checker, set, event, &call);
    sets_apply_end(checker, set, event, &call);
    endings_end(checker, set, event, &call);
    handles_end(checker, set, event, &call);
    operations_call_result(checker, set, &call, event->result);
    judge_repetitions(checker, set, event, &call);
}
