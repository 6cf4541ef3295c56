#include "gate.h"

#include <assert.h>

#include "os.h"

#define GATE_CLOSED (1u << 31)

void lock_take(struct lock *lock)
{
    if (shared_change(&lock->word, 0u, 1u)) {
        return;
    }
    /* From here on the holder has to wake somebody, be it for nothing. */
    while (shared_exchange(&lock->word, 2u) != 0) {
        os_wait(&lock->word, 2, OS_FOREVER);
    }
}

void lock_give(struct lock *lock)
{
    if (shared_exchange(&lock->word, 0u) == 2) {
        os_wake(&lock->word);
    }
}

bool gate_enter(struct gate *gate)
{
    if (shared_add(&gate->inside, 1u) & GATE_CLOSED) {
        gate_leave(gate);
        return false;
    }
    return true;
}

void gate_leave(struct gate *gate)
{
    if (shared_sub(&gate->inside, 1u) == (GATE_CLOSED | 1)) {
        os_wake(&gate->inside); /* the closer waits for the last one out */
    }
}

void gate_open(struct gate *gate)
{
    shared_clear(&gate->inside, GATE_CLOSED);
}

void gate_close(struct gate *gate)
{
    shared_set(&gate->inside, GATE_CLOSED);
}

bool gate_is_closed(const struct gate *gate)
{
    return (shared_load_ordered(&gate->inside) & GATE_CLOSED) != 0;
}

void gate_drain(struct gate *gate)
{
    uint32_t inside;
    while ((inside = shared_load_ordered(&gate->inside)) != GATE_CLOSED) {
        assert(inside & GATE_CLOSED);
        os_wait(&gate->inside, inside, OS_FOREVER);
    }
}
