/* The simulation as a player's world. */
#include "sim.h"
#include "world.h"

const struct play_host *const world_host = &play_in_simulation;

void world_begin_call(const char *function)
{
    sim_call(function);
}

void world_note(uint64_t value)
{
    sim_note(value);
}

uint64_t world_hash(void)
{
    return sim_hash();
}

int64_t world_time(void)
{
    return sim_time();
}
