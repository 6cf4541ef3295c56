#include "shared_event.h"

/* About the time a sleeping peer takes to be scheduled again: waiting longer than that awake gains nothing.
 */
enum {
    SPIN_ROUNDS = 200
};

static _Atomic bool spinning_allowed = true;

void event_set_spinning(bool allowed)
{
    atomic_store_explicit(&spinning_allowed, allowed, memory_order_relaxed);
}

static bool spin_is_useful(void)
{
    enum {
        UNKNOWN,
        USEFUL,
        USELESS
    };
    static _Atomic int known = UNKNOWN;
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        answer = os_spin_is_useful() ? USEFUL : USELESS;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == USEFUL && atomic_load_explicit(&spinning_allowed, memory_order_relaxed);
}

uint32_t event_sequence(struct shared_event *event)
{
    return shared_acquire(&event->sequence);
}

int event_wait(struct shared_event *event, uint32_t seen, int64_t deadline)
{
    int result = 0;
    for (int i = 0; i < SPIN_ROUNDS && spin_is_useful(); i++) {
        if (shared_acquire(&event->sequence) != seen) {
            return 0;
        }
        os_pause();
    }
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
