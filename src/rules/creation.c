/* creation.c - the rules about Create: VDI-CREATE-001 to 004, VDI-SEC-004. */
#include <string.h>

#include "state.h"
#include "vdierror.h"

void creation_begin(struct checker *checker, const struct call *call)
{
    struct operation_state *operation = state_find_operation(checker, call->operation);

    if (operation && !operation->created) {
        operation->bringup = (struct operation_bringup){.create = *call};
    }
}

static void judge_object(struct checker *checker, const struct vdi_set *set, const struct call *call)
{
    if (set->secondary) {
        finding_add(checker, "VDI-SEC-004", call, set->operation, -1,
                    "Create called on a set object that has the set of operation %d open as a secondary",
                    set->operation);
    } else {
        finding_add(checker, "VDI-CREATE-001", call, set->operation, -1,
                    "Create called on a set object whose set of operation %d has not been closed",
                    set->operation);
    }
}

/* A name that is not there counts only if the library refused it: its text may just be missing. */
static void judge_name(struct checker *checker, const struct vdi_set *set, const struct event *event,
                       const struct call *call)
{
    if (!set->name && event->result != 0) {
        finding_add(checker, "VDI-CREATE-002", call, call->operation, -1,
                    "Create called with an empty name or none");
    } else if (set->name && strchr(set->name, '\\')) {
        finding_add(checker, "VDI-CREATE-002", call, call->operation, -1,
                    "Create called with the name '%.200s': a backslash at character %td", set->name,
                    strchr(set->name, '\\') - set->name + 1);
    }
}

static const struct vdi_set *find_rival(const struct checker *checker, const struct vdi_set *set)
{
    for (const struct vdi_set *other = checker->sets; other; other = other->next) {
        if (other != set && set_is_live(other) && !other->secondary && set->name && other->name &&
            strcmp(other->name, set->name) == 0) {
            return other;
        }
    }
    return NULL;
}

void creation_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                  const struct call *call)
{
    const struct vdi_set *rival;

    if (event->flags & EVENT_FLAG_FAULTED) {
        return; /* refused for no reason of the client's */
    }
    judge_name(checker, set, event, call);
    if (event->result == 0) {
        timeouts_settle(checker, set); /* of the life that ends */
    }
    if (event->result != VD_E_PROTOCOL) {
        return;
    }
    if (call->set_state != SET_NONE) {
        judge_object(checker, set, call);
        return;
    }
    rival = find_rival(checker, set);
    if (rival && set->pending.clash.sequence == 0) {
        set->pending.clash = *call;
        set->pending.rival = rival->id;
    }
}

/* A set of another process may be what a dead process left, which the client may not have caused: only one that
 * was used afterwards was live for sure. */
static void settle_clash(struct checker *checker, const struct vdi_set *set)
{
    const struct call *call = &set->pending.clash;

    for (const struct vdi_set *rival = checker->sets; rival && call->sequence; rival = rival->next) {
        if (rival->id == set->pending.rival &&
            (rival->process == call->process || rival->last_sequence > call->sequence)) {
            finding_add(checker, "VDI-CREATE-003", call, call->operation, -1,
                        "Create called with the name '%.200s', which the live set of operation %d has",
                        rival->name ? rival->name : "", rival->operation);
        }
    }
}

/* ---- VDI-CREATE-004 ---- */

/* What ends a set before its transfer has ended, other than somebody else's abort. */
void creation_given_up(struct checker *checker, const struct vdi_set *set, const struct call *call)
{
    struct operation_state *operation = state_find_operation(checker, set->operation);

    if (!operation || !set_is_live(set) || set->secondary || operation->bringup.given_up) {
        return;
    }
    operation->bringup.given_up = call->sequence;
    operation->bringup.cut =
        !set->abort_returned && !set->server_ended && !set->fault_aborted && !outcome_all_closes_came(set);
}

/* The statement for which `again` would be a second set: unfinished when the client itself gave up the first set,
 * of the same name. */
static const struct operation_state *first_set_of_statement(const struct checker *checker,
                                                            const struct operation_state *again)
{
    for (const struct operation_state *first = checker->operations; first; first = first->next) {
        const struct statement *statement = first->statement;

        if (first != again && first->created && first->bringup.cut && statement &&
            statement->operation >= 0 && statement->issued_by == PROCESS_CLIENT &&
            first->bringup.given_up < again->bringup.create.sequence && first->shown.set &&
            again->shown.set && strcmp(first->shown.set, again->shown.set) == 0 &&
            (!statement->ended || statement->ended_sequence > first->bringup.given_up)) {
            return first;
        }
    }
    return NULL;
}

static bool any_stray_statement(const struct checker *checker)
{
    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        if (operation->statement && !operation->created) {
            return true;
        }
    }
    return false;
}

/* A set that waits for a statement of its own, and none was ever issued. */
static void settle_repetitions(struct checker *checker)
{
    if (checker->faults_fired || any_stray_statement(checker)) {
        return;
    }
    for (const struct operation_state *again = checker->operations; again; again = again->next) {
        const struct operation_state *first;

        if (!again->created || again->statement || !again->bringup.waited) {
            continue;
        }
        first = first_set_of_statement(checker, again);
        if (first) {
            finding_add(
                checker, "VDI-CREATE-004", &again->bringup.create, again->shown.id, -1,
                "Create called for '%.200s' again, while the statement that was issued for operation %d "
                "is the only one",
                again->shown.set, first->shown.id);
        }
    }
}

void creation_settle(struct checker *checker)
{
    for (const struct vdi_set *set = checker->sets; set; set = set->next) {
        settle_clash(checker, set);
    }
    settle_repetitions(checker);
}
