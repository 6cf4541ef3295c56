/* secondaries.c - the rules about a set used from several processes: VDI-SEC-001 to 003. */
#include <string.h>
#include <strings.h>

#include "runstate.h"
#include "state.h"
#include "vdierror.h"

/* ---- VDI-SEC-001, 002 ---- */

/* What is there to open under this name, as far as events tell. A set that has ended is somebody else's matter. */
static enum primary_state find_primary(const struct checker *checker, const char *name)
{
    enum primary_state state = PRIMARY_NOT_CREATED;

    for (const struct vdi_set *set = checker->sets; set; set = set->next) {
        bool is_primary = set->name && !set->secondary;

        if (is_primary && strcmp(set->name, name) == 0) {
            return set_is_live(set) && !set_is_aborted(set) && set->state == SET_CONFIGURABLE
                       ? PRIMARY_NOT_CONFIGURED
                       : PRIMARY_FITS;
        }
        if (is_primary && set_is_live(set) && strcasecmp(set->name, name) == 0) {
            state = PRIMARY_OTHER_CASE;
        }
    }
    return state;
}

static int32_t find_operation(const struct checker *checker, const char *name)
{
    for (const struct vdi_set *set = checker->sets; set; set = set->next) {
        if (set->name && !set->secondary && set_is_live(set) && strcmp(set->name, name) == 0) {
            return set->operation;
        }
    }
    return -1;
}

/* It cannot open its devices then, and nobody else may: how many were opened says nothing (VDI-OPEN-005). */
static void note_refusal(struct checker *checker, int32_t operation)
{
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        if (!set->secondary && set->operation == operation && operation >= 0) {
            set->open_failed = true;
        }
    }
}

void secondaries_begin(struct checker *checker, struct vdi_set *set, const struct call *call,
                       const char *name)
{
    set->bringup.joins = find_operation(checker, name);
    set->bringup.primary = name[0] ? find_primary(checker, name) : PRIMARY_FITS;
    if (set->bringup.primary == PRIMARY_NOT_CREATED && set->pending.early.sequence == 0) {
        set->pending.early = *call;
        set->pending.early_name = run_name_hash(name);
    }
}

void secondaries_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                     const struct call *call)
{
    bool refused = event->result == VD_E_PROTOCOL && call->set_state == SET_NONE;

    if (event->result != 0) {
        note_refusal(checker, set->bringup.joins);
    }
    if (!refused && set->pending.early.sequence == call->sequence) {
        set->pending.early.sequence = 0; /* somebody had created it */
    }
    if (!refused) {
        return;
    }
    if (set->bringup.primary == PRIMARY_NOT_CONFIGURED) {
        finding_add(checker, "VDI-SEC-001", call, call->operation, -1,
                    "OpenInSecondary called before the primary's GetConfiguration had succeeded");
    } else if (set->bringup.primary == PRIMARY_OTHER_CASE) {
        finding_add(checker, "VDI-SEC-002", call, call->operation, -1,
                    "OpenInSecondary called with a name that differs from the set's in case only");
    }
}

/* A name that nobody had created and that somebody then did create. */
void secondaries_settle(struct checker *checker, const struct vdi_set *set)
{
    const struct call *early = &set->pending.early;

    for (const struct operation_state *operation = checker->operations; operation && early->sequence;
         operation = operation->next) {
        if (operation->created && operation->first_sequence > early->sequence && operation->shown.set &&
            run_name_hash(operation->shown.set) == set->pending.early_name) {
            finding_add(checker, "VDI-SEC-001", early, operation->shown.id, -1,
                        "OpenInSecondary called for '%.200s' before the primary had created it",
                        operation->shown.set);
            return;
        }
    }
}

/* ---- VDI-SEC-003 ---- */

/* A secondary that ended while its devices, or those it was about to open, still had to be served. */
static bool ended_abnormally(const struct vdi_set *set, const struct process_state *process)
{
    return set_is_live(set) && set->secondary && set->process == process->process && !process->killed_by_us &&
           !set_is_aborted(set) && !outcome_all_closes_came(set);
}

void secondaries_process_exit(struct checker *checker, const struct event *event,
                              const struct process_state *process)
{
    for (const struct vdi_set *set = checker->sets; set; set = set->next) {
        if (set->operation < 0 || !ended_abnormally(set, process)) {
            continue;
        }
        for (struct vdi_set *primary = checker->sets; primary; primary = primary->next) {
            if (primary->operation == set->operation && !primary->secondary && set_is_live(primary) &&
                primary->process != process->process) {
                primary->bringup.dead_secondary = process->process;
                primary->bringup.death_was_told = event->side == EVENT_SIDE_CLIENT;
            }
        }
    }
}

void secondaries_judge(struct checker *checker, const struct vdi_set *primary, const struct call *call,
                       const char *when, bool must_be_told)
{
    const struct set_bringup *bringup = &primary->bringup;

    if (!set_is_live(primary) || primary->secondary || bringup->dead_secondary == 0 ||
        set_is_aborted(primary) || (must_be_told && !bringup->death_was_told)) {
        return;
    }
    finding_add(
        checker, "VDI-SEC-003", call, primary->operation, -1,
        "process %u, a secondary, ended while its devices were still to be served; the primary had not "
        "called SignalAbort %s",
        bringup->dead_secondary, when);
}
