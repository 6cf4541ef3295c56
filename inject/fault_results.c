/* fault_results.c - calls that give another result than the library's, or none of it; see deeds.h. */
#include <stddef.h>

#include "deeds.h"
#include "idle.h"
#include "inject.h"
#include "vdierror.h"

static int32_t result_of(uint32_t fault)
{
    return fault_results[deed_fault(fault)->arg[FAULT_ARG_CODE]].result;
}

/* A set that is open for the calls on it; for those that open one, an object that has none. */
static bool could_be_refused(const struct call *call)
{
    bool opens = call->function == VDI_FN_CREATE || call->function == VDI_FN_OPEN_IN_SECONDARY;
    return opens ? call->set != NULL && atomic_load(&call->set->state) != SHADOW_OPEN
                 : deed_finds_set_active(call);
}

void deed_error(struct call *call, uint32_t fault)
{
    if (!could_be_refused(call)) {
        run_fault_take_back(fault);
        return;
    }
    if (result_of(fault) == VD_E_ABORT) {
        deed_abort_inside(call, fault);
    } else {
        call_fault(call, fault);
    }
    deed_answer(call, result_of(fault));
}

/* What has failed by itself keeps its own error; the end of a wait, whatever ended it, is none. */
int deed_error_after(struct call *call, uint32_t fault, int result)
{
    bool failed = result != 0 && result != VD_E_TIMEOUT && result != VD_E_CLOSE;
    if (failed || !deed_finds_set_active(call)) {
        run_fault_take_back(fault);
        return result;
    }
    deed_abort_inside(call, fault);
    deed_answer(call, result_of(fault));
    return call->answer;
}

/* A device that has been closed has nothing to wait for. */
static bool may_time_out(const struct call *call)
{
    return call->timeout >= 0 && deed_finds_set_active(call) &&
           (call->device == NULL || !atomic_load(&call->device->closed));
}

void deed_timeout(struct call *call, uint32_t fault)
{
    if (!may_time_out(call)) {
        run_fault_take_back(fault);
        return;
    }
    call_fault(call, fault);
    /* Time does not stand still for a client that is given no other answer. */
    bool waits = deed_fault(fault)->site.and_later;
    deed_answer(call, waits ? idle_wait(call->set, idle_deadline(call->timeout)) : VD_E_TIMEOUT);
}

void deed_null_command(struct call *call, uint32_t fault)
{
    if (call->device == NULL || !deed_finds_set_active(call)) {
        run_fault_take_back(fault);
        return;
    }
    call_fault(call, fault);
    deed_answer(call, 0);
}
