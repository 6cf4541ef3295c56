/* recovery.c - VDI-OUT-009: an operation without a fault that fails after one with a fault.
 *
 * It must be one that can succeed whatever became of the earlier one: a backup, a restore after a restore of the same
 * database, or any that was refused its set. What the client itself
 * completed with an I/O error, or SQL Server ended by itself, failed for that.
 */
#include <string.h>

#include "state.h"
#include "vdierror.h"

static bool same_name(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool are_related(const struct operation_state *a, const struct operation_state *b)
{
    return (a->process && a->process == b->process) || same_name(a->shown.set, b->shown.set) ||
           same_database(&a->shown, &b->shown);
}

static bool was_refused(const struct operation_state *operation)
{
    return !operation->created && operation->error.sequence && operation->error.function == VDI_FN_CREATE &&
           operation->error_result == VD_E_PROTOCOL;
}

/* Two that were under way at once are no matter of recovery: a client that cancels all of them when one fails has its
 * reason. But for a set that was in the way. */
static bool is_earlier(const struct operation_state *faulted, const struct operation_state *operation)
{
    bool over = faulted->closed_at == 0 || faulted->closed_at < operation->first_sequence;

    return faulted->first_fault < operation->first_sequence && (over || was_refused(operation));
}

/* The newest one with a fault that came before and has to do with this one. */
static const struct operation_state *find_faulted(const struct checker *checker,
                                                  const struct operation_state *operation)
{
    const struct operation_state *found = NULL;

    for (const struct operation_state *other = checker->operations; other; other = other->next) {
        if (other->fired && is_earlier(other, operation) && are_related(other, operation) &&
            !operation_is_verify(checker, other) &&
            (!found || other->first_sequence > found->first_sequence)) {
            found = other;
        }
    }
    return found;
}

static bool is_backup(const struct operation_state *operation)
{
    const struct statement *statement = operation->statement;

    return statement && statement->text && strncasecmp(statement->text, "BACKUP", strlen("BACKUP")) == 0;
}

static bool could_succeed(const struct operation_state *faulted, const struct operation_state *operation)
{
    bool both_restores = operation->statement && faulted->statement && !is_backup(operation) &&
                         !is_backup(faulted) && same_database(&faulted->shown, &operation->shown);

    return was_refused(operation) || (!operation->io_error && (is_backup(operation) || both_restores));
}

bool recovery_is_clients_doing(const struct checker *checker, const struct operation_state *operation)
{
    const struct statement *statement = operation->statement;
    bool over = statement && statement->ended;

    return was_refused(operation) || operation->close_open.sequence ||
           (operation->aborted_at && !(over && statement->ended_sequence < operation->aborted_at)) ||
           (checker->hung_for_sure && statement && !over);
}

/* The client's end was its own, or a hang that was more than slowness. */
static bool client_is_accountable(const struct checker *checker)
{
    return checker->client_by_itself || checker->hung_for_sure;
}

/* A Create that met the set which the faulted operation itself had left open. */
static void judge_refused_retry(struct checker *checker, const struct operation_state *operation)
{
    if (operation->fired && operation->refused.sequence) {
        finding_add(
            checker, "VDI-OUT-009", &operation->refused, operation->shown.id, -1,
            "the next Create failed, as the set of operation %d, in which a fault fired, was still there",
            operation->shown.id);
    }
}

void recovery_judge(struct checker *checker, struct operation_state *operation)
{
    const struct operation_state *faulted = find_faulted(checker, operation);
    const struct call *call = operation->error.sequence ? &operation->error : NULL;
    char name[16];

    if (!client_is_accountable(checker)) {
        return;
    }
    judge_refused_retry(checker, operation);
    if (!faulted || operation->fired || operation->shown.outcome == OUTCOME_SUCCESS ||
        !could_succeed(faulted, operation) || !recovery_is_clients_doing(checker, operation)) {
        return;
    }
    finding_add(
        checker, "VDI-OUT-009", call, operation->shown.id, call ? call->device : -1,
        "operation %d, without a fault of its own, did not succeed after the fault in operation %d%s%s%s%s",
        operation->shown.id, faulted->shown.id, call ? ": " : "",
        call ? vdi_function_names[call->function] : "", call ? " gave " : "",
        call ? result_text(operation->error_result, name) : "");
}
