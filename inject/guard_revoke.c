/* guard_revoke.c - taking buffers and command blocks away from the client; see guard.h. */
#include <string.h>

#include "guard.h"
#include "guard_internal.h"
#include "inject.h"
#include "trap.h"
#include "vdierror.h"

/* The C library's, since 2.32: no thread was ever started. */
extern char __libc_single_threaded __attribute__((weak));

/* From the client's hands; `fetch` 0: whichever command it belongs to. */
static void take_away(struct slot *slot, uint64_t fetch, enum access_when when, const struct call *by)
{
    if (slot == NULL || slot_claim(slot, SLOT_BIT(HELD)) == SLOT_BUSY) {
        return;
    }
    if (fetch != 0 && atomic_load(&slot->call) != fetch) {
        slot_release(slot, SLOT_HELD);
        return;
    }
    slot->when = when;
    slot->taken_by = by == NULL ? 0 : by->sequence;
    slot->told = 0;
    slot->at_touch = 0;
    slot->is_withheld = false;
    if (guard_protects()) {
        if (!slot_is_command(slot)) {
            sanitizer_tell(slot, false);
        }
        pages_revoke(slot);
    }
    slot_release(slot, SLOT_REVOKED);
}

void guard_before_completion(struct slot *command, const struct call *call, unsigned long bytes)
{
    struct slot *buffer = command == NULL ? NULL : command->buffer;
    int64_t offset;
    if (buffer == NULL || slot_claim(buffer, SLOT_BIT(HELD)) == SLOT_BUSY) {
        return;
    }
    if (atomic_load(&buffer->call) == guard_fetch(command)) {
        if (buffer->is_withheld) { /* never touched, or by a thread for which its fault is happening now */
            buffer->is_withheld = false;
            pages_grant(buffer, buffer->protection);
        }
        if (guard_protects() && pages_edge_written(buffer, &offset)) {
            const struct access access = {.address = atomic_load(&buffer->data) + (uintptr_t)offset,
                                          .is_write = true,
                                          .function = (uint16_t)call->function,
                                          .text = ""};
            access_tell(buffer, SLOT_HELD, &access);
        }
        if (buffer->is_copy && !buffer->is_shared && buffer->code == VDC_Read) {
            pages_copy_back(buffer, bytes);
        }
    }
    slot_release(buffer, SLOT_HELD);
}

/* What the library's answer means for what the client held; 0: it holds it still. */
static enum access_when when_answered(const struct call *call, int result)
{
    if (result == 0) {
        return ACCESS_AFTER_COMPLETION;
    }
    if ((call->flags & EVENT_FLAG_FAULTED) != 0) {
        return ACCESS_AFTER_CLOSE;
    }
    return result == VD_E_ABORT ? ACCESS_AFTER_ABORT : 0;
}

void guard_completed(struct slot *command, const struct call *call, int result)
{
    enum access_when when = when_answered(call, result);
    if (when == 0) {
        return;
    }
    if (call->device != NULL && atomic_load(&call->device->guard_held) != 0) {
        atomic_fetch_sub(&call->device->guard_held, 1);
    }
    if (command == NULL) {
        return;
    }
    uint64_t fetch = guard_fetch(command);
    if (call->device != NULL && command->thread != &inject_thread) {
        atomic_store(&call->device->handed_over, true);
    } else if (call->device != NULL) {
        atomic_store(&call->device->serves_itself, true);
    }
    take_away(command->buffer, fetch, when, call);
    take_away(command, fetch, when, call);
}

/* One thread does all of the device's work: it fetched this, and nobody else can be using it. */
static bool is_all_its_own(const struct slot *slot)
{
    int32_t index = slot->device;
    struct shadow_device *device =
        index < 0 || index >= RUN_DEVICES_MAX ? NULL : atomic_load(&slot->set->devices[index]);
    bool is_alone = &__libc_single_threaded != NULL && __libc_single_threaded != 0;
    return slot->thread == &inject_thread && device != NULL && !atomic_load(&device->handed_over) &&
           (is_alone || atomic_load(&device->serves_itself));
}

static bool is_held_of(const struct slot *slot, const struct shadow_set *set)
{
    return atomic_load(&slot->state) == SLOT_HELD && slot->set == set &&
           slot->life == atomic_load(&set->life);
}

static void take_at_abort(struct slot *slot, void *context)
{
    const struct call *call = context;
    if (is_held_of(slot, call->set) && is_all_its_own(slot)) {
        slot->only_by_thread = true;
        take_away(slot, atomic_load(&slot->call), ACCESS_AFTER_ABORT, call);
    }
}

void guard_aborted(const struct call *call)
{
    if (guard_protects() && call->set != NULL) {
        arena_each(take_at_abort, (void *)call);
    }
}

/* What an abort took from one thread only is now everybody's no more. */
static void take_from_others(struct slot *slot, const struct call *call)
{
    enum slot_state state = slot_claim(slot, SLOT_BIT(REVOKED) | SLOT_BIT(OPENED));
    if (state == SLOT_BUSY) {
        return;
    }
    if (slot->only_by_thread && slot->set == call->set && slot->life == atomic_load(&call->set->life)) {
        slot->only_by_thread = false;
        slot->when = ACCESS_AFTER_CLOSE;
        slot->taken_by = call->sequence;
        slot->told = 0;
        state = pages_revoke(slot) == 0 ? SLOT_REVOKED : state;
    }
    slot_release(slot, state);
}

static void take_at_close(struct slot *slot, void *context)
{
    const struct call *call = context;
    if (is_held_of(slot, call->set)) {
        take_away(slot, 0, ACCESS_AFTER_CLOSE, call);
    } else if (slot->only_by_thread) {
        take_from_others(slot, call);
    }
}

void guard_closed(const struct call *call)
{
    if (call->set != NULL) {
        arena_each(take_at_close, (void *)call);
    }
}

/* The block's page costs nothing to keep, and serves the next command. */
static void end_life(struct slot *slot, void *set)
{
    if (slot->set != set || slot_is_command(slot)) {
        return;
    }
    enum slot_state state = slot_claim(slot, SLOT_BIT(REVOKED) | SLOT_BIT(OPENED));
    if (state != SLOT_BUSY) {
        slot_release(slot, slot_unmap(slot) == 0 ? SLOT_GONE : state);
    }
}

void guard_life_ended(const struct call *call)
{
    if (call->set != NULL) {
        arena_each(take_at_close, (void *)call);
        arena_each(end_life, call->set);
    }
}

void guard_unmapped(const void *address, size_t length)
{
    sources_forget((uintptr_t)address, (uintptr_t)address + length);
}
