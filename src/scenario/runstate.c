/* runstate.c - operations, devices and fault counters of the run; see runstate.h. */
#include "runstate.h"

#include <assert.h>
#include <string.h>

#include "runstate_internal.h"

uint64_t run_name_hash(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, 64 bits */
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++) {
        hash = (hash ^ *c) * 0x100000001b3u;
    }
    return hash == 0 ? 1 : hash; /* 0 stands for "no name" */
}

bool run_is_first(uint64_t hash)
{
    struct run_state *state = run_state_attach();
    for (size_t i = 0; i < RUN_TOLD_MAX; i++) {
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(&state->told[i], &found, hash)) {
            return true;
        }
        if (found == hash) {
            return false;
        }
    }
    return false;
}

static uint32_t operations_used(struct run_state *state)
{
    uint32_t count = atomic_load_explicit(&state->operation_count, memory_order_acquire);
    return count < RUN_OPERATIONS_MAX ? count : RUN_OPERATIONS_MAX;
}

int32_t run_claim_operation(const char *set_name, uint32_t device_count)
{
    struct run_state *state = run_state_attach();
    uint32_t index = atomic_load_explicit(&state->operation_count, memory_order_acquire);
    do {
        if (index >= RUN_OPERATIONS_MAX) {
            return -1;
        }
    } while (!atomic_compare_exchange_weak(&state->operation_count, &index, index + 1));

    struct run_operation *operation = &state->operations[index];
    operation->device_count = device_count;
    operation->process = run_process();
    size_t length = strnlen(set_name, RUN_NAME_MAX - 1);
    memcpy(operation->set_name, set_name, length);
    operation->set_name[length] = '\0';
    atomic_store_explicit(&operation->device_name[0], run_name_hash(operation->set_name),
                          memory_order_relaxed);
    atomic_store_explicit(&operation->devices, 1, memory_order_relaxed);
    atomic_store_explicit(&operation->ready, 1, memory_order_release);
    return (int32_t)index;
}

void run_drop_operation(int32_t operation)
{
    struct run_state *state = run_state_attach();
    if (operation < 0 || operation >= RUN_OPERATIONS_MAX) {
        return;
    }
    atomic_store_explicit(&state->operations[operation].ready, 0, memory_order_release);
    uint32_t newest = (uint32_t)operation + 1;
    atomic_compare_exchange_strong(&state->operation_count, &newest, (uint32_t)operation);
}

int32_t run_find_operation(const char *set_name)
{
    struct run_state *state = run_state_attach();
    for (uint32_t i = operations_used(state); i-- > 0;) {
        struct run_operation *operation = &state->operations[i];
        if (atomic_load_explicit(&operation->ready, memory_order_acquire) == 1 &&
            strncmp(operation->set_name, set_name, RUN_NAME_MAX) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t run_device_index(int32_t operation, const char *name)
{
    struct run_state *state = run_state_attach();
    if (operation < 0 || operation >= RUN_OPERATIONS_MAX) {
        return -1;
    }
    struct run_operation *owner = &state->operations[operation];
    uint64_t hash = run_name_hash(name);
    for (uint32_t i = 0; i < RUN_DEVICES_MAX; i++) {
        /* The first free place is taken, unless another thread was faster: then its name decides. */
        uint64_t known = 0;
        if (atomic_compare_exchange_strong(&owner->device_name[i], &known, hash)) {
            atomic_fetch_add_explicit(&owner->devices, 1, memory_order_release);
            return (int32_t)i;
        }
        if (known == hash) {
            return (int32_t)i;
        }
    }
    return -1;
}

void run_rearm(struct run_state *state)
{
    for (uint32_t i = 0; i < PLAN_FAULTS_MAX; i++) {
        struct run_fault *counts = &state->faults[i];
        atomic_store(&counts->fired, 0);
        for (uint32_t d = 0; d < RUN_DEVICES_MAX; d++) {
            atomic_store(&counts->seen[d], 0);
        }
    }
    atomic_store(&state->armed_from, operations_used(state));
}

bool run_fault_arrive(uint32_t index, const struct fault *fault, int32_t operation, int32_t device)
{
    assert(index < PLAN_FAULTS_MAX);
    const struct fault_site *site = &fault->site;
    struct run_state *state = run_state_attach();
    if (run_site_operation(state, site) != operation || site->nth == FAULT_NTH_LAST ||
        device >= RUN_DEVICES_MAX || (site->device >= 0 && site->device != device)) {
        return false;
    }
    /* Calls on the set have no device; they never share a fault with calls on devices. */
    struct run_fault *counts = &state->faults[index];
    bool next = site->nth == FAULT_NTH_NEXT;
    if (next && (index == 0 || atomic_load(&counts[-1].fired) == 0)) {
        return false;
    }
    uint32_t nth = atomic_fetch_add(&counts->seen[device < 0 ? 0 : device], 1) + 1;
    uint32_t from = next ? 1 : (uint32_t)site->nth;
    if (site->and_later ? nth < from : nth != from) {
        return false;
    }
    if (site->device == FAULT_DEVICE_ANY && !site->and_later) {
        uint32_t unfired = 0; /* the first device to get here, and only that one */
        return atomic_compare_exchange_strong(&counts->fired, &unfired, 1);
    }
    atomic_fetch_add(&counts->fired, 1);
    return true;
}

void run_fault_take_back(uint32_t index)
{
    atomic_fetch_sub(&run_state_attach()->faults[index].fired, 1);
}

/* Two devices may both be the first to reach a site; only one is the first whose moment comes. */
bool run_fault_fire(uint32_t index, const struct fault *fault)
{
    _Atomic uint32_t *fired = &run_state_attach()->faults[index].fired;
    uint32_t unfired = 0;
    if (!fault->site.and_later && fault->site.device == FAULT_DEVICE_ANY) {
        return atomic_compare_exchange_strong(fired, &unfired, 1);
    }
    atomic_fetch_add(fired, 1);
    return true;
}
