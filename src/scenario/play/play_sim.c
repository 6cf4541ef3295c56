/* The world of a scenario in the simulation: who makes calls are processes of it, actors their fibers. */
#include <stdio.h>
#include <string.h>

#include "play.h"
#include "shared_event.h"
#include "sim.h"

enum {
    ACTORS = SCENARIO_PROCESS_COUNT * SCENARIO_THREADS_MAX,
};

static struct actor {
    bool started;
    uint32_t fiber;
    void (*make)(void *context);
    void *context;
} actors[ACTORS];

/* The world's first is the client. */
static uint32_t number_of(enum scenario_process process)
{
    return (uint32_t)process + 1;
}

static void begin(const struct scenario *scenario)
{
    const struct sim_options options = {.seed = scenario->seed};
    event_set_spinning(false); /* it learns from one scenario for the next */
    sim_begin(&options);
    sim_process("secondary");
    sim_process("another");
    sim_process("server");
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
    sim_run(os_now() + ns);
}

static void explain(uint8_t who, char *text, size_t size)
{
    sim_explain(actors[who].fiber, text, size);
}

static void kill_process(enum scenario_process process)
{
    sim_kill(number_of(process));
}

static bool end(char *text, size_t size)
{
    char name[OS_NAME_MAX] = "";
    uint32_t names = sim_names(name), mappings = sim_mappings(0);
    snprintf(text, size, "%u names of shared memory are left, %s among them, and %u mappings", names, name,
             mappings);
    sim_end();
    return names == 0 && mappings == 0;
}

const struct play_host play_in_simulation = {.begin = begin,
                                             .become = become,
                                             .call = call,
                                             .go_on = go_on,
                                             .explain = explain,
                                             .kill = kill_process,
                                             .end = end};
