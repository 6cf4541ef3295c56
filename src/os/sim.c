/* The world as a whole: its life, its processes, its time and its hash. */
#include <assert.h>
#include <string.h>

#include "sim_context.h"
#include "sim_internal.h"

enum {
    BORN_MS = 1000 /* the clock at the beginning: no time is 0 */
};

struct process {
    const char *name;
    bool alive;
    bool stopped;
    bool feigns_death;
    uint32_t steps_left; /* until it is killed, plus one; 0: it is not */
};

struct sim_hot sim_hot = {.running = UINT32_MAX};

static struct {
    struct process processes[SIM_PROCESSES_MAX + 1]; /* by number */
    uint32_t process_count;
    uint32_t caller;
} world;

void sim_begin(const struct sim_options *options)
{
    sim_end();
    sim_hot.options = *options;
    sim_hot.options.steps_max = options->steps_max != 0 ? options->steps_max : SIM_STEPS_MAX;
    sim_hot.now = BORN_MS * INT64_C(1000000);
    sim_schedule_reset();
    world.caller = sim_process("caller");
}

void sim_end(void)
{
    sim_context_reset();
    sim_fibers_reset();
    sim_memory_reset();
    sim_views_reset();
    sim_heap_reset();
    sim_stranger_reset();
    sim_later_reset();
    memset(&world, 0, sizeof world);
    sim_hot = (struct sim_hot){.running = UINT32_MAX, .views = sim_hot.views};
}

/* --- the hash --- */

void sim_note(uint64_t value)
{
    sim_trace(EVENT_NOTE, value);
}

uint64_t sim_hash(void)
{
    return sim_hot.hash;
}

struct sim_counts sim_counts(void)
{
    return (struct sim_counts){
        .steps = sim_hot.steps, .switches = sim_count_switches(), .jumps = sim_count_jumps()};
}

/* --- time --- */

void sim_set_time(int64_t now)
{
    assert(now >= sim_hot.now);
    sim_hot.now = now;
    sim_trace(EVENT_TIME, (uint64_t)now);
}

int64_t sim_time(void)
{
    return sim_hot.now;
}

void sim_advance(int64_t ns)
{
    assert(ns >= 0);
    sim_set_time(ns < OS_FOREVER - sim_hot.now ? sim_hot.now + ns : OS_FOREVER - 1);
    sim_fibers_expire();
}

int64_t os_now(void)
{
    sim_advance(SIM_LOOK_NS);
    return sim_hot.now;
}

/* --- processes --- */

static struct process *process_of(uint32_t number)
{
    assert(number >= 1 && number <= world.process_count);
    return &world.processes[number];
}

uint32_t sim_process(const char *name)
{
    assert(world.process_count < SIM_PROCESSES_MAX);
    uint32_t number = ++world.process_count;
    world.processes[number] = (struct process){.name = name, .alive = true};
    return number;
}

const char *sim_process_name(uint32_t process)
{
    return process_of(process)->name;
}

void sim_become(uint32_t process)
{
    assert(sim_self() == UINT32_MAX && process_of(process)->alive);
    world.caller = process;
}

uint32_t sim_current_process(void)
{
    return sim_hot.running != UINT32_MAX ? sim_fiber_process(sim_hot.running) : world.caller;
}

bool sim_lives(uint32_t process)
{
    return process_of(process)->alive;
}

bool sim_stands(uint32_t process)
{
    return process_of(process)->stopped;
}

void sim_kill(uint32_t number)
{
    struct process *process = process_of(number);
    sim_trace(EVENT_PROCESS, number);
    sim_hot.due -= process->steps_left != 0;
    process->steps_left = 0;
    process->alive = false;
    sim_memory_kill(number);
    sim_heap_kill(number);
    sim_fibers_kill(number);
}

void sim_kill_at(uint32_t number, uint32_t steps)
{
    struct process *process = process_of(number);
    sim_hot.due += process->steps_left == 0;
    process->steps_left = steps + 1;
}

void sim_process_step(uint32_t number)
{
    struct process *process = process_of(number);
    if (process->steps_left != 0 && --process->steps_left == 0) {
        sim_hot.due--;
        sim_kill(number);
    }
}

void sim_stop(uint32_t number)
{
    process_of(number)->stopped = true;
    sim_fibers_stop(number);
}

void sim_continue(uint32_t number)
{
    process_of(number)->stopped = false;
    sim_fibers_continue(number);
}

void sim_feign_death(uint32_t number, bool dead)
{
    process_of(number)->feigns_death = dead;
}

/* All processes are of one count, and were born at a time that tells their numbers. */
enum {
    SPACE = 1,
    BIRTH = 1000
};

struct os_process os_process_self(void)
{
    uint32_t number = sim_current_process();
    return (struct os_process){.pid = number, .space = SPACE, .start_time = BIRTH + number};
}

bool os_process_alive(const struct os_process *process)
{
    bool alive = process->pid != 0;
    bool seen = process->space == 0 || process->space == SPACE;
    if (alive && seen) {
        const struct process *entry = &world.processes[process->pid % (SIM_PROCESSES_MAX + 1)];
        bool same = process->start_time == 0 || process->start_time == BIRTH + process->pid;
        alive = process->pid <= world.process_count && same && entry->alive && !entry->feigns_death;
    }
    sim_trace(EVENT_PROCESS, alive);
    return alive;
}
