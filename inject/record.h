/* record.h - one interposed call, from its begin event to its end event. */
#ifndef VDIFAULT_RECORD_H
#define VDIFAULT_RECORD_H

#include <stdint.h>

#include "event.h"
#include "shadow.h"

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
    int64_t arg[CALL_ARGS];
};

/* For a call on a set, or on a device (then `set` is the device's); either may be NULL. */
struct call call_on_set(enum vdi_function function, struct shadow_set *set, const void *object);
struct call call_on_device(enum vdi_function function, struct shadow_device *device, const void *object);

/* Records the begin with call->arg, then clears call->arg for the end. caller: return address in the client.
 */
void call_begin(struct call *call, const void *caller, const char *text);
/* Records the end with call->arg. Returns result. */
int call_end(struct call *call, int result);
/* Records the configuration that the call was given or gives back. */
void call_configuration(const struct call *call, const VDConfig *configuration);
void call_fault(const struct call *call, uint32_t fault);

#endif
