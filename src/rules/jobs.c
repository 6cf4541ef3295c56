/* jobs.c - what the client says of its work, and when: by its exit status, by a word that the supervisor was told to look
 * for (--verdict), or job by job, where it runs on until it is stopped (--trigger, --stop).
 *
 * The operations of a job are those that began in it, before the client said how it went: what begins later is nobody's
 * claim. Each job is judged by itself: that the next one succeeded excuses no false word about this one. A job that
 * fails after a fault in an earlier one is a matter of VDI-OUT-009, also where it made no set.
 */
#include <stdlib.h>
#include <string.h>

#include "state.h"

void jobs_note(struct checker *checker, const struct event *event, const char *text)
{
    int64_t number = event->arg[1];
    struct job *job = number >= 0 && number < JOBS_MAX ? &checker->judgement.jobs[number] : NULL;

    if (event->arg[0] == NOTE_STOP) {
        checker->stop_signal = (int32_t)number;
    } else if (event->arg[0] == NOTE_JOB && job && number == checker->judgement.job_count) {
        *job = (struct job){.trigger = state_copy_text(checker, text),
                            .begin = event->sequence,
                            .too_late = event->arg[2] != 0};
        checker->judgement.job_count++;
        checker->judgement.client_has_jobs = true;
    } else if (event->arg[0] == NOTE_VERDICT && job && !job->said) {
        checker->judgement.job_count += number == checker->judgement.job_count; /* of a client without jobs */
        job->said = event->sequence;
        job->says = event->arg[2] == VERDICT_SUCCESS   ? CLAIM_SUCCESS
                    : event->arg[2] == VERDICT_FAILURE ? CLAIM_FAILURE
                                                       : CLAIM_NONE;
    }
}

void jobs_free(struct checker *checker)
{
    for (uint32_t i = 0; i < checker->judgement.job_count; i++) {
        free(checker->judgement.jobs[i].trigger);
    }
}

const struct job *jobs_find(const struct checker *checker, const struct operation_state *operation)
{
    const struct job *found = NULL;

    for (uint32_t i = 0; i < checker->judgement.job_count; i++) {
        const struct job *job = &checker->judgement.jobs[i];

        if (job->begin <= operation->first_sequence) {
            found = job;
        }
    }
    return found && (!found->said || operation->first_sequence < found->said) ? found : NULL;
}

int32_t jobs_number(const struct checker *checker, const struct operation_state *operation)
{
    const struct job *job = jobs_find(checker, operation);

    return job && job->trigger ? (int32_t)(job - checker->judgement.jobs) : -1;
}

enum claim jobs_claim(const struct checker *checker, const struct operation_state *operation)
{
    const struct judgement *judgement = &checker->judgement;
    const struct job *job = jobs_find(checker, operation);

    if (checker->judgement.job_count > 0) {
        return job ? job->says : CLAIM_NONE;
    }
    return !judgement->client_ran ? CLAIM_NONE : judgement->client_exit == 0 ? CLAIM_SUCCESS : CLAIM_FAILURE;
}

uint64_t jobs_claimed_at(const struct checker *checker, const struct operation_state *operation)
{
    const struct job *job = jobs_find(checker, operation);

    return checker->judgement.job_count == 0 ? checker->client_exit_sequence : job ? job->said : 0;
}

/* ---- VDI-OUT-009 ---- */

/* Had the job that fired it the same to do? Another one may depend on what the first one was to make. */
static bool is_same_work(const struct checker *checker, const struct operation_state *faulted,
                         const struct job *job)
{
    const struct job *first = jobs_find(checker, faulted);

    return first && first < job && first->trigger && job->trigger &&
           strcmp(first->trigger, job->trigger) == 0;
}

static const struct operation_state *find_faulted(const struct checker *checker, const struct job *job)
{
    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        if (operation->fired && !operation_is_verify(checker, operation) &&
            is_same_work(checker, operation, job)) {
            return operation;
        }
    }
    return NULL;
}

static bool was_killed(const struct checker *checker)
{
    for (const struct process_state *process = checker->processes; process; process = process->next) {
        if (process->role == PROCESS_CLIENT && process->killed_by_fault) {
            return true;
        }
    }
    return false;
}

/* How many operations it has, and how many of them did not succeed. */
static uint32_t count_operations(const struct checker *checker, const struct job *job, uint32_t *failed)
{
    uint32_t count = 0;

    *failed = 0;
    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        if (jobs_find(checker, operation) == job && !operation_is_verify(checker, operation)) {
            count++;
            *failed += operation->shown.outcome != OUTCOME_SUCCESS;
        }
    }
    return count;
}

/* Of an operation that fails recovery.c knows more. */
void jobs_judge_recovery(struct checker *checker, const struct job *job)
{
    const struct operation_state *faulted = find_faulted(checker, job);
    uint32_t failed = 0;
    uint32_t count = count_operations(checker, job, &failed);
    uint64_t gone = checker->client_exit_sequence;

    if (!faulted || job->says != CLAIM_FAILURE || checker->last_fault > job->begin || failed > 0 ||
        was_killed(checker) || (!checker->client_by_itself && !checker->hung_for_sure)) {
        return;
    }
    finding_add(checker, "VDI-OUT-009", NULL, faulted->shown.id, -1,
                "job %d, without a fault of its own, failed after the fault in operation %d: %s",
                (int)(job - checker->judgement.jobs), faulted->shown.id,
                job->too_late || (gone && gone < job->said) ? "the client had ended"
                : count == 0                                ? "it made no set"
                             : "the client says so, though every statement of it succeeded");
}
