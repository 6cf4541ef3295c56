/* arena.c - see arena.h. */
#include "arena.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runstate_internal.h"

enum {
    COMMAND_CLASS = ARENA_CLASSES,
    FEWEST_SLOTS = 64,
    CLAIM_TRIES = 1000,
    SHARE_OF_LIMIT = 4
};

#define SMALLEST_SLOT ((size_t)256 << 10)

struct slot_class {
    struct slot *slots;
    uintptr_t start;
    size_t length; /* of one slot */
    uint32_t count;
    _Atomic uint32_t next; /* where the search for the one longest out of use begins */
    _Atomic uint32_t used; /* slots from here on were never used */
};

_Atomic uintptr_t arena_start;
_Atomic uintptr_t arena_end;

static struct slot buffer_slots[ARENA_CLASSES][ARENA_SLOTS];
static struct slot command_slots[ARENA_COMMANDS];
static struct slot_class classes[ARENA_CLASSES + 1];

size_t arena_page(void)
{
    static _Atomic size_t page;
    size_t size = atomic_load_explicit(&page, memory_order_relaxed);
    if (size == 0) {
        size = (size_t)sysconf(_SC_PAGESIZE);
        atomic_store_explicit(&page, size, memory_order_relaxed);
    }
    return size;
}

static void *map(void *at, size_t length, int protection, int flags)
{
    return (void *)syscall(SYS_mmap, at, length, protection, flags | MAP_ANONYMOUS, -1, 0);
}

int arena_protect(const void *address, size_t length, int protection)
{
    return length == 0 || syscall(SYS_mprotect, address, length, protection) == 0 ? 0 : errno;
}

/* ---- the reservation ---- */

static size_t length_of_all(uint32_t count)
{
    size_t slots = 0;
    for (uint32_t i = 0; i < ARENA_CLASSES; i++) {
        slots += (SMALLEST_SLOT << i) * count;
    }
    return slots + ARENA_COMMANDS * 2 * arena_page();
}

static void lay_out(uintptr_t start, uint32_t count)
{
    for (uint32_t i = 0; i < ARENA_CLASSES; i++) {
        classes[i] = (struct slot_class){
            .slots = buffer_slots[i], .start = start, .length = SMALLEST_SLOT << i, .count = count};
        start += classes[i].length * count;
    }
    classes[COMMAND_CLASS] = (struct slot_class){
        .slots = command_slots, .start = start, .length = 2 * arena_page(), .count = ARENA_COMMANDS};
}

/* Where the process may not have any number of addresses (RLIMIT_AS), most of them are for what it needs itself. */
static size_t most_addresses(void)
{
    struct rlimit limit;
    bool is_limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return is_limited ? (size_t)limit.rlim_cur / SHARE_OF_LIMIT : SIZE_MAX;
}

/* As many slots as there are addresses for. */
static bool reserve(void)
{
    size_t most = most_addresses();
    for (uint32_t count = ARENA_SLOTS; count >= FEWEST_SLOTS; count /= 2) {
        size_t length = length_of_all(count);
        if (length + ARENA_GAP > most) {
            continue;
        }
        void *start = map(NULL, length + ARENA_GAP, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
        if (start != MAP_FAILED) {
            uintptr_t aligned = ((uintptr_t)start + ARENA_GAP - 1) & ~(uintptr_t)(ARENA_GAP - 1);
            lay_out(aligned, count);
            (void)syscall(SYS_madvise, aligned, classes[COMMAND_CLASS].start - aligned, MADV_DONTDUMP);
            atomic_store(&arena_end, aligned + length);
            atomic_store(&arena_start, aligned);
            return true;
        }
    }
    return false;
}

bool arena_open(void)
{
    enum {
        UNDECIDED,
        DECIDING,
        NONE,
        OPEN
    };
    static _Atomic int decided;
    int answer = atomic_load_explicit(&decided, memory_order_acquire);
    if (answer == UNDECIDED && atomic_compare_exchange_strong(&decided, &answer, DECIDING)) {
        atomic_store(&arena_start, UINTPTR_MAX); /* nobody's until it is laid out */
        answer = reserve() ? OPEN : NONE;
        atomic_store_explicit(&decided, answer, memory_order_release);
    }
    while (answer == DECIDING) {
        sched_yield();
        answer = atomic_load_explicit(&decided, memory_order_acquire);
    }
    return answer == OPEN;
}

/* ---- slots ---- */

struct slot *arena_slot(const void *address)
{
    uintptr_t at = (uintptr_t)address;
    if (!arena_contains(address)) {
        return NULL;
    }
    uint32_t i = 0;
    while (i < COMMAND_CLASS && at >= classes[i + 1].start) {
        i++;
    }
    return &classes[i].slots[(at - classes[i].start) / classes[i].length];
}

/* By where it is: a flag in each would have to be set in all before the first is used. */
bool slot_is_command(const struct slot *slot)
{
    return slot >= command_slots && slot < command_slots + ARENA_COMMANDS;
}

static const struct slot_class *class_of(const struct slot *slot)
{
    if (slot_is_command(slot)) {
        return &classes[COMMAND_CLASS];
    }
    return &classes[(size_t)(slot - buffer_slots[0]) / ARENA_SLOTS];
}

uint8_t *arena_slot_start(const struct slot *slot)
{
    const struct slot_class *class = class_of(slot);
    return (uint8_t *)(class->start + (size_t)(slot - class->slots) * class->length);
}

size_t arena_slot_length(const struct slot *slot)
{
    return class_of(slot)->length;
}

enum slot_state slot_claim(struct slot *slot, uint32_t states)
{
    for (int i = 0; i < CLAIM_TRIES; i++) {
        uint32_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
        if (state == SLOT_BUSY) {
            sched_yield();
        } else if ((states >> state & 1) == 0) {
            return SLOT_BUSY;
        } else if (atomic_compare_exchange_strong(&slot->state, &state, SLOT_BUSY)) {
            return (enum slot_state)state;
        }
    }
    return SLOT_BUSY;
}

void slot_release(struct slot *slot, enum slot_state state)
{
    atomic_store_explicit(&slot->state, state, memory_order_release);
}

/* Its set was closed and nothing is known of it any more but this. */
static bool life_is_over(const struct slot *slot)
{
    return slot->set == NULL || atomic_load(&slot->set->life) != slot->life ||
           atomic_load(&slot->set->state) == SHADOW_NONE;
}

static bool take(struct slot *slot, uint32_t states)
{
    uint32_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
    if ((states >> state & 1) == 0 || !atomic_compare_exchange_strong(&slot->state, &state, SLOT_BUSY)) {
        return false;
    }
    bool keeps = !slot_is_command(slot) && (state == SLOT_REVOKED || state == SLOT_OPENED);
    if ((keeps && !life_is_over(slot)) || slot_unmap(slot) != 0) {
        slot_release(slot, (enum slot_state)state);
        return false;
    }
    return true;
}

static struct slot *take_of_class(struct slot_class *class, uint32_t states)
{
    uint32_t first = atomic_load_explicit(&class->next, memory_order_relaxed);
    for (uint32_t i = 0; i < class->count; i++) {
        uint32_t at = (first + i) % class->count;
        if (take(&class->slots[at], states)) {
            uint32_t used = atomic_load(&class->used);
            while (used <= at && !atomic_compare_exchange_weak(&class->used, &used, at + 1)) {
            }
            atomic_store_explicit(&class->next, at + 1, memory_order_relaxed);
            return &class->slots[at];
        }
    }
    return NULL;
}

struct slot *arena_take(size_t length)
{
    size_t needed = length + 2 * ARENA_GAP;
    for (uint32_t i = 0; i < ARENA_CLASSES; i++) {
        if (classes[i].length < needed) {
            continue;
        }
        struct slot *slot = take_of_class(&classes[i], SLOT_BIT(FREE) | SLOT_BIT(GONE));
        if (slot == NULL) { /* sets that were closed but never destroyed, as Microsoft's sample leaves them */
            slot = take_of_class(&classes[i], SLOT_BIT(REVOKED) | SLOT_BIT(OPENED));
        }
        return slot;
    }
    return NULL;
}

struct slot *arena_take_command(void)
{
    return take_of_class(&classes[COMMAND_CLASS],
                         SLOT_BIT(FREE) | SLOT_BIT(GONE) | SLOT_BIT(REVOKED) | SLOT_BIT(OPENED));
}

void arena_each(arena_visit *visit, void *context)
{
    for (uint32_t i = 0; i <= COMMAND_CLASS; i++) {
        uint32_t used = atomic_load(&classes[i].used);
        for (uint32_t j = 0; j < used; j++) {
            visit(&classes[i].slots[j], context);
        }
    }
}

/* ---- pages ---- */

static void mapped(struct slot *slot, uint8_t *at, size_t length, uintptr_t source)
{
    slot->pages = at;
    slot->mapped = length;
    slot->first = at;
    slot->granted = 0;
    slot->source = source;
    slot->process = run_process();
}

int slot_map_alias(struct slot *slot, uint8_t *at, uintptr_t source, size_t length)
{
    /* Of a shared mapping, an old length of 0 duplicates it; of a private one it is refused (EINVAL). */
    long result = syscall(SYS_mremap, source, (size_t)0, length, MREMAP_MAYMOVE | MREMAP_FIXED, at);
    if (result == -1) {
        return errno;
    }
    mapped(slot, at, length, source);
    slot->is_copy = false;
    return arena_protect(at, length, PROT_NONE);
}

/* Shared, so that a child of the client's that fills a buffer for its parent still does. */
int slot_map_copy(struct slot *slot, uint8_t *at, size_t length)
{
    if (map(at, length, PROT_NONE, MAP_SHARED | MAP_FIXED) == MAP_FAILED) {
        return errno;
    }
    mapped(slot, at, length, 0);
    slot->is_copy = true;
    return 0;
}

/* The reservation's own page: a mapping in its place would cost each of a short run's commands as much again. */
void slot_map_command(struct slot *slot)
{
    mapped(slot, arena_slot_start(slot), arena_page(), 0);
    slot->is_copy = true;
}

int slot_open_page(struct slot *slot, const void *address)
{
    uintptr_t page = arena_page_down((uintptr_t)address);
    uintptr_t first = (uintptr_t)slot->pages;
    slot->strayed = true;
    if (slot->pages != NULL && page >= first && page < first + slot->mapped) {
        return arena_protect((void *)page, arena_page(), PROT_READ | PROT_WRITE);
    }
    return map((void *)page, arena_page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED) == MAP_FAILED
               ? errno
               : 0;
}

int slot_unmap(struct slot *slot)
{
    /* A command's page stays for the next one. */
    if ((slot->pages == NULL || slot_is_command(slot)) && !slot->strayed) {
        return 0;
    }
    if (map(arena_slot_start(slot), arena_slot_length(slot), PROT_NONE,
            MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED) == MAP_FAILED) {
        return errno;
    }
    slot->strayed = false;
    slot->pages = NULL;
    slot->mapped = 0;
    slot->granted = 0;
    return 0;
}
