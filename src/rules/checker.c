/* checker.c - the judge's front: takes events, hands them to whoever knows them, and settles the judgement.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "durability.h"

/* A process that the plan kills does not die of its own doing. */
static void take_crash(struct checker *checker, const struct event *event)
{
    struct process_state *process = state_process(checker, event->process);

    if (process) {
        process->killed_by_fault = true;
    }
}

static void take_note(struct checker *checker, const struct event *event, const char *text)
{
    durability_note(checker, event, text);
    jobs_note(checker, event, text);
}

static void take_fault(struct checker *checker, const struct event *event, const char *text)
{
    struct operation_state *operation = state_operation(checker, event->operation, event->sequence);
    const struct fault *fault;

    (void)text;
    checker->faults_fired++;
    checker->last_fault = event->sequence;
    if (operation) {
        operation->first_fault = operation->fired++ ? operation->first_fault : event->sequence;
    }
    if (event->arg[0] < 0 || event->arg[0] >= checker->plan.fault_count) {
        return;
    }
    fault = &checker->plan.faults[event->arg[0]];
    checker->judgement.fired[event->arg[0]]++;
    if ((unsigned)fault->kind < FAULT_KIND_COUNT) {
        checker->hostile_fired =
            checker->hostile_fired || fault_table[fault->kind].class == FAULT_CLASS_HOSTILE;
        if (operation) {
            operation->effects |= fault_table[fault->kind].effects;
        }
        if (fault_table[fault->kind].effects & FAULT_KILLS_PROCESS) {
            take_crash(checker, event);
        }
        sets_fault(checker, event, fault);
    }
}

static void take_leftover(struct checker *checker, const struct event *event, const char *text)
{
    struct leftover *leftover;

    if (checker->leftover_count >= LEFTOVERS_MAX) {
        return;
    }
    leftover = calloc(1, sizeof *leftover);
    if (!leftover) {
        checker->out_of_memory = true;
        return;
    }
    *leftover =
        (struct leftover){.next = checker->leftovers,
                          .kind = event->arg[0] == LEFTOVER_PROCESS ? LEFTOVER_PROCESS : LEFTOVER_MEMORY,
                          .process = event->process,
                          .text = state_copy_text(checker, text)};
    checker->leftovers = leftover;
    checker->leftover_count++;
}

static void take_call(struct checker *checker, const struct event *event, const char *text)
{
    if (event->function == VDI_FN_NONE || event->function >= VDI_FN_COUNT ||
        event->side != EVENT_SIDE_CLIENT) {
        return;
    }
    if (event->flags & EVENT_FLAG_BY_FAULT) {
        sets_fault_call(checker, event);
        return;
    }
    state_operation(checker, event->operation, event->sequence);
    if (event->kind == EVENT_CALL_BEGIN) {
        calls_begin(checker, event, text);
    } else {
        calls_end(checker, event);
    }
}

static void take_process_exit(struct checker *checker, const struct event *event, const char *text)
{
    (void)text;
    durability_process_exit(checker, event);
    outcome_process_exit(checker, event);
}

typedef void event_handler(struct checker *checker, const struct event *event, const char *text);
static event_handler *const event_handlers[EVENT_KIND_COUNT] = {
    [EVENT_CALL_BEGIN] = take_call,
    [EVENT_CALL_END] = take_call,
    [EVENT_CONFIGURATION] = configuration_take,
    [EVENT_FAULT] = take_fault,
    [EVENT_MODULE] = stacks_take_module,
    [EVENT_STACK] = stacks_take_stack,
    [EVENT_FILE] = durability_file,
    [EVENT_NOTE] = take_note,
    [EVENT_ACCESS] = accesses_take,
    [EVENT_STATEMENT_BEGIN] = operations_server_event,
    [EVENT_STATEMENT_DEVICE] = operations_server_event,
    [EVENT_STATEMENT_OPEN] = operations_server_event,
    [EVENT_MESSAGE] = operations_server_event,
    [EVENT_STREAM] = operations_server_event,
    [EVENT_STATEMENT_END] = operations_server_event,
    [EVENT_SERVER_WAIT] = operations_server_event,
    [EVENT_SERVER_RESUME] = operations_server_event,
    [EVENT_PROCESS_EXIT] = take_process_exit,
    [EVENT_HANG] = outcome_hang,
    [EVENT_LEFTOVER] = take_leftover,
    [EVENT_SANITIZER] = outcome_sanitizer,
};

int checker_new(const struct plan *plan, struct checker **out)
{
    struct checker *checker = calloc(1, sizeof *checker);

    assert(plan && out);
    *out = checker;
    if (!checker) {
        return ENOMEM;
    }
    assert(plan->fault_count <= PLAN_FAULTS_MAX);
    checker->plan = *plan;
    return 0;
}

int checker_feed(struct checker *checker, const struct event *event, const char *text)
{
    assert(checker && event && !checker->finished);
    if (event->kind >= EVENT_KIND_COUNT || !event_handlers[event->kind] ||
        again_take(checker, event, text ? text : "")) {
        return checker->out_of_memory ? ENOMEM : 0;
    }
    checker->last_time_ns = event->time_ns;
    event_handlers[event->kind](checker, event, text ? text : "");
    return checker->out_of_memory ? ENOMEM : 0;
}

void checker_gap(struct checker *checker)
{
    assert(checker && !checker->finished);
    checker->incomplete = true;
}

static int by_id(const void *left, const void *right)
{
    const struct operation *a = left, *b = right;

    return a->id < b->id ? -1 : a->id > b->id;
}

static void publish_operations(struct checker *checker)
{
    struct judgement *judgement = &checker->judgement;
    struct operation_state *operation = checker->operations;
    const struct judgement *second = checker->again ? &checker->again->judgement : NULL;
    size_t more = second ? second->operation_count : 0;

    judgement->operations = calloc(checker->operation_count + more + 1, sizeof *judgement->operations);
    if (!judgement->operations) {
        return; /* an empty list: the findings still stand */
    }
    for (; operation; operation = operation->next) {
        judgement->operations[judgement->operation_count++] = operation->shown;
    }
    for (size_t i = 0; i < more; i++) {
        judgement->operations[judgement->operation_count++] = second->operations[i];
    }
    qsort(judgement->operations, judgement->operation_count, sizeof *judgement->operations, by_id);
}

const struct judgement *checker_finish(struct checker *checker)
{
    assert(checker);
    if (!checker->finished) {
        checker->finished = true;
        operations_settle(checker);
        durability_settle(checker);
        verdict_settle(checker);
        again_finish(checker);
        again_judge(checker);
        findings_settle(checker);
        checker->judgement.findings = checker->findings;
        checker->judgement.finding_count = checker->finding_count;
        publish_operations(checker);
    }
    return &checker->judgement;
}

void checker_free(struct checker *checker)
{
    if (checker) {
        checker_free(checker->again);
        state_free(checker);
        free(checker);
    }
}
