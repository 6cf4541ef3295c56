/* fault_timing.c - nothing but time: delays, jitter, pre-emption; see deeds.h. */
#include <sched.h>

#include "deeds.h"
#include "idle.h"
#include "inject.h"
#include "random.h"

enum {
    NS_PER_MS = 1000000,
    JITTER_NS = 500000, /* at most */
    /* Longer than a waking thread takes to get a processor that is free, and than a slice of a busy one's. */
    STEP_BACK_NS = 4 * NS_PER_MS,
    ONE_IN = 4 /* calls are pre-empted, and as many at their end */
};

void deed_delay(struct call *call, uint32_t fault)
{
    call_fault(call, fault);
    idle_delay((int64_t)deed_fault(fault)->arg[FAULT_ARG_MS] * NS_PER_MS);
}

/* By seed, function, device and number of the call on that device, so that what other threads do meanwhile does not
 * change it. */
static uint64_t draw(const struct call *call, uint32_t fault)
{
    bool has_device = call->device_index >= 0 && call->device_index < RUN_DEVICES_MAX;
    uint32_t device = has_device ? (uint32_t)call->device_index : 0;
    uint64_t nth = atomic_fetch_add(&deed_counts(fault)->seen[device], 1);
    uint64_t seed = (uint64_t)deed_fault(fault)->arg[FAULT_ARG_SEED];
    return random_mix(random_mix(seed << 32 | (uint64_t)call->function << 16 | device) + nth);
}

static void happens(struct call *call, uint32_t fault)
{
    atomic_fetch_add(&deed_counts(fault)->fired, 1);
    call_fault(call, fault);
}

void deed_jitter(struct call *call, uint32_t fault)
{
    happens(call, fault);
    idle_sleep((int64_t)(draw(call, fault) % JITTER_NS));
}

static void step_back(void)
{
    sched_yield();
    idle_sleep(STEP_BACK_NS);
}

void deed_preempt(struct call *call, uint32_t fault)
{
    switch (draw(call, fault) % (2 * ONE_IN)) {
    case 0:
        happens(call, fault);
        step_back();
        break;
    case 1:
        call->at_end |= UINT64_C(1) << fault;
        break;
    default:
        break;
    }
}

int deed_preempt_at_end(struct call *call, uint32_t fault, int result)
{
    happens(call, fault);
    step_back();
    return result;
}
