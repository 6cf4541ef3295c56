/* record.c - see record.h. */
#include "record.h"

#include <string.h>

#include "runstate.h"
#include "stack.h"

struct call call_on_set(enum vdi_function function, struct shadow_set *set, const void *object)
{
    return (struct call){
        .function = function,
        .object = object,
        .set = set,
        .operation = set == NULL ? -1 : atomic_load(&set->operation),
        .device_index = -1,
    };
}

struct call call_on_device(enum vdi_function function, struct shadow_device *device, const void *object)
{
    return (struct call){
        .function = function,
        .object = object,
        .set = device == NULL ? NULL : atomic_load(&device->set),
        .device = device,
        .operation = device == NULL ? -1 : atomic_load(&device->operation),
        .device_index = device == NULL ? -1 : atomic_load(&device->index),
    };
}

static struct event call_event(const struct call *call, enum event_kind kind)
{
    struct event event = {
        .kind = (uint8_t)kind,
        .side = EVENT_SIDE_CLIENT,
        .function = (uint16_t)call->function,
        .device = (int16_t)call->device_index,
        .operation = call->operation,
        .set = call->set == NULL ? 0 : atomic_load(&call->set->number),
        .call = call->sequence,
        .flags = call->flags,
        .stack = call->stack,
    };
    memcpy(event.arg, call->arg, sizeof(call->arg));
    return event;
}

void call_begin(struct call *call, const void *caller, const char *text)
{
    call->stack = stack_of_call(caller);
    struct event event = call_event(call, EVENT_CALL_BEGIN);
    event.arg[6] = (int64_t)(intptr_t)call->object;
    call->sequence = event_record(&event, text);
    memset(call->arg, 0, sizeof(call->arg));
}

int call_end(struct call *call, int result)
{
    struct event event = call_event(call, EVENT_CALL_END);
    event.result = result;
    event_record(&event, NULL);
    return result;
}

void call_fault(const struct call *call, uint32_t fault)
{
    struct event event = call_event(call, EVENT_FAULT);
    memset(event.arg, 0, sizeof(event.arg));
    event.arg[0] = fault;
    event.flags = 0;
    event_record(&event, NULL);
}

void call_configuration(const struct call *call, const VDConfig *configuration)
{
    const uint32_t *word = (const uint32_t *)configuration;
    struct event event = call_event(call, EVENT_CONFIGURATION);
    _Static_assert(sizeof(*configuration) == EVENT_CONFIG_WORDS * sizeof(*word), "spec 5.1: eleven fields");
    memset(event.arg, 0, sizeof(event.arg));
    for (unsigned i = 0; i < EVENT_CONFIG_WORDS; i++) {
        event_set_config_word(&event, i, word[i]);
    }
    event_record(&event, NULL);
}
