/* fault_lifecycle.c - faults in the life of a set and its devices: aborts, closes, configurations; see deeds.h. */
#include <stddef.h>

#include "deeds.h"
#include "guard.h"
#include "idle.h"
#include "inject.h"
#include "next.h"
#include "vdierror.h"

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

/* ---- early-close ---- */

/* Closes the set as another thread of the client might (VDI Close with open devices, spec 3.9). */
void deed_early_close(struct call *call, uint32_t fault)
{
    struct shadow_set *set = call->set;
    /* First the state: calls that begin from here on do not enter the library for this set. Those that have
     * looked at it before may still do so, as under a Close by another thread. */
    if (set == NULL || atomic_load(&set->open_devices) == 0 || !guard_keeps_buffers(set) ||
        (call->device != NULL && !shadow_device_is_current(call->device)) ||
        !shadow_set_closed(set, SHADOW_CLOSED_BY_FAULT)) {
        run_fault_take_back(fault);
        return;
    }
    call_fault(call, fault);
    call_by_fault(call, VDI_FN_CLOSE, NEXT_CLOSE);
}

/* ---- abort ---- */

bool deed_finds_set_active(const struct call *call)
{
    return call->set != NULL && atomic_load(&call->set->state) == SHADOW_OPEN &&
           !atomic_load(&call->set->aborted) &&
           (call->device == NULL || shadow_device_is_current(call->device));
}

void deed_abort_inside(struct call *call, uint32_t fault)
{
    call_fault(call, fault);
    call_by_fault(call, VDI_FN_SIGNAL_ABORT, NEXT_SIGNAL_ABORT);
    shadow_set_aborted(call->set);
}

void deed_abort(struct call *call, uint32_t fault)
{
    bool joins = call->function == VDI_FN_OPEN_IN_SECONDARY && call->set != NULL;
    bool by_client = deed_fault(fault)->arg[FAULT_ARG_BY] == FAULT_BY_CLIENT;
    if (!deed_finds_set_active(call) && (by_client || !joins)) {
        run_fault_take_back(fault);
    } else if (by_client) {
        deed_abort_inside(call, fault);
    } else {
        deed_ask_server(call, fault);
    }
}

void deed_abort_at_delivery(struct call *call, uint32_t fault, struct delivery *delivery)
{
    int32_t at = deed_fault(fault)->arg[FAULT_ARG_AT];
    if (at == FAULT_AT_FETCH) {
        deed_abort(call, fault);
        return;
    }
    run_fault_take_back(fault); /* it has not happened yet, and will not if the moment never comes */
    *(at == FAULT_AT_TOUCH ? &delivery->later->at_touch : &delivery->later->at_complete) |= UINT64_C(1)
                                                                                            << fault;
}

/* ---- VD_E_CLOSE that is lost, late, or comes again and again ---- */

void deed_lose_close(struct call *call, uint32_t fault)
{
    call_fault(call, fault);
    shadow_device_withholds(call->device, INT64_MAX);
}

void deed_delay_close(struct call *call, uint32_t fault)
{
    call_fault(call, fault);
    shadow_device_withholds(call->device, idle_deadline(deed_fault(fault)->arg[FAULT_ARG_MS]));
}

void deed_repeat_close(struct call *call, uint32_t fault)
{
    call_fault(call, fault);
    atomic_store(&call->device->close, SHADOW_CLOSE_REPEATS);
}

/* ---- buffers that cannot be mapped ---- */

/* The library has found out by itself, and aborted; only the next call tells (spec 14 item 1). */
int deed_stale_config(struct call *call, uint32_t fault, int result)
{
    if (result != 0 || !deed_finds_set_active(call)) {
        run_fault_take_back(fault);
    } else {
        deed_abort_inside(call, fault);
    }
    return result;
}

void deed_miss_buffers(struct call *call, uint32_t fault)
{
    if (!deed_finds_set_active(call)) {
        run_fault_take_back(fault);
        return;
    }
    deed_abort_inside(call, fault);
    deed_answer(call, VD_E_ABORT);
}
