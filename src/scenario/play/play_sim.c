/* The world of a scenario in the simulation: who makes calls are processes of it, actors their fibers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "play_sim.h"
#include "shared_event.h"

enum {
    STEPS_MAX = 4000000, /* of one call, which may wait in slices through all the lines of a scenario */
    ACTORS = SCENARIO_PROCESS_COUNT * SCENARIO_THREADS_MAX,
};

static struct actor {
    bool started;
    uint32_t fiber;
    void (*make)(void *context);
    void *context;
} actors[ACTORS];

static bool endless, littered;
static uint32_t device_count; /* as the scenario says */

/* The world's first is the client; the last one takes over what the dead leave. */
static uint32_t number_of(enum scenario_process process)
{
    return (uint32_t)process + 1;
}

static void begin(const struct scenario *scenario)
{
    static const enum sim_schedule schedules[SCENARIO_SCHEDULE_COUNT] = {
        [SCENARIO_IN_ORDER] = SIM_IN_ORDER,
        [SCENARIO_ROUND_ROBIN] = SIM_ROUND_ROBIN,
        [SCENARIO_RANDOM] = SIM_RANDOM,
        [SCENARIO_PCT] = SIM_PCT};
    const struct sim_options options = {.schedule = schedules[scenario->schedule],
                                        .seed = scenario->seed,
                                        .changes = scenario->changes,
                                        .steps_max = STEPS_MAX};
    event_set_spinning(false); /* it learns from one scenario for the next */
    sim_begin(&options);
    sim_process("secondary");
    sim_process("another");
    sim_process("server");
    sim_process("nobody");
    endless = littered = false;
    device_count = scenario->device_count;
    memset(actors, 0, sizeof actors);
}

static void become(enum scenario_process process)
{
    sim_become(number_of(process));
}

/* A fiber gets its calls one by one. */
static void act(void *context)
{
    struct actor *self = context;
    for (;;) {
        sim_call(NULL);
        self->make(self->context);
        sim_rest();
    }
}

static void call(uint8_t who, void (*make)(void *context), void *context)
{
    static const char *const names[][SCENARIO_THREADS_MAX] = {
        {"client", "client.2", "client.3", "client.4"},
        {"secondary", "secondary.2", "secondary.3", "secondary.4"},
        {"another", "another.2", "another.3", "another.4"},
        {"server", "server.2", "server.3", "server.4"},
    };
    struct actor *actor = &actors[who];
    enum scenario_process process = scenario_actor_process(who);
    uint32_t thread = scenario_actor_thread(who);
    actor->make = make;
    actor->context = context;
    if (actor->started) {
        sim_resume(actor->fiber);
        return;
    }
    actor->started = true;
    actor->fiber = sim_start(number_of(process), names[process][thread], act, actor);
}

static void go_on(int64_t ns)
{
    endless = endless || sim_run(os_now() + ns) == SIM_ENDLESS;
}

static void explain(uint8_t who, char *text, size_t size)
{
    sim_explain(actors[who].fiber, text, size);
}

static void kill_process(enum scenario_process process)
{
    sim_kill(number_of(process));
}

/* --- the world's doings --- */

static enum play_being being(enum scenario_process process)
{
    uint32_t number = number_of(process);
    return !sim_lives(number) ? PLAY_IS_DEAD : sim_stands(number) ? PLAY_STANDS : PLAY_LIVES;
}

static void go_on_with(uint8_t who)
{
    if (who < ACTORS && actors[who].started) {
        sim_switch(actors[who].fiber);
    }
}

static void happen(void *context)
{
    const struct scenario_line *line = context;
    uint32_t number = number_of((enum scenario_process)line->arg[0]);
    switch (line->verb) {
    case SCENARIO_WORLD_KILL:
        if (sim_lives(number)) {
            sim_kill(number);
        }
        break;
    case SCENARIO_WORLD_STOP:
        sim_stop(number);
        break;
    case SCENARIO_WORLD_CONTINUE:
        sim_continue(number);
        break;
    case SCENARIO_WORLD_SWITCH:
        go_on_with((uint8_t)line->arg[0]);
        break;
    default:
        play_sim_write(line, device_count);
        break;
    }
}

static bool world(const struct scenario_line *line)
{
    bool writes = line->verb == SCENARIO_WORLD_SET || line->verb == SCENARIO_WORLD_ADD ||
                  line->verb == SCENARIO_WORLD_FLIP;
    uint32_t after = (uint32_t)line->arg[writes ? 2 : 1];
    switch (line->verb) {
    case SCENARIO_WORLD_ADVANCE:
        sim_advance((int64_t)(uint32_t)line->arg[0] * 1000000);
        go_on(0);
        break;
    case SCENARIO_WORLD_STORM:
        sim_storm((uint64_t)line->wide[0], (uint32_t)line->arg[0], (uint32_t)line->arg[1]);
        break;
    case SCENARIO_WORLD_FAIL_MEMORY:
        sim_fail(SIM_CREATE, (uint32_t)line->arg[0] + 1, ENOSPC);
        break;
    default:
        if (after == 0) {
            happen((void *)(uintptr_t)line);
        } else {
            sim_at(after - 1, happen, (void *)(uintptr_t)line);
        }
        break;
    }
    return true;
}

static uint32_t steps(uint8_t who)
{
    struct sim_fiber fiber;
    sim_look(actors[who].fiber, &fiber);
    return fiber.steps;
}

static void litter(void)
{
    littered = true;
}

static bool end(char *text, size_t size)
{
    char name[OS_NAME_MAX] = "";
    uint32_t names = sim_names(name), mappings = sim_mappings(0);
    bool over = (names == 0 || littered) && mappings == 0 && !endless;
    if (endless) {
        snprintf(text, size, "somebody made more than %d steps", STEPS_MAX);
    } else if (!over) {
        snprintf(text, size, "%u names of shared memory are left, %s among them, and %u mappings", names,
                 name, mappings);
    }
    sim_end();
    return over;
}

const struct play_host play_in_simulation = {.begin = begin,
                                             .become = become,
                                             .call = call,
                                             .go_on = go_on,
                                             .explain = explain,
                                             .kill = kill_process,
                                             .end = end,
                                             .world = world,
                                             .being = being,
                                             .steps = steps,
                                             .litter = litter,
                                             .now = sim_time};
