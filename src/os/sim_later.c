/* What is to happen at a step. */
#include <assert.h>
#include <string.h>

#include "sim_internal.h"

enum {
    DOINGS_MAX = 256
};

static struct {
    struct {
        void (*happen)(void *context);
        void *context;
        uint32_t left; /* steps; 0: none, and if it is not due either, a free entry */
        bool due;
    } doings[DOINGS_MAX];
    uint32_t used; /* entries, so far */
} later;

void sim_later_reset(void)
{
    memset(later.doings, 0, later.used * sizeof later.doings[0]);
    later.used = 0;
}

void sim_at(uint32_t steps, void (*happen)(void *context), void *context)
{
    uint32_t i = 0;
    while (i < later.used && (later.doings[i].left != 0 || later.doings[i].due)) {
        i++;
    }
    assert(i < DOINGS_MAX);
    later.used = i < later.used ? later.used : i + 1;
    later.doings[i].happen = happen;
    later.doings[i].context = context;
    later.doings[i].left = steps < UINT32_MAX ? steps + 1 : steps;
    sim_hot.due++;
}

/* What happens may be the end of whoever makes the step, or let another one go on: what is due at the same step then
 * happens at the next one. */
void sim_later_step(void)
{
    uint32_t used = later.used;
    for (uint32_t i = 0; i < used; i++) {
        later.doings[i].due =
            later.doings[i].due || (later.doings[i].left != 0 && --later.doings[i].left == 0);
    }
    for (uint32_t i = 0; i < used; i++) {
        if (later.doings[i].due) {
            later.doings[i].due = false;
            sim_hot.due--;
            later.doings[i].happen(later.doings[i].context);
        }
    }
}
