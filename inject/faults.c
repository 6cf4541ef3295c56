/* faults.c - see faults.h. Counting and "how often" are run_fault_arrive's; a fault that turns out impossible
 * at its moment takes its firing back, so that nobody believes that it happened. */
#include "faults.h"

#include <errno.h>
#include <stddef.h>

#include "guard.h"
#include "idle.h"
#include "inject.h"
#include "next.h"
#include "vdierror.h"

enum {
    ANSWER_SECONDS = 5
};

enum {
    PASSING_DECIDED = 1u << VDI_FN_NONE
};

_Atomic uint32_t faults_passing;

uint32_t faults_decide_passing(void)
{
    bool is_witnessed = inject_records() || guard_is_at_work();
    uint32_t passing = PASSING_DECIDED;
    uint32_t found = 0;
    if (!is_witnessed && !inject_plan()->loses_close) {
        passing |= ~inject_plan()->functions;
    }
    return atomic_compare_exchange_strong(&faults_passing, &found, passing) ? passing : found;
}

static struct run_fault *counts(uint32_t fault)
{
    return &run_state_attach()->faults[fault];
}

static void take_back(uint32_t fault)
{
    atomic_fetch_sub(&counts(fault)->fired, 1);
}

/* A call that the fault makes in the client's place, recorded as such. */
static int call_by_fault(const struct call *during, enum vdi_function function, enum next_function next)
{
    struct call call = call_on_set(function, during->set, NULL);
    call.operation = during->operation;
    call.flags = EVENT_FLAG_BY_FAULT;
    set_int_function *real = (set_int_function *)next_definition(next);
    call_begin(&call, NULL, NULL);
    inject_thread.inside++;
    int result =
        real == NULL ? VD_E_UNEXPECTED : real((ClientVirtualDeviceSet *)atomic_load(&call.set->object));
    inject_thread.inside--;
    return call_end(&call, result);
}

/* Closes the set as another thread of the client might (VDI Close with open devices, spec 3.9). */
static void early_close(struct call *call, uint32_t fault)
{
    struct shadow_set *set = call->set;
    /* First the state: calls that begin from here on do not enter the library for this set. Those that have
     * looked at it before may still do so, as under a Close by another thread. */
    if (set == NULL || atomic_load(&set->open_devices) == 0 || !guard_keeps_buffers(set) ||
        (call->device != NULL && !shadow_device_is_current(call->device)) ||
        !shadow_set_closed(set, SHADOW_CLOSED_BY_FAULT)) {
        take_back(fault);
        return;
    }
    call_fault(call, fault);
    call_by_fault(call, VDI_FN_CLOSE, NEXT_CLOSE);
}

static void abort_by_client(struct call *call, uint32_t fault)
{
    call_fault(call, fault);
    call_by_fault(call, VDI_FN_SIGNAL_ABORT, NEXT_SIGNAL_ABORT);
    shadow_set_aborted(call->set);
}

/* Asks the server to abort now and waits until it has done so: the buffer is in the client's hands meanwhile.
 * False: it has not, and will not. The steps are those of enum run_request. */
static bool server_aborts(_Atomic uint32_t *request)
{
    _Atomic uint32_t *bell = &run_state_attach()->bell;
    uint32_t state = RUN_REQUEST_NONE;
    if (!run_state_is_recorded() || /* no run, so no server that could hear it */
        !atomic_compare_exchange_strong(request, &state, RUN_REQUEST_ASKED)) {
        return false;
    }
    atomic_fetch_add(bell, 1);
    idle_wake_all(bell);
    if (!idle_wait_for(request, RUN_REQUEST_DONE, ANSWER_SECONDS)) {
        state = RUN_REQUEST_ASKED;
        if (atomic_compare_exchange_strong(request, &state, RUN_REQUEST_NONE)) {
            return false;
        }
        /* The server is at it. Should it die meanwhile, we have waited long enough all the same. */
        idle_wait_for(request, RUN_REQUEST_DONE, ANSWER_SECONDS);
    }
    state = RUN_REQUEST_DONE;
    atomic_compare_exchange_strong(request, &state, RUN_REQUEST_NONE);
    return true;
}

static void abort_by_server(struct call *call, uint32_t fault)
{
    if (!server_aborts(&counts(fault)->request)) {
        take_back(fault);
        return;
    }
    call->flags |= EVENT_FLAG_WAITED_FOR_FAULT;
    call_fault(call, fault);
    shadow_set_aborted(call->set);
}

static void do_abort(struct call *call, uint32_t fault)
{
    if (call->set == NULL || atomic_load(&call->set->state) != SHADOW_OPEN ||
        atomic_load(&call->set->aborted)) {
        take_back(fault);
    } else if (inject_plan()->plan.faults[fault].arg[FAULT_ARG_BY] == FAULT_BY_CLIENT) {
        abort_by_client(call, fault);
    } else {
        abort_by_server(call, fault);
    }
}

void faults_found_at_entry(struct call *call)
{
    const struct inject_plan *plan = inject_plan();
    for (uint32_t i = 0; i < plan->plan.fault_count; i++) {
        const struct fault *fault = &plan->plan.faults[i];
        if (fault->site.function == call->function && fault->kind == FAULT_EARLY_CLOSE &&
            run_fault_arrive(i, fault, call->operation, call->device_index)) {
            early_close(call, i);
        }
    }
}

struct fault_moments faults_found_at_delivery(struct call *call, int32_t code)
{
    const struct inject_plan *plan = inject_plan();
    struct fault_moments later = {0};
    for (uint32_t i = 0; i < plan->plan.fault_count; i++) {
        const struct fault *fault = &plan->plan.faults[i];
        bool ours = fault->kind == FAULT_EARLY_CLOSE || fault->kind == FAULT_ABORT;
        if (!ours || fault->site.command != code ||
            !run_fault_arrive(i, fault, call->operation, call->device_index)) {
            continue;
        }
        if (fault->kind == FAULT_EARLY_CLOSE) {
            early_close(call, i);
        } else if (fault->arg[FAULT_ARG_AT] == FAULT_AT_FETCH) {
            do_abort(call, i);
        } else {
            take_back(i); /* it has not happened yet, and will not if the moment never comes */
            *(fault->arg[FAULT_ARG_AT] == FAULT_AT_TOUCH ? &later.at_touch : &later.at_complete) |=
                UINT64_C(1) << i;
            atomic_store(&faults_passing, PASSING_DECIDED); /* any completion may be the command's */
        }
    }
    return later;
}

void faults_when_due(struct call *call, uint64_t faults)
{
    const struct plan *plan = &inject_plan()->plan;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if ((faults >> i & 1) == 0) {
            continue;
        }
        /* Two devices may both be the first to reach the command; only one is the first to touch or complete it. */
        const struct fault_site *site = &plan->faults[i].site;
        uint32_t unfired = 0;
        if (site->and_later || site->device != FAULT_DEVICE_ANY) {
            atomic_fetch_add(&counts(i)->fired, 1);
        } else if (!atomic_compare_exchange_strong(&counts(i)->fired, &unfired, 1)) {
            continue;
        }
        do_abort(call, i);
    }
}

bool faults_lose_close(struct call *call)
{
    const struct inject_plan *plan = inject_plan();
    if (!plan->loses_close) {
        return false;
    }
    for (uint32_t i = 0; i < plan->plan.fault_count; i++) {
        const struct fault *fault = &plan->plan.faults[i];
        if (fault->kind == FAULT_LOST_CLOSE && !atomic_load(&call->device->closed) &&
            run_fault_arrive(i, fault, call->operation, call->device_index)) {
            call_fault(call, i);
            shadow_device_closed(call->device, true);
            return true;
        }
    }
    return false;
}
