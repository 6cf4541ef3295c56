/* sim_internal.h - what the parts of the simulation know of each other.
 *
 *   sim.c           the world as a whole, its processes, its time, its hash
 *   sim_fibers.c    who goes on and who waits: fibers, steps, os_wait and os_wake
 *   sim_schedule.c  which of those who can go on does
 *   sim_memory.c    objects, names, watches
 *   sim_views.c     the arena that objects are in, as each process sees it
 *   sim_heap.c      what core allocates, by process
 *   sim_stranger.c  writes into shared memory at a step
 *   sim_later.c     whatever else is to happen at a step
 *   sim_context.c   stacks
 */
#ifndef VDIFAULT_OS_SIM_INTERNAL_H
#define VDIFAULT_OS_SIM_INTERNAL_H

#include "sim.h"

/* --- sim.c --- */

/* What happens, for the hash. */
enum sim_event {
    EVENT_LOAD,
    EVENT_STORE,
    EVENT_WAIT,
    EVENT_WAKE,
    EVENT_PAUSE,
    EVENT_SWITCH,
    EVENT_TIME,
    EVENT_MEMORY,
    EVENT_PROCESS,
    EVENT_WRITE,
    EVENT_NOTE,
};

/* What every step looks at. */
struct sim_hot {
    struct sim_options options;
    int64_t now;
    uint64_t hash;
    uint64_t steps;
    uint32_t running; /* UINT32_MAX: the caller of sim_run */
    uint32_t due;     /* writes, storms, deaths and other doings that steps bring nearer */
    uint8_t *views;   /* NULL, or all that any process sees of shared memory, one view after the other */
};
extern struct sim_hot sim_hot;

enum {
    SIM_ARENA = 64 << 20,             /* bytes of a view */
    SIM_OWN_VIEW = SIM_PROCESSES_MAX, /* the last one, ours */
};

static inline void sim_trace(enum sim_event event, uint64_t value)
{
    uint64_t hash = (sim_hot.hash ^ value ^ (uint64_t)event << 56) * UINT64_C(0x9e3779b97f4a7c15);
    hash += sim_hot.running;
    sim_hot.hash = hash ^ hash >> 29;
}

/* One number for a word, whatever address it is seen at: above SIM_SHARED in shared memory, where it is the same in
 * every run. */
#define SIM_SHARED (UINT64_C(1) << 63)
static inline uint64_t sim_place(const void *at)
{
    uintptr_t distance = (uintptr_t)at - (uintptr_t)sim_hot.views;
    bool shared = sim_hot.views != NULL && distance < (uintptr_t)(SIM_OWN_VIEW + 1) * SIM_ARENA;
    return shared ? SIM_SHARED | distance % SIM_ARENA : (uintptr_t)at;
}

uint32_t sim_current_process(void);
const char *sim_process_name(uint32_t process);
void sim_process_step(uint32_t process); /* a fiber of its makes a step: it may be its last */
void sim_set_time(int64_t now);          /* nobody's deadline is looked at */

/* --- sim_fibers.c --- */

void sim_fibers_reset(void);
void sim_fibers_kill(uint32_t process); /* returns unless the running fiber is one of them */
void sim_fibers_stop(uint32_t process); /* likewise, until it is continued */
void sim_fibers_continue(uint32_t process);
void sim_fibers_expire(void); /* whose deadline has passed goes on */
uint32_t sim_fiber_process(uint32_t fiber);
uint64_t sim_count_switches(void);
uint64_t sim_count_jumps(void);

/* --- sim_schedule.c --- */

void sim_schedule_reset(void);
void sim_schedule_start(uint32_t fiber); /* gives it its priority */
/* Who goes on: `self`, which is at a step, or one of `others`, a bit a fiber, at least one. */
uint32_t sim_schedule_interrupt(uint32_t self, uint32_t others);
/* Who of `others` goes on after `last`, which cannot or lets them go first. */
uint32_t sim_schedule_next(uint32_t last, uint32_t others);
void sim_schedule_lower(uint32_t fiber); /* it only spins */

/* --- sim_memory.c --- */

void sim_memory_reset(void);
void sim_memory_kill(uint32_t process);
/* What the next of these operations fails with; 0: it does not. */
int sim_failure(enum sim_operation operation);
/* The object there; false: memory of a process's own. */
bool sim_object_at(uint64_t place, char name[OS_NAME_MAX], uint64_t *offset);
/* The bytes of the index-th object that has or had a name, modulo how many there are; NULL: none. */
uint8_t *sim_published(uint32_t index, size_t *size);

/* --- sim_views.c --- */

int sim_view_need(uint32_t view); /* it is there once this gives 0 */
uint8_t *sim_view(uint32_t view, size_t place);
void sim_view_clear(size_t place,
                    size_t size); /* an object's bytes are 0, in every view; its place is nobody's */
void sim_view_show(uint32_t view, size_t place, size_t size);
void sim_view_hide(uint32_t view, size_t place, size_t size);
void sim_views_reset(void);

/* --- sim_heap.c --- */

void sim_heap_kill(uint32_t process);
void sim_heap_reset(void);

/* --- sim_stranger.c --- */

void sim_stranger_reset(void);
void sim_stranger_step(void);

/* --- sim_later.c --- */

void sim_later_reset(void);
void sim_later_step(void);

#endif
