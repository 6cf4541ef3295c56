/* bringup.c - hands calls and ends to the rules about a set before its transfer; see bringup.h. */
#include "state.h"

static void leave(struct checker *checker, const struct vdi_set *set, const struct call *call)
{
    names_give_up(checker, set, call);
    creation_given_up(checker, set, call);
    if (call->function == VDI_FN_CLOSE) {
        secondaries_judge(checker, set, call, "when it called Close", true);
    }
}

void bringup_begin(struct checker *checker, struct vdi_set *set, const struct event *event,
                   const struct call *call, const char *text)
{
    bool on_device = call->function == VDI_FN_GET_COMMAND || call->function == VDI_FN_COMPLETE_COMMAND;

    timeouts_judge_timeout(checker, call);
    if (!set) {
        if (on_device && event->set == 0 && event->arg[6] == 0) {
            names_null_device(checker, call);
        }
        return;
    }
    switch (call->function) {
    case VDI_FN_CREATE:
        creation_begin(checker, call);
        break;
    case VDI_FN_GET_CONFIGURATION:
        timeouts_begin(checker, set, call);
        break;
    case VDI_FN_GET_COMMAND:
        names_serve(checker, set);
        break;
    case VDI_FN_OPEN_IN_SECONDARY:
        secondaries_begin(checker, set, call, text);
        break;
    case VDI_FN_OPEN_DEVICE:
        names_begin(checker, call, text);
        break;
    case VDI_FN_SIGNAL_ABORT:
    case VDI_FN_CLOSE:
        leave(checker, set, call);
        break;
    default:
        break;
    }
}

typedef void end_rule(struct checker *checker, struct vdi_set *set, const struct event *event,
                      const struct call *call);
static end_rule *const end_rules[VDI_FN_COUNT] = {
    [VDI_FN_CREATE] = creation_end,
    [VDI_FN_GET_CONFIGURATION] = timeouts_end,
    [VDI_FN_OPEN_DEVICE] = names_end,
    [VDI_FN_OPEN_IN_SECONDARY] = secondaries_end,
};

void bringup_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                 const struct call *call)
{
    /* Without its begin nobody knows what the client knew then. */
    if (call->begun && end_rules[call->function]) {
        end_rules[call->function](checker, set, event, call);
    }
}

void bringup_process_exit(struct checker *checker, const struct event *event,
                          const struct process_state *process)
{
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        struct call at = {.process = event->process,
                          .device = -1,
                          .operation = set->operation,
                          .set_was_aborted = set_is_aborted(set)};

        if (set_is_live(set) && set->process == event->process && process->by_itself) {
            names_give_up(checker, set, &at);
            secondaries_judge(checker, set, &at, "when it ended", true);
        }
    }
    secondaries_process_exit(checker, event, process);
}

void bringup_hang(struct checker *checker)
{
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        timeouts_hang(checker, set);
        secondaries_judge(checker, set, NULL, "when the client hung", false);
    }
}

void bringup_settle(struct checker *checker, bool failed_for_own_reason)
{
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        timeouts_settle(checker, set);
        secondaries_settle(checker, set);
    }
    opening_settle(checker);
    creation_settle(checker);
    configuration_settle(checker, failed_for_own_reason);
    statements_settle(checker);
}
