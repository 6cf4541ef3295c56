/* shared.h - the only ways this project reads and writes memory that another process can write, too.
 *
 * Every field of the shared segment is _Atomic and touched through these helpers alone, so that
 *   - each value from the peer is read exactly once into a local, where it can be checked and then trusted;
 *   - the ordering of every cross-process access is visible at the call;
 *   - a test build (VDIFAULT_STEPS) sees each access as one step it may schedule around, stop at or lie in.
 *
 * The two orders that matter (C11): what a thread wrote before a store with release order is visible to a
 * thread whose load with acquire order saw that store.
 */
#ifndef VDIFAULT_CORE_SHARED_H
#define VDIFAULT_CORE_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef VDIFAULT_STEPS
enum shared_access {
    SHARED_LOAD,
    SHARED_STORE /* also what loads and stores in one */
};
void shared_step(enum shared_access access, const void *field); /* the test's: called before each access */
#define SHARED_STEP(access, field) shared_step((access), (field))
#else
#define SHARED_STEP(access, field) ((void)0)
#endif

/* Plain data, ordered by some acquire/release pair around it. */
#define shared_read(field) \
    (SHARED_STEP(SHARED_LOAD, field), atomic_load_explicit((field), memory_order_relaxed))
#define shared_write(field, value) \
    (SHARED_STEP(SHARED_STORE, field), atomic_store_explicit((field), (value), memory_order_relaxed))

/* Words that publish the plain data before them. */
#define shared_acquire(field) \
    (SHARED_STEP(SHARED_LOAD, field), atomic_load_explicit((field), memory_order_acquire))
#define shared_release(field, value) \
    (SHARED_STEP(SHARED_STORE, field), atomic_store_explicit((field), (value), memory_order_release))

/* Read-modify-write, and the load for store-then-load handshakes (see struct shared_event): sequentially
 * consistent. shared_change sets *field to `desired` if it is `expected`, and is true if it did; the others
 * return the value before. */
#define shared_change(field, expected, desired) \
    (SHARED_STEP(SHARED_STORE, field),          \
     atomic_compare_exchange_strong((field), &(uint32_t){(expected)}, (desired)))
#define shared_change64(field, expected, desired) \
    (SHARED_STEP(SHARED_STORE, field),            \
     atomic_compare_exchange_strong((field), &(uint64_t){(expected)}, (desired)))
#define shared_exchange(field, value) (SHARED_STEP(SHARED_STORE, field), atomic_exchange((field), (value)))
#define shared_add(field, value)      (SHARED_STEP(SHARED_STORE, field), atomic_fetch_add((field), (value)))
#define shared_sub(field, value)      (SHARED_STEP(SHARED_STORE, field), atomic_fetch_sub((field), (value)))
#define shared_set(field, bits)       (SHARED_STEP(SHARED_STORE, field), atomic_fetch_or((field), (bits)))
#define shared_clear(field, bits)     (SHARED_STEP(SHARED_STORE, field), atomic_fetch_and((field), ~(bits)))
#define shared_load_ordered(field)    (SHARED_STEP(SHARED_LOAD, field), atomic_load(field))

#endif
