/* shadow.c - see shadow.h. Addresses are hashed into arrays of keys (compact, so that a probe stays in few
 * cache lines); the entry of a key has its index. Keys never become free again: a probe may stop at the first
 * free one. An entry is filled while its key is BUSY, nobody's address, and the key is published last: nobody
 * finds half an entry, or takes one for gone that is about to serve. */
#include "shadow.h"

#include <stddef.h>

#include "idle.h"

enum {
    BUSY = 1
};

static _Atomic uintptr_t set_keys[SHADOW_SETS_MAX];
static struct shadow_set sets[SHADOW_SETS_MAX];
static _Atomic uintptr_t device_keys[SHADOW_DEVICES_MAX];
static struct shadow_device devices[SHADOW_DEVICES_MAX];

static size_t hash(uintptr_t object, size_t count)
{
    return (size_t)(((uint64_t)object * 0x9e3779b97f4a7c15u) >> 40) % count;
}

/* Index of `object`, or -1. */
static ptrdiff_t find(_Atomic uintptr_t *keys, size_t count, uintptr_t object)
{
    size_t at = hash(object, count);
    for (size_t i = 0; i < count; i++, at = (at + 1) % count) {
        uintptr_t key = atomic_load_explicit(&keys[at], memory_order_acquire);
        if (key == object) {
            return (ptrdiff_t)at;
        }
        if (key == 0) {
            return -1;
        }
    }
    return -1;
}

/* Makes the entry ours to fill, if it is free or, by `is_gone`, serves an object no more. */
static bool reserve(_Atomic uintptr_t *keys, size_t at, uintptr_t key, bool (*is_gone)(size_t))
{
    if (key == BUSY || (key != 0 && !is_gone(at)) || !atomic_compare_exchange_strong(&keys[at], &key, BUSY)) {
        return false;
    }
    if (key != 0 && !is_gone(at)) { /* filled anew between the look and the exchange */
        atomic_store_explicit(&keys[at], key, memory_order_release);
        return false;
    }
    return true;
}

/* Reserves the first such place on the probe path. Who gets it fills it and calls publish. */
static ptrdiff_t bind(_Atomic uintptr_t *keys, size_t count, uintptr_t object, bool (*is_gone)(size_t))
{
    size_t at = hash(object, count);
    for (size_t i = 0; i < count; i++, at = (at + 1) % count) {
        if (reserve(keys, at, atomic_load_explicit(&keys[at], memory_order_acquire), is_gone)) {
            return (ptrdiff_t)at;
        }
    }
    return -1;
}

static void publish(_Atomic uintptr_t *keys, ptrdiff_t at, uintptr_t object)
{
    atomic_store_explicit(&keys[at], object, memory_order_release);
}

void shadow_forget(void)
{
    for (size_t i = 0; i < SHADOW_SETS_MAX; i++) {
        publish(set_keys, (ptrdiff_t)i, 0);
    }
    for (size_t i = 0; i < SHADOW_DEVICES_MAX; i++) {
        publish(device_keys, (ptrdiff_t)i, 0);
    }
}

static bool is_reservable(size_t at)
{
    (void)at;
    return true;
}

static bool set_is_destroyed(size_t at)
{
    return atomic_load(&sets[at].destroyed);
}

/* Closed but never destroyed, as Microsoft's sample leaves them (spec 3.1): given up only when the table is
 * full. */
static bool set_is_closed(size_t at)
{
    return atomic_load(&sets[at].state) == SHADOW_NONE;
}

static bool device_is_gone(size_t at)
{
    return atomic_load(&devices[at].set) == NULL || !shadow_device_is_current(&devices[at]);
}

static void reset_set(struct shadow_set *set, uintptr_t object)
{
    atomic_store(&set->object, object);
    atomic_store(&set->number, atomic_fetch_add(&run_state_attach()->set_count, 1) + 1);
    atomic_store(&set->state, SHADOW_NONE);
    atomic_fetch_add(&set->life, 1);
    atomic_store(&set->operation, -1);
    atomic_store(&set->aborted, false);
    atomic_store(&set->open_devices, 0);
    atomic_store(&set->lost_devices, 0);
    atomic_store(&set->destroyed, false);
}

struct shadow_set *shadow_set(const void *object)
{
    uintptr_t key = (uintptr_t)object;
    if (key == 0) {
        return NULL;
    }
    ptrdiff_t at = find(set_keys, SHADOW_SETS_MAX, key);
    if (at >= 0 && !reserve(set_keys, (size_t)at, key, set_is_destroyed)) {
        return &sets[at]; /* in use, or another thread is faster to use it again */
    }
    if (at < 0) {
        at = bind(set_keys, SHADOW_SETS_MAX, key, set_is_destroyed);
    }
    if (at < 0) {
        at = bind(set_keys, SHADOW_SETS_MAX, key, set_is_closed);
    }
    if (at < 0) {
        return NULL;
    }
    reset_set(&sets[at], key);
    publish(set_keys, at, key);
    return &sets[at];
}

void shadow_set_constructed(const void *object)
{
    ptrdiff_t at = find(set_keys, SHADOW_SETS_MAX, (uintptr_t)object);
    if (at >= 0) {
        atomic_store(&sets[at].destroyed, true);
    }
}

struct shadow_device *shadow_device(const void *object)
{
    ptrdiff_t at = object == NULL ? -1 : find(device_keys, SHADOW_DEVICES_MAX, (uintptr_t)object);
    return at < 0 ? NULL : &devices[at];
}

bool shadow_device_is_current(const struct shadow_device *device)
{
    struct shadow_set *set = atomic_load(&device->set);
    return set != NULL && atomic_load(&set->life) == atomic_load(&device->life);
}

void shadow_set_opened(struct shadow_set *set, int32_t operation, bool secondary)
{
    atomic_store(&set->secondary, secondary);
    atomic_store(&set->operation, operation);
    atomic_store(&set->aborted, false);
    atomic_store(&set->open_devices, 0);
    atomic_store(&set->lost_devices, 0);
    for (size_t i = 0; i < RUN_DEVICES_MAX; i++) {
        atomic_store(&set->devices[i], NULL);
    }
    atomic_fetch_add(&set->life, 1);
    atomic_store(&set->state, SHADOW_OPEN);
}

bool shadow_set_closed(struct shadow_set *set, enum shadow_state state)
{
    uint32_t open = SHADOW_OPEN;
    bool closed = atomic_compare_exchange_strong(&set->state, &open, state);
    idle_wake(set);
    return closed;
}

void shadow_set_aborted(struct shadow_set *set)
{
    atomic_store(&set->aborted, true);
    idle_wake(set);
}

struct shadow_device *shadow_device_opened(struct shadow_set *set, const void *object, int32_t index)
{
    ptrdiff_t at = find(device_keys, SHADOW_DEVICES_MAX, (uintptr_t)object);
    if (at < 0 || !reserve(device_keys, (size_t)at, (uintptr_t)object, is_reservable)) {
        at = bind(device_keys, SHADOW_DEVICES_MAX, (uintptr_t)object, device_is_gone);
    }
    if (at < 0) {
        return NULL;
    }
    struct shadow_device *device = &devices[at];
    atomic_store(&device->life, atomic_load(&set->life));
    atomic_store(&device->operation, atomic_load(&set->operation));
    atomic_store(&device->index, index);
    atomic_store(&device->closed, false);
    atomic_store(&device->close, SHADOW_CLOSE_PASSES);
    for (size_t i = 0; i < SHADOW_CODES; i++) {
        atomic_store(&device->delivered[i], 0);
    }
    atomic_store(&device->guard_seen, 0);
    atomic_store(&device->guard_held, 0);
    atomic_store(&device->handed_over, false);
    atomic_store(&device->serves_itself, false);
    for (size_t i = 0; i < SHADOW_COMMANDS_MAX; i++) {
        atomic_store(&device->commands[i].block, NULL);
    }
    atomic_store(&device->set, set);
    if (index >= 0 && index < RUN_DEVICES_MAX) {
        atomic_store(&set->devices[index], device);
    }
    atomic_fetch_add(&set->open_devices, 1);
    publish(device_keys, at, (uintptr_t)object);
    return device;
}

void shadow_device_withholds(struct shadow_device *device, int64_t due)
{
    atomic_store(&device->close_due, due);
    atomic_store(&device->close, SHADOW_CLOSE_WITHHELD);
    atomic_fetch_add(&atomic_load(&device->set)->lost_devices, 1);
}

void shadow_device_closed(struct shadow_device *device)
{
    struct shadow_set *set = atomic_load(&device->set);
    uint32_t withheld = SHADOW_CLOSE_WITHHELD;
    bool is_late = atomic_compare_exchange_strong(&device->close, &withheld, SHADOW_CLOSE_PASSES);
    if (!atomic_exchange(&device->closed, true) && shadow_device_is_current(device)) {
        atomic_fetch_sub(&set->open_devices, 1);
        atomic_fetch_sub(&set->lost_devices, is_late ? 1 : 0);
    }
}

static struct shadow_command *find_on_device(struct shadow_device *device, const VDC_Command *block)
{
    for (size_t i = 0; i < SHADOW_COMMANDS_MAX; i++) {
        const void *known = atomic_load_explicit(&device->commands[i].block, memory_order_acquire);
        if (known == block) {
            return &device->commands[i];
        }
        if (known == NULL) {
            return NULL; /* entries are taken in order */
        }
    }
    return NULL;
}

uint32_t shadow_fetched(struct shadow_device *device, const VDC_Command *block, const VDC_Command *command,
                        uint64_t call, uint64_t at_complete)
{
    int32_t code = command->commandCode;
    struct shadow_command *entry = find_on_device(device, block);
    for (size_t i = 0; i < SHADOW_COMMANDS_MAX && entry == NULL; i++) {
        struct shadow_command *candidate = &device->commands[i];
        if (atomic_load(&candidate->block) == NULL || !atomic_load(&candidate->outstanding)) {
            entry = candidate;
        }
    }
    if (entry != NULL) { /* published by the last store: the others need no order among themselves */
        atomic_store_explicit(&entry->call, call, memory_order_relaxed);
        atomic_store_explicit(&entry->code, code, memory_order_relaxed);
        atomic_store_explicit(&entry->buffer, command->buffer, memory_order_relaxed);
        atomic_store_explicit(&entry->size, command->size, memory_order_relaxed);
        atomic_store_explicit(&entry->at_complete, at_complete, memory_order_relaxed);
        atomic_store_explicit(&entry->outstanding, true, memory_order_release);
        atomic_store_explicit(&entry->block, block, memory_order_release);
    }
    size_t counter = code > 0 && code < SHADOW_CODES ? (size_t)code : 0;
    /* One thread at a time is on a device. */
    uint32_t number = atomic_load_explicit(&device->delivered[counter], memory_order_relaxed) + 1;
    atomic_store_explicit(&device->delivered[counter], number, memory_order_relaxed);
    return number;
}

struct shadow_command *shadow_find_command(struct shadow_device *device, const VDC_Command *block)
{
    if (block == NULL) {
        return NULL;
    }
    struct shadow_command *newest = find_on_device(device, block);
    if (newest != NULL && atomic_load(&newest->outstanding)) {
        return newest;
    }
    struct shadow_set *set = atomic_load(&device->set);
    for (size_t i = 0; i < RUN_DEVICES_MAX; i++) {
        struct shadow_device *other = atomic_load(&set->devices[i]);
        struct shadow_command *command = other == NULL ? NULL : find_on_device(other, block);
        if (command != NULL && (newest == NULL || atomic_load(&command->call) > atomic_load(&newest->call))) {
            newest = command;
        }
    }
    return newest;
}

static uint64_t fetch_on_device(struct shadow_device *device, const void *buffer)
{
    for (size_t i = 0; i < SHADOW_COMMANDS_MAX; i++) {
        struct shadow_command *command = &device->commands[i];
        if (atomic_load(&command->block) == NULL) {
            return 0; /* entries are taken in order */
        }
        if (atomic_load(&command->outstanding) && atomic_load(&command->buffer) == buffer) {
            return atomic_load(&command->call);
        }
    }
    return 0;
}

uint64_t shadow_fetch_of_buffer(struct shadow_set *set, const void *buffer)
{
    uint64_t fetch = 0;
    for (size_t i = 0; set != NULL && buffer != NULL && i < RUN_DEVICES_MAX && fetch == 0; i++) {
        struct shadow_device *device = atomic_load(&set->devices[i]);
        fetch = device == NULL ? 0 : fetch_on_device(device, buffer);
    }
    return fetch;
}

static bool has_byte(const struct shadow_command *command, size_t prefix, uintptr_t at)
{
    uintptr_t buffer = (uintptr_t)atomic_load(&command->buffer);
    int32_t size = atomic_load(&command->size);
    return buffer != 0 && size > 0 && at >= buffer - prefix && at < buffer + (size_t)size;
}

uint64_t shadow_fetch_at(const void *address)
{
    for (size_t i = 0; i < SHADOW_DEVICES_MAX; i++) {
        struct shadow_device *device = &devices[i];
        bool is_used = atomic_load_explicit(&device_keys[i], memory_order_acquire) > BUSY;
        struct shadow_set *set = is_used ? atomic_load(&device->set) : NULL;
        if (set == NULL || !shadow_device_is_current(device) || atomic_load(&set->state) == SHADOW_NONE) {
            continue;
        }
        for (size_t j = 0; j < SHADOW_COMMANDS_MAX; j++) {
            struct shadow_command *command = &device->commands[j];
            if (atomic_load(&command->block) == NULL) {
                break; /* entries are taken in order */
            }
            if (atomic_load(&command->outstanding) &&
                has_byte(command, atomic_load(&set->prefix), (uintptr_t)address)) {
                return atomic_load(&command->call);
            }
        }
    }
    return 0;
}
