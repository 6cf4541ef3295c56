/* record.c - see record.h. */
#include "record.h"

#include <string.h>

#include "runstate.h"
#include "stack.h"

/* Field by field, as calls are: clearing the whole first would take longer than all the rest. */
static void call_event(const struct call *call, enum event_kind kind, struct event *event)
{
    event->kind = (uint8_t)kind;
    event->side = EVENT_SIDE_CLIENT;
    event->function = (uint16_t)call->function;
    event->device = (int16_t)call->device_index;
    event->operation = call->operation;
    event->stack = call->stack;
    event->set = call->set == NULL ? 0 : atomic_load_explicit(&call->set->number, memory_order_relaxed);
    event->call = call->sequence;
    event->flags = call->flags;
    event->result = 0;
    event->repeat = 0;
    for (size_t i = 0; i < CALL_ARGS; i++) {
        /* One by one: two at a time would wait for the stores that have just made them to reach the cache. */
        int64_t value = call->arg[i];
        __asm__("" : "+r"(value));
        event->arg[i] = value;
    }
    event->arg[CALL_ARGS] = 0;
}

_Atomic uint64_t call_last_unrecorded;

void call_record_begin(struct call *call, const void *caller, const char *text)
{
    call->stack = stack_of_call(caller);
    struct event event;
    call_event(call, EVENT_CALL_BEGIN, &event);
    event.arg[6] = (int64_t)(intptr_t)call->object;
    call->sequence = event_record(&event, text);
    call_clear(call);
}

int call_record_end(const struct call *call, int result)
{
    struct event event;
    call_event(call, EVENT_CALL_END, &event);
    event.result = result;
    event_record(&event, NULL);
    return result;
}

void call_fault(const struct call *call, uint32_t fault)
{
    if (!inject_records()) {
        return;
    }
    struct event event;
    call_event(call, EVENT_FAULT, &event);
    memset(event.arg, 0, sizeof(event.arg));
    event.arg[0] = fault;
    event.flags = 0;
    event_record(&event, NULL);
}

void call_configuration(const struct call *call, const VDConfig *configuration)
{
    const uint32_t *word = (const uint32_t *)configuration;
    if (!inject_records()) {
        return;
    }
    struct event event;
    call_event(call, EVENT_CONFIGURATION, &event);
    _Static_assert(sizeof(*configuration) == EVENT_CONFIG_WORDS * sizeof(*word), "spec 5.1: eleven fields");
    memset(event.arg, 0, sizeof(event.arg));
    for (unsigned i = 0; i < EVENT_CONFIG_WORDS; i++) {
        event_set_config_word(&event, i, word[i]);
    }
    event_record(&event, NULL);
}
