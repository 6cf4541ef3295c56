/* Fibers: steps, waiting and waking, and the clock that jumps when nobody can go on. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim_asan.h"
#include "sim_context.h"
#include "sim_internal.h"

struct fiber {
    void (*body)(void *context);
    void *context;
    const char *name;
    const char *function; /* sim_call's */
    uint32_t process;
    uint32_t steps; /* since sim_call */
    enum sim_state state;
    bool resumed;   /* before it rested */
    bool expired;   /* its deadline passed before anybody woke it */
    uint64_t place; /* it waits on this word */
    uint32_t expected;
    int64_t deadline;
    int64_t since;
};

static struct fiber fibers[SIM_FIBERS_MAX];

static struct {
    uint32_t count;
    uint32_t last;    /* fiber that went on last */
    uint32_t next;    /* fiber that sim_switch named, plus one; 0: none */
    uint32_t awake;   /* a bit a fiber: ready to go on */
    uint32_t asleep;  /* waits */
    uint32_t held;    /* of a stopped process */
    int64_t earliest; /* no deadline of a sleeper is before it */
    int64_t until;
    enum sim_end end;
    uint32_t culprit;
    uint64_t switches;
    uint64_t jumps;
} all;

#define BIT(fiber) (UINT32_C(1) << (fiber))
#define EACH(i, set)                                                                          \
    for (uint32_t left_ = (set), i; left_ != 0 && (i = (uint32_t)__builtin_ctz(left_), true); \
         left_ &= left_ - 1)

_Static_assert(SIM_FIBERS_MAX <= 32, "a bit a fiber");

void sim_fibers_reset(void)
{
    memset(fibers, 0, all.count * sizeof fibers[0]);
    memset(&all, 0, sizeof all);
    all.last = SIM_FIBERS_MAX - 1; /* the first one is next */
    all.earliest = OS_FOREVER;
}

uint32_t sim_self(void)
{
    return sim_hot.running;
}

uint32_t sim_fiber_process(uint32_t fiber)
{
    return fibers[fiber].process;
}

uint64_t sim_count_switches(void)
{
    return all.switches;
}

uint64_t sim_count_jumps(void)
{
    return all.jumps;
}

/* --- switching --- */

static uint32_t ready(void)
{
    return all.awake & ~all.held;
}

static void switch_to(uint32_t fiber)
{
    if (fiber == sim_hot.running) {
        return;
    }
    sim_trace(EVENT_SWITCH, fiber);
    all.switches++;
    sim_hot.running = fiber;
    all.last = fiber;
    sim_context_switch(fiber);
}

static void switch_to_caller(enum sim_end end)
{
    all.end = end;
    sim_hot.running = UINT32_MAX;
    sim_context_switch(SIM_CONTEXT_CALLER);
}

static void wake(uint32_t fiber, bool expired)
{
    fibers[fiber].state = SIM_READY;
    fibers[fiber].expired = expired;
    fibers[fiber].since = expired ? fibers[fiber].since : sim_hot.now;
    all.asleep &= ~BIT(fiber);
    all.awake |= BIT(fiber);
}

void sim_fibers_expire(void)
{
    int64_t now = sim_hot.now;
    if (now < all.earliest) {
        return;
    }
    all.earliest = OS_FOREVER;
    EACH(i, all.asleep & ~all.held)
    {
        if (fibers[i].deadline <= now) {
            wake(i, true);
        } else if (fibers[i].deadline < all.earliest) {
            all.earliest = fibers[i].deadline;
        }
    }
}

/* Lets time pass until somebody is ready; false, with the end: nobody will be. A sleeper of a stopped process waits
 * for more than its deadline. */
static bool pass_time(void)
{
    while (ready() == 0) {
        all.earliest = OS_FOREVER;
        EACH(i, all.asleep & ~all.held)
        {
            all.earliest = fibers[i].deadline < all.earliest ? fibers[i].deadline : all.earliest;
        }
        if (all.earliest == OS_FOREVER) {
            all.end = (all.awake | all.asleep) != 0 ? SIM_STUCK : SIM_DONE;
            return false;
        }
        if (all.earliest > all.until) {
            sim_set_time(all.until > sim_hot.now ? all.until : sim_hot.now);
            all.end = SIM_QUIET;
            return false;
        }
        all.jumps++;
        sim_set_time(all.earliest);
        sim_fibers_expire();
    }
    return true;
}

/* The running fiber cannot go on now: somebody else does. Returns when it can, and is next. */
static void block(void)
{
    if (pass_time()) {
        switch_to(sim_schedule_next(all.last, ready()));
    } else {
        switch_to_caller(all.end);
    }
}

/* The running fiber lets others go first, if there are any. */
static void give_way(void)
{
    uint32_t self = sim_hot.running;
    uint32_t others = ready() & ~BIT(self);
    sim_schedule_lower(self);
    if (others != 0) {
        switch_to(sim_schedule_next(self, others));
    }
}

/* --- steps --- */

static void step(enum sim_event event, const void *field)
{
    uint32_t self = sim_hot.running;
    uint64_t place = sim_place(field);
    sim_trace(event, (place & SIM_SHARED) != 0 ? place : 0);
    sim_hot.steps++;
    if (++fibers[self].steps > sim_hot.options.steps_max) {
        fibers[self].steps = 0;
        all.culprit = self;
        switch_to_caller(SIM_ENDLESS);
    }
    if (sim_hot.due != 0) {
        sim_stranger_step();
        sim_later_step();
        sim_process_step(fibers[self].process);
    }
    uint32_t others = ready() & ~BIT(self);
    if (others != 0) {
        switch_to(sim_schedule_interrupt(self, others));
    }
}

void sim_step(bool store, const void *field)
{
    if (sim_hot.running != UINT32_MAX) {
        step(store ? EVENT_STORE : EVENT_LOAD, field);
    }
}

void os_pause(void)
{
    sim_advance(SIM_LOOK_NS);
    if (sim_hot.running != UINT32_MAX) {
        step(EVENT_PAUSE, NULL);
        give_way();
    }
}

/* --- waiting and waking --- */

static int sleep_until(uint64_t place, uint32_t expected, int64_t deadline)
{
    struct fiber *self = &fibers[sim_hot.running];
    self->state = SIM_WAITS;
    self->place = place;
    self->expected = expected;
    self->deadline = deadline;
    all.awake &= ~BIT(sim_hot.running);
    all.asleep |= BIT(sim_hot.running);
    all.earliest = deadline < all.earliest ? deadline : all.earliest;
    block();
    return self->expired ? ETIMEDOUT : 0;
}

int os_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    int result = 0;
    asan_check_word((const void *)word);
    if (sim_hot.running == UINT32_MAX) {
        if (atomic_load(word) == expected) {
            assert(deadline != OS_FOREVER && "nobody else goes on while the caller waits");
            sim_advance(deadline > sim_hot.now ? deadline - sim_hot.now : 0);
            result = ETIMEDOUT;
        }
        return result;
    }
    step(EVENT_WAIT, (const void *)word);
    if (atomic_load(word) == expected) { /* compared and asleep in one step */
        if (deadline <= sim_hot.now) {
            give_way();
            result = ETIMEDOUT;
        } else {
            result = sleep_until(sim_place((const void *)word), expected, deadline);
        }
    }
    sim_trace(EVENT_TIME, (uint64_t)result);
    return result;
}

void os_wake(_Atomic uint32_t *word)
{
    asan_check_word((const void *)word); /* that it is there */
    if (sim_hot.running != UINT32_MAX) {
        step(EVENT_WAKE, (const void *)word);
    }
    if (all.asleep != 0) {
        uint64_t place = sim_place((const void *)word);
        EACH(i, all.asleep)
        {
            if (fibers[i].place == place) {
                wake(i, false);
            }
        }
    }
}

/* --- fibers --- */

static void fiber_main(void)
{
    sim_context_entered();
    struct fiber *self = &fibers[sim_hot.running];
    self->body(self->context);
    self->state = SIM_ENDED;
    all.awake &= ~BIT(sim_hot.running);
    block();
}

uint32_t sim_start(uint32_t process, const char *name, void (*body)(void *context), void *context)
{
    assert(all.count < SIM_FIBERS_MAX);
    uint32_t number = all.count++;
    fibers[number] = (struct fiber){
        .body = body, .context = context, .name = name, .process = process, .since = sim_hot.now};
    all.awake |= BIT(number);
    all.held |= sim_stands(process) ? BIT(number) : 0;
    sim_schedule_start(number);
    sim_context_start(number, fiber_main);
    return number;
}

void sim_rest(void)
{
    struct fiber *self = &fibers[sim_hot.running];
    assert(sim_hot.running != UINT32_MAX);
    if (!self->resumed) {
        self->state = SIM_RESTS;
        all.awake &= ~BIT(sim_hot.running);
        block();
    }
    self->resumed = false;
}

void sim_resume(uint32_t fiber)
{
    assert(fiber < all.count);
    if (fibers[fiber].state == SIM_RESTS) {
        fibers[fiber].state = SIM_READY;
        all.awake |= BIT(fiber);
    }
    fibers[fiber].resumed = true;
}

void sim_call(const char *function)
{
    assert(sim_hot.running != UINT32_MAX);
    fibers[sim_hot.running].function = function;
    fibers[sim_hot.running].steps = 0;
    fibers[sim_hot.running].since = sim_hot.now;
}

void sim_switch(uint32_t fiber)
{
    assert(fiber < all.count);
    if (sim_hot.running == UINT32_MAX) {
        all.next = fiber + 1;
    } else if ((ready() & BIT(fiber)) != 0) {
        switch_to(fiber);
    }
}

static uint32_t fibers_of(uint32_t process)
{
    uint32_t set = 0;
    for (uint32_t i = 0; i < all.count; i++) {
        set |= fibers[i].process == process ? BIT(i) : 0;
    }
    return set;
}

void sim_fibers_kill(uint32_t process)
{
    uint32_t dead = fibers_of(process);
    EACH(i, dead)
    {
        fibers[i].state = fibers[i].state != SIM_ENDED ? SIM_DEAD : SIM_ENDED;
    }
    all.awake &= ~dead;
    all.asleep &= ~dead;
    if (sim_hot.running != UINT32_MAX && (dead & BIT(sim_hot.running)) != 0) {
        block();
    }
}

void sim_fibers_stop(uint32_t process)
{
    all.held |= fibers_of(process);
    if (sim_hot.running != UINT32_MAX && (all.held & BIT(sim_hot.running)) != 0) {
        block();
    }
}

void sim_fibers_continue(uint32_t process)
{
    all.held &= ~fibers_of(process);
    all.earliest = 0; /* deadlines may have passed meanwhile */
    sim_fibers_expire();
}

enum sim_end sim_run(int64_t until)
{
    assert(sim_hot.running == UINT32_MAX);
    all.until = until;
    if (pass_time()) {
        bool named = all.next != 0 && (ready() & BIT(all.next - 1)) != 0;
        uint32_t first = named ? all.next - 1 : sim_schedule_next(all.last, ready());
        all.next = 0;
        switch_to(first);
    }
    return all.end;
}

uint32_t sim_culprit(void)
{
    return all.culprit;
}

/* --- for reports --- */

uint32_t sim_count(void)
{
    return all.count;
}

void sim_look(uint32_t number, struct sim_fiber *state)
{
    assert(number < all.count);
    const struct fiber *fiber = &fibers[number];
    *state = (struct sim_fiber){.name = fiber->name,
                                .function = fiber->function,
                                .process = fiber->process,
                                .state = fiber->state,
                                .steps = fiber->steps,
                                .deadline = fiber->deadline,
                                .since = fiber->since,
                                .expected = fiber->expected};
    if (fiber->state == SIM_WAITS && !sim_object_at(fiber->place, state->object, &state->offset)) {
        state->object[0] = '\0';
    }
}

static int explain_wait(const struct sim_fiber *fiber, char *text, size_t size)
{
    char where[OS_NAME_MAX + 32] = "memory of its own";
    char deadline[48] = "without a deadline";
    if (fiber->object[0] != '\0') {
        snprintf(where, sizeof where, "%s+%llu", fiber->object, (unsigned long long)fiber->offset);
    }
    if (fiber->deadline != OS_FOREVER) {
        snprintf(deadline, sizeof deadline, "until %.6f s", (double)fiber->deadline / 1e9);
    }
    return snprintf(text, size, "%s of %s: %s waits for %s (is %u) %s", fiber->name,
                    sim_process_name(fiber->process), fiber->function != NULL ? fiber->function : "it", where,
                    fiber->expected, deadline);
}

int sim_explain(uint32_t number, char *text, size_t size)
{
    static const char *const words[] = {
        [SIM_READY] = "can go on", [SIM_RESTS] = "rests", [SIM_ENDED] = "has ended", [SIM_DEAD] = "is dead"};
    struct sim_fiber fiber;
    sim_look(number, &fiber);
    if (fiber.state == SIM_WAITS) {
        return explain_wait(&fiber, text, size);
    }
    return snprintf(text, size, "%s of %s: %s%s%s", fiber.name, sim_process_name(fiber.process),
                    fiber.function != NULL ? fiber.function : "", fiber.function != NULL ? " " : "",
                    words[fiber.state]);
}
