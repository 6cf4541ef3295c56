/* The world of a scenario in the simulation: the client and the server are processes of it. */
#include <stdio.h>

#include "play.h"
#include "shared_event.h"
#include "sim.h"

enum {
    PROCESS_CLIENT = 1, /* the world's first; the server is the next */
};

static void begin(const struct scenario *scenario)
{
    const struct sim_options options = {.seed = scenario->seed};
    event_set_spinning(false); /* it learns from one scenario for the next */
    sim_begin(&options);
    sim_process("server");
}

static void become(enum scenario_process process)
{
    sim_become(process == SCENARIO_SERVER ? PROCESS_CLIENT + 1 : PROCESS_CLIENT);
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

const struct play_host play_in_simulation = {.begin = begin, .become = become, .end = end};
