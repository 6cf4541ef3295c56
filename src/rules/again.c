/* again.c - --again: the client runs once more, without faults, after what a faulted run has left behind (VDI-OUT-009).
 *
 * What comes after NOTE_AGAIN is a run of its own and has a checker of its own, so that neither pass is judged by the
 * other's events. Of its verdict only this is taken: did it go through, and if not, could the client have seen to that?
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "state.h"

enum {
    REASON_MAX = 256
};

static void begin(struct checker *checker)
{
    struct plan clean = checker->plan;

    clean.fault_count = 0;
    if (!checker->again && checker_new(&clean, &checker->again)) {
        checker->out_of_memory = true;
    }
}

bool again_take(struct checker *checker, const struct event *event, const char *text)
{
    struct event own = *event;

    if (event_begins_again(event)) {
        begin(checker);
        return true;
    }
    if (event->kind == EVENT_NOTE && event->arg[0] == NOTE_AGAIN_CONTROL) {
        checker->again_without_fault = true;
        return true;
    }
    if (!checker->again) {
        return false;
    }
    if (event->kind == EVENT_PROCESS_EXIT && event->arg[2] == PROCESS_AGAIN) {
        own.arg[2] = PROCESS_CLIENT;
    }
    if (checker_feed(checker->again, &own, text)) {
        checker->out_of_memory = true;
    }
    /* Where a call came from is told by what has explained its stack, in whichever checker a finding is. */
    return event->kind != EVENT_MODULE && event->kind != EVENT_STACK;
}

void again_finish(struct checker *checker)
{
    const struct judgement *second;

    if (!checker->again) {
        return;
    }
    second = checker_finish(checker->again);
    for (size_t i = 0; i < second->operation_count; i++) {
        second->operations[i].again = true;
    }
}

/* What stopped it, in a few words; false: nothing did. */
static bool describe_failure(const struct checker *again, char reason[REASON_MAX])
{
    const struct judgement *second = &again->judgement;

    if (again->hung_for_sure) {
        snprintf(reason, REASON_MAX, "it hangs");
    } else if (second->client_timed_out || !second->client_ran) {
        return false; /* merely slow, or ended by us */
    } else if (second->client_signal) {
        snprintf(reason, REASON_MAX, "it died of signal %d (%s)", second->client_signal,
                 strsignal(second->client_signal));
    } else if (second->client_exit) {
        snprintf(reason, REASON_MAX, "it failed with exit status %d", second->client_exit);
    } else {
        return false;
    }
    return true;
}

/* The operation that shows the failure, or NULL. False: SQL Server itself refused one, as it may after a fault: a
 * database in the middle of a restore, a chain that is broken. */
static bool find_failed(const struct checker *again, const struct operation_state **failed)
{
    *failed = NULL;
    for (const struct operation_state *operation = again->operations; operation;
         operation = operation->next) {
        if (operation->shown.outcome == OUTCOME_SUCCESS || operation_is_unseen(operation)) {
            continue;
        }
        if (operation->statement && !recovery_is_clients_doing(again, operation)) {
            return false;
        }
        *failed = operation; /* lists are newest first: the first that failed */
    }
    return true;
}

/* The first run's end was its own, a crash, or a hang that was more than slowness. */
static bool first_is_accountable(const struct checker *checker)
{
    return checker->judgement.client_ran && (!checker->judgement.client_timed_out || checker->hung_for_sure);
}

void again_judge(struct checker *checker)
{
    const struct operation_state *failed;
    const struct call *call;
    char reason[REASON_MAX];
    int32_t id;

    if (!checker->again || !first_is_accountable(checker) || !describe_failure(checker->again, reason) ||
        !find_failed(checker->again, &failed)) {
        return;
    }
    call = failed && failed->error.sequence ? &failed->error : NULL;
    id = failed ? failed->shown.id : -1;
    if (checker->faults_fired == 0 || checker->again_without_fault) {
        finding_add_capped(checker, SEVERITY_INFO, "VDI-OUT-009", call, id, -1,
                           "--again tells nothing about this client: run again, %s, but so it does after a "
                           "run without a fault",
                           reason);
    } else {
        finding_add(checker, "VDI-OUT-009", call, id, call ? call->device : -1,
                    "run again without a fault, after the run with one, the client does not recover: %s",
                    reason);
    }
}
