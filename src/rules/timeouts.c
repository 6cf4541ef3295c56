/* timeouts.c - the rules about GetConfiguration and how long calls wait: VDI-GETCFG-001, 003 to 005. */
#include "state.h"
#include "vdierror.h"

enum {
    IMPLAUSIBLE_MAX =
        999, /* as seconds it would be a quarter of an hour, as milliseconds less than one second */
};
/* A 32-bit INFINITE: 49 days in milliseconds (spec X13). */
#define INFINITE_32 INT64_C(0xffffffff)
/* A client may look at its statement and still allow the set some time; not this much. */
#define GONE_ON_NS 5000000000ull

void timeouts_judge_timeout(struct checker *checker, const struct call *call)
{
    if (call->function != VDI_FN_GET_CONFIGURATION && call->function != VDI_FN_GET_COMMAND) {
        return;
    }
    if (call->timeout >= 1 && call->timeout <= IMPLAUSIBLE_MAX) {
        finding_add(checker, "VDI-GETCFG-004", call, call->operation, call->device,
                    "%s called with timeout %lld: short as milliseconds, and long as seconds",
                    vdi_function_names[call->function], (long long)call->timeout);
    } else if (call->timeout == INFINITE_32) {
        finding_add(checker, "VDI-GETCFG-005", call, call->operation, call->device,
                    "%s called with timeout 0xFFFFFFFF (%lld), which is no negative number",
                    vdi_function_names[call->function], (long long)call->timeout);
    }
}

void timeouts_begin(struct checker *checker, struct vdi_set *set, const struct call *call)
{
    struct operation_state *operation = state_find_operation(checker, set->operation);

    if (!set_is_live(set) || set->state != SET_CONFIGURABLE) {
        return;
    }
    if (operation) {
        operation->bringup.waited = true;
    }
    set->bringup.previous_ns = set->bringup.wait_ns;
    set->bringup.wait_ns = call->time_ns;
    set->bringup.wait = *call;
}

void timeouts_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                  const struct call *call)
{
    uint64_t each = event->time_ns > call->time_ns ? event->time_ns - call->time_ns : 0;

    if (event->result == VD_E_PROTOCOL && call->set_state == SET_NONE && !set->closed_by_fault &&
        !(event->flags & EVENT_FLAG_FAULTED)) {
        finding_add(checker, "VDI-GETCFG-001", call, call->operation, -1, "GetConfiguration called %s",
                    set->closed_by_client ? "after Close, with no new set created"
                                          : "on a set object that never held a set");
    }
    /* The reader folds repetitions into the first call: each began about as long after the one before. */
    if (event->repeat > 0 && call->sequence == set->bringup.wait.sequence && each < GONE_ON_NS * 1000) {
        set->bringup.wait_ns = call->time_ns + each * event->repeat;
        set->bringup.previous_ns = set->bringup.wait_ns - each;
    }
}

/* The client's own statement for this life of the set, which ended without having reached it. NULL if another one
 * may yet come. */
static const struct statement *lost_statement(const struct checker *checker, const struct vdi_set *set)
{
    const struct statement *lost = NULL;

    for (const struct statement *statement = checker->statements; statement; statement = statement->next) {
        bool other = statement->operation >= 0 ||
                     (statement->ended && statement->outcome == OUTCOME_SUCCESS); /* USE, PRINT, ... */

        if (statement->sequence < set->life_start || other) {
            continue;
        }
        if (!statement->ended || !statement_is_for(statement, set->name) || lost) {
            return NULL;
        }
        lost = statement;
    }
    return lost && lost->issued_by == PROCESS_CLIENT ? lost : NULL;
}

static void judge_wait(struct checker *checker, struct vdi_set *set, uint64_t allowed_ns)
{
    struct set_bringup *bringup = &set->bringup;
    const struct statement *statement;

    if (!bringup->wait.sequence || !bringup->previous_ns) {
        return;
    }
    statement = lost_statement(checker, set);
    if (statement && bringup->previous_ns >= statement->ended_ns &&
        bringup->wait_ns >= statement->ended_ns + allowed_ns) {
        finding_add(checker, "VDI-GETCFG-003", &bringup->wait, set->operation, -1,
                    "GetConfiguration called again after VD_E_TIMEOUT, %.1f s after the statement had ended",
                    (double)(bringup->wait_ns - statement->ended_ns) / 1e9);
        bringup->wait.sequence = 0;
    }
}

void timeouts_settle(struct checker *checker, struct vdi_set *set)
{
    judge_wait(checker, set, GONE_ON_NS);
}

/* Who hangs in this very call was not about to stop. */
void timeouts_hang(struct checker *checker, struct vdi_set *set)
{
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        if (thread->open.sequence && thread->open.sequence == set->bringup.wait.sequence) {
            judge_wait(checker, set, PATIENCE_NS);
            return;
        }
    }
}
