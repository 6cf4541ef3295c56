/* guard_sources.c - which slots are aliases of which of the library's buffers; see guard_internal.h.
 *
 * A table by the address of a buffer's first page, the set and its life. An entry is a key and its slots, which are
 * taken in turn. Entries of ended lives are free for others; a probe goes on over them. What an entry says of a slot is
 * believed only if the slot, once BUSY, says the same.
 */
#include <stddef.h>

#include "guard_internal.h"

enum {
    SOURCES = 8192, /* a power of two */
    PROBES = 64,
    ALIASES = 4,
    ALIASES_LARGE = 2, /* page tables are paid for each */
    GONE_KEY = 1
};

#define LARGE ((size_t)512 << 10)

struct source {
    _Atomic(const struct shadow_set *) set;
    _Atomic uint32_t life; /* of the set */
    _Atomic uintptr_t page;
    _Atomic uint32_t turn;
    _Atomic(struct slot *) slots[ALIASES];
};

static _Atomic uint64_t keys[SOURCES]; /* 0: never used */
static struct source sources[SOURCES];
/* Where buffers were seen: what is unmapped elsewhere is none of ours. */
static _Atomic uintptr_t lowest = UINTPTR_MAX;
static _Atomic uintptr_t highest;

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 31) * 0x9e3779b97f4a7c15u;
    return value ^ value >> 29;
}

static uint64_t key_of(const struct shadow_set *set, uintptr_t page)
{
    uint64_t whose = atomic_load(&set->number) << 24 ^ atomic_load(&set->life);
    uint64_t key = mix(mix(whose) ^ page);
    return key > GONE_KEY ? key : key + 2;
}

static void widen(uintptr_t page, uintptr_t end)
{
    uintptr_t known = atomic_load(&lowest);
    while (page < known && !atomic_compare_exchange_weak(&lowest, &known, page)) {
    }
    known = atomic_load(&highest);
    while (end > known && !atomic_compare_exchange_weak(&highest, &known, end)) {
    }
}

/* Of a key that was forgotten, or of a set that is closed or has begun anew. */
static bool is_over(size_t at, uint64_t key)
{
    const struct shadow_set *set = atomic_load(&sources[at].set);
    return key == GONE_KEY || (set != NULL && (atomic_load(&set->life) != atomic_load(&sources[at].life) ||
                                               atomic_load(&set->state) == SHADOW_NONE));
}

static struct source *make(const struct shadow_set *set, uintptr_t page, uint64_t key, size_t at)
{
    for (size_t i = 0; i < PROBES; i++, at = (at + 1) % SOURCES) {
        uint64_t known = atomic_load(&keys[at]);
        if ((known == 0 || is_over(at, known)) && atomic_compare_exchange_strong(&keys[at], &known, key)) {
            struct source *source = &sources[at];
            for (size_t j = 0; j < ALIASES; j++) {
                atomic_store(&source->slots[j], NULL);
            }
            atomic_store(&source->page, page);
            atomic_store(&source->life, atomic_load(&set->life));
            atomic_store(&source->set, set);
            return source;
        }
    }
    return NULL;
}

static struct source *find(const struct shadow_set *set, uintptr_t page)
{
    uint64_t key = key_of(set, page);
    size_t first = key % SOURCES;
    for (size_t i = 0, at = first; i < PROBES; i++, at = (at + 1) % SOURCES) {
        uint64_t known = atomic_load_explicit(&keys[at], memory_order_acquire);
        if (known == key) {
            return &sources[at];
        }
        if (known == 0) {
            break;
        }
    }
    return make(set, page, key, first);
}

static bool is_its_slot(const struct slot *slot, const struct shadow_set *set, uintptr_t page)
{
    return slot->set == set && slot->life == atomic_load(&set->life) && slot->library != NULL &&
           slot->set_number == atomic_load(&set->number) &&
           arena_page_down((uintptr_t)slot->library - slot->prefix) == page;
}

struct slot *sources_take(const struct shadow_set *set, uintptr_t page, size_t length,
                          _Atomic(struct slot *) **place)
{
    uint32_t aliases = length >= LARGE ? ALIASES_LARGE : ALIASES;
    struct source *source = find(set, page);
    *place = NULL;
    if (source == NULL) {
        return NULL;
    }
    widen(page, page + length);
    for (uint32_t i = 0; i < aliases; i++) {
        uint32_t turn = atomic_fetch_add(&source->turn, 1) % aliases;
        struct slot *slot = atomic_load(&source->slots[turn]);
        if (slot == NULL) {
            *place = &source->slots[turn];
            return NULL;
        }
        enum slot_state state = slot_claim(slot, SLOT_BIT(REVOKED) | SLOT_BIT(OPENED));
        if (state == SLOT_BUSY) {
            if (atomic_load(&slot->state) == SLOT_HELD) {
                continue; /* the buffer is in the client's hands twice */
            }
        } else if (is_its_slot(slot, set, page) &&
                   arena_slot_length(slot) >= length + (size_t)2 * ARENA_GAP) {
            return slot;
        } else {
            slot_release(slot, state);
        }
        *place = &source->slots[turn]; /* it is somebody else's by now */
        return NULL;
    }
    return NULL;
}

void sources_forget(uintptr_t start, uintptr_t end)
{
    if (end <= atomic_load(&lowest) || start >= atomic_load(&highest)) {
        return;
    }
    for (size_t i = 0; i < SOURCES; i++) {
        uintptr_t page = atomic_load(&sources[i].page);
        if (atomic_load(&keys[i]) > GONE_KEY && page >= start && page < end) {
            atomic_store_explicit(&keys[i], GONE_KEY, memory_order_release);
        }
    }
}
