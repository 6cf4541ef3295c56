/* guard.c - giving buffers and command blocks to the client; see guard.h. */
#include "guard.h"

#include <string.h>
#include <sys/mman.h>

#include "guard_internal.h"
#include "inject.h"
#include "trap.h"
#include "vdierror.h"

enum {
    ALWAYS_FIRST = 4096, /* of each device's commands, in `auto` */
    THEN_EVERY = 16,
    ALIGNMENT_MAX = 65536, /* spec 7 */
    FLIPPED_BITS = 0x5a
};

/* ---- configuration ---- */

_Atomic uint32_t guard_work_word;

uint32_t guard_decide(void)
{
    uint32_t work = guard_protects() || guard_is_needed_by_plan() ? GUARD_AT_WORK : GUARD_IDLE;
    atomic_store_explicit(&guard_work_word, work, memory_order_relaxed);
    return work;
}

VDConfig guard_ask(const VDConfig *asked)
{
    VDConfig passed = *asked;
    bool is_valid = (asked->alignment & (asked->alignment - 1)) == 0;
    if (guard_protects() && is_valid && asked->alignment < arena_page() && arena_page() <= ALIGNMENT_MAX) {
        passed.alignment = (uint32_t)arena_page();
    }
    return passed;
}

void guard_answer(VDConfig *asked, const VDConfig *passed)
{
    uint32_t alignment = asked->alignment;
    *asked = *passed;
    asked->alignment = alignment;
}

void guard_life_began(struct shadow_set *set, const VDConfig *asked)
{
    atomic_store(&set->asked_alignment, asked == NULL ? ALIGNMENT_MAX : asked->alignment);
    atomic_store(&set->alignment, 0);
    atomic_store(&set->prefix, asked == NULL ? 0 : asked->prefixZoneSize);
    atomic_store(&set->max_transfer, 0);
    atomic_store(&set->gave_handle, false);
    atomic_store(&set->unguarded, false);
}

void guard_configured(struct shadow_set *set, VDConfig *config)
{
    uint32_t asked = atomic_load(&set->asked_alignment);
    /* Without us the server would have settled on the larger of what was asked for and its block (spec 5.1). */
    uint32_t own = asked > config->blockSize ? asked : config->blockSize;
    atomic_store(&set->page_aligned, config->alignment >= arena_page());
    if (guard_protects() && config->alignment == arena_page() && own < config->alignment) {
        config->alignment = own;
    }
    atomic_store(&set->alignment, config->alignment);
    atomic_store(&set->prefix, config->prefixZoneSize);
    atomic_store(&set->max_transfer, config->maxTransferSize);
}

/* ---- giving ---- */

static bool is_sampled(struct shadow_device *device)
{
    uint32_t seen = atomic_fetch_add(&device->guard_seen, 1);
    if (guard_mode() != GUARD_AUTO || seen < ALWAYS_FIRST || guard_is_needed_by_plan() ||
        guard_is_struck_by_plan()) {
        return true;
    }
    guard_say(NOTE_SAMPLED, 0);
    return seen % THEN_EVERY == 0;
}

static void fill(struct slot *slot, const struct call *call, const VDC_Command *command)
{
    slot->set = call->set;
    slot->life = atomic_load(&call->set->life);
    slot->thread = &inject_thread;
    slot->told = 0;
    slot->at_touch = 0;
    slot->is_withheld = false;
    atomic_store(&slot->call, call->sequence);
    slot->set_number = atomic_load(&call->set->number);
    slot->operation = call->operation;
    slot->device = call->device_index;
    slot->code = command->commandCode;
    slot->when = ACCESS_WHILE_HELD;
    slot->taken_by = 0;
    slot->only_by_thread = false;
}

static bool is_copied(const struct shadow_set *set, const VDC_Command *command)
{
    if (atomic_load(&set->gave_handle)) {
        return false;
    }
    bool is_exact = atomic_load(&set->prefix) == 0 && (uintptr_t)command->buffer % arena_page() == 0;
    return guard_mode() == GUARD_COPY || (guard_mode() == GUARD_AUTO && !is_exact);
}

/* Of what the client may count on in its buffers' addresses. */
static size_t alignment_of(const struct shadow_set *set, const VDC_Command *command)
{
    size_t alignment = atomic_load(&set->alignment);
    size_t own = (uintptr_t)command->buffer & -(uintptr_t)command->buffer;
    return alignment != 0 && alignment < own ? alignment : own < ALIGNMENT_MAX ? own : ALIGNMENT_MAX;
}

/* A slot for the command's buffer, BUSY. */
static struct slot *take_slot(const struct call *call, const VDC_Command *command)
{
    struct shadow_set *set = call->set;
    size_t prefix = atomic_load(&set->prefix);
    size_t size = (size_t)command->size;
    size_t most = atomic_load(&set->max_transfer);
    size_t needed = pages_needed(size > most ? size : most, prefix);
    _Atomic(struct slot *) *place = NULL;
    struct slot *slot =
        sources_take(set, arena_page_down((uintptr_t)command->buffer - prefix), needed, &place);
    if (slot == NULL && place != NULL) {
        slot = arena_take(needed);
        if (slot != NULL) {
            atomic_store(place, slot);
        }
    }
    if (slot != NULL) {
        slot->prefix = prefix;
    }
    return slot;
}

static int grant_pages(struct slot *slot, const struct call *call, const VDC_Command *command)
{
    bool copy = is_copied(call->set, command);
    int allowed = command->commandCode == VDC_Write && guard_protects() ? PROT_READ : PROT_READ | PROT_WRITE;
    int error = pages_place(slot, command, copy, alignment_of(call->set, command));
    if (error != 0 && !copy && guard_mode() != GUARD_PAGES) { /* the library's memory is not shared */
        copy = true;
        error = pages_place(slot, command, copy, alignment_of(call->set, command));
    }
    if (error == 0 && copy) {
        error = pages_grant(slot, PROT_READ | PROT_WRITE);
        error = error != 0 ? error : pages_copy_in(slot);
        if (error == 0) {
            pages_note_edges(slot, true);
        }
    }
    if (error == 0) {
        error = pages_grant(slot, allowed);
    }
    if (error == 0 && !copy && allowed != PROT_READ) {
        pages_note_edges(slot, slot->prefix == 0 && atomic_load(&call->set->page_aligned));
    }
    return error;
}

static struct slot *grant_buffer(const struct call *call, const VDC_Command *command)
{
    struct slot *slot = take_slot(call, command);
    if (slot == NULL) {
        guard_say(NOTE_NO_SLOT, 0);
        return NULL;
    }
    fill(slot, call, command);
    int error = grant_pages(slot, call, command);
    if (error != 0) {
        (void)slot_unmap(slot);
        slot_release(slot, SLOT_GONE);
        guard_say(guard_mode() == GUARD_PAGES ? NOTE_NO_ALIAS : NOTE_NO_PAGES, error);
        return NULL;
    }
    if (guard_protects()) {
        sanitizer_tell(slot, true);
    }
    return slot;
}

/* The block, at the end of its page: what is read or written behind it does not get far. */
static VDC_Command *grant_block(struct slot *slot, const VDC_Command *command)
{
    uint8_t *page = arena_slot_start(slot);
    VDC_Command *given = (VDC_Command *)(page + arena_page() - sizeof(*given));
    if (slot->pages == NULL) {
        slot_map_command(slot);
    }
    slot->first = page;
    slot->granted = arena_page();
    slot->protection = guard_protects() ? PROT_READ : PROT_READ | PROT_WRITE;
    int error = arena_protect(page, arena_page(), PROT_READ | PROT_WRITE);
    if (error != 0) {
        guard_say(NOTE_NO_PAGES, error);
        return NULL;
    }
    *given = *command;
    atomic_store(&slot->data, (uintptr_t)given);
    atomic_store(&slot->size, sizeof(*given));
    return arena_protect(page, arena_page(), slot->protection) == 0 ? given : NULL;
}

static void note_service(struct shadow_device *device)
{
    if (atomic_fetch_add(&device->guard_held, 1) != 0) {
        atomic_store(&device->handed_over, true);
    }
}

/* Both slots go back as if nothing had been in them. */
static VDC_Command *withdraw(struct slot *command, struct slot *buffer, VDC_Command *instead)
{
    struct slot *both[] = {command, buffer};
    for (int i = 0; i < 2; i++) {
        if (both[i] != NULL) {
            if (!slot_is_command(both[i]) && guard_protects()) {
                sanitizer_tell(both[i], false);
            }
            pages_revoke(both[i]);
            slot_release(both[i], SLOT_REVOKED);
        }
    }
    return instead;
}

static VDC_Command *give(const struct call *call, VDC_Command *block, VDC_Command *seen)
{
    bool has_buffer = seen->buffer != NULL && seen->size > 0;
    struct slot *command = arena_take_command();
    if (command == NULL) {
        guard_say(NOTE_NO_SLOT, 0);
        return block;
    }
    fill(command, call, seen);
    atomic_store(&command->library, block);
    command->buffer = has_buffer ? grant_buffer(call, seen) : NULL;
    if (command->buffer != NULL) {
        seen->buffer = (uint8_t *)atomic_load(&command->buffer->data);
    } else if (has_buffer) {
        atomic_store(&call->set->unguarded, true);
    }
    VDC_Command *given = grant_block(command, seen);
    if (given == NULL) {
        *seen = *block;
        atomic_store(&call->set->unguarded, true);
        return withdraw(command, command->buffer, block);
    }
    if (atomic_load(&call->set->state) == SHADOW_CLOSED_BY_FAULT) {
        return withdraw(command, command->buffer, NULL);
    }
    if (command->buffer != NULL) {
        slot_release(command->buffer, SLOT_HELD);
    }
    slot_release(command, SLOT_HELD);
    return given;
}

VDC_Command *guard_give(const struct call *call, VDC_Command *block, VDC_Command *seen)
{
    note_service(call->device);
    if (!is_sampled(call->device)) {
        return block;
    }
    if (!arena_open()) {
        guard_say(NOTE_NO_ADDRESSES, 0);
        atomic_store(&call->set->unguarded, true);
        return block;
    }
    if (guard_protects()) {
        trap_hold();
    }
    return give(call, block, seen);
}

bool guard_arm(const VDC_Command *command, uint64_t faults)
{
    struct slot *slot = guard_find(command);
    struct slot *buffer = slot == NULL ? NULL : slot->buffer;
    if (buffer == NULL || !guard_protects() || slot_claim(buffer, SLOT_BIT(HELD)) == SLOT_BUSY) {
        return false;
    }
    bool armed = pages_revoke(buffer) == 0;
    buffer->at_touch = armed ? faults : 0;
    buffer->is_withheld = armed;
    slot_release(buffer, SLOT_HELD);
    return armed;
}

bool guard_alter(const VDC_Command *given, const VDC_Command *altered)
{
    struct slot *slot = guard_find(given);
    if (slot == NULL || slot_claim(slot, SLOT_BIT(HELD)) == SLOT_BUSY) {
        return false;
    }
    bool altered_it = arena_protect(slot->first, slot->granted, PROT_READ | PROT_WRITE) == 0;
    if (altered_it) {
        *(VDC_Command *)atomic_load(&slot->data) = *altered;
        altered_it = arena_protect(slot->first, slot->granted, slot->protection) == 0;
    }
    slot_release(slot, SLOT_HELD);
    return altered_it;
}

bool guard_flip(const VDC_Command *given, size_t offset)
{
    struct slot *command = guard_find(given);
    struct slot *slot = command == NULL ? NULL : command->buffer;
    if (slot == NULL || offset >= atomic_load(&slot->size) || slot_claim(slot, SLOT_BIT(HELD)) == SLOT_BUSY) {
        return false;
    }
    int protection = slot->protection;
    bool flipped = pages_grant(slot, PROT_READ | PROT_WRITE) == 0;
    if (flipped) {
        ((uint8_t *)atomic_load(&slot->data))[offset] ^= FLIPPED_BITS;
        flipped = pages_grant(slot, protection) == 0;
    }
    slot_release(slot, SLOT_HELD);
    return flipped;
}

bool guard_keeps_buffers(const struct shadow_set *set)
{
    return !atomic_load(&set->unguarded) && arena_open();
}

/* ---- what was given ---- */

struct slot *guard_find_slot(const VDC_Command *command)
{
    struct slot *slot = arena_slot(command);
    bool is_block = slot != NULL && slot_is_command(slot) && atomic_load(&slot->data) == (uintptr_t)command;
    return is_block && atomic_load(&slot->state) != SLOT_FREE ? slot : NULL;
}

VDC_Command *guard_block(const struct slot *command)
{
    return atomic_load(&command->library);
}

uint64_t guard_fetch(const struct slot *command)
{
    return atomic_load(&command->call);
}

uint8_t *guard_buffer_for_handle(uint8_t *buffer)
{
    struct slot *slot = arena_slot(buffer);
    if (slot == NULL || slot_is_command(slot)) {
        return buffer;
    }
    ptrdiff_t offset = (ptrdiff_t)((uintptr_t)buffer - atomic_load(&slot->data));
    enum slot_state state = slot_claim(slot, SLOT_BIT(HELD));
    if (state == SLOT_HELD && slot->at_touch != 0) {
        access_first(slot); /* the one that we see: another process is about to touch it */
        state = slot_claim(slot, SLOT_BIT(HELD));
    }
    if (state == SLOT_HELD) {
        if (slot->is_copy) {
            slot->is_shared = true;
            atomic_store(&slot->set->gave_handle, true);
            pages_copy_back(slot, SIZE_MAX);
        }
        slot_release(slot, SLOT_HELD);
    }
    uint8_t *library = atomic_load(&slot->library);
    return library == NULL ? buffer : library + offset;
}
