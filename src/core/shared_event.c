#include "shared_event.h"

enum {
    SPIN_NS = 50000,    /* about what sleeping and being woken costs: to look on for longer gains nothing */
    SPIN_ROUNDS = 64,   /* looks between two looks at the clock */
    PENALTY_MAX = 1023, /* waits without spinning between two tries where it never pays */
};

static _Atomic bool spinning_allowed = true;

void event_set_spinning(bool allowed)
{
    atomic_store_explicit(&spinning_allowed, allowed, memory_order_relaxed);
}

uint32_t event_sequence(struct shared_event *event)
{
    return shared_acquire(&event->sequence);
}

static bool spin_rounds(_Atomic uint32_t *word, uint32_t seen)
{
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (shared_acquire(word) != seen) {
            return true;
        }
        os_pause();
    }
    return false;
}

/* *paid: the change came soon enough to have been worth it. Where it comes late nevertheless, we were off the
 * processor meanwhile: the peer needs it, or others do. A fast answer costs no look at the clock. */
static bool spin(_Atomic uint32_t *word, uint32_t seen, bool *paid)
{
    bool changed = spin_rounds(word, seen);
    *paid = changed;
    if (!changed) {
        int64_t end = os_now() + SPIN_NS;
        do {
            changed = spin_rounds(word, seen);
            *paid = os_now() < end;
        } while (!changed && *paid);
    }
    return changed;
}

/* What spinning is good for depends on where the two processes run and on what the peer does, so each thread
 * learns it: a spin in vain is followed by waits that sleep at once, twice as many each time in a row. */
bool event_spin(_Atomic uint32_t *word, uint32_t seen)
{
    static _Thread_local uint32_t penalty;
    static _Thread_local uint32_t to_skip;
    bool paid;
    if (!atomic_load_explicit(&spinning_allowed, memory_order_relaxed)) {
        return false;
    }
    if (shared_acquire(word) != seen) {
        return true; /* which says nothing about spinning */
    }
    if (to_skip > 0) {
        to_skip--;
        return false;
    }
    bool changed = spin(word, seen, &paid);
    penalty = paid ? 0 : penalty < PENALTY_MAX ? 2 * penalty + 1 : PENALTY_MAX;
    to_skip = penalty;
    return changed;
}

int event_wait(struct shared_event *event, uint32_t seen, int64_t deadline)
{
    int result = 0;
    shared_add(&event->waiters, 1u);
    if (shared_load_ordered(&event->sequence) == seen) {
        result = os_wait(&event->sequence, seen, deadline);
    }
    shared_sub(&event->waiters, 1u);
    return result;
}

void event_notify(struct shared_event *event)
{
    shared_add(&event->sequence, 1u);
    if (shared_load_ordered(&event->waiters) != 0) {
        os_wake(&event->sequence);
    }
}
