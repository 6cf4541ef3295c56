/* verdict.c - what only the end of the run tells: VDI-OUT-001, 004 (leftovers), 006, 007, and commands that a
 * run without process ends (a simulation) leaves open. */
#include <stdio.h>
#include <strings.h>

#include "durability.h"
#include "vdierror.h"

/* ---- VDI-OUT-001: false success ---- */

/* A later operation that did what this one failed to do: a client that tried again has nothing to hide. */
static bool is_superseded(const struct checker *checker, const struct operation_state *operation)
{
    for (const struct operation_state *later = checker->operations; later; later = later->next) {
        bool same = !operation->shown.database ||
                    (later->shown.database && later->shown.is_backup == operation->shown.is_backup &&
                     strcasecmp(later->shown.database, operation->shown.database) == 0);

        if (same && later != operation && jobs_find(checker, later) == jobs_find(checker, operation) &&
            later->first_sequence > operation->first_sequence && later->shown.outcome == OUTCOME_SUCCESS &&
            !operation_is_verify(checker, later)) {
            return true;
        }
    }
    return false;
}

static void report_false_success(struct checker *checker, const struct operation_state *operation,
                                 const struct call *call, int32_t result)
{
    char name[16];

    finding_add(checker, "VDI-OUT-001", call, operation->shown.id, call->device,
                "the client says success, though %s gave %s in operation %d%s",
                vdi_function_names[call->function], result_text(result, name), operation->shown.id,
                operation->shown.outcome == OUTCOME_SUCCESS       ? ""
                : operation->shown.outcome == OUTCOME_NOT_REACHED ? " and no statement reached its set"
                                                                  : " and the statement failed");
}

static void report_failed_statement(struct checker *checker, const struct operation_state *operation)
{
    int32_t number = 0;

    for (uint32_t i = 0; i < operation->shown.message_count; i++) {
        if (operation->shown.messages[i].severity > 10 && number == 0) {
            number = operation->shown.messages[i].number;
        }
    }
    finding_add(
        checker, "VDI-OUT-001", NULL, operation->shown.id, -1,
        operation->shown.outcome == OUTCOME_NOT_REACHED
            ? "the client says success, though no statement reached its set in operation %d (message %d)"
            : "the client says success, though its statement failed in operation %d (message %d)",
        operation->shown.id, number);
}

/* A Create that was refused because the object still held its set (VDI-CREATE-001) begins nothing. */
static bool never_began(const struct operation_state *operation)
{
    return !operation->created && !operation->statement && !operation->fired &&
           operation->error_result == VD_E_PROTOCOL;
}

static void judge_success(struct checker *checker, const struct operation_state *operation)
{
    bool succeeded = operation->shown.outcome == OUTCOME_SUCCESS;
    bool reached = operation->shown.outcome != OUTCOME_NOT_REACHED;
    bool own = operation->statement && endings_statement_is_known(checker, operation);
    bool unseen = operation_is_unseen(operation);
    bool complete = unseen && operation->opened > 0 && operation->closed >= operation->opened;
    /* A set that nobody configured and no statement named was no operation: a look whether VDI is there. */
    bool awaited = operation->statement || operation->bringup.waited;

    if (succeeded && operation->failure.sequence) {
        report_false_success(checker, operation, &operation->failure, operation->failure_result);
    } else if (!succeeded && !complete && operation->error.sequence) {
        report_false_success(checker, operation, &operation->error, operation->error_result);
    } else if (!succeeded && (own || (!reached && !unseen && awaited && operation->created))) {
        report_failed_statement(checker, operation);
    } else if (!succeeded && operation->client_aborted) {
        finding_add(checker, "VDI-OUT-001", NULL, operation->shown.id, -1,
                    "the client says success, though it aborted operation %d itself", operation->shown.id);
    } else if (operation->restored == DURABLE_NO && !durability_is_disproved(checker, operation)) {
        finding_add(checker, "VDI-OUT-001", NULL, operation->shown.id, -1,
                    "the client says success, though what it stored in operation %d does not restore",
                    operation->shown.id);
    }
}

/* ---- VDI-OUT-006 and 007 ---- */

/* `job` as jobs_find says, here and below. */
static bool every_statement_succeeded(const struct checker *checker, const struct job *job)
{
    uint32_t count = 0;

    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        if (operation_is_verify(checker, operation) || never_began(operation) ||
            jobs_find(checker, operation) != job) {
            continue;
        }
        if (operation->shown.outcome != OUTCOME_SUCCESS) {
            return false;
        }
        count++;
    }
    return count > 0;
}

static bool was_acknowledged(const struct operation_state *operation)
{
    return operation->shown.is_backup && operation->shown.outcome == OUTCOME_SUCCESS &&
           operation->statement && operation->statement->streams > 0 && !operation->statement->refused;
}

/* After a fault failing is never wrong, and who fails may throw away what it has (design 4.5). */
static bool was_given_up(const struct checker *checker, const struct operation_state *operation)
{
    return operation->fired && (checker->client_by_itself || checker->judgement.job_count > 0) &&
           jobs_claim(checker, operation) == CLAIM_FAILURE;
}

/* The exit status, where that is the client's word. */
static const char *exit_text(const struct checker *checker, char text[40])
{
    text[0] = '\0';
    if (checker->judgement.job_count == 0) {
        snprintf(text, 40, " with exit status %d", checker->judgement.client_exit);
    }
    return text;
}

static void judge_acknowledged(struct checker *checker, const struct operation_state *operation,
                               bool failed_for_own_reason)
{
    char with[40];

    if (!was_acknowledged(operation)) {
        return;
    }
    if (durability_is_disproved(checker, operation)) {
        finding_add(
            checker, "VDI-OUT-007", NULL, operation->shown.id, -1,
            "every device answered its last Flush with success and SQL Server took operation %d for done; "
            "had the machine stopped then, what was on disk would not have restored",
            operation->shown.id);
    } else if (operation->restored == DURABLE_NO && was_given_up(checker, operation)) {
        return;
    } else if (operation->restored == DURABLE_NO && log_chain_is_lost(checker, operation)) {
        finding_add(checker, "VDI-OUT-007", NULL, operation->shown.id, -1,
                    "every device answered its last Flush with success and SQL Server truncated the log that "
                    "operation"
                    " %d holds, yet it is missing when the log chain is restored",
                    operation->shown.id);
    } else if (operation->restored == DURABLE_NO) {
        finding_add(
            checker, "VDI-OUT-007", NULL, operation->shown.id, -1,
            "every device answered its last Flush with success, yet what was stored in operation %d does not"
            " restore",
            operation->shown.id);
    } else if (failed_for_own_reason && operation->restored != DURABLE_YES) {
        finding_add(
            checker, "VDI-OUT-007", NULL, operation->shown.id, -1,
            "every device answered its last Flush with success in operation %d, then the client failed%s",
            operation->shown.id, exit_text(checker, with));
    }
}

/* ---- leftovers and open ends ---- */

enum left {
    LEFT_WILLINGLY,
    LEFT_BY_A_CRASH_OF_OURS, /* which nobody can clean up after; its children should notice */
    LEFT_BY_A_CRASH
};

/* What a killed or crashed process leaves is not its fault: only an end of its own choosing is judged. */
static enum left how_left(const struct checker *checker)
{
    enum left left = LEFT_WILLINGLY;

    for (const struct process_state *process = checker->processes; process; process = process->next) {
        bool client = process->role == PROCESS_CLIENT;
        bool descendant = process->role == PROCESS_DESCENDANT && process->called && !process->killed_by_us;
        enum left how = process->killed_by_fault ? LEFT_BY_A_CRASH_OF_OURS : LEFT_BY_A_CRASH;

        if (process->ended && !process->by_itself && (client || descendant) && how > left) {
            left = how;
        }
    }
    return left;
}

static void judge_leftovers(struct checker *checker)
{
    enum left left = how_left(checker);

    for (const struct leftover *leftover = checker->leftovers; leftover && left != LEFT_BY_A_CRASH;
         leftover = leftover->next) {
        struct call at = {.process = leftover->process, .device = -1, .operation = -1};
        bool is_process = leftover->kind == LEFTOVER_PROCESS;

        if (is_process || left == LEFT_WILLINGLY) {
            finding_add(checker, "VDI-OUT-004", &at, -1, -1, "left behind: %s %s",
                        is_process ? "process" : "shared memory", leftover->text ? leftover->text : "");
        }
    }
}

static void judge_open_ends(struct checker *checker)
{
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        if (!checker->any_exit && !checker->judgement.client_timed_out && set_is_live(set) &&
            !set_is_aborted(set)) {
            commands_judge_abandoned(checker, set, ABANDONED_ALL, checker->last_time_ns,
                                     "when the run ended");
        }
    }
}

static int32_t newest_operation(const struct checker *checker, const struct job *job)
{
    int32_t newest = -1;

    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        if (!operation_is_verify(checker, operation) && jobs_find(checker, operation) == job &&
            operation->shown.id > newest) {
            newest = operation->shown.id;
        }
    }
    return newest;
}

static void judge_operation(struct checker *checker, struct operation_state *operation,
                            bool failed_for_own_reason)
{
    bool last_try = !is_superseded(checker, operation);
    bool is_clients = !operation_is_verify(checker, operation);
    bool began = !never_began(operation);
    bool claimed = jobs_claim(checker, operation) == CLAIM_SUCCESS && last_try && is_clients && began;

    transfer_settle(checker, operation, claimed);
    if (is_clients && last_try) {
        recovery_judge(checker, operation);
    }
    if (!is_clients || !began) {
        return;
    }
    if (claimed) {
        judge_success(checker, operation);
    }
    endings_settle(checker, operation, claimed);
    judge_acknowledged(checker, operation, failed_for_own_reason);
}

/* Without a fault, and SQL Server content. */
static bool failed_for_own_reason(const struct checker *checker, const struct job *job)
{
    const struct judgement *judgement = &checker->judgement;
    bool failed = job ? job->says == CLAIM_FAILURE
                      : judgement->client_ran && checker->client_by_itself && judgement->client_exit != 0;

    return failed && checker->faults_fired == 0 && !judgement->client_timed_out &&
           !finding_exists(checker, "VDI-OUT-003") && every_statement_succeeded(checker, job);
}

/* VDI-OUT-006; of the client as a whole, job NULL. */
static bool judge_failure(struct checker *checker, const struct job *job)
{
    char with[40];

    if (!failed_for_own_reason(checker, job)) {
        return false;
    }
    finding_add(checker, "VDI-OUT-006", NULL, newest_operation(checker, job), -1,
                "the client failed%s, though nothing was injected and every statement succeeded",
                exit_text(checker, with));
    return true;
}

void verdict_settle(struct checker *checker)
{
    bool own[JOBS_MAX] = {false};
    bool any = false;

    judge_open_ends(checker);
    judge_leftovers(checker);
    if (checker->judgement.job_count == 0) {
        own[0] = failed_for_own_reason(checker, NULL);
    }
    for (uint32_t i = 0; i < checker->judgement.job_count; i++) {
        own[i] = failed_for_own_reason(checker, &checker->judgement.jobs[i]);
    }
    for (struct operation_state *operation = checker->operations; operation; operation = operation->next) {
        const struct job *job = jobs_find(checker, operation);

        judge_operation(checker, operation, own[job ? job - checker->judgement.jobs : 0]);
    }
    if (checker->judgement.job_count == 0) {
        any = judge_failure(checker, NULL);
    }
    for (uint32_t i = 0; i < checker->judgement.job_count; i++) {
        any = judge_failure(checker, &checker->judgement.jobs[i]) || any;
        jobs_judge_recovery(checker, &checker->judgement.jobs[i]);
    }
    bringup_settle(checker, any);
}
