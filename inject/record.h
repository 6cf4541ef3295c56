/* record.h - one interposed call, from its begin event to its end event. Where nobody records, nothing is made. */
#ifndef VDIFAULT_RECORD_H
#define VDIFAULT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "inject.h"
#include "shadow.h"
#include "shortage.h"

enum {
    CALL_ARGS = 6
};

struct call {
    enum vdi_function function;
    uint32_t flags; /* enum event_flag, for the end event */
    struct shadow_set *set;
    struct shadow_device *device;
    const void *object; /* it is made on */
    uint64_t sequence;  /* of the begin event */
    uint32_t stack;     /* it comes from */
    int32_t operation;
    int32_t device_index;
    int32_t answer;             /* with EVENT_FLAG_FAULTED: a fault's, in the library's place */
    uint64_t at_end;            /* faults of the plan that wait for the call's end, a bit each */
    uint64_t later;             /* ... and for what its thread does next */
    int64_t timeout;            /* as passed to GetCommand, GetConfiguration */
    const VDC_Command *command; /* as passed to CompleteCommand, with its bytesTransferred */
    uint64_t bytes;
    int64_t arg[CALL_ARGS];
};

static inline void call_clear(struct call *call)
{
    for (int i = 0; i < CALL_ARGS; i++) {
        call->arg[i] = 0;
    }
}

/* For a call on a set, or on a device (then `set` is the device's); either may be NULL. */
static inline struct call call_on_set(enum vdi_function function, struct shadow_set *set, const void *object)
{
    struct call call;
    call.function = function;
    call.flags = 0;
    call.set = set;
    call.device = NULL;
    call.object = object;
    call.sequence = 0;
    call.stack = 0;
    call.operation = set == NULL ? -1 : atomic_load(&set->operation);
    call.device_index = -1;
    call.answer = 0;
    call.at_end = 0;
    call.later = 0;
    call.timeout = 0;
    call.command = NULL;
    call.bytes = 0;
    call_clear(&call);
    return call;
}

static inline struct call call_on_device(enum vdi_function function, struct shadow_device *device,
                                         const void *object)
{
    struct call call = call_on_set(function, device == NULL ? NULL : atomic_load(&device->set), object);
    call.device = device;
    call.operation = device == NULL ? -1 : atomic_load(&device->operation);
    call.device_index = device == NULL ? -1 : atomic_load(&device->index);
    return call;
}

/* Records the begin with call->arg, then clears call->arg for the end. caller: return address in the client.
 */
void call_record_begin(struct call *call, const void *caller, const char *text);

extern _Atomic uint64_t call_last_unrecorded;
/* Fetches are told apart by their sequence (shadow.h), also where nobody records. Two threads may get the same one:
 * what that may muddle is whose command a block is that is completed on a device it did not come from. */
static inline uint64_t call_unrecorded(enum vdi_function function)
{
    uint64_t sequence = 0;
    if (function == VDI_FN_GET_COMMAND) {
        sequence = atomic_load_explicit(&call_last_unrecorded, memory_order_relaxed) + 1;
        atomic_store_explicit(&call_last_unrecorded, sequence, memory_order_relaxed);
    }
    return sequence;
}

static inline void call_begin(struct call *call, const void *caller, const char *text)
{
    if (inject_records()) {
        call_record_begin(call, caller, text);
    } else {
        call->sequence = call_unrecorded(call->function);
    }
    if (inject_plan()->fails_files) {
        shortage_call_began(call);
    }
}

/* Records the end with call->arg. Returns result. */
int call_record_end(const struct call *call, int result);

static inline int call_end(const struct call *call, int result)
{
    if (inject_plan()->fails_files) {
        shortage_call_ended(call);
    }
    return inject_records() ? call_record_end(call, result) : result;
}

/* Records the configuration that the call was given or gives back. */
void call_configuration(const struct call *call, const VDConfig *configuration);
void call_fault(const struct call *call, uint32_t fault);

#endif
