/* guard_pages.c - where in its slot a buffer lies, and what of the pages around it may be touched.
 *
 *   alias   gap | prefix zone, in whole pages | data, as far into a page as the library's | gap
 *   copy    gap | ... prefix zone | data, as far to the right as its alignment allows | page boundary, gap
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guard_internal.h"
#include "runstate_internal.h"

enum {
    EDGE = 0xa5 /* what a copy's page holds before its prefix zone and behind its data */
};

static uintptr_t data_of(const struct slot *slot)
{
    return atomic_load_explicit(&slot->data, memory_order_relaxed);
}

static size_t size_of(const struct slot *slot)
{
    return atomic_load_explicit(&slot->size, memory_order_relaxed);
}

static uintptr_t end_of(const struct slot *slot)
{
    return (uintptr_t)slot->first + slot->granted;
}

static size_t gap_up(size_t size)
{
    return (size + ARENA_GAP - 1) / ARENA_GAP * ARENA_GAP;
}

size_t pages_needed(size_t size, size_t prefix)
{
    return size + gap_up(prefix) + ARENA_GAP + arena_page();
}

/* ---- placing ---- */

static int place_alias(struct slot *slot, uintptr_t library, size_t size)
{
    uintptr_t data =
        (uintptr_t)arena_slot_start(slot) + ARENA_GAP + gap_up(slot->prefix) + library % ARENA_GAP;
    uint8_t *first = (uint8_t *)arena_page_down(data - slot->prefix);
    uintptr_t source = arena_page_down(library - slot->prefix);
    size_t length = arena_page_up(data + size) - (uintptr_t)first;
    bool is_there = slot->pages == first && !slot->is_copy && slot->source == source &&
                    slot->mapped >= length && !slot->strayed;
    int error = is_there ? 0 : slot_unmap(slot);
    if (error == 0 && !is_there) {
        error = slot_map_alias(slot, first, source, length);
    }
    slot->first = first;
    slot->granted = length;
    atomic_store_explicit(&slot->data, data, memory_order_relaxed);
    return error;
}

static int place_copy(struct slot *slot, size_t size, size_t alignment)
{
    uintptr_t end = (uintptr_t)arena_slot_start(slot) + arena_slot_length(slot) - ARENA_GAP;
    uintptr_t data = (end - size) & ~(uintptr_t)(alignment - 1);
    uint8_t *first = (uint8_t *)arena_page_down(data - slot->prefix);
    /* What a child of fork has inherited is its parent's as well. */
    bool is_there = slot->pages != NULL && slot->pages <= first && slot->is_copy && !slot->strayed &&
                    slot->process == run_process();
    int error = is_there ? 0 : slot_unmap(slot);
    if (error == 0 && !is_there) {
        error = slot_map_copy(slot, first, end - (uintptr_t)first);
    }
    slot->first = first;
    slot->granted = end - (uintptr_t)first;
    atomic_store_explicit(&slot->data, data, memory_order_relaxed);
    return error;
}

int pages_place(struct slot *slot, const VDC_Command *command, bool copy, size_t alignment)
{
    size_t size = (size_t)command->size;
    atomic_store_explicit(&slot->size, size, memory_order_relaxed);
    atomic_store_explicit(&slot->library, command->buffer, memory_order_relaxed);
    slot->tail = 0;
    slot->has_edges = false;
    slot->is_shared = false;
    return copy ? place_copy(slot, size, alignment) : place_alias(slot, (uintptr_t)command->buffer, size);
}

/* ---- who may do what ---- */

int pages_grant(struct slot *slot, int protection)
{
    uintptr_t first = (uintptr_t)slot->first;
    /* A page that the prefix zone shares with data has to be writable. */
    uintptr_t split =
        slot->prefix == 0 || (protection & PROT_WRITE) != 0 ? first : arena_page_up(data_of(slot));
    slot->protection = protection;
    split = split < end_of(slot) ? split : end_of(slot);
    int error = arena_protect((void *)first, split - first, PROT_READ | PROT_WRITE);
    return error != 0 ? error : arena_protect((void *)split, end_of(slot) - split, protection);
}

int pages_revoke(struct slot *slot)
{
    return arena_protect(slot->first, slot->granted, PROT_NONE);
}

int pages_let_through(struct slot *slot)
{
    slot->protection = PROT_READ | PROT_WRITE;
    return arena_protect(slot->first, slot->granted, PROT_READ | PROT_WRITE);
}

/* ---- copies ---- */

/* By system calls, which fail where we would be killed: a fault's Close, on another thread, may have taken the
 * library's buffer away. A container may forbid them, at the copy in: then the client gets the library's buffer. */
static int copy(const struct slot *slot, size_t before, size_t length, long number)
{
    uint8_t *library = atomic_load_explicit(&slot->library, memory_order_relaxed);
    const struct iovec ours = {(void *)(data_of(slot) - before), before + length};
    const struct iovec theirs = {library - before, before + length};
    long copied = before + length == 0 ? 0 : syscall(number, getpid(), &ours, 1ul, &theirs, 1ul, 0ul);
    return copied == (long)(before + length) ? 0 : copied < 0 ? errno : EFAULT;
}

int pages_copy_in(struct slot *slot)
{
    return copy(slot, slot->prefix, size_of(slot), SYS_process_vm_readv);
}

void pages_copy_back(struct slot *slot, size_t length)
{
    (void)copy(slot, slot->prefix, length < size_of(slot) ? length : size_of(slot), SYS_process_vm_writev);
}

/* ---- edges ---- */

static uint64_t hash(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    }
    return sum == 0 ? 1 : sum;
}

void pages_note_edges(struct slot *slot, bool exclusive)
{
    uint8_t *first = slot->first;
    uint8_t *head_end = (uint8_t *)data_of(slot) - slot->prefix;
    uint8_t *tail = (uint8_t *)data_of(slot) + size_of(slot);
    size_t tail_length = end_of(slot) - (uintptr_t)tail;
    if (slot->is_copy) {
        memset(first, EDGE, (size_t)(head_end - first));
        memset(tail, EDGE, tail_length);
        slot->has_edges = true;
    } else if (exclusive && tail_length != 0) {
        slot->tail = hash(tail, tail_length);
    }
}

static bool find_other(uintptr_t from, uintptr_t to, uintptr_t data, int64_t *offset)
{
    for (uintptr_t at = from; at < to; at++) {
        if (*(const uint8_t *)at != EDGE) {
            *offset = (int64_t)(at - data);
            return true;
        }
    }
    return false;
}

/* Data of a Write in the page that its prefix zone made writable. */
static bool find_changed(const struct slot *slot, int64_t *offset)
{
    uint8_t original[512];
    const uint8_t *ours = (const uint8_t *)data_of(slot);
    const uint8_t *library = atomic_load_explicit(&slot->library, memory_order_relaxed);
    size_t length = arena_page_up((uintptr_t)ours) - (uintptr_t)ours;
    length = length < size_of(slot) ? length : size_of(slot);
    for (size_t done = 0; done < length;) {
        size_t part = length - done < sizeof original ? length - done : sizeof original;
        const struct iovec into = {original, part};
        const struct iovec from = {(void *)(library + done), part};
        if (syscall(SYS_process_vm_readv, getpid(), &into, 1ul, &from, 1ul, 0ul) != (long)part) {
            return false;
        }
        for (size_t i = 0; i < part; i++) {
            if (original[i] != ours[done + i]) {
                *offset = (int64_t)(done + i);
                return true;
            }
        }
        done += part;
    }
    return false;
}

bool pages_edge_written(const struct slot *slot, int64_t *offset)
{
    uintptr_t data = data_of(slot);
    uintptr_t tail = data + size_of(slot);
    if (slot->is_copy) {
        return slot->has_edges && (find_other((uintptr_t)slot->first, data - slot->prefix, data, offset) ||
                                   find_other(tail, end_of(slot), data, offset) ||
                                   (slot->code == VDC_Write && slot->prefix != 0 && !slot->is_shared &&
                                    find_changed(slot, offset)));
    }
    if (slot->tail == 0 || slot->tail == hash((const uint8_t *)tail, end_of(slot) - tail)) {
        return false;
    }
    *offset = (int64_t)size_of(slot);
    return true;
}
