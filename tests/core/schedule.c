#include "schedule.h"

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "os.h"
#include "shared.h"
#include "shared_event.h"

enum {
    STACK = 128 << 10,
    CHOICES_MAX = 4096
};

struct fiber {
    ucontext_t context;
    char *stack;
    bool exists;
    bool finished;
    _Atomic uint32_t *asleep_on; /* NULL: runnable */
};

/* A place where the run could go on in several ways: taken + 1 < options means there are more to try. */
struct choice {
    uint8_t options;
    uint8_t taken;
    bool forced; /* taking any but the first is a pre-emption */
};

static const struct schedule_program *current;
static struct fiber fibers[SCHEDULE_FIBERS_MAX];
static ucontext_t main_context;
static int running;
static bool scheduling, lost_wake_up;
static struct choice choices[CHOICES_MAX];
static uint32_t fixed, made; /* choices given by the search, and made so far in this run */

/* The runnable fibers but `except`, in order; returns how many. */
static int list_runnable(int except, int list[SCHEDULE_FIBERS_MAX])
{
    int count = 0;
    for (int i = 0; i < SCHEDULE_FIBERS_MAX; i++) {
        if (i != except && fibers[i].exists && !fibers[i].finished && fibers[i].asleep_on == NULL) {
            list[count++] = i;
        }
    }
    return count;
}

static int choose(int options, bool forced)
{
    if (options == 1) {
        return 0;
    }
    assert_true(made < CHOICES_MAX);
    struct choice *choice = &choices[made];
    if (made >= fixed) {
        choice->taken = 0;
    }
    choice->options = (uint8_t)options;
    choice->forced = forced;
    made++;
    return choice->taken;
}

static void switch_to(int fiber)
{
    int from = running;
    running = fiber;
    swapcontext(&fibers[from].context, &fibers[fiber].context);
}

/* The running fiber cannot go on: another must, or nobody ever will. */
static void yield_blocked(void)
{
    int list[SCHEDULE_FIBERS_MAX];
    int count = list_runnable(running, list);
    if (count > 0) {
        switch_to(list[choose(count, false)]);
        return;
    }
    for (int i = 0; i < SCHEDULE_FIBERS_MAX; i++) {
        if (fibers[i].exists && !fibers[i].finished) {
            print_message("fiber %d sleeps for ever\n", i);
            lost_wake_up = true;
        }
    }
    setcontext(&main_context);
}

void shared_step(enum shared_access access, const void *field)
{
    int list[SCHEDULE_FIBERS_MAX];
    (void)access;
    (void)field;
    if (!scheduling) {
        return;
    }
    int taken = choose(1 + list_runnable(running, list), true);
    if (taken > 0) {
        switch_to(list[taken - 1]);
    }
}

/* --- the operating system, as far as waiting goes --- */

int os_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    (void)deadline;
    if (atomic_load(word) == expected) { /* the kernel compares and sleeps in one step */
        assert_true(scheduling);
        fibers[running].asleep_on = word;
        yield_blocked();
    }
    return 0;
}

/* One shared word has an address for each mapping of its object. Objects are mapped at multiples of
 * OS_MEMORY_ALIGNMENT, so what the addresses have in common is the place within; that a word of another object
 * shares it wakes somebody for nothing at worst, as the kernel may, too. */
static bool is_same_word(_Atomic uint32_t *a, _Atomic uint32_t *b)
{
    return ((uintptr_t)a ^ (uintptr_t)b) % OS_MEMORY_ALIGNMENT == 0;
}

void os_wake(_Atomic uint32_t *word)
{
    for (int i = 0; i < SCHEDULE_FIBERS_MAX; i++) {
        if (fibers[i].asleep_on != NULL && is_same_word(fibers[i].asleep_on, word)) {
            fibers[i].asleep_on = NULL;
        }
    }
}

int64_t os_now(void)
{
    return 1;
}

void os_pause(void) {}

/* --- the search --- */

static void fiber_main(int index)
{
    current->bodies[index]();
    fibers[index].finished = true;
    yield_blocked();
}

static void start_fiber(int index)
{
    struct fiber *fiber = &fibers[index];
    fiber->exists = current->bodies[index] != NULL;
    fiber->finished = false;
    fiber->asleep_on = NULL;
    if (fiber->exists) {
        getcontext(&fiber->context);
        fiber->context.uc_stack.ss_sp = fiber->stack;
        fiber->context.uc_stack.ss_size = STACK;
        fiber->context.uc_link = NULL;
        makecontext(&fiber->context, (void (*)(void))fiber_main, 1, index);
    }
}

static void run_once(void)
{
    if (current->prepare != NULL) {
        current->prepare();
    }
    for (int i = 0; i < SCHEDULE_FIBERS_MAX; i++) {
        start_fiber(i);
    }
    made = 0;
    lost_wake_up = false;
    scheduling = true;
    running = 0;
    swapcontext(&main_context, &fibers[0].context);
    scheduling = false;
    assert_false(lost_wake_up);
    if (current->check != NULL) {
        current->check();
    }
}

static uint32_t preemptions_before(uint32_t length)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < length; i++) {
        count += choices[i].forced && choices[i].taken > 0;
    }
    return count;
}

/* Depth first: takes the next way at the last choice that has one, forgets what followed. */
static bool next_schedule(uint32_t preemptions)
{
    for (uint32_t i = made; i-- > 0;) {
        bool free = !choices[i].forced || choices[i].taken > 0 || preemptions_before(i) < preemptions;
        if (choices[i].taken + 1 < choices[i].options && free) {
            choices[i].taken++;
            fixed = i + 1;
            return true;
        }
    }
    return false;
}

uint32_t schedule_explore(const struct schedule_program *program, uint32_t preemptions)
{
    uint32_t schedules = 0;
    current = program;
    event_set_spinning(false); /* looking on and on for what others do is no schedule */
    for (int i = 0; i < SCHEDULE_FIBERS_MAX; i++) {
        fibers[i].stack = malloc(STACK);
        assert_non_null(fibers[i].stack);
    }
    fixed = 0;
    do {
        run_once();
        schedules++;
    } while (next_schedule(preemptions));
    for (int i = 0; i < SCHEDULE_FIBERS_MAX; i++) {
        free(fibers[i].stack);
    }
    return schedules;
}
