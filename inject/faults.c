/* faults.c - see faults.h: which fault happens when. What it does is its deed's (deeds.h); counting and "how often"
 * are run_fault_arrive's. */
#include "faults.h"

#include <stddef.h>

#include "deeds.h"
#include "guard.h"
#include "inject.h"
#include "vdi.h"

enum {
    PASSING_DECIDED = 1u << VDI_FN_NONE
};

_Atomic uint32_t faults_passing;

static const struct deed deed_table[FAULT_KIND_COUNT] = {
    [FAULT_EARLY_CLOSE] = {.at_entry = deed_early_close},
    [FAULT_ABORT] = {.at_entry = deed_abort, .at_delivery = deed_abort_at_delivery, .when_due = deed_abort},
    [FAULT_LOST_CLOSE] = {.at_close = deed_lose_close},
    [FAULT_LATE_CLOSE] = {.at_close = deed_delay_close},
    [FAULT_REPEAT_CLOSE] = {.at_close = deed_repeat_close},
    [FAULT_STALE_CONFIG] = {.at_end = deed_stale_config},
    [FAULT_IO_ERROR] = {.at_delivery = deed_fail_command_at_delivery, .at_answer = deed_fail_command},
    [FAULT_BUFFERAREA_MISSING] = {.at_entry = deed_miss_buffers},
    [FAULT_ERROR] = {.at_entry = deed_error},
    [FAULT_ERROR_AFTER] = {.at_end = deed_error_after},
    [FAULT_TIMEOUT] = {.at_entry = deed_timeout},
    [FAULT_NULL_COMMAND] = {.at_entry = deed_null_command},
    [FAULT_DELAY] = {.at_entry = deed_delay},
    [FAULT_JITTER] = {.at_entry = deed_jitter},
    [FAULT_PREEMPT] = {.at_entry = deed_preempt, .at_end = deed_preempt_at_end},
    [FAULT_CLIENT_CRASH] = {.at_entry = deed_crash},
    [FAULT_SECONDARY_CRASH] = {.at_entry = deed_crash_secondary},
    [FAULT_BAD_SIZE] = {.at_delivery = deed_bad_size},
    [FAULT_BAD_BUFFER] = {.at_delivery = deed_bad_buffer},
    [FAULT_CORRUPT_TRANSFER] = {.at_delivery = deed_corrupt_transfer, .when_due = deed_corrupt_completion},
    [FAULT_STATEMENT_FAILS] = {.at_entry = deed_ask_active_server},
    [FAULT_SERVER_CRASH] = {.at_entry = deed_ask_active_server},
    [FAULT_SERVER_HANG] = {.at_entry = deed_ask_active_server},
    [FAULT_KILL_SESSION] = {.at_entry = deed_ask_active_server},
    [FAULT_ATTENTION] = {.at_entry = deed_ask_active_server},
    [FAULT_SHUTDOWN] = {.at_entry = deed_ask_active_server},
    [FAULT_FAILOVER] = {.at_entry = deed_ask_active_server},
    [FAULT_STALE_SET] = {.at_entry = deed_ask_server},
    [FAULT_WRITE_ERROR] = {.at_delivery = deed_arm_file},
    [FAULT_SYNC_ERROR] = {.at_delivery = deed_arm_file},
    [FAULT_CLOSE_ERROR] = {.at_delivery = deed_arm_close},
    [FAULT_SHORT_WRITE] = {.at_delivery = deed_arm_file},
    [FAULT_READ_ERROR] = {.at_delivery = deed_arm_file},
    [FAULT_OPEN_ERROR] = {.at_entry = deed_run_short},
    [FAULT_MEMORY_FULL] = {.at_entry = deed_run_short},
    [FAULT_SHM_FULL] = {.at_entry = deed_run_short_inside},
};

uint32_t faults_decide_passing(void)
{
    bool is_witnessed = inject_records() || guard_is_at_work();
    uint32_t passing = PASSING_DECIDED;
    uint32_t found = 0;
    if (!is_witnessed && !inject_plan()->loses_close && !inject_plan()->fails_files) {
        passing |= ~inject_plan()->functions;
    }
    return atomic_compare_exchange_strong(&faults_passing, &found, passing) ? passing : found;
}

struct run_fault *deed_counts(uint32_t fault)
{
    return &run_state_attach()->faults[fault];
}

const struct fault *deed_fault(uint32_t fault)
{
    return &inject_plan()->plan.faults[fault];
}

void deed_answer(struct call *call, int result)
{
    call->flags |= EVENT_FLAG_FAULTED;
    call->answer = result;
}

/* Of the faults, those that the entry of the call is the site of; bits. The last first: one of "#next" is not to be at
 * the call at which the one before it fires. */
static uint64_t arrive_at_entry(const struct call *call)
{
    uint64_t arrived = 0;
    for (uint32_t i = inject_plan()->plan.fault_count; i-- > 0;) {
        const struct fault *fault = deed_fault(i);
        const struct deed *deed = &deed_table[fault->kind];
        bool at_call = deed->at_entry != NULL || deed->at_end != NULL;
        if (fault_table[fault->kind].everywhere ||
            (fault->site.function == call->function && at_call &&
             run_fault_arrive(i, fault, call->operation, call->device_index))) {
            arrived |= UINT64_C(1) << i;
        }
    }
    return arrived;
}

void faults_found_at_entry(struct call *call)
{
    uint64_t arrived = arrive_at_entry(call);
    for (uint32_t i = 0; i < inject_plan()->plan.fault_count; i++) {
        const struct fault *fault = deed_fault(i);
        const struct deed *deed = &deed_table[fault->kind];
        if ((arrived >> i & 1) == 0) {
            continue;
        }
        if (fault_table[fault->kind].everywhere) {
            deed->at_entry(call, i);
        } else if (deed->at_end != NULL) {
            run_fault_take_back(i); /* it has not happened yet, and will not if the call fails by itself */
            call->at_end |= UINT64_C(1) << i;
        } else {
            deed->at_entry(call, i);
        }
    }
}

int faults_found_at_end(struct call *call, int result)
{
    for (uint32_t i = 0; i < inject_plan()->plan.fault_count; i++) {
        const struct fault *fault = deed_fault(i);
        if ((call->at_end >> i & 1) != 0 &&
            (fault_table[fault->kind].everywhere || run_fault_fire(i, fault))) {
            result = deed_table[fault->kind].at_end(call, i, result);
        }
    }
    return result;
}

struct fault_moments faults_found_at_delivery(struct call *call, VDC_Command *given, VDC_Command *command)
{
    const struct inject_plan *plan = inject_plan();
    struct fault_moments later = {0};
    struct delivery delivery = {.given = given, .command = command, .later = &later};
    int32_t code = command->commandCode;
    uint64_t arrived = 0;
    for (uint32_t i = plan->plan.fault_count; i-- > 0;) { /* as at an entry */
        const struct fault *fault = deed_fault(i);
        const struct deed *deed = &deed_table[fault->kind];
        bool here = fault->site.command == code && (deed->at_delivery != NULL || deed->at_entry != NULL);
        if (here && run_fault_arrive(i, fault, call->operation, call->device_index)) {
            arrived |= UINT64_C(1) << i;
        }
    }
    for (uint32_t i = 0; i < plan->plan.fault_count; i++) {
        const struct deed *deed = &deed_table[deed_fault(i)->kind];
        if ((arrived >> i & 1) == 0) {
            continue;
        }
        if (deed->at_delivery != NULL) {
            deed->at_delivery(call, i, &delivery);
        } else {
            deed->at_entry(call, i);
        }
    }
    if (later.at_complete != 0) {
        atomic_store(&faults_passing, PASSING_DECIDED); /* any completion may be the command's */
    }
    return later;
}

void faults_when_due(struct call *call, uint64_t faults)
{
    for (uint32_t i = 0; i < inject_plan()->plan.fault_count; i++) {
        const struct deed *deed = &deed_table[deed_fault(i)->kind];
        if ((faults >> i & 1) != 0 && deed->when_due != NULL && run_fault_fire(i, deed_fault(i))) {
            deed->when_due(call, i);
        }
    }
}

/* An error of the client's own is the one that counts (spec 2.2), and in a set that is aborted none does. */
int faults_answer(struct call *call, uint64_t faults, int code)
{
    for (uint32_t i = 0; i < inject_plan()->plan.fault_count; i++) {
        const struct deed *deed = &deed_table[deed_fault(i)->kind];
        if ((faults >> i & 1) != 0 && deed->at_answer != NULL && !fault_is_io_error(code) &&
            deed_finds_set_active(call) && run_fault_fire(i, deed_fault(i))) {
            code = deed->at_answer(call, i);
        }
    }
    return code;
}

void faults_found_at_close(struct call *call)
{
    const struct inject_plan *plan = inject_plan();
    for (uint32_t i = 0; i < plan->plan.fault_count; i++) {
        const struct fault *fault = &plan->plan.faults[i];
        const struct deed *deed = &deed_table[fault->kind];
        if (deed->at_close != NULL && !atomic_load(&call->device->closed) &&
            run_fault_arrive(i, fault, call->operation, call->device_index)) {
            deed->at_close(call, i);
        }
    }
}
